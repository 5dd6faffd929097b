"""The figures and what they are made of (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from contacts.keys import IDENTIFYING_MASK, Kind

__all__ = [
    "ANONYMOUS",
    "CHANNELS",
    "COUNTED_KINDS",
    "IDENTIFIED",
    "Alike",
    "channel_figure",
    "fold",
    "kind_figure",
    "source_of",
    "total",
]

IDENTIFIED: Final = "contacts.identified"
ANONYMOUS: Final = "contacts.anonymous"
SOURCE: Final = "source."
CHANNELS: Final = ("email", "phone")
COUNTED_KINDS: Final = tuple(kind for kind in Kind if kind is not Kind.ORDER)
"""What contacts are found by; an order number finds the order."""


class Alike(NamedTuple):
    """Contacts that no figure tells apart, and how many they are."""

    kinds: int
    is_known: bool
    """Made deliberately, or with an order: not anonymous, even without a value that identifies."""
    source: str
    email_state: int | None
    phone_state: int | None
    number: int


def kind_figure(kind: Kind) -> str:
    """How many have a value of this kind."""
    return f"kind.{kind.slug}"


def channel_figure(channel: str, state: int) -> str:
    """How many have an email, or a phone, in this state."""
    return f"{channel}.{state}"


def source_of(figure: str) -> str | None:
    """Which source a figure is of; None where it is another figure."""
    return figure.removeprefix(SOURCE) if figure.startswith(SOURCE) else None


def fold(rows: Iterable[Alike]) -> Counter[str]:
    """The figures of these contacts."""
    figures: Counter[str] = Counter()
    for row in rows:
        for figure in _figures_of(row):
            figures[figure] += row.number
    return figures


def _figures_of(row: Alike) -> list[str]:
    figures = [IDENTIFIED if row.is_known or row.kinds & IDENTIFYING_MASK else ANONYMOUS, f"{SOURCE}{row.source}"]
    figures += [kind_figure(kind) for kind in COUNTED_KINDS if row.kinds & (1 << kind)]
    states = zip(CHANNELS, (row.email_state, row.phone_state), strict=True)
    return figures + [channel_figure(channel, state) for channel, state in states if state is not None]


def total(tallies: Iterable[Mapping[str, int]]) -> Counter[str]:
    """All parts together; how many there are at all is a figure even where there is nobody."""
    figures: Counter[str] = Counter({IDENTIFIED: 0, ANONYMOUS: 0})
    for tally in tallies:
        figures.update(tally)
    return figures
