"""Rows that hang from contacts, as they leave for a warehouse.

They are read by the contact's id: a piece of a full run is a range of contacts, a change is a list of them. Nobody who
was erased is ever among them, nor a visitor, who is no contact yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from contacts.columns import CUSTOM_PREFIX
from contacts.exports.warehouse.changes import EVENTS, JOURNAL, MARKS, follow_contacts
from contacts.exports.warehouse.columns import Field, column_of_custom, sql_of_custom
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import OutColumn, Position, Reading, Step
from contacts.models import ContactState

__all__ = ["FamilySet", "ask", "estimate"]

COUNTED: Final = 100_000
NOT_ERASED: Final = f"c.state <> {ContactState.ERASED.value}"
ACTIVE: Final = f"c.state = {ContactState.ACTIVE.value}"
_ESTIMATE: Final = """
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c
WHERE c.relkind = 'r' AND (c.oid = %(table)s::regclass
    OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass))
"""
_END: Final = """
SELECT coalesce(
    (SELECT id FROM contacts_contact WHERE id > %(after)s ORDER BY id OFFSET %(more)s LIMIT 1),
    (SELECT max(id) FROM contacts_contact WHERE id > %(after)s)
)
"""


@dataclass(frozen=True, slots=True)
class FamilySet:
    """The rows of one ``table`` of ours.

    ``source`` joins it with the contact, ``c``; ``owner_sql`` is the contact's id as the table has it. ``follows`` are
    the sequences that name contacts whose rows changed, ``marks`` what marks them beside the journal. ``appended``: the
    SQL of a number that grows with every new row, where new rows are told by it.
    """

    slug: str
    label: Any
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    source: str
    owner_sql: str
    owner: str = "id"
    where: str = "true"
    follows: tuple[str, ...] = (JOURNAL, MARKS)
    marks: tuple[str, ...] = ()
    appended: str = ""
    with_tombstones: bool = False
    has_custom: bool = False

    def columns(self, custom_fields: Iterable[Any]) -> tuple[OutColumn, ...]:
        added = map(column_of_custom, custom_fields) if self.has_custom else ()
        return (*(field.column for field in self.fields), *added)

    def start_position(self, upto: Position) -> Position:
        return {name: upto[name] for name in (*self.follows, *((EVENTS,) if self.appended else ()))}

    def next_end(self, after: int, size: int) -> int | None:
        """A contact's id: so many contacts hold about so many rows."""
        contacts, rows = estimate("contacts_contact"), estimate(self.table)
        number = max(1, int(size * contacts / rows)) if contacts and rows else size
        end = ask(_END, {"after": after, "more": min(number, size) - 1})
        return None if end is None else int(end)

    def piece(self, reading: Reading, after: int, upto: int) -> Rows:
        return self._rows(reading, self._of("{0} > %(after)s AND {0} <= %(upto)s"), {"after": after, "upto": upto})

    def filled(self, table_id: int) -> None:
        return None

    def steps(self, reading: Reading, since: Position, upto: Position, *, table_id: int) -> Iterator[Step]:
        return follow_contacts(self, reading, since, upto)

    def total(self) -> int:
        counted = ask(f"SELECT count(*) FROM (SELECT FROM {self.table} LIMIT {COUNTED}) t", {})
        return max(estimate(self.table), int(counted))

    def of_contacts(self, reading: Reading, ids: Sequence[int]) -> Rows:
        """All rows of these contacts, as they are now."""
        return self._rows(reading, self._of("{0} = ANY(%(ids)s::bigint[])"), {"ids": list(ids)}, are_few=True)

    def appended_between(self, reading: Reading, after: int, upto: int) -> Rows:
        """Rows that got their number in between, as far as they are there."""
        condition = f"{self.appended} > %(after)s AND {self.appended} <= %(upto)s"
        return self._rows(reading, condition, {"after": after, "upto": upto})

    def _of(self, condition: str) -> str:
        """Said of both sides of the join, so that neither is read whole: the planner does not conclude it."""
        return " AND ".join(condition.format(side) for side in dict.fromkeys((self.owner_sql, "c.id")))

    def _rows(self, reading: Reading, condition: str, params: dict[str, Any], *, are_few: bool = False) -> Rows:
        known = {field.key: field.sql for field in self.fields}
        told = ", ".join(f'{_sql_of(column, known)} AS "{column.name}"' for column in reading.shape.columns)
        alive = ACTIVE if reading.leaves_out_deleted else NOT_ERASED
        query = f"SELECT {told} FROM {self.source} WHERE {alive} AND {self.where} AND {condition}"
        return Rows(query, params, reading.shape, are_few=are_few)


def _sql_of(column: OutColumn, known: dict[str, str]) -> str:
    return sql_of_custom(column) if column.key.startswith(CUSTOM_PREFIX) else known[column.key]


def estimate(table: str) -> int:
    """How many rows, as the statistics have it; 0 where they do not know yet."""
    return int(ask(_ESTIMATE, {"table": table}))


def ask(sql: str, params: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]
