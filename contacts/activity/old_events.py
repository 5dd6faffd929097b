"""Events of long ago, forgotten by whole months (UTC): a month is a table of its own, so that dropping it is quick."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from contacts.models import Policy

__all__ = ["count_old_events", "drop_old_events", "first_month_kept"]

COUNTED: Final = 100_000
LOCK_TIMEOUT: Final = "5s"
"""Dropping waits for whoever reads or writes events; after so long it gives up until the next night."""
DELETED_AT_ONCE: Final = 10_000

_MONTHS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'contacts_event'::regclass AND c.relname ~ '^contacts_event_[0-9]{4}_[0-9]{2}$'
AND c.relname < %s ORDER BY c.relname
"""
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM contacts_event WHERE occurred_at < %s LIMIT %s) e"
_DELETE: Final = """
DELETE FROM contacts_event_default WHERE ctid = ANY(ARRAY(
SELECT ctid FROM contacts_event_default WHERE occurred_at < %s LIMIT %s))
"""


def first_month_kept(*, today: date | None = None) -> date | None:
    """The first day from which the account keeps events; None: all of them."""
    months = Policy.objects.order_by("pk").values_list("events_kept_months", flat=True).first()
    return None if months is None else months_before(today or datetime.now(UTC).date(), months)


def months_before(today: date, months: int) -> date:
    """The first of the month that lies so many whole months before this one, as far back as there are dates."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(max(year, 1), month + 1 if year >= 1 else 1, 1)


def count_old_events(first: date) -> tuple[int, bool]:
    """How many events lie before that day; False with it: at least so many."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [_moment(first), COUNTED + 1])
        count = int(cursor.fetchone()[0])
    return min(count, COUNTED), count <= COUNTED


def drop_old_events(*, today: date | None = None) -> list[str]:
    """Drop the months that the account keeps no longer; gives their names. One that is in use is left for later."""
    first = first_month_kept(today=today)
    if first is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, [f"contacts_event_{first:%Y_%m}"])
        months = [name for (name,) in cursor.fetchall()]
    dropped = [name for name in months if _drop(name)]
    _delete_stragglers(first)
    return dropped


def _drop(name: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            cursor.execute(f"DROP TABLE {name}")
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True


def _delete_stragglers(first: date) -> None:
    """Events of months that never had a table of their own."""
    gone: Any = DELETED_AT_ONCE
    while gone == DELETED_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [_moment(first), DELETED_AT_ONCE])
            gone = cursor.rowcount


def _moment(first: date) -> datetime:
    return datetime(first.year, first.month, first.day, tzinfo=UTC)
