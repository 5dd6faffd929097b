"""Locks values, and reads what a batch must know: owners of values, rows of contacts, all identifiers of a contact.

Every writer of contacts or identifiers passes the gate: shared, with an exclusive lock on each of its values' buckets,
or, from ``ESCALATE_ABOVE`` buckets on, exclusively, which is a lock on every value at once (decision 0003).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.conf import settings
from django.db import connection
from psycopg.types.json import set_json_loads

from contacts.identity.settings import VERSION_SQL
from contacts.identity.world import ContactRow, World
from contacts.keys import SHARED_KINDS, Kind
from contacts.models import Contact
from contacts.records import Key

__all__ = [
    "CONTACT_COLUMNS",
    "address_digest",
    "bucket_of",
    "find",
    "find_again",
    "find_suppressed",
    "find_values",
    "load_held",
    "load_plain",
    "load_rows",
    "lock_values",
    "open_cursor",
    "prefer_indexes",
]

BUCKETS: Final = 4_096
ESCALATE_ABOVE: Final = 256
LOCK_SPACE: Final = 0x0CA2
GATE: Final = -1
FOUND_AT_MOST: Final = 51
MANY: Final = 16
"""Values; so many are looked up together."""
HELD_OFFSET: Final = 100
PREPARED_AFTER: Final = 3
"""Times that a statement ran on a connection."""
SLICE: Final = 250
"""Rows that are unpacked while the database reads the next ones."""

CONTACT_COLUMNS: Final = tuple(column.attname for column in Contact._meta.concrete_fields)
"""Every column of a contact, as the database names it."""

_SHARED = ", ".join(str(int(kind)) for kind in sorted(SHARED_KINDS))
# Each writer that passed the gate counts itself, once it holds it: see Locked.
_LOCK = f"""
SELECT CASE WHEN b < 0 THEN pg_advisory_xact_lock_shared({LOCK_SPACE}, {GATE})
            ELSE pg_advisory_xact_lock({LOCK_SPACE}, b) END,
       CASE WHEN b < 0 THEN nextval('contacts_gate') END, {VERSION_SQL}
