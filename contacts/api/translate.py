"""Between a contact on the wire and the raw record that resolution reads (pure), in both directions.

Lenient in form: unknown properties are ignored, one object counts as a list of one, numbers may be texts and texts
numbers, an empty value is no value. What a value means is not judged here: the record goes to ``contacts.normalize``,
and what that refuses is told with the path the client sent it under.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from contacts.columns import CUSTOM_PREFIX
from contacts.keys import CHANGEABLE_KINDS, Kind
from contacts.normalize import clean_email
from contacts.wire import LARGEST_ID, WireContact, is_empty, objects_of, trouble_of

__all__ = ["FieldKeys", "read_contact", "read_update", "show_change", "show_contact"]

FieldKeys = Callable[[Collection[int]], Mapping[int, str]]
"""Gives the keys of custom fields by their ids; the ids that a body named are handed over."""

COLUMNS: Final = {
    "externalCustomerId": "external_id",
    "contactKey": "contact_key",
    "firstName": "first_name",
    "lastName": "last_name",
    "languageCode": "language_code",
    "timeZone": "time_zone",
}
ADDRESS: Final = ("region", "town", "address", "postcode")
PERMANENT_CHANNELS: Final = {"email": "email", "sms": "phone", "viber": "phone"}
CHANGEABLE_CHANNELS: Final = {
    "mobilepush": Kind.MOBILE_PUSH,
    "appinbox": Kind.MOBILE_PUSH,
    "inapp": Kind.MOBILE_PUSH,
    "webpush": Kind.WEB_PUSH,
    "widget": Kind.WEB_PUSH,
    "telegram": Kind.TELEGRAM,
}
"""An app's inbox and a site's widget are reached by the token of that app or site."""
DEVICE: Final = {Kind.MOBILE_PUSH: "device", Kind.WEB_PUSH: "webPushSubscription"}
"""The property that describes where a token lives."""
DETAILS: Final = {
    Kind.MOBILE_PUSH: ("deviceModel", "os", "locale", "clientVersion", "appVersion", "active"),
    Kind.WEB_PUSH: (
        "userAgent",
        "userAgentVersion",
        "userAgentLanguage",
        "os",
        "ip",
        "subscriptionPage",
        "swActiveVersion",
    ),
}
SHOWN_CHANNELS: Final = {
    Kind.EMAIL: "email",
    Kind.PHONE: "sms",
    Kind.MOBILE_PUSH: "mobilepush",
    Kind.WEB_PUSH: "webpush",
    Kind.TELEGRAM: "telegram",
}
SHOWN_IDENTIFIERS: Final = (CHANGEABLE_KINDS | {Kind.ADVERTISING}) - SHOWN_CHANNELS.keys()
MAX_APP_DIGITS: Final = 9


# Reading


def read_update(body: Any, field_keys: FieldKeys) -> WireContact:
    """As ``read_contact``; older clients wrap the contact: ``{"contact": {…}}``."""
    wrapped = body.get("contact") if isinstance(body, Mapping) else None
    return read_contact(wrapped if isinstance(wrapped, Mapping) else body, field_keys)


def read_contact(body: Any, field_keys: FieldKeys) -> WireContact:
    """The raw record that a contact on the wire means. Its ``id`` is not read: who is named is named in the address."""
    wire = WireContact()
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", "Send one contact as a JSON object.")
        return wire
    for name, column in COLUMNS.items():
        if name in body:
            wire.put(column, body[name], name)
    read_address(wire, body.get("address"))
    identifiers = [*read_channels(wire, body.get("channels")), *read_identifiers(wire, body.get("identifiers"))]
    put_identifiers(wire, identifiers)
    read_fields(wire, body.get("fields"), field_keys)
    return wire


def read_address(wire: WireContact, given: Any) -> None:
    if is_empty(given):
        return
    if not isinstance(given, Mapping):
        wire.refuse("address", "not_an_object", "Send the address as an object.")
        return
    for name in ADDRESS:
        if name in given:
            wire.put(name, given[name], f"address.{name}")


def read_channels(wire: WireContact, given: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Emails and phones go to their columns; tokens are given back as identifiers, each with its path."""
    permanent: dict[str, dict[str, Any]] = {"email": {}, "phone": {}}
    for path, channel in objects_of(wire, "channels", given):
        name = str(channel.get("type")).strip().lower()
        value = channel.get("value")
        if name in PERMANENT_CHANNELS:
            if isinstance(value, Mapping | list):
                wire.refuse(f"{path}.value", "not_text", "Write this value as text.")
            else:
                permanent[PERMANENT_CHANNELS[name]].setdefault(f"{path}.value", value)
        elif name in CHANGEABLE_CHANNELS:
            yield path, read_token(wire, path, CHANGEABLE_CHANNELS[name], channel)
        else:
            kinds = ", ".join((*PERMANENT_CHANNELS, *CHANGEABLE_CHANNELS))
            wire.refuse(f"{path}.type", "unknown_channel", f"The type of a channel is one of: {kinds}.")
    for column, values in permanent.items():
        put_values(wire, column, values)


