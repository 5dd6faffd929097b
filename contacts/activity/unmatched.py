"""Events whose identifiers nobody has yet: kept with the identifiers they name, until somebody gets one of them.

They are written in the transaction that looked for their contact, behind the locks of their values: whoever gets such a
value later finds them there, and notes it in the journal. ``contacts.activity.joining`` reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection

from contacts.activity.checks import dump_json
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.identity.load import array_of, open_cursor, text_array
from contacts.keys import Kind
from contacts.models import UnmatchedEvent
from contacts.records import Key, Record

__all__ = [
    "Unmatched",
    "Waiting",
    "count_old_unmatched",
    "count_waiting",
    "erase_old_unmatched",
    "find_just_kept",
    "find_waiting",
    "forget_erased",
    "is_any_waiting",
    "keep_events",
    "may_wait",
    "read_waiting",
    "take_waiting",
]

UNFINDABLE: Final = Kind.ADVERTISING
"""Nobody is ever looked up by it."""

JUST: Final = timedelta(minutes=2)

NAME_COLUMNS: Final = ("event_id", "kind", "app", "value", "details")
_NEW_IDS: Final = "SELECT nextval('contacts_unmatchedevent_id_seq') FROM generate_series(1, %s)"
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM contacts_unmatchedevent WHERE received_at < %s LIMIT %s) e"
_COUNT_OF_TYPE: Final = "SELECT count(*) FROM (SELECT FROM contacts_unmatchedevent WHERE type_id = %s LIMIT %s) e"
_OLD: Final = "SELECT id FROM contacts_unmatchedevent WHERE received_at < %s ORDER BY received_at LIMIT %s"
PUSH_KINDS: Final = (Kind.MOBILE_PUSH, Kind.WEB_PUSH)
NO_APP: Final = (int(Kind.MOBILE_PUSH), "")
"""What a token is named by where its sender does not say the app: it is of whatever app it turns out to be."""

_LISTED_PUSH: Final = ", ".join(str(int(kind)) for kind in PUSH_KINDS)
_OF_ANY_APP: Final = f"n.kind = {NO_APP[0]} AND n.app = '{NO_APP[1]}' AND i.kind IN ({_LISTED_PUSH})"
_WAITING: Final = f"""
SELECT DISTINCT n.event_id FROM contacts_identifier i
JOIN contacts_unmatchedname n ON n.value = i.value AND (n.kind = i.kind AND n.app = i.app OR {_OF_ANY_APP})
WHERE i.contact_id = ANY(%s::bigint[]) AND i.kind <> {int(UNFINDABLE)} ORDER BY n.event_id
"""
# A token of no app has another lock than the app's, so that it may be kept while the app's call is being written.
_JUST_KEPT: Final = f"""
SELECT DISTINCT n.event_id FROM contacts_unmatchedevent e JOIN contacts_unmatchedname n ON n.event_id = e.id
JOIN contacts_identifier i ON i.value = n.value AND {_OF_ANY_APP} WHERE e.received_at > %s
ORDER BY n.event_id
"""
_READ_TOKENS: Final = f"""
SELECT value, kind, app FROM contacts_identifier WHERE value = ANY(%s::text[]) AND kind IN ({_LISTED_PUSH})
ORDER BY last_seen_at
"""
_READ: Final = """
SELECT e.id, e.source, e.by, e.type_id, e.key, e.params, e.occurred_at, e.received_at
FROM contacts_unmatchedevent e WHERE e.id = ANY(%s::bigint[]) ORDER BY e.id
"""
_READ_NAMES: Final = """
SELECT event_id, kind, app, value, details FROM contacts_unmatchedname WHERE event_id = ANY(%s::bigint[]) ORDER BY id
"""
_NAMING: Final = """
SELECT DISTINCT n.event_id FROM contacts_unmatchedname n
JOIN unnest(%s::smallint[], %s::text[], %s::text[]) AS k (kind, app, value)
ON n.value = k.value AND n.kind = k.kind AND n.app = k.app ORDER BY n.event_id
"""
_FORGET_NAMES: Final = "DELETE FROM contacts_unmatchedname WHERE event_id = ANY(%s::bigint[])"
_TAKE: Final = "DELETE FROM contacts_unmatchedevent WHERE id = ANY(%s::bigint[]) RETURNING id"


class Unmatched(NamedTuple):
    """An event to be kept: the row that would be stored, and the record that says whose it is."""

    row: Sequence[Any]
    record: Record


class Waiting(NamedTuple):
    """A kept event: where it came from, its row but for the contact, and the record that says whose it is."""

    id: int
    source: str
    by: str
    row: Sequence[Any]
    record: Record


def may_wait(record: Record) -> bool:
    """Whether a record that found nobody names somebody who may yet come: an id of ours is never given later."""
    return record.contact_id is None and any(key[0] != UNFINDABLE for key in record.identifiers)


def keep_events(cursor: psycopg.Cursor[Any], events: Sequence[Unmatched], *, by: str) -> None:
    """Keep these events, within the transaction that found nobody for them."""
    if not events:
        return
    cursor.execute(_NEW_IDS, (len(events),))
    ids = [row[0] for row in cursor.fetchall()]
    rows = [(event_id, by, *event.row[1:]) for event_id, event in zip(ids, events, strict=True)]
    insert_rows(cursor, "contacts_unmatchedevent", ("id", "by", *EVENT_COLUMNS[1:]), rows)
    names = [name for event_id, event in zip(ids, events, strict=True) for name in _names_of(event_id, event.record)]
    insert_rows(cursor, "contacts_unmatchedname", NAME_COLUMNS, names)


def _names_of(event_id: int, record: Record) -> list[tuple[Any, ...]]:
    details = record.details or {}
    return [(event_id, *key, dump_json(details[key]) if details.get(key) else None) for key in record.identifiers]


def is_any_waiting() -> bool:
    return UnmatchedEvent.objects.exists()


def count_waiting(type_id: int, *, limit: int) -> int:
    """How many of a type wait, at most ``limit``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_OF_TYPE, [type_id, limit])
        return int(cursor.fetchone()[0])


