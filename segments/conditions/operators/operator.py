"""What an operator is (pure): one object with its key, label, sentence, arity, SQL and what it says of "not set"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from contacts.keys import Kind
from segments.conditions.dates import Clock, Span
from segments.conditions.fields import Field
from segments.conditions.sql import Clause, negate
from segments.conditions.tree import Value

__all__ = ["Arity", "Context", "Operand", "Operator", "Reads", "Write", "by_key", "gettext_noop", "opposite"]


class Arity(Enum):
    """How many values an operator takes."""

    NONE = 0
    ONE = 1
    TWO = 2
    MANY = 3


class Reads(Enum):
    """What a value of an operator is."""

    FIELD = "field"
    """What the field itself holds."""
    TEXT = "text"
    """A piece of text, whatever the field holds."""
    PATTERN = "pattern"
    """A pattern, see ``segments.conditions.patterns``."""
    DURATION = "duration"
    """So many of a unit of time: ``[30, "days"]``."""
    NEARNESS = "days"
    """A number of days around today."""
    DAY_OF_MONTH = "day_of_month"
    """1 to 31."""


class Context(Protocol):
    """What an operator may ask for while it is compiled."""

    @property
    def clock(self) -> Clock: ...

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values``, found through the identifiers."""
        ...

    def read_zones(self) -> Mapping[str, ZoneInfo]:
        """The time zones that this program and the database both know, by name."""
        ...

    def compile_segment(self, segment_id: int) -> Clause:
        """The condition of being in a segment."""
        ...


@dataclass(frozen=True, slots=True)
class Operand:
    """A condition's field and values, on their way to SQL."""

    field: Field
    values: tuple[Value, ...]
    context: Context

    @property
    def value(self) -> Clause:
        return self.field.value

    @property
    def first(self) -> Any:
        return self.values[0]


Write = Callable[[Operand], Clause]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of one field type.

    ``sentence`` has places for ``field``, and by arity ``value``, ``low`` and ``high``, or ``values``.
    ``holds_when_not_set`` is what it says of a contact where the field has no value. ``hint`` helps to write the value.
    ``span`` is what a date operator means under the clock of asking, where it is one span.
    """

    key: str
    label: str
    sentence: str
    arity: Arity
    sql: Write
    holds_when_not_set: bool = False
    reads: Reads = Reads.FIELD
    hint: str = ""
    span: Callable[[Operand], Span] | None = None


def by_key(*operators: Operator) -> Mapping[str, Operator]:
    """The operators of a type, in the order in which they are offered."""
    return {operator.key: operator for operator in operators}


def opposite(write: Write) -> Write:
    """True exactly where ``write`` is not, so where the field is not set as well."""

    def sql(operand: Operand) -> Clause:
        return negate(write(operand))

    return sql


def gettext_noop(message: str) -> str:
    """Marks ``message`` for translation, which happens where it is shown."""
    return message