def put_values(wire: WireContact, column: str, values: Mapping[str, Any]) -> None:
    """One value as it is, several as a list; a number sent for SMS and for Viber is one value."""
    different: dict[str, tuple[str, Any]] = {}
    for path, value in values.items():
        if not is_empty(value):
            different.setdefault(str(value).strip(), (path, value))
    if len(different) > 1:
        wire.put(column, [value for _path, value in different.values()], "channels")
    elif different:
        ((path, value),) = different.values()
        wire.put(column, value, path)
    elif values:
        wire.put(column, None, next(iter(values)))


def read_token(wire: WireContact, path: str, kind: Kind, channel: Mapping[str, Any]) -> dict[str, Any]:
    name = DEVICE.get(kind, "")
    device = channel.get(name)
    if not isinstance(device, Mapping):
        if not is_empty(device):
            wire.refuse(f"{path}.{name}", "not_an_object", "Send what is known of the device as an object.")
        device = {}
    value = channel.get("value")
    if is_empty(value) and kind == Kind.WEB_PUSH:
        value = device.get("endpoint")
    details = dict(read_details(wire, f"{path}.{name}", device, DETAILS.get(kind, ())))
    return {"kind": kind.slug, "app": device.get("appId"), "value": value, "details": details}


def read_details(
    wire: WireContact, path: str, device: Mapping[str, Any], names: Iterable[str]
) -> Iterator[tuple[str, str | bool]]:
    for name in names:
        value = device.get(name)
        if isinstance(value, bool):
            yield name, value
        elif not is_empty(value) and (trouble := trouble_of(value)):
            wire.refuse(f"{path}.{name}", *trouble)
        elif not is_empty(value):
            yield name, str(value).strip()


