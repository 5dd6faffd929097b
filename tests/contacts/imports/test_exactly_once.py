"""kill -9 in the middle, the same command again: the end is that of an undisturbed run."""

import os
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from contacts import identity
from contacts.identity.types import API
from contacts.models import Change, Contact, DuplicateCase, Identifier, Import, ImportRow
from tests.contacts.imports.files import write_csv

PROJECT = Path(__file__).parents[3]
ROWS = 5_000
OPTIONS = ["--key", "email_or_phone", "--empty-values", "clear", "--json"]

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+")

pytestmark = pytest.mark.django_db(transaction=True)


def write_people(folder: Path) -> Path:
    """People that come twice, share addresses, are deleted, and rows that are wrong in every way."""
    lines = ["external_id,email,phone,first_name,device"]
    for number in range(ROWS):
        person = number % 3_500
        external_id = f"C{person}" if number % 3 else ""
        email = "bad@" if number % 211 == 0 else f"family.{person // 2}@example.com"
        device = f"tablet-{number % 70}" if number % 25 == 0 else ""
        name = f"Олена {number}" if number % 7 else ""
        lines.append(f"{external_id},{email},+38050{person:07d},{name},{device}" + ",ragged" * (number % 500 == 499))
    return write_csv(folder, *lines)


def begin(folder: Path) -> Path:
    identity.resolve(
        [{"external_id": f"C{number}", "email": f"family.{number // 2}@example.com"} for number in range(0, 900, 3)],
        API,
        by="user:1",
    )
    deleted = Contact.objects.filter(external_id__in=[f"C{number}" for number in range(0, 900, 9)])
    identity.delete_contacts(list(deleted.values_list("pk", flat=True)), by="user:1")
    return write_people(folder)


def tables() -> dict[str, Any]:
    """Everything but ids and times; a contact is known by what stands on it."""
    columns = [
        field.attname
        for field in Contact._meta.concrete_fields
        if field.attname not in ("id", "merged_into_id") and not field.attname.endswith("_at")
    ]
    place = {row[0]: str(row[1:]) for row in Contact.objects.values_list("pk", *columns)}
    kinds = ["kind", "app", "value", "source", "details"]
    changes = ["kind", "matched_by", "before", "after"]
    return {
        "contacts": sorted(place.values()),
        "identifiers": sorted(
            (str(row[:-1]), place[row[-1]]) for row in Identifier.objects.values_list(*kinds, "contact_id")
        ),
        "journal": sorted(
            (place[row[0]], TIME.sub("", str(row[1:]))) for row in Change.objects.values_list("contact_id", *changes)
        ),
        "cases": sorted(
            (kind, value, sorted(place[pk] for pk in ids))
            for kind, value, ids in DuplicateCase.objects.values_list("kind", "value", "contact_ids")
        ),
        "rows": list(ImportRow.objects.order_by("row", "pk").values_list("row", "status", "column", "code", "message")),
        "import": list(Import.objects.values_list("status", "rows_done", "counts", "file_name", "error")),
    }


def start_import(path: Path) -> "subprocess.Popen[bytes]":
    """The real command, on the database of this test."""
    at = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    place = {variable: str(at[name]) for variable, name in names.items() if at.get(name)}
    environment = os.environ | place | {"DATABASE_URL": f"postgres:///{at['NAME']}"}
    command = [sys.executable, "manage.py", "import_contacts", str(path), *OPTIONS]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_after(process: "subprocess.Popen[bytes]", rows: int) -> None:
    deadline = time.monotonic() + 120
    while not Import.objects.filter(rows_done__gte=rows).exists():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def empty_tables() -> None:
    models = (Change, Identifier, Contact, DuplicateCase, ImportRow, Import)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in models)} CASCADE")


def test_an_import_that_was_killed_twice_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    path = begin(tmp_path)
    call_command("import_contacts", str(path), *OPTIONS, stdout=StringIO(), stderr=StringIO())
    undisturbed, errors = tables(), Path(f"{path}.errors.csv").read_bytes()
    assert undisturbed["import"][0][1] == ROWS
    empty_tables()
    Path(f"{path}.errors.csv").unlink()

    begin(tmp_path)
    for rows in (1_000, 3_000):
        kill_after(start_import(path), rows)
        assert rows <= Import.objects.get().rows_done < ROWS
    assert start_import(path).wait(timeout=120) == 0

    disturbed = tables()
    for table, content in undisturbed.items():
        assert disturbed[table] == content, table
    assert Path(f"{path}.errors.csv").read_bytes() == errors


def test_other_options_are_another_import(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "email,phone", *(f"p{number}@example.com,+38050{number:07d}" for number in range(4_000)))
    kill_after(start_import(path), 1_000)
    call_command("import_contacts", str(path), "--key", "phone", stdout=StringIO(), stderr=StringIO())
    assert list(Import.objects.order_by("pk").values_list("status", flat=True)) == ["running", "finished"]
