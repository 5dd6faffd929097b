"""What an import touches beside what the journal says is kept as it was before, so that its undo can put it back.

The first half reads rows just before the same transaction writes them; what it finds stands in ``ImportTrace``. The
second half puts them back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg

from contacts import populations
from contacts.identity.duplicates import tell_of_cases
from contacts.identity.load import array_of, text_array
from contacts.identity.world import ACTIVE, World
from contacts.records import Key

__all__ = ["CaseTrace", "put_back_cases", "put_back_times", "return_events", "trace_case", "trace_events", "trace_rows"]

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


# Putting back

_ORIGINAL_IDENTIFIERS: Final = """
UPDATE contacts_identifier i SET source = o.source, first_seen_at = o.first_seen_at, last_seen_at = o.last_seen_at,
    details = o.details
FROM (
    SELECT DISTINCT ON (o.value, o.kind, o.app, t.contact_id) t.contact_id AS holder, o.*
    FROM contacts_importtrace t CROSS JOIN LATERAL jsonb_populate_record(NULL::contacts_identifier, t.row) o
    WHERE t.import_id = %s AND t.at >= %s AND t.kind = 'identifier'
    ORDER BY o.value, o.kind, o.app, t.contact_id, t.at, t.id
) o
WHERE i.value = o.value AND i.kind = o.kind AND i.app = o.app AND i.contact_id = o.holder
AND i.last_seen_at = ANY(%s::timestamptz[]) RETURNING i.contact_id
"""
_ORIGINAL_SEEN: Final = """
UPDATE contacts_contact c SET last_seen_at = t.seen
FROM (
    SELECT DISTINCT ON (contact_id) contact_id, (row ->> 'last_seen_at')::timestamptz AS seen
    FROM contacts_importtrace WHERE import_id = %s AND at >= %s AND kind = 'contact' ORDER BY contact_id, at, id
) t
WHERE c.id = t.contact_id AND c.last_seen_at = ANY(%s::timestamptz[]) RETURNING c.id
"""


def put_back_times(
    cursor: psycopg.Cursor[Any], *, import_id: int, since: datetime, moments: Collection[datetime]
) -> None:
    """Where they came from and when they were seen, of identifiers and contacts that nobody saw since.

    ``moments`` are those that the import wrote at, and that of the undo, which put identifiers back before this.
    """
    listed = [moment.isoformat() for moment in moments]
    touched: set[int] = set()
    for sql in (_ORIGINAL_IDENTIFIERS, _ORIGINAL_SEEN):
        cursor.execute(sql, (import_id, since, listed))
        touched.update(row[0] for row in cursor.fetchall())
    if touched:
        populations.contacts_changed.send(sender=None, contact_ids=sorted(touched), at=max(moments), what="seen")


def return_events(cursor: psycopg.Cursor[Any], *, number: int, contact_id: int, ids: Sequence[int]) -> None:
    """The events of a visitor who is one again (T2 backwards)."""
    cursor.execute(
        "UPDATE contacts_event SET contact_id = %s WHERE contact_id = %s AND id = ANY(%s::bigint[])",
        (number, contact_id, array_of(ids)),
    )


class CaseTrace(NamedTuple):
    """A duplicate case before (None: there was none) and after an import touched it, and when that was."""

    id: int
    at: datetime
    before: dict[str, Any] | None
    after: list[int]


def put_back_cases(cursor: psycopg.Cursor[Any], traces: Sequence[CaseTrace], *, gone: Collection[int]) -> None:
    """Cases as they were, the last change first; ``gone`` are contacts that are about to go.

    A case stays for whom still share its value. What a person made of it since stays too.
    """
    if not traces:
        return
    cursor.execute(
        "SELECT id, kind, value, reason, contact_ids, status, opened_at FROM contacts_duplicatecase"
        " WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE",
        (array_of({trace.id for trace in traces}),),
    )
    cases = {row[0]: _Case(*row) for row in cursor.fetchall()}
    holders = _active_holders(cursor, cases.values())
    concerned = {pk for case in cases.values() for pk in case.contact_ids}
    for trace in traces:
        case = cases.get(trace.id)
        if case is not None and not case.is_pointless:
            case.take_back(trace, holders.get((case.kind, case.value), set()).difference(gone))
    pointless = [case.id for case in cases.values() if case.is_pointless]
    cursor.execute("DELETE FROM contacts_duplicatecase WHERE id = ANY(%s::bigint[])", (array_of(pointless),))
    cursor.execute(
        "UPDATE contacts_duplicatecase c SET contact_ids = u.contact_ids FROM json_to_recordset(%s::text::json)"
        " AS u (id bigint, contact_ids bigint[]) WHERE c.id = u.id",
        (_json([{"id": case.id, "contact_ids": case.contact_ids} for case in cases.values()]),),
    )
    cursor.execute(
        "UPDATE contacts_duplicatecase c SET (reason, status, opened_at, closed_at, closed_by, dismissed_ids)"
        " = (u.reason, u.status, u.opened_at, u.closed_at, u.closed_by, u.dismissed_ids)"
        " FROM jsonb_populate_recordset(NULL::contacts_duplicatecase, %s::jsonb) u WHERE c.id = u.id",
        (_json([case.original for case in cases.values() if case.original is not None]),),
    )
    tell_of_cases(concerned.union(*(case.contact_ids for case in cases.values())).difference(gone))


class _Case:
    """A case on its way back."""

    def __init__(
        self, case_id: int, kind: int, value: str, reason: str, contact_ids: list[int], status: str, opened_at: datetime
    ) -> None:
        self.id = case_id
        self.kind = kind
        self.value = value
        self.reason = reason
        self.contact_ids = contact_ids
        self.status = status
        self.opened_at = opened_at
        self.original: dict[str, Any] | None = None
        self.is_pointless = False

    def take_back(self, trace: CaseTrace, holders: Collection[int]) -> None:
        untouched = self.status == "open" and self.opened_at == trace.at and self.contact_ids == trace.after
        before = trace.before
        known: list[int] = before["contact_ids"] if before is not None else []
        if self.reason == "refused":
            rest = known if untouched else self.contact_ids
        else:
            rest = [pk for pk in self.contact_ids if pk in known or pk not in trace.after or pk in holders]
        self.contact_ids = rest
        if before is None:
            self.is_pointless = len(rest) < (1 if self.reason == "refused" else 2)
        elif untouched and rest == known:
            self.original = before
            self.reason, self.status = before["reason"], before["status"]
            self.opened_at = datetime.fromisoformat(before["opened_at"])


def _active_holders(cursor: psycopg.Cursor[Any], cases: Iterable[_Case]) -> dict[tuple[int, str], set[int]]:
    """Who has the values of these cases and is active."""
    listed = [(case.kind, case.value) for case in cases]
    cursor.execute(
        "SELECT i.kind, i.value, i.contact_id FROM unnest(%s::smallint[], %s::text[]) AS k (kind, value)"
        " JOIN contacts_identifier i ON i.value = k.value AND i.kind = k.kind",
        (array_of(kind for kind, _ in listed), text_array(value for _, value in listed)),
    )
    rows = cursor.fetchall()
    cursor.execute(
        "SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) AND state = %s",
        (array_of({row[2] for row in rows}), ACTIVE),
    )
    active = {row[0] for row in cursor.fetchall()}
    holders: dict[tuple[int, str], set[int]] = {}
    for kind, value, contact_id in rows:
        if contact_id in active:
            holders.setdefault((kind, value), set()).add(contact_id)
    return holders


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
