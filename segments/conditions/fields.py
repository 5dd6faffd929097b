"""A field: something conditions can ask about (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Final

from contacts.keys import Kind
from segments.conditions.dates import DateForm
from segments.conditions.sql import Clause, render

__all__ = [
    "NO_VALUE",
    "Field",
    "FieldType",
    "Kept",
    "Option",
    "keep_attribute",
    "read_column",
]

NO_VALUE: Final = Clause("NULL")
DAY_SHAPE: Final = "____-__-__"
MOMENT_SHAPE: Final = "____-__-__T__:__:__.______Z"


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
class Kept:
    """A member of a jsonb object, unread: it may have another shape than the field's values.

    Operators compare it as it is and check its shape last, of those that the comparison lets pass: that is several
    times as fast as reading every value first.
    """

    document: Clause
    key: str
    type: str
    """That of the column."""

    @property
    def text(self) -> Clause:
        return render("({} ->> {})", self.document, self.key)

    @property
    def json(self) -> Clause:
        return render("({} -> {})", self.document, self.key)

    @property
    def path(self) -> str:
        """As a jsonpath, which compares numbers with numbers alone."""
        return f"strict $.{dumps(self.key)}"

    @property
    def has_shape(self) -> Clause:
        """True where it is a value of the field."""
        match self.type:
            case "number" | "decimal":
                return render("jsonb_typeof({}) = 'number'", self.json)
            case "boolean":
                return render("{} IN ('true', 'false')", self.text)
            case "date":
                return render("{} LIKE {}", self.text, DAY_SHAPE)
            case "datetime":
                return render("{} LIKE {}", self.text, MOMENT_SHAPE)
            case "choices":
                return render("{} <> '[]' AND jsonb_typeof({}) = 'array'", self.json, self.json)
            case _:
                return render("{} IS NOT NULL", self.text)

    @property
    def value(self) -> Clause:
        """In the SQL type that operators need, null where it has another shape."""
        match self.type:
            case "number" | "decimal":
                read = render("{}::numeric", self.text)
            case "boolean":
                read = render("{} = 'true'", self.text)
            case "choices":
                read = self.json
            case "date" | "datetime":
                read = render('{} COLLATE "C"', self.text)
            case _:
                return self.text
        return render("(CASE WHEN {} THEN {} END)", self.has_shape, read)


@dataclass(frozen=True, slots=True)
class Field:
    """``value`` reads it from the contact's row and is NULL exactly where it is not set.

    ``kept`` is where it stands unread, if it does. ``kind`` is that of an identifier by which exact values are found,
    ``category`` that of a consent. ``group`` is where people look for the field (``segments.conditions.vocabulary``);
    ``suggests``: values can be proposed.
    """

    key: str
    type: FieldType
    label: str
    value: Clause = NO_VALUE
    options: tuple[Option, ...] = ()
    date_form: DateForm = DateForm.MOMENT
    kind: Kind | None = None
    kept: Kept | None = None
    category: str = ""
    group: str = ""
    suggests: bool = False

    def option(self, key: object) -> Option | None:
        """The option written ``key``."""
        return next((option for option in self.options if option.key == key), None)


def read_column(name: str) -> Clause:
    """A column of the contact. ``name`` is code, never input."""
    return Clause(f"@contact.{name}")


def keep_attribute(key: str, column_type: str) -> Kept:
    """A custom field as it stands in the contact's row."""
    return Kept(Clause("@contact.attributes"), key, column_type)
