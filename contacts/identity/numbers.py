"""Ids for new contacts and visitors, reserved in blocks from one sequence."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from django.db import connection

__all__ = ["reserve_ids", "return_ids"]

BLOCK: Final = 64

_lock = threading.Lock()
_blocks: dict[tuple[int, str], deque[int]] = {}


def reserve_ids(count: int) -> list[int]:
    """``count`` fresh ids, ascending. An id never comes twice; one that is not used may be lost."""
    with _lock:
        block = _block()
        if len(block) < count:
            block.extend(_draw(max(count, BLOCK)))
        # Ascending, so that of two contacts made in one batch the later has the greater id.
        return sorted(block.popleft() for _ in range(count))


def return_ids(unused: Iterator[int]) -> None:
    """Ids that a committed batch did not need are the next to be given."""
    with _lock:
        _block().extendleft(reversed(list(unused)))


def _block() -> deque[int]:
    # By process: a fork must not hand out its parent's block.
    return _blocks.setdefault((os.getpid(), str(connection.settings_dict["NAME"])), deque())


def _draw(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('contacts_contact', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]