FROM unnest(%s::int[]) b
"""
_LOCK_ALL = f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {GATE}), nextval('contacts_gate'), {VERSION_SQL}"
_PREFER_INDEXES = "SET LOCAL enable_seqscan = off"
# Nothing is written by who decides ahead but a sequence, and that is safe once the batch which uses it is.
_WAIT_FOR_NOTHING = "SELECT set_config('enable_seqscan', 'off', true), set_config('synchronous_commit', 'off', true)"
# Unique kinds by their unique index, shared ones by the key of the table: no value can hide another kind's rows. The
# limits keep the plan to one index look-up a value, whatever the statistics say.
_FIND = f"""
SELECT i.kind, i.app, i.value, i.contact_id
FROM unnest(%s::text[], %s::smallint[], %s::text[]) AS k (value, kind, app) CROSS JOIN LATERAL (
    SELECT kind, app, value, contact_id FROM contacts_identifier
    WHERE value = k.value AND kind = k.kind AND app = k.app AND kind NOT IN ({_SHARED}) LIMIT 1
) i
UNION ALL
SELECT i.kind, i.app, i.value, i.contact_id
FROM unnest(%s::text[], %s::smallint[], %s::text[]) AS k (value, kind, app) CROSS JOIN LATERAL (
    SELECT kind, app, value, contact_id FROM contacts_identifier
    WHERE value = k.value AND kind = k.kind AND app = k.app LIMIT {FOUND_AT_MOST}
) i
"""
# Of many values at once, by their text alone: one walk over the index. The last row says that the list is not empty.
_FIND_MANY = """
(SELECT kind, app, value, contact_id FROM contacts_identifier WHERE value = ANY(%s::text[]) LIMIT %s)
UNION ALL (SELECT 0::smallint, '', '', 0::bigint FROM contacts_suppression LIMIT 1)
"""
_FIND_VALUES = """
SELECT value, kind, contact_id FROM contacts_identifier WHERE value = ANY(%s::text[]) LIMIT %s
"""
_FIND_SUPPRESSED = """
SELECT 0::smallint, reason::text, encode(digest, 'hex'), state::bigint
FROM contacts_suppression WHERE digest = ANY(%s::bytea[])
"""
_HELD = """
SELECT kind, app, value, contact_id FROM contacts_identifier WHERE contact_id = ANY(%s::bigint[])
"""


def open_cursor(*, prepares: bool = False) -> psycopg.Cursor[tuple[Any, ...]]:
    """A plain cursor on Django's connection: binary results, values bound on the server, jsonb by orjson.

    Single calls run the same few statements over and over, and planning them costs more than they do: ``prepares``
    keeps their plans. Batches are planned for what they carry.
    """
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.connection.prepare_threshold = PREPARED_AFTER if prepares and settings.PREPARED_STATEMENTS else None
    set_json_loads(orjson.loads, cursor)
    return cursor


def bucket_of(key: Key) -> int:
    """The lock bucket of a value: stable over processes and versions."""
    digest = hashlib.blake2b(f"{key[0]}:{key[1]}:{key[2]}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS


class Locked(NamedTuple):
    """What was locked: every value there is, or only those asked for.

    ``turn`` counts the writers that passed the gate: whoever holds it closed and finds the number next to that of its
    own last turn knows that nobody wrote in between. ``settings_version`` is read along.
    """

    everything: bool
    turn: int
    settings_version: int | None


def lock_values(cursor: psycopg.Cursor[Any], keys: Iterable[Key], *, everything: bool = False) -> Locked:
    """Lock every value until the end of the transaction, in ascending order (race 1)."""
    buckets = [] if everything else sorted({bucket_of(key) for key in keys})
    everything = everything or len(buckets) > ESCALATE_ABOVE
    if everything:
        cursor.execute(_LOCK_ALL, binary=True)
    else:
        cursor.execute(_LOCK, (array_of([GATE, *buckets]),), binary=True)
    _, turn, version = cursor.fetchall()[0]
    return Locked(everything, turn, version)


def find(cursor: psycopg.Cursor[Any], world: World, keys: Collection[Key]) -> None:
    """Values → contact ids, and which addresses among them are suppressed; one statement, into ``world``."""
    if not keys:
        return
    ordered = list(keys)
    if len(ordered) < MANY or not _find_many(cursor, world, ordered):
        _find_each(cursor, world, ordered)
    world.known_keys.update(ordered)
    if world.before is not None:
        _take_owners(world, world.before, ordered)


def _find_each(cursor: psycopg.Cursor[Any], world: World, keys: Sequence[Key]) -> None:
    sql, params = _FIND, _key_params(keys)
    digests = _digests_of(keys)
    if digests:
        sql = f"{_FIND} UNION ALL {_FIND_SUPPRESSED}"
        params.append(_digest_array(digests))
    cursor.execute(sql, params, binary=True)
    for kind, app, value, contact_id in cursor.fetchall():
        if kind:
            world.owners.setdefault((kind, app, value), {})[contact_id] = contact_id
        else:
            world.suppressed[digests[value]] = (contact_id, app)


def _find_many(cursor: psycopg.Cursor[Any], world: World, keys: Sequence[Key]) -> bool:
    """The same for less by the value; False where some stand on so many contacts that each has to be limited."""
    limit = FOUND_AT_MOST + 2 * len(keys)
    cursor.execute(_FIND_MANY, (text_array([key[2] for key in keys]), limit), binary=True)
    rows = cursor.fetchall()
    are_suppressed = bool(rows) and not rows[-1][0]
    if len(rows) - are_suppressed == limit:
        return False
    wanted = set(keys)
    for kind, app, value, contact_id in rows:
        if (key := (kind, app, value)) in wanted:
            world.owners.setdefault(key, {})[contact_id] = contact_id
    digests = _digests_of(keys) if are_suppressed else {}
    if digests:
        cursor.execute(_FIND_SUPPRESSED, (_digest_array(digests),), binary=True)
        for _, reason, digest, state in cursor.fetchall():
            world.suppressed[digests[digest]] = (state, reason)
    return True


def _digests_of(keys: Iterable[Key]) -> dict[str, Key]:
    return {address_digest(key[2]).hex(): key for key in keys if key[0] in (Kind.EMAIL, Kind.PHONE)}


def prefer_indexes(cursor: psycopg.Cursor[Any], *, only_reads: bool = False) -> None:
    """For this transaction: a thousand values are looked up by the index, whatever the statistics of the table say.

    One that ``only_reads`` does not wait for the disk either.
    """
    cursor.execute(_WAIT_FOR_NOTHING if only_reads else _PREFER_INDEXES)


def find_values(cursor: psycopg.Cursor[Any], values: Sequence[str]) -> dict[str, list[tuple[int, int]]] | None:
    """Value → the (kind, contact id) of each identifier with that text, of whatever kind; None where they are many."""
    if not values:
        return {}
    limit = FOUND_AT_MOST + 2 * len(values)
    cursor.execute(_FIND_VALUES, (text_array(values), limit), binary=True)
    rows = cursor.fetchall()
    if len(rows) == limit:
        return None
    found: dict[str, list[tuple[int, int]]] = {}
    for value, kind, contact_id in rows:
        found.setdefault(value, []).append((kind, contact_id))
    return found


def find_suppressed(cursor: psycopg.Cursor[Any], addresses: Iterable[str]) -> set[str]:
    """Which of these emails and phones stand on the suppression list; nothing is hashed while that is empty."""
    cursor.execute("SELECT EXISTS (SELECT FROM contacts_suppression)", binary=True)
    if not cursor.fetchall()[0][0]:
        return set()
    by_digest = {address_digest(address): address for address in addresses}
    array = _digest_array(digest.hex() for digest in by_digest)
    cursor.execute("SELECT digest FROM contacts_suppression WHERE digest = ANY(%s::bytea[])", (array,), binary=True)
    return {by_digest[bytes(digest)] for (digest,) in cursor.fetchall()}


def load_plain(cursor: psycopg.Cursor[Any], ids: Collection[int], columns: Sequence[str]) -> dict[int, tuple[Any, ...]]:
    """Ids → (id, state, the columns, attributes), of contacts behind the closed gate."""
    if not ids:
        return {}
    sql = f"SELECT id, state, {', '.join(columns)}, attributes FROM contacts_contact WHERE id = ANY(%s::bigint[])"
    return {row[0]: row for row in _rows_of(cursor, sql, sorted(ids), at_once=False)}


def _take_owners(world: World, before: World, keys: Iterable[Key]) -> None:
    """Owners as the batch that is being written leaves them, whether the database shows that yet or not."""
    for key in keys:
        if key in before.folded_keys:
            contact_id = before.folded_keys[key]
            world.owners[key] = {contact_id: contact_id}
        elif key in before.known_keys:
            world.owners[key] = {contact_id: contact_id for contact_id in before.owners.get(key, ())}


def _key_params(keys: Iterable[Key]) -> list[str]:
    shared: list[Key] = []
    unique: list[Key] = []
    for key in keys:
        (shared if key[0] in SHARED_KINDS else unique).append(key)
    return [*_key_arrays(unique), *_key_arrays(shared)]


def _key_arrays(keys: Sequence[Key]) -> tuple[str, str, str]:
    return (
        text_array([key[2] for key in keys]),
        array_of([int(key[0]) for key in keys]),
        text_array([key[1] for key in keys]),
    )


def find_again(cursor: psycopg.Cursor[Any], world: World, keys: Collection[Key]) -> None:
    """Values → contact ids again, once the rows are locked, and with them all identifiers of these contacts."""
    ids = list(world.rows)
    cursor.execute(
        f"{_FIND} UNION ALL SELECT {HELD_OFFSET} + kind, app, value, contact_id FROM contacts_identifier"
        " WHERE contact_id = ANY(%s::bigint[])",
        [*_key_params(keys), array_of(ids)],
        binary=True,
    )
    held: dict[int, set[Key]] = {contact_id: set() for contact_id in ids}
    for kind, app, value, contact_id in cursor.fetchall():
        if kind > HELD_OFFSET:
            held[contact_id].add((kind - HELD_OFFSET, app, value))
        else:
            world.owners.setdefault((kind, app, value), {})[contact_id] = contact_id
    world.known_keys.update(keys)
    world.held.update(held)


def load_rows(
    cursor: psycopg.Cursor[Any],
    world: World,
    ids: Collection[int],
    *,
    columns: Sequence[str] = CONTACT_COLUMNS,
    lock: bool,
) -> None:
    """Ids → rows, locked in id order; the survivors of tombstones among them too (race 2)."""
    if world.before is not None:
        for contact_id in ids:
            if contact_id in world.before.rows:
                world.rows[contact_id] = ContactRow(dict(world.before.rows[contact_id].values))
            elif contact_id in world.before.folded:
                world.rows[contact_id] = ContactRow(world.before.row_of(world.before.folded[contact_id]).values)
    wanted = [contact_id for contact_id in ids if contact_id not in world.rows]
    sql = f"SELECT {', '.join(columns)} FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id"
    if lock:
        sql += " FOR NO KEY UPDATE"
    while wanted:
        world.columns = frozenset(columns)
        survivors = set()
        for row in _rows_of(cursor, sql, sorted(wanted), at_once=lock):
            contact = ContactRow(dict(zip(columns, row, strict=True)))
            world.rows[contact.id] = contact
            if contact.values["merged_into_id"] is not None:
                survivors.add(contact.values["merged_into_id"])
        wanted = [contact_id for contact_id in survivors if contact_id not in world.rows]


def _rows_of(cursor: psycopg.Cursor[Any], sql: str, ids: Sequence[int], *, at_once: bool) -> Iterator[tuple[Any, ...]]:
    """The rows of these ids; of many, the database reads the next slice while the last one is unpacked."""
    if at_once or len(ids) <= SLICE:
        cursor.execute(sql, (array_of(ids),), binary=True)
        yield from cursor.fetchall()
        return
    slices = [ids[start : start + SLICE] for start in range(0, len(ids), SLICE)]
    with cursor.connection.pipeline():
        reading = _start_reading(sql, slices[0])
        for following in [*slices[1:], None]:
            first = reading.fetchone()  # waits for this slice alone: the next one is not sent yet
            ahead = _start_reading(sql, following) if following else None
            if first is not None:
                yield first
            yield from reading.fetchall()
            reading.close()
            if ahead is not None:
                reading = ahead


def _start_reading(sql: str, ids: Sequence[int]) -> psycopg.Cursor[Any]:
    cursor = open_cursor()
    cursor.execute(sql, (array_of(ids),), binary=True)
    return cursor


def load_held(cursor: psycopg.Cursor[Any], world: World, contact_ids: Collection[int]) -> None:
    """All identifiers of these contacts."""
    if not contact_ids:
        return
    cursor.execute(_HELD, (array_of(contact_ids),), binary=True)
    found: dict[int, set[Key]] = {contact_id: set() for contact_id in contact_ids}
    for kind, app, value, contact_id in cursor.fetchall():
        found[contact_id].add((kind, app, value))
    if world.before is not None:
        found.update({pk: set(world.before.held[pk]) for pk in contact_ids if pk in world.before.held})
        folded = world.before.folded
        found.update({pk: set(folded[pk].record.identifiers) for pk in contact_ids if pk in folded})
    world.held.update(found)


def address_digest(value: str) -> bytes:
    """The keyed hash by which an email (compare form) or phone is kept on the suppression list."""
    return hashlib.blake2b(value.encode(), key=_suppression_key(), digest_size=16).digest()


@lru_cache(maxsize=1)
def _suppression_key() -> bytes:
    return hmac.digest(settings.SUPPRESSION_KEY.encode(), b"suppression", "sha256")


def _digest_array(digests: Iterable[str]) -> str:
    """An array of bytes, given in hexadecimal digits, as PostgreSQL writes it."""
    return "{" + ",".join([f'"\\\\x{digest}"' for digest in digests]) + "}"


def array_of(numbers: Iterable[int]) -> str:
    """An array of whole numbers as PostgreSQL writes it: ten times faster than adapting a list."""
    return "{" + ",".join(map(str, numbers)) + "}"


def text_array(texts: Iterable[str]) -> str:
    """An array of texts as PostgreSQL writes it."""
    listed = list(texts)
    together = "".join(listed)
    if "\\" in together or '"' in together:
        listed = [text.replace("\\", "\\\\").replace('"', '\\"') for text in listed]
    return '{"' + '","'.join(listed) + '"}' if listed else "{}"
