"""Moves what hangs from a contact when it is merged, and puts it back: the one place that knows every such table.

A move is an UPDATE here; where the tables are distributed by contact it is a DELETE and an INSERT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import psycopg

from contacts import populations
from contacts.identity.load import array_of, text_array
from contacts.identity.totals import refresh_totals
from contacts.identity.world import MergeEffect

__all__ = ["claim_events", "keep_dropped", "move_rows", "return_rows"]

FAMILY: Final = ("contacts_event", "contacts_order")
"""Tables whose rows simply follow their contact."""
PUT_BACK_FIRST: Final = ("contacts_duplicatecase", "contacts_identifier")
"""Tables whose rows whoever takes a merge back puts back with the identifiers, before the others."""

# In duplicate cases the survivor stands for both; one that was about these two alone is done. Those that nothing else
# would bring back are kept as they were, but for their value: a copy of it would outlive its erasure.
_MOVE_FAMILY: Final = """
WITH merge AS (
    INSERT INTO contacts_merge (contact_id, loser_id, at, by, rule, filled, identifiers, undone_by)
    VALUES (%(survivor)s, %(loser)s, %(at)s, %(by)s, %(rule)s, %(filled)s::jsonb, %(identifiers)s::jsonb, '')
    RETURNING id
), events AS (
    UPDATE contacts_event SET contact_id = %(survivor)s WHERE contact_id = %(loser)s RETURNING id
), orders AS (
    UPDATE contacts_order SET contact_id = %(survivor)s WHERE contact_id = %(loser)s RETURNING id
), tombstones AS (
    UPDATE contacts_contact SET merged_into_id = %(survivor)s WHERE merged_into_id = %(loser)s RETURNING id
), cases AS (
    UPDATE contacts_duplicatecase SET
        contact_ids = ARRAY(SELECT DISTINCT CASE WHEN i = %(loser)s THEN %(survivor)s ELSE i END
                            FROM unnest(contact_ids) i ORDER BY 1),
        status = CASE WHEN done.is_done THEN 'merged' ELSE status END,
        closed_at = CASE WHEN done.is_done THEN %(at)s ELSE closed_at END,
        closed_by = CASE WHEN done.is_done THEN %(by)s ELSE closed_by END
    FROM (SELECT id, reason AS why, contact_ids AS ids, status AS was, closed_at AS at, closed_by AS by,
                 status = 'open' AND cardinality(contact_ids) = 2 AND contact_ids @> %(both)s::bigint[] AS is_done
          FROM contacts_duplicatecase WHERE contact_ids @> %(tomb)s::bigint[]) AS done
    WHERE done.id = contacts_duplicatecase.id
    RETURNING done.id, done.why, jsonb_build_object(
        'id', done.id, 'contact_ids', done.ids, 'after', contacts_duplicatecase.contact_ids, 'status', done.was,
        'became', contacts_duplicatecase.status, 'closed_at', done.at, 'closed_by', done.by) AS kept
), moves AS (
    INSERT INTO contacts_mergemove (contact_id, merge_id, "table", row_ids, dropped)
    SELECT %(survivor)s, merge.id, moved.name, moved.ids, moved.kept
    FROM merge, (
        VALUES ('contacts_event', (SELECT array_agg(id) FROM events), '[]'::jsonb),
               ('contacts_order', (SELECT array_agg(id) FROM orders), '[]'),
               ('contacts_contact', (SELECT array_agg(id) FROM tombstones), '[]'),
               ('contacts_duplicatecase', (SELECT array_agg(id) FROM cases WHERE why <> 'shared'),
                (SELECT jsonb_agg(kept) FROM cases WHERE why <> 'shared'))
    ) AS moved (name, ids, kept)
    WHERE moved.ids IS NOT NULL
)
SELECT id, EXISTS (SELECT FROM orders) FROM merge
"""

# The most restrictive of two consents wins (T12); the loser's row is kept whole, and what the survivor's was before.
_MOVE_CONSENTS: Final = """
WITH theirs AS (
    SELECT l.*, s.id AS own_id, s.granted AS own_granted
    FROM contacts_consent l LEFT JOIN contacts_consent s ON s.contact_id = %(survivor)s AND s.category = l.category
    WHERE l.contact_id = %(loser)s
), moved AS (
    UPDATE contacts_consent c SET contact_id = %(survivor)s FROM theirs t
    WHERE c.contact_id = %(loser)s AND c.id = t.id AND t.own_id IS NULL RETURNING c.id
), gone AS (
    DELETE FROM contacts_consent c USING theirs t
    WHERE c.contact_id = %(loser)s AND c.id = t.id AND t.own_id IS NOT NULL RETURNING c.id
), restricted AS (
    UPDATE contacts_consent c SET granted = false FROM theirs t
    WHERE c.contact_id = %(survivor)s AND c.id = t.own_id AND t.own_granted AND NOT t.granted RETURNING c.id
)
INSERT INTO contacts_mergemove (contact_id, merge_id, "table", row_ids, dropped)
SELECT %(survivor)s, %(merge)s, 'contacts_consent',
       coalesce((SELECT array_agg(id) FROM moved), '{}'),
       coalesce((SELECT jsonb_agg(to_jsonb(t)) FROM theirs t WHERE t.own_id IS NOT NULL), '[]')
