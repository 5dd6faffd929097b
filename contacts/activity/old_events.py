"""Events of long ago, forgotten by whole months (UTC): a month is a table of its own, so that dropping it is quick.

A month is first taken out of the events, for which everybody else has to wait an instant, and then dropped, which
nobody has to wait for. (PostgreSQL takes one out without any waiting only where there is no default partition.) A run
that is killed in between leaves a table that says by its name that it goes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from contacts.activity.partitions import SECONDS, between_others
from contacts.identity.pieces import BUSY, Note, Piece, note_nowhere
from contacts.models import Policy

__all__ = ["Outside", "count_old_events", "drop_old_events", "find_outside", "first_month_kept", "months_before"]

COUNTED: Final = 100_000
DELETED_AT_ONCE: Final = 10_000
EVENTS: Final = "contacts_event"
GOING: Final = "contacts_goingevent_"

_MONTHS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'contacts_event'::regclass AND c.relname ~ '^contacts_event_[0-9]{4}_[0-9]{2}$'
AND c.relname < %s ORDER BY c.relname
"""
_TAKEN_OUT: Final = f"""
SELECT c.relname FROM pg_class c WHERE c.relname ~ '^{GOING}[0-9]{{4}}_[0-9]{{2}}$' AND c.relkind = 'r'
AND pg_table_is_visible(c.oid) ORDER BY c.relname
"""
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM contacts_event WHERE occurred_at < %s LIMIT %s) e"
_DELETE: Final = """
DELETE FROM contacts_event_default WHERE ctid = ANY(ARRAY(
SELECT ctid FROM contacts_event_default WHERE occurred_at < %s LIMIT %s))
"""
_OUTSIDE: Final = """
SELECT count(*), min(occurred_at), max(occurred_at) FROM (SELECT occurred_at FROM contacts_event_default LIMIT %s) e
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


def drop_old_events(first: date, *, note: Note = note_nowhere, seconds: float = SECONDS) -> list[str]:
    """Drop the months before that day; gives them as ``2024-03``.

    One that is in use for so many ``seconds`` on end is left for later. It may be stopped and started at any time.
    """
    dropped = [_drop(name, note) for name in _list(_TAKEN_OUT)]
    for name in _list(_MONTHS, f"contacts_event_{first:%Y_%m}"):
        if between_others(partial(_take_out, name=name), seconds=seconds):
            dropped.append(_drop(_going(name), note))
        else:
            with transaction.atomic():
                note(Piece(left={BUSY: 1}, months_left=[_month_of(name)]))
    _delete_stragglers(first, note)
    return dropped


def _take_out(cursor: Any, *, name: str) -> bool:
    cursor.execute(f"ALTER TABLE contacts_event DETACH PARTITION {name}")
    cursor.execute(f"ALTER TABLE {name} RENAME TO {_going(name)}")
    return True


def _drop(name: str, note: Note) -> str:
    """Nobody reaches it any more: its rows can be counted while it is there."""
    month = _month_of(name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")
        (count,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE {name}")
        note(Piece({EVENTS: count}, months=[month]))
    return month


def _delete_stragglers(first: date, note: Note) -> None:
    """Events of months that never had a table of their own."""
    gone = DELETED_AT_ONCE
    while gone == DELETED_AT_ONCE:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_DELETE, [_moment(first), DELETED_AT_ONCE])
            gone = cursor.rowcount
            note(Piece({EVENTS: gone}))


def _list(sql: str, *params: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [name for (name,) in cursor.fetchall()]


def _going(name: str) -> str:
    return GOING + name[-7:]


def _month_of(name: str) -> str:
    return name[-7:].replace("_", "-")


def _moment(first: date) -> datetime:
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


# What has no month


class Outside(NamedTuple):
    """Events in the default partition: at least so many where it is not all, and the times of those looked at."""

    total: int
    is_whole: bool
    first: datetime
    last: datetime


def find_outside() -> Outside | None:
    """The events that lie outside the months; None where there are none."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTSIDE, [COUNTED + 1])
        count, first, last = cursor.fetchone()
    return Outside(min(count, COUNTED), count <= COUNTED, first, last) if count else None
