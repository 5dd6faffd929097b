"""The first page: what it shows to whom, at what price, and what the sidebar says by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.identity import resolve
from contacts.identity.types import IMPORT
from contacts.models import (
    ActionStatus,
    ContactAction,
    ContactExport,
    DuplicateCase,
    ExportStatus,
    FieldWork,
    Import,
    ImportStatus,
    Webhook,
)
from contacts.statistics import refresh_statistics
from crm.jobs import app
from crm.roles import set_role
from segments.models import Segment
from segments.sizes import count_sizes

pytestmark = pytest.mark.django_db

MOST_STATEMENTS = 15


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def look() -> Callable[..., Any]:
    """``look("marketer")``: the first page as this role has it, and what it asked the database."""

    def look(role: str = "administrator", **asked: str) -> Any:
        user = User.objects.filter(username=role).first() or User.objects.create_user(role)
        set_role(user, role)
        client = Client()
        client.force_login(user)
        with CaptureQueriesContext(connection) as statements:
            answer = client.get(reverse("admin:index"), asked)
        assert answer.status_code == 200
        assert len(statements) <= MOST_STATEMENTS, [one["sql"][:120] for one in statements]
        return answer

    return look


def panels(answer: Any) -> dict[str, Any]:
    return {shown.panel.name: shown.context for shown in answer.context["panels"]}


def waiting(answer: Any) -> list[str]:
    return [item["text"] for item in panels(answer)["waiting"]["items"]]


def badges(answer: Any) -> dict[str, str]:
    groups = answer.context["sidebar_navigation"]
    return {str(item["title"]): item["badge"] for group in groups for item in group["items"] if "badge" in item}


def open_cases(count: int) -> None:
    at = datetime.now(UTC)
    cases = (
        DuplicateCase(kind=2, value=f"olena{number}@example.com", reason="shared", contact_ids=[1, 2], opened_at=at)
        for number in range(count)
    )
    DuplicateCase.objects.bulk_create(cases)


# An empty installation


def test_an_empty_installation_says_what_to_do_first(look: Any) -> None:
    answer = look()

    steps = {str(step["what"]): step["link"] for step in panels(answer)["start"]["steps"]}
    assert steps["Import a file"] == reverse("admin:contacts_import_add")
    assert steps["Make an API key"] == reverse("admin:crm_apikey_add")
    assert "have not been worked out yet" in answer.content.decode()
    assert waiting(answer) == []


def test_first_steps_are_those_that_one_may_do(look: Any) -> None:
    steps = {str(step["what"]) for step in panels(look("marketer"))["start"]["steps"]}
    assert steps == {"Import a file", "Add a contact by hand"}

    answer = look("auditor")
    assert panels(answer)["start"]["steps"] == []
    assert "Ask whoever may import contacts" in answer.content.decode()
    assert "Work them out now" not in answer.content.decode()


def test_first_steps_go_once_there_is_somebody(look: Any) -> None:
    resolve([{"email": "olena@example.com"}], IMPORT, by="import:1")

    assert "start" not in panels(look())


def test_who_may_see_nothing_is_told_so(look: Any) -> None:
    answer = look("api_only")

    assert panels(answer) == {}
    assert "Ask an administrator for a role" in answer.content.decode()


# Figures


def test_figures_are_shown_as_they_were_counted(look: Any) -> None:
    resolve([{"email": "olena@example.com"}, {"phone": "+380501112233"}], IMPORT, by="import:1")
    refresh_statistics()
    resolve([{"email": "taras@example.com"}], IMPORT, by="import:1")

    shown = panels(look())

    assert [shown["contacts"][name] for name in ("all", "identified", "anonymous")] == ["2", "2", "0"]
    assert [(bar.label, bar.shown) for bar in shown["sources"]["bars"]] == [("Import", "2")]
    assert [(bar.label, bar.percent) for bar in shown["coverage"]["bars"]] == [
        ("External ID", "0 %"),
        ("Email", "50.0 %"),
        ("Phone", "50.0 %"),
    ]
    assert [channel["label"] for channel in shown["channels"]["channels"]] == ["Email", "Phone"]


def test_the_chart_has_a_name_a_description_and_a_table(look: Any) -> None:
    resolve([{"email": "olena@example.com"}], IMPORT, by="import:1")
    refresh_statistics(now=datetime.now(UTC) - timedelta(days=3))
    refresh_statistics()

    page = look().content.decode()

    assert 'role="img" aria-labelledby="chart-contacts-wide-title chart-contacts-wide-says"' in page
    assert '<title id="chart-contacts-wide-title">Contacts over time</title>' in page
    assert "The same as a table" in page
    assert "As of " in page


@pytest.mark.parametrize(("asked", "period"), [("30", 30), ("365", 365), ("5000000", 90), ("Taras", 90), ("", 90)])
def test_a_period_is_one_of_those_offered(look: Any, asked: str, period: int) -> None:
    refresh_statistics()

    assert look(days=asked).context["period"] == period


def test_figures_are_worked_out_when_somebody_asks(admin_client: Any) -> None:
    answer = admin_client.post(reverse("admin:contacts_dailyfigure_refresh"), follow=True)

    assert "worked out in the background" in answer.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'contacts.statistics.refresh'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(("role", "method"), [("auditor", "post"), ("api_only", "post"), ("administrator", "get")])
def test_figures_are_not_worked_out_for_who_may_only_look(client: Any, role: str, method: str) -> None:
    user = User.objects.create_user(role)
    set_role(user, role)
    client.force_login(user)

    answer = getattr(client, method)(reverse("admin:contacts_dailyfigure_refresh"))

    assert answer.status_code == 403
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (0,)


# What goes on


def test_an_import_that_is_under_way_says_how_far_it_is(look: Any) -> None:
    run = Import.objects.create(
        file_name="people.csv", status=ImportStatus.RUNNING, rows_total=1_000, rows_done=250, by="user:1"
    )
    Import.objects.create(file_name="old.csv", status=ImportStatus.FINISHED, by="user:1", finished_at=None)
    Import.objects.create(
        file_name="done.csv", status=ImportStatus.FINISHED, by="user:1", finished_at=datetime.now(UTC)
    )

    answer = look()

    [running, done] = panels(answer)["imports"]["rows"]
    assert (running["name"], running["progress"]["percent"], done["name"]) == ("people.csv", 25, "done.csv")
    assert running["link"] == reverse("admin:contacts_import_change", args=[run.pk])
    assert "data-live" in answer.content.decode()


def test_the_largest_segments_are_shown_with_the_age_of_their_size(look: Any) -> None:
    Segment.objects.exclude(builtin="no_email").delete()
    resolve([{"phone": "+380501112233"}], IMPORT, by="import:1")
    count_sizes(now=datetime.now(UTC) - timedelta(hours=2))

    answer = look()

    [row] = panels(answer)["segments"]["rows"]
    assert (row["name"], row["size"]) == ("No email", "1")
    assert "counted 2\xa0hours ago" in answer.content.decode()


def test_that_no_worker_runs_is_said_to_everybody(look: Any) -> None:
    for role in ("administrator", "marketer", "auditor"):
        assert "No worker is running" in look(role).content.decode()


def test_a_worker_that_was_heard_of_lately_runs(look: Any) -> None:
    hear_of_worker(seconds_ago=20)

    answer = look()

    assert "worker" not in panels(answer)
    assert panels(answer)["queue"]["queue"].is_worked_off


def test_a_worker_that_was_not_heard_of_for_a_minute_does_not_run(look: Any) -> None:
    hear_of_worker(seconds_ago=60)

    assert "The last one was heard of 1\xa0minute ago." in look().content.decode()


def hear_of_worker(*, seconds_ago: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 second')",
            [seconds_ago],
        )


def test_the_queue_says_how_much_waits_and_since_when(look: Any) -> None:
    job = app.configure_task("contacts.imports.run", allow_unknown=True, queue="imports").defer(import_id=1)
    later = datetime.now(UTC) + timedelta(hours=1)
    app.configure_task("contacts.exports.write", allow_unknown=True, schedule_at=later).defer(export_id=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = now() - interval '2 hours' WHERE job_id = %s", [job])

    queue = panels(look())["queue"]["queue"]

    assert (queue.due, queue.doing) == (1, 0)
    assert queue.now - queue.oldest_at >= timedelta(hours=2)


def test_jobs_are_shown_to_who_may_see_them(look: Any) -> None:
    assert "queue" in panels(look("auditor"))
    assert "queue" not in panels(look("marketer"))


# What waits


def test_what_waits_is_listed_with_what_to_do(look: Any) -> None:
    now = datetime.now(UTC)
    open_cases(3)
    Import.objects.create(file_name="a.csv", status=ImportStatus.FAILED, by="user:1", finished_at=now)
    Import.objects.create(
        file_name="b.csv", status=ImportStatus.FAILED, by="user:1", finished_at=now - timedelta(days=2)
    )
    ContactExport.objects.create(format="csv", status=ExportStatus.FAILED, by="user:1")
    ContactAction.objects.create(verb="delete", status=ActionStatus.FAILED, by="user:1")
    FieldWork.objects.create(field_key="tier", label="Tier", kind="convert", status="failed", by="user:1")
    Webhook.objects.create(name="Shop", url="https://shop.example.com", kinds=["created"], salt="s", failures=2)
    fail_a_job()

    answer = look()

    assert set(waiting(answer)) == {
        "3 cases of duplicates",
        "1 import failed since yesterday",
        "1 export failed since yesterday",
        "1 bulk action failed since yesterday",
        "1 change of a custom field failed since yesterday",
        "1 webhook is not reached",
        "1 job failed since yesterday",
    }
    assert all(item["advice"] and item["link"] for item in panels(answer)["waiting"]["items"])
    assert badges(answer)["Duplicates"] == "3"
    assert badges(answer)["Background work"] == "1"


def fail_a_job() -> int:
    job = app.configure_task("contacts.imports.run", allow_unknown=True, queue="imports").defer(import_id=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [job])
        cursor.execute("INSERT INTO procrastinate_events (job_id, type, at) VALUES (%s, 'failed', now())", [job])
    return job


def test_what_waits_is_listed_for_who_may_see_it(look: Any) -> None:
    fail_a_job()
    open_cases(1)

    assert waiting(look("marketer")) == ["1 case of duplicates"]
    assert "Background work" not in badges(look("marketer"))


def test_what_waits_is_counted_up_to_99(look: Any) -> None:
    open_cases(150)

    answer = look()

    assert waiting(answer) == ["99+ cases of duplicates"]
    assert badges(answer) == {"Duplicates": "99+"}


def test_every_page_counts_what_waits_once_in_some_seconds(admin_client: Any) -> None:
    admin_client.get(reverse("admin:crm_apikey_changelist"))
    open_cases(1)

    with CaptureQueriesContext(connection) as statements:
        answer = admin_client.get(reverse("admin:crm_apikey_changelist"))

    assert badges(answer) == {}
    assert not [one for one in statements if "duplicatecase" in one["sql"]]


@pytest.mark.parametrize(
    ("address", "entry"),
    [
        ("index", "Dashboard"),
        ("contacts_account_changelist", "Account"),
        ("contacts_settings", "All settings"),
        ("contacts_retention", "Retention"),
        ("contacts_import_add", "Imports"),
        ("account", ""),
    ],
)
def test_one_entry_of_the_sidebar_is_the_page_one_is_on(admin_client: Any, address: str, entry: str) -> None:
    answer = admin_client.get(reverse(f"admin:{address}"), follow=True)

    items = [item for group in answer.context["sidebar_navigation"] for item in group["items"]]
    assert [str(item["title"]) for item in items if item["active"]] == [entry] * bool(entry)


def test_the_sidebar_begins_with_the_dashboard_and_names_no_empty_group(look: Any) -> None:
    groups = look("marketer").context["sidebar_navigation"]

    assert [str(item["title"]) for item in groups[0]["items"]] == ["Dashboard"]
    assert all(group["items"] for group in groups)
    assert not groups[0]["separator"]


# Lists with nothing in them


@pytest.mark.parametrize(
    ("address", "asked", "words"),
    [
        ("contacts_webhook_changelist", {}, "No other system is told of changes yet."),
        ("crm_apikey_changelist", {}, "No other system may read or write yet."),
        ("crm_apikey_changelist", {"q": "Shop"}, "Nothing fits what you search for"),
        ("contacts_contactaction_changelist", {}, "Nothing was done to many at once yet."),
    ],
)
def test_an_empty_list_says_what_would_be_there(
    admin_client: Any, address: str, asked: dict[str, str], words: str
) -> None:
    page = admin_client.get(reverse(f"admin:{address}"), asked).content.decode()

    assert words in page
    assert "crm/admin.css" in page
