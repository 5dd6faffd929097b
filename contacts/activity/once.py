"""Events that are stored once: a receipt of each, by its type and key, kept as long as the events are.

Two that come at the same moment meet at the receipt: the later one waits for the transaction of the first.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import psycopg
from django.db import connection

__all__ = ["count_old_receipts", "forget_old_receipts", "give_back_receipts", "receipt_of", "take_receipts"]

_TAKE: Final = """
INSERT INTO contacts_eventreceipt (id, received_at) SELECT id, %s FROM unnest(%s::uuid[]) AS r (id) ORDER BY id
ON CONFLICT DO NOTHING RETURNING encode(uuid_send(id), 'hex')
"""
_GIVE_BACK: Final = "DELETE FROM contacts_eventreceipt WHERE id = ANY(%s::uuid[])"
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM contacts_eventreceipt WHERE received_at < %s LIMIT %s) r"
_FORGET: Final = """
DELETE FROM contacts_eventreceipt WHERE id = ANY(ARRAY(
SELECT id FROM contacts_eventreceipt WHERE received_at < %s LIMIT %s))
"""


def receipt_of(type_id: int, key: str) -> str:
    """By what an event is told from others of its type: hexadecimal digits, which travel faster than UUIDs."""
    return blake2b(f"{type_id}:{key}".encode(), digest_size=16).hexdigest()


def take_receipts(cursor: psycopg.Cursor[Any], receipts: Collection[str], *, at: datetime) -> set[str]:
    """Those that are new, in the caller's transaction; in one order, so that two takers do not deadlock."""
    if not receipts:
        return set()
    cursor.execute(_TAKE, (at, _array_of(receipts)))
    return {row[0] for row in cursor.fetchall()}


def give_back_receipts(cursor: psycopg.Cursor[Any], receipts: Collection[str]) -> None:
    """Those of events that are not stored after all, in the transaction that took them."""
    if receipts:
        cursor.execute(_GIVE_BACK, (_array_of(receipts),))


def _array_of(receipts: Collection[str]) -> str:
    return "{" + ",".join(receipts) + "}"


def count_old_receipts(before: datetime, *, limit: int) -> int:
    """How many are older, at most ``limit``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [before, limit])
        return int(cursor.fetchone()[0])


def forget_old_receipts(before: datetime, *, limit: int = 10_000) -> int:
    """Forget so many that are older; tells how many there were: fewer than ``limit`` means that none is left."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [before, limit])
        return int(cursor.rowcount)
