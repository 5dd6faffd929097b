"""Somebody exports what a list shows, sees how far it is, thinks better of it, and fetches another one.

With ``PICTURES_INTO=docs/images`` it takes the pictures of docs/exports.md; with ``PICTURES=all`` one of every page,
light, dark and narrow.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from contacts import identity
from contacts.identity.types import API
from contacts.models import ContactExport, ExportStatus
from tests.looking import look

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = (
    {"external_id": "O-1", "email": "olena@example.com", "first_name": "Olena", "town": "Lviv"},
    {"external_id": "T-1", "email": "taras@example.com", "first_name": "Taras", "town": "Lviv"},
    {"external_id": "K-1", "first_name": "Oksana", "town": "Kyiv"},
)


def ask_for_a_file(page: Any) -> None:
    page.goto(reverse("admin:contacts_contact_changelist") + "?has_email=yes")
    page.locator(".cf-tools").get_by_role("link", name="Export").click()
    page.get_by_label("In the background").check()


def test_an_export_is_watched_and_cancelled_and_another_one_is_fetched(
    admin_page: Any, run_jobs: Callable[[], None], settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"
    page, exports = admin_page, ContactExport.objects
    identity.resolve(PEOPLE, API, by="user:1")

    ask_for_a_file(page)
    look(page, "export-ask", kept="page")
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Waiting for the worker…").wait_for()

    # How far a worker is stands there by itself.
    began = datetime.now(UTC) - timedelta(seconds=82)
    exports.update(status=ExportStatus.RUNNING, rows_total=1_000_000, rows_done=2_000, started_at=began)
    page.get_by_role("heading", name="The file is being written").wait_for()
    page.evaluate("window.isTheSame = true")
    exports.update(rows_done=412_000)
    page.get_by_text("412,000 of 1,000,000 contacts").wait_for()
    assert page.get_by_role("progressbar").evaluate("bar => bar.value") == 41
    assert page.title().startswith("41 %")
    assert page.evaluate("window.isTheSame")
    look(page, "export-run", kept="page")
    page.get_by_role("button", name="Cancel the export").click()
    page.get_by_text("It was cancelled, and nothing of the file is left.").wait_for()
    page.get_by_text("Email: has one").wait_for()
    look(page, "export-cancelled")

    ask_for_a_file(page)
    page.get_by_text("CSV, separated by commas").click()
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Waiting for the worker…").wait_for()
    run_jobs()
    with page.expect_download() as fetched:
        page.locator("#content").get_by_role("link", name="Download").click()

    with fetched.value.path().open(encoding="utf-8-sig", newline="") as file:
        assert [row["first_name"] for row in csv.DictReader(file)] == ["Olena", "Taras"]
    look(page, "export-done")
    page.goto(reverse("admin:contacts_contactexport_changelist"))
    page.locator("#content").get_by_role("link", name="Download").wait_for()
    look(page, "exports", kept="page")
