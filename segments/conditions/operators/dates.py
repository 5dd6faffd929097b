"""The operators of dates (pure).

All but two mean one half-open span, written as plain bounds that an index can use. Where a definition asks in each
contact's own time zone, the spans of all zones are worked out here, in Python, and the contact's is chosen by its name;
what is no name of a zone falls back on the account's. Lengths of time that count moments (the last 30 days) are the
same in every zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from segments.conditions.dates import (
    Clock,
    DateForm,
    Duration,
    Nearness,
    Span,
    Unit,
    shift_day,
    shift_moment,
    start_of_period,
    write_bound,
)
from segments.conditions.operators.operator import Arity, Operand, Operator, Reads, Write, by_key, gettext_noop
from segments.conditions.operators.presence import IS_EMPTY, IS_NOT_EMPTY
from segments.conditions.sql import Clause, join, render

__all__ = ["DATES"]

_ = gettext_noop

Mean = Callable[[Operand, Clock], Span]
Plan = TypeVar("Plan")

DAY: Final = timedelta(days=1)
INSTANT: Final = timedelta(microseconds=1)


# What each means


def _on(operand: Operand, clock: Clock) -> Span:
    return Span(_day(operand), _day(operand) + DAY)


def _before(operand: Operand, clock: Clock) -> Span:
    return Span(high=_day(operand))


def _after(operand: Operand, clock: Clock) -> Span:
    return Span(low=_day(operand) + DAY)


def _between(operand: Operand, clock: Clock) -> Span:
    return Span(_day(operand), _day(operand, 1) + DAY)


def _in_last(operand: Operand, clock: Clock) -> Span:
    """Up to now for moments, up to and with today for days. What is to come is not in it."""
    if operand.field.date_form.keeps_days:
        tomorrow = clock.today + DAY
        return Span(shift_day(tomorrow, _duration(operand), -1), tomorrow)
    return Span(shift_moment(clock, _duration(operand), -1), clock.now + INSTANT)


def _in_next(operand: Operand, clock: Clock) -> Span:
    """From now on for moments, from today on for days."""
    if operand.field.date_form.keeps_days:
        return Span(clock.today, shift_day(clock.today, _duration(operand), 1))
    return Span(clock.now, shift_moment(clock, _duration(operand), 1) + INSTANT)


def _more_than_ago(operand: Operand, clock: Clock) -> Span:
    """What lies in the past and is not in the last …"""
    return Span(high=_in_last(operand, clock).low)


def _today(operand: Operand, clock: Clock) -> Span:
    return Span(clock.today, clock.today + DAY)


def _period(unit: Unit, step: int) -> Mean:
    def mean(operand: Operand, clock: Clock) -> Span:
        return Span(start_of_period(clock.today, unit, step), start_of_period(clock.today, unit, step + 1))

    return mean


def _day(operand: Operand, position: int = 0) -> date:
    day = operand.values[position]
    if not isinstance(day, date):
        raise TypeError(f"{day!r} is not a day.")
    return day


def _duration(operand: Operand) -> Duration:
    if not isinstance(operand.first, Duration):
        raise TypeError(f"{operand.first!r} is no length of time.")
    return operand.first


# Spans as SQL


Written = tuple[datetime | str | None, datetime | str | None]
"""A span in the form that the field's values are compared in."""


def _spanning(mean: Mean, *, is_elapsed: bool = False) -> Write:
    """``is_elapsed``: moments are compared with lengths of time before or after now, whatever the zone."""

    def sql(operand: Operand) -> Clause:
        form, compared = operand.field.date_form, _compared(operand)

        def write(clock: Clock) -> Written:
            span = mean(operand, clock)
            low, high = (None if end is None else write_bound(end, form, clock) for end in (span.low, span.high))
            return low, high

        if is_elapsed and not form.keeps_days:
            return _checked(operand, _within(compared, write(operand.context.clock)))
        spans = _by_zone(operand, write)
        chosen = _choose(spans, lambda span: _within(compared, span))
        return _checked(operand, chosen if len(spans) == 1 else _narrow(compared, list(spans), chosen))

    return sql


def _compared(operand: Operand) -> Clause:
    """The value, or what stands in its place unread."""
    kept = operand.field.kept
    return operand.value if kept is None else render('{} COLLATE "C"', kept.text)


def _checked(operand: Operand, compared: Clause) -> Clause:
    """What was compared unread has the shape of a date."""
    kept = operand.field.kept
    return compared if kept is None else join("AND", [compared, kept.has_shape])


def _within(value: Clause, span: Written) -> Clause:
    ends = ((">=", span[0]), ("<", span[1]))
    return join("AND", [render("{} " + sign + " {}", value, end) for sign, end in ends if end is not None])


