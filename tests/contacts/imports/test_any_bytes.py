"""Any bytes as a file give a clear error or a correct import, never a crash; from the upload to the rows."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.imports.encodings import ENCODINGS
from contacts.imports.errors import ImportRefused
from contacts.imports.files import remove, store, stored_path
from contacts.imports.flow import begin, choose, reread, start
from contacts.imports.plan import Options
from contacts.imports.reading import DELIMITERS, open_rows, scan_file
from contacts.imports.run import carry_out
from contacts.imports.sources import Source, open_table
from contacts.models import Contact, Import, ImportRow
from tests.contacts.imports.workbooks import xls_of, xlsx_of, zip_of

pytestmark = pytest.mark.django_db
BY = "user:1"
TARGETS = ("external_id", "first_name", "last_name", "town")
EXAMPLES: Final = 60
any_file = partial(settings, deadline=None, suppress_health_check=[*HealthCheck])


@pytest.fixture(autouse=True)
def _folder(tmp_path: Any, settings: Any) -> None:
    settings.IMPORTS_DIR = tmp_path


@contextmanager
def undone() -> Iterator[None]:
    """Every example finds the database as the first one did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def import_file(content: bytes, name: str, **choices: Any) -> Import:
    """As people do: upload, look, map the first columns, start; the work itself is done here and not by the worker."""
    run = begin(store([content], name), name, by=BY)
    if choices:
        run = reread(run, **choices)
    mapping = [
        {"header": header, "target": target, "overwrite": True}
        for header, target in zip(run.headers, [*TARGETS, *[""] * len(run.headers)], strict=False)
    ]
    carry_out(start(choose(run, mapping, Options())))
    run.refresh_from_db()
    return run


def check_counts(run: Import) -> None:
    """Every row has one outcome, and every one that failed says why."""
    source = Source(run.kind, run.encoding, run.delimiter, run.has_header, run.sheet)
    scan = scan_file(open_table(stored_path(run.stored_name), source))
    rows = sum(1 for row in open_rows(scan.path, run.delimiter, scan.stamp) if row) - run.has_header
    assert (run.status, run.rows_done, run.rows_total, run.counts["rows"]) == ("finished", rows, rows, rows)
    assert sum(count for name, count in run.counts.items() if name not in ("rows", "merged")) == rows
    failed = ImportRow.objects.filter(import_run=run, status="failed").values("row").distinct().count()
    assert failed == run.counts["failed"]


def import_or_refuse(content: bytes, name: str, **choices: Any) -> None:
    with undone():
        refusal: ImportRefused | None = None
        try:
            run = import_file(content, name, **choices)
        except ImportRefused as error:
            refusal = error
        if refusal is None:
            check_counts(run)
            remove(run.stored_name)
        else:
            assert refusal.message.endswith(".")
            assert refusal.code != "file_unreadable"  # there is nothing wrong with the disk


# Bytes

TEXT = 'external_id;Ім\'я;Прізвище;Місто\nC1;Олена;Шевченко;Київ\n\nC2;"Бог;дан\n";Ґжицький;Львів\nC1;Олена\n'
ROWS = [["external_id", "n"], ["C1", 1.5], ["C2", True]]
XLSX = xlsx_of({"A": ROWS, "B": [["x"]]})
with zipfile.ZipFile(io.BytesIO(XLSX)) as _archive:
    PARTS = {name: _archive.read(name) for name in _archive.namelist()}
TEXTS = [
    *[(TEXT.encode(encoding), "a.csv") for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "windows-1251")],
    (TEXT.replace(";", "\t").encode("koi8-u"), "a.tsv"),
    (zip_of({"a.csv": TEXT.encode()}), "a.zip"),
    (zip_of({"a.txt": TEXT.encode("utf-16")}, method=zipfile.ZIP_STORED), "a.zip"),
]
WORKBOOKS = [(XLSX, "a.xlsx"), (xls_of({"A": ROWS}), "a.xls"), (zip_of({"a.xlsx": XLSX}), "a.zip")]
STARTS = [b"", b"PK\x03\x04", b"PK\x05\x06", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"external_id\n", b"a,b\n"]
PIECES = [b'"', b"\0", b"\r", b"\n", b";", b"\xff\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"PK\x03\x04", b"\0" * 8, b"C9;"]
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=6)),
    min_size=1,
    max_size=6,
)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "encoding": st.sampled_from(sorted(ENCODINGS)),
        "delimiter": st.sampled_from(DELIMITERS),
        "has_header": st.booleans(),
    },
)


