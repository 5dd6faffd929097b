"""Background work as a page: jobs in words, tried again and cancelled by who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import ContactExport, Import, Webhook
from crm.admin.job_words import words_of
from crm.api.keys import create_api_key
from crm.jobs import app
from crm.models import AuditEntry
from crm.roles import set_role

pytestmark = pytest.mark.django_db

LIST = "admin:procrastinate_procrastinatejob_changelist"
ONE = "admin:procrastinate_procrastinatejob_change"
DO = "admin:procrastinate_procrastinatejob_do"
HOUSES = ("crm.", "contacts.", "segments.")


def enqueue(task: str = "contacts.imports.run", *, status: str = "todo", **options: Any) -> int:
    """A job in this state, with what the queue notes on the way there."""
    given = options.pop("given", {"import_id": 1})
    job: int = app.configure_task(task, allow_unknown=True, **options).defer(**given)
    if status == "todo":
        return job
    with connection.cursor() as cursor:
        if status == "doing":
            cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
            [worker] = cursor.fetchone()
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", [worker, job]
            )
        else:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job])
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status WHERE id = %s", [status, job]
            )
    return job


def status_of(job: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [job])
        return str(cursor.fetchone()[0])


def rows(answer: Any) -> list[Any]:
    assert answer.status_code == 200
    return list(answer.context["rows"])


def test_every_job_has_words() -> None:
    names = {name for name in app.tasks if name.startswith(HOUSES)}

    assert names
    assert {name for name in names if words_of(name) is None} == set()


def test_a_job_says_what_it_does_about_what_and_for_whom(admin_client: Any, admin_user: Any) -> None:
    run = Import.objects.create(file_name="people.csv", by=f"user:{admin_user.pk}")
    key, _secret = create_api_key("Shop", scope="full")
    export = ContactExport.objects.create(format="csv", by=f"key:{key.pk}")
    webhook = Webhook.objects.create(name="Mailer", url="https://mailer.example.com", kinds=["created"], salt="s")
    enqueue("contacts.imports.run", given={"import_id": run.pk})
    enqueue("contacts.exports.write", given={"export_id": export.pk})
    enqueue("contacts.webhooks.deliver", given={"webhook_id": webhook.pk})
    enqueue("contacts.jobs.apply_retention_by_night", given={"timestamp": 0})

    found = {
        (row.label, row.about.text if row.about else "", row.owner) for row in rows(admin_client.get(reverse(LIST)))
    }

    assert found == {
        ("Importing a file", "people.csv", "admin"),
        ("Writing an export", "a csv file", "API key Shop"),
        ("Telling a webhook", "Mailer", "the system"),
        ("Removing what is kept no longer", "", "the clock"),
    }


def test_a_job_of_something_that_is_gone_or_unknown_is_shown_all_the_same(admin_client: Any) -> None:
    enqueue("contacts.imports.run", given={"import_id": 5_000_000})
    enqueue("contacts.imports.run", given={"import_id": "people.csv"})
    enqueue("shop.reindex", given={"shelf": [1, 2]})

    labels = [row.label for row in rows(admin_client.get(reverse(LIST)))]

    assert labels == ["Importing a file", "Importing a file", "shop.reindex"]


def test_what_is_under_way_comes_first_and_what_is_to_come_last(admin_client: Any) -> None:
    later = enqueue("contacts.webhooks.deliver", schedule_at=datetime.now(UTC) + timedelta(hours=1))
    waiting, doing = enqueue(), enqueue(status="doing")

    found = rows(admin_client.get(reverse(LIST)))

    assert [(row.id, row.state) for row in found] == [(doing, "doing"), (waiting, "todo"), (later, "later")]
    assert [row.verb for row in found] == ["", "cancel", "cancel"]


@pytest.mark.parametrize(("show", "states"), [("failed", ["cancelled", "failed"]), ("done", ["succeeded"])])
def test_what_ended_is_listed_the_newest_first(admin_client: Any, show: str, states: list[str]) -> None:
    for status in ("failed", "cancelled", "succeeded"):
        enqueue(status=status)

    assert [row.state for row in rows(admin_client.get(reverse(LIST), {"show": show}))] == states


def test_what_ended_is_read_page_by_page(admin_client: Any) -> None:
    jobs = [enqueue(status="failed") for _ in range(60)]

    first = admin_client.get(reverse(LIST), {"show": "failed"})
    second = admin_client.get(reverse(LIST), {"show": "failed", "before": first.context["next_before"]})

    assert [row.id for row in (*rows(first), *rows(second))] == list(reversed(jobs))
    assert second.context["next_before"] is None


@pytest.mark.parametrize("asked", [{"show": "everything"}, {"before": "Taras"}, {"before": "9" * 40}, {"e": "1"}])
def test_an_address_that_asks_for_nonsense_shows_the_list(admin_client: Any, asked: dict[str, str]) -> None:
    enqueue()

    assert len(rows(admin_client.get(reverse(LIST), asked))) == 1


def test_a_full_page_asks_few_questions(admin_client: Any, admin_user: Any) -> None:
    key, _secret = create_api_key("Shop", scope="full")
    for number in range(12):
        run = Import.objects.create(file_name=f"{number}.csv", by=f"user:{admin_user.pk}")
        export = ContactExport.objects.create(format="csv", by=f"key:{key.pk}")
        webhook = Webhook.objects.create(name=f"{number}", url="https://a.example.com", kinds=["created"], salt="s")
        enqueue("contacts.imports.run", given={"import_id": run.pk})
        enqueue("contacts.exports.write", given={"export_id": export.pk})
        enqueue("contacts.webhooks.deliver", given={"webhook_id": webhook.pk})
        enqueue("segments.snapshots.fill", given={"snapshot_id": 1})

    with CaptureQueriesContext(connection) as statements:
        rows(admin_client.get(reverse(LIST)))

    assert len(statements) <= 15


def test_one_job_shows_what_happened_to_it(admin_client: Any) -> None:
    job = enqueue(status="failed")

    answer = admin_client.get(reverse(ONE, args=[job]))

    page = answer.content.decode()
    assert [what for _at, what in answer.context["events"]] == ["put into the queue", "begun", "failed"]
    assert "contacts.imports.run" in page
    assert "&quot;import_id&quot;: 1" in page


@pytest.mark.parametrize("asked", ["7", "9" * 30, "Taras"])
def test_a_job_that_is_not_kept_is_not_found(admin_client: Any, asked: str) -> None:
    assert admin_client.get(reverse(ONE, args=[asked])).status_code == 404


def test_a_job_that_failed_is_tried_again(admin_client: Any) -> None:
    job = enqueue(status="failed")

    answer = admin_client.post(reverse(DO, args=[job, "retry"]), follow=True)

    assert status_of(job) == "todo"
    assert "The job is tried again." in answer.content.decode()
    entry = AuditEntry.objects.get(action=AuditEntry.Action.CHANGED)
    assert (entry.about, entry.details["verb"]) == (f"procrastinate.procrastinatejob:{job}", "retry")
    assert admin_client.get(reverse("admin:crm_auditentry_changelist")).status_code == 200


@pytest.mark.parametrize("status", ["todo", "doing", "succeeded"])
def test_only_what_failed_is_tried_again(admin_client: Any, status: str) -> None:
    job = enqueue(status=status)

    answer = admin_client.post(reverse(DO, args=[job, "retry"]), follow=True)

    assert status_of(job) == status
    assert "has not failed" in answer.content.decode()


def test_work_that_is_queued_already_is_not_queued_twice(admin_client: Any) -> None:
    failed = enqueue(status="failed", queueing_lock="the one")
    enqueue(queueing_lock="the one")

    answer = admin_client.post(reverse(DO, args=[failed, "retry"]), follow=True)

    assert status_of(failed) == "failed"
    assert "in the queue already" in answer.content.decode()


def test_a_job_that_waits_is_cancelled(admin_client: Any) -> None:
    job = enqueue()

    answer = admin_client.post(reverse(DO, args=[job, "cancel"]), follow=True)

    assert status_of(job) == "cancelled"
    assert "The job was cancelled." in answer.content.decode()


def test_a_job_that_has_begun_is_not_cancelled(admin_client: Any) -> None:
    job = enqueue(status="doing")

    answer = admin_client.post(reverse(DO, args=[job, "cancel"]), follow=True)

    assert status_of(job) == "doing"
    assert "has begun already" in answer.content.decode()


ROLES = {"administrator": (200, 302), "auditor": (200, 403), "marketer": (403, 403), "api_only": (403, 403)}


@pytest.mark.parametrize("role", ROLES)
def test_looking_and_acting_take_their_own_permissions(client: Any, role: str) -> None:
    user = User.objects.create_user(role)
    set_role(user, role)
    client.force_login(user)
    failed, waiting = enqueue(status="failed"), enqueue()
    looking, acting = ROLES[role]

    assert client.get(reverse(LIST)).status_code == looking
    assert client.get(reverse(ONE, args=[failed])).status_code == looking
    assert client.get(reverse(DO, args=[failed, "retry"])).status_code == 403
    assert client.post(reverse(DO, args=[failed, "retry"])).status_code == acting
    assert client.post(reverse(DO, args=[waiting, "cancel"])).status_code == acting
    assert status_of(waiting) == ("cancelled" if acting == 302 else "todo")


def test_who_may_only_look_has_no_buttons(client: Any) -> None:
    user = User.objects.create_user("nina")
    set_role(user, "auditor")
    client.force_login(user)
    enqueue()

    assert "Cancel" not in client.get(reverse(LIST)).content.decode()


def test_the_list_takes_no_actions(admin_client: Any) -> None:
    job = enqueue()

    answer = admin_client.post(reverse(LIST), {"action": "delete_selected", "_selected_action": [job]})

    assert answer.status_code == 403
    assert status_of(job) == "todo"
