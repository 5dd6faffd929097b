"""The first page as a person has it: what waits, the chart and its table, a job tried again; light, dark and narrow.

With ``PICTURES_INTO=docs/images`` it takes the pictures of docs/back-office.md.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from contacts.keys import Kind
from contacts.models import ChannelState, Contact, DuplicateCase, Import, ImportStatus
from contacts.statistics import refresh_statistics
from crm.jobs import app
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import Segment, SegmentType
from segments.sizes import count_sizes

AXE = Path(__file__).parents[2] / ".venv/node_modules/axe-core/axe.min.js"
INTO = os.environ.get("PICTURES_INTO", "")
CROWD = 6_000 if INTO else 60
SOURCES = ("import", "import", "api", "web", "sheet")
STATES = (ChannelState.ACTIVE, ChannelState.ACTIVE, ChannelState.ACTIVE, ChannelState.UNCONFIRMED)


def find_barriers(page: Any) -> list[str]:
    """What axe finds, a line each; nothing is asked where axe is not installed."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run('#content-main')")
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def make_contact(number: int) -> Contact:
    at = timezone.now() - timedelta(days=(number * 37) % 200 // (1 + number % 4))
    is_known = number % 7 > 0
    has_phone = is_known and number % 4 == 0
    state = ChannelState.UNSUBSCRIBED if number % 23 == 0 else STATES[number % 11 % 4]
    return Contact(
        email=f"olena{number}@example.com" if is_known else None,
        email_state=state if is_known else None,
        identifier_kinds=4 | (2 if number % 3 else 0) | (8 if has_phone else 0) if is_known else 1 << Kind.COOKIE,
        phone=f"+38050{number:07}" if has_phone else None,
        phone_state=ChannelState.ACTIVE if has_phone else None,
        source=SOURCES[number % 5] if is_known else "web",
        created_at=at,
        updated_at=at,
    )


@pytest.fixture
def busy(transactional_db: None, admin_user: Any) -> Import:
    """An account where something goes on; the import that runs."""
    cache.clear()
    contacts = Contact.objects.bulk_create(make_contact(number) for number in range(CROWD))
    refresh_statistics()
    friends = save_segment(Segment(name="Regular customers", type=SegmentType.STATIC))
    add_members(friends, [contact.pk for contact in contacts[::3]], by="user:1")
    count_sizes()
    now, by = datetime.now(UTC), f"user:{admin_user.pk}"
    DuplicateCase.objects.create(kind=2, value="olena@example.com", reason="shared", contact_ids=[1, 2], opened_at=now)
    done = {"created": 1_200, "updated": 3_700, "unchanged": 80, "failed": 20}
    Import.objects.create(
        file_name="loyalty cards.xlsx", status=ImportStatus.FINISHED, by=by, counts=done, finished_at=now
    )
    run = Import.objects.create(
        file_name="spring.csv",
        status=ImportStatus.RUNNING,
        by=by,
        rows_total=48_000,
        rows_done=17_400,
        taken_up_at=now - timedelta(seconds=20),
        counts={"created": 17_400},
    )
    fail_a_job(run.pk)
    return run


def fail_a_job(import_id: int) -> None:
    job = app.configure_task("contacts.imports.run", allow_unknown=True, queue="imports").defer(import_id=import_id)
    with connection.cursor() as cursor:
        for status in ("doing", "failed"):
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = %s::procrastinate_job_status WHERE id = %s", [status, job]
            )
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


def take(page: Any, name: str) -> None:
    if INTO:
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        page.screenshot(path=str(Path(INTO) / f"{name}.png"), full_page=True)


def turn_dark(page: Any, *, is_dark: bool) -> None:
    page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", is_dark)


def widths(page: Any) -> tuple[int, int]:
    return tuple(page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]"))  # type: ignore[return-value]


def test_a_morning_at_the_dashboard(admin_page: Any, busy: Import, run_jobs: Any) -> None:
    page = admin_page
    page.goto("/admin/")
    page.get_by_role("heading", name="Contacts over time").wait_for()
    chart = page.get_by_role("img", name="Contacts over time")
    assert chart.is_visible()
    assert page.get_by_role("progressbar", name="spring.csv").get_attribute("value") == "36"
    assert page.get_by_text("Regular customers").is_visible()
    assert find_barriers(page) == []
    take(page, "dashboard")

    turn_dark(page, is_dark=True)
    assert find_barriers(page) == []
    take(page, "dashboard-dark")

    page.get_by_text("The same as a table").click()
    assert page.get_by_role("region", name="Contacts over time").get_by_role("row").count() > 30
    page.get_by_text("The same as a table").click()
    page.get_by_role("link", name="30 days", exact=True).click()
    page.locator("nav[aria-label='Period of the chart'] [aria-current]", has_text="30 days").wait_for()

    page.set_viewport_size({"width": 390, "height": 844})
    width, room = widths(page)
    assert width <= room
    assert page.locator(".ch-narrow").is_visible()
    assert not page.locator(".ch-wide").is_visible()
    assert find_barriers(page) == []
    take(page, "dashboard-narrow")

    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("link", name="1 job failed since yesterday").click()
    page.get_by_role("cell", name="Importing a file spring.csv").wait_for()
    assert find_barriers(page) == []
    take(page, "background-work")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("The job is tried again.").wait_for()
    assert find_barriers(page) == []
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("The job was cancelled.").wait_for()

    page.goto("/admin/nowhere/")
    page.get_by_role("heading", name="There is nothing here.").last.wait_for()
    assert find_barriers(page) == []
    page.get_by_role("link", name="To the dashboard").click()
    page.get_by_role("heading", name="Contacts over time").wait_for()


def test_the_first_day(admin_page: Any, transactional_db: None, run_jobs: Any) -> None:
    cache.clear()
    page = admin_page
    page.goto("/admin/")
    page.get_by_text("No worker is running").wait_for()
    assert find_barriers(page) == []
    take(page, "dashboard-empty")

    page.get_by_role("button", name="Work them out now").click()
    page.get_by_text("The figures are worked out in the background.").wait_for()
    run_jobs()
    page.reload()
    page.get_by_role("img", name="Contacts over time").wait_for()
    page.get_by_role("link", name="Import a file").first.click()
    page.wait_for_url("**/admin/contacts/import/add/")
