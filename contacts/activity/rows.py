"""Writes many rows at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

from contacts.identity.write import Copy, render_copy

__all__ = ["EVENT_COLUMNS", "insert_rows"]

COPY_FROM: Final = 8
"""From so many rows on they are copied, which needs one more round trip and is faster by the row."""
SLICE: Final = 128
"""Rows that are sent together."""

EVENT_COLUMNS: Final = ("contact_id", "type_id", "key", "params", "source", "occurred_at", "received_at")


def insert_rows(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows into a table; jsonb is given as text. Many are made while the database takes those before them."""
    remaining = iter(rows)
    some = list(itertools.islice(remaining, SLICE))
    if len(some) < COPY_FROM:
        _insert_few(cursor, table, columns, some)
        return
    first = _rendered(table, columns, some)
    with cursor.copy(first.sql) as copy:
        copy.write(first.data)
        while some := list(itertools.islice(remaining, SLICE)):
            copy.write(_rendered(table, columns, some).data)


def _rendered(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Copy:
    return render_copy(table, dict(zip(columns, zip(*rows, strict=True), strict=True)))


def _insert_few(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _ in rows)
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES {values}", [value for row in rows for value in row])
