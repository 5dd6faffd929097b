"""Days and moments as conditions see them (pure).

A day is a day of the account's time zone. Every date operator means a half-open span, so that each can use an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["FIRST_DAY", "LAST_DAY", "MAX_DAYS", "Clock", "DateForm", "Span", "write_bound"]

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)
MAX_DAYS: Final = 36_500

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


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment of asking, and the account's time zone."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The moment at which ``day`` begins."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)


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
