"""Each format, packed or not: what a program reads out of the file is what the contacts have."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from django.utils import timezone

from contacts.columns import SYSTEM_COLUMNS
from contacts.exports import FORMATS, PACKINGS, write_contacts
from contacts.exports.errors import FormatUnknown, Withdrawn
from contacts.exports.formats import content_type_of, ending_of, open_writer, packed, split_ending
from contacts.exports.workbook import LONGEST_CELL, Workbook, letters_of
from contacts.models import Contact

COLUMNS = [column for column in SYSTEM_COLUMNS if column.key in ("id", "first_name", "town")]
ENDINGS = [ending_of(name, packing) for name in FORMATS for packing in ("", *PACKINGS)]


def some_contacts() -> list[Contact]:
    at = timezone.now()
    names = ("Olena", "=1+1", ' Тарас "T", ')
    return [Contact(pk=pk, first_name=name, created_at=at, updated_at=at) for pk, name in enumerate(names, 1)]


def unpack(content: bytes, packing: str) -> bytes:
    if packing == "gz":
        return gzip.decompress(content)
    if packing == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            (name,) = archive.namelist()
            assert name.startswith("people.")
            return archive.read(name)
    return content


def read(content: bytes, name: str) -> list[list[Any]]:
    if name == "jsonl":
        lines = [json.loads(line) for line in content.splitlines()]
        return [[line["id"], line["first_name"], line.get("town", "")] for line in lines]
    if name == "xlsx":
        return sheets_of(content)[0][1:]
    delimiter = "\t" if name == "tsv" else ","
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    return [[int(pk), *others] for pk, *others in list(rows)[1:]]


def sheets_of(content: bytes) -> list[list[list[Any]]]:
    """As two programs read it, which have to agree."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book]
    assert [len(rows) for rows in found] == [len(rows) for rows in rows_of(content)]
    return [[["" if cell is None else cell for cell in row] for row in rows] for rows in found]


def rows_of(content: bytes) -> list[list[list[Any]]]:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_index(place).to_python() for place in range(len(book.sheet_names))]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_in_every_packing_has_the_contacts(ending: str) -> None:
    name, packing = split_ending(ending)

    file = write_contacts(some_contacts(), COLUMNS, ending=ending, name="people")

    formula = "=1+1" if name == "jsonl" else "'=1+1"
    assert read(unpack(file.content, packing), name) == [[1, "Olena", ""], [2, formula, ""], [3, ' Тарас "T", ', ""]]
    assert file.content_type == content_type_of(ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_nobody_is_whole(ending: str) -> None:
    name, packing = split_ending(ending)

    content = unpack(write_contacts([], COLUMNS, ending=ending, name="people").content, packing)

    assert read(content, name) == []


@pytest.mark.parametrize("ending", ["", "pdf", "csv.rar", "csv.", "csv.gz.gz", ".gz", "CSV", "csv gz", "zip"])
def test_an_ending_that_there_is_not_is_refused(ending: str) -> None:
    with pytest.raises(FormatUnknown):
        split_ending(ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_nobody_wants_any_more_is_let_go_quietly(ending: str) -> None:
    def stop() -> None:
        with io.BytesIO() as file, open_writer(file, ending, COLUMNS, name="people") as writer:
            writer.write(some_contacts())
            raise Withdrawn

    with pytest.raises(Withdrawn):
        stop()
    gc.collect()  # what is still open then would be an error of this test


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_told_whatever_the_format(ending: str) -> None:
    def fill() -> None:
        with (
            Path("/dev/full").open("wb", 0) as full,
            open_writer(full, ending, COLUMNS, name="people") as writer,
        ):
            writer.write(some_contacts() * 10_000)

    with pytest.raises(OSError, match="No space left"):
        fill()
    gc.collect()


# Excel


def book_of(rows: list[list[Any]], **choices: Any) -> bytes:
    file = io.BytesIO()
    book = Workbook(file, ["a", "b"], title="Contacts", **choices)
    book.add(rows)
    book.close()
    return file.getvalue()


STRANGE = {
    "markup": "<b>&amp;</b> ]]>",
    "spaces at both ends": "  two  ",
    "lines": "one\ntwo\tthree",
    "a carriage return": "one\r\ntwo",
    "what Excel takes for a character's number": "_x000D_ and _x0041_",
    "underscores": "a_b_x_",
    "signs beyond the first plane": "😀 Ї",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_a_text_is_what_it_was(text: str) -> None:
    [(_, [found, _empty])] = rows_of(book_of([[text, ""]]))

    assert found == text


def test_what_excel_refuses_is_replaced_and_what_it_cannot_hold_is_cut() -> None:
    content = book_of([["a\x00b\x0bc\ufffe\uffff", "x" * 40_000], ["😀" * 20_000, ""]])

    [[_, [replaced, cut], [pairs, _empty]]] = sheets_of(content)
    assert (replaced, len(cut)) == ("a\ufffdb\ufffdc\ufffd\ufffd", LONGEST_CELL)
    assert pairs == "😀" * (LONGEST_CELL // 2)


def test_a_number_that_excel_would_round_is_text() -> None:
    [[_, *rows]] = sheets_of(book_of([[10**15, -(10**14)], [2.5, 1234567890123456789], [float("inf"), 0]]))

    assert rows == [["1000000000000000", -(10**14)], [2.5, "1234567890123456789"], ["inf", 0]]


def test_a_full_sheet_is_followed_by_another_below_the_same_head() -> None:
    content = book_of([[number, "x"] for number in range(5)], rows_a_sheet=3)

    head = ["a", "b"]
    assert sheets_of(content) == [
        [head, [0, "x"], [1, "x"]],
        [head, [2, "x"], [3, "x"]],
        [head, [4, "x"]],
    ]
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == ["Contacts", "Contacts 2", "Contacts 3"]


def test_a_workbook_of_several_sheets_is_packed_too() -> None:
    file = io.BytesIO()
    with packed(file, "zip", "people.xlsx") as sink:
        book = Workbook(sink, ["a", "b"], title="Contacts", rows_a_sheet=3)
        book.add([[number, "x"] for number in range(5)])
        book.close()

    assert [len(rows) for rows in sheets_of(unpack(file.getvalue(), "zip"))] == [3, 3, 2]


def test_columns_are_lettered_as_excel_does() -> None:
    places = (0, 25, 26, 51, 52, 701, 702, 16_383)

    assert [letters_of(place) for place in places] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]
