"""The monthly partitions of the events: made ahead by a job, with a default one behind that takes whatever is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db import connection, transaction

__all__ = ["MONTHS_AHEAD", "ensure_partitions"]

MONTHS_AHEAD: Final = 3
LOCK_TIMEOUT: Final = "5s"
"""Attaching waits for whoever reads or writes the default partition; after so long it gives up until the next time."""

_THERE: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'contacts_event'::regclass
"""


def ensure_partitions(
    months_back: int = 0, months_ahead: int = MONTHS_AHEAD, *, today: date | None = None, using: Any = None
) -> list[str]:
    """Make the partitions that are missing around this month (UTC); gives their names.

    Events that stand in the default partition meanwhile move to where they belong. ``using`` is a connection.
    """
    on = using or connection
    this_month = today or datetime.now(UTC).date()
    with on.cursor() as cursor:
        cursor.execute(_THERE)
        there = {row[0] for row in cursor.fetchall()}
    missing = [first for first in _months(this_month, -months_back, months_ahead) if _name(first) not in there]
    return [_name(first) for first in missing if _make(on, first)]


def _make(on: Any, first: date) -> bool:
    """One month, in a transaction of its own; False where somebody else was quicker."""
    name = _name(first)
    bounds = (_moment(first), _moment(_add_months(first, 1)))
    with transaction.atomic(using=on.alias), on.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        # 1. One maker at a time; then nobody may put an event of this month into the default partition.
        cursor.execute("LOCK TABLE ONLY contacts_event IN SHARE UPDATE EXCLUSIVE MODE")
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        if cursor.fetchone()[0]:
            return False
        cursor.execute("LOCK TABLE contacts_event_default IN ACCESS EXCLUSIVE MODE")
        # 2. A table of its own, filled, then attached: that locks the others far less than making it in place.
        cursor.execute(
            f"CREATE TABLE {name} (LIKE contacts_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
        )
        cursor.execute(
            "WITH moved AS (DELETE FROM contacts_event_default WHERE occurred_at >= %s AND occurred_at < %s"
            f" RETURNING *) INSERT INTO {name} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(
            f"ALTER TABLE contacts_event ATTACH PARTITION {name} FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')"
        )
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return True


def _months(today: date, first: int, last: int) -> Iterator[date]:
    for offset in range(first, last + 1):
        yield _add_months(today.replace(day=1), offset)


def _add_months(first: date, count: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
    return date(year, month + 1, 1)


def _moment(first: date) -> str:
    return f"{first.isoformat()} 00:00:00+00"


def _name(first: date) -> str:
    return f"contacts_event_{first:%Y_%m}"
