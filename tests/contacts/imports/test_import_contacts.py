"""`manage.py import_contacts`: what becomes of a file, row by row."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import identity
from contacts.identity.types import API
from contacts.imports.errors import ImportRefused
from contacts.imports.plan import Options
from contacts.imports.run import claimed, run_import
from contacts.models import Change, Contact, CustomField, Identifier, Import, ImportRow
from tests.contacts.imports.files import BOHDAN, HEADER, OLENA, TARAS, errors_of, write_csv
from tests.contacts.imports.workbooks import xlsx_of, zip_of

pytestmark = pytest.mark.django_db
BY = "user:1"


def import_file(path: Path, *flags: str, key: str = "external_id", deletes: bool = False) -> dict[str, int]:
    """The counts that are not zero."""
    said = StringIO()
    call_command("import_contacts", str(path), "--key", key, "--json", *flags, stdout=said, stderr=StringIO())
    counts: dict[str, int] = json.loads(said.getvalue().splitlines()[-1])
    counted = ["created", "updated", "unchanged", "restored", "merged", "skipped", "failed", "rows"]
    assert list(counts) == counted + ["deleted"] * deletes
    return {name: count for name, count in counts.items() if count}


def refusal_of(path: Path, *flags: str, key: str = "external_id") -> str:
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("import_contacts", str(path), "--key", key, "--json", *flags, stdout=said, stderr=StringIO())
    assert not Contact.objects.exists()
    assert not Import.objects.exists()
    return str(json.loads(said.getvalue().splitlines()[-1])["error"])


def people() -> list[tuple[Any, ...]]:
    return list(Contact.objects.order_by("external_id").values_list("external_id", "email", "first_name"))


def test_new_people_are_created_and_known_ones_updated_or_left(tmp_path: Path) -> None:
    assert import_file(write_csv(tmp_path, HEADER, OLENA, BOHDAN)) == {"created": 2, "rows": 2}
    path = write_csv(tmp_path, HEADER, OLENA, BOHDAN.replace("Богдан", "Bohdan"), TARAS)
    assert import_file(path) == {"created": 1, "updated": 1, "unchanged": 1, "rows": 3}
    assert people() == [
        ("C1", "olena@example.com", "Олена"),
        ("C2", "bohdan@example.com", "Bohdan"),
        ("C3", "taras@example.com", "Тарас"),
    ]
    assert not Path(f"{path}.errors.csv").exists()


def test_what_contacts_have_is_kept_where_that_is_wished(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA, BOHDAN))
    other = write_csv(tmp_path, "external_id,first_name,town", "C1,Olga,Lviv")
    assert import_file(other, "--fill-blanks-only") == {"updated": 1, "rows": 1}
    third = write_csv(tmp_path, "external_id,first_name,town", "C2,Bohdan,Kyiv")
    assert import_file(third, "--keep", "First name") == {"updated": 1, "rows": 1}
    found = Contact.objects.order_by("external_id").values_list("first_name", "town")
    assert list(found) == [("Олена", "Lviv"), ("Богдан", "Kyiv")]
    assert import_file(write_csv(tmp_path, "external_id", "C1", "C9"), "--mode", "delete", deletes=True) == {
        "skipped": 1,
        "rows": 2,
        "deleted": 1,
    }


def test_the_journal_names_the_import(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA))
    run = Import.objects.get()
    change = Change.objects.get()
    assert (change.by, change.import_id) == (f"import:{run.pk}", run.pk)
    assert (run.status, run.rows_done, run.by) == ("finished", 1, "command:import_contacts")
    assert run.finished_at is not None


def test_custom_fields_and_identifiers_come_along(tmp_path: Path) -> None:
    CustomField.objects.create(key="size", label="Shirt size")
    import_file(write_csv(tmp_path, "Email;Shirt size;Device", "olena@example.com;M;iPhone-1"), key="email")
    contact = Contact.objects.get()
    assert contact.attributes == {"size": "M"}
    assert list(Identifier.objects.order_by("kind").values_list("value", flat=True)) == [
        "olena@example.com",
        "iPhone-1",
    ]


def test_bad_rows_stop_nobody_and_are_listed_with_column_and_code(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path, "external_id,E-mail,Phone,First name",
        "C1,olena@example.com,+380501112233,Олена",
        "C2,bohdan@,+380672223344,Богдан",
        "C3,taras@example.com",
        "C4,,12," + "x" * 41,
        ",nobody@example.com,,",
        "",
        "C5,null,,Марія\0",
        "C6,unknown,,Марія",
        'C7,"open,,',
        "x" * 101 + ",,,",
        "C8,iryna@example.com,,Ірина",
    )  # fmt: skip
    assert import_file(path) == {"created": 3, "failed": 7, "rows": 10}
    assert errors_of(path) == [
        "3,E-mail,invalid_email",
        "4,,ragged_row",
        "5,Phone,invalid_phone",
        "5,First name,too_long",
        "6,external_id,key_missing",
        "8,First name,invalid_character",
        "8,E-mail,junk_value",
        "9,E-mail,junk_value",
        "10,,unclosed_quote",
        "11,external_id,external_id_too_long",
    ]
    assert set(ImportRow.objects.filter(row__in=[8, 9]).values_list("row", "status")) == {
        (8, "failed"), (8, "warning"), (9, "warning"),
    }  # fmt: skip


def test_the_errors_file_starts_no_formula(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, "C1,=1+1@,x")
    import_file(path)
    cells = [cell for line in Path(f"{path}.errors.csv").read_text().splitlines()[1:] for cell in line.split(",")]
    assert not [cell for cell in cells if cell.strip('"').startswith(("=", "+", "-", "@"))]


def test_an_errors_file_of_an_earlier_run_does_not_stay(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, "C1,bad,x")
    import_file(path)
    write_csv(tmp_path, HEADER, OLENA)
    import_file(path)
    assert not Path(f"{path}.errors.csv").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (f"{HEADER}\n".encode(), "no_rows"),
        (f"{HEADER}\n\n\n".encode(), "no_rows"),
        (f"{HEADER}\n{OLENA}\n".encode() + BOHDAN.encode("windows-1251"), "wrong_encoding"),
        (bytes(range(256)) * 40, "not_a_table"),
        (b"PK\x03\x04" + bytes(100), "archive_unreadable"),
        (b"email,first_name\nolena@example.com,O\n", "key_column_missing"),
        (b"external_id,external_id\nC1,C1\n", "column_twice"),
        (b"external_id,Customer ID\nC1,C1\n", "column_twice"),
        (b"external_id,shoe\nC1,41\n", "unknown_column"),
        (b"external_id,fields.shoe\nC1,41\n", "unknown_column"),
        (b"external_id,\nC1,41\n", "unnamed_column"),
        (b"external_id,state\nC1,active\n", "column_not_writable"),
        (b'"external_id,email\nC1,x\n', "header_unreadable"),
        (b"\0\0\0\0\n\0\0", "not_a_table"),
        (b"C1,olena@example.com\nC2,bohdan@example.com\n", "unknown_column"),
    ],
)
def test_a_file_that_cannot_be_imported_at_all_says_why_and_writes_nothing(
    tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)
    assert refusal_of(path) == code
    assert refusal_of(path, "--dry-run") == code


@pytest.mark.parametrize("form", ["utf-16", "windows-1251", "zip", "xlsx"])
def test_whatever_a_file_is_its_rows_are_imported_and_nothing_lies_beside_it(tmp_path: Path, form: str) -> None:
    lines = [HEADER, OLENA, "C2,taras@,Тарас"]
    text = "".join(f"{line}\n" for line in lines)
    path = tmp_path / f"contacts.{form}"
    if form == "xlsx":
        path.write_bytes(xlsx_of({"Клієнти": [line.split(",") for line in lines]}))
    else:
        path.write_bytes(zip_of({"contacts.csv": text.encode()}) if form == "zip" else text.encode(form))
    assert import_file(path) == {"created": 1, "failed": 1, "rows": 2}
    assert errors_of(path) == ["3,email,invalid_email"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.errors.csv"]
    assert Import.objects.get().kind == ("xlsx" if form == "xlsx" else "csv")


def test_a_key_that_no_field_is_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal_of(write_csv(tmp_path, HEADER, OLENA), key="shoe") == "unknown_key"
    assert refusal_of(tmp_path / "missing.csv") == "file_unreadable"


def test_cells_of_ten_megabytes_fail_their_own_rows(tmp_path: Path) -> None:
    huge = "x" * 10_000_000
    path = write_csv(tmp_path, HEADER, f"C1,,{huge}", f'C2,"{huge}",x', f"{huge},,x", TARAS)
    assert import_file(path) == {"created": 1, "failed": 3, "rows": 4}
    assert errors_of(path) == ["2,,cell_too_large", "3,,cell_too_large", "4,,cell_too_large"]


def test_modes_create_and_update_skip_with_a_reason(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, OLENA, BOHDAN)
    assert import_file(path, "--mode", "update") == {"skipped": 2, "rows": 2}
    assert errors_of(path) == ["2,,not_found", "3,,not_found"]
    import_file(write_csv(tmp_path, HEADER, OLENA))
    path = write_csv(tmp_path, HEADER, OLENA, BOHDAN)
    assert import_file(path, "--mode", "create") == {"created": 1, "skipped": 1, "rows": 2}
    assert errors_of(path) == ["2,,already_exists"]


def test_empty_cells_clear_only_when_asked(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA))
    path = write_csv(tmp_path, HEADER, "C1,,")
    assert import_file(path) == {"unchanged": 1, "rows": 1}
    assert import_file(path, "--empty-values", "clear") == {"updated": 1, "rows": 1}
    assert people() == [("C1", None, None)]


def test_deleted_contacts_come_back_only_when_asked(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, OLENA)
    import_file(path)
    identity.delete_contacts([Contact.objects.get().pk], by=BY)
    assert import_file(path) == {"skipped": 1, "rows": 1}
    assert errors_of(path) == ["2,,contact_deleted"]
    assert import_file(path, "--restore-deleted") == {"restored": 1, "rows": 1}


def test_an_external_id_is_replaced_only_when_asked(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA))
    path = write_csv(tmp_path, HEADER, OLENA.replace("C1", "C9"))
    assert import_file(path, "--replace-external-id", key="email") == {"updated": 1, "rows": 1}
    assert [person[0] for person in people()] == ["C9"]


def test_the_contact_id_can_be_the_key(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA))
    path = write_csv(tmp_path, "id,first_name", f"{Contact.objects.get().pk},Olena", "999999999,Nobody", "x,Nobody")
    assert import_file(path, key="id") == {"updated": 1, "failed": 2, "rows": 3}
    assert errors_of(path) == ["3,id,contact_not_found", "4,id,invalid_id"]


def test_a_device_that_was_nobodys_merges_its_anonymous_contact(tmp_path: Path) -> None:
    identity.resolve([{"identifiers": [{"kind": "device", "value": "iPhone-1"}]}], API, by=BY)
    import_file(write_csv(tmp_path, HEADER, OLENA))
    path = write_csv(tmp_path, "external_id,device", "C1,iPhone-1")
    assert import_file(path) == {"updated": 1, "merged": 1, "rows": 1}


def test_rows_of_one_file_see_each_other(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, OLENA, "C1,olena@example.com,Olena", ",olena@example.com,Лена")
    assert import_file(path, key="email") == {"created": 1, "updated": 2, "rows": 3}
    assert people() == [("C1", "olena@example.com", "Лена")]


def test_a_dry_run_counts_the_same_and_leaves_no_trace(tmp_path: Path) -> None:
    import_file(write_csv(tmp_path, HEADER, OLENA))
    before = (people(), Change.objects.count(), Import.objects.count())
    path = write_csv(tmp_path, HEADER, OLENA, BOHDAN, BOHDAN, "C4,bad,x", name="next.csv")
    told = import_file(path, "--dry-run")
    assert (people(), Change.objects.count(), Import.objects.count()) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["contacts.csv", "next.csv"]
    assert told == import_file(path) == {"created": 1, "unchanged": 2, "failed": 1, "rows": 4}


def test_a_second_run_of_a_file_that_is_being_imported_is_refused(tmp_path: Path) -> None:
    from contacts.imports.reading import scan_file

    path = write_csv(tmp_path, HEADER, OLENA)
    with claimed(scan_file(path).digest):
        assert refusal_of(path) == "import_running"
    assert import_file(path) == {"created": 1, "rows": 1}


def test_a_larger_file_is_read_by_a_process_of_its_own(tmp_path: Path) -> None:
    lines = [f"C{number},person.{number}@example.com,Олена" for number in range(3_200)]
    path = write_csv(tmp_path, HEADER, *lines, OLENA, "C1,ragged")
    assert import_file(path) == {"created": 3_200, "updated": 1, "failed": 1, "rows": 3_202}
    assert Import.objects.get().rows_done == 3_202
    assert errors_of(path) == ["3203,,ragged_row"]


NASTY = st.text(alphabet='aC1@.,;"|\t\r\n\0é= ', max_size=40)
CELLS = st.sampled_from(["C1", "C2", "", "olena@example.com", "bad@", "0", '"x""y"', '"two\nlines"', "null"]) | NASTY


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.sampled_from(["external_id,email,first_name", "email;external_id", "Customer ID", "phone|external_id"])
    | NASTY,
    rows=st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=6),
    tail=st.binary(max_size=20) | st.just(b""),
)
def test_any_bytes_are_imported_or_refused(tmp_path: Path, header: str, rows: list[str], tail: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes("\n".join([header, *rows]).encode() + tail)
    report = None
    with suppress(ImportRefused):
        report = run_import(path, Options(), by=BY)
    if report is None:
        return
    counts = report.counts
    assert counts["rows"] == sum(counts[name] for name in counts if name not in ("rows", "merged"))
    failed = ImportRow.objects.filter(import_run=report.import_id, status="failed").values("row").distinct()
    assert failed.count() == counts["failed"]
