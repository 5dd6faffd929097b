"""Rows of a file → orders, with what is wrong with each row (pure).

Where a line is one item, the lines of one number that follow each other are one order: what they say of the order as a
whole they say once, or the same each time. Where one of them is wrong, none of the order is taken: half an order would
be another order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from contacts.activity.types import NewOrder
from contacts.formulas import unquoted
from contacts.imports.batches import ragged
from contacts.imports.columns import SKIP
from contacts.imports.orders.columns import DETAILS, ITEM, ITEM_DETAILS, ITEM_NUMBERS, ITEMS, WHO, OrderLayout
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.orders.values import (
    read_currency,
    read_date,
    read_items,
    read_money,
    read_number,
    read_status,
)
from contacts.imports.reading import Row, Stamp, open_rows
from contacts.normalize import InvalidValue
from contacts.records import Problem

__all__ = ["BATCH", "OrderJob", "ReadOrder", "read_order_batches"]

BATCH: Final = 500
"""Orders a transaction."""
LINES: Final = 5_000
"""Lines a transaction, but that an order is never cut."""
MOST_LINES: Final = 1_000
"""Lines of one order."""
REQUIRED: Final = ("number", "total_cost", "ordered_at")


class OrderJob(NamedTuple):
    """What is to be read, and how. ``skip`` rows are done already; see ``contacts.imports.batches.Job``."""

    path: str
    stamp: Stamp
    delimiter: str
    layout: OrderLayout
    options: OrderOptions
    skip: int = 0
    has_header: bool = True
    fixes: Mapping[int, Mapping[int, str]] | None = None


@dataclass(slots=True)
class ReadOrder:
    """One order of the file: its rows, and what is wrong with them; then there is no ``order``.

    ``lines`` counts the rows, of which ``rows`` keeps no more than an order may have.
    """

    number: str
    rows: list[int] = field(default_factory=list)
    lines: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    order: NewOrder | None = None

    @property
    def row(self) -> int:
        """Its first."""
        return self.rows[0]


class Line(NamedTuple):
    """One row: its cells by what they say, or what is wrong with it."""

    row: int
    cells: Mapping[str, str]
    details: Mapping[str, str]
    item: Mapping[str, str]
    problem: Problem | None = None

    @property
    def number(self) -> str:
        return self.cells.get("number", "")


def read_order_batches(job: OrderJob) -> Generator[list[ReadOrder]]:
    """The orders from ``job.skip`` on, by batches that never cut one."""
    batch: list[ReadOrder] = []
    lines = 0
    for order in read_orders(job):
        batch.append(order)
        lines += order.lines
        if len(batch) >= BATCH or lines >= LINES:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch


def read_orders(job: OrderJob) -> Iterator[ReadOrder]:
    reader = _Reader(job)
    group: list[Line] = []
    more = 0
    for line in read_lines(job):
        if group and not (job.layout.ties_lines and _goes_on(line, group[0])):
            yield reader.read(group, more)
            group, more = [], 0
        if len(group) < MOST_LINES:
            group.append(line)
        else:
            more += 1
    if group:
        yield reader.read(group, more)


def _goes_on(line: Line, first: Line) -> bool:
    """Whether it is of the same order; a row that cannot be read at all may be, and half an order is none."""
    return bool(first.number) and (line.number == first.number or (line.problem is not None and not line.number))


def read_lines(job: OrderJob) -> Iterator[Line]:
    """Blank rows are none; each cell is trimmed, and quotes that keep spreadsheets from computing are gone."""
    rows = enumerate(open_rows(job.path, job.delimiter, job.stamp), 1)
    filled = ((number, row) for number, row in rows if row)
    if job.has_header:
        next(filled, None)
    split = _splitter(job.layout)
    for number, row in islice(filled, job.skip, None):
        yield _read_line(number, row, job, split)


def _read_line(number: int, row: Row, job: OrderJob, split: Any) -> Line:
    if isinstance(row, Problem):
        return Line(number, {}, {}, {}, row)
    width = len(job.layout.headers)
    if len(row) != width:
        place = job.layout.targets.index("number")
        known = {"number": row[place].strip()} if place < len(row) else {}
        return Line(number, known, {}, {}, ragged(len(row), width))
    fixes = (job.fixes or {}).get(number)
    if fixes:
        row = [fixes.get(place, cell) for place, cell in enumerate(row)]
    return Line(number, *split([unquoted(cell).strip() for cell in row]))


def _splitter(layout: OrderLayout) -> Any:
    """Cells → what they say of the order, its details, its item; empty ones say nothing."""
    targets, headers = layout.targets, [header.strip() for header in layout.headers]
    whole = [(place, target) for place, target in enumerate(targets) if target not in (SKIP, DETAILS, ITEM_DETAILS)]
    cells_of = [(place, target) for place, target in whole if not target.startswith(ITEM)]
    details_of = [(place, headers[place]) for place, target in enumerate(targets) if target == DETAILS]
    item_of = [(place, target) for place, target in whole if target.startswith(ITEM)]
    item_of += [(place, headers[place]) for place, target in enumerate(targets) if target == ITEM_DETAILS]

    def split(cells: Sequence[str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        said, details, item = (
            {name: cells[place] for place, name in places if cells[place]} for places in (cells_of, details_of, item_of)
        )
        return said, details, item

    return split


class _Reader:
    """Lines of one order → the order."""

    def __init__(self, job: OrderJob) -> None:
        self.options = job.options
        self.layout = job.layout

    def read(self, lines: Sequence[Line], more: int) -> ReadOrder:
        first = lines[0]
        read = ReadOrder(first.number, [line.row for line in lines], len(lines) + more)
        read.problems += [(line.row, line.problem) for line in lines if line.problem is not None]
        if read.problems:
            return read
        if more:
            message = f"An order has at most {MOST_LINES:,} lines. Send the items of this one as JSON."
            read.problems.append((first.row, Problem("number", "too_many_lines", message)))
            return read
        for line in lines[1:]:
            read.problems += [(line.row, problem) for problem in self.compare(first, line)]
        said = self.read_cells(first, read)
        items = [item for line in lines if (item := self.read_item(line, read))]
        if not read.problems:
            read.order = self.make(first, said, items)
        return read

    def compare(self, first: Line, line: Line) -> Iterator[Problem]:
        """What the line says of the order as a whole is what the first line says, or nothing."""
        for told, known in ((line.cells, first.cells), (line.details, first.details)):
            for column, text in told.items():
                if known.get(column, "") != text:
                    message = (
                        f"Row {first.row} of the same order says something else here. Make both the same, or map the"
                        " column to a detail of the item."
                    )
                    yield Problem(column, "lines_differ", message)

    def read_cells(self, line: Line, read: ReadOrder) -> dict[str, Any]:
        said: dict[str, Any] = {"status": self.options.status, "currency": self.options.currency.upper()}
        for column in REQUIRED:
            if column not in line.cells:
                message = "This value is missing. Fill it in."
                read.problems.append((line.row, Problem(column, "required", message)))
        for column, text in line.cells.items():
            reader = READERS.get(column)
            try:
                said[column] = text if reader is None else reader(text)
            except InvalidValue as error:
                read.problems.append((line.row, Problem(column, error.code, error.message)))
        for column in ("status", "currency"):
            if not said[column] and column not in line.cells:
                message = "This value is missing. Fill it in, or choose one for all orders that have none."
                read.problems.append((line.row, Problem(column, "required", message)))
        return said

    def read_item(self, line: Line, read: ReadOrder) -> dict[str, Any]:
        item: dict[str, Any] = {}
        for column, text in line.item.items():
            name = column.removeprefix(ITEM)
            if column in NUMBERS:
                try:
                    item[name] = read_number(text)
                except InvalidValue as error:
                    message = "Write a number, such as 2 or 199.90."
                    read.problems.append((line.row, Problem(column, error.code, message)))
            else:
                item[name] = text
        return item

    def make(self, line: Line, said: Mapping[str, Any], items: list[dict[str, Any]]) -> NewOrder:
        """Without columns of items nothing is said of them; with one, an empty cell says nothing either."""
        return NewOrder(
            number=said["number"],
            contact={column: said[column] for column in WHO if column in said},
            status=said["status"],
            total_cost=said["total_cost"],
            currency=said["currency"],
            ordered_at=said["ordered_at"],
            items=items or said.get(ITEMS),
            details=line.details or None,
        )


NUMBERS: Final = frozenset(ITEM + name for name in ITEM_NUMBERS)
READERS: Final[Mapping[str, Any]] = {
    "status": read_status,
    "total_cost": read_money,
    "currency": read_currency,
    "ordered_at": read_date,
    ITEMS: read_items,
}
