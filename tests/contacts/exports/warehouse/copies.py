"""A copy of what a warehouse would have: the rows of every data set by their key, kept up to date step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from contacts.exports.warehouse.changes import take_position
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Position, Reading, Step, TableShape
from contacts.models import CustomField, ExportTable, ExportTarget

Row = dict[str, Any]


@dataclass
class Copy:
    """One table at a target."""

    table: ExportTable
    leaves_out_deleted: bool = False
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @property
    def data_set(self) -> Any:
        return DATA_SETS[self.table.data_set]

    @property
    def reading(self) -> Reading:
        columns = self.data_set.columns(CustomField.objects.order_by("pk"))
        name_of = {column.key: column.name for column in columns}
        key = tuple(name_of[name] for name in self.data_set.key)
        owner = name_of.get(self.data_set.owner, "")
        return Reading(TableShape(self.table.table_name, columns, key, owner), self.leaves_out_deleted)

    def fill(self, position: Position, *, size: int = 2) -> None:
        self.rows = self.read_all(size)
        self.keep(self.data_set.start_position(position))

    def read_all(self, size: int = 2) -> dict[tuple[Any, ...], Row]:
        found: dict[tuple[Any, ...], Row] = {}
        after = 0
        while (end := self.data_set.next_end(after, size)) is not None:
            found.update(self.read(self.data_set.piece(self.reading, after, end)))
            after = end
        return found

    def read(self, rows: Rows) -> dict[tuple[Any, ...], Row]:
        lines = b"".join(rows.json_lines()).splitlines()
        found = [orjson.loads(line) for line in lines]
        keyed = {tuple(row[name] for name in self.reading.shape.key): row for row in found}
        assert len(keyed) == len(found), "a key stands for one row"
        return keyed

    def catch_up(self, upto: Position) -> None:
        self.steps = list(self.data_set.steps(self.reading, self.table.position, upto, table_id=self.table.pk))
        for step in self.steps:
            self.apply(step)
            self.keep(step.position)
        self.keep(self.data_set.start_position(upto))

    def apply(self, step: Step) -> None:
        gone, owner = set(step.change.gone_contact_ids), self.reading.shape.owner
        keys = set(step.change.gone_keys)
        kept = {key: row for key, row in self.rows.items() if key not in keys and not (owner and row[owner] in gone)}
        self.rows = {**kept, **(self.read(step.change.rows) if step.change.rows else {})}

    def keep(self, position: Position) -> None:
        self.table.position = position
        self.table.save(update_fields=["position"])


@dataclass
class Copies:
    """All tables of a target."""

    by_slug: dict[str, Copy]

    def __getitem__(self, slug: str) -> list[Row]:
        return list(self.by_slug[slug].rows.values())

    def steps(self, slug: str) -> list[Step]:
        return self.by_slug[slug].steps

    def fill(self) -> None:
        self._each(lambda copy, position: copy.fill(position))

    def catch_up(self) -> None:
        self._each(lambda copy, position: copy.catch_up(position))

    def _each(self, do: Callable[[Copy, Position], None]) -> None:
        position = take_position()
        assert position is not None
        for copy in self.by_slug.values():
            do(copy, position)

    def check(self) -> None:
        """They are what a full run would make of them now."""
        for slug, copy in self.by_slug.items():
            assert copy.rows == copy.read_all(), slug


def make_copies(*, leaves_out_deleted: bool = False, name: str = "Analysts") -> Copies:
    """Of every data set, filled with what is here now."""
    target = ExportTarget.objects.create(name=name, kind="postgresql")
    tables = {slug: ExportTable.objects.create(target=target, data_set=slug, table_name=slug) for slug in DATA_SETS}
    copies = Copies({slug: Copy(table, leaves_out_deleted) for slug, table in tables.items()})
    copies.fill()
    return copies
