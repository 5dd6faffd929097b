"""Contacts, one at a time: written, read, explained, deleted."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema
from contacts.api.explain import explain
from contacts.api.fields import keys_by_id
from contacts.api.reading import find_by_external_id, read_shown_contact
from contacts.api.refusals import check_readable, no_such_contact, told_on_the_wire
from contacts.api.translate import read_contact, read_update
from contacts.identity import Outcome, delete_contacts, erase_contacts, resolve_one
from contacts.identity.types import API
from contacts.wire import WireContact
from crm.api.renderers import Sentence
from crm.api.views import ApiView

__all__ = ["ContactView", "ContactsView"]

FLAGS = {"": False, "false": False, "0": False, "no": False, "true": True, "1": True, "yes": True}


class ContactsView(ApiView):
    """``/v1/contact``: whoever the body, or the external ID, means."""

    area = "contacts"

    @property
    def actions(self) -> dict[str, str]:
        """A dry run writes nothing and shows what a contact has: it takes the right to read."""
        return {"POST": "read"} if self.is_dry_run else {}

    @property
    def refuses_repeats(self) -> bool:
        return self.request.method == "POST" and not self.is_dry_run

    @property
    def is_dry_run(self) -> bool:
        return self.request.method == "POST" and read_flag(self.request, "dryRun")

    @schema.add_contact
    def post(self, request: Request) -> Response:
        wire = read_contact(request.data, keys_by_id)
        if self.is_dry_run:
            return Response(explain(resolve_wire(wire, request, dry_run=True), wire, keys_by_id()))
        contact_id = resolve_wire(wire, request).contact_id
        self.about = [contact_id] if contact_id else None
        return Response({"id": contact_id})

    @schema.delete_by_external_id
    def delete(self, request: Request) -> Response:
        value = request.query_params.get("externalCustomerId", "").strip()
        if not value:
            raise refused_parameter("externalCustomerId", "required", _("Say whose contact: externalCustomerId=…"))
        contact_id = find_by_external_id(value)
        if contact_id is None:
            raise no_such_contact("externalCustomerId", value)
        return remove_contact(request, contact_id, "externalCustomerId", value)


class ContactView(ApiView):
    """``/v1/contact/{id}``: the contact that the caller names (L10–L13)."""

    area = "contacts"

    @schema.get_contact
    def get(self, request: Request, contact_id: int) -> Response:
        shown = read_shown_contact(contact_id)
        if shown is None:
            raise no_such_contact("id", contact_id)
        return Response(shown)

    @schema.update_contact
    def put(self, request: Request, contact_id: int) -> Response:
        wire = read_update(request.data, keys_by_id)
        wire.put("id", contact_id, "id")
        resolve_wire(wire, request)
        return Response(Sentence(f"Contact with id='{contact_id}' has been updated"))

    @schema.delete_contact
    def delete(self, request: Request, contact_id: int) -> Response:
        return remove_contact(request, contact_id, "id", contact_id)


def resolve_wire(wire: WireContact, request: Request, *, dry_run: bool = False) -> Outcome:
    check_readable(wire)
    with told_on_the_wire(wire):
        return resolve_one(wire.record, API, by=name_of_caller(request), dry_run=dry_run)


def remove_contact(request: Request, contact_id: int, name: str, value: object) -> Response:
    """Deletes, or erases for good. Deleting again is fine, erasing again finds nobody (L12, L13)."""
    verb = erase_contacts if read_flag(request, "erase") else delete_contacts
    (outcome,) = verb([contact_id], by=name_of_caller(request))
    if outcome.code == "contact_not_found":
        raise no_such_contact(name, value)
    return Response(Sentence(f"Contact with {name}='{value}' has been deleted"))


def name_of_caller(request: Request) -> str:
    return f"key:{request.user.pk}"


def read_flag(request: Request, name: str) -> bool:
    """A parameter that is yes or no. What is neither is refused: a guess could erase somebody."""
    given = request.query_params.get(name, "").strip().lower()
    if given not in FLAGS:
        raise refused_parameter(name, "invalid_boolean", _("Write true or false."))
    return FLAGS[given]


def refused_parameter(name: str, code: str, message: str) -> ValidationError:
    detail: dict[str, Any] = {name: [ErrorDetail(message, code)]}
    return ValidationError(detail)
