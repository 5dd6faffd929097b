"""Counting contacts range by range of ids: short statements, and only where something changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from contacts.models import ContactState, ContactTally
from contacts.statistics.figures import Alike, fold

__all__ = ["PART", "count_part", "find_due", "list_parts"]

PART: Final = 100_000
"""Ids in a range. A range is counted in a fraction of a second, and 5,000,000 contacts are 50 ranges."""
SLACK: Final = timedelta(minutes=15)
"""A change is stamped when its batch begins and seen when that is committed."""

_COUNT: Final = f"""
SELECT c.identifier_kinds, c.made_deliberately OR c.order_count > 0, c.source, c.email_state, c.phone_state, count(*)
FROM contacts_contact c
WHERE c.id >= %s AND c.id < %s AND c.state = {ContactState.ACTIVE.value}
GROUP BY 1, 2, 3, 4, 5
"""
_NEXT: Final = "SELECT min(c.id) FROM contacts_contact c WHERE c.id >= %s"
_CHANGED: Final = f"SELECT c.id / {PART}, max(c.updated_at) FROM contacts_contact c WHERE c.updated_at >= %s GROUP BY 1"


def count_part(part: int) -> Counter[str]:
    """The figures of the active contacts of one range."""
    return fold(Alike(*row) for row in _fetch(_COUNT, [part * PART, (part + 1) * PART]))


def list_parts(first: int = 0) -> Iterator[int]:
    """The ranges that have contacts, from one on: a look into the index for each."""
    part: int | None = first
    while part is not None:
        [(found,)] = _fetch(_NEXT, [part * PART])
        if found is None:
            return
        yield found // PART
        part = found // PART + 1


def find_due(known: Mapping[int, ContactTally]) -> list[int]:
    """The ranges that have to be counted: first those that nobody counted yet, then what was counted longest ago.

    Due is a range with a contact that changed since, and the last one: what is added under a date of the past is found
    by its id. What moves no date (a first order of somebody anonymous) waits for the night.
    """
    if not known:
        return list(list_parts())
    last = max(known)
    new = [part for part in list_parts(last + 1) if part not in known]
    changed_at = _find_changed(min(tally.counted_at for tally in known.values()) - SLACK)
    new += [part for part in changed_at if part not in known and part < last]
    due = [part for part, at in changed_at.items() if part in known and at >= known[part].counted_at - SLACK]
    return [*new, *sorted({*due, last}, key=lambda part: (known[part].counted_at, part))]


def _find_changed(since: datetime) -> dict[int, datetime]:
    """When the ranges changed last, of those that changed since; the index by date answers it."""
    return dict(_fetch(_CHANGED, [since]))


def _fetch(sql: str, params: Sequence[int | datetime]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
