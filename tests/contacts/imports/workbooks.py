"""Excel and zip files as people send them, and as they had better not."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

XLSX = "xlsx"
XLS = "xls"
Rows = Iterable[Sequence[Any]]


def xlsx_of(sheets: Mapping[str, Rows], *, hidden: Sequence[str] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def xls_of(sheets: Mapping[str, Rows]) -> bytes:
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write(number, place, cell)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def zip_of(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The same, saying that its files need a password."""
    changed = bytearray(archive)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := changed.find(signature, start + 1)) >= 0:
            changed[start + place] |= 1
    return bytes(changed)


def lying(archive: bytes, size: int) -> bytes:
    """The same, saying that its files unpack to ``size`` bytes."""
    changed = bytearray(archive)
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = -1
        while (start := changed.find(signature, start + 1)) >= 0:
            changed[start + place : start + place + 4] = size.to_bytes(4, "little")
    return bytes(changed)


def with_part(workbook: bytes, name: str, content: bytes) -> bytes:
    """An XLSX with one of its parts replaced, or one more."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    return zip_of({**parts, name: content})


def write_file(folder: Path, content: bytes, name: str = "contacts.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
