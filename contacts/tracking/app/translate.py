"""From what an app sends to what is written (pure but for the language).

As lenient as can be: whatever is odd becomes a problem with the path it was sent under, and the rest is taken. Phone
and email count only beside a user ID: else whoever holds the phone could put anybody's on it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from django.utils.translation import gettext as _

from contacts.activity import NewEvent
from contacts.columns import CUSTOM_PREFIX
from contacts.keys import Kind
from contacts.mobile import Device
from contacts.normalize import InvalidValue, Schema, clean_external_id, is_encodable
from contacts.wire import WireContact, Zone, is_empty, objects_of, read_moment, read_text, trouble_of

__all__ = ["WireEvents", "WireUser", "read_caller", "read_device", "read_events", "read_user"]

COLUMNS: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "languageCode": "language_code",
    "timeZone": "time_zone",
}
ADDRESS: Final = ("region", "town", "address", "postcode")
CHANNELS: Final = ("email", "phone")
DETAILS: Final = {
    "category": "category",
    "deviceModel": "deviceModel",
    "appVersion": "appVersion",
    "languageCode": "locale",
    "timeZone": "timeZone",
}
"""Properties of a device, and what they are called in an identifier's details."""
SYSTEMS: Final = {"android": "Android", "ios": "iOS"}
YES: Final = frozenset({"true", "1", "yes"})
NO: Final = frozenset({"false", "0", "no"})
LONGEST_NAME: Final = {"subscriptionKeys": 50, "groupNamesInclude": 200, "groupNamesExclude": 200}
MOST_OF_A_LIST: Final = 100
CLOCKS_DIFFER: Final = timedelta(minutes=5)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class WireUser:
    """A person as the app knows it; lists of names, each with its path."""

    wire: WireContact
    categories: dict[str, str] = field(default_factory=dict)
    include: dict[str, str] = field(default_factory=dict)
    exclude: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class WireEvents:
    """The events that can be stored, and where each of them stood."""

    wire: WireContact
    events: list[NewEvent] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


# Whose call it is


def read_caller(body: Mapping[str, Any], schema: Schema) -> tuple[Device, WireContact]:
    """The device, whose ID is empty if it is a placeholder, and a record with the user ID, if there is a usable one."""
    wire = WireContact()
    device_id = read_text(body.get("deviceId"))
    if not isinstance(device_id, str) or not device_id:
        wire.refuse("deviceId", "required", _("Send the device's ID as text: deviceId."))
        return Device(""), wire
    if trouble := _trouble_of_id(device_id, schema):
        wire.refuse("deviceId", *trouble)
        device_id = ""
    _read_user_id(wire, body.get("externalUserId"), schema)
    return Device(device_id), wire


def _trouble_of_id(text: str, schema: Schema) -> tuple[str, str] | None:
    """Why a text identifies nobody."""
    if "\0" in text or not is_encodable(text):
        return "invalid_character", _("The value holds a character that cannot be stored; remove it.")
    if schema.is_junk(text):
        return "junk_value", _("This value is a placeholder that identifies nobody; it was ignored.")
    return None


def _read_user_id(wire: WireContact, given: Any, schema: Schema) -> None:
    try:
        text = clean_external_id(read_text(given), schema.external_id_max_length)
    except InvalidValue as error:
        wire.refuse("externalUserId", error.code, error.message)
        return
    if text is None:
        return
    if trouble := _trouble_of_id(text, schema):
        wire.refuse("externalUserId", *trouble)
    else:
        wire.put("external_id", text, "externalUserId")


def _read_channels(wire: WireContact, given: Mapping[str, Any], path: str = "") -> None:
    for name in CHANNELS:
        if is_empty(given.get(name)):
            continue
        if "external_id" in wire.record:
            wire.put(name, given[name], f"{path}{name}")
        else:
            wire.refuse(f"{path}{name}", "user_id_missing", _("It counts only beside externalUserId; it was ignored."))


# Devices


def read_device(body: Mapping[str, Any], schema: Schema) -> tuple[Device, WireContact]:
    caller, wire = read_caller(body, schema)
    device = Device(
        caller.id,
        token=_read_token(wire, body.get("pushToken"), schema),
        is_active=_read_subscribed(wire, body.get("pushSubscribed")),
        details=dict(_read_details(wire, body)),
    )
    _read_channels(wire, body)
    if not is_empty(body.get("advertisingId")):
        wire.record["identifiers"] = [{"kind": Kind.ADVERTISING.slug, "app": "", "value": body["advertisingId"]}]
    return device, wire


def _read_token(wire: WireContact, given: Any, schema: Schema) -> str:
    token = read_text(given)
    if not isinstance(token, str):
        wire.refuse("pushToken", "not_text", _("Write this value as text."))
        return ""
    if token and (trouble := _trouble_of_id(token, schema)):
        wire.refuse("pushToken", *trouble)
        return ""
    return token


def _read_subscribed(wire: WireContact, given: Any) -> bool | None:
    if is_empty(given):
        return None
    text = str(given).strip().lower()
    if text not in YES | NO:
        wire.refuse("pushSubscribed", "invalid_boolean", _("Write true or false."))
        return None
    return text in YES