def changed(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """With some of its bytes cut out and others put in."""
    for place, cut, put in changes:
        at = int(place * len(content))
        content = content[:at] + put + content[at + cut * (cut < 30) :]
    return content


@any_file(max_examples=EXAMPLES)
@given(
    start=st.sampled_from(STARTS), rest=st.binary(max_size=300), name=st.sampled_from(["a.csv", "a.xls", "a.zip", "a"])
)
def test_any_bytes_are_imported_or_refused(start: bytes, rest: bytes, name: str) -> None:
    import_or_refuse(start + rest, name)


@any_file(max_examples=2 * EXAMPLES)
@given(file=st.sampled_from(TEXTS), changes=CHANGES, choices=CHOICES)
def test_a_damaged_text_is_imported_or_refused(
    file: tuple[bytes, str], changes: list[tuple[float, int, bytes]], choices: dict[str, Any]
) -> None:
    import_or_refuse(changed(file[0], changes), file[1], **choices)


@any_file(max_examples=EXAMPLES // 4)
@given(file=st.sampled_from(WORKBOOKS), changes=CHANGES)
def test_a_damaged_workbook_is_imported_or_refused(
    file: tuple[bytes, str], changes: list[tuple[float, int, bytes]]
) -> None:
    import_or_refuse(changed(file[0], changes), file[1])


@any_file(max_examples=EXAMPLES // 4)
@given(part=st.sampled_from(sorted(PARTS)), changes=CHANGES)
def test_a_workbook_with_a_damaged_part_is_imported_or_refused(
    part: str, changes: list[tuple[float, int, bytes]]
) -> None:
    import_or_refuse(zip_of({**PARTS, part: changed(PARTS[part], changes)}), "a.xlsx")


# Tables

CELL = st.text(
    st.sampled_from("ОленаБогданїєґ ab,;|\t\"'\n.-") | st.characters(codec="windows-1251", categories=["L"]),
    max_size=12,
)
FORMULA = "=+-@'"
CLEAN = CELL.map(
    lambda text: " ".join("".join(letter for letter in text if letter >= " ").split()).lstrip(FORMULA).strip()
)
PEOPLE = st.lists(st.tuples(CLEAN, CLEAN, CLEAN), min_size=1, max_size=5)
FORMS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1251", "xlsx", "xls"]


def written(rows: list[list[str]], form: str, delimiter: str, end: str) -> bytes:
    if form in ("xlsx", "xls"):
        return {"xlsx": xlsx_of, "xls": xls_of}[form]({"Клієнти": rows})
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return target.getvalue().encode(form)


@any_file(max_examples=EXAMPLES)
@given(
    people=PEOPLE,
    form=st.sampled_from(FORMS),
    delimiter=st.sampled_from(DELIMITERS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    zipped=st.booleans(),
)
def test_people_arrive_the_same_in_whatever_file_they_come(
    people: list[tuple[str, str, str]], form: str, delimiter: str, end: str, zipped: bool
) -> None:
    rows = [list(TARGETS), *[[f"C{number}", *person] for number, person in enumerate(people)]]
    content = written(rows, form, delimiter, end)
    name = f"a.{form}" if form.startswith("xls") else "a.csv"
    choices = {} if form.startswith(("xls", "utf")) else {"encoding": form}
    with undone():
        run = import_file(zip_of({name: content}) if zipped else content, "a.zip" if zipped else name, **choices)
        found = Contact.objects.order_by("external_id").values_list("external_id", "first_name", "last_name", "town")
        assert [tuple(value or "" for value in row) for row in found] == [tuple(row) for row in rows[1:]]
        assert run.counts["created"] == len(people)
        remove(run.stored_name)
