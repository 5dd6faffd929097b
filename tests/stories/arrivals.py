"""The orders in which the calls of several senders can arrive, where each sender keeps its own sequence (pure)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from math import comb
from typing import Final, TypeVar

MOST: Final = 120
"""Of so many orders, all are told; of more, ``SOME``."""
SOME: Final = 20

Call = TypeVar("Call")
Order = tuple[str, ...]
"""Whose turn it is: a sender's name as often as it has calls."""


def count_orders(lengths: Mapping[str, int]) -> int:
    total = count = 0
    for length in lengths.values():
        total += length
        count = comb(total, length) * (count or 1)
    return count


def list_orders(lengths: Mapping[str, int], *, seed: int) -> list[Order]:
    """All orders, or ``SOME`` different ones drawn by the seed where they are more than ``MOST``."""
    if count_orders(lengths) <= MOST:
        return list(_all_orders(dict(lengths)))
    rng, drawn = random.Random(seed), dict[Order, None]()
    while len(drawn) < SOME:
        drawn[draw_order(lengths, rng)] = None
    return list(drawn)


def draw_order(lengths: Mapping[str, int], rng: random.Random) -> Order:
    turns = [name for name, length in lengths.items() for _ in range(length)]
    rng.shuffle(turns)
    return tuple(turns)


def _all_orders(left: dict[str, int]) -> Iterator[Order]:
    if not any(left.values()):
        yield ()
    for name in [name for name, length in left.items() if length]:
        for rest in _all_orders({**left, name: left[name] - 1}):
            yield (name, *rest)


def take_turns(senders: Mapping[str, Sequence[Call]], order: Order) -> list[Call]:
    """The calls in that order."""
    calls = {name: iter(own) for name, own in senders.items()}
    return [next(calls[name]) for name in order]
