"""Events whose identifiers nobody has yet: kept with the identifiers they name, until somebody gets one of them.

They are written in the transaction that looked for their contact, behind the locks of their values: whoever gets such a
value later finds them there, and notes it in the journal. ``contacts.activity.joining`` reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection

from contacts.activity.rows import EVENT_COLUMNS
from contacts.identity.load import array_of
from contacts.keys import Kind
from contacts.models import UnmatchedName
from contacts.records import Record

__all__ = [
    "Unmatched",
    "count_old_unmatched",
    "erase_old_unmatched",
    "keep_events",
    "may_wait",
    "take_waiting",
]

UNFINDABLE: Final = Kind.ADVERTISING
"""Nobody is ever looked up by it."""

_COUNT: Final = "SELECT count(*) FROM (SELECT FROM contacts_unmatchedevent WHERE received_at < %s LIMIT %s) e"
_OLD: Final = "SELECT id FROM contacts_unmatchedevent WHERE received_at < %s ORDER BY received_at LIMIT %s"
_FORGET_NAMES: Final = "DELETE FROM contacts_unmatchedname WHERE event_id = ANY(%s::bigint[])"
_TAKE: Final = "DELETE FROM contacts_unmatchedevent WHERE id = ANY(%s::bigint[]) RETURNING id"


class Unmatched(NamedTuple):
    """An event to be kept: the row that would be stored, and the record that says whose it is."""

    row: Sequence[Any]
    record: Record


def may_wait(record: Record) -> bool:
    """Whether a record that found nobody names somebody who may yet come: an id of ours is never given later."""
    return record.contact_id is None and any(key[0] != UNFINDABLE for key in record.identifiers)


def keep_events(cursor: psycopg.Cursor[Any], events: Sequence[Unmatched]) -> None:
    """Keep these events, within the transaction that found nobody for them."""
    if not events:
        return
    columns = EVENT_COLUMNS[1:]
    values = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _event in events)
    cursor.execute(
        f"INSERT INTO contacts_unmatchedevent ({', '.join(columns)}) VALUES {values} RETURNING id",
        [value for event in events for value in event.row[1:]],
    )
    ids = [row[0] for row in cursor.fetchall()]
    UnmatchedName.objects.bulk_create(
        name for event_id, event in zip(ids, events, strict=True) for name in _names_of(event_id, event.record)
    )


def _names_of(event_id: int, record: Record) -> list[UnmatchedName]:
    details = record.details or {}
    return [
        UnmatchedName(event_id=event_id, kind=key[0], app=key[1], value=key[2], details=details.get(key))
        for key in record.identifiers
    ]


def take_waiting(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> set[int]:
    """Take these out, to be recorded in the caller's transaction; those that nobody else took before."""
    if not ids:
        return set()
    cursor.execute(_FORGET_NAMES, (array_of(ids),))
    cursor.execute(_TAKE, (array_of(ids),))
    return {row[0] for row in cursor.fetchall()}


def count_old_unmatched(before: datetime, *, limit: int) -> int:
    """How many were received before, at most ``limit``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [before, limit])
        return int(cursor.fetchone()[0])


def erase_old_unmatched(before: datetime, *, limit: int = 5_000) -> int:
    """Erase so many that were received before, the oldest first; fewer than ``limit`` means that none is left."""
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [before, limit])
        return _erase([row[0] for row in cursor.fetchall()])


def _erase(ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_NAMES, [list(ids)])
        cursor.execute(_TAKE, [list(ids)])
        return len(cursor.fetchall())
