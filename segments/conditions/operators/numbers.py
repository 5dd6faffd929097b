"""The operators of numbers and of yes or no (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from segments.conditions.fields import Kept
from segments.conditions.operators.operator import Arity, Operand, Operator, Write, by_key, gettext_noop, opposite
from segments.conditions.operators.presence import IS_EMPTY, IS_NOT_EMPTY, is_empty
from segments.conditions.sql import Clause, render

__all__ = ["AMOUNTS", "BOOLEANS", "NUMBERS"]

_ = gettext_noop


# What is kept in jsonb beside other things is compared by a jsonpath: that never fails, and a text is no number to it.

_IN_PATHS: Final = {"=": "=="}


def _compare(sign: str) -> Write:
    def sql(operand: Operand) -> Clause:
        kept = operand.field.kept
        if kept is None:
            return render("{} " + sign + " {}", operand.value, operand.first)
        return _match(kept, f"{kept.path} {_IN_PATHS.get(sign, sign)} {operand.first}")

    return sql


def _between(operand: Operand) -> Clause:
    kept, (low, high) = operand.field.kept, operand.values
    if kept is None:
        return render("{} BETWEEN {} AND {}", operand.value, low, high)
    return _match(kept, f"{kept.path} >= {low} && {kept.path.removeprefix('strict ')} <= {high}")


def _match(kept: Kept, path: str) -> Clause:
    return render("{} @@ CAST({} AS jsonpath)", kept.document, path)


def _is_yes(operand: Operand) -> Clause:
    return _says(operand, "TRUE")


def _is_no(operand: Operand) -> Clause:
    return _says(operand, "FALSE")


def _says(operand: Operand, word: str) -> Clause:
    if operand.field.kept is None:
        return render("{} IS " + word, operand.value)
    return render("{} = {}", operand.field.kept.text, word.lower())


NUMBERS: Final[Mapping[str, Operator]] = by_key(
    Operator("is", "=", _("{field} = {value}"), Arity.ONE, _compare("=")),
    Operator("is_not", "≠", _("{field} ≠ {value}"), Arity.ONE, opposite(_compare("=")), holds_when_not_set=True),
    Operator("less_than", "<", _("{field} < {value}"), Arity.ONE, _compare("<")),
    Operator("at_most", "≤", _("{field} ≤ {value}"), Arity.ONE, _compare("<=")),
    Operator("more_than", ">", _("{field} > {value}"), Arity.ONE, _compare(">")),
    Operator("at_least", "≥", _("{field} ≥ {value}"), Arity.ONE, _compare(">=")),
    Operator("between", _("is between"), _("{field} is between {low} and {high}"), Arity.TWO, _between),
    IS_EMPTY,
    IS_NOT_EMPTY,
)

AMOUNTS: Final = by_key(*(operator for operator in NUMBERS.values() if operator not in {IS_EMPTY, IS_NOT_EMPTY}))
"""Of what is counted or summed up: it is never empty."""

BOOLEANS: Final[Mapping[str, Operator]] = by_key(
    Operator("is_yes", _("is yes"), _("{field} is yes"), Arity.NONE, _is_yes),
    Operator("is_no", _("is no"), _("{field} is no"), Arity.NONE, _is_no),
    Operator("is_not_set", _("is not set"), _("{field} is not set"), Arity.NONE, is_empty, holds_when_not_set=True),
)
