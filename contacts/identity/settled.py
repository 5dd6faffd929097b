"""How far the journal can be read in the order of its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from contacts.identity.load import GATE, LOCK_SPACE

__all__ = ["last_change", "settled_change", "settled_numbers"]

WAITS: Final = "SET LOCAL lock_timeout = '200ms'"
"""While it is waited for the gate others wait behind us: no longer than for one batch of an import."""
_CLOSE_GATE: Final = f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {GATE})"
_LAST_OF: Final = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}"
CHANGES: Final = "contacts_change_id_seq"
_LAST: Final = _LAST_OF.format(CHANGES)


def settled_change() -> int | None:
    """The number up to which the journal is complete; None where a writer takes long, and it should be asked later."""
    numbers = settled_numbers([CHANGES])
    return None if numbers is None else numbers[0]


def settled_numbers(sequences: Iterable[str]) -> list[int] | None:
    """Up to which number the rows of each sequence are complete; None where a writer takes long.

    A row gets its number before it is committed, so that a greater one may be seen first. Whoever writes the journal,
    or another of these tables, holds the gate (decision 0005) until the end: behind the closed gate no number is out
    whose row is not there. It is held for one statement, and not counted as a turn, since nothing is written.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(WAITS)
            cursor.execute(_CLOSE_GATE)
            cursor.execute(" UNION ALL ".join(map(_LAST_OF.format, sequences)))
            return [int(row[0]) for row in cursor.fetchall()]
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return None
        raise


def last_change() -> int:
    """The last number that was given; some before it may still be on their way."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        return int(cursor.fetchone()[0])