def _read_details(wire: WireContact, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, detail in DETAILS.items():
        if text := _read_detail(wire, name, body.get(name)):
            yield detail, text
    system = _read_detail(wire, "osType", body.get("osType"))
    version = _read_detail(wire, "osVersion", body.get("osVersion"))
    if system or version:
        yield "os", f"{SYSTEMS.get(system.lower(), system)} {version}".strip()


def _read_detail(wire: WireContact, path: str, given: Any) -> str:
    if is_empty(given):
        return ""
    if trouble := trouble_of(given):
        wire.refuse(path, *trouble)
        return ""
    return str(read_text(given)).strip()


# Users


def read_user(body: Mapping[str, Any], schema: Schema) -> tuple[Device, WireUser]:
    device, wire = read_caller(body, schema)
    given = body.get("userAttributes")
    if isinstance(given, Mapping):
        _read_attributes(wire, given)
    elif not is_empty(given):
        wire.refuse("userAttributes", "not_an_object", _("Send what is known of the person as an object."))
    return device, WireUser(
        wire,
        categories=_read_names(wire, body, "subscriptionKeys"),
        include=_read_names(wire, body, "groupNamesInclude"),
        exclude=_read_names(wire, body, "groupNamesExclude"),
    )


def _read_attributes(wire: WireContact, given: Mapping[str, Any]) -> None:
    path = "userAttributes."
    _read_channels(wire, given, path)
    for name, column in COLUMNS.items():
        if not is_empty(given.get(name)):
            wire.put(column, given[name], f"{path}{name}")
    address = given.get("address")
    if isinstance(address, Mapping):
        for name in ADDRESS:
            if not is_empty(address.get(name)):
                wire.put(name, address[name], f"{path}address.{name}")
    elif not is_empty(address):
        wire.refuse(f"{path}address", "not_an_object", _("Send the address as an object."))
    for place, entry in objects_of(wire, f"{path}fields", given.get("fields")):
        key = read_text(entry.get("key"))
        if isinstance(key, str) and key and not is_empty(entry.get("value")):
            wire.put(CUSTOM_PREFIX + key, entry["value"], f"{place}.value")


def _read_names(wire: WireContact, body: Mapping[str, Any], name: str) -> dict[str, str]:
    """Names with their paths, each once; one name counts as a list of one."""
    given = body.get(name)
    items = [] if is_empty(given) else given if isinstance(given, list) else [given]
    names: dict[str, str] = {}
    for number, item in enumerate(items[:MOST_OF_A_LIST]):
        text, path = read_text(item), f"{name}[{number}]"
        if not isinstance(text, str) or (text and trouble_of(text)) or len(text) > LONGEST_NAME[name]:
            message = _("Write a name of at most %(count)d characters.") % {"count": LONGEST_NAME[name]}
            wire.refuse(path, "invalid_name", message)
        elif text:
            names.setdefault(text, path)
    if len(items) > MOST_OF_A_LIST:
        message = _("Send at most %(most)d at a time; the others were ignored.") % {"most": MOST_OF_A_LIST}
        wire.refuse(name, "too_many_values", message)
    return names


# Events


def read_events(
    body: Mapping[str, Any], schema: Schema, zone: Zone, now: datetime, *, key_prefix: str
) -> tuple[Device, WireEvents]:
    """Events of one device. One that is sent again is known by its key, or where it has none by what it says."""
    device, wire = read_caller(body, schema)
    read, told = WireEvents(wire), Counter[str]()
    for path, entry in objects_of(wire, "events", body.get("events")):
        kind = read_text(entry.get("eventTypeKey"))
        if not isinstance(kind, str) or not kind:
            wire.refuse(f"{path}.eventTypeKey", "required", _("Say which type of event it is."))
            continue
        occurred_at = _read_occurred(wire, path, entry.get("occurred"), zone, now)
        params = dict(_read_params(wire, path, entry.get("params")))
        key = read_text(entry.get("keyValue"))
        if not isinstance(key, str) or not key:
            key = _name_event(device, kind, occurred_at, params, told)
        key = f"{key_prefix}{key}" if key else ""
        read.events.append(NewEvent(kind, wire.record, key, params, occurred_at, once=bool(key)))
        read.paths.append(path)
    return device, read


def _read_occurred(wire: WireContact, path: str, given: Any, zone: Zone, now: datetime) -> datetime | None:
    """None where it is not said, or wrongly: then it is the moment it arrives. Phones' clocks are not always right."""
    if is_empty(given):
        return None
    moment = read_moment(given, zone)
    if moment is None:
        wire.refuse(f"{path}.occurred", "invalid_datetime", _("Write the time as 2026-05-14T10:11:10Z."))
    elif moment > now + CLOCKS_DIFFER or moment < LONG_AGO:
        message = _("The time is in the future or too long ago. The time of its arrival was taken.")
        wire.refuse(f"{path}.occurred", "invalid_datetime", message)
        return None
    return moment


def _read_params(wire: WireContact, path: str, given: Any) -> Iterator[tuple[str, Any]]:
    """A list of names and values, or an object; of two with the same name the later one counts."""
    if isinstance(given, Mapping) and "name" not in given:
        yield from given.items()
        return
    for place, param in objects_of(wire, f"{path}.params", given):
        name = read_text(param.get("name"))
        if isinstance(name, str) and name:
            yield name, param.get("value")
        elif not is_empty(param.get("value")):
            wire.refuse(f"{place}.name", "required", _("Give the parameter a name."))


def _name_event(
    device: Device, kind: str, occurred_at: datetime | None, params: Mapping[str, Any], told: Counter[str]
) -> str:
    """A call whose answer got lost is sent again: the same event has the same key then. Without a time it has none."""
    if occurred_at is None:
        return ""
    said = [device.id, kind, occurred_at.isoformat(), params]
    try:
        packed = orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # what cannot be stored is refused by whoever stores it
        return ""
    digest = hashlib.blake2b(packed, digest_size=12).hexdigest()
    told[digest] += 1
    return digest if told[digest] == 1 else f"{digest}:{told[digest]}"
