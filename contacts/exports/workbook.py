"""XLSX, one row after another in constant memory: text and numbers, nothing else (pure).

A sheet that is full is followed by another one below the same head.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import IO, Any, Final

__all__ = ["Workbook"]

ROWS_A_SHEET: Final = 1_048_576
BYTES_A_SHEET: Final = 1_500_000_000
"""Beyond 2 GB a part of the archive needs ZIP64, which Excel wants to repair."""
LONGEST_CELL: Final = 32_767
"""Units of UTF-16; Excel calls a file with a longer one damaged."""
EXACT_BELOW: Final = 10**15
"""Excel keeps fifteen digits of a number; a longer one is text."""
REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
ESCAPED: Final = re.compile(r"[&<>\r]|_(?=x[0-9A-Fa-f]{4}_)")
ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "_": "_x005F_"}
"""``_x000D_`` is a character's number to Excel; so an underscore before what looks like one is written by its own."""

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Workbook:
    """``title`` names the sheets; the head stands first in each."""

    def __init__(
        self, file: Any, head: Sequence[str], *, title: str, rows_a_sheet: int = ROWS_A_SHEET, level: int = 3
    ) -> None:
        self.archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level)
        self.head, self.title, self.rows_a_sheet = head, title, rows_a_sheet
        self.letters = [letters_of(place) for place in range(len(head))]
        self.sheets = 0
        self.sheet: IO[bytes] = io.BytesIO()  # until the first one is open
        try:
            self.begin_sheet()
        except OSError:
            self.abandon()
            raise

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        lines: list[str] = []
        for row in rows:
            if self.rows == self.rows_a_sheet or self.size > BYTES_A_SHEET:
                self.put(lines)
                lines = []
                self.end_sheet()
                self.begin_sheet()
            lines.append(self.line(row))
        self.put(lines)

    def line(self, row: Sequence[Any]) -> str:
        self.rows += 1
        number = str(self.rows)
        cells = [cell(letter + number, value) for letter, value in zip(self.letters, row, strict=True) if value != ""]
        return f'<row r="{number}">{"".join(cells)}</row>'

    def put(self, lines: Sequence[str]) -> None:
        self.size += self.sheet.write("".join(lines).encode())

    def begin_sheet(self) -> None:
        self.sheets += 1
        self.rows = self.size = 0
        self.sheet = self.archive.open(f"xl/worksheets/sheet{self.sheets}.xml", "w")
        self.put([f'{XML}<worksheet xmlns="{MAIN}"><sheetData>', self.line(self.head)])

    def end_sheet(self) -> None:
        self.put(["</sheetData></worksheet>"])
        self.sheet.close()

    def close(self) -> None:
        """What the parts are called is written last, when it is known how many there are."""
        self.end_sheet()
        for name, text in self.frame().items():
            self.archive.writestr(name, XML + text)
        self.archive.close()

    def abandon(self) -> None:
        """Nobody wants it any more, or the disk is full: it is let go while the file is still open."""
        for part in (self.sheet, self.archive):
            with suppress(OSError, ValueError):
                part.close()

    def frame(self) -> dict[str, str]:
        numbers = range(1, self.sheets + 1)
        titles = [self.title, *(f"{self.title} {number}" for number in numbers[1:])]
        sheets = "".join(
            f'<sheet name="{title}" sheetId="{n}" r:id="rId{n}"/>' for n, title in zip(numbers, titles, strict=True)
        )
        parts = "".join(
            f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        kinds = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{KIND}.worksheet+xml"/>' for n in numbers
        )
        return {
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{parts}</Relationships>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
            f' Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>{kinds}</Types>',
        }


def letters_of(place: int) -> str:
    """``A`` of the first column, ``AA`` of the twenty-seventh."""
    letters = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell(at: str, value: Any) -> str:
    if isinstance(value, int | float) and abs(value) < EXACT_BELOW and math.isfinite(value):
        return f'<c r="{at}"><v>{value!r}</v></c>'
    text = REFUSED.sub("\ufffd", shorten(str(value)))
    kept = ' xml:space="preserve"' if text != text.strip() else ""
    return f'<c r="{at}" t="inlineStr"><is><t{kept}>{ESCAPED.sub(escape, text)}</t></is></c>'


def shorten(text: str) -> str:
    """As much as a cell holds."""
    if len(text) * 2 <= LONGEST_CELL:
        return text
    return text.encode("utf-16-le")[: LONGEST_CELL * 2].decode("utf-16-le", "ignore")


def escape(found: re.Match[str]) -> str:
    return ESCAPES[found[0]]