def _narrow(value: Clause, spans: list[Written], chosen: Clause) -> Clause:
    """Only what lies in some zone's span and not in every zone's has to be looked at closely."""
    lows, highs = ([end for end in ends if end is not None] for ends in zip(*spans, strict=True))
    low, high = (min(lows, key=str) if lows else None), (max(highs, key=str) if highs else None)
    sure = _within(value, (max(lows, key=str) if lows else None, min(highs, key=str) if highs else None))
    return join("AND", [_within(value, (low, high)), join("OR", [sure, chosen])])


# Zones


def _by_zone(operand: Operand, plan: Callable[[Clock], Plan]) -> dict[Plan, list[str]]:
    """What a condition asks for in each zone, with the zones' names; the first is the account's, for all others."""
    clock = operand.context.clock
    planned: dict[Plan, list[str]] = defaultdict(list)
    planned[plan(clock)] = []
    if clock.by_contact:
        for name, zone in operand.context.read_zones().items():
            planned[plan(clock.in_zone(zone))].append(name)
    return dict(planned)


def _choose(planned: Mapping[Plan, list[str]], write: Callable[[Plan], Clause]) -> Clause:
    """The clause of the contact's zone. What is stored as a zone is only ever compared, so nonsense cannot fail."""
    (account, _names), *others = planned.items()
    if not others:
        return write(account)
    branches = [render("WHEN @contact.time_zone = ANY({}) THEN {}", names, write(plan)) for plan, names in others]
    return render("CASE {} ELSE {} END", _in_line(branches), write(account))


def _in_line(clauses: list[Clause]) -> Clause:
    return render(" ".join("{}" for _clause in clauses), *clauses)


# Parts of dates


def _anniversary(operand: Operand) -> Clause:
    """Of a day before the days asked for: the day itself is no anniversary. 29 February has it on the 28th."""
    around = operand.first
    if not isinstance(around, Nearness):
        raise TypeError(f"{around!r} is no number of days.")

    def write(today: date) -> Clause:
        first = today - timedelta(days=around.count)
        days = [first + timedelta(days=step) for step in range(2 * around.count + 1)]
        is_of_year = _is_one_of(operand, _days_of_year(days))
        is_earlier = render('{} < {} COLLATE "C"', _part(operand, "YYYY-MM-DD"), first.isoformat())
        return _when(is_of_year, _checked(operand, is_earlier))

    return _choose(_by_zone(operand, lambda clock: clock.today), write)


def _when(rare: Clause, further: Clause) -> Clause:
    """Both, the rare one first: PostgreSQL would begin with what it takes for cheaper."""
    return render("CASE WHEN {} THEN {} ELSE false END", rare, further)


def _is_one_of(operand: Operand, days_of_year: list[str]) -> Clause:
    """PostgreSQL searches a long list of zones by hash, but not within the search of another list."""
    if operand.field.date_form.keeps_days:
        return render("{} = ANY({})", _part(operand, "MM-DD"), days_of_year)
    return render("strpos({}, {}) > 0", " ".join(days_of_year), _part(operand, "MM-DD"))


def _days_of_year(days: list[date]) -> list[str]:
    found = {day.isoformat()[5:] for day in days}
    if any((day.month, day.day) == (2, 28) and (day + DAY).day == 1 for day in days):
        found.add("02-29")
    return sorted(found)


def _day_of_month(operand: Operand) -> Clause:
    is_on = render("{} = {}", _part(operand, "DD"), f"{operand.first:02}")
    return _when(is_on, _checked(operand, Clause("true")))


def _part(operand: Operand, end: str) -> Clause:
    """The end of a day such as ``2026-01-31``, in the zone that is asked for: ``31``, ``01-31`` or all of it."""
    if operand.field.date_form.keeps_days:
        compared = _compared(operand)
        return compared if end == "YYYY-MM-DD" else render(f"right({{}}, {len(end)})", compared)
    return render("to_char({} AT TIME ZONE {}, {})", _write_moment(operand), _write_zone(operand), end)


def _write_moment(operand: Operand) -> Clause:
    if operand.field.date_form is DateForm.MOMENT:
        return operand.value
    return render(_MOMENT_OF_TEXT, operand.value, DIGITS, *[operand.value] * 6)


DIGITS: Final = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
_MOMENT_OF_TEXT: Final = """(CASE WHEN {} ~ {} THEN (timestamp '0001-01-01' + make_interval(
years => substr({}, 1, 4)::int - 1, months => substr({}, 6, 2)::int - 1, days => substr({}, 9, 2)::int - 1,
hours => substr({}, 12, 2)::int, mins => substr({}, 15, 2)::int, secs => substr({}, 18, 9)::float8
)) AT TIME ZONE 'UTC' END)"""
"""A cast would fail on a day that never was; this takes 30 February for a day in March."""


