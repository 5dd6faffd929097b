"""The monthly partitions of the events: made ahead by a job, with a default one behind that takes whatever is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from time import monotonic
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

__all__ = ["MONTHS_AHEAD", "between_others", "ensure_partitions"]

MONTHS_AHEAD: Final = 3
LOCK_TIMEOUT: Final = "50ms"
PAUSE: Final = 1.0
SECONDS: Final = 60.0

_THERE: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'contacts_event'::regclass
"""


def between_others(work: Callable[[Any], bool], *, seconds: float = SECONDS, using: Any = None) -> bool:
    """Do what shuts everybody out of a partition for a moment, with a cursor, in a transaction; False: never free.

    Whoever waits for such a lock has all others wait behind it. So it is waited for only an instant, again and again,
    and in between everybody else goes on.
    """
    on, end = using or connection, monotonic() + seconds
    while True:
        try:
            with transaction.atomic(using=on.alias), on.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                done = work(cursor)
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                return done
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        if monotonic() + PAUSE > end:
            return False
        time.sleep(PAUSE)


def ensure_partitions(
    months_back: int = 0, months_ahead: int = MONTHS_AHEAD, *, today: date | None = None, using: Any = None
) -> list[str]:
    """Make the partitions that are missing around this month (UTC); gives their names.

    Events that stand in the default partition meanwhile move to where they belong. A month whose turn never comes is
    left for the next time. ``using`` is a connection.
    """
    on = using or connection
    this_month = today or datetime.now(UTC).date()
    with on.cursor() as cursor:
        cursor.execute(_THERE)
        there = {row[0] for row in cursor.fetchall()}
    missing = [first for first in _months(this_month, -months_back, months_ahead) if _name(first) not in there]
    return [_name(first) for first in missing if between_others(partial(_make, first=first), using=on)]


def _make(cursor: Any, *, first: date) -> bool:
    """One month; False where somebody else was quicker."""
    name = _name(first)
    bounds = (_moment(first), _moment(_add_months(first, 1)))
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
