"""Moves what hangs from a contact when it is merged, and puts it back: the one place that knows every such table.

A move is an UPDATE here; where the tables are distributed by contact it is a DELETE and an INSERT.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import psycopg

from contacts import populations
from contacts.identity.world import MergeEffect

__all__ = ["claim_events", "move_rows", "return_rows"]

FAMILY: Final = ("contacts_event", "contacts_order")
"""Tables whose rows simply follow their contact."""

# In duplicate cases the survivor stands for both; one that was about these two alone is done.
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
    FROM (SELECT id, status = 'open' AND cardinality(contact_ids) = 2 AND contact_ids @> %(both)s::bigint[] AS is_done
          FROM contacts_duplicatecase WHERE contact_ids @> %(tomb)s::bigint[]) AS done
    WHERE done.id = contacts_duplicatecase.id
), moves AS (
    INSERT INTO contacts_mergemove (contact_id, merge_id, "table", row_ids, dropped)
    SELECT %(survivor)s, merge.id, moved.name, moved.ids, '[]'
    FROM merge, (VALUES ('contacts_event', (SELECT array_agg(id) FROM events)),
                        ('contacts_order', (SELECT array_agg(id) FROM orders)),
                        ('contacts_contact', (SELECT array_agg(id) FROM tombstones))) AS moved (name, ids)
    WHERE moved.ids IS NOT NULL
)
SELECT id FROM merge
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
    merge_id = int(cursor.fetchone()[0])  # type: ignore[index]
    cursor.execute(_MOVE_CONSENTS, {**names, "merge": merge_id})
    for move in populations.current().move([(effect.loser_id, effect.survivor_id)]):
        cursor.execute(
            'INSERT INTO contacts_mergemove (contact_id, merge_id, "table", row_ids, dropped)'
            " VALUES (%s, %s, %s, %s, %s::jsonb)",
            (effect.survivor_id, merge_id, move.table, move.row_ids, orjson.dumps(move.dropped).decode()),
        )
    return merge_id


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
        return _return_family(cursor, table, survivor_id, loser_id, row_ids)
    if table == "contacts_contact":
        cursor.execute(
            "UPDATE contacts_contact SET merged_into_id = %s WHERE merged_into_id = %s AND id = ANY(%s)",
            (loser_id, survivor_id, list(row_ids)),
        )
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
