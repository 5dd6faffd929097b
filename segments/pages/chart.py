"""The sizes of a segment as a drawing (pure): where its lines and labels stand, for an SVG of 900 by 240."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple, Protocol

__all__ = ["Chart", "Mark", "draw_sizes"]

WIDTH: Final = 900
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 70, 890, 15, 205
DAYS_MARKED: Final = 6


class Sized(Protocol):
    """A day and how large the segment was at its end."""

    @property
    def day(self) -> date: ...

    @property
    def size(self) -> int: ...


class Mark(NamedTuple):
    """A label of an axis."""

    at: float
    text: str


class Chart(NamedTuple):
    """``line`` are the points of the sizes, ``area`` those of what lies below."""

    line: str
    area: str
    sizes: list[Mark]
    days: list[Mark]
    width: int = WIDTH
    height: int = HEIGHT


def draw_sizes(days: Sequence[Sized]) -> Chart | None:
    """None where there is nothing to draw."""
    if not days:
        return None
    top = _round_up(max(one.size for one in days))
    step = (RIGHT - LEFT) / max(len(days) - 1, 1)
    points = [(LEFT + number * step, BOTTOM - (BOTTOM - TOP) * one.size / top) for number, one in enumerate(days)]
    if len(points) == 1:
        points.append((float(RIGHT), points[0][1]))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"{LEFT},{BOTTOM} {line} {points[-1][0]:.1f},{BOTTOM}"
    return Chart(line, area, _mark_sizes(top), _mark_days(days, step))


def _round_up(size: int) -> int:
    """The next number of one digit and noughts, an even one, so that its half is whole."""
    power = 10 ** max(len(str(size)) - 1, 0)
    top = -(-max(size, 2) // power) * power
    return top if top % 2 == 0 else top + max(power, 1)


def _mark_sizes(top: int) -> list[Mark]:
    return [Mark(BOTTOM - (BOTTOM - TOP) * part, f"{int(top * part):,}") for part in (0, 0.5, 1)]


def _mark_days(days: Sequence[Sized], step: float) -> list[Mark]:
    every = max((len(days) - 1) // (DAYS_MARKED - 1), 1)
    return [Mark(LEFT + number * step, days[number].day.isoformat()) for number in range(0, len(days), every)]
