"""Claims: that nobody else does the same work meanwhile, held by a connection of this process alone.

A killed process holds nothing, so that the next one finds the work free.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import connection, transaction

__all__ = ["claiming", "is_claimed", "may_claim", "number_of"]


@contextmanager
def claiming() -> Iterator[psycopg.Connection[Any]]:
    """A connection for claims. They go with it: a killed process holds nothing."""
    own: psycopg.Connection[Any] = psycopg.connect(**{**connection.get_connection_params(), "autocommit": True})
    try:
        yield own
    finally:
        with suppress(psycopg.Error):  # a server that went down has let go of everything
            own.execute("SELECT pg_advisory_unlock_all()")  # at once; a closed connection takes its time
        own.close()


def may_claim(own: psycopg.Connection[Any], name: str) -> bool:
    """Take a claim, if nobody has it."""
    row = own.execute("SELECT pg_try_advisory_lock(%s)", (number_of(name),)).fetchone()
    return bool(row and row[0])


def is_claimed(name: str) -> bool:
    """Whether somebody has it at this moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number_of(name)])
        return not cursor.fetchone()[0]


def number_of(claim: str) -> int:
    """The advisory lock of a claim."""
    return int.from_bytes(hashlib.blake2b(claim.encode(), digest_size=8).digest(), "big", signed=True)