def find_waiting(contact_ids: Collection[int]) -> list[int]:
    """The events that name an identifier of one of these contacts."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(contact_ids)])
        return [row[0] for row in cursor.fetchall()]


def find_just_kept() -> list[int]:
    """Events kept a moment ago that name a token of no app which somebody has."""
    with connection.cursor() as cursor:
        cursor.execute(_JUST_KEPT, [datetime.now(UTC) - JUST])
        return [row[0] for row in cursor.fetchall()]


def read_waiting(ids: Collection[int]) -> list[Waiting]:
    """These events, as far as they still wait."""
    with closing(open_cursor()) as cursor:
        names: dict[int, list[tuple[Key, Any]]] = {}
        cursor.execute(_READ_NAMES, (array_of(ids),))
        for event_id, kind, app, value, details in cursor.fetchall():
            names.setdefault(event_id, []).append(((kind, app, value), details))
        _name_tokens(cursor, names)
        cursor.execute(_READ, (array_of(ids),))
        return [
            Waiting(event_id, source, by, _row_of(source, *rest), _record_of(event_id, names[event_id]))
            for event_id, source, by, *rest in cursor.fetchall()
            if event_id in names
        ]


def _name_tokens(cursor: psycopg.Cursor[Any], names: dict[int, list[tuple[Key, Any]]]) -> None:
    """Tokens of no app get the one that somebody has them of by now; of several the one seen last."""
    unnamed = {key[2] for listed in names.values() for key, _details in listed if key[:2] == NO_APP}
    if not unnamed:
        return
    cursor.execute(_READ_TOKENS, (text_array(unnamed),))
    known = {value: (kind, app, value) for value, kind, app in cursor.fetchall()}
    for listed in names.values():
        listed[:] = [(known.get(key[2], key) if key[:2] == NO_APP else key, details) for key, details in listed]


def _row_of(source: str, type_id: int, key: str, params: Any, *times: datetime) -> Sequence[Any]:
    return (type_id, key, dump_json(params), source, *times)


def _record_of(event_id: int, names: Sequence[tuple[Key, Any]]) -> Record:
    keys = tuple(key for key, _details in names)
    first = {kind: value for kind, _app, value in reversed(keys)}
    return Record(
        ref=event_id,
        external_id=first.get(Kind.EXTERNAL_ID),
        email=first.get(Kind.EMAIL),
        phone=first.get(Kind.PHONE),
        identifiers=keys,
        details={key: details for key, details in names if details} or None,
    )


def take_waiting(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> set[int]:
    """Take these out, to be recorded in the caller's transaction; those that nobody else took before."""
    if not ids:
        return set()
    cursor.execute(_FORGET_NAMES, (array_of(ids),))
    cursor.execute(_TAKE, (array_of(ids),))
    return {row[0] for row in cursor.fetchall()}


def forget_erased(*, held: Mapping[int, Collection[Key]], **_signal: Any) -> None:
    """Contacts are erased: what waits and names them goes too, in the same transaction.

    An external ID of its own says that an event is of somebody else (L6), if they have one themselves.
    """
    keys = sorted({(int(kind), app, value) for keys in held.values() for kind, app, value in keys})
    if not keys or not is_any_waiting():
        return
    kinds, apps, values = (list(side) for side in zip(*keys, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, [kinds, apps, values])
        found = [row[0] for row in cursor.fetchall()]
    _erase([event.id for event in read_waiting(found) if _is_meant(event.record, held)])


def _is_meant(record: Record, held: Mapping[int, Collection[Key]]) -> bool:
    """Whether an event names one of these contacts."""
    own = record.key_of(Kind.EXTERNAL_ID)
    for keys in held.values():
        if not set(keys).isdisjoint(record.identifiers):
            others = [key for key in keys if key[0] == Kind.EXTERNAL_ID]
            if own is None or own in others or not others:
                return True
    return False


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
