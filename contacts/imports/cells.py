"""Single rows of a file as they stand in it, for people who correct a cell."""

from __future__ import annotations

from collections.abc import Collection

from contacts.imports.files import stored_path
from contacts.imports.reading import read_rows
from contacts.imports.sources import Source, open_table
from contacts.models import Import
from contacts.records import Problem

__all__ = ["read_cells"]


def read_cells(run: Import, rows: Collection[int]) -> dict[int, list[str]]:
    """The cells of these rows, the first line of the file being row 1; rows that cannot be cut are not there.

    Reads the file as far as the last of them. Raises ImportRefused.
    """
    if not rows:
        return {}
    source = Source(run.kind, run.encoding, run.delimiter, run.has_header, run.sheet)
    table = open_table(stored_path(run.stored_name), source)
    wanted, last = frozenset(rows), max(rows)
    found: dict[int, list[str]] = {}
    with table.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(read_rows(lines, run.delimiter), 1):
            if number in wanted and not isinstance(row, Problem):
                found[number] = row
            if number >= last:
                break
    return found
