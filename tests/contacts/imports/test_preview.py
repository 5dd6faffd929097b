"""The preview of a file says what its run does, row by row; the preview itself is all that it writes."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.columns import all_columns
from contacts.identity import Mode, delete_contacts, resolve, resolve_stream
from contacts.identity.settings import forget_settings, note_settings_changed
from contacts.identity.types import API, IMPORT
from contacts.imports.batches import BATCH
from contacts.imports.columns import guess_targets
from contacts.imports.errors import ImportRunning
from contacts.imports.files import store, stored_path
from contacts.imports.plan import Options
from contacts.imports.preview import preview_import
from contacts.imports.run import carry_out, run_import
from contacts.imports.sources import describe
from contacts.models import Change, Contact, CustomField, Import, ImportRow, ImportStatus, ImportWish, PreviewRow
from tests.contacts.identity.test_rehearsal import COLUMNS, KEYS, everything, histories, live_through
from tests.contacts.identity.test_stream import clear, random_batches
from tests.contacts.imports.files import BOHDAN, HEADER, OLENA, write_csv
from tests.together import all_at_once

Row = Sequence[str]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: Any) -> None:
    settings.IMPORTS_DIR = tmp_path / "imports"


def upload(*lines: str, **options: Any) -> Import:
    """An import of a file with these lines, mapped by the names of its columns."""
    path = store(["".join(f"{line}\n" for line in lines).encode()], "contacts.csv")
    source = describe(path, "contacts.csv")
    targets = guess_targets(source.headers, all_columns(CustomField.objects.all()))
    return Import.objects.create(
        file_name="contacts.csv",
        stored_name=path.name,
        headers=list(source.headers),
        mapping=[
            {"header": name, "target": "id" if name == "id" else target, "overwrite": True}
            for name, target in zip(source.headers, targets, strict=True)
        ],
        options=Options(**options).as_json(),
        status=ImportStatus.QUEUED,
        by="user:1",
    )


def preview_of(run: Import) -> list[tuple[Any, ...]]:
    rows = PreviewRow.objects.filter(import_run=run).order_by("row")
    return [(row.row, row.status, row.matched_by, row.rule, row.changes) for row in rows]


def send(raw: dict[str, Any]) -> int:
    [outcome] = resolve([raw], API, by="key:1")
    assert outcome.contact_id is not None
    return outcome.contact_id


# What a person sees


@pytest.mark.django_db
def test_every_row_says_what_changes_why_it_is_meant_and_what_is_wrong_with_it():
    olena = send({"external_id": "C1", "email": "olena@example.com", "first_name": "Olena"})
    run = upload(HEADER, OLENA, BOHDAN, BOHDAN, "C4,bad,x", "C1,o@example.com,")
    assert preview_import(run)
    assert preview_of(run)[:3] == [
        (2, "updated", "external_id", "L1", {"first_name": ["Olena", "Олена"]}),
        (3, "created", "created", "L9", {
            "external_id": [None, "C2"], "email": [None, "bohdan@example.com"], "first_name": [None, "Богдан"],
        }),
        (4, "unchanged", "external_id", "L1", {}),
    ]  # fmt: skip
    assert preview_of(run)[4] == (
        6, "updated", "external_id", "L1", {"email": ["olena@example.com", "o@example.com"]},
    )  # fmt: skip
    rows = {row.row: row for row in PreviewRow.objects.filter(import_run=run)}
    assert [(rows[row].contact_id, rows[row].problems) for row in (2, 3, 4)] == [(olena, []), (None, []), (None, [])]
    [problem] = rows[5].problems
    assert (rows[5].status, problem["column"], problem["code"]) == ("failed", "email", "invalid_email")
    run.refresh_from_db()
    assert run.preview_counts == {
        **dict.fromkeys(("restored", "merged", "skipped"), 0),
        "created": 1,
        "updated": 2,
        "unchanged": 1,
        "failed": 1,
        "rows": 5,
    }
    assert (run.preview_rows_done, run.rows_total, run.rows_done, run.counts) == (5, 5, 0, {})


@pytest.mark.django_db
def test_identifiers_and_merges_are_told_too():
    anonymous = send({"identifiers": [{"kind": "device", "value": "iPhone-1"}]})
    send({"external_id": "C1"})
    run = upload("external_id,device,telegram", "C1,iPhone-1,t1")
    preview_import(run)
    row = PreviewRow.objects.get(import_run=run)
    assert (row.status, row.changes["telegram"]) == ("updated", [None, "t1"])
    assert [problem["code"] for problem in row.problems] == ["merged"]
    assert str(anonymous) in row.problems[0]["message"]
    run.refresh_from_db()
    assert run.preview_counts["merged"] == 1


@pytest.mark.django_db
def test_text_that_copy_could_mistake_is_shown_as_it_is():
    run = upload("external_id,first_name", 'C1,"back\\slash\tand ""quotes"""')
    preview_import(run)
    assert PreviewRow.objects.get(import_run=run).changes["first_name"] == [None, 'back\\slash\tand "quotes"']


