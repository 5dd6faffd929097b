"""Counting within a time limit: how many contacts, or identifiers, a condition holds for, or at least how many.

A table is gone through in the order of its key, a window at a time, until it ends or the time is over. What is given
then is no estimate: so many were found among so many that were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from django.db import connection

from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["SECONDS", "Tally", "tally_contacts"]

SECONDS: Final = 2.0
SAMPLE: Final = 10
FIRST_WINDOW: Final = 2_000
LARGEST_WINDOW: Final = 100_000

_WINDOW: Final = """
SELECT count(*), max(id), count(*) FILTER (WHERE hit), (array_agg(id ORDER BY id) FILTER (WHERE hit))[1:%(sample)s]
FROM (
    SELECT c.id, coalesce({condition}, false) AS hit FROM contacts_contact c
    WHERE c.id > %(after)s ORDER BY c.id LIMIT %(window)s
) looked_at
"""


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


@dataclass(slots=True)
class Tally:
    """``count`` of ``looked_at``; ``is_whole`` where nobody was left out. ``sample`` are the first ids."""

    count: int = 0
    looked_at: int = 0
    is_whole: bool = True
    sample: list[int] = field(default_factory=list)


def tally_contacts(
    condition: str, params: Mapping[str, Any] | None = None, *, seconds: float = SECONDS, sample: int = SAMPLE
) -> Tally:
    """For how many contacts an SQL condition over ``c`` holds. ``condition`` is our own; values are parameters."""
    found, after, window = Tally(), 0, FIRST_WINDOW
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        given = {**(params or {}), "after": after, "window": window, "sample": sample - len(found.sample)}
        row = _read(_WINDOW.format(condition=condition), given, left)
        if row is None:
            break
        rows, last, hits, ids = row
        found.looked_at += rows
        found.count += hits
        found.sample += ids or []
        if rows < window:
            return found
        after, window = last, min(window * 4, LARGEST_WINDOW)
    found.is_whole = False
    return found


def _read(sql: str, params: Mapping[str, Any], seconds: float) -> Sequence[Any] | None:
    """One row; None where the time was over first."""
    try:
        with stopped_after(max(1, int(seconds * 1_000)), Stopped), connection.cursor() as cursor:
            cursor.execute(sql, params)
            row: Sequence[Any] = cursor.fetchone()
            return row
    except Stopped:
        return None
