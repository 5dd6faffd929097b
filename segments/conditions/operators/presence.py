"""Whether a field has a value at all (pure)."""

from __future__ import annotations

from segments.conditions.operators.operator import Arity, Operand, Operator, gettext_noop
from segments.conditions.sql import Clause, negate, render

__all__ = ["IS_EMPTY", "IS_NOT_EMPTY", "is_empty"]

_ = gettext_noop


def is_empty(operand: Operand) -> Clause:
    kept = operand.field.kept
    return render("{} IS NULL", operand.value) if kept is None else negate(kept.has_shape)


def _is_not_empty(operand: Operand) -> Clause:
    kept = operand.field.kept
    return render("{} IS NOT NULL", operand.value) if kept is None else kept.has_shape


IS_EMPTY = Operator("is_empty", _("is empty"), _("{field} is empty"), Arity.NONE, is_empty, holds_when_not_set=True)
IS_NOT_EMPTY = Operator("is_not_empty", _("is not empty"), _("{field} is not empty"), Arity.NONE, _is_not_empty)
