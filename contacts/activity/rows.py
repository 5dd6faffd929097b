"""Writes many rows at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Final

import psycopg

from contacts.identity.write import render_copy

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
    layout = EventsInBinary if columns is EVENT_COLUMNS else AsText
    first = layout.render(table, columns, some)
    with cursor.copy(f"COPY {table} ({', '.join(map(_quoted, columns))}) FROM STDIN {layout.options}") as copy:
        copy.write(layout.head + first)
        while some := list(itertools.islice(remaining, SLICE)):
            copy.write(layout.render(table, columns, some))
        copy.write(layout.tail)


class AsText:
    """Rows of any table."""

    options = ""
    head = tail = b""

    @staticmethod
    def render(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
        return render_copy(table, dict(zip(columns, zip(*rows, strict=True), strict=True))).data


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_WHOSE: Final = Struct(">hiqiqi").pack
_TOLD: Final = Struct(">iB").pack
_LENGTH: Final = Struct(">i").pack
_WHEN: Final = Struct(">iqiq").pack
JSONB_VERSION: Final = 1


class EventsInBinary:
    """Rows of ``EVENT_COLUMNS`` as the database keeps them: it reads no numbers and no dates."""

    options = "(FORMAT BINARY)"
    head = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    tail = b"\xff\xff"

    @staticmethod
    def render(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
        parts: list[bytes] = []
        for contact_id, type_id, key, params, source, occurred_at, received_at in rows:
            name, told, door = key.encode(), params.encode(), source.encode()
            parts += (
                _WHOSE(len(columns), 8, contact_id, 8, type_id, len(name)),
                name,
                _TOLD(len(told) + 1, JSONB_VERSION),
                told,
                _LENGTH(len(door)),
                door,
                _WHEN(8, (occurred_at - _EPOCH) // _MICROSECOND, 8, (received_at - _EPOCH) // _MICROSECOND),
            )
        return b"".join(parts)


def _quoted(column: str) -> str:
    return f'"{column}"'


def _insert_few(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    names = ", ".join(map(_quoted, columns))
    values = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _ in rows)
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES {values}", [value for row in rows for value in row])
