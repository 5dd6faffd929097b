"""When a batch is tried again, and when it is given up (pure).

A target that cannot be reached is waited for about a day, ever more patiently. One that refuses a batch as such is
offered half of it, and so on, until the change that it cannot take stands alone and is given up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

__all__ = ["MOST_ATTEMPTS", "REFUSALS", "delay_after", "is_given_up", "size_after"]

FIRST_DELAY: Final = 10
FACTOR: Final = 3
LONGEST_DELAY: Final = 2 * 60 * 60
MOST_ATTEMPTS: Final = 18
"""Of a batch that nobody answers: with the delays above that is a day."""
MOST_REFUSALS: Final = 4
REFUSALS: Final = frozenset({400, 413, 415, 422})
"""Answers that are about what was sent, so that waiting helps nothing."""


def delay_after(failures: int, *, status: int | None, retry_after: int | None = None) -> timedelta:
    """How long to wait after so many failures in a row; not shorter than the server asked for."""
    patient = min(FIRST_DELAY * FACTOR ** min(failures - 1, 20), LONGEST_DELAY)
    seconds = FIRST_DELAY if status in REFUSALS else patient
    return timedelta(seconds=max(seconds, min(retry_after or 0, LONGEST_DELAY)))


def size_after(attempts: int, *, status: int | None, size: int) -> int:
    """How many changes the next request holds."""
    return max(1, size >> attempts) if status in REFUSALS else size


def is_given_up(attempts: int, *, status: int | None, size: int) -> bool:
    """Whether a batch of ``size`` changes that failed so often is put aside."""
    if status in REFUSALS:
        return size == 1 and attempts >= MOST_REFUSALS
    return attempts >= MOST_ATTEMPTS
