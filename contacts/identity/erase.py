"""Erasing: nothing is left of a person but an id and a date; a suppressed address stays as a keyed hash (T12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import psycopg
from django.dispatch import Signal

from contacts import populations
from contacts.identity import load
from contacts.identity.duplicates import forget_in_cases
from contacts.identity.errors import WriteConflict
from contacts.identity.frame import Frame, open_frame, retried
from contacts.identity.letting_go import field_of
from contacts.identity.resolve import MAX_BATCH
from contacts.identity.revert import IDENTIFIERS, key_of_note
from contacts.identity.types import Outcome, Status
from contacts.identity.world import ERASED, ContactRow
from crm.api.answers import erase_answers

__all__ = ["contacts_erased", "erase_contacts"]

ERASED_VALUE: Final = "erased"
contacts_erased: Final = Signal()
"""Sent with ``held``, the identifiers by contact id, inside the erasing transaction: whoever keeps what these people
sent, beside what stands here, erases it too."""


def erase_contacts(
    ids: Sequence[int],
    *,
    by: str,
    at: datetime | None = None,
    leaving: Collection[str] = (),
    counts: Counter[str] | None = None,
) -> list[Outcome]:
    """Leave nothing of these people but an id and a date, their tombstones included. It cannot be undone.

    A merged id means its survivor. Other contacts' journals keep what they share with the erased one as a fact, with
    the value ``erased``. ``leaving`` are tables whose rows the caller removes after it; ``counts`` takes how many rows
    went of each other one.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(ids), MAX_BATCH):
        batch = list(ids[start : start + MAX_BATCH])

        def run(batch: list[int] = batch) -> tuple[list[Outcome], Counter[str]]:
            with open_frame(_with_tombstones(batch), by=by, at=at) as frame:
                return _erase_batch(frame, batch, leaving)

        told, gone = retried(run)
        outcomes += told
        if counts is not None:
            counts.update(gone)
    return outcomes


def _with_tombstones(ids: Collection[int]) -> list[int]:
    """These contacts, the survivors of merged ones among them, and all tombstones of either."""
    cursor = load.open_cursor()
    cursor.execute(
        "WITH named AS ("
        " SELECT coalesce(merged_into_id, id) AS id FROM contacts_contact WHERE id = ANY(%(ids)s::bigint[])"
        ") SELECT id FROM named"
        " UNION SELECT c.id FROM contacts_contact c WHERE c.merged_into_id IN (SELECT id FROM named)"
        " UNION SELECT unnest(%(ids)s::bigint[])",
        {"ids": load.array_of(ids)},
    )
    found = [row[0] for row in cursor.fetchall()]
    cursor.close()
    return found


def _erase_batch(frame: Frame, batch: Sequence[int], leaving: Collection[str]) -> tuple[list[Outcome], Counter[str]]:
    outcomes, erased = [], set()
    for contact_id in batch:
        contact = frame.world.follow(contact_id)
        if contact is None or contact.values["state"] == ERASED:
            outcomes.append(Outcome(contact_id, Status.FAILED, code="contact_not_found", column="id"))
        else:
            erased.add(contact.id)
            outcomes.append(Outcome(contact_id, Status.UPDATED, contact.id, matched_by="id"))
    return outcomes, _erase(frame, erased, leaving) if erased else Counter()


def _erase(frame: Frame, erased: set[int], leaving: Collection[str]) -> Counter[str]:
    world, cursor = frame.world, frame.cursor
    ids = sorted(erased | {row.id for row in world.rows.values() if row.values["merged_into_id"] in erased})
    _check_tombstones(cursor, ids)
    _erase_merges(cursor, ids)
    _erase_migrations(cursor, ids)
    counts = _erase_rows(cursor, ids, leaving)
    forget_in_cases(cursor, ids)
    populations.current().forget(ids)
    erase_answers(ids)
    contacts_erased.send(None, held={contact_id: frozenset(world.held.get(contact_id, ())) for contact_id in ids})
    _withdraw_exports(cursor)
    world.begin()
    for contact_id in ids:
        row = world.rows[contact_id]
        world.entry_of(row, "erased")
        _blank(row, frame.moment)
        world.held[contact_id] = set()
    return counts