# The same as the run


@pytest.mark.django_db(transaction=True)
def test_a_row_sees_what_any_row_before_it_would_do(tmp_path: Path):
    lines = [f"C{number % 2_100},person.{number % 2_100}@example.com,{number % 3}" for number in range(3_200)]
    run = upload(HEADER, *lines)
    preview_import(run)
    carry_out(run)
    run.refresh_from_db()
    assert run.preview_counts == run.counts
    assert (run.counts["created"], run.counts["updated"] + run.counts["unchanged"]) == (2_100, 1_100)

    path = write_csv(tmp_path, HEADER, *(line.replace("C", "D", 1) for line in lines))
    dry = run_import(path, Options(), by="user:1", dry_run=True).counts
    assert dry == run_import(path, Options(), by="user:1").counts
    clear()


CELLS = {**COLUMNS, "id": ["1", "2", "x", ""], "Notes": ["tall", "short"], "last_name": ["=1+1", "Bell", "\\N", ""]}


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    headers = draw(st.lists(st.sampled_from(list(CELLS)), min_size=2, max_size=6, unique=True))
    rows = st.tuples(*(st.sampled_from(CELLS[name]) for name in headers))
    return [[name.removeprefix("fields.") for name in headers], *draw(st.lists(rows, min_size=1, max_size=8))]


options = st.fixed_dictionaries(
    {"mode": st.sampled_from(list(Mode))},
    optional={
        "empty_values_clear": st.just(True),
        "fill_blanks_only": st.just(True),
        "restore_deleted": st.just(True),
        "replace_external_id": st.just(True),
        "keep_columns": st.just(("email", "first_name")),
    },
)


def lines_of(table: Sequence[Row]) -> list[str]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().splitlines()


