"""Rows of our database on their way out: made by the database itself, and never all in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from contacts.identity.load import open_cursor, prefer_indexes

if TYPE_CHECKING:
    from contacts.exports.warehouse.types import TableShape

__all__ = ["Rows"]

Params = Sequence[Any] | Mapping[str, Any]

PLAIN: Final = 'r."{0}"'
BLOCK: Final = 1 << 16
"""Bytes that are handed on at a time."""
AS_LINES: Final = r"(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
"""JSON has no control characters, so that nothing is quoted and each row is a line as it is."""
AS_JSON: Final = {
    "numeric": 'r."{0}"::text',  # a JSON number is a float to many readers
    "timestamptz": """to_char(r."{0}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "json": 'r."{0}"::text',
}


class Rows:
    """The rows of a query, which may be read again and again, in the order of the shape's columns.

    The query gives each column of the shape under its name, in any order; a percent sign in it is written twice. What
    was not read to its end holds our connection until ``close``. ``are_few``: no table is to be read whole for them,
    whatever the statistics say.
    """

    def __init__(self, sql: str, params: Params, shape: TableShape, *, are_few: bool = False) -> None:
        self.sql = sql
        self.params = params
        self.shape = shape
        self.are_few = are_few
        self._open: Generator[bytes, None, None] | None = None

    def copy_blocks(self) -> Iterator[bytes]:
        """As COPY writes them: text format, columns in the shape's order."""
        columns = ", ".join(f'r."{name}"' for name in self.shape.names)
        return self._read(f"COPY (SELECT {columns} FROM ({self.sql}) AS r) TO STDOUT")

    def json_lines(self) -> Iterator[bytes]:
        """One JSON object a line, several lines at a time; numeric and JSON as text, times in ISO 8601, UTC."""
        columns = ", ".join(
            f'{AS_JSON.get(column.type, PLAIN).format(column.name)} AS "{column.name}"' for column in self.shape.columns
        )
        rows = f"SELECT {columns} FROM ({self.sql}) AS r"
        return self._read(f"COPY (SELECT row_to_json(j) FROM ({rows}) AS j) TO STDOUT {AS_LINES}")

    def close(self) -> None:
        """Give our connection back, wherever reading stopped."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _read(self, copy: str) -> Iterator[bytes]:
        self.close()
        self._open = in_blocks(copy, self.params, are_few=self.are_few)
        return self._open


def in_blocks(sql: str, params: Params, *, are_few: bool) -> Generator[bytes, None, None]:
    """What COPY sends, in blocks of many rows."""
    statement = sql if params else sql.replace("%%", "%")  # as it is written where nothing is merged
    with transaction.atomic(), closing(open_cursor()) as cursor:
        if are_few:
            prefer_indexes(cursor)
        with cursor.copy(statement, params or None) as copy:
            yield from _joined(copy)


def _joined(rows: Iterable[Any]) -> Iterator[bytes]:
    block = bytearray()
    for row in rows:
        block += row
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