def _write_zone(operand: Operand) -> Clause:
    """The name of the zone for the database. It knows its own list of zones, which need not be ours."""
    zones, account = operand.context.read_zones(), operand.context.clock.zone.key
    known = account if account in zones else "UTC"
    if not operand.context.clock.by_contact:
        return render("{}", known)
    return render("CASE WHEN @contact.time_zone = ANY({}) THEN @contact.time_zone ELSE {} END", sorted(zones), known)


# The operators


def _asks(
    key: str,
    label: str,
    sentence: str,
    mean: Mean,
    arity: Arity = Arity.NONE,
    reads: Reads = Reads.FIELD,
    hint: str = "",
) -> Operator:
    sql = _spanning(mean, is_elapsed=reads is Reads.DURATION)

    def span(operand: Operand) -> Span:
        return mean(operand, operand.context.clock)

    return Operator(key, label, sentence, arity, sql, reads=reads, hint=hint, span=span)


_LENGTH: Final = _("Up to now. A day has 24 hours; where days are kept without a time, today is the last of them.")
_COMING: Final = _("From now on. A day has 24 hours; where days are kept without a time, today is the first of them.")
_AGO: Final = _("Whatever is not in the last …, and not to come.")
_YEARLY: Final = _("How many days before or after today, 0 for today alone. The first one is a year later.")
_ONE, _DURATION = Arity.ONE, Reads.DURATION

DATES: Final[Mapping[str, Operator]] = by_key(
    _asks("on", _("is on"), _("{field} is on {value}"), _on, _ONE),
    _asks("before", _("is before"), _("{field} is before {value}"), _before, _ONE),
    _asks("after", _("is after"), _("{field} is after {value}"), _after, _ONE),
    _asks(
        "between",
        _("is between"),
        _("{field} is between {low} and {high}"),
        _between,
        Arity.TWO,
        hint=_("Both days are in it."),
    ),
    _asks("in_last", _("is in the last"), _("{field} is in the last {value}"), _in_last, _ONE, _DURATION, _LENGTH),
    _asks("in_next", _("is in the next"), _("{field} is in the next {value}"), _in_next, _ONE, _DURATION, _COMING),
    _asks(
        "more_than_ago",
        _("is more than … ago"),
        _("{field} is more than {value} ago"),
        _more_than_ago,
        _ONE,
        _DURATION,
        _AGO,
    ),
    _asks("today", _("is today"), _("{field} is today"), _today),
    _asks("this_week", _("is this week"), _("{field} is this week"), _period(Unit.WEEKS, 0)),
    _asks("last_week", _("is last week"), _("{field} is last week"), _period(Unit.WEEKS, -1)),
    _asks("next_week", _("is next week"), _("{field} is next week"), _period(Unit.WEEKS, 1)),
    _asks("this_month", _("is this month"), _("{field} is this month"), _period(Unit.MONTHS, 0)),
    _asks("last_month", _("is last month"), _("{field} is last month"), _period(Unit.MONTHS, -1)),
    _asks("next_month", _("is next month"), _("{field} is next month"), _period(Unit.MONTHS, 1)),
    _asks("this_quarter", _("is this quarter"), _("{field} is this quarter"), _period(Unit.QUARTERS, 0)),
    _asks("last_quarter", _("is last quarter"), _("{field} is last quarter"), _period(Unit.QUARTERS, -1)),
    _asks("next_quarter", _("is next quarter"), _("{field} is next quarter"), _period(Unit.QUARTERS, 1)),
    _asks("this_year", _("is this year"), _("{field} is this year"), _period(Unit.YEARS, 0)),
    _asks("last_year", _("is last year"), _("{field} is last year"), _period(Unit.YEARS, -1)),
    _asks("next_year", _("is next year"), _("{field} is next year"), _period(Unit.YEARS, 1)),
    Operator(
        "anniversary",
        _("has its anniversary"),
        _("{field} has its anniversary {value}"),
        _ONE,
        _anniversary,
        reads=Reads.NEARNESS,
        hint=_YEARLY,
    ),
    Operator(
        "day_of_month",
        _("is on the day of a month"),
        _("{field} is on day {value} of a month"),
        _ONE,
        _day_of_month,
        reads=Reads.DAY_OF_MONTH,
        hint=_("From 1 to 31."),
    ),
    IS_EMPTY,
    IS_NOT_EMPTY,
)
