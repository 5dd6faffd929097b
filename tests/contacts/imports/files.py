"""CSV files as people send them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.imports.batches import Job
from contacts.imports.columns import lay_out, target_of
from contacts.imports.reading import find_header, scan_file
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
    header = find_header(scan.path, lambda name: target_of(name, columns) is not None)
    layout = lay_out(header.names, columns, key=key)
    return Job(scan.path, scan.stamp, header.delimiter, layout, Schema(columns), "external_id", b"key", skip)


def errors_of(path: Path) -> list[str]:
    """The lines of the errors file without its header and the wording."""
    lines = Path(f"{path}.errors.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "row,column,code,message"
    return [",".join(line.split(",")[:3]) for line in lines[1:]]


def show(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__ if getattr(record, name)}
