"""What was wrong with rows: kept with the import, and handed out as a file to repair."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from contacts.identity import Outcome, Status
from contacts.imports.columns import Layout
from contacts.models import ImportRow

__all__ = ["errors_path_of", "problem_rows", "write_errors_file"]

BAD: Final = (Status.FAILED, Status.SKIPPED)
WARNING: Final = "warning"
MAX_MESSAGE: Final = 500
MAX_COLUMN: Final = 200
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def problem_rows(import_id: int, outcomes: Iterable[Outcome], layout: Layout) -> Iterator[ImportRow]:
    """A row for every problem, refusal and warning of these outcomes; the others leave none."""
    for outcome in outcomes:
        found: list[tuple[str, Sequence[str]]] = []
        if outcome.status in BAD:
            reasons = outcome.problems or [(outcome.column, outcome.code, outcome.message)]
            found = [(outcome.status.value, reason) for reason in reasons]
        found += [(WARNING, warning) for warning in outcome.warnings]
        for status, (column, code, message) in found:
            yield ImportRow(
                import_run_id=import_id,
                row=outcome.ref,
                contact_id=outcome.contact_id,
                status=status,
                column=layout.header_of(column)[:MAX_COLUMN],
                code=code,
                message=_storable(message),
            )


def errors_path_of(path: str | os.PathLike[str]) -> Path:
    return Path(f"{os.fspath(path)}.errors.csv")


def write_errors_file(import_id: int, path: Path) -> Path | None:
    """Write row, column, code and message of every bad row, in order; without bad rows there is no file, and None."""
    rows = ImportRow.objects.filter(import_run_id=import_id).order_by("row", "pk")
    values = rows.values_list("row", "column", "code", "message").iterator(chunk_size=2_000)
    first = next(values, None)
    if first is None:
        path.unlink(missing_ok=True)  # of an earlier run
        return None
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "column", "code", "message"))
        for row in chain([first], values):
            writer.writerow(_cells(row))
    new.replace(path)
    return path


def _cells(row: tuple[int, str, str, str]) -> tuple[int | str, ...]:
    return tuple(_escaped(cell) if isinstance(cell, str) else cell for cell in row)


def _escaped(cell: str) -> str:
    """No cell of a file that we hand out starts a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _storable(message: str) -> str:
    """PostgreSQL takes no NUL, and nobody reads a message of a megabyte."""
    text = message.replace("\0", "\ufffd")
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
