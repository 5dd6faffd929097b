"""XLSX and XLS → rows of text, by a process of its own (pure).

A workbook is read into memory whole, and a small file can be made to take any amount of it. So python-calamine runs in
a fresh interpreter with a limit of memory and of processor time: what it cannot hold ends it, and not us.
"""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from contacts.imports import errors
from contacts.imports.errors import (
    FileEmpty,
    ImportRefused,
    UnknownSheet,
    UnpacksTooLarge,
    WorkbookEncrypted,
    WorkbookTooLarge,
    WorkbookUnreadable,
)
from contacts.imports.limits import TEXT_LIMIT, show_size

__all__ = ["Head", "read_head", "text_of", "write_table"]

MEMORY: Final = 2 * 1024**3
"""Bytes of address space: a sheet of a million rows and ten columns takes about half of it."""
SECONDS: Final = 600
HEAD: Final = 50
"""Rows that are looked at before the whole sheet is converted."""
MAX_CELL: Final = 2_000
"""Characters of a cell in the head."""
OUT_OF_MEMORY: Final = 12
TOO_MUCH: Final = (OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGBUS)
"""How the process ends when it gets no more memory: Python says so, what is written in Rust aborts."""
MAX_SHEET_NAME: Final = 200
LATEST: Final = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 (Excel knows no time zones)


class Head(NamedTuple):
    """What is seen before a sheet is chosen: its first rows that are not blank."""

    sheets: tuple[str, ...]
    sheet: str
    rows: list[list[str]]


def read_head(path: Path, *, sheet: str = "", memory: int = MEMORY) -> Head:
    """The first visible sheet that is not empty, if none is named.

    Raises UnknownSheet, FileEmpty, WorkbookUnreadable, WorkbookEncrypted and WorkbookTooLarge.
    """
    found = _ask({"path": str(path), "sheet": sheet, "memory": memory})
    return Head(tuple(found["sheets"]), found["sheet"], found["rows"])


def write_table(path: Path, sheet: str, target: Path, *, memory: int = MEMORY) -> None:
    """The sheet as CSV (UTF-8, commas), a line for every row from row 1 on; a blank row is a blank line."""
    _ask({"path": str(path), "sheet": sheet, "target": str(target), "memory": memory})


def _ask(task: dict[str, Any]) -> dict[str, Any]:
    reader = subprocess.run(
        [sys.executable, "-m", "contacts.imports.excel"],
        cwd=Path(__file__).parents[2],
        input=json.dumps(task).encode(),
        capture_output=True,
        check=False,
    )
    if reader.returncode == 0:
        answer: dict[str, Any] = json.loads(reader.stdout)
        if "error" in answer:
            raise getattr(errors, answer["error"])(answer["message"], **answer["attributes"])
        return answer
    if reader.returncode in TOO_MUCH or b"capacity overflow" in reader.stderr:
        message = f"The Excel sheet takes more than {show_size(task['memory'])} of memory to read."
        raise WorkbookTooLarge(f"{message} Save it as CSV (UTF-8), which may be of any length.")
    if reader.returncode == -signal.SIGXCPU:
        raise WorkbookTooLarge("The Excel sheet takes too long to read. Save it as CSV (UTF-8).")
    raise WorkbookUnreadable


# The process's side


def main() -> None:
    task = json.load(sys.stdin)
    _limit(task["memory"])
    try:
        answer = _answer(task)
    except ImportRefused as error:
        answer = {"error": type(error).__name__, "message": error.message, "attributes": error.attributes}
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    json.dump(answer, sys.stdout)


def _limit(memory: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        with open(task["path"], "rb") as file:  # noqa: PTH123 (calamine would go by the ending of a path)
            workbook = CalamineWorkbook.from_filelike(file)
            if "target" in task:
                _write_rows(workbook.get_sheet_by_name(task["sheet"]), task["target"])
                return {}
            return _head_of(workbook, task["sheet"])
    except PasswordError as error:
        raise WorkbookEncrypted from error
    except CalamineError as error:
        reason = " ".join(str(error).split())[:200]
        message = f"The Excel file cannot be read ({reason}). Open it in Excel and save it again as XLSX, or as CSV."
        raise WorkbookUnreadable(message) from error


def _head_of(workbook: Any, wanted: str) -> dict[str, Any]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables = [each for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet and _may_be(each.name)]
    sheets = [each.name for each in tables]
    if wanted and wanted not in sheets:
        listed = ", ".join(f"“{name}”" for name in sheets[:20])
        raise UnknownSheet(f"The file has no sheet “{wanted[:80]}”. Choose one of: {listed}.", sheets=sheets)
    visible = [each.name for each in tables if each.visible == SheetVisibleEnum.Visible] or sheets
    for name in [wanted] if wanted else visible:
        filled = (row for row in _rows_of(workbook.get_sheet_by_name(name)) if row)
        if rows := [[cell[:MAX_CELL] for cell in row] for row in islice(filled, HEAD)]:
            return {"sheets": sheets, "sheet": name, "rows": rows}
    message = f"The sheet “{wanted}” is empty. Choose another one." if wanted else ""
    raise FileEmpty(message, sheets=sheets)


def _may_be(name: str) -> bool:
    """Excel's own names have at most 31 characters."""
    return 0 < len(name) <= MAX_SHEET_NAME and "\0" not in name


def _write_rows(sheet: Any, target: str) -> None:
    with open(target, "w", encoding="utf-8", newline="", buffering=1024**2) as file:  # noqa: PTH123
        writer = csv.writer(file, lineterminator="\n")
        rows = _rows_of(sheet)
        while some := list(islice(rows, 1_000)):
            writer.writerows(some)
            _check_length(file)


def _check_length(file: IO[str]) -> None:
    if file.buffer.tell() > TEXT_LIMIT:  # type: ignore[attr-defined]
        message = f"As CSV, the sheet is larger than {show_size(TEXT_LIMIT)}. Split it."
        raise UnpacksTooLarge(message, limit=TEXT_LIMIT)


def _rows_of(sheet: Any) -> Iterator[list[str]]:
    """Every row of the sheet from row 1 to the last that is not empty; a blank one has no cells."""
    for row in sheet.iter_rows():
        cells = [cell if cell.__class__ is str else text_of(cell) for cell in row]
        yield cells if any(cells) else []


def text_of(cell: Any) -> str:
    """What a person would type: ISO dates, 1 for 1.0, all digits of a phone number, nothing for a formula's error."""
    if cell.__class__ is float:
        return _number(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return _moment(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return _duration(cell)
    if isinstance(cell, time):
        return _moment(datetime.combine(date(2000, 1, 1), cell)).partition(" ")[2] or "00:00"
    return "" if cell is None else str(cell)


def _number(value: float) -> str:
    """Excel shows 15 digits of a number; whole numbers of 16, which other programs write, are exact too."""
    if value.is_integer():
        return str(int(value)) if abs(value) < 2**53 else format(Decimal(repr(value)), "f").removesuffix(".0")
    return format(Decimal(f"{value:.15g}"), "f")


def _moment(value: datetime) -> str:
    """Rounded to seconds: Excel keeps a time as a fraction of a day."""
    whole = (min(value, LATEST) + timedelta(microseconds=500_000)).replace(microsecond=0)
    if whole.time() == time():
        return whole.date().isoformat()
    return whole.isoformat(sep=" ", timespec="seconds").removesuffix(":00")


def _duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' * (seconds < 0)}{hours}:{rest // 60:02}:{rest % 60:02}"


if __name__ == "__main__":
    main()
