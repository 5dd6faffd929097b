"""The operators of a choice among options and of a list of options (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from segments.conditions.operators.operator import Arity, Operand, Operator, Write, by_key, gettext_noop, opposite
from segments.conditions.operators.presence import IS_EMPTY, IS_NOT_EMPTY
from segments.conditions.sql import Clause, join, render

__all__ = ["CHOICES", "LISTS"]

_ = gettext_noop


def _stored(operand: Operand) -> list[Any]:
    options = [operand.field.option(value) for value in operand.values]
    return [option.stored for option in options if option is not None]


def _is(operand: Operand) -> Clause:
    return render("{} = {}", operand.value, *_stored(operand))


def _is_not(operand: Operand) -> Clause:
    return render("{} IS DISTINCT FROM {}", operand.value, *_stored(operand))


def _is_one_of(operand: Operand) -> Clause:
    return render("{} = ANY({})", operand.value, _stored(operand))


def _holds(sign: str) -> Write:
    """A list is a jsonb array of texts."""

    def sql(operand: Operand) -> Clause:
        if operand.field.kept is None:
            return render("{} " + sign + " {}::text[]", operand.value, _stored(operand))
        held = render("{} " + sign + " {}::text[]", operand.field.kept.json, _stored(operand))
        return join("AND", [held, render("jsonb_typeof({}) = 'array'", operand.field.kept.json)])

    return sql


CHOICES: Final[Mapping[str, Operator]] = by_key(
    Operator("is", _("is"), _("{field} is {value}"), Arity.ONE, _is),
    Operator("is_not", _("is not"), _("{field} is not {value}"), Arity.ONE, _is_not, holds_when_not_set=True),
    Operator("is_one_of", _("is one of"), _("{field} is one of {values}"), Arity.MANY, _is_one_of),
    Operator(
        "is_not_one_of",
        _("is not one of"),
        _("{field} is not one of {values}"),
        Arity.MANY,
        opposite(_is_one_of),
        holds_when_not_set=True,
    ),
    IS_EMPTY,
    IS_NOT_EMPTY,
)

LISTS: Final[Mapping[str, Operator]] = by_key(
    Operator("contains_any", _("contains any of"), _("{field} contains any of {values}"), Arity.MANY, _holds("?|")),
    Operator("contains_all", _("contains all of"), _("{field} contains all of {values}"), Arity.MANY, _holds("?&")),
    Operator(
        "contains_none",
        _("contains none of"),
        _("{field} contains none of {values}"),
        Arity.MANY,
        opposite(_holds("?|")),
        holds_when_not_set=True,
    ),
    IS_EMPTY,
    IS_NOT_EMPTY,
)
