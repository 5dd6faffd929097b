"""A field: something conditions can ask about (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contacts.keys import Kind
from segments.conditions.dates import DateForm
from segments.conditions.sql import Clause, render

__all__ = ["NO_VALUE", "Field", "FieldType", "Option", "read_attribute", "read_column"]

NO_VALUE: Final = Clause("NULL")


class FieldType(StrEnum):
    """What kind of operators a field has."""

    TEXT = "text"
    EXTERNAL_ID = "external_id"
    EMAIL = "email"
    PHONE = "phone"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    IDENTIFIER = "identifier"
    CONSENT = "consent"
    SEGMENT = "segment"
    IMPORT = "import"
    RANDOM = "random"
    ROWS = "rows"
    """Rows of a relation: there are some, or none."""
    AMOUNT = "amount"
    """A number that is never empty: a count, a sum."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice: as definitions write it, as people read it, as the database keeps it."""

    key: str
    label: str
    stored: str | int


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` reads it from the contact's row and is NULL exactly where it is not set.

    ``kind`` is that of an identifier by which exact values are found, ``category`` that of a consent. ``group`` is
    where people look for the field (``segments.conditions.vocabulary``); ``suggests``: values can be proposed.
    """

    key: str
    type: FieldType
    label: str
    value: Clause = NO_VALUE
    options: tuple[Option, ...] = ()
    date_form: DateForm = DateForm.MOMENT
    kind: Kind | None = None
    category: str = ""
    group: str = ""
    suggests: bool = False

    def option(self, key: object) -> Option | None:
        """The option written ``key``."""
        return next((option for option in self.options if option.key == key), None)


def read_column(name: str) -> Clause:
    """A column of the contact. ``name`` is code, never input."""
    return Clause(f"@contact.{name}")


def read_attribute(key: str, column_type: str) -> Clause:
    """A custom field's value in the SQL type its operators need; a stored value of another shape reads as not set."""
    text = render("@contact.attributes ->> {}", key)
    match column_type:
        case "number" | "decimal":
            kept = render("@contact.attributes -> {}", key)
            return render("CASE jsonb_typeof({}) WHEN 'number' THEN ({})::numeric END", kept, text)
        case "boolean":
            return render("CASE {} WHEN 'true' THEN true WHEN 'false' THEN false END", text)
        case "date":
            return render('(substring({} FROM {}) COLLATE "C")', text, r"^\d{4}-\d{2}-\d{2}$")
        case "datetime":
            return render('(substring({} FROM {}) COLLATE "C")', text, r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$")
        case "choices":
            kept = render("@contact.attributes -> {}", key)
            return render("CASE WHEN jsonb_typeof({}) = 'array' THEN NULLIF({}, '[]') END", kept, kept)
        case _:
            return render("({})", text)
