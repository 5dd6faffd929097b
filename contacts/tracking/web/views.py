"""Where pages of websites send what their visitors do: ``/v1/web/events`` and ``/v1/web/identify``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import WEB_EVENT, record_events
from contacts.identity import resolve_one
from contacts.identity.errors import ExternalIdConflict, IdentifierMissing, InvalidRecord, WriteConflict
from contacts.identity.settings import current_settings
from contacts.identity.types import WEB
from contacts.models import Site
from contacts.records import Problem
from contacts.tracking.types_made import take_out_new_types
from contacts.tracking.web import schema
from contacts.tracking.web.calling import WebView, origin_of, refused
from contacts.tracking.web.reading import MOST_EVENTS, list_of, read_events, read_person
from contacts.tracking.web.sites import note_events_of
from contacts.wire import WireContact
from crm.api.errors import TryAgain

__all__ = ["EventsView", "IdentifyView"]

BY: Final = "tracker:web"
IDENTIFY: Final = replace(WEB, fill_blanks_only=True)
"""A page may be anybody's: it fills what is empty, and overwrites nothing."""
TOLD: Final = frozenset({"junk_value", "second_value_ignored", "external_id_ignored"})
"""Warnings that say something of what was sent, and nothing of other contacts."""


class EventsView(WebView):
    """``/v1/web/events``: each event for itself; one that cannot be stored keeps no other back."""

    @schema.add_events
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take(self, site: Site, body: Mapping[str, Any], cookie: str) -> list[Problem]:
        check_count(body.get("events"))
        contact, now = {"identifiers": [{"kind": "cookie", "value": cookie}]}, datetime.now(UTC)
        found = read_events(body, contact, key_prefix=f"w{site.pk}:", now=now)
        found.reasons += take_out_new_types(found.events, found.paths)
        outcomes = record_events(found.events, by=BY, at=now, plan=WEB_EVENT)
        if any(outcome.code == WriteConflict.code for outcome in outcomes):
            raise TryAgain(retry_after=1)
        for position, outcome in enumerate(outcomes):
            if not outcome.is_accepted:
                path = found.locate(position, outcome.column)
                found.reasons.append(Problem(path, outcome.code, outcome.message))
        stored = [event for event, outcome in zip(found.events, outcomes, strict=True) if outcome.is_accepted]
        if not stored:
            raise refused(found.reasons)
        note_events_of(site, stored, origin=origin_of(self.request))
        return found.reasons


class IdentifyView(WebView):
    """``/v1/web/identify``: who the visitor is, by the visitor's own word."""

    @schema.identify
    def post(self, request: Request) -> Response:
        return super().post(request)

    def take(self, site: Site, body: Mapping[str, Any], cookie: str) -> list[Problem]:
        columns = current_settings().schema.columns.values()
        fillable = {column.custom_key for column in columns if column.is_custom and not column.may_be_key}
        wire = read_person(body, cookie, fillable)
        return wire.problems + resolve_readable(wire)


def resolve_readable(wire: WireContact) -> list[Problem]:
    """Leaves out what cannot be read, or taken; raises where nobody is left who could be meant."""
    left_out: list[Problem] = []
    while any(column in wire.record for column in ("email", "phone", "external_id")):
        try:
            outcome = resolve_one(wire.record, IDENTIFY, by=BY)
        except InvalidRecord as error:
            problems = [one for one in error.problems if wire.record.pop(one.column, None) is not None]
            if not problems:
                raise refused(wire.located(error.problems)) from error
            left_out += wire.located(problems)
        except ExternalIdConflict as error:
            del wire.record["external_id"]
            left_out.append(Problem(wire.path_of("external_id"), error.code, error.message))
        except WriteConflict as error:
            raise TryAgain(retry_after=1) from error
        except IdentifierMissing:
            break
        else:
            return left_out + [one for one in wire.located(outcome.warnings) if one.code in TOLD]
    missing = Problem("", IdentifierMissing.code, _("Send an email, a phone or an external ID that can be read."))
    raise refused([*wire.problems, *left_out, missing])


def check_count(given: Any) -> None:
    events = list_of(given)
    if not events:
        raise refused([Problem("events", "required", _("Send a list of “%(name)s”.") % {"name": "events"})])
    if len(events) > MOST_EVENTS:
        message = _("Send at most %(most)d at a time; these are %(count)d.")
        raise refused([Problem("events", "too_many", message % {"most": MOST_EVENTS, "count": len(events)})])
