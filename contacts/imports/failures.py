"""What was wrong with rows: kept with the import, and handed out as a file to repair."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from contacts.formulas import quoted
from contacts.identity import Outcome, Status
from contacts.imports.columns import ERROR_HEADERS, Layout
from contacts.imports.reading import Readable, open_rows
from contacts.models import Import, ImportRow, PreviewRow
from contacts.records import Problem

__all__ = ["errors_path_of", "make_row", "problem_rows", "repair_file", "write_errors_file"]

BAD: Final = (Status.FAILED, Status.SKIPPED)
WARNING: Final = "warning"
MAX_MESSAGE: Final = 500
MAX_COLUMN: Final = 200


def problem_rows(import_id: int, outcomes: Iterable[Outcome], layout: Layout) -> Iterator[ImportRow]:
    """A row for every problem, refusal and warning of these outcomes; the others leave none."""
    for outcome in outcomes:
        found: list[tuple[str, Sequence[str]]] = []
        if outcome.status in BAD:
            reasons = outcome.problems or [(outcome.column, outcome.code, outcome.message)]
            found = [(outcome.status.value, reason) for reason in reasons]
        found += [(WARNING, warning) for warning in outcome.warnings]
        for status, (column, code, message) in found:
            yield make_row(import_id, outcome.ref, status, layout.header_of(column), code, message, outcome.contact_id)


def make_row(
    import_id: int, row: int, status: str, header: str, code: str, message: str, contact_id: int | None
) -> ImportRow:
    """One thing to be known of a row."""
    return ImportRow(
        import_run_id=import_id,
        row=row,
        contact_id=contact_id,
        status=status,
        column=header[:MAX_COLUMN],
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


def repair_file(run: Import, job: Readable) -> Iterator[str]:
    """The bad rows of an import as a CSV file to repair and upload again, line by line: the columns of its file as they
    are there, then the row's number and what is wrong with it.

    Bad are rows that failed or were skipped: in the run, else in the preview. Nothing else in a cell is changed but
    that one which starts a formula gets an apostrophe before it, which the reader takes away again.
    """
    headers = run.headers
    yield "\ufeff" + _line([*headers, *ERROR_HEADERS])  # Excel takes it for something else without the mark
    bad = _bad_rows(run)
    wanted, messages = next(bad, (0, []))
    for number, row in enumerate(open_rows(job.path, job.delimiter, job.stamp), 1):
        if number == wanted:
            cells = [""] * len(headers) if isinstance(row, Problem) else row
            fixed = (job.fixes or {}).get(number, {})
            cells = [fixed.get(place, cell) for place, cell in enumerate(cells)]
            width = len(headers)
            cells = cells[:width] + [""] * (width - len(cells))
            yield _line([*cells, str(number), " ".join(messages)])
            wanted, messages = next(bad, (0, []))


def _bad_rows(run: Import) -> Iterator[tuple[int, list[str]]]:
    """Row by row what is wrong with it."""
    for number, found in groupby(_bad_reasons(run), key=itemgetter(0)):
        yield number, [f"{column}: {message}" if column else message for _, column, message in found]


def _bad_reasons(run: Import) -> Iterator[tuple[int, str, str]]:
    if run.rows_done:
        rows = ImportRow.objects.filter(import_run=run, status__in=BAD).order_by("row", "pk")
        yield from rows.values_list("row", "column", "message").iterator(chunk_size=2_000)
        return
    preview = PreviewRow.objects.filter(import_run=run, status__in=BAD).order_by("row")
    for number, problems in preview.values_list("row", "problems").iterator(chunk_size=2_000):
        for problem in problems:
            yield number, problem["column"], problem["message"]


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow([quoted(cell) for cell in cells])
    return target.getvalue()


def _cells(row: tuple[int, str, str, str]) -> tuple[int | str, ...]:
    return tuple(quoted(cell) if isinstance(cell, str) else cell for cell in row)


def _storable(message: str) -> str:
    """PostgreSQL takes no NUL, and nobody reads a message of a megabyte."""
    text = message.replace("\0", "\ufffd")
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
