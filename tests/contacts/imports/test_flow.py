"""What people do with an import, from the upload to its end."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contacts.imports import flow, jobs
from contacts.imports.errors import FileGone, WrongMoment
from contacts.imports.files import remove, store, stored_path
from contacts.imports.plan import Options
from contacts.models import (
    Consent,
    Contact,
    ContactState,
    CustomField,
    Event,
    EventType,
    Import,
    ImportRow,
    PreviewRow,
)
from crm.errors import Refused
from segments.models import Segment, SegmentType
from tests.contacts.imports.files import BOHDAN, HEADER, OLENA, TARAS
from tests.contacts.imports.flowing import BY, map_columns, upload

Jobs = Callable[[], None]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


def targets(run: Import) -> list[str]:
    return [entry["target"] for entry in run.mapping]


def refusals(run: Import, options: Options | None = None, **columns) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        map_columns(run, options, **columns)
    return [(error.code, error.path) for error in refused.value.errors]


# Upload and mapping


@pytest.mark.django_db
def test_an_upload_is_described_and_its_columns_are_matched_by_name_and_alias():
    CustomField.objects.create(key="size", label="Shirt size")
    run = upload("Customer ID,E-mail,SMS,Shirt size,Favourite,device", "C1,olena@example.com,+380501234567,M,tea,x1")
    assert (run.status, run.file_name, run.kind, run.has_header, run.by) == (
        "uploaded",
        "contacts.csv",
        "csv",
        True,
        BY,
    )
    assert run.headers == ["Customer ID", "E-mail", "SMS", "Shirt size", "Favourite", "device"]
    assert targets(run) == ["external_id", "email", "phone", "fields.size", "", "device"]
    assert run.options["key"] == "external_id"
    assert run.samples[0][1] == "olena@example.com"


@pytest.mark.django_db
def test_the_key_is_the_strongest_that_the_columns_have():
    assert upload("email,phone", "olena@example.com,").options["key"] == "email"
    assert upload("Phone,Name", "+380501234567,Olena").options["key"] == "phone"
    assert upload("Contact ID,Name", "5,Olena").options["key"] == "id"
    assert targets(upload("id,email", "5,olena@example.com")) == ["", "email"]


@pytest.mark.django_db
def test_a_second_column_of_a_name_is_left_to_the_person():
    assert targets(upload("email,E-mail,mail", "a@example.com,b@example.com,c@example.com")) == ["email", "", ""]


def test_the_mapping_of_the_last_import_with_these_headers_is_remembered(run_jobs: Jobs):
    run = map_columns(upload("Number,Nick,email", "C1,Olya,olena@example.com"), Number="external_id", Nick="first_name")
    assert targets(upload("Number,Nick,email", "C2,Bo,bohdan@example.com")) == ["", "", "email"], (
        "nobody went on with it"
    )
    flow.start(run)
    run_jobs()
    later = upload("Number,Nick,email", "C2,Bo,bohdan@example.com")
    assert targets(later) == ["external_id", "first_name", "email"]
    other = upload("Nick,Number,town", "Bo,C2,Lviv")
    assert targets(other) == ["first_name", "external_id", "town"], "by the column's name"


@pytest.mark.django_db
def test_a_new_field_is_made_by_the_mapping():
    run = upload("email,Shoe size,Loyalty No", "olena@example.com,38,L-1")
    run = map_columns(
        run,
        Options(key="fields.loyalty_no"),
        Shoe_size={"target": "new", "new_field": {"label": "Shoe size", "type": "number"}},
        Loyalty_No={"target": "new", "new_field": {"label": "Loyalty No", "type": "text", "can_be_key": True}},
    )
    assert targets(run) == ["email", "fields.shoe_size", "fields.loyalty_no"]
    made = CustomField.objects.order_by("label").values_list("key", "label", "type", "can_be_key")
    assert list(made) == [("loyalty_no", "Loyalty No", "text", True), ("shoe_size", "Shoe size", "number", False)]


@pytest.mark.django_db
def test_a_refused_mapping_makes_no_field_and_says_all_that_is_wrong():
    CustomField.objects.create(key="size", label="Size")
    run = upload("email,Size 2,Mail too,x", "olena@example.com,38,o@example.com,1")
    found = refusals(
        run,
        Options(key="phone", fill_blanks_only=True, empty_values_clear=True, add_to_segments=(5,)),
        Size_2={"target": "new", "new_field": {"label": "Fresh", "type": "number"}},
        Mail_too="email",
        x="fields.gone",
    )
    assert found == [
        ("column_twice", "mapping.2"),
        ("unknown_target", "mapping.3"),
        ("key_column_missing", "options.key"),
        ("options_conflict", "options.fill_blanks_only"),
        ("segment_unknown", "options.add_to_segments"),
    ]
    assert refusals(run, x={"target": "new", "new_field": {"label": "size"}}) == [("field_refused", "mapping.3")]
    assert list(CustomField.objects.values_list("key", flat=True)) == ["size"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "target", "found"),
    [
        ("external_id", "id", [("column_not_writable", "mapping.1")]),
        ("external_id", "created_at", [("column_not_writable", "mapping.1")]),
        ("loyalty", "", [("unknown_key", "options.key")]),
        ("external_id", "consent", [("consent_unexplained", "options.consent_category")] * 1),
    ],
)
def test_what_a_column_cannot_become(key: str, target: str, found: list[tuple[str, str]]):
    run = upload("external_id,x", "C1,1")
    assert refusals(run, Options(key=key), x=target)[: len(found)] == found


@pytest.mark.django_db
def test_a_file_is_read_in_another_way_and_keeps_its_mapping_where_columns_stay():
    run = upload("email;Ім'я", "olena@example.com;Олена")
    run = map_columns(run, **{"Ім'я": "first_name"})
    run = flow.reread(run, encoding="windows-1251")
    assert run.encoding == "windows-1251"
    assert targets(run) == ["email", ""]
    run = flow.reread(run, encoding="utf-8", has_header=False)
    assert run.headers == ["Column 1", "Column 2"]
    assert run.samples[1] == ["olena@example.com", "Олена"]


@pytest.mark.django_db
def test_a_file_that_cannot_be_read_is_removed(tmp_path):
    path = store([b"%PDF-1.7 ..."], "contacts.csv")
    with pytest.raises(Exception, match="PDF"):
        flow.begin(path, "contacts.csv", by=BY)
    assert not path.exists()
    assert not Import.objects.exists()


# Running


def test_an_import_runs_on_the_worker_and_says_what_became_of_it(run_jobs: Jobs):
    run = flow.start(upload(HEADER, OLENA, "C2,nonsense,Богдан", "", TARAS))
    assert run.status == "queued"
    assert not Contact.objects.exists()

    run_jobs()

    run.refresh_from_db()
    assert (run.status, run.rows_total, run.rows_done, run.wish) == ("finished", 3, 3, "")
    assert (run.counts["created"], run.counts["failed"], run.counts["rows"]) == (2, 1, 3)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.run_seconds > 0
    assert list(ImportRow.objects.values_list("row", "column", "code")) == [(3, "email", "invalid_email")]
    assert flow.progress(run).rows_per_second > 0
    with pytest.raises(WrongMoment):
        flow.start(run)


def test_a_file_without_a_header_has_contacts_from_its_first_row_on(run_jobs: Jobs):
    run = flow.reread(upload(OLENA, BOHDAN), has_header=False)
    run = map_columns(run, Options(key="email"), Column_1="external_id", Column_2="email", Column_3="first_name")
    flow.start(run)
    run_jobs()
    assert list(Contact.objects.order_by("external_id").values_list("external_id", "first_name")) == [
        ("C1", "Олена"),
        ("C2", "Богдан"),
    ]


def test_a_run_that_waits_is_paused_resumed_and_cancelled_at_once(run_jobs: Jobs):
    run = flow.pause(flow.start(upload(HEADER, OLENA)))
    assert run.status == "paused"
    run_jobs()
    assert not Contact.objects.exists()
    flow.resume(run)
    run_jobs()
    run.refresh_from_db()
    assert run.status == "finished"

    other = flow.cancel(flow.start(upload(HEADER, BOHDAN)))
    run_jobs()
    other.refresh_from_db()
    assert (other.status, other.rows_done) == ("cancelled", 0)
    assert Contact.objects.count() == 1


def test_a_wish_is_obeyed_between_two_batches(run_jobs: Jobs):
    lines = [f"C{number},c{number}@example.com,Name {number}" for number in range(2_500)]
    run = flow.start(upload(HEADER, *lines))
    Import.objects.filter(pk=run.pk).update(status="running", wish="pause")
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.rows_done) == ("paused", 0)


def test_several_imports_run_at_once_and_wait_for_a_slot(run_jobs: Jobs, settings):
    settings.IMPORTS_AT_ONCE = 1
    runs = [flow.start(upload(HEADER, line)) for line in (OLENA, BOHDAN, TARAS)]
    for _ in runs:  # a worker that stops when the queue is empty may do so before the next one is enqueued
        run_jobs()
    assert {Import.objects.get(pk=run.pk).status for run in runs} == {"finished"}
    assert Contact.objects.count() == 3


def test_an_import_whose_worker_keeps_dying_is_given_up(run_jobs: Jobs):
    run = flow.start(upload(HEADER, OLENA))
    Import.objects.filter(pk=run.pk).update(status="running", attempts=5, taken_up_at="2026-01-01T00:00Z")
    run_jobs()
    run.refresh_from_db()
    assert run.status == "failed"
    assert "again and again" in run.error
    flow.resume(run)
    run_jobs()
    run.refresh_from_db()
    assert run.status == "finished"


def test_an_import_that_nobody_works_on_is_taken_up(run_jobs: Jobs):
    from procrastinate.contrib.django.models import ProcrastinateJob

    from contacts.imports.jobs import take_up_left

    run = flow.start(upload(HEADER, OLENA))
    ProcrastinateJob.objects.all()._raw_delete("default")
    take_up_left()
    take_up_left()
    assert ProcrastinateJob.objects.count() == 1
    run_jobs()
    run.refresh_from_db()
    assert run.status == "finished"


def test_a_file_that_is_gone_or_another_one_is_said(run_jobs: Jobs):
    gone = upload(HEADER, OLENA)
    remove(gone.stored_name)
    with pytest.raises(FileGone):
        flow.start(gone)

    changed = flow.start(upload(HEADER, OLENA))
    Import.objects.filter(pk=changed.pk).update(file_digest="0" * 64)
    run_jobs()
    changed.refresh_from_db()
    assert changed.status == "failed"
    assert "changed" in changed.error
    assert not Contact.objects.exists()


def test_an_import_is_done_again_with_the_same_file_or_another_one(run_jobs: Jobs):
    run = map_columns(
        upload("Nr,Wer", "C1,olena@example.com"),
        Options(key="email", fill_blanks_only=True),
        Nr="external_id",
        Wer="email",
    )
    flow.start(run)
    run_jobs()
    same = flow.again(run, by="user:2")
    assert (targets(same), same.options["fill_blanks_only"], same.by) == (["external_id", "email"], True, "user:2")
    remove(run.stored_name)
    flow.start(same)
    run_jobs()
    same.refresh_from_db()
    assert same.counts["unchanged"] == 1
    other = flow.again(run, by=BY, stored=store([b"Wer,Nr\nbohdan@example.com,C2\n"], "b.csv"), name="b.csv")
    assert (targets(other), other.file_name) == (["email", "external_id"], "b.csv")
    with pytest.raises(FileGone):
        flow.again(run, by=BY)


def test_a_corrected_cell_is_laid_over_its_row(run_jobs: Jobs):
    run = upload(HEADER, OLENA, "C2,nonsense,Богдан")
    flow.fix_cell(run, row=3, column=1, value="bohdan@example.com")
    flow.start(run)
    run_jobs()
    assert set(Contact.objects.values_list("email", flat=True)) == {"olena@example.com", "bohdan@example.com"}


def test_segments_and_event_types_of_the_options(run_jobs: Jobs):
    segment = Segment.objects.create(name="Fair", type=SegmentType.STATIC)
    run = upload(HEADER, OLENA)
    flow.start(map_columns(run, Options(key="email", add_to_segments=(segment.pk,), event_for_new="signed_up")))
    run_jobs()
    assert EventType.objects.get().key == "signed_up"
    assert segment.memberships.count() == 1


# Preview and undo


def test_a_preview_says_what_the_run_will_and_a_choice_takes_it_back(run_jobs: Jobs):
    run = flow.start_preview(upload(HEADER, OLENA, "C2,nonsense,Богдан"))
    assert run.status == "previewing"
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.rows_total, run.preview_rows_done) == ("previewed", 2, 2)
    assert (run.preview_counts["created"], run.preview_counts["failed"]) == (1, 1)
    assert PreviewRow.objects.count() == 2
    assert flow.progress(run).rows == 2
    assert not Contact.objects.exists()

    run = map_columns(run, Options(key="email"))
    assert (run.status, run.preview_counts) == ("uploaded", None)
    assert not PreviewRow.objects.exists()

    flow.start_preview(run)
    run_jobs()
    run.refresh_from_db()
    flow.start(run)
    run_jobs()
    run.refresh_from_db()
    assert run.preview_counts == run.counts
    assert not PreviewRow.objects.exists()


def test_a_preview_is_cancelled(run_jobs: Jobs):
    run = flow.cancel(flow.start_preview(upload(HEADER, OLENA)))
    assert run.wish == "cancel"
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.wish, run.preview_counts) == ("uploaded", "", None)
    flow.start_preview(run)


def test_an_import_is_taken_back(run_jobs: Jobs):
    segment = Segment.objects.create(name="Fair", type=SegmentType.STATIC)
    options = Options(
        key="email",
        add_to_segments=(segment.pk,),
        event_for_new="signed_up",
        consent={"category": "news", "basis": "fair"},
    )
    run = flow.start(map_columns(upload(HEADER, OLENA), options))
    with pytest.raises(WrongMoment):
        flow.start_undo(run, by=BY)
    run_jobs()
    run.refresh_from_db()
    flow.start_undo(run, by="user:2")
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.undo_by) == ("undone", "user:2")
    assert not Contact.objects.filter(state=ContactState.ACTIVE).exists()
    assert not Event.objects.exists()
    assert not Consent.objects.exists()
    assert not segment.memberships.exists()
    with pytest.raises(WrongMoment):
        flow.resume(run)


@pytest.mark.django_db
def test_old_files_and_previews_are_forgotten():
    run, fresh = upload(HEADER, OLENA), upload(HEADER, OLENA)
    long_ago = datetime.now(UTC) - timedelta(days=40)
    Import.objects.filter(pk=run.pk).update(created_at=long_ago, status="previewed", preview_counts={"rows": 1})
    PreviewRow.objects.create(import_run=run, row=2, status="created")
    os.utime(stored_path(run.stored_name), (long_ago.timestamp(),) * 2)
    jobs.forget_old_files(timestamp=0)
    run.refresh_from_db()
    assert run.status == "uploaded"
    assert not PreviewRow.objects.exists()
    with pytest.raises(FileGone):
        flow.start(run)
    flow.start_preview(fresh)
