"""``/v1/device``, ``/v1/user`` and ``/v1/events``: what an app tells, each as one call of a verb."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import MOBILE_EVENT, EventOutcome, NewEvent, record_events
from contacts.identity import Outcome
from contacts.identity.errors import IdentifierMissing, WriteConflict
from contacts.identity.settings import current_settings
from contacts.mobile import Device, follow_device, list_identifiers, note_device, note_seen_device, note_user
from contacts.models import App, read_account_zone
from contacts.records import Problem
from contacts.tracking.app import schema
from contacts.tracking.app.authentication import AppKeyAuthentication
from contacts.tracking.app.throttles import AppThrottle
from contacts.tracking.app.translate import read_device, read_events, read_user
from contacts.tracking.app.wishes import settle_wishes
from contacts.tracking.types_made import take_out_new_types
from contacts.wire import WireContact
from crm.api.errors import TryAgain
from crm.api.views import ApiView
from crm.errors import CardfileError

__all__ = ["DeviceView", "EventsView", "UserView"]

BY: Final = "tracker:mobile"
SMALL_BODY_BYTES: Final = 256 * 1024
MOST_EVENTS: Final = 1_000
MOST_TOLD: Final = 100
PATHS: Final = {"type": ".eventTypeKey", "key": ".keyValue", "params": ".params"}


class NotAnObject(CardfileError):
    """Send one JSON object."""

    code = "not_an_object"


class DeviceIdMissing(CardfileError):
    """Send the device's ID as text: deviceId."""

    code = "required"


class TooManyEvents(CardfileError):
    """Send at most 1,000 events at a time."""

    code = "body_too_large"


class AppPermission(BasePermission):
    """Whoever has an app's key may do all that is here, and nothing of it anywhere else."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class AppView(ApiView):
    area = None
    rate = "apps"
    keeps_answers = False
    authentication_classes = [AppKeyAuthentication]
    permission_classes = [AppPermission]
    throttle_classes = [AppThrottle]

    def handle_exception(self, error: Exception) -> Response:
        """What another try may cure is no 4xx: the app would drop the record."""
        return super().handle_exception(TryAgain(retry_after=1) if isinstance(error, WriteConflict) else error)


class DeviceView(AppView):
    """``/v1/device``: what a device is, and its push token."""

    most_body_bytes = SMALL_BODY_BYTES

    @schema.note_device
    def post(self, request: Request) -> Response:
        app = app_of(request)
        device, wire = read_device(read_object(request.data), current_settings().schema)
        outcome = note_device(app, device, wire, by=BY)
        note_seen(app, outcome)
        return Response({"warnings": show(wire.problems)})


class UserView(AppView):
    """``/v1/user``: who holds the device."""

    most_body_bytes = SMALL_BODY_BYTES

    @schema.note_user
    def post(self, request: Request) -> Response:
        app = app_of(request)
        device, user = read_user(read_object(request.data), current_settings().schema)
        outcome = note_user(app, device, user.wire, settle_wishes(user, by=BY), by=BY)
        note_seen(app, outcome)
        return Response({"warnings": show(user.wire.problems)})


class EventsView(AppView):
    """``/v1/events``: what happened on a device; each event for itself, and each once."""

    @schema.add_events
    def post(self, request: Request) -> Response:
        body, now = read_object(request.data), datetime.now(UTC)
        app = app_of(request)
        device, read = read_events(
            body, current_settings().schema, cache(read_account_zone), now, key_prefix=f"a{app.pk}:"
        )
        if len(read.events) > MOST_EVENTS:
            raise TooManyEvents(path="events")
        read.wire.problems += take_out_new_types(read.events, read.paths)
        events = name_sender(read.events, read.wire, app, device)
        outcomes = record_events(events, by=BY, at=now, plan=MOBILE_EVENT)
        follow_device(device, (outcome.identity for outcome in outcomes if outcome.identity), by=BY)
        if any(outcome.code == WriteConflict.code for outcome in outcomes):
            raise WriteConflict  # the others are known by their keys when it comes again
        told = [*read.wire.problems, *problems_of(read.paths, outcomes)]
        accepted = sum(outcome.is_accepted for outcome in outcomes)
        return Response({"accepted": accepted, "warnings": show(told)})


# Reading


def app_of(request: Request) -> App:
    app: App = request.user.app
    return app


def read_object(body: Any) -> Mapping[str, Any]:
    """Raises what no field can cure: no object at all, or nothing that says which device it is."""
    if not isinstance(body, Mapping):
        raise NotAnObject
    given = body.get("deviceId")
    if isinstance(given, bool | list | Mapping) or given is None or not str(given).strip():
        raise DeviceIdMissing(path="deviceId")
    return body


def name_sender(events: Iterable[NewEvent], wire: WireContact, app: App, device: Device) -> list[NewEvent]:
    """All of them are of the same device, and of who was signed in on it."""
    contact = {**wire.record, "identifiers": list(list_identifiers(app, device))}
    if not contact["identifiers"] and not wire.record:
        raise IdentifierMissing(path="deviceId")
    return [replace(event, contact=contact) for event in events]


# Telling


def note_seen(app: App, outcome: Outcome) -> None:
    if outcome.contact_id is not None:
        note_seen_device(app, outcome.contact_id)


def problems_of(paths: Iterable[str], outcomes: Iterable[EventOutcome]) -> Iterable[Problem]:
    for path, outcome in zip(paths, outcomes, strict=True):
        if not outcome.is_accepted:
            yield Problem(f"{path}{PATHS.get(outcome.column, '')}", outcome.code, outcome.message)


def show(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """The first hundred."""
    told = dict.fromkeys(problems)
    shown = [{"path": path, "code": code, "message": _(message)} for path, code, message in told]
    return shown[:MOST_TOLD]
