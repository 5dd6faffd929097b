"""Writes many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from contacts.identity.write import render_copy

__all__ = ["EVENT_COLUMNS", "insert_rows"]

COPY_FROM: Final = 8
"""From so many rows on they are copied, which needs one more round trip and is faster by the row."""

EVENT_COLUMNS: Final = ("contact_id", "type_id", "key", "params", "source", "occurred_at", "received_at")


def insert_rows(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows into a table; jsonb is given as text."""
    if not rows:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    if len(rows) >= COPY_FROM:
        rendered = render_copy(table, dict(zip(columns, zip(*rows, strict=True), strict=True)))
        with cursor.copy(rendered.sql) as copy:
            copy.write(rendered.data)
        return
    values = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _ in rows)
    cursor.execute(
        f"INSERT INTO {table} ({names}) VALUES {values}",
        [value for row in rows for value in row],
    )