def _check_tombstones(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> None:
    """Somebody may have been merged into one of these before they were locked; then all is read again."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM contacts_contact"
        " WHERE merged_into_id = ANY(%(ids)s::bigint[]) AND NOT id = ANY(%(ids)s::bigint[]))",
        {"ids": load.array_of(ids)},
    )
    row = cursor.fetchone()
    if row is not None and row[0]:
        raise WriteConflict


def _blank(row: ContactRow, moment: datetime) -> None:
    """Nothing but the id and the date; the journal keeps no values either."""
    kept = {"id": row.id, "state": ERASED, "created_at": moment, "updated_at": moment, "deleted_at": moment}
    blanks: dict[str, Any] = {
        "attributes": {}, "identifier_kinds": 0, "order_count": 0, "made_deliberately": False, "source": ERASED_VALUE,
    }  # fmt: skip
    for column in load.CONTACT_COLUMNS:
        value = kept.get(column, blanks.get(column))
        if row.values.get(column) != value:
            row.before.setdefault(column, row.values.get(column))
            row.values[column] = value


TABLES: Final = (
    "identifier", "event", "order", "ordertotal", "consent", "change", "importrow", "importtrace", "importeffect",
    "importedorder", "undokept", "bulkrow", "confirmation", "webhookdeadletter",
)  # fmt: skip


# What an import did to an order may stand with a contact that the order was taken back from since.
_FORGET_IMPORTED: Final = """
DELETE FROM contacts_importedorder
WHERE number IN (SELECT external_order_id FROM contacts_order WHERE contact_id = ANY(%s::bigint[]))
"""


def _erase_rows(cursor: psycopg.Cursor[Any], ids: Sequence[int], leaving: Collection[str]) -> Counter[str]:
    listed, counts = load.array_of(ids), Counter[str]()
    cursor.execute(_FORGET_IMPORTED, (listed,))
    for table in (f"contacts_{name}" for name in TABLES):
        if table not in leaving:
            cursor.execute(f"DELETE FROM {table} WHERE contact_id = ANY(%s::bigint[])", (listed,))
            counts[table] = cursor.rowcount
    return counts


def _withdraw_exports(cursor: psycopg.Cursor[Any]) -> None:
    """Files that may hold somebody who was just erased are handed out no more."""
    cursor.execute(
        "UPDATE contacts_contactexport SET status = 'withdrawn'"
        " WHERE status = 'running' OR (status = 'finished' AND expires_at > now())"
    )


def _erase_merges(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> None:
    """Merges that these took part in; the other side's journal keeps the fact, without the values."""
    listed = load.array_of(ids)
    cursor.execute(
        "DELETE FROM contacts_merge WHERE contact_id = ANY(%(ids)s::bigint[]) OR loser_id = ANY(%(ids)s::bigint[])"
        " RETURNING id, contact_id, loser_id",
        {"ids": listed},
    )
    merges = cursor.fetchall()
    if not merges:
        return
    merge_ids = load.array_of(row[0] for row in merges)
    survivors = load.array_of({row[1] for row in merges})
    parties = load.array_of({row[1] for row in merges} | {row[2] for row in merges})
    cursor.execute(
        "DELETE FROM contacts_mergemove WHERE contact_id = ANY(%s::bigint[]) AND merge_id = ANY(%s::bigint[])",
        (survivors, merge_ids),
    )
    cursor.execute(
        "SELECT id, contact_id, before, after, details FROM contacts_change"
        " WHERE contact_id = ANY(%s::bigint[]) AND NOT contact_id = ANY(%s::bigint[]) AND merge_id = ANY(%s::bigint[])",
        (parties, listed, merge_ids),
    )
    _rewrite_changes(cursor, cursor.fetchall())


def _erase_migrations(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> None:
    """Identifiers that came from, or went to, another contact: its journal keeps the fact with the value ``erased``."""
    cursor.execute(
        "SELECT details FROM contacts_change WHERE contact_id = ANY(%s::bigint[])"
        " AND (details ? 'migrated_to' OR details ? 'migrated_from')",
        (load.array_of(ids),),
    )
    others: set[int] = set()
    for (details,) in cursor.fetchall():
        others.update(details.get("migrated_from", ()))
        if "migrated_to" in details:
            others.add(details["migrated_to"])
    others -= set(ids)
    if not others:
        return
    cursor.execute(
        "SELECT id, contact_id, before, after, details FROM contacts_change WHERE contact_id = ANY(%s::bigint[])"
        " AND (details ? 'migrated_to' OR details ? 'migrated_from')",
        (load.array_of(others),),
    )
    named = set(ids)
    rows = [
        row
        for row in cursor.fetchall()
        if row[4].get("migrated_to") in named or named & set(row[4].get("migrated_from", ()))
    ]
    _rewrite_changes(cursor, rows, migrated=True)
    cursor.execute(
        "DELETE FROM contacts_importtrace WHERE contact_id = ANY(%s::bigint[]) AND other_id = ANY(%s::bigint[])",
        (load.array_of(others), load.array_of(ids)),
    )


def _rewrite_changes(cursor: psycopg.Cursor[Any], rows: Sequence[Any], *, migrated: bool = False) -> None:
    """Without the values; of entries that tell of a migration, without what migrated."""
    parameters = []
    for change_id, contact_id, before, after, _ in rows:
        columns = _columns_that_migrated(before, after) if migrated else None
        sides = [_without_values(side, columns) for side in (before, after)]
        parameters.append((*sides, contact_id, change_id))
    cursor.executemany(
        "UPDATE contacts_change SET before = %s::jsonb, after = %s::jsonb, details = details - 'left' - 'rows'"
        " WHERE contact_id = %s AND id = %s",
        parameters,
    )


def _columns_that_migrated(*sides: dict[str, Any] | None) -> set[str]:
    """The identifiers, and the fields that they stood in where a person moved them."""
    columns = {IDENTIFIERS}
    for side in sides:
        notes = (side or {}).get(IDENTIFIERS)
        if isinstance(notes, list):
            columns.update(field_of(key_of_note(note)) for note in notes)
    return columns


def _without_values(side: dict[str, Any] | None, columns: Collection[str] | None) -> str | None:
    if side is None:
        return None
    return orjson.dumps(
        {
            column: ERASED_VALUE if (columns is None or column in columns) and value is not None else value
            for column, value in side.items()
        }
    ).decode()
