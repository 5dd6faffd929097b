"""Whatever a file is: what `describe` says of it, and the table that `open_table` makes of it."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from contacts.imports import excel
from contacts.imports.encodings import ENCODINGS, guess_encoding
from contacts.imports.errors import FileEmpty, ImportRefused, UnknownChoice, UnknownSheet, WrongEncoding
from contacts.imports.excel import text_of
from contacts.imports.sources import Source, as_table, describe, open_table
from tests.contacts.imports.workbooks import (
    encrypted,
    lying,
    with_part,
    write_file,
    xls_of,
    xlsx_of,
    zip_of,
)

TEXT = "Email;Ім'я;Місто\nolena@example.com;Олена;Київ\n\nbohdan@example.com;Богдан;Львів\n"
ROWS = [
    ["Email", "Ім'я", "Місто"],
    ["olena@example.com", "Олена", "Київ"],
    [],
    ["bohdan@example.com", "Богдан", "Львів"],
]
WORKBOOK = xlsx_of({"Клієнти": ROWS})


def table_of(path: Path, source: Source | None = None) -> list[list[str]]:
    source = source or describe(path, path.name)
    with open_table(path, source).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=source.delimiter, strict=True))


def refusal_of(path: Path, **choices: Any) -> ImportRefused:
    with pytest.raises(ImportRefused) as caught:
        open_table(path, describe(path, path.name, **choices))
    assert caught.value.message.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("name", "content", "kind", "encoding"),
    [
        ("contacts.csv", TEXT.encode(), "csv", "utf-8"),
        ("contacts.TXT", TEXT.encode("utf-8-sig"), "txt", "utf-8"),
        ("contacts.tsv", TEXT.replace(";", "\t").encode(), "tsv", "utf-8"),
        ("contacts.csv", TEXT.replace(";", "|").encode(), "csv", "utf-8"),
        ("contacts.csv", TEXT.replace(";", ",").encode("utf-16"), "csv", "utf-16-le"),
        ("contacts.csv", b"\xfe\xff" + TEXT.encode("utf-16-be"), "csv", "utf-16-be"),
        ("contacts.csv", TEXT.encode("utf-16-le"), "csv", "utf-16-le"),
        ("contacts.csv", TEXT.encode("utf-16-be"), "csv", "utf-16-be"),
        ("contacts.csv", TEXT.encode("windows-1251"), "csv", "windows-1251"),
        ("contacts.csv", TEXT.encode("iso-8859-5"), "csv", "iso-8859-5"),
        ("contacts.csv", TEXT.encode("koi8-u"), "csv", "koi8-u"),
        ("contacts.csv", TEXT.replace("\n", "\r\n").encode("windows-1251"), "csv", "windows-1251"),
        ("contacts.csv", TEXT.replace("\n", "\r").encode("utf-16"), "csv", "utf-16-le"),
        ("contacts.xlsx", WORKBOOK, "xlsx", ""),
        ("contacts.xls", xls_of({"Клієнти": ROWS}), "xls", ""),
        ("contacts.csv", WORKBOOK, "xlsx", ""),
        ("contacts.xls", TEXT.encode(), "csv", "utf-8"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zipped"])
def test_any_file_becomes_a_table_of_the_same_rows(
    tmp_path: Path, name: str, content: bytes, kind: str, encoding: str, zipped: bool
) -> None:
    path = write_file(
        tmp_path, zip_of({f"Клієнти/{name}": content}) if zipped else content, "x.zip" if zipped else name
    )
    source = describe(path, path.name)
    assert (source.kind, source.encoding, source.has_header) == (kind, encoding, True)
    assert source.headers == tuple(ROWS[0])
    assert source.samples == (tuple(ROWS[1]), tuple(ROWS[3]))
    assert source.sheets == (("Клієнти",) if kind.startswith("xls") else ())
    assert source.inner_name == (f"Клієнти/{name}" if zipped else "")
    assert table_of(path, source) == ROWS


def test_a_utf_8_file_is_its_own_table_whatever_its_delimiter(tmp_path: Path) -> None:
    path = write_file(tmp_path, TEXT.encode())
    assert open_table(path, describe(path, path.name)) == path
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_is_made_once_and_not_for_another_file_or_choice(tmp_path: Path) -> None:
    path = write_file(tmp_path, TEXT.encode("windows-1251"))
    source = describe(path, path.name)
    table = open_table(path, source)
    made = table.stat()
    assert open_table(path, Source("csv", "windows-1251", ";")) == table
    assert table.stat().st_ino == made.st_ino
    assert open_table(path, Source("csv", "koi8-u", ";")) != table
    write_file(tmp_path, (TEXT * 2).encode("windows-1251"))
    assert open_table(path, source) != table
    assert all(file.name.startswith("contacts.csv") for file in tmp_path.iterdir())


def test_a_file_of_somebodys_own_gets_no_neighbours(tmp_path: Path) -> None:
    path = write_file(tmp_path, zip_of({"a.xlsx": WORKBOOK}), "a.zip")
    with as_table(path) as (table, source):
        assert table.read_text().splitlines()[1] == "olena@example.com,Олена,Київ"
        assert source.headers == tuple(ROWS[0])
    assert not table.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("lines", "delimiter", "headers"),
    [
        (["email", "a@example.com"], ",", ("email",)),
        (["email,name", "a@example.com,Olena"], ",", ("email", "name")),
        (["name;address", "Olena;Kyiv, Lisova 1, 5", "Taras;Lviv, Rynok 2, 4"], ";", ("name", "address")),
        (["name|address;city", "Olena|x;y", "Taras|z"], "|", ("name", "address;city")),
        (['"email; or, what we had";name;id'], ";", ("email; or, what we had", "name", "id")),
        (["a,b;c,d", "1,2;3,4", "5,6;7,8"], ",", ("a", "b;c", "d")),
        (["name,email,", "Olena,a@example.com,"], ",", ("name", "email", "")),
        ([" name , email ", "x,y"], ",", ("name", "email")),
        (["", "", "name;email", "x;y"], ";", ("name", "email")),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_rows_evenly(
    tmp_path: Path, lines: list[str], delimiter: str, headers: tuple[str, ...]
) -> None:
    path = write_file(tmp_path, "\n".join(lines).encode())
    source = describe(path, path.name, has_header=True)
    assert (source.delimiter, source.headers) == (delimiter, headers)


@pytest.mark.parametrize(
    ("first", "has_header"),
    [
        ("email,name", True),
        ("E-Mail-Adresse,2. Vorname,n°", True),
        ("olena@example.com,Олена", False),
        ("C1,Олена,+380 50 111-22-33", False),
        ("1,Олена,Київ", False),
        ("Олена,2024-05-06,x", False),
    ],
)
def test_a_first_row_with_an_address_or_number_is_no_header(tmp_path: Path, first: str, has_header: bool) -> None:
    path = write_file(tmp_path, f"{first}\nx,y\n".encode())
    source = describe(path, path.name)
    assert source.has_header is has_header
    if not has_header:
        assert source.headers[:2] == ("Column 1", "Column 2")
        assert source.samples[0] == tuple(first.split(","))


def test_everything_that_is_guessed_can_be_said_instead(tmp_path: Path) -> None:
    path = write_file(tmp_path, "Олена;Київ,1\nТарас;Львів,2\n".encode("windows-1251"))
    said = describe(path, path.name, encoding="koi8-u", delimiter=",", has_header=False)
    assert (said.encoding, said.delimiter, said.has_header) == ("koi8-u", ",", False)
    assert said.headers == ("Column 1", "Column 2")
    assert table_of(path, said)[0][1] == "1"
    for choice in ({"encoding": "rot13"}, {"delimiter": "::"}):
        with pytest.raises(UnknownChoice):
            describe(path, path.name, **choice)  # type: ignore[arg-type]


def test_a_nul_does_not_get_where_the_database_would_refuse_it(tmp_path: Path) -> None:
    path = write_file(tmp_path, b"na\0me,email\nOle\0na,a@example.com\n" + b"Taras,b@example.com\n" * 9)
    source = describe(path, path.name)
    assert source.headers[0] == "na\ufffdme"
    assert source.samples[0][0] == "Ole\ufffdna"
    assert len(source.samples) == 5


# Encodings

NAMES = {
    "windows-1251": "Олена Богдан Тарас Марія Ірина Андрій Юлія Їжакевич Ґжицький Євген Київ Львів Одеса",
    "koi8-u": "Олена Богдан Тарас Марія Ірина Андрій Юлія Їжакевич Євген Київ Львів Одеса",
    "iso-8859-5": "Елена Иванова Пётр Сергей Щербаков Татьяна Ольга Москва Юрьев Фёдоров",
    "cp866": "Елена Иванова Пётр Сергей Щербаков Татьяна Ольга Москва Юрьев Фёдоров",
    "windows-1252": "José María Peña Muñoz Íñigo Ángel Sánchez François Hélène Müller Jörg Weiß Søren João",
    "windows-1250": "Łukasz Małgorzata Wójcik Świętosława Grażyna Jędrzej Poznań Łódź Żaneta Wiśniewska",
    "iso-8859-2": "Jiří Novák Dvořák Černý Žižka Štěpán Růžena Plzeň Brno Tomáš Kateřina",
    "windows-1254": "Ayşe Gülşen Işık Yılmaz Çağlar İstanbul Şahin Özgür Mehmet Doğan",
    "windows-1253": "Γιώργος Παπαδόπουλος Μαρία Αθήνα Νίκος Θεσσαλονίκη Ελένη",
    "windows-1257": "Žemaitė Jonas Kęstutis Šarūnas Vilnius Algirdas Ąžuolas",
}


@pytest.mark.parametrize(("encoding", "names"), NAMES.items())
@pytest.mark.parametrize("rows", [20, 200])
@pytest.mark.parametrize("capitals", [False, True], ids=["ordinary", "capitals"])
def test_names_give_their_encoding_away(encoding: str, names: str, rows: int, capitals: bool) -> None:
    rnd = random.Random(f"{encoding}{rows}")
    names = names.upper() if capitals and encoding.startswith(("windows-125", "koi8")) else names
    text = "".join(
        f"C{n},p{n}@example.com,{rnd.choice(names.split())},{rnd.choice(names.split())}\n" for n in range(rows)
    )
    assert text.encode(encoding).decode(guess_encoding(text.encode(encoding))) == text


def test_every_encoding_that_is_offered_can_be_chosen(tmp_path: Path) -> None:
    for encoding in ENCODINGS:
        path = write_file(tmp_path, "name,email\nOlena,olena@example.com\n".encode(encoding))
        assert describe(path, path.name, encoding=encoding).headers == ("name", "email")


def test_letters_far_down_in_the_file_count(tmp_path: Path) -> None:
    path = write_file(
        tmp_path, b"name,email\n" + b"x,y@example.com\n" * 20_000 + "Олена Шевченко,x\n".encode("windows-1251")
    )
    assert describe(path, path.name).encoding == "windows-1251"


@pytest.mark.parametrize(
    ("good", "bad", "choice"),
    [
        (TEXT.encode() * 500, b"\xd0;x;y\n", None),
        (TEXT.encode() * 500, "Олена;x;y\n".encode("windows-1251"), None),
        (b"a;b\n" * 1500, b"\xff;x\n", "utf-8"),
        (TEXT.encode("windows-1251") * 500, b"\x98;x;y\n", "windows-1251"),
        (TEXT.encode("utf-16-le") * 500, b"\x00\xd8;\x00x\x00\n\x00", "utf-16-le"),
    ],
)
def test_where_the_text_is_none_is_said_by_line(tmp_path: Path, good: bytes, bad: bytes, choice: str | None) -> None:
    path = write_file(tmp_path, good + bad)
    error = refusal_of(path, **({"encoding": choice} if choice else {}))
    assert isinstance(error, WrongEncoding)
    assert error.position == len(good)
    assert error.line == (1501 if len(good) < 10_000 else 2001)
    assert f"in line {error.line}" in error.message


# Excel


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Олена", "Олена"),
        (1.0, "1"),
        (-3.0, "-3"),
        (0.1 + 0.2, "0.3"),
        (1234.5, "1234.5"),
        (1e-7, "0.0000001"),
        (380501112233.0, "380501112233"),
        (4111111111111111.0, "4111111111111111"),
        (1.5e20, "150000000000000000000"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (date(2024, 5, 6), "2024-05-06"),
        (datetime.fromisoformat("2024-05-06"), "2024-05-06"),
        (datetime.fromisoformat("2024-05-06T07:08"), "2024-05-06 07:08"),
        (datetime.fromisoformat("2024-05-06T07:08:09.999999"), "2024-05-06 07:08:10"),
        (datetime.fromisoformat("9999-12-31T23:59:59.999999"), "9999-12-31 23:59:59"),
        (time(7, 8), "07:08"),
        (time(0, 0), "00:00"),
        (timedelta(hours=30, minutes=5), "30:05:00"),
    ],
)
def test_a_cell_becomes_what_a_person_would_type(cell: Any, text: str) -> None:
    assert text_of(cell) == text


def test_rows_of_a_sheet_keep_their_numbers(tmp_path: Path) -> None:
    path = write_file(tmp_path, xlsx_of({"A": [[], [], ["email", "n"], [], ["a@example.com", 7]]}), "a.xlsx")
    assert table_of(path) == [[], [], ["email", "n"], [], ["a@example.com", "7"]]


def test_cells_with_line_ends_commas_and_quotes_stay_one_cell(tmp_path: Path) -> None:
    rows = [["name", "note"], ["Олена", 'one, "two"\nthree']]
    assert table_of(write_file(tmp_path, xlsx_of({"A": rows}), "a.xlsx")) == rows


def test_a_sheet_is_chosen_or_it_is_the_first_that_shows_something(tmp_path: Path) -> None:
    sheets = {"Hidden": [["secret"]], "Empty": [], "People": [["email"], ["x"]], "More": [["phone"], ["y"]]}
    path = write_file(tmp_path, xlsx_of(sheets, hidden=["Hidden"]), "a.xlsx")
    source = describe(path, path.name)
    assert (source.sheet, source.sheets, source.headers) == (
        "People",
        ("Hidden", "Empty", "People", "More"),
        ("email",),
    )
    more = describe(path, path.name, sheet="More")
    assert table_of(path, more) == [["phone"], ["y"]]
    with pytest.raises(FileEmpty, match="Empty"):
        describe(path, path.name, sheet="Empty")
    with pytest.raises(UnknownSheet, match="“Empty”, “People”"):
        describe(path, path.name, sheet="Gone")


def test_a_sheet_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "here", "there"
    book.save(tmp_path / "wide.xlsx")
    error = refusal_of(tmp_path / "wide.xlsx")
    assert error.code == "workbook_too_large"
    assert "CSV" in error.message


def test_the_limit_of_memory_is_kept(tmp_path: Path) -> None:
    row = b'<row><c t="inlineStr"><is><t>%b</t></is></c></row>' % (b"x" * 1_000)
    sheet = b"<worksheet><sheetData>" + row * 100_000 + b"</sheetData></worksheet>"
    path = write_file(tmp_path, with_part(WORKBOOK, "xl/worksheets/sheet1.xml", sheet), "a.xlsx")
    assert len(excel.read_head(path).rows) == 50
    with pytest.raises(ImportRefused, match="more than 100 MB"):
        excel.read_head(path, memory=100 * 1024**2)


# What is refused


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "file_empty"),
        ("a.csv", b"\n\r\n  \n", "file_empty"),
        ("a.csv", "\n".encode("utf-16"), "file_empty"),
        ("a.csv", b'"a,b\nc,d', "header_unreadable"),
        ("a.csv", b",".join([b"x"] * 1001), "header_unreadable"),
        ("a.csv", b"%PDF-1.7 x", "not_a_table"),
        ("a.xls", b"\n<html><table><tr><td>x</td></tr></table></html>", "not_a_table"),
        ("a.xls", b"<?xml version='1.0'?><Workbook/>", "not_a_table"),
        ("a.csv", b"\x1f\x8b" + bytes(30), "not_a_table"),
        ("a.csv", bytes(range(256)) * 10, "not_a_table"),
        ("a.csv", bytes(500), "not_a_table"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "workbook_unreadable"),
        (
            "a.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(900),
            "workbook_encrypted",
        ),
        ("a.xlsx", zip_of({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<workbook"}), "workbook_unreadable"),
        ("a.docx", zip_of({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "not_a_table"),
        ("a.ods", zip_of({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "not_a_table"),
        (
            "a.xlsx",
            with_part(WORKBOOK, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r="),
            "workbook_unreadable",
        ),
        ("a.xlsx", with_part(WORKBOOK, "xl/media/x.bin", bytes(9_000_000)), "unpacks_too_large"),
        ("a.xlsx", WORKBOOK[:-200], "archive_unreadable"),
        ("a.xlsx", xlsx_of({"A": []}), "file_empty"),
        ("a.zip", zip_of({}), "archive_empty"),
        ("a.zip", zip_of({"folder/": b"", "__MACOSX/._a.csv": b"x", ".DS_Store": b"x"}), "archive_empty"),
        ("a.zip", zip_of({"a.csv": TEXT.encode(), "b.csv": TEXT.encode()}), "archive_ambiguous"),
        ("a.zip", encrypted(zip_of({"a.csv": TEXT.encode()})), "archive_encrypted"),
        ("a.xlsx", encrypted(WORKBOOK), "archive_encrypted"),
        ("a.zip", zip_of({"b.zip": zip_of({"a.csv": TEXT.encode()})}), "archive_nested"),
        ("a.zip", zip_of({"a.csv": b"email,name\n" * 900_000}), "unpacks_too_large"),
        ("a.zip", lying(zip_of({"a.csv": b"email,name\n" * 900_000}), 900), "archive_unreadable"),
        ("a.zip", zip_of({"a.csv": TEXT.encode()})[:-10], "archive_unreadable"),
        (
            "a.zip",
            zip_of({"a.csv": TEXT.encode()}, method=zipfile.ZIP_STORED).replace(b"example", b"exampel"),
            "archive_unreadable",
        ),
        ("a.zip", b"PK\x03\x04" + bytes(range(256)) * 3, "archive_unreadable"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "archive_empty"),
        ("a.zip", b"PK\x05\x06" + bytes(8) + b"\xff\xff\xff\x7f" + bytes(6), "archive_unreadable"),
        (
            "a.zip",
            zip_of({"a.csv": TEXT.encode()}, method=zipfile.ZIP_BZIP2).replace(b"1AY", b"1AZ"),
            "archive_unreadable",
        ),
        (
            "a.zip",
            zip_of({"b.csv": TEXT.encode(), "a.csv": TEXT.encode()}).replace(b"b.csv", b"\0.csv"),
            "archive_ambiguous",
        ),
        ("a.zip", zip_of({f"{number:0100}": b"" for number in range(30_000)}), "archive_ambiguous"),
        ("a.zip", zip_of({"a.pdf": b"%PDF-1.7"}), "not_a_table"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = write_file(tmp_path, content, name)
    assert refusal_of(path).code == code
    assert not [file for file in tmp_path.iterdir() if file.name.endswith((".part", ".table.csv"))]


def test_what_is_in_a_zip_file_too_much_is_named(tmp_path: Path) -> None:
    path = write_file(tmp_path, zip_of({"Клієнти.csv": b"x", "старі.csv": b"y"}), "a.zip")
    error = refusal_of(path)
    assert error.names == ["Клієнти.csv", "старі.csv"]
    assert "“Клієнти.csv”, “старі.csv”" in error.message


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_way_of_packing_is_unpacked(tmp_path: Path, method: int) -> None:
    path = write_file(tmp_path, zip_of({"a.csv": TEXT.encode()}, method=method), "a.zip")
    assert table_of(path) == ROWS


def test_a_workbook_that_hides_its_size_meets_the_limit_of_memory(tmp_path: Path) -> None:
    """Three hundred megabytes of one cell, which say that they are nine hundred bytes."""
    sheet = (
        b'<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>%b</t></is></c></row></sheetData></worksheet>'
    )
    bomb = with_part(WORKBOOK, "xl/worksheets/sheet1.xml", sheet % (b"x" * 300_000_000))
    path = write_file(tmp_path, lying(bomb, 900), "bomb.xlsx")
    assert refusal_of(path).code in ("workbook_too_large", "workbook_unreadable")


def test_what_is_no_file_or_may_not_be_read_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        assert refusal_of(path).code == "file_unreadable"


def test_a_large_file_is_described_and_converted_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write("email;Ім'я\n".encode("windows-1251"))
        for _ in range(60):
            file.write(("olena@example.com;" + "Олена" * 200 + "\n").encode("windows-1251") * 1_000)
    program = (
        "import sys; from pathlib import Path; from contacts.imports.sources import *; "
        "open_table(sys.argv[1], describe(sys.argv[1], 'large.csv')); "
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]; "
        "print(int(peak) // 1024, 'django' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program, os.fspath(path)], capture_output=True, text=True, check=True)
    peak, has_django = ran.stdout.split()
    assert int(peak) < 60
    assert has_django == "False"
