"""Days and moments as conditions see them (pure).

A day is a day of one time zone: the account's, or each contact's own. Every date operator but those that look at a
part of the date means a half-open span, so that each can use an index.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Final
from zoneinfo import ZoneInfo

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "LONGEST",
    "MAX_NEARNESS",
    "UNIT_WORDS",
    "Bound",
    "Clock",
    "DateForm",
    "Duration",
    "Nearness",
    "Span",
    "Unit",
    "add_months",
    "shift_day",
    "shift_moment",
    "start_of_period",
    "write_bound",
]

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)
MAX_NEARNESS: Final = 182
"""Days around an anniversary: half a year on either side is the whole year."""

Bound = date | datetime


class DateForm(Enum):
    """How a field keeps its time."""

    MOMENT = "moment"
    """A column with time zone."""
    MOMENT_TEXT = "moment text"
    """Text in UTC, ``2026-01-31T09:00:00.000000Z``: it sorts as it is."""
    DAY_TEXT = "day text"
    """Text, ``2026-01-31``."""

    @property
    def keeps_days(self) -> bool:
        return self is DateForm.DAY_TEXT


# Lengths of time


class Unit(StrEnum):
    """What a length of time is counted in."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    QUARTERS = "quarters"
    YEARS = "years"

    @property
    def is_within_a_day(self) -> bool:
        return self in {Unit.MINUTES, Unit.HOURS}


def gettext_noop(message: str) -> str:
    """Marks ``message`` for translation, which happens where it is shown."""
    return message


_ = gettext_noop

UNIT_WORDS: Final[Mapping[Unit, tuple[str, str]]] = {
    Unit.MINUTES: (_("{count} minute"), _("{count} minutes")),
    Unit.HOURS: (_("{count} hour"), _("{count} hours")),
    Unit.DAYS: (_("{count} day"), _("{count} days")),
    Unit.WEEKS: (_("{count} week"), _("{count} weeks")),
    Unit.MONTHS: (_("{count} month"), _("{count} months")),
    Unit.QUARTERS: (_("{count} quarter"), _("{count} quarters")),
    Unit.YEARS: (_("{count} year"), _("{count} years")),
}
"""One, and several."""

LONGEST: Final[Mapping[Unit, int]] = {
    Unit.MINUTES: 52_560_000,
    Unit.HOURS: 876_000,
    Unit.DAYS: 36_500,
    Unit.WEEKS: 5_200,
    Unit.MONTHS: 1_200,
    Unit.QUARTERS: 400,
    Unit.YEARS: 100,
}
"""A hundred years."""

_FIXED: Final[Mapping[Unit, timedelta]] = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
}
_MONTHS: Final[Mapping[Unit, int]] = {Unit.MONTHS: 1, Unit.QUARTERS: 3, Unit.YEARS: 12}


@dataclass(frozen=True, slots=True)
class Duration:
    """So many of a unit."""

    count: int
    unit: Unit

    @property
    def words(self) -> tuple[str, str]:
        return UNIT_WORDS[self.unit]


@dataclass(frozen=True, slots=True)
class Nearness:
    """So many days before or after today; 0 is today alone."""

    count: int

    @property
    def words(self) -> tuple[str, str]:
        if self.count == 0:
            return _("today"), _("today")
        return _("within {count} day of today"), _("within {count} days of today")


# The clock


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of asking, and the account's time zone.

    ``by_contact``: days are those of each contact's own time zone; the account's is for whoever has none that is known.
    """

    now: datetime
    zone: ZoneInfo
    by_contact: bool = False

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The moment at which ``day`` begins."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def in_zone(self, zone: ZoneInfo) -> Clock:
        """The same moment as somebody in ``zone`` sees it."""
        return Clock(self.now, zone)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``low`` on, up to but without ``high``; None is open."""

    low: Bound | None = None
    high: Bound | None = None


def write_bound(bound: Bound, form: DateForm, clock: Clock) -> datetime | str:
    """``bound`` in the form that the field's values are compared in."""
    if form.keeps_days:
        day = bound.astimezone(clock.zone).date() if isinstance(bound, datetime) else bound
        return day.isoformat()
    moment = bound if isinstance(bound, datetime) else clock.start_of(bound)
    if form is DateForm.MOMENT:
        return moment
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# Arithmetic


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def shift_day(day: date, duration: Duration, sign: int) -> date:
    """``day`` moved by whole days, weeks, months …; ``sign`` is 1 or -1."""
    if duration.unit in _FIXED:
        return day + sign * duration.count * _FIXED[duration.unit]
    return add_months(day, sign * duration.count * _MONTHS[duration.unit])


def shift_moment(clock: Clock, duration: Duration, sign: int) -> datetime:
    """Now, moved. A day has 24 hours; months and years keep the time that the clock on the wall shows."""
    if duration.unit in _FIXED:
        return clock.now + sign * duration.count * _FIXED[duration.unit]
    local = clock.now.astimezone(clock.zone)
    day = add_months(local.date(), sign * duration.count * _MONTHS[duration.unit])
    return datetime.combine(day, local.timetz()).astimezone(UTC)


def start_of_period(day: date, unit: Unit, step: int) -> date:
    """The first day of the week (from Monday), month, quarter or year around ``day``, or of the ``step``-th after."""
    if unit is Unit.WEEKS:
        return day + timedelta(days=7 * step - day.weekday())
    length = _MONTHS[unit]
    since_january = (day.month - 1) // length * length
    return add_months(day.replace(month=1, day=1), since_january + step * length)
