"""Contacts as files: every column, no formula, and the same contacts again when the file is imported."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from import_export.resources import Resource

from contacts.columns import Column, all_columns
from contacts.exports import ContactResource, ExportsOnly, write_contacts
from contacts.formulas import disarm
from contacts.identity import resolve
from contacts.identity.settings import forget_settings
from contacts.identity.types import API
from contacts.imports.plan import Options
from contacts.imports.run import run_import
from contacts.models import Contact, CustomField

SHEETS = ("xlsx", "csv", "tsv")
"""What a spreadsheet opens."""
PROJECT = Path(__file__).parents[3]
ROOMS = ("crm", "contacts", "segments")

FIELDS = (
    ("size", "number", []),
    ("ratio", "decimal", []),
    ("nickname", "text", []),
    ("newsletter", "boolean", []),
    ("birthday", "date", []),
    ("renewed", "datetime", []),
    ("tier", "choice", ["gold", "silver"]),
    ("tags", "choices", ["a", "b"]),
)
OLENA = {
    "external_id": "C-1",
    "email": "Olena@Example.com",
    "phone": "+380501112233",
    "first_name": "Олена",
    "last_name": "=HYPERLINK(1)",
    "town": "-5+3",
    "time_zone": "Europe/Kyiv",
    "fields.size": -5,
    "fields.ratio": 2.5,
    "fields.nickname": '@home, "really"\nnew line',
    "fields.newsletter": False,
    "fields.birthday": "1990-05-01",
    "fields.renewed": "2026-01-31T09:00:00+02:00",
    "fields.tier": "gold",
    "fields.tags": ["a", "b"],
}
TARAS = {"external_id": "C-2", "first_name": "Тарас"}


@pytest.fixture
def contacts(db: None) -> list[Contact]:
    for key, field_type, options in FIELDS:
        CustomField(key=key, label=key.capitalize(), type=field_type, options=options).save()
    forget_settings()
    outcomes = resolve([OLENA, TARAS], API, by="key:1")
    assert [outcome.status.value for outcome in outcomes] == ["created", "created"]
    return list(Contact.objects.order_by("pk"))


def columns() -> Any:
    return all_columns(CustomField.objects.all())


def written(contacts: list[Contact], ending: str) -> list[list[Any]]:
    return table(write_contacts(contacts, columns(), ending=ending).content, ending)


def table(content: bytes, ending: str) -> list[list[Any]]:
    if ending == "xlsx":
        [sheet] = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        return [["" if cell.value is None else cell.value for cell in row] for row in sheet.rows]
    text = content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if ending == "tsv" else ","))


@pytest.mark.parametrize("ending", SHEETS)
def test_a_file_has_every_readable_column_of_the_registry(contacts, ending):
    header, olena, taras = written(contacts, ending)

    assert header == [column.key for column in columns() if column.read]
    row = dict(zip(header, olena, strict=True))
    assert {key: str(row[key]) for key in ("external_id", "email", "phone", "first_name", "state", "email_state")} == {
        "external_id": "C-1",
        "email": "Olena@Example.com",
        "phone": "+380501112233",
        "first_name": "Олена",
        "state": "active",
        "email_state": "active",
    }
    assert (str(row["fields.size"]), row["fields.newsletter"], row["fields.tags"]) == ("-5", "no", "a; b")
    assert [cell for key, cell in zip(header, taras, strict=True) if key.startswith("fields.")] == [""] * len(FIELDS)


@pytest.mark.parametrize("ending", SHEETS)
def test_no_cell_starts_a_formula(contacts, ending):
    _, olena, _ = written(contacts, ending)

    texts = {cell for cell in olena if isinstance(cell, str)}
    assert {"'=HYPERLINK(1)", "'-5+3", '\'@home, "really"\nnew line'} <= texts
    assert not [cell for cell in texts if cell.startswith(("=", "@", "\t", "\r"))]


@pytest.mark.parametrize("ending", SHEETS)
def test_no_header_starts_a_formula(ending):
    strange = Column("=1+1", "text", "Strange")

    assert table(write_contacts([], [strange], ending=ending).content, ending) == [["'=1+1"]]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("+380501112233", "+380501112233"),
        ("-5.25", "-5.25"),
        ("-5|cmd", "'-5|cmd"),
        ("+1\n=1", "'+1\n=1"),
        ("+380501112233\n", "'+380501112233\n"),
        ("Olena", "Olena"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_compute_gets_a_quote_before_it(cell, safe):
    assert disarm(cell) == safe


def test_a_character_that_excel_refuses_is_replaced(contacts):
    contacts[0].first_name = "Ole\x0bna"

    [_, olena, _] = written(contacts, "xlsx")

    assert "Ole\ufffdna" in olena


def test_an_exported_file_is_imported_again_and_changes_nothing(contacts, tmp_path):
    content = write_contacts(contacts, columns(), ending="csv").content
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    writable = {column.key for column in columns() if column.write}
    kept = [place for place, key in enumerate(rows[0]) if key in writable]
    path = tmp_path / "contacts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row[place] for place in kept] for row in rows)

    report = run_import(path, Options(key="external_id"), by="user:1")

    assert {name: count for name, count in report.counts.items() if count} == {"unchanged": 2, "rows": 2}


IMPORTING = [
    "import_data",
    "import_data_inner",
    "import_row",
    "import_instance",
    "import_field",
    "save_instance",
    "delete_instance",
    "bulk_create",
    "bulk_update",
    "bulk_delete",
]


@pytest.mark.parametrize("method", IMPORTING)
def test_the_resource_never_imports(contacts, method):
    resource = ContactResource(columns())
    dataset = resource.export(contacts)
    assert callable(getattr(Resource, method))

    with pytest.raises(ExportsOnly, match="Use the import of the back office"):
        getattr(resource, method)(dataset, dry_run=False)

    assert Contact.objects.count() == 2


def test_nothing_of_ours_calls_the_library_to_import():
    calls = re.compile(r"\.import_data\(|ImportMixin|ImportExportMixin|ImportExportModelAdmin|ImportForm\b")

    found = [path for room in ROOMS for path in (PROJECT / room).rglob("*.py") if calls.search(path.read_text())]

    assert found == []
