"""Whom the clock concerns: contacts for whom a condition may have turned between two moments, nothing else changed.

A date condition means a span that moves with the clock. Between two moments only values between its old and its new
ends change sides, and these are looked for by themselves, so that indexes find them. What means no span (anniversaries,
a day of the month) changes at the borders of days, and then the condition is asked at both moments. Too many are no
harm: whoever is found is looked at again, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from contacts.models import ContactState
from segments.conditions.compile import Compiler
from segments.conditions.dates import Clock, Span, write_bound
from segments.conditions.errors import UnknownOperator
from segments.conditions.fields import Field, FieldType
from segments.conditions.operators import Context, Operand, operator_of
from segments.conditions.relations import Relation
from segments.conditions.relations.compile import field_of_measure, filter_rows
from segments.conditions.sql import Clause, join, render
from segments.conditions.tree import Condition, Definition, Rows, Value, Zone, conditions_of
from segments.watching.evaluate import fetch
from segments.watching.watched import Moment

__all__ = ["find_struck", "is_concerned"]

CONTACTS: Final = f"SELECT c.id AS contact_id FROM contacts_contact c WHERE c.state = {ContactState.ACTIVE.value} AND "

NEVER_AHEAD: Final = Clause("NULL")
OWN_MOMENTS: Final = frozenset({"created_at", "updated_at", "last_seen_at", "email_state_at", "phone_state_at"})
"""Moments of ours, which are never ahead."""
WRITTEN_AT: Final = {"events": Clause("r.received_at"), "orders": Clause("r.updated_at")}

End = Any  # moments, or texts that sort as they do
Window = tuple[End, End]


def find_struck(definition: Definition, moment: Moment, *, since: datetime, at_most: int) -> Sequence[int] | None:
    """The contacts to look at again, in order; None where the clock concerns nobody. Of too many one more is found."""
    selects = list(_Walk(moment, since).of_definition(definition))
    if not selects:
        return None
    union = " UNION ALL ".join(f"({select.text})" for select in selects)
    params = [param for select in selects for param in select.params]
    sql = f"SELECT DISTINCT contact_id FROM ({union}) AS struck LIMIT {at_most + 1}"
    return sorted(contact_id for (contact_id,) in fetch(sql, params))


def is_concerned(definition: Definition, moment: Moment, *, since: datetime) -> bool:
    """Whether the clock may have turned anything since; asks the database for nothing but named segments."""
    return any(True for _ in _Walk(moment, since).of_definition(definition))


@dataclass(frozen=True, slots=True)
class _At:
    """What a span asks of its context."""

    clock: Clock


class _Walk:
    """Goes through the conditions of a definition, and of the segments that it names, under both clocks."""

    def __init__(self, moment: Moment, since: datetime) -> None:
        self.moment = moment
        self.since = since

    def of_definition(self, definition: Definition) -> Iterator[Clause]:
        before, after = self.compiler(self.since, definition.zone), self.compiler(self.moment.now, definition.zone)
        for condition in conditions_of(definition):
            yield from self.of_condition(condition, before, after)

    def compiler(self, at: datetime, zone: Zone) -> Compiler:
        lookups = self.moment.nobody
        return Compiler(lookups.registry, self.moment.clock_at(at), lookups, zone=zone, few=True)

    def of_condition(self, condition: Condition, before: Compiler, after: Compiler) -> Iterator[Clause]:
        if condition.rows is not None:
            if before.compile_condition(condition) != after.compile_condition(condition):
                yield from _of_rows(condition, condition.rows, before, after)
            return
        field = after.registry.fields[condition.field]
        if field.type is FieldType.SEGMENT:
            yield from self.of_segment(condition.values[0])
            return
        turned = _turned(condition, field, before, after, NEVER_AHEAD if field.key in OWN_MOMENTS else None)
        if turned is not None:
            yield render(CONTACTS + "({})", turned.read_from("c"))

    def of_segment(self, segment_id: Value) -> Iterator[Clause]:
        named = self.moment.lookups.read_segment(int(str(segment_id)))
        if isinstance(named, Definition):
            yield from self.of_definition(named)


def _of_rows(condition: Condition, rows: Rows, before: Compiler, after: Compiler) -> Iterator[Clause]:
    """Rows that enter or leave the period, rows for which another of their conditions turned, and rows whose moment
    may be the first or the last one, and turned.
    """
    relation = after.relation_of(condition)
    was, is_now = (filter_rows(condition, relation, side, with_period=False) for side in (before, after))
    meant, written_at = is_now, WRITTEN_AT.get(relation.key, NEVER_AHEAD)
    if was != is_now:
        meant = relation.kinds[rows.type].clause if relation.kinds and rows.type else Clause("true")
        yield _select_rows(relation, [meant, _differ(was, is_now)])
    if rows.period is not None:
        turned = _turned(rows.period, relation.moment, before, after, written_at)
        if turned is not None:
            yield _select_rows(relation, [meant, turned])
    measured = field_of_measure(relation.measures[rows.measure], relation, relation.moment.value)
    if measured.type is FieldType.DATE:
        turned = _turned(condition, measured, before, after, written_at)
        if turned is not None:
            yield _select_rows(relation, [meant, turned])


def _select_rows(relation: Relation, conditions: Sequence[Clause]) -> Clause:
    held = join("AND", conditions)
    start = f"SELECT r.contact_id FROM {relation.table} r"
    if not held.asks_contact:
        return render(start + " WHERE {}", held)
    joined = " JOIN contacts_contact of_row ON of_row.id = r.contact_id WHERE {}"
    return render(start + joined, held.read_from("of_row"))


# One date


def _turned(
    condition: Condition, field: Field, before: Compiler, after: Compiler, written_at: Clause | None
) -> Clause | None:
    """Of which values ``condition`` may say something else now; None: of none.

    Whatever was written since was looked at when it was. A value that the clock reached since was written before only
    if it lay ahead then: later than ``written_at``, or anyhow where that is not known (None).
    """
    operator = operator_of(field, condition.operator)
    if operator is None:
        raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
    if operator.span is not None:
        since = write_bound(before.clock.now, field.date_form, before.clock)
        parts = []
        for window in _windows(operator.span, field, condition.values, before, after):
            is_reached = written_at is not None and window[0] >= since
            if not is_reached:
                parts.append(_within(field.value, window))
            elif written_at is not NEVER_AHEAD:
                parts.append(render("{} AND {} > {}", _within(field.value, window), field.value, written_at))
        return join("OR", parts) if parts else None
    was, is_now = (operator.sql(Operand(field, condition.values, side)) for side in (before, after))
    return None if was == is_now else _differ(was, is_now)


def _differ(was: Clause, is_now: Clause) -> Clause:
    return render("(({}) IS TRUE) <> (({}) IS TRUE)", was, is_now)


def _within(value: Clause, window: Window) -> Clause:
    return render("{} >= {} AND {} < {}", value, window[0], value, window[1])


def _windows(
    span: Callable[[Operand], Span], field: Field, values: tuple[Value, ...], before: Compiler, after: Compiler
) -> list[Window]:
    """What lies between the old and the new ends, in every zone that is asked for."""
    found: set[Window] = set()
    for was, is_now in zip(_clocks(before), _clocks(after), strict=True):
        old, new = (_ends(span, field, values, clock) for clock in (was, is_now))
        for one, other in zip(old, new, strict=True):
            if one is not None and other is not None and one != other:
                found.add((min(one, other), max(one, other)))
    return sorted(found, key=str)


def _ends(
    span: Callable[[Operand], Span], field: Field, values: tuple[Value, ...], clock: Clock
) -> tuple[End | None, End | None]:
    meant = span(Operand(field, values, cast("Context", _At(clock))))
    low, high = (None if end is None else write_bound(end, field.date_form, clock) for end in (meant.low, meant.high))
    return low, high


def _clocks(side: Compiler) -> list[Clock]:
    """The account's, and if each contact's days count those of all zones."""
    clock = side.clock
    return [clock, *(clock.in_zone(zone) for zone in side.read_zones().values())] if clock.by_contact else [clock]
