"""What of a contact leaves for a warehouse: the columns of the registry, as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy

from contacts.columns import CUSTOM_PREFIX, SYSTEM_COLUMNS, Column, CustomFieldLike, custom_column
from contacts.exports.warehouse.types import OutColumn, OutType
from contacts.models import ChannelState, ContactState

__all__ = ["Field", "column_of_custom", "contact_fields", "sql_of_custom"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that can leave, and the SQL that gives it."""

    key: str
    name: str
    type: OutType
    label: Any
    sql: str

    @property
    def column(self) -> OutColumn:
        return OutColumn(self.key, self.name, self.type, gettext(self.label))


TYPES: Final[dict[str, OutType]] = {
    "number": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamptz",
    "choices": "json",
}
"""By type of a column in the registry; whatever is not here is text."""

FIRST: Final = (
    "id", "source", "created_at", "updated_at", "email", "email_domain", "email_state", "external_id", "first_name",
    "last_name", "language_code", "phone",
)  # fmt: skip
"""The order in which warehouses have what everybody asks for; the others follow as the registry has them."""


def _named(values: Iterable[ContactState | ChannelState], column: str) -> str:
    cases = " ".join(f"WHEN {value.value} THEN '{value.name.lower()}'" for value in values)
    return f"CASE {column} {cases} END"


DIFFERENT: Final = {
    "email_state": _named(ChannelState, "c.email_state"),
    "phone_state": _named(ChannelState, "c.phone_state"),
    "state": _named(ContactState, "c.state"),
}
"""SQL of columns that do not leave as they are kept."""

OTHERS: Final = (
    Field(
        "email_domain",
        "emailDomain",
        "text",
        gettext_lazy("Domain of the email"),
        "nullif(lower(split_part(c.email, '@', 2)), '')",
    ),
    Field("is_deleted", "isDeleted", "boolean", gettext_lazy("Is deleted"), f"c.state <> {ContactState.ACTIVE.value}"),
    Field("merged_into", "mergedInto", "bigint", gettext_lazy("Merged into"), "c.merged_into_id"),
)
"""What is told of a contact beside the registry."""

# A field's values may be of another type while they are being converted: what cannot be read yet is empty.
CASTS: Final[dict[OutType, str]] = {
    "text": "c.attributes ->> {key}",
    "json": "c.attributes -> {key}",
    "bigint": "CASE WHEN jsonb_typeof(c.attributes -> {key}) = 'number' THEN (c.attributes -> {key})::bigint END",
    "numeric": "CASE WHEN jsonb_typeof(c.attributes -> {key}) = 'number' THEN (c.attributes -> {key})::numeric END",
    "boolean": "CASE WHEN jsonb_typeof(c.attributes -> {key}) = 'boolean' THEN (c.attributes -> {key})::boolean END",
    "date": r"CASE WHEN c.attributes ->> {key} ~ '^\d{{4}}-\d\d-\d\d$' THEN (c.attributes ->> {key})::date END",
    "timestamptz": (
        r"CASE WHEN c.attributes ->> {key} ~ '^\d{{4}}-\d\d-\d\dT\d\d:\d\d'"
        r" THEN (c.attributes ->> {key})::timestamptz END"
    ),
}


def contact_fields() -> tuple[Field, ...]:
    """The columns of every account, the ones that are asked for most first."""
    fields = {field.key: field for field in (*map(_field_of, SYSTEM_COLUMNS), *OTHERS)}
    return tuple(fields[key] for key in (*FIRST, *(key for key in fields if key not in FIRST)))


def _field_of(column: Column) -> Field:
    sql = DIFFERENT.get(column.key, f"c.{column.key}")
    return Field(column.key, column.wire, TYPES.get(column.type, "text"), column.label, sql)


def column_of_custom(definition: CustomFieldLike) -> OutColumn:
    """Of a field that this account added."""
    column = custom_column(definition)
    return OutColumn(column.key, column.wire, TYPES.get(column.type, "text"), column.label)


def sql_of_custom(column: OutColumn) -> str:
    """The value of a custom field; it is empty for everybody where the field is not there any more."""
    key = column.key.removeprefix(CUSTOM_PREFIX).replace("'", "''").replace("%", "%%")
    return CASTS[column.type].format(key=f"'{key}'")
