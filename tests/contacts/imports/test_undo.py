"""An import is taken back: the tables equal those before, and whoever was edited since is listed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from contacts import identity, populations
from contacts.identity import types as plans
from contacts.identity.integrity import find_problems
from contacts.imports.plan import Options
from contacts.imports.run import run_import
from contacts.imports.undo import undo_import
from contacts.models import (
    Change,
    Consent,
    Contact,
    DuplicateCase,
    Event,
    Identifier,
    Import,
    ImportEffect,
    ImportStatus,
    ImportTrace,
    Merge,
    UndoKept,
)
from segments.models import Membership, Segment, SegmentType
from tests.contacts.imports.files import write_csv

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).parents[3]
PEOPLE = 3_000
BY = "user:1"


def make_people(folder: Path) -> None:
    """Who is there before: by an earlier import, some with devices, some deleted, some that nobody knows by name."""
    lines = ["external_id,email,phone,first_name,device"]
    for number in range(PEOPLE):
        device = f"tablet-{number}" if number % 10 == 0 else ""
        lines.append(f"C{number},family.{number // 2}@example.com,+38050{number:07d},Olena {number},{device}")
    run_import(write_csv(folder, *lines, name="before.csv"), Options(), by=BY)
    guests = [
        {"identifiers": [{"kind": "device", "value": f"guest-{number}"}], "last_name": f"Guest {number}"}
        for number in range(60)
    ]
    identity.resolve(guests, plans.MOBILE, by="tracker:mobile")
    deleted = Contact.objects.filter(external_id__in=[f"C{number}" for number in range(0, PEOPLE, 50)])
    identity.delete_contacts(list(deleted.values_list("pk", flat=True)), by=BY)


def write_changes(folder: Path, *, rows: int = PEOPLE) -> Path:
    """Everything that a file can do: new names, emails and phones, devices of others, new people, somebody twice."""
    lines = ["external_id,email,phone,first_name,town,device"]
    for number in range(rows):
        email = f"new.{number}@example.com" if number % 3 == 0 else ""
        phone = f"+38067{number // 2:07d}" if number % 5 == 0 else ""
        device = (
            f"tablet-{number // 20 * 10}" if number % 20 == 1 else f"guest-{number // 60}" if number % 60 == 2 else ""
        )
        person = f"N{number}" if number % 4 == 3 else f"C{number if number % 7 else number // 2}"
        lines.append(f"{person},{email},{phone},Olha {number},Lviv,{device}")
    return write_csv(folder, *lines, name="changes.csv")


def tables(*, but: Any = ()) -> dict[str, Any]:
    """All that an undo puts back, of everybody but these; not when contacts were updated, nor the journal."""
    columns = [field.attname for field in Contact._meta.concrete_fields if field.attname != "updated_at"]
    rows = ["kind", "app", "value", "contact_id", "source", "first_seen_at", "last_seen_at", "details"]
    return {
        "contacts": list(Contact.objects.exclude(pk__in=but).order_by("pk").values(*columns)),
        "identifiers": list(Identifier.objects.exclude(contact_id__in=but).order_by(*rows[:4]).values(*rows)),
        "cases": list(DuplicateCase.objects.order_by("kind", "value").values()),
        "merges": list(Merge.objects.filter(undone_at=None).values()),
        "memberships": list(
            Membership.objects.exclude(contact_id__in=but)
            .order_by("segment_id", "contact_id")
            .values("segment_id", "contact_id", "added_at", "by")
        ),
        "consents": list(
            Consent.objects.exclude(contact_id__in=but)
            .order_by("contact_id")
            .values("contact_id", "granted", "basis", "at", "by")
        ),
        "events": list(Event.objects.order_by("pk").values("contact_id", "key")),
    }


def import_changes(path: Path, **options: Any) -> Import:
    report = run_import(path, Options(restore_deleted=True, **options), by=BY)
    assert report.counts["failed"] == report.counts["skipped"] == 0
    return Import.objects.get(pk=report.import_id)


def test_after_an_undo_the_tables_equal_those_before_and_the_edited_are_listed(tmp_path: Path) -> None:
    make_people(tmp_path)
    before_all = tables()
    run = import_changes(write_changes(tmp_path))
    assert run.counts["merged"] > 0
    assert run.counts["restored"] > 0
    touched = Change.objects.filter(import_id=run.pk).values_list("contact_id", flat=True).distinct()
    edited = sorted(Contact.objects.filter(pk__in=touched, state=1).values_list("pk", flat=True))[::40][:50]
    edits = [{"id": pk, "first_name": "Edited", "address": "Kyiv"} for pk in edited]
    identity.resolve(edits, plans.SHEET, by="user:2")
    told: list[int] = []

    undo_import(run, by=BY, tell=lambda run: told.append(run.undo_done))

    assert set(UndoKept.objects.values_list("contact_id", flat=True)) == set(edited)
    made = set(Contact.objects.values_list("pk", flat=True)) - {row["id"] for row in before_all["contacts"]}
    assert made <= set(edited)
    after, before = tables(but=edited), before_all
    before["contacts"] = [row for row in before["contacts"] if row["id"] not in edited]
    for name in ("identifiers", "memberships", "consents"):
        before[name] = [row for row in before[name] if row["contact_id"] not in edited]
    named = {case["id"] for case in DuplicateCase.objects.filter(contact_ids__overlap=edited).values("id")}
    for name, rows in before.items():
        if name == "cases":
            assert [row for row in after[name] if row["id"] not in named] == [
                row for row in rows if row["id"] not in named
            ]
        else:
            assert after[name] == rows, name
    assert find_problems() == []
    assert (run.status, run.undo_done, run.undo_counts["kept"]) == (ImportStatus.UNDONE, run.undo_total, len(edited))
    assert told == sorted(told)
    assert told[-1] == run.undo_total
    assert not ImportTrace.objects.filter(import_id=run.pk).exists()


def test_segments_consents_and_events_go_back_too(tmp_path: Path) -> None:
    make_people(tmp_path)
    lists = [Segment.objects.create(name=name, type=SegmentType.STATIC) for name in ("Readers", "Sleepers")]
    active = Contact.objects.filter(state=1).order_by("pk")
    guests = list(active.filter(external_id=None).values_list("pk", flat=True))
    first = list(active.exclude(external_id=None).values_list("pk", flat=True)[:900])
    for segment in lists:
        populations.current().add(segment.pk, [*first, *guests[::2]], by="user:2")
    before = tables()

    run = import_changes(
        write_changes(tmp_path),
        add_to_segments=(lists[0].pk,),
        remove_from_segments=(lists[1].pk,),
        event_for_new="welcome",
        consent={"category": "news", "basis": "form", "source": ""},
    )
    assert tables() != before
    undo_import(run, by=BY)

    assert list(UndoKept.objects.values_list("contact_id", "columns", "reason")) == []
    after = tables()
    for name, rows in before.items():
        assert after[name] == rows, name
    assert run.undo_counts["groups"] > 0
    assert run.undo_counts["consents"] > 0
    assert not ImportEffect.objects.exists()


def test_a_consent_that_was_withdrawn_since_stays_withdrawn(tmp_path: Path) -> None:
    [who] = identity.resolve([{"external_id": "C1"}], plans.API, by=BY)
    path = write_csv(tmp_path, "external_id,first_name", "C1,Olena")
    run = import_changes(path, consent={"category": "news", "basis": "form", "source": ""})
    Consent.objects.update(granted=False, by="user:2")

    undo_import(run, by=BY)

    assert Consent.objects.get().granted is False
    assert (who.contact_id, ["consent"]) in UndoKept.objects.values_list("contact_id", "columns")


def test_the_same_file_can_be_imported_again(tmp_path: Path) -> None:
    make_people(tmp_path)
    path = write_changes(tmp_path)
    first = import_changes(path)
    undo_import(first, by=BY)

    second = import_changes(path)

    assert second.pk != first.pk
    assert {name: second.counts[name] for name in ("created", "updated", "restored", "merged")} == {
        name: first.counts[name] for name in ("created", "updated", "restored", "merged")
    }


UNDO = """
import sys, django
django.setup()
from contacts.imports.undo import undo_import
from contacts.models import Import
undo_import(Import.objects.get(pk=int(sys.argv[1])), by="user:1")
"""


def start_undo(run: Import) -> subprocess.Popen[bytes]:
    at = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    place = {variable: str(at[name]) for variable, name in names.items() if at.get(name)}
    environment = os.environ | place | {"DATABASE_URL": f"postgres:///{at['NAME']}"}
    return subprocess.Popen([sys.executable, "-c", UNDO, str(run.pk)], cwd=PROJECT, env=environment)


def kill_after(process: subprocess.Popen[bytes], run: Import, changes: int) -> None:
    deadline = time.monotonic() + 120
    while not Import.objects.filter(pk=run.pk, undo_done__gte=changes).exists():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_an_undo_that_was_killed_twice_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    make_people(tmp_path)
    before = tables()
    run = import_changes(write_changes(tmp_path))

    for changes in (1, 1_500):
        kill_after(start_undo(run), run, changes)
        run.refresh_from_db()
        assert run.status == ImportStatus.UNDOING
    assert start_undo(run).wait(timeout=120) == 0

    run.refresh_from_db()
    assert (run.status, run.undo_done) == (ImportStatus.UNDONE, run.undo_total)
    after = tables()
    for name, rows in before.items():
        assert after[name] == rows, name
    assert find_problems() == []
    assert not UndoKept.objects.exists()
