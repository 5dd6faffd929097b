"""Bytes → rows: encodings, delimiters, quotes, and what is wrong with a file or a row."""

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.imports.errors import (
    FileChanged,
    FileEmpty,
    FileUnreadable,
    LineTooLong,
    WrongEncoding,
)
from contacts.imports.reading import open_rows, read_rows, scan_file
from contacts.records import Problem
from tests.contacts.imports.files import BOHDAN, HEADER, OLENA, write_csv


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_one(tmp_path: Path, end: str) -> None:
    path = write_csv(tmp_path, HEADER, OLENA, BOHDAN, end=end)
    rows = list(open_rows(str(path), ",", scan_file(path).stamp))
    assert rows == [line.split(",") for line in (HEADER, OLENA, BOHDAN)]


def test_a_wrong_byte_is_named_by_position_and_line(tmp_path: Path) -> None:
    path = tmp_path / "ansi.csv"
    good = f"{HEADER}\n{OLENA}\n".encode()
    path.write_bytes(good + "C2,b@example.com,Богдан\n".encode("windows-1251"))
    with pytest.raises(WrongEncoding) as caught:
        scan_file(path)
    assert (caught.value.position, caught.value.line) == (len(good) + len("C2,b@example.com,"), 3)
    assert "byte 0xc1 at position" in caught.value.message
    assert "UTF-8" in caught.value.message


def test_a_wrong_byte_is_found_across_the_chunks_that_a_file_is_read_by(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    good = ("я" * 99 + "\n").encode() * 12_000 + b"x"
    path.write_bytes(good + b"\xd0")
    with pytest.raises(WrongEncoding) as caught:
        scan_file(path)
    assert (caught.value.position, caught.value.line) == (len(good), 12_001)


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_a_file_without_a_character_is_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(content)
    with pytest.raises(FileEmpty):
        scan_file(path)


def test_what_is_no_file_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(FileUnreadable, match="Check its name"):
            scan_file(path)


def test_a_line_without_end_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "blob.csv"
    path.write_bytes(b"external_id\n" + b"x" * (34 * 1024 * 1024))
    with pytest.raises(LineTooLong) as caught:
        scan_file(path)
    assert caught.value.line == 2


def test_a_file_that_grew_since_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, OLENA)
    scan = scan_file(path)
    rows = open_rows(scan.path, ",", scan.stamp)
    next(rows)
    with path.open("a") as file:
        file.write(BOHDAN)
    with pytest.raises(FileChanged):
        list(rows)
    with pytest.raises(FileChanged):
        list(open_rows(scan.path, ",", scan.stamp))


def test_a_cell_may_hold_line_ends_and_quotes() -> None:
    assert list(read_rows(['C1,"two\n', 'lines, ""quoted"""\n', "C2,x\n"], ",")) == [
        ["C1", 'two\nlines, "quoted"'],
        ["C2", "x"],
    ]


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        (['C1,"Олена\n', "C2,Богдан\n"], ["unclosed_quote", "C2"]),
        (['C1,"Оле"на\n', "C2,Богдан\n"], ["bad_quotes", "C2"]),
        (["C1," + "x" * 10_000_000 + "\n", "C2,Богдан\n"], ["cell_too_large", "C2"]),
        (['C1,"\n', *["C2,Богдан\n"] * 20_000], ["unclosed_quote", *["C2"] * 20_000]),
        (['C1,"x\n', 'C2,"x\n', 'C3,"x\n'], ["bad_quotes", "bad_quotes", "unclosed_quote"]),
    ],
)
def test_a_row_that_cannot_be_cut_costs_no_other_row(lines: list[str], codes: list[str]) -> None:
    assert [row.code if isinstance(row, Problem) else row[0] for row in read_rows(lines, ",")] == codes


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4), min_size=1))
def test_what_a_csv_writer_wrote_is_read_as_it_was(table: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["external_id"], *table])
        assert [row for row in open_rows(str(path), ",", scan_file(path).stamp) if row] == [["external_id"], *table]
