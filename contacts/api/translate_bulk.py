"""Between a bulk call on the wire and the records and choices that it means (pure).

Which fields are written: without ``contactFields`` all that is sent, and an empty value is no value. With it only the
fields it lists, and those of ``customFieldsIDs``, are cleared where nothing is sent; what it does not list is left out,
but for what contacts are looked up by. Custom fields are written without being listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contacts.api.translate import FieldKeys, read_contact, read_id
from contacts.columns import CUSTOM_PREFIX
from contacts.records import Problem
from contacts.wire import WireContact, is_empty

__all__ = [
    "MOST_CONTACTS",
    "WireBulk",
    "WireItem",
    "read_bulk",
    "read_choices",
    "read_texts",
    "read_yes_no",
    "show_failed",
]

MOST_CONTACTS: Final = 3_000
DEDUPE: Final = {
    "email": "email",
    "sms": "phone",
    "push": "push",
    "mobilepush": "push",
    "webpush": "web_push",
    "email_or_sms": "email_or_phone",
    "id": "id",
    "externalcustomerid": "external_id",
    "fieldid": "field",
}
"""``dedupeOn``, compared without case, and the key that it means."""
DEDUPE_NAMES: Final = ("email", "sms", "push", "webpush", "email_or_sms", "id", "externalCustomerId", "fieldId")
FIELDS: Final[dict[str, str]] = {
    "firstname": "first_name",
    "lastname": "last_name",
    "contactkey": "contact_key",
    "languagecode": "language_code",
    "timezone": "time_zone",
    "email": "email",
    "sms": "phone",
    "externalcustomerid": "external_id",
    "address": "address",
    "town": "town",
    "region": "region",
    "postcode": "postcode",
}
"""``contactFields``, compared without case, and the columns that they mean."""
TOKENS: Final = {"mobilepush": "mobile_push", "webpush": "web_push", "telegram": "telegram"}
KEPT: Final = frozenset({"ordersinfo"})
"""Fields that the wire knows and that are nothing of ours."""
KEY_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "email": ("email",),
    "phone": ("phone",),
    "email_or_phone": ("phone", "email"),
    "external_id": ("external_id",),
    "id": ("id",),
}
KEY_TOKENS: Final = {"push": "mobile_push", "web_push": "web_push"}
MODES: Final = ("upsert", "create", "update")
YES_NO: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
SHOWN: Final = frozenset(
    {
        "firstName", "lastName", "channels", "address", "fields", "addressBookId", "id", "externalCustomerId",
        "contactKey", "languageCode", "timeZone", "identifiers",
    }
)  # fmt: skip
NUMBER_TOO_LARGE: Final = 2**63


@dataclass(slots=True)
class WireItem:
    """One contact as it was sent, as it was read, and what it is looked up by, as it was sent."""

    given: Any
    wire: WireContact
    value: str


@dataclass(slots=True)
class WireBulk:
    """A bulk call as it was read; ``problems`` concern it as a whole."""

    items: list[WireItem] = field(default_factory=list)
    key: str = ""
    mode: str = "upsert"
    clears: bool = False
    flags: dict[str, bool] = field(default_factory=dict)
    join: list[str] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)
    event: str = ""
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))


def read_bulk(body: Any, field_keys: FieldKeys) -> WireBulk:
    bulk = WireBulk()
    if not isinstance(body, Mapping):
        bulk.refuse("", "not_an_object", "Send the contacts as a JSON object with the property “contacts”.")
        return bulk
    given = read_list(body.get("contacts"))
    if not given:
        bulk.refuse("contacts", "required", "Send at least one contact.")
    elif len(given) > MOST_CONTACTS:
        bulk.refuse(
            "contacts", "too_many_contacts", f"A call has at most {MOST_CONTACTS} contacts. Send several calls."
        )
    read_choices(bulk, body, field_keys)
    listed = read_listed(bulk, body, field_keys)
    if not bulk.problems:
        keys = field_keys(list(field_ids(given)))
        bulk.items = [read_item(one, bulk.key, listed, lambda _wanted: keys) for one in given]
    return bulk


def read_choices(bulk: WireBulk, body: Mapping[str, Any], field_keys: FieldKeys) -> None:
    """All that a call chooses beside its fields; a call that hands over a file chooses the same."""
    bulk.key = read_key(bulk, body, field_keys)
    mode = body.get("mode")
    bulk.mode = "upsert" if is_empty(mode) else str(mode).strip().lower()
    if bulk.mode not in MODES:
        bulk.refuse("mode", "unknown_mode", f"The mode is one of: {', '.join(MODES)}.")
    for name in ("restoreDeleted", "replaceExternalId"):
        bulk.flags[name] = read_yes_no(bulk, name, body.get(name))
    bulk.join = read_texts(bulk, "groupNames", body.get("groupNames"))
    bulk.leave = read_texts(bulk, "groupNamesExclude", body.get("groupNamesExclude"))
    event = body.get("eventKeyForNewContacts")
    if isinstance(event, Mapping | list):
        bulk.refuse("eventKeyForNewContacts", "not_text", "Write this value as text.")
    elif not is_empty(event):
        bulk.event = str(event).strip()


def read_key(bulk: WireBulk, body: Mapping[str, Any], field_keys: FieldKeys) -> str:
    given = body.get("dedupeOn")
    if is_empty(given):
        bulk.refuse("dedupeOn", "required", f"Say what contacts are found by: {', '.join(DEDUPE_NAMES)}.")
        return ""
    key = DEDUPE.get(str(given).strip().lower(), "")
    if not key:
        bulk.refuse("dedupeOn", "unknown_dedupe", f"Contacts are found by one of: {', '.join(DEDUPE_NAMES)}.")
    if key != "field":
        return key
    number = read_id(body.get("fieldId"))
    found = field_keys([number]).get(number) if number else None
    if found is None:
        bulk.refuse("fieldId", "unknown_field", "There is no custom field of this id.")
    return CUSTOM_PREFIX + found if found else ""


def read_yes_no(bulk: WireBulk, name: str, given: Any) -> bool:
    if is_empty(given):
        return False
    read = YES_NO.get(str(given).strip().lower())
    if read is None:
        bulk.refuse(name, "invalid_boolean", "Write true or false.")
    return bool(read)


def read_texts(bulk: WireBulk, name: str, given: Any) -> list[str]:
    texts = []
    for place, one in enumerate(read_list(given)):
        if isinstance(one, Mapping | list | bool | float):
            bulk.refuse(f"{name}[{place}]", "not_text", "Write this value as text.")
        elif not is_empty(one):
            texts.append(str(one).strip())
    return texts


def read_list(given: Any) -> Sequence[Any]:
    """One value counts as a list of one, an empty one as none."""
    if is_empty(given):
        return []
    return given if isinstance(given, list) else [given]


# Which fields


@dataclass(frozen=True, slots=True)
class Listed:
    """The columns that a call lists: those that are written, None for all, and those that are cleared."""

    written: frozenset[str] | None
    tokens: frozenset[str]
    cleared: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        return self.written is None and not self.cleared


def read_listed(bulk: WireBulk, body: Mapping[str, Any], field_keys: FieldKeys) -> Listed:
    names = read_texts(bulk, "contactFields", body.get("contactFields"))
    columns, tokens = [], []
    for place, name in enumerate(names):
        folded = name.lower()
        if folded in FIELDS:
            columns.append(FIELDS[folded])
        elif folded in TOKENS:
            tokens.append(TOKENS[folded])
        elif folded not in KEPT:
            message = "Fields of a contact are: firstName, lastName, contactKey, languageCode, timeZone, email, sms, "
            message += "mobilepush, webpush, address, town, region, postcode, externalCustomerId."
            bulk.refuse(f"contactFields[{place}]", "unknown_contact_field", message)
    custom = list(read_field_ids(bulk, body.get("customFieldsIDs"), field_keys))
    cleared = tuple(column for column in (*columns, *custom) if column != "external_id")
    bulk.clears = bool(cleared)
    return Listed(frozenset(columns) if names else None, frozenset(tokens), cleared)


def read_field_ids(bulk: WireBulk, given: Any, field_keys: FieldKeys) -> Iterator[str]:
    numbers = [read_id(one) for one in read_list(given)]
    keys = field_keys([number for number in numbers if number]) if numbers else {}
    for place, number in enumerate(numbers):
        if number in keys:
            yield CUSTOM_PREFIX + keys[number]
        else:
            bulk.refuse(f"customFieldsIDs[{place}]", "unknown_field", "There is no custom field of this id.")


def field_ids(contacts: Sequence[Any]) -> Iterator[int]:
    """The custom fields that the contacts name."""
    for one in contacts:
        fields = one.get("fields") if isinstance(one, Mapping) else None
        for entry in fields if isinstance(fields, list) else (fields,):
            if isinstance(entry, Mapping) and (number := read_id(entry.get("id"))):
                yield number


def read_item(given: Any, key: str, listed: Listed, field_keys: FieldKeys) -> WireItem:
    wire = read_contact(given, field_keys)
    if key == "id" and isinstance(given, Mapping):
        wire.put("id", given.get("id"), "id")
    value = value_of(wire.record, key)
    if not listed.is_nothing:
        keep_listed(wire, key, listed)
    return WireItem(given, wire, value)


def keep_listed(wire: WireContact, key: str, listed: Listed) -> None:
    """Only what is listed, and what contacts are looked up by; an empty value clears only where it is listed."""
    record = wire.record
    always = {*KEY_COLUMNS.get(key, ()), key, "external_id"}
    cleared = set(listed.cleared)
    for column in list(record):
        is_custom = column.startswith(CUSTOM_PREFIX)
        is_written = listed.written is None or is_custom or column in listed.written or column == "identifiers"
        if column not in always and (not is_written or (column not in cleared and is_empty(record[column]))):
            del record[column]
    if listed.written is not None and "identifiers" in record:
        kinds = listed.tokens | {KEY_TOKENS.get(key, "")}
        keep_kinds(wire, kinds)
    for column in listed.cleared:
        record.setdefault(column, None)


def keep_kinds(wire: WireContact, kinds: frozenset[str] | set[str]) -> None:
    """Only tokens of these kinds; their paths move along."""
    kept = [(place, one) for place, one in enumerate(wire.record["identifiers"]) if one["kind"] in kinds]
    paths = [wire.paths.get(f"identifiers[{place}]", "identifiers") for place, _one in kept]
    wire.record["identifiers"] = [one for _place, one in kept]
    wire.paths.update({f"identifiers[{place}]": path for place, path in enumerate(paths)})


def value_of(record: Mapping[str, Any], key: str) -> str:
    """What the contact is looked up by, as it was sent; its external ID where the chosen field is empty."""
    found = [record.get(column) for column in KEY_COLUMNS.get(key, (key,))]
    if key in KEY_TOKENS:
        found = [one["value"] for one in record.get("identifiers", ()) if one["kind"] == KEY_TOKENS[key]]
    for value in (*found, record.get("external_id")):
        first = next((one for one in value if not is_empty(one)), None) if isinstance(value, list) else value
        if not is_empty(first) and not isinstance(first, Mapping | list):
            return str(first).strip().replace("\0", "").encode(errors="replace").decode()[:1_000]
    return ""


# Showing


def show_failed(item: WireItem, place: int, problems: Sequence[Problem]) -> dict[str, Any]:
    """A contact that was refused, as it was sent, with what is wrong with it and its place among those sent."""
    known = item.given if isinstance(item.given, Mapping) else {}
    shown = {name: known[name] for name in known if name in SHOWN}
    error = " ".join(
        f"{problem.column}: {problem.message}" if problem.column else problem.message for problem in problems
    )
    return {"channels": [], **shown, "index": place, "error": error}
