"""An export that waits or is being written can be cancelled by whoever asked for it; nothing of its file stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from contacts.exports import flow
from contacts.exports.errors import ExportIsOver, MayNotCancel, Withdrawn
from contacts.exports.flow import cancel_export, start_export
from contacts.models import ContactExport, ExportStatus
from crm.models import ApiKey, AuditEntry
from tests.together import Other

pytestmark = pytest.mark.django_db

EXPORTS = "/api/v1/exports"
OVER = [status for status in ExportStatus.values if status not in flow.OPEN]


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    settings.EXPORTS_DIR.mkdir()
    return tmp_path / "exports"


def have_crowd(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (external_id, first_name, last_name, town, language_code, attributes, state,"
            " identifier_kinds, made_deliberately, order_count, source, created_at, updated_at)"
            " SELECT 'C-' || n, 'Olena', 'Shevchenko', 'Lviv', 'uk', '{}', 1, 4, false, 0, 'import', now(), now()"
            " FROM generate_series(1, %s) n",
            [number],
        )


# The verb


def test_one_that_waits_is_never_written(run_jobs: Callable[[], None], folder: Path) -> None:
    export = start_export(population=None, format="csv", by="key:1")

    cancel_export(export, by="key:1")
    run_jobs()

    export.refresh_from_db()
    assert (export.status, export.started_at, export.error) == (ExportStatus.CANCELLED, None, "")
    assert export.finished_at is not None
    assert not list(folder.iterdir())


def test_one_that_is_being_written_stops_and_its_half_written_file_goes(
    run_jobs: Callable[[], None], folder: Path
) -> None:
    have_crowd(30_000)
    export = start_export(population=None, format="xlsx", by="key:1")

    worker = Other(run_jobs)
    while not ContactExport.objects.filter(pk=export.pk, rows_done__gt=0).exists():
        time.sleep(0.01)
    assert len(list(folder.iterdir())) == 1
    cancel_export(export, by="key:1")
    assert not list(folder.iterdir())
    worker.finish()

    export.refresh_from_db()
    assert (export.status, export.error) == (ExportStatus.CANCELLED, "")
    assert 0 < export.rows_done < 30_000
    assert not list(folder.iterdir())


def test_what_a_killed_worker_left_goes_with_it(folder: Path) -> None:
    (folder / "half.csv").write_bytes(b"Olena")
    export = ContactExport.objects.create(format="csv", status=ExportStatus.RUNNING, stored_name="half.csv", by="key:1")

    cancel_export(export, by="key:1")

    assert not list(folder.iterdir())


def test_what_a_killed_worker_left_goes_when_the_file_is_written_anew(folder: Path) -> None:
    (folder / "half.csv").write_bytes(b"Olena")
    export = ContactExport.objects.create(
        format="csv", status=ExportStatus.RUNNING, stored_name="half.csv", by="key:1", rows_done=7
    )

    flow.write_export(export)

    export.refresh_from_db()
    assert (export.status, export.rows_done) == (ExportStatus.FINISHED, 0)
    assert [path.name for path in folder.iterdir()] == [export.stored_name]


def test_a_worker_that_comes_back_does_not_disturb_the_one_that_took_over(folder: Path) -> None:
    ours = start_export(population=None, format="csv", by="key:1")
    theirs = ContactExport.objects.get(pk=ours.pk)

    def come_back() -> None:
        with flow.new_file("csv") as (path, _file):
            flow.take_up(ours, path, 0)
            flow.write_export(theirs)
            flow.finish(ours, 0)

    with pytest.raises(Withdrawn):
        come_back()

    theirs.refresh_from_db()
    assert theirs.status == ExportStatus.FINISHED
    assert [path.name for path in folder.iterdir()] == [theirs.stored_name]


@pytest.mark.parametrize("status", OVER)
def test_one_that_is_over_stays_what_it_is(status: str, folder: Path) -> None:
    (folder / "whole.csv").write_bytes(b"Olena")
    export = ContactExport.objects.create(format="csv", status=status, stored_name="whole.csv", by="key:1")

    with pytest.raises(ExportIsOver, match="Look what came of it"):
        cancel_export(export, by="key:1")

    export.refresh_from_db()
    assert (export.status, export.finished_at) == (status, None)
    assert (folder / "whole.csv").exists()


def test_nobody_else_cancels_it_but_an_administrator() -> None:
    export = start_export(population=None, format="csv", by="key:1")

    for by in ("key:2", "user:1", "key:11", ""):
        with pytest.raises(MayNotCancel, match="Ask them"):
            cancel_export(export, by=by)

    assert cancel_export(export, by="user:1", is_administrator=True).status == ExportStatus.CANCELLED


# By the API


def cancel_by(call_api: Any, export: int, scope: str = "full") -> Any:
    return call_api("post", f"{EXPORTS}/{export}/cancel", scope=scope)


def test_the_key_that_asked_for_it_cancels_it(call_api: Any) -> None:
    job = call_api("post", EXPORTS, {}, scope="read").json()

    answer = cancel_by(call_api, job["id"], scope="read")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["status"], told["fileUrl"]) == (job["id"], "cancelled", None)
    assert told["message"] == "Somebody cancelled the export."
    key = ContactExport.objects.get().by
    entry = AuditEntry.objects.get(action="changed")
    assert (entry.by, entry.about) == (key, f"contacts.contactexport:{job['id']}")
    assert entry.details == {"status": "cancelled"}
    listed = call_api("get", f"{EXPORTS}?status=cancelled", scope="read").json()
    assert [one["id"] for one in listed] == [job["id"]]


@pytest.mark.parametrize(
    ("scope", "status"),
    [("full", 200), ("read", 403), ("contacts_and_events", 403), ("contacts_and_events_write", 403), ("events", 403)],
)
def test_another_key_cancels_it_only_where_it_may_do_everything(call_api: Any, scope: str, status: int) -> None:
    export = start_export(population=None, format="csv", by="key:987654")

    answer = cancel_by(call_api, export.pk, scope)

    assert answer.status_code == status
    export.refresh_from_db()
    assert (export.status == ExportStatus.CANCELLED) == (status == 200)


def test_one_that_is_over_or_unknown_is_told(call_api: Any) -> None:
    export = ContactExport.objects.create(format="csv", status=ExportStatus.FINISHED, by="key:1")

    over, unknown, odd = (cancel_by(call_api, number) for number in (export.pk, 987_654, 10**30))

    assert (over.status_code, over.json()["code"]) == (409, "conflict")
    assert (unknown.status_code, odd.status_code) == (404, 404)
    assert not AuditEntry.objects.filter(action="changed").exists()


def test_a_link_ends_with_the_key_that_was_given_it(call_api: Any, run_jobs: Callable[[], None], client: Any) -> None:
    job = call_api("post", EXPORTS, {}).json()
    run_jobs()
    link = call_api("get", f"{EXPORTS}/{job['id']}").json()["fileUrl"]
    assert b"".join(client.get(link).streaming_content)

    ApiKey.objects.update(disabled_at="2026-01-01T00:00:00Z")

    assert client.get(link).status_code == 404
    ApiKey.objects.all().delete()
    assert client.get(link).status_code == 404


# On its page


def page_of(export: ContactExport, name: str = "change") -> str:
    return reverse(f"admin:contacts_contactexport_{name}", args=[export.pk])


def test_the_page_offers_it_to_whoever_asked_and_to_administrators(
    admin_client: Any, sign_in: Callable[[str], Any]
) -> None:
    client = sign_in("marketer")
    marketer = User.objects.get(username="marketer")
    mine = start_export(population=None, format="csv", by=f"user:{marketer.pk}")
    theirs = start_export(population=None, format="csv", by="key:7")

    button = "Cancel the export"
    assert [button in client.get(page_of(export)).content.decode() for export in (mine, theirs)] == [True, False]
    assert client.post(page_of(theirs, "cancel")).status_code == 403
    assert client.get(page_of(mine, "cancel")).status_code == 405
    assert client.post(page_of(mine, "cancel")).url == page_of(mine)
    assert button in admin_client.get(page_of(theirs)).content.decode()
    assert admin_client.post(page_of(theirs, "cancel")).url == page_of(theirs)

    assert set(ContactExport.objects.values_list("status", flat=True)) == {ExportStatus.CANCELLED}
    page = client.get(page_of(mine)).content.decode()
    assert "It was cancelled, and nothing of the file is left." in page
    assert button not in page
    assert AuditEntry.objects.filter(action="changed").earliest("pk").by == mine.by


def test_too_late_is_said_on_the_page(admin_client: Any) -> None:
    export = ContactExport.objects.create(format="csv", status=ExportStatus.FAILED, by="key:7", error="No room.")

    page = admin_client.post(page_of(export, "cancel"), follow=True).content.decode()

    assert "This export is over. Look what came of it." in page
    assert "No room." in page
