"""The operators (pure): one object each, with its key, label, arity, SQL, sentence and what it says of "not set".

A condition's SQL is true exactly where the condition holds. Texts compare exactly; emails, whose owners do not tell
upper from lower case either, ignore it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any, Final, Protocol

from contacts.keys import Kind
from segments.conditions.dates import Clock, Span, write_bound
from segments.conditions.fields import Field, FieldType
from segments.conditions.sql import Clause, join, render
from segments.conditions.tree import Value

__all__ = ["OPERATORS", "Arity", "Context", "Operand", "Operator", "Reads", "operator_of"]


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
    DAYS = "days"
    """A number of days."""


class Context(Protocol):
    """What an operator may ask for while it is compiled."""

    @property
    def clock(self) -> Clock: ...

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values``, found through the identifiers."""
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
    ``holds_when_not_set`` is what it says of a contact where the field has no value.
    """

    key: str
    label: str
    sentence: str
    arity: Arity
    sql: Write
    holds_when_not_set: bool = False
    reads: Reads = Reads.FIELD


def gettext_noop(message: str) -> str:
    """Marks ``message`` for translation, which happens where it is shown."""
    return message


_ = gettext_noop


# Not set


def _is_empty(operand: Operand) -> Clause:
    return render("{} IS NULL", operand.value)


def _is_not_empty(operand: Operand) -> Clause:
    return render("{} IS NOT NULL", operand.value)


IS_EMPTY = Operator("is_empty", _("is empty"), _("{field} is empty"), Arity.NONE, _is_empty, holds_when_not_set=True)
IS_NOT_EMPTY = Operator("is_not_empty", _("is not empty"), _("{field} is not empty"), Arity.NONE, _is_not_empty)


# Equal


def _is(operand: Operand) -> Clause:
    return render("{} = {}", operand.value, operand.first)


def _is_not(operand: Operand) -> Clause:
    return render("{} IS DISTINCT FROM {}", operand.value, operand.first)


def _is_one_of(operand: Operand) -> Clause:
    return render("{} = ANY({})", operand.value, list(operand.values))


def _is_found(operand: Operand) -> Clause:
    """Exact identifiers are resolved first: no SQL runs between contacts and identifiers."""
    if operand.field.kind is None:
        raise ValueError(f"{operand.field.key} is not looked up through identifiers.")
    ids = operand.context.find_contacts(operand.field.kind, [str(value) for value in operand.values])
    return render("@contact.id = ANY({})", ids)


def _is_not_found(operand: Operand) -> Clause:
    return render("({}) IS NOT TRUE", _is_found(operand))


def _equality(one: Write, other: Write, many: Write) -> tuple[Operator, ...]:
    return (
        Operator("is", _("is"), _("{field} is {value}"), Arity.ONE, one),
        Operator("is_not", _("is not"), _("{field} is not {value}"), Arity.ONE, other, holds_when_not_set=True),
        Operator("is_one_of", _("is one of"), _("{field} is one of {values}"), Arity.MANY, many),
    )


# Parts of texts


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _contains(operand: Operand) -> Clause:
    return render("{} LIKE {}", operand.value, f"%{_escape(operand.first)}%")


def _starts_with(operand: Operand) -> Clause:
    return render("{} LIKE {}", operand.value, f"{_escape(operand.first)}%")


def _email_contains(operand: Operand) -> Clause:
    return _match_email(operand, before="%")


def _email_starts_with(operand: Operand) -> Clause:
    return _match_email(operand, before="")


def _match_email(operand: Operand, before: str) -> Clause:
    """Without case, the same on every server: a database's own ``lower()`` depends on its locale.

    Under "C" it lowers the letters A to Z alone; a text with other letters becomes a pattern with both cases of each.
    """
    text: str = operand.first
    if text.isascii():
        return render('lower({} COLLATE "C") LIKE {}', operand.value, f"{before}{_escape(text.lower())}%")
    anchor = "" if before else "^"
    return render('({} COLLATE "C") ~ {}', operand.value, anchor + "".join(map(_both_cases, text)))


def _both_cases(char: str) -> str:
    cases = sorted({case for case in (char, char.lower(), char.upper()) if len(case) == 1})
    return "(?:" + "|".join(case if case.isalnum() or not case.isascii() else f"\\{case}" for case in cases) + ")"


def _parts(contains: Write, starts_with: Write) -> tuple[Operator, ...]:
    return (
        Operator("contains", _("contains"), _("{field} contains {value}"), Arity.ONE, contains, reads=Reads.TEXT),
        Operator(
            "starts_with", _("starts with"), _("{field} starts with {value}"), Arity.ONE, starts_with, reads=Reads.TEXT
        ),
    )


# Numbers


def _compare(sign: str) -> Write:
    def sql(operand: Operand) -> Clause:
        return render("{} " + sign + " {}", operand.value, operand.first)

    return sql


def _between(operand: Operand) -> Clause:
    return render("{} BETWEEN {} AND {}", operand.value, *operand.values)


# Yes or no


def _is_yes(operand: Operand) -> Clause:
    return render("{} IS TRUE", operand.value)


def _is_no(operand: Operand) -> Clause:
    return render("{} IS FALSE", operand.value)


# Dates


def _in_span(span: Callable[[Operand], Span]) -> Write:
    def sql(operand: Operand) -> Clause:
        meant = span(operand)
        signs = ((">=", meant.low), ("<", meant.high))
        form, clock = operand.field.date_form, operand.context.clock
        return join(
            "AND",
            [
                render("{} " + sign + " {}", operand.value, write_bound(bound, form, clock))
                for sign, bound in signs
                if bound is not None
            ],
        )

    return sql


def _day(operand: Operand) -> date:
    day = operand.first
    if not isinstance(day, date):
        raise TypeError(f"{day!r} is not a day.")
    return day


def _on(operand: Operand) -> Span:
    return Span(_day(operand), _day(operand) + timedelta(days=1))


def _before(operand: Operand) -> Span:
    return Span(high=_day(operand))


def _after(operand: Operand) -> Span:
    return Span(low=_day(operand) + timedelta(days=1))


def _in_last_days(operand: Operand) -> Span:
    """N times 24 hours up to now for moments, N days up to and with today for days. What is to come is not in it."""
    clock, length = operand.context.clock, timedelta(days=operand.first)
    if operand.field.date_form.keeps_days:
        tomorrow = clock.today + timedelta(days=1)
        return Span(tomorrow - length, tomorrow)
    return Span(clock.now - length, clock.now + timedelta(microseconds=1))


# Options


def _stored(operand: Operand) -> list[Any]:
    options = [operand.field.option(value) for value in operand.values]
    return [option.stored for option in options if option is not None]


def _is_option(operand: Operand) -> Clause:
    return render("{} = {}", operand.value, *_stored(operand))


def _is_not_option(operand: Operand) -> Clause:
    return render("{} IS DISTINCT FROM {}", operand.value, *_stored(operand))


def _is_one_option(operand: Operand) -> Clause:
    return render("{} = ANY({})", operand.value, _stored(operand))


# Identifiers and segments


def _has(operand: Operand) -> Clause:
    return operand.value


def _has_none(operand: Operand) -> Clause:
    return render("({}) IS NOT TRUE", operand.value)


def _in_segment(operand: Operand) -> Clause:
    return operand.context.compile_segment(operand.first)


def _not_in_segment(operand: Operand) -> Clause:
    return render("({}) IS NOT TRUE", _in_segment(operand))


# Imports

_TOUCHED: Final = """@contact.id IN (
    SELECT change.contact_id FROM contacts_change change WHERE {condition}
    UNION ALL
    SELECT merged.merged_into_id FROM contacts_contact merged JOIN contacts_change change
    ON change.contact_id = merged.id WHERE merged.merged_into_id IS NOT NULL AND {condition}
)"""
"""The journal of who was merged stays with the tombstone; the survivor stands for it."""


def _touched_by(operand: Operand) -> Clause:
    text = _TOUCHED.replace("{condition}", "change.import_id = {}")
    return render(text, operand.first, operand.first)


def _touched_by_any(operand: Operand) -> Clause:
    return Clause(_TOUCHED.replace("{condition}", "change.import_id IS NOT NULL"))


def _created_by(operand: Operand) -> Clause:
    return render(
        "@contact.id IN (SELECT change.contact_id FROM contacts_change change"
        " WHERE change.import_id = {} AND change.kind = 'created')",
        operand.first,
    )


def _by_key(*operators: Operator) -> Mapping[str, Operator]:
    return {operator.key: operator for operator in operators}


_TEXT: Final = _by_key(*_equality(_is, _is_not, _is_one_of), *_parts(_contains, _starts_with), IS_EMPTY, IS_NOT_EMPTY)
_LOOKED_UP: Final = _by_key(
    *_equality(_is_found, _is_not_found, _is_found), *_parts(_contains, _starts_with), IS_EMPTY, IS_NOT_EMPTY
)

OPERATORS: Final[Mapping[FieldType, Mapping[str, Operator]]] = {
    FieldType.TEXT: _TEXT,
    FieldType.EXTERNAL_ID: _LOOKED_UP,
    FieldType.PHONE: _LOOKED_UP,
    FieldType.EMAIL: _by_key(
        *_equality(_is_found, _is_not_found, _is_found),
        *_parts(_email_contains, _email_starts_with),
        IS_EMPTY,
        IS_NOT_EMPTY,
    ),
    FieldType.NUMBER: _by_key(
        Operator("is", "=", _("{field} = {value}"), Arity.ONE, _is),
        Operator("is_not", "≠", _("{field} ≠ {value}"), Arity.ONE, _is_not, holds_when_not_set=True),
        Operator("less_than", "<", _("{field} < {value}"), Arity.ONE, _compare("<")),
        Operator("at_most", "≤", _("{field} ≤ {value}"), Arity.ONE, _compare("<=")),
        Operator("more_than", ">", _("{field} > {value}"), Arity.ONE, _compare(">")),
        Operator("at_least", "≥", _("{field} ≥ {value}"), Arity.ONE, _compare(">=")),
        Operator("between", _("is between"), _("{field} is between {low} and {high}"), Arity.TWO, _between),
        IS_EMPTY,
        IS_NOT_EMPTY,
    ),
    FieldType.BOOLEAN: _by_key(
        Operator("is_yes", _("is yes"), _("{field} is yes"), Arity.NONE, _is_yes),
        Operator("is_no", _("is no"), _("{field} is no"), Arity.NONE, _is_no),
        Operator(
            "is_not_set", _("is not set"), _("{field} is not set"), Arity.NONE, _is_empty, holds_when_not_set=True
        ),
    ),
    FieldType.DATE: _by_key(
        Operator("on", _("is on"), _("{field} is on {value}"), Arity.ONE, _in_span(_on)),
        Operator("before", _("is before"), _("{field} is before {value}"), Arity.ONE, _in_span(_before)),
        Operator("after", _("is after"), _("{field} is after {value}"), Arity.ONE, _in_span(_after)),
        Operator(
            "in_last_days",
            _("is in the last … days"),
            _("{field} is in the last {value} days"),
            Arity.ONE,
            _in_span(_in_last_days),
            reads=Reads.DAYS,
        ),
        IS_EMPTY,
        IS_NOT_EMPTY,
    ),
    FieldType.CHOICE: _by_key(*_equality(_is_option, _is_not_option, _is_one_option), IS_EMPTY, IS_NOT_EMPTY),
    FieldType.CHOICES: _by_key(IS_EMPTY, IS_NOT_EMPTY),
    FieldType.IDENTIFIER: _by_key(
        Operator("has", _("has"), _("has {field}"), Arity.NONE, _has),
        Operator("has_none", _("has no"), _("has no {field}"), Arity.NONE, _has_none, holds_when_not_set=True),
    ),
    FieldType.SEGMENT: _by_key(
        Operator("in", _("is in"), _("is in segment {value}"), Arity.ONE, _in_segment),
        Operator("not_in", _("is not in"), _("is not in segment {value}"), Arity.ONE, _not_in_segment),
    ),
    FieldType.IMPORT: _by_key(
        Operator("touched_by", _("was touched by"), _("was touched by import {value}"), Arity.ONE, _touched_by),
        Operator("created_by", _("was created by"), _("was created by import {value}"), Arity.ONE, _created_by),
        Operator("touched_by_any", _("was touched by any"), _("was touched by an import"), Arity.NONE, _touched_by_any),
    ),
}


def operator_of(field: Field, key: str) -> Operator | None:
    """The operator of ``field`` with this key, if it has it."""
    return OPERATORS[field.type].get(key)
