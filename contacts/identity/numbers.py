"""Ids for new contacts and visitors, reserved in blocks from one sequence."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from django.db import connection

__all__ = ["Numbers", "draw_numbers"]

SMALLEST_BLOCK: Final = 64
LARGEST_BLOCK: Final = 1_024

# A sequence that is moved on by hand is not safe from another who does so at the same moment: hence the lock.
_RESERVE: Final = """
SELECT setval(own.name, nextval(own.name) + %s - 1) FROM (
    SELECT pg_advisory_xact_lock(3234, -2), pg_get_serial_sequence('contacts_contact', 'id')::regclass AS name OFFSET 0
) own
"""

_lock = threading.Lock()
_blocks: dict[tuple[int, str], deque[int]] = {}
_sizes: dict[tuple[int, str], int] = {}


class Numbers:
    """The ids that one batch draws, ascending. To iterate anew, as for deciding again, gives the same ones first."""

    def __init__(self) -> None:
        self._drawn: list[int] = []

    def __iter__(self) -> Iterator[int]:
        place = 0
        while True:
            if place == len(self._drawn):
                self._drawn.append(_draw())
            yield self._drawn[place]
            place += 1


def draw_numbers(count: int) -> list[int]:
    """As many fresh ids, ascending."""
    return _reserve(count) if count else []


def _draw() -> int:
    """A fresh id: it never comes twice; one that is not used is lost."""
    # By process: a fork must not hand out its parent's block.
    place = (os.getpid(), str(connection.settings_dict["NAME"]))
    with _lock:
        block = _blocks.setdefault(place, deque())
        if not block:
            _sizes[place] = min(2 * _sizes.get(place, SMALLEST_BLOCK // 2), LARGEST_BLOCK)
            block.extend(_reserve(_sizes[place]))
        return block.popleft()


def _reserve(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [count])
        last = cursor.fetchone()[0]
        return list(range(last - count + 1, last + 1))
