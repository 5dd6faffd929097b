"""The values of one custom field over all contacts: read a page at a time, written a batch at a time, journalled.

Contacts in every state have values, tombstones too: an unmerge brings them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.db import connection, transaction

from contacts.identity import load
from contacts.identity.frame import open_frame, retried
from contacts.identity.world import ACTIVE, DELETED, ContactRow, World
from contacts.identity.write import Cause, send_signals, write_world
from contacts.keys import Kind
from contacts.normalize import MAX_CUSTOM_KEY, Schema, compare_form, custom_key_value
from contacts.records import Key

__all__ = [
    "BATCH",
    "Held",
    "add_keys",
    "read_changed",
    "read_keys",
    "read_values",
    "rewrite_values",
    "take_off_keys",
    "wait_for_writers",
]

BATCH: Final = 1_000
KEY_BATCH: Final = 100
"""Contacts whose values are locked at a time: they fit below the gate, so that nobody waits but who shares a bucket."""

_PAGE: Final = """
SELECT c.id, c.attributes -> %(key)s FROM contacts_contact c
WHERE c.id > %(after)s AND c.attributes ? %(key)s ORDER BY c.id LIMIT %(limit)s
"""
_KEYS: Final = f"""
SELECT i.value, i.id, i.contact_id FROM contacts_identifier i
WHERE i.kind = {int(Kind.CUSTOM)} AND i.app = %(key)s AND (i.value, i.id) > (%(value)s, %(id)s)
ORDER BY i.value, i.id LIMIT %(limit)s
"""
_LACKING: Final = f"""
SELECT c.id, c.attributes -> %(key)s FROM contacts_contact c
WHERE c.id = ANY(%(ids)s::bigint[]) AND c.attributes ? %(key)s AND c.state IN ({ACTIVE}, {DELETED})
AND NOT EXISTS (
    SELECT FROM contacts_identifier i WHERE i.contact_id = c.id AND i.kind = {int(Kind.CUSTOM)} AND i.app = %(key)s
    AND i.value = c.attributes ->> %(key)s
)
"""
_CHANGED: Final = """
SELECT c.contact_id, c.before -> %(column)s, c.after -> %(column)s FROM contacts_change c
WHERE c.contact_id = ANY(%(ids)s::bigint[]) AND c.details ->> 'work' = %(work)s ORDER BY c.contact_id, c.id DESC
"""

Change = Callable[[int, Any], Any]
"""Contact and stored value → the value that it shall have, None for none."""


class Held(NamedTuple):
    """A value and who has it."""

    contact_id: int
    value: Any


def read_values(key: str, *, after: int = 0, limit: int = BATCH) -> list[Held]:
    """The next contacts, in the order of their ids, that have a value."""
    with connection.cursor() as cursor:  # Django's own, whose errors a time limit understands
        cursor.execute(_PAGE, {"key": key, "after": after, "limit": limit})
        return [Held(contact_id, orjson.loads(value)) for contact_id, value in cursor.fetchall()]


def read_changed(key: str, contact_ids: Sequence[int], *, work: int) -> dict[int, tuple[Any, Any]]:
    """What a work did to these contacts, by the journal: contact → (value before, value after)."""
    given = {"column": f"fields.{key}", "ids": load.array_of(contact_ids), "work": str(work)}
    changed: dict[int, tuple[Any, Any]] = {}
    for contact_id, before, after in _fetch(_CHANGED, given):
        changed.setdefault(contact_id, (before, after))
    return changed


def rewrite_values(
    key: str, contact_ids: Sequence[int], change: Change, *, work: int, by: str, at: datetime | None = None
) -> int:
    """Give each of these contacts what ``change`` makes of its value, in one transaction; how many were written.

    Nobody's identifiers are touched, so that only the contacts are locked. They pass the gate: whoever decides ahead
    has to see that somebody wrote (decision 0009). What ``change`` raises takes the batch back.
    """

    def run() -> int:
        moment = at or datetime.now(UTC)
        with transaction.atomic():
            cursor = load.open_cursor()
            load.lock_values(cursor, ())
            world = World(moment=moment, new_ids=iter(()))
            load.load_rows(cursor, world, contact_ids, lock=True)
            written = sum(_rewrite(world, key, contact_id, change, work) for contact_id in contact_ids)
            write_world(cursor, world, Cause(by, ""), together=False)
            send_signals(world)
            cursor.close()
        return written

    return retried(run)


def _rewrite(world: World, key: str, contact_id: int, change: Change, work: int) -> bool:
    contact = world.contact(contact_id)
    value = contact["attributes"].get(key) if contact is not None else None
    if contact is None or value is None:
        return False
    world.begin()
    if not world.set_attribute(contact, key, change(contact_id, value)):
        return False
    world.entry_of(contact).details["work"] = work
    return True


# As keys


def add_keys(key: str, contact_ids: Sequence[int], schema: Schema, *, by: str, at: datetime | None = None) -> int:
    """The values of these contacts become identifiers; how many did.

    A tombstone's identifiers are its survivor's, so it gets none; junk and what is too long identify nobody.
    """
    added = 0
    for start in range(0, len(contact_ids), KEY_BATCH):
        batch = contact_ids[start : start + KEY_BATCH]

        def run(batch: Sequence[int] = batch) -> int:
            values = {held.contact_id: held.value for held in _read_lacking(key, batch)}
            keys = {contact_id: found for contact_id, value in values.items() if (found := key_of(key, value, schema))}
            with open_frame(list(keys), by=by, at=at, values=set(keys.values())) as frame:
                return sum(_add_key(frame.world, key, contact_id, wanted) for contact_id, wanted in keys.items())

        added += retried(run)
    return added


def _add_key(world: World, key: str, contact_id: int, wanted: Key) -> bool:
    """Only where the value still is the one that was locked; another one is met in the next turn."""
    contact = world.contact(contact_id)
    if contact is None or contact["state"] not in (ACTIVE, DELETED) or wanted in world.keys_held_by(contact):
        return False
    value = contact["attributes"].get(key)
    if value is None or compare_form(int(Kind.CUSTOM), key, custom_key_value(value)) != wanted:
        return False
    world.begin()
    world.attach(contact, wanted)
    return True


def key_of(key: str, value: Any, schema: Schema) -> Key | None:
    """The identifier that a value of the field would be."""
    text = custom_key_value(value)
    if not text or len(text) > MAX_CUSTOM_KEY or schema.is_junk(text):
        return None
    return compare_form(int(Kind.CUSTOM), key, text)


def read_keys(key: str, *, after: tuple[str, int] = ("", 0), limit: int = BATCH) -> list[tuple[str, int, int]]:
    """The next identifiers of the field as (value, id, contact), in that order."""
    rows = _fetch(_KEYS, {"key": key, "value": after[0], "id": after[1], "limit": limit})
    return [(value, row_id, contact_id) for value, row_id, contact_id in rows]


def take_off_keys(key: str, contact_ids: Sequence[int], *, by: str, at: datetime | None = None) -> int:
    """These contacts lose the identifiers of the field, and keep its values; how many went."""
    taken = 0
    for start in range(0, len(contact_ids), KEY_BATCH):
        batch = contact_ids[start : start + KEY_BATCH]

        def run(batch: Sequence[int] = batch) -> int:
            with open_frame(batch, by=by, at=at) as frame:
                return sum(_take_off(frame.world, key, frame.world.rows[pk]) for pk in batch if pk in frame.world.rows)

        taken += retried(run)
    return taken


def _take_off(world: World, key: str, contact: ContactRow) -> int:
    world.begin()
    found = [held for held in world.keys_held_by(contact) if held[:2] == (int(Kind.CUSTOM), key)]
    for held in found:
        world.detach(contact, held)
    return len(found)


# With the writers


def wait_for_writers() -> None:
    """Until everybody who began to write by the settings before the last change of them is done.

    Whoever writes holds the gate until the end, and has read the settings' version on coming in.
    """
    with transaction.atomic():
        cursor = load.open_cursor()
        load.lock_values(cursor, (), everything=True)
        cursor.close()


def _read_lacking(key: str, contact_ids: Sequence[int]) -> list[Held]:
    """Those of the contacts whose value is no identifier of theirs yet."""
    rows = _fetch(_LACKING, {"key": key, "ids": load.array_of(contact_ids)})
    return [Held(contact_id, value) for contact_id, value in rows]


def _fetch(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    cursor: psycopg.Cursor[Any] = load.open_cursor()
    cursor.execute(sql, params)
    rows = cursor.fetchall()
    cursor.close()
    return rows
