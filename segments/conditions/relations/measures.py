"""What can be asked of a contact's rows (pure): one object each, with its SQL, its words and what it is of no rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from segments.conditions.fields import FieldType
from segments.conditions.operators import Operator

__all__ = ["MEASURES", "Measure", "holds_of_none", "holds_of_some"]


def gettext_noop(message: str) -> str:
    """Marks ``message`` for translation, which happens where it is shown."""
    return message


_ = gettext_noop


@dataclass(frozen=True, slots=True)
class Measure:
    """``sql`` is the aggregate, with a place for what is added up where the measure ``takes_of``.

    ``words`` has places for the rows, one or many of them, and for ``of``. ``type`` is whose operators it has: an
    amount is 0 where there are no rows, anything else is not set.
    """

    key: str
    label: str
    type: FieldType
    sql: str
    words: str
    takes_of: bool = False


MEASURES: Final[Mapping[str, Measure]] = {
    measure.key: measure
    for measure in (
        Measure("any", _("has"), FieldType.ROWS, "count(*)", "{rows}"),
        Measure("count", _("number"), FieldType.AMOUNT, "count(*)", _("number of {rows}")),
        Measure("first_at", _("date of the first"), FieldType.DATE, "min({})", _("date of the first {row}")),
        Measure("last_at", _("date of the last"), FieldType.DATE, "max({})", _("date of the last {row}")),
        Measure("sum", _("sum"), FieldType.AMOUNT, "coalesce(sum({}), 0)", _("sum of {of} of {rows}"), takes_of=True),
        Measure("average", _("average"), FieldType.NUMBER, "avg({})", _("average of {of} of {rows}"), takes_of=True),
    )
}

_OF_ZERO: Final[Mapping[str, Callable[..., bool]]] = {
    "is": lambda value: value == 0,
    "is_not": lambda value: value != 0,
    "less_than": lambda value: value > 0,
    "at_most": lambda value: value >= 0,
    "more_than": lambda value: value < 0,
    "at_least": lambda value: value <= 0,
    "between": lambda low, high: low <= 0 <= high,
}
"""The operators of amounts, asked about 0."""


def holds_of_none(measure: Measure, operator: Operator, values: tuple[Any, ...]) -> bool:
    """Whether the condition holds for a contact without rows."""
    if measure.type is not FieldType.AMOUNT:
        return operator.holds_when_not_set
    return _OF_ZERO[operator.key](*values)


def holds_of_some(measure: Measure, operator: Operator, values: tuple[Any, ...]) -> bool | None:
    """Whether it holds as soon as there is a row, and just then (True), or not then (False); None: that depends."""
    if measure.key != "count":
        return None
    match operator.key, values:
        case ("at_least", (1,)) | ("more_than" | "is_not", (0,)):
            return True
        case ("less_than", (1,)) | ("at_most" | "is", (0,)):
            return False
        case _:
            return None