def read_identifiers(wire: WireContact, given: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, identifier in objects_of(wire, "identifiers", given):
        kind = str(identifier.get("kind")).strip().lower()
        yield path, {"kind": kind, "app": identifier.get("app"), "value": identifier.get("value")}


def put_identifiers(wire: WireContact, identifiers: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """One list of all of them; the same token under two channels is one identifier."""
    different: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path, identifier in identifiers:
        key = (identifier["kind"], str(identifier["app"] or "").strip(), str(identifier["value"]).strip())
        if key in different:
            different[key].setdefault("details", {}).update(identifier.get("details", {}))
        elif not is_empty(identifier["value"]):
            wire.paths[f"identifiers[{len(different)}]"] = path
            different[key] = identifier
    if different:
        wire.record["identifiers"] = list(different.values())


def read_fields(wire: WireContact, given: Any, field_keys: FieldKeys) -> None:
    entries = [(path, entry, read_id(entry.get("id"))) for path, entry in objects_of(wire, "fields", given)]
    if not entries:
        return
    keys = field_keys([number for _path, _entry, number in entries])
    for path, entry, number in entries:
        if number in keys:
            wire.put(CUSTOM_PREFIX + keys[number], entry.get("value"), f"{path}.value")
        else:
            wire.refuse(f"{path}.id", "unknown_field", "There is no custom field of this id.")


def read_id(value: Any) -> int:
    """A whole number, also as text; 0, which nothing has, for anything else."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) else 0


# Showing


def show_contact(
    values: Mapping[str, Any], identifiers: Iterable[Any], field_keys: Mapping[int, str]
) -> dict[str, Any]:
    """A contact on the wire; what it does not have is left out, but for ``channels``, which is always a list.

    ``values`` are the contact's columns, ``identifiers`` rows with kind, app, value and details.
    """
    return {"id": values["id"], "channels": [], **dict(show_parts(values, identifiers, field_keys))}


def show_change(side: Mapping[str, Any], field_keys: Mapping[int, str]) -> dict[str, Any]:
    """One side of a change, ``Outcome.before`` or ``after``, as the part of a contact that it is."""
    custom = {key.removeprefix(CUSTOM_PREFIX): value for key, value in side.items() if key.startswith(CUSTOM_PREFIX)}
    identifiers = [ShownIdentifier(Kind[slug.upper()], app, value) for slug, app, value in side.get("identifiers", ())]
    return dict(show_parts({**side, "attributes": custom}, identifiers, field_keys))


class ShownIdentifier(NamedTuple):
    kind: int
    app: str
    value: str
    details: Mapping[str, Any] | None = None


def show_parts(
    values: Mapping[str, Any], identifiers: Iterable[Any], field_keys: Mapping[int, str]
) -> Iterator[tuple[str, Any]]:
    rows = sorted(identifiers, key=lambda row: (row.kind, row.app, row.value))
    shown = {
        **{name: values.get(column) for name, column in COLUMNS.items()},
        "channels": list(show_channels(values, rows)),
        "address": without_absent({name: values.get(name) for name in ADDRESS}),
        "fields": list(show_fields(values.get("attributes") or {}, field_keys)),
        "identifiers": [show_identifier(row) for row in rows if row.kind in SHOWN_IDENTIFIERS],
    }
    return ((name, value) for name, value in shown.items() if value)


def show_channels(values: Mapping[str, Any], rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Primary ones first, then what the contact has by a merge, then its tokens."""
    primary = {}
    if email := values.get("email"):
        primary[Kind.EMAIL] = clean_email(email)[1]
        yield {"type": "email", "value": email}
    if phone := values.get("phone"):
        primary[Kind.PHONE] = phone
        yield {"type": "sms", "value": phone}
    for row in rows:
        if row.kind in SHOWN_CHANNELS and primary.get(row.kind) != row.value:
            yield show_channel(row)


def show_channel(row: Any) -> dict[str, Any]:
    kind = Kind(row.kind)
    channel: dict[str, Any] = {"type": SHOWN_CHANNELS[kind], "value": shown_value(row)}
    details = row.details or {}
    device = {"appId": show_app(kind, row.app)} | {name: details.get(name) for name in DETAILS.get(kind, ())}
    if kind in DEVICE and (known := without_absent(device)):
        channel[DEVICE[kind]] = known
    return channel


def show_app(kind: Kind, app: str) -> int | str | None:
    """A site is numbered on the wire, an app has a text; a number that another text would become stays a text."""
    is_number = kind == Kind.WEB_PUSH and app.isascii() and app.isdigit() and not app.startswith("0")
    return int(app) if is_number and len(app) <= MAX_APP_DIGITS else app or None


def show_identifier(row: Any) -> dict[str, Any]:
    return without_absent({"kind": Kind(row.kind).slug, "app": row.app or None, "value": shown_value(row)})


def shown_value(row: Any) -> str:
    """Very long values are compared by their hash; the original stands in the details."""
    return str((row.details or {}).get("value", row.value))


def show_fields(attributes: Mapping[str, Any], field_keys: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    for number, key in field_keys.items():
        if attributes.get(key) is not None:
            yield {"id": number, "value": show_value(attributes[key])}


def show_value(value: Any) -> str:
    """On the wire every value of a custom field is a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(show_value, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def without_absent(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
