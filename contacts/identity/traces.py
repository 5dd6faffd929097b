"""What an import touches beside what the journal says is kept as it was before, so that its undo can put it back.

The statements here read rows just before the same transaction writes them; what they find stands in ``ImportTrace``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from contacts.identity.load import array_of, text_array
from contacts.identity.world import World
from contacts.records import Key

__all__ = ["trace_case", "trace_events", "trace_rows"]

Statement = tuple[str, Sequence[Any]]

_INSERT: Final = "INSERT INTO contacts_importtrace (import_id, contact_id, at, kind, other_id, row)"
# The limit keeps the plan to one index look-up a value, whatever the statistics say.
_IDENTIFIERS: Final = f"""
{_INSERT}
SELECT %s::bigint, i.contact_id, %s::timestamptz, 'identifier', nullif(k.taker, 0), to_jsonb(i)
FROM unnest(%s::smallint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS k (kind, app, value, holder, taker)
CROSS JOIN LATERAL (
    SELECT * FROM contacts_identifier
    WHERE value = k.value AND kind = k.kind AND app = k.app AND contact_id = k.holder LIMIT 1
) i
"""
_SEEN: Final = f"""
{_INSERT}
SELECT %s::bigint, u.id, %s::timestamptz, 'contact', NULL, jsonb_build_object('last_seen_at', u.seen)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS u (id, seen)
"""
_EVENTS: Final = f"""
{_INSERT}
SELECT %s::bigint, %s::bigint, %s::timestamptz, 'events', %s::bigint, jsonb_build_object('ids', jsonb_agg(id))
FROM contacts_event WHERE contact_id = %s HAVING count(*) > 0
"""
# The outer SELECT sees the table as it was before the upsert. The value itself is left out: an id outlives an erasure.
_CASE: Final = f"""
WITH put AS ({{upsert}} RETURNING id, contact_ids)
{_INSERT}
SELECT %s::bigint, coalesce(put.contact_ids[1], 0), %s::timestamptz, 'case', NULL,
       jsonb_build_object('id', put.id, 'after', put.contact_ids,
                          'before', CASE WHEN old.id IS NOT NULL THEN to_jsonb(old) - 'value' END)
FROM put LEFT JOIN contacts_duplicatecase old ON old.id = put.id
"""


def trace_rows(world: World, import_id: int | None) -> Iterator[Statement]:
    """Identifiers that are about to go, move or be refreshed, and when contacts that are seen now were seen last."""
    if import_id is None:
        return
    keys = list(_touched(world))
    if keys:
        yield (
            _IDENTIFIERS,
            [
                import_id,
                world.moment,
                array_of(int(key[0]) for key, _, _ in keys),
                text_array(key[1] for key, _, _ in keys),
                text_array(key[2] for key, _, _ in keys),
                array_of(holder for _, holder, _ in keys),
                array_of(taker for _, _, taker in keys),
            ],
        )
    seen = [row for row in world.changed.values() if "last_seen_at" in row.before]
    if seen:
        moments = [row.before["last_seen_at"] for row in seen]
        listed = [moment and moment.isoformat() for moment in moments]
        yield _SEEN, [import_id, world.moment, array_of(row.id for row in seen), listed]


def _touched(world: World) -> Iterable[tuple[Key, int, int]]:
    """Stored identifiers with their holder, and who takes them (0: nobody)."""
    for key, stored_at in world.removed:
        yield key, stored_at, 0
    for key in world.attached:
        for contact_id, holder in world.owners[key].items():
            if holder is not None and holder != contact_id:
                yield key, holder, contact_id
    for key, contact_id in world.seen:
        if world.owners[key].get(contact_id) == contact_id:
            yield key, contact_id, contact_id


def trace_events(
    cursor: psycopg.Cursor[Any], number: int, contact_id: int, *, import_id: int | None, at: datetime
) -> None:
    """The events of a visitor that are about to become the contact's (T2)."""
    if import_id is not None:
        cursor.execute(_EVENTS, (import_id, contact_id, at, number, number))


def trace_case(upsert: Statement, *, import_id: int | None, at: datetime) -> Statement:
    """The statement that opens or extends cases, such that what they were is kept."""
    if import_id is None:
        return upsert
    sql, params = upsert
    return _CASE.format(upsert=sql), [*params, import_id, at]
