"""CSV files as people send them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.imports.batches import Job
from contacts.imports.columns import lay_out
from contacts.imports.reading import scan_file
from contacts.imports.sources import describe
from contacts.normalize import Schema

SIZE = Column("fields.size", "text", "Size")
COLUMNS = (*SYSTEM_COLUMNS, SIZE)
HEADER = "external_id,email,first_name"
OLENA = "C1,olena@example.com,Олена"
BOHDAN = "C2,bohdan@example.com,Богдан"
TARAS = "C3,taras@example.com,Тарас"


def write_csv(folder: Path, *lines: str, name: str = "contacts.csv", end: str = "\n") -> Path:
    path = folder / name
    path.write_text("".join(line + end for line in lines), encoding="utf-8", newline="")
    return path


def job_of(path: Path, *, key: str = "external_id", skip: int = 0, columns: Sequence[Column] = COLUMNS) -> Job:
    scan = scan_file(path)
    source = describe(path, path.name, has_header=True)
    layout = lay_out(source.headers, columns, key=key)
    return Job(scan.path, scan.stamp, source.delimiter, layout, Schema(columns), "external_id", skip)


def errors_of(path: Path) -> list[str]:
    """The lines of the errors file without its header and the wording."""
    lines = Path(f"{path}.errors.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "row,column,code,message"
    return [",".join(line.split(",")[:3]) for line in lines[1:]]


def show(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__ if getattr(record, name)}
