"""Numbers over days as a drawing, and shares as bars: what an SVG needs, worked out on the server.

A drawing comes in two sizes, since a text in an SVG shrinks with it: CSS shows the one that fits the panel. Beside each
drawing stands the same as a table, for whoever cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from django.utils.formats import date_format, number_format

__all__ = ["Bar", "Chart", "Series", "draw_bars", "draw_lines", "say_number"]


class Frame(NamedTuple):
    """Where the drawing's own space lies within its picture, and how many days are named below."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    days: int

    @property
    def text_at(self) -> int:
        """Where the numbers end."""
        return self.left - 8

    @property
    def days_at(self) -> int:
        """The line of the days."""
        return self.bottom + 22


FRAMES: Final = (
    Frame("wide", width=900, height=240, left=76, right=880, top=15, bottom=205, days=6),
    Frame("narrow", width=340, height=220, left=66, right=326, top=12, bottom=186, days=2),
)


class Series(NamedTuple):
    """What is drawn: a number for each day. ``tone`` names its colours in ``static/crm/charts.css``."""

    label: Any
    tone: str
    values: Sequence[int]


class Mark(NamedTuple):
    """A label of an axis."""

    at: str
    text: str
    anchor: str = "middle"


class Layer(NamedTuple):
    """One series: ``line`` are its points, ``area`` those of what lies between it and the one below."""

    tone: str
    line: str
    area: str


class Drawing(NamedTuple):
    """One size of a chart."""

    frame: Frame
    layers: list[Layer]
    sizes: list[Mark]
    days: list[Mark]


class Chart(NamedTuple):
    """``days`` and ``rows`` are the same as a table: a row a day, the newest first, a cell a series."""

    drawings: list[Drawing]
    series: Sequence[Series]
    rows: list[tuple[str, list[str]]]


class Bar(NamedTuple):
    """One line of a bar chart; ``percent`` is of the whole, for people, ``width`` of the picture, for the drawing."""

    label: str
    shown: str
    percent: str
    width: str
    tone: str = ""


def say_number(number: int) -> str:
    """With separators of thousands, as the reader's language has them."""
    return str(number_format(number, use_l10n=True, force_grouping=True))


def draw_lines(days: Sequence[date], series: Sequence[Series]) -> Chart | None:
    """The series on top of each other, the first one at the bottom; None where there is nothing to draw."""
    if not days:
        return None
    levels = _stack(series)
    rows = [(_say_day(day), [say_number(one.values[place]) for one in series]) for place, day in enumerate(days)]
    rows.reverse()
    return Chart([_draw(frame, days, series, levels) for frame in FRAMES], series, rows)


def draw_bars(counts: Mapping[Any, int], whole: int, tones: Mapping[Any, str] | None = None) -> list[Bar]:
    """A bar for each count, in their order; their shares are of ``whole``."""
    return [_draw_bar(str(label), count, whole, (tones or {}).get(label, "")) for label, count in counts.items()]


def _draw_bar(label: str, count: int, whole: int, tone: str) -> Bar:
    share = 100 * count / whole if whole else 0.0
    percent = _say_percent(share) if whole else "—"
    return Bar(label, say_number(count), percent, f"{min(share, 100):.2f}", tone)


def _say_percent(share: float) -> str:
    """Nobody is 0 %, and not quite all are not 100 %."""
    if 0 < share < 0.1:
        return f"< {number_format(0.1, 1)} %"
    if 99.9 < share < 100:
        return f"> {number_format(99.9, 1)} %"
    return f"{number_format(share, 0 if share in (0, 100) else 1)} %"


def _stack(series: Sequence[Series]) -> list[list[int]]:
    """How high each series reaches on each day, with those below it."""
    levels: list[list[int]] = []
    for one in series:
        below = levels[-1] if levels else [0] * len(one.values)
        levels.append([under + value for under, value in zip(below, one.values, strict=True)])
    return levels


def _draw(frame: Frame, days: Sequence[date], series: Sequence[Series], levels: Sequence[Sequence[int]]) -> Drawing:
    top = _round_up(max(levels[-1], default=0))
    step = (frame.right - frame.left) / max(len(days) - 1, 1)
    floor = [(float(frame.left), float(frame.bottom)), (float(frame.right), float(frame.bottom))]
    layers = []
    for one, level in zip(series, levels, strict=True):
        points = [(frame.left + place * step, _height(frame, value, top)) for place, value in enumerate(level)]
        if len(points) == 1:
            points.append((float(frame.right), points[0][1]))
        layers.append(Layer(one.tone, _write(points), _write([*points, *reversed(floor)])))
        floor = points
    return Drawing(frame, layers, _mark_sizes(frame, top), _mark_days(frame, days, step))


def _height(frame: Frame, value: float, top: int) -> float:
    return frame.bottom - (frame.bottom - frame.top) * value / top


def _write(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _round_up(size: int) -> int:
    """The next number of one digit and noughts, an even one, so that its half is whole."""
    power = 10 ** max(len(str(size)) - 1, 0)
    top = -(-max(size, 2) // power) * power
    return top if top % 2 == 0 else top + max(power, 1)


def _mark_sizes(frame: Frame, top: int) -> list[Mark]:
    return [Mark(f"{_height(frame, top * part, top):.1f}", say_number(int(top * part)), "end") for part in (0, 0.5, 1)]


def _mark_days(frame: Frame, days: Sequence[date], step: float) -> list[Mark]:
    """Some of the days, evenly; the first and the last do not stand out of the picture."""
    count = min(len(days), frame.days)
    places = sorted({round(number * (len(days) - 1) / max(count - 1, 1)) for number in range(count)})
    return [
        Mark(f"{frame.left + place * step:.1f}", _say_day(days[place]), _anchor(place, len(days))) for place in places
    ]


def _anchor(place: int, count: int) -> str:
    if place == 0:
        return "start"
    return "end" if place == count - 1 else "middle"


def _say_day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
