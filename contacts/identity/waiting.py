"""Who waits at the gate (decision 0025)."""

from __future__ import annotations

from typing import Final

from django.db import connection

from contacts.identity.load import GATE, LOCK_SPACE

__all__ = ["do_small_writers_wait"]

_SMALL_WRITERS: Final = f"""
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND NOT granted
    AND classid = {LOCK_SPACE} AND objid = {GATE % 2**32}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def do_small_writers_wait() -> bool:
    """Whether single calls wait for whoever holds the gate closed; other large batches do not count."""
    with connection.cursor() as cursor:
        cursor.execute(_SMALL_WRITERS)
        return bool(cursor.fetchone()[0])