WHERE EXISTS (SELECT FROM theirs)
"""


_DROPPED: Final = """
SELECT to_jsonb(i) - 'id' - 'contact_id'
FROM unnest(%s::smallint[], %s::text[], %s::text[]) AS k (kind, app, value) CROSS JOIN LATERAL (
    SELECT * FROM contacts_identifier
    WHERE value = k.value AND kind = k.kind AND app = k.app AND contact_id = %s LIMIT 1
) i
"""
_KEEP: Final = """
INSERT INTO contacts_mergemove (contact_id, merge_id, "table", row_ids, dropped) VALUES (%s, %s, %s, %s, %s::jsonb)
"""


def keep_dropped(cursor: psycopg.Cursor[Any], effects: Iterable[MergeEffect]) -> None:
    """Before they go: the rows of identifiers that the survivors have too, with where they came from and when."""
    for effect in effects:
        if effect.dropped:
            kinds, apps, values = zip(*effect.dropped, strict=True)
            cursor.execute(_DROPPED, (array_of(map(int, kinds)), text_array(apps), text_array(values), effect.loser_id))
            effect.kept = [row[0] for row in cursor.fetchall()]


def move_rows(cursor: psycopg.Cursor[Any], effect: MergeEffect, *, at: datetime, by: str) -> int:
    """Record a merge and move everything that hangs from the loser; gives the id of the merge."""
    names = {"survivor": effect.survivor_id, "loser": effect.loser_id}
    identifiers = {
        "moved": [[int(kind), app, value] for kind, app, value in effect.identifiers],
        "dropped": [[int(kind), app, value] for kind, app, value in effect.dropped],
    }
    cursor.execute(
        _MOVE_FAMILY,
        {
            **names,
            "at": at,
            "by": by,
            "rule": effect.rule,
            "filled": orjson.dumps(effect.filled).decode(),
            "identifiers": orjson.dumps(identifiers).decode(),
            "both": [effect.survivor_id, effect.loser_id],
            "tomb": [effect.loser_id],
        },
    )
    merge_id, has_orders = cursor.fetchone()  # type: ignore[misc]
    if has_orders:
        refresh_totals(cursor, (effect.survivor_id, effect.loser_id))
    cursor.execute(_MOVE_CONSENTS, {**names, "merge": merge_id})
    if effect.kept:
        _keep(cursor, effect, merge_id, "contacts_identifier", [], effect.kept)
    for move in populations.current().move([(effect.loser_id, effect.survivor_id)]):
        _keep(cursor, effect, merge_id, move.table, move.row_ids, move.dropped)
    return int(merge_id)


def _keep(
    cursor: psycopg.Cursor[Any],
    effect: MergeEffect,
    merge_id: int,
    table: str,
    row_ids: list[int],
    dropped: list[dict[str, Any]],
) -> None:
    cursor.execute(_KEEP, (effect.survivor_id, merge_id, table, row_ids, orjson.dumps(dropped).decode()))


def claim_events(cursor: psycopg.Cursor[Any], number: int, contact_id: int) -> None:
    """A visitor became known: the events under its number are the contact's (T2)."""
    cursor.execute("UPDATE contacts_event SET contact_id = %s WHERE contact_id = %s", (contact_id, number))


def return_rows(
    cursor: psycopg.Cursor[Any],
    *,
    table: str,
    survivor_id: int,
    loser_id: int,
    row_ids: Sequence[int],
    dropped: list[dict[str, Any]],
) -> list[str]:
    """Give the loser back what one move took; says in words what could not go back."""
    if table in FAMILY:
        left = _return_family(cursor, table, survivor_id, loser_id, row_ids)
        if table == "contacts_order":
            refresh_totals(cursor, (survivor_id, loser_id))
        return left
    if table == "contacts_contact":
        cursor.execute(
            "UPDATE contacts_contact SET merged_into_id = %s WHERE merged_into_id = %s AND id = ANY(%s)",
            (loser_id, survivor_id, list(row_ids)),
        )
        return []
    if table in PUT_BACK_FIRST:
        return []
    if table == "contacts_consent":
        return _return_consents(cursor, survivor_id, loser_id, row_ids, dropped)
    move = populations.PopulationMove(table, survivor_id, loser_id, list(row_ids), dropped)
    return [f"{table}: {row_id}" for row_id in populations.current().move_back(move)]


def _return_family(
    cursor: psycopg.Cursor[Any], table: str, survivor_id: int, loser_id: int, row_ids: Sequence[int]
) -> list[str]:
    cursor.execute(
        f"UPDATE {table} SET contact_id = %s WHERE contact_id = %s AND id = ANY(%s) RETURNING id",
        (loser_id, survivor_id, list(row_ids)),
    )
    returned = {row[0] for row in cursor.fetchall()}
    return [f"{table}: {row_id}" for row_id in row_ids if row_id not in returned]


def _return_consents(
    cursor: psycopg.Cursor[Any], survivor_id: int, loser_id: int, row_ids: Sequence[int], dropped: list[dict[str, Any]]
) -> list[str]:
    left = _return_family(cursor, "contacts_consent", survivor_id, loser_id, row_ids)
    for row in dropped:
        cursor.execute(
            "INSERT INTO contacts_consent (contact_id, category, granted, basis, at, by)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (contact_id, category) DO NOTHING",
            (loser_id, row["category"], row["granted"], row["basis"], row["at"], row["by"]),
        )
        if row["own_granted"] and not row["granted"]:
            cursor.execute(
                "UPDATE contacts_consent SET granted = true WHERE contact_id = %s AND id = %s AND NOT granted",
                (survivor_id, row["own_id"]),
            )
    return left
