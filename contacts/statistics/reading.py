"""What the figures tell: those of the last day, and some of them over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from contacts.keys import Kind
from contacts.models import ChannelState, DailyFigure
from contacts.statistics.figures import (
    ANONYMOUS,
    COUNTED_KINDS,
    IDENTIFIED,
    channel_figure,
    kind_figure,
    source_of,
)

__all__ = ["Day", "Latest", "list_days", "read_latest"]

OVER_TIME: Final = (IDENTIFIED, ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Latest:
    """The figures as they were counted last; ``taken_at`` is None while nobody counted."""

    day: date | None = None
    taken_at: datetime | None = None
    values: Mapping[str, int] = field(default_factory=dict)

    @property
    def identified(self) -> int:
        return self.values.get(IDENTIFIED, 0)

    @property
    def anonymous(self) -> int:
        return self.values.get(ANONYMOUS, 0)

    @property
    def contacts(self) -> int:
        return self.identified + self.anonymous

    def by_source(self) -> dict[str, int]:
        """The largest first."""
        found = {source: count for name, count in self.values.items() if (source := source_of(name)) is not None}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def by_kind(self) -> dict[Kind, int]:
        """How many have a value of each kind of identifier."""
        return {kind: self.values.get(kind_figure(kind), 0) for kind in COUNTED_KINDS}

    def by_state(self, channel: str) -> dict[ChannelState, int]:
        """How many emails, or phones, are in each state."""
        return {state: self.values.get(channel_figure(channel, state), 0) for state in ChannelState}


@dataclass(frozen=True, slots=True)
class Day:
    """How many there were at the end of a day; ``is_reckoned``: told afterwards from when they were created."""

    day: date
    identified: int
    anonymous: int
    is_reckoned: bool = False


def read_latest() -> Latest:
    """One statement."""
    newest = DailyFigure.objects.order_by("-day").values("day")[:1]
    rows = list(DailyFigure.objects.filter(day=newest))
    if not rows:
        return Latest()
    return Latest(rows[0].day, max(row.taken_at for row in rows), {row.name: row.value for row in rows})


def list_days(*, first: date, last: date) -> list[Day]:
    """From ``first`` or the first day there is to ``last``; a day on which nobody counted is as the one before."""
    rows = DailyFigure.objects.filter(day__gte=first, day__lte=last, name__in=OVER_TIME)
    known: dict[date, dict[str, DailyFigure]] = defaultdict(dict)
    for row in rows:
        known[row.day][row.name] = row
    return list(_fill(known, last)) if known else []


def _fill(known: Mapping[date, Mapping[str, DailyFigure]], last: date) -> Iterator[Day]:
    start = min(known)
    figures: Mapping[str, DailyFigure] = {}
    for number in range((last - start).days + 1):
        day = start + timedelta(days=number)
        figures = known.get(day, figures)
        identified, anonymous = (_value(figures, name) for name in OVER_TIME)
        yield Day(day, identified, anonymous, all(figure.is_reckoned for figure in figures.values()))


def _value(figures: Mapping[str, DailyFigure], name: str) -> int:
    return figures[name].value if name in figures else 0
