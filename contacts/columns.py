"""The one registry of what a contact has.

Import mapping, exports, import-export resources, segment fields, API fields and filters are all generated from it. A
system column is a column of ``Contact``; a custom column stands in ``Contact.attributes`` and its key is written
``fields.<key>``. Pure: the definitions of custom fields are given, not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

__all__ = ["CUSTOM_PREFIX", "SYSTEM_COLUMNS", "Column", "all_columns", "column_of_header", "custom_column"]

CUSTOM_PREFIX: Final = "fields."


@dataclass(frozen=True, slots=True)
class Column:
    """One thing a contact has.

    ``type`` is external_id, email, phone, channel_state, state, or a type of ``FieldType``. ``read``: shown and
    exported. ``write``: a record may carry it. ``may_be_key``: records may be matched by it. ``max_length`` in
    characters. ``aliases`` are other names that files and clients use, compared without case, spaces and underscores.
    ``wire`` is the name in other systems' tables; a custom field's is made of its key.
    """

    key: str
    type: str
    label: str
    read: bool = True
    write: bool = True
    may_be_key: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    wire: str = ""

    @property
    def is_custom(self) -> bool:
        return self.key.startswith(CUSTOM_PREFIX)

    @property
    def custom_key(self) -> str:
        """The key of the custom field, without the prefix."""
        return self.key.removeprefix(CUSTOM_PREFIX)


SYSTEM_COLUMNS: Final[tuple[Column, ...]] = (
    Column(
        "id",
        "number",
        "Contact ID",
        write=False,
        may_be_key=True,
        aliases=("contactId", "contact id"),
        wire="contactId",
    ),
    Column(
        "external_id",
        "external_id",
        "External ID",
        may_be_key=True,
        aliases=("externalCustomerId", "external customer id", "externalUserId", "customer id", "user id"),
        wire="externalCustomerId",
    ),
    Column(
        "email",
        "email",
        "Email",
        may_be_key=True,
        max_length=320,
        aliases=("e-mail", "email address", "mail"),
        wire="email",
    ),
    Column(
        "phone",
        "phone",
        "Phone",
        may_be_key=True,
        max_length=20,
        aliases=("sms", "mobile", "phone number", "mobile phone", "msisdn"),
        wire="sms",
    ),
    Column(
        "contact_key",
        "text",
        "Contact key",
        may_be_key=True,
        max_length=100,
        aliases=("contactKey",),
        wire="contactKey",
    ),
    Column(
        "first_name", "text", "First name", max_length=40, aliases=("firstName", "name", "given name"), wire="firstName"
    ),
    Column(
        "last_name", "text", "Last name", max_length=40, aliases=("lastName", "surname", "family name"), wire="lastName"
    ),
    Column("region", "text", "Region", max_length=100, aliases=("state or region", "province"), wire="region"),
    Column("town", "text", "Town", max_length=100, aliases=("city",), wire="town"),
    Column("address", "text", "Address", max_length=200, aliases=("street", "street address"), wire="address"),
    Column("postcode", "text", "Postcode", max_length=20, aliases=("zip", "zip code", "postal code"), wire="postcode"),
    Column(
        "language_code",
        "text",
        "Language",
        max_length=20,
        aliases=("languageCode", "language", "lang"),
        wire="languageCode",
    ),
    Column("time_zone", "text", "Time zone", max_length=64, aliases=("timeZone", "tz"), wire="timeZone"),
    Column("email_state", "channel_state", "Email state", write=False, aliases=("emailStatus",), wire="emailStatus"),
    Column("phone_state", "channel_state", "Phone state", write=False, aliases=("smsStatus",), wire="smsStatus"),
    Column("source", "text", "Source", write=False, aliases=("contactSource",), wire="contactSource"),
    Column("state", "state", "State", write=False, wire="state"),
    Column("created_at", "datetime", "Created", write=False, aliases=("createdDate",), wire="createdDate"),
    Column("updated_at", "datetime", "Last change", write=False, aliases=("updatedDate",), wire="updatedDate"),
    Column("last_seen_at", "datetime", "Last seen", write=False, wire="lastSeenDate"),
)


class CustomFieldLike(Protocol):
    """What the registry needs of a custom field's definition."""

    key: str
    label: str
    type: str
    options: list[str]
    can_be_key: bool


def custom_column(definition: CustomFieldLike) -> Column:
    """The column of one custom field."""
    return Column(
        key=CUSTOM_PREFIX + definition.key,
        type=definition.type,
        label=definition.label,
        may_be_key=definition.can_be_key,
        options=tuple(definition.options),
        aliases=(definition.key,),
        wire="field_" + definition.key.replace("-", "__"),
    )


def all_columns(custom_fields: Iterable[CustomFieldLike]) -> tuple[Column, ...]:
    """Every column of this account: the system's, then the custom ones."""
    return SYSTEM_COLUMNS + tuple(custom_column(definition) for definition in custom_fields)


def column_of_header(header: str, columns: Iterable[Column]) -> Column | None:
    """The column that a file's header names: by key, then label, then alias; None if it names none."""
    wanted = _folded(header)
    candidates = tuple(columns)
    for names in (_by_key, _by_label, _by_alias):
        for column in candidates:
            if wanted in names(column):
                return column
    return None


def _folded(name: str) -> str:
    return "".join(char for char in name.casefold() if char not in " _-")


def _by_key(column: Column) -> tuple[str, ...]:
    return (_folded(column.key), _folded(column.custom_key))


def _by_label(column: Column) -> tuple[str, ...]:
    return (_folded(column.label),)


def _by_alias(column: Column) -> tuple[str, ...]:
    return tuple(_folded(alias) for alias in (*column.aliases, column.wire) if alias)
