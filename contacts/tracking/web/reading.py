"""From what a page sends to events and to a record that can be resolved.

As lenient in form as the server's API. What keeps a whole call back is a problem of its body; what is wrong with one
event, or one value of somebody's, is a reason that is told, and the rest is stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.activity import NewEvent
from contacts.columns import CUSTOM_PREFIX
from contacts.records import Problem
from contacts.wire import WireContact, is_empty, read_moment, read_text
from crm.api.renderers import encode

__all__ = ["MOST_EVENTS", "MOST_EVENT_BYTES", "WebEvents", "read_cookie", "read_events", "read_person"]

MOST_EVENTS: Final = 100
MOST_EVENT_BYTES: Final = 20 * 1024
OLDEST: Final = timedelta(days=30)
"""A page that was offline sends later; an event from longer ago would only be somebody's invention."""
ON_ITS_WAY: Final = timedelta(seconds=10)
"""How long a call may take, by a browser whose clock is right."""
COOKIE: Final = re.compile(r"[\w.-]{8,100}", re.ASCII)
TYPE: Final = re.compile(r"[\w][\w .:-]{0,99}")
"""Anybody may send any type, so it is at least a word."""
EVENT_PATHS: Final = {"type": "eventTypeKey", "key": "keyValue", "params": "params", "occurred_at": "occurred"}
NAMING: Final = {"email": "email", "phone": "phone", "externalCustomerId": "external_id"}
ATTRIBUTES: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "languageCode": "language_code",
    "timeZone": "time_zone",
    "region": "region",
    "town": "town",
    "address": "address",
    "postcode": "postcode",
}


@dataclass(slots=True)
class WebEvents:
    """The events of a call: those that can be stored, each with its path, and why others cannot."""

    events: list[NewEvent] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    reasons: list[Problem] = field(default_factory=list)

    def locate(self, position: int, column: str) -> str:
        """Where in the body a column of the event at this position was sent."""
        name = EVENT_PATHS.get(column, "")
        return f"{self.paths[position]}.{name}" if name else self.paths[position]


def read_cookie(body: Mapping[str, Any]) -> Problem | str:
    """The visitor's own number, or what is wrong with it."""
    text = read_text(body.get("cookie"))
    if isinstance(text, str) and COOKIE.fullmatch(text):
        return text
    return Problem("cookie", "invalid_cookie", _("Send the visitor's own ID: 8 to 100 letters, digits, “-”, “_”, “.”."))


def read_events(body: Mapping[str, Any], contact: Mapping[str, Any], *, key_prefix: str, now: datetime) -> WebEvents:
    """``contact`` is whose events they are; ``key_prefix`` stands before their keys, which are a site's own."""
    found, ahead = WebEvents(), clock_difference(body.get("sent"), now)
    for position, item in enumerate(list_of(body.get("events"))):
        path = f"events[{position}]"
        event = read_event(item, contact, key_prefix=key_prefix, now=now, ahead=ahead)
        if isinstance(event, Problem):
            found.reasons.append(event._replace(column=f"{path}.{event.column}" if event.column else path))
        else:
            found.events.append(event)
            found.paths.append(path)
    return found


def list_of(given: Any) -> list[Any]:
    if is_empty(given):
        return []
    return given if isinstance(given, list) else [given]


def clock_difference(sent: Any, now: datetime) -> timedelta:
    """What the browser's clock has to be put forward by, if it says what it showed when it sent.

    Nothing where that may be but the time that the call took: of two calls one may be slower, and what happened first
    would come to stand behind.
    """
    shown = read_moment(sent, lambda: UTC)
    return now - shown if shown and abs(now - shown) > ON_ITS_WAY else timedelta()


def read_event(
    item: Any, contact: Mapping[str, Any], *, key_prefix: str, now: datetime, ahead: timedelta
) -> NewEvent | Problem:
    if not isinstance(item, Mapping):
        return Problem("", "not_an_object", _("Send one event as an object."))
    if len(encode(item)) > MOST_EVENT_BYTES:
        return Problem("", "too_long", _("An event has at most 20 KB. Send less."))
    kind, key = read_text(item.get("eventTypeKey")), read_text(item.get("keyValue"))
    if not isinstance(kind, str) or not TYPE.fullmatch(kind):
        return Problem("eventTypeKey", "invalid_type", _("Name the type of the event: letters, digits and “_.:-”."))
    occurred_at = read_occurred(item.get("occurred"), now, ahead)
    if occurred_at is None:
        return Problem("occurred", "invalid_datetime", _("Write date and time of the last 30 days, as ISO 8601."))
    known = f"{key_prefix}{key}" if isinstance(key, str) and key else ""
    return NewEvent(kind, contact, known or key, read_params(item.get("params")), occurred_at, once=bool(known))


def read_occurred(given: Any, now: datetime, ahead: timedelta) -> datetime | None:
    """By our clock, never in the future; None for what is no time, or too long ago."""
    if is_empty(given):
        return now
    shown = read_moment(given, lambda: UTC)
    try:
        occurred_at = min(shown + ahead, now) if shown else None
    except OverflowError:
        return None
    return occurred_at if occurred_at and occurred_at > now - OLDEST else None


def read_params(given: Any) -> Any:
    """An object, or a list of names and values as servers send it; what is neither is refused when it is recorded."""
    if is_empty(given):
        return {}
    if isinstance(given, list) and all(isinstance(one, Mapping) for one in given):
        return {str(read_text(one.get("name"))): one.get("value") for one in given}
    return given


def read_person(body: Mapping[str, Any], cookie: str, custom_fields: Collection[str]) -> WireContact:
    """The record that a page tells of the visitor. ``custom_fields`` are the keys of those that may come from here."""
    wire = WireContact(record={"identifiers": [{"kind": "cookie", "value": cookie}]}, paths={"identifiers": "cookie"})
    for name, column in NAMING.items():
        if not is_empty(body.get(name)):
            wire.put(column, body[name], name)
    for name, column in read_attributes(wire, body.get("attributes")):
        if column in ATTRIBUTES.values() or column.removeprefix(CUSTOM_PREFIX) in custom_fields:
            wire.put(column, body["attributes"][name], f"attributes.{name}")
        else:
            wire.refuse(f"attributes.{name}", "unknown_field", _("There is no such field that a page may fill."))
    return wire


def read_attributes(wire: WireContact, given: Any) -> Iterator[tuple[str, str]]:
    """Name and column of each that has a value."""
    if is_empty(given):
        return
    if not isinstance(given, Mapping):
        wire.refuse("attributes", "not_an_object", _("Send the attributes as an object."))
        return
    for name, value in given.items():
        if not is_empty(value):
            yield name, ATTRIBUTES.get(name, CUSTOM_PREFIX + name)
