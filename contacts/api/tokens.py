"""Tokens of apps: whose one is, whether it is active, muted until when; and new ones, each hung on its contact.

Any app ID will do; one that nobody registered is listed on the page of apps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_tokens as schema
from contacts.api.activity import read_list
from contacts.api.reading_tokens import Token, find_token, find_tokens
from contacts.api.refusals import refused
from contacts.api.translate_activity import problems_of
from contacts.api.translate_tokens import (
    MAX_APP,
    read_active,
    read_added_token,
    read_duration,
    read_named_token,
    show_active,
)
from contacts.api.views import name_of_caller
from contacts.identity import Outcome, Status, resolve
from contacts.identity.types import ORDER
from contacts.mobile import note_app
from contacts.records import Problem
from contacts.wire import WireContact
from crm.api.errors import NotFound
from crm.api.renderers import Sentence
from crm.api.views import ApiView

__all__ = ["ActivatedView", "AddTokensView", "MuteView", "TokenContactView", "UnmuteView"]

MOST_TOKENS: Final = 3_000
ADD_TOKEN: Final = replace(ORDER, source="api")
"""As an order does: it finds its contact, or makes one, and changes nothing else (L17)."""
SET_TOKEN: Final = replace(ADD_TOKEN, may_create=False)


class ActivatedView(ApiView):
    """``/v1/contact/token/activated/{app}/{token}``: whether a push token may be sent to."""

    area = "contacts"

    @schema.get_activated
    def get(self, request: Request, app: str, token: str) -> Response:
        return Response({"active": show_active(known_token(app, token).details)})

    @schema.set_activated
    def put(self, request: Request, app: str, token: str) -> Response:
        active = read_active(request.data)
        if active is None:
            raise refused([Problem("active", "invalid_boolean", _("Write true or false."))])
        describe_token(app, token, {"active": active}, by=name_of_caller(request))
        self.about = []
        return Response({"active": active})


class TokenContactView(ApiView):
    """``/v1/contact/token/{app}/{token}/contactId``: who has a token."""

    area = "contacts"

    @schema.get_token_contact
    def get(self, request: Request, app: str, token: str) -> Response:
        return Response({"id": known_token(app, token).contact_id})


class AddTokensView(ApiView):
    """``/v1/apps/{app}/tokens``: tokens, each with whose it is."""

    area = "contacts"

    @schema.add_tokens
    def post(self, request: Request, app: str) -> Response:
        check_app(app)
        sent = read_list(request.data, "tokens", most=MOST_TOKENS)
        known = find_tokens(app, {str(body["token"]) for body in sent if isinstance(body, Mapping) and "token" in body})
        kinds = {text: token.kind for text, token in known.items()}
        wires = [read_added_token(body, app, kinds, f"tokens[{number}]") for number, body in enumerate(sent)]
        problems = [problem for wire in wires for problem in wire.problems]
        good = [wire for wire in wires if not wire.problems]
        outcomes = resolve([wire.record for wire in good], ADD_TOKEN, by=name_of_caller(request))
        for wire, outcome in zip(good, outcomes, strict=True):
            if outcome.status in (Status.FAILED, Status.SKIPPED):
                problems += located(wire, outcome)
        if problems:
            raise refused(problems)
        note_app(app)
        self.about = []
        return Response(Sentence("Tokens have been added"))


class MuteView(ApiView):
    """``/v1/apps/{app}/token/mute``: nothing is sent to a token for a while, or until it is unmuted."""

    area = "contacts"

    @schema.mute_token
    def post(self, request: Request, app: str) -> Response:
        check_app(app)
        token, problems = read_named_token(request.data)
        seconds, more = read_duration(request.data)
        if problems or more:
            raise refused([*problems, *more])
        until = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
        muted = {"muted": True, "mutedUntil": until.isoformat() if until else None}
        describe_token(app, token, muted, by=name_of_caller(request))
        self.about = []
        return Response(Sentence("Token has been muted"))


class UnmuteView(ApiView):
    """``/v1/apps/{app}/token/unmute``."""

    area = "contacts"

    @schema.unmute_token
    def post(self, request: Request, app: str) -> Response:
        check_app(app)
        token, problems = read_named_token(request.data)
        if problems:
            raise refused(problems)
        describe_token(app, token, {"muted": False, "mutedUntil": None}, by=name_of_caller(request))
        self.about = []
        return Response(Sentence("Token has been unmuted"))


def known_token(app: str, value: str) -> Token:
    token = find_token(app, value)
    if token is None:
        raise no_such_token()
    note_app(app)
    return token


def no_such_token() -> NotFound:
    """Clients look for the words “not found”, so these are not translated."""
    return NotFound("Token not found. Check the app and the token, or add the token first.")


def describe_token(app: str, value: str, details: dict[str, Any], *, by: str) -> None:
    """Notes something of a token, whoever has it by then."""
    token = known_token(app, value)
    identifier = {"kind": token.kind.slug, "app": token.app, "value": value, "details": details}
    [outcome] = resolve([{"identifiers": [identifier]}], SET_TOKEN, by=by)
    if outcome.contact_id is None:
        raise no_such_token()


def check_app(app: str) -> None:
    if "\0" in app or len(app.strip()) > MAX_APP:
        message = _("An app's ID is a text of at most %(most)d characters.") % {"most": MAX_APP}
        raise refused([Problem("app", "invalid_app", message)])


def located(wire: WireContact, outcome: Outcome) -> list[Problem]:
    problems = problems_of(wire, outcome.column, outcome.code, outcome.message, outcome.problems)
    return problems or [Problem(wire.path_of("token"), outcome.code, outcome.message)]
