"""The registry of fields, generated from ``contacts.columns`` (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from contacts.columns import Column
from contacts.keys import IDENTIFYING_MASK, Kind
from segments.conditions.dates import DateForm
from segments.conditions.fields import Field, FieldType, Option, read_attribute, read_column
from segments.conditions.sql import Clause

__all__ = ["IDENTIFIER_LABELS", "Registry", "build_registry"]

TYPES: Final[Mapping[str, FieldType]] = {
    "external_id": FieldType.EXTERNAL_ID,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "channel_state": FieldType.CHOICE,
    "text": FieldType.TEXT,
    "long_text": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "decimal": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATE,
    "choice": FieldType.CHOICE,
    "choices": FieldType.CHOICES,
}
"""The field type of each column type. ``state`` is missing on purpose: members are active contacts."""

LOOKED_UP: Final[Mapping[str, Kind]] = {
    "external_id": Kind.EXTERNAL_ID,
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
}
"""Columns whose exact values are found through the identifiers."""

IDENTIFIER_LABELS: Final[Mapping[Kind, str]] = {
    Kind.EXTERNAL_ID: "External ID (identifier)",
    Kind.EMAIL: "Email (identifier)",
    Kind.PHONE: "Phone (identifier)",
    Kind.CUSTOM: "Custom key",
    Kind.DEVICE: "Device ID",
    Kind.APP_INSTANCE: "App instance ID",
    Kind.MOBILE_PUSH: "Mobile push token",
    Kind.WEB_PUSH: "Web push token",
    Kind.TELEGRAM: "Telegram token",
    Kind.COOKIE: "Web cookie",
    Kind.ADVERTISING: "Advertising ID",
}
"""The kinds that stand in a contact's mask."""

IS_ANONYMOUS: Final = Clause(
    f"(@contact.identifier_kinds & {IDENTIFYING_MASK} = 0"
    " AND @contact.order_count = 0 AND NOT @contact.made_deliberately)"
)


@dataclass(frozen=True, slots=True)
class Registry:
    """Every field by key, and what values are read against.

    ``segments`` maps the id of each segment to its name, ``imports`` the id of each import to its file's; ``country``
    is what national phone numbers are read by.
    """

    fields: Mapping[str, Field]
    segments: Mapping[int, str] = field(default_factory=dict)
    country: str = "UA"
    imports: Mapping[int, str] = field(default_factory=dict)


def build_registry(
    columns: Iterable[Column],
    *,
    channel_states: Iterable[Option] = (),
    segments: Mapping[int, str] | None = None,
    country: str = "UA",
    imports: Mapping[int, str] | None = None,
) -> Registry:
    """The registry of an account with these columns."""
    states = tuple(channel_states)
    fields = [_field_of(column, states) for column in columns if column.read and column.type in TYPES]
    fields += [_identifier_field(kind) for kind in IDENTIFIER_LABELS]
    fields += [
        Field("anonymous", FieldType.BOOLEAN, "Anonymous", IS_ANONYMOUS),
        Field("segment", FieldType.SEGMENT, "Segment"),
        Field("import", FieldType.IMPORT, "Import"),
    ]
    return Registry({field.key: field for field in fields}, segments or {}, country, {} if imports is None else imports)


def _field_of(column: Column, channel_states: tuple[Option, ...]) -> Field:
    return Field(
        key=column.key,
        type=TYPES[column.type],
        label=column.label,
        value=read_attribute(column.custom_key, column.type) if column.is_custom else read_column(column.key),
        options=_options_of(column, channel_states),
        date_form=_date_form_of(column),
        kind=LOOKED_UP.get(column.type),
    )


def _options_of(column: Column, channel_states: tuple[Option, ...]) -> tuple[Option, ...]:
    if column.type == "channel_state":
        return channel_states
    return tuple(Option(option, option, option) for option in column.options)


def _date_form_of(column: Column) -> DateForm:
    if not column.is_custom:
        return DateForm.MOMENT
    return DateForm.DAY_TEXT if column.type == "date" else DateForm.MOMENT_TEXT


def _identifier_field(kind: Kind) -> Field:
    has = Clause(f"@contact.identifier_kinds & {1 << kind} <> 0")
    return Field(f"identifiers.{kind.slug}", FieldType.IDENTIFIER, IDENTIFIER_LABELS[kind], has)
