"""The flat form of a contact, in which the family of addresses by external ID and email speaks (pure).

A key in the body is a column's name or another name it goes by, in any case, with or without an underscore before it
(``_email``, ``email``; ``_surname``, ``lastName``), or the key of a custom field. What is null is cleared, what is
blank counts as not sent, what is not known is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from contacts.api.translate import without_absent
from contacts.columns import CUSTOM_PREFIX, SYSTEM_COLUMNS, Column
from contacts.wire import WireContact, is_empty

__all__ = ["column_named", "customs_of", "read_resource", "show_resource"]

SHOWN: Final = {
    "id": "id",
    "externalId": "external_id",
    "email": "email",
    "phone": "phone",
    "contactKey": "contact_key",
    "firstName": "first_name",
    "lastName": "last_name",
    "region": "region",
    "town": "town",
    "address": "address",
    "postcode": "postcode",
    "languageCode": "language_code",
    "timeZone": "time_zone",
    "createdDate": "created_at",
    "updatedDate": "updated_at",
}


def folded(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in " _-")


KEYS: Final = {folded(column.key): column for column in SYSTEM_COLUMNS}
ALIASES: Final = {folded(alias): column for column in reversed(SYSTEM_COLUMNS) for alias in column.aliases}
LONGEST_NAME: Final = 100


def customs_of(columns: Iterable[Column]) -> dict[str, Column]:
    """The custom columns among these by the keys of their fields."""
    return {column.custom_key: column for column in columns if column.is_custom}


def column_named(name: str, customs: Mapping[str, Column]) -> Column | None:
    """A column's own key before a custom field of that key, and that before another name that a column goes by."""
    if len(name) > LONGEST_NAME:
        return None
    plain = folded(name)
    custom = name.removeprefix(CUSTOM_PREFIX)
    return KEYS.get(plain) or customs.get(custom) or ALIASES.get(plain) or customs.get(custom.removeprefix("_"))


def read_resource(body: Any, customs: Mapping[str, Column]) -> WireContact:
    """The raw record that a body means. Of two names of one column the first counts."""
    wire = WireContact()
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", "Send one contact as a JSON object.")
        return wire
    for name, value in body.items():
        column = column_named(name, customs)
        is_blank = value is not None and is_empty(value)
        if column is not None and column.write and not is_blank and column.key not in wire.record:
            wire.put(column.key, value, name)
    return wire


def show_resource(values: Mapping[str, Any]) -> dict[str, Any]:
    """A contact by its columns; custom fields stand beside them under their keys. What it does not have is left out."""
    shown = {name: show_value(values[column]) for name, column in SHOWN.items()}
    return without_absent({**(values["attributes"] or {}), **without_absent(shown)})


def show_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
