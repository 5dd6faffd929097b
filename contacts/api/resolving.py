"""Whom some identifiers mean, and why: the identity rules' answer, with nothing written."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_resolving as schema
from contacts.api.explain import explain
from contacts.api.fields import keys_by_id
from contacts.api.refusals import told_on_the_wire
from contacts.api.resource import custom_columns
from contacts.api.views import name_of_caller
from contacts.identity import resolve_one
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.wire import WireContact, is_empty
from crm.api.views import ApiView

__all__ = ["ResolveView"]

COLUMNS: Final = {
    "id": "id",
    "externalCustomerId": "external_id",
    "email": "email",
    "sms": "phone",
    "phone": "phone",
    "contactKey": "contact_key",
}
TOKENS: Final = {
    "device": Kind.DEVICE,
    "appInstance": Kind.APP_INSTANCE,
    "mobilepush": Kind.MOBILE_PUSH,
    "webpush": Kind.WEB_PUSH,
    "telegram": Kind.TELEGRAM,
    "cookie": Kind.COOKIE,
}


class ResolveView(ApiView):
    """``/v1/resolve``."""

    area = "contacts"
    rate = "search"

    @schema.resolve
    def get(self, request: Request) -> Response:
        wire = read_query(request)
        with told_on_the_wire(wire):
            outcome = resolve_one(wire.record, API, by=name_of_caller(request), dry_run=True)
        return Response(explain(outcome, wire, keys_by_id()))


def read_query(request: Request) -> WireContact:
    """The record that the parameters mean; custom keys go by the keys of their fields."""
    params, wire = request.query_params, WireContact()
    for name, column in COLUMNS.items():
        values = [value for value in params.getlist(name) if not is_empty(value)]
        if values and column not in wire.record:
            wire.put(column, values if len(values) > 1 and column in ("email", "phone") else values[-1], name)
    put_tokens(wire, params)
    for name, custom in custom_columns().items():
        if custom.may_be_key and not is_empty(params.get(name)):
            wire.put(custom.key, params[name], name)
    return wire


def put_tokens(wire: WireContact, params: Any) -> None:
    named = [(name, kind, value) for name, kind in TOKENS.items() for value in params.getlist(name)]
    given = [(name, kind, value) for name, kind, value in named if not is_empty(value)]
    for position, (name, _kind, _value) in enumerate(given):
        path = f"identifiers[{position}]"
        wire.paths.update({path: name, f"{path}.value": name, f"{path}.app": "app"})
    if given:
        app = params.get("app", "")
        wire.record["identifiers"] = [{"kind": kind.slug, "app": app, "value": value} for _name, kind, value in given]
