"""What a story is: who sends what, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.stories.arrivals import Order, list_orders, take_turns
from tests.stories.wire import Wire


@dataclass(frozen=True)
class Call:
    """One call of a sender; ``says`` is what a failing test calls it."""

    says: str
    send: Callable[[Wire], None]

    def __str__(self) -> str:
        return self.says


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A contact as it is in the end: all that it has but ids and times.

    ``fields`` are its columns and custom fields; ``identifiers`` read ``kind:app:value``; ``events`` are their types,
    as often as they happened; ``orders`` their status; ``consents`` whether they are granted; ``cases`` what the open
    duplicate cases that it is in are about; ``devices`` what is known of each.
    """

    fields: Mapping[str, Any]
    identifiers: frozenset[str]
    events: Sequence[str] = field(default_factory=list)
    orders: Mapping[str, str] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    consents: Mapping[str, bool] = field(default_factory=dict)
    cases: frozenset[str] = frozenset()
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Story:
    """``senders`` lists the calls of each in its own sequence; ``ending`` are all the sheets that there are then."""

    name: str
    senders: Mapping[str, Sequence[Call]]
    ending: Sequence[Sheet]

    @property
    def lengths(self) -> dict[str, int]:
        return {name: len(calls) for name, calls in self.senders.items()}

    def orders(self) -> list[Order]:
        return list_orders(self.lengths, seed=len(self.name))

    def tell(self, order: Order, wire: Wire) -> None:
        for call in take_turns(self.senders, order):
            call.send(wire)
        wire.settle()