@pytest.mark.django_db
@settings(
    max_examples=int(os.environ.get("PREVIEWS", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, table=tables(), chosen=options, data=st.data())
def test_the_counts_of_the_run_equal_those_of_the_preview(history, table, chosen, data):
    keys = [key for key in KEYS if {"card": "card", "id": "id", "push": ""}.get(key, key) in table[0]]
    chosen = {**chosen, "key": data.draw(st.sampled_from(keys or ["email_or_phone"]))}
    if not keys or (chosen["key"] != "id" and "id" in table[0]):
        table = [["email", *table[0]], *(["ann@example.com", *row] for row in table[1:])] if not keys else table
        table = [[*("Notes" if name == "id" else name for name in table[0])], *table[1:]]
    try:
        with transaction.atomic():
            check_preview(history, table, chosen)
            transaction.set_rollback(True)
    finally:
        forget_settings()


def check_preview(history: dict[str, Any], table: Sequence[Row], chosen: dict[str, Any]) -> None:
    live_through(history)
    run = upload(*lines_of(unique_headers(table)), **chosen)
    before = without_preview(everything())
    preview_import(run)
    assert without_preview(everything()) == before

    carry_out(run)

    run.refresh_from_db()
    assert run.preview_counts == run.counts
    rows = PreviewRow.objects.filter(import_run=run)
    assert Counter(rows.values_list("status", flat=True)) == {
        status: count for status, count in run.counts.items() if count and status not in ("rows", "merged")
    }
    bad = rows.filter(status__in=("failed", "skipped")).values_list("row", "status", "contact_id")
    told = ImportRow.objects.filter(import_run=run, status__in=("failed", "skipped"))
    assert {row[:2] for row in bad} == set(told.values_list("row", "status"))
    # Whoever was named as being changed was.
    named = rows.filter(status__in=("updated", "restored", "deleted"), contact_id__isnull=False)
    changed = Change.objects.filter(import_id=run.pk).values_list("contact_id", flat=True)
    assert set(named.values_list("contact_id", flat=True)) <= set(changed)


def unique_headers(table: Sequence[Row]) -> list[Row]:
    """A second column of a name is another one, which is left out."""
    seen: Counter[str] = Counter()
    headers = []
    for name in table[0]:
        headers.append(name if not seen[name] else f"{name} {seen[name]}")
        seen[name] += 1
    return [headers, *table[1:]]


def without_preview(tables: dict[str, Any]) -> dict[str, Any]:
    own = {"contacts_import", "contacts_previewrow", "contacts_previewrow_id_seq"}
    return {table: rows for table, rows in tables.items() if table not in own}


# Begun anew, cancelled, beside others


@pytest.mark.django_db(transaction=True)
def test_a_preview_that_was_killed_begins_anew():
    run = upload(HEADER, *(f"C{number},,Olena" for number in range(2_500)))
    seen = []

    def fall_over(progress: Any) -> None:
        seen.append(progress.rows)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preview_import(run, tell=fall_over)
    assert PreviewRow.objects.count() == BATCH
    preview_import(run)
    run.refresh_from_db()
    assert (PreviewRow.objects.count(), run.preview_rows_done, run.preview_counts["created"]) == (2_500, 2_500, 2_500)


@pytest.mark.django_db(transaction=True)
def test_a_preview_stops_where_somebody_wishes():
    run = upload(HEADER, *(f"C{number},,Olena" for number in range(5_500)))

    def wish(progress: Any) -> None:
        Import.objects.filter(pk=run.pk).update(wish=ImportWish.CANCEL)

    assert not preview_import(run, tell=wish)
    assert PreviewRow.objects.count() == 2 * BATCH


@pytest.mark.django_db(transaction=True)
def test_a_preview_ends_where_another_began_it_anew():
    run = upload(HEADER, *(f"C{number},,Olena" for number in range(3_500)))

    def begin_again(progress: Any) -> None:
        if progress.rows == BATCH:
            preview_import(Import.objects.get(pk=run.pk))

    with pytest.raises(ImportRunning):
        preview_import(run, tell=begin_again)
    assert PreviewRow.objects.count() == 3_500


@pytest.mark.django_db(transaction=True)
def test_two_previews_and_an_import_go_on_at_once():
    lines = [f"C{number % 900},person.{number % 1_500}@example.com,{number % 7}" for number in range(2_200)]
    one, other = upload(HEADER, *lines), upload(HEADER, *lines)
    imported = random_batches(3, batches=6)
    all_at_once([
        lambda: preview_import(one),
        lambda: preview_import(other),
        lambda: list(resolve_stream(imported, IMPORT, by="import:0")),
    ])  # fmt: skip
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.preview_counts == other.preview_counts
    assert one.preview_counts["rows"] == 2_200
    assert Change.objects.exclude(by="import:0").count() == 0
    clear()


@pytest.mark.django_db(transaction=True)
def test_a_preview_in_a_session_of_its_own_writes_nothing_but_itself():
    deleted = send({"external_id": "C9", "email": "olena@example.com"})
    delete_contacts([deleted], by="user:1")
    send({"identifiers": [{"kind": "device", "value": "iPhone-1"}]})
    CustomField.objects.create(key="size", label="Size", can_be_key=True)
    note_settings_changed()
    run = upload(
        "external_id,email,device,size",
        *("C1,olena@example.com,iPhone-1,M", ",olena@example.com,,", "C9,,,", "C2,bohdan@example.com,,M"),
        *(f"D{number},d{number}@example.com,,S" for number in range(1_200)),
        restore_deleted=True,
        key="email",
    )
    before = without_preview(everything())
    preview_import(run)
    assert without_preview(everything()) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()")
        assert cursor.fetchone() == (0,)
    assert Contact.objects.count() == 2
    assert stored_path(run.stored_name).exists()
    clear()
