"""An administrator adds a warehouse, tests it, runs it, adds a column and runs it again; no barriers on the way.

With ``PICTURES_INTO=docs/images`` it takes the pictures of docs/warehouse.md; with ``PICTURES=all`` one of every page,
light, dark and narrow.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from contacts.exports.warehouse.jobs import attend
from contacts.models import ExportRun, ExportTarget, RunStatus
from tests.looking import look
from tests.people import OLENA, TARAS, Stage, change, have

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = (
    have("olena", {"external_id": "O-1", "email": OLENA, "first_name": "Olena"}),
    have("taras", {"external_id": "T-1", "email": TARAS, "first_name": "Taras"}),
)


def work() -> ExportRun:
    """What a worker would do: whatever waits."""
    run = ExportRun.objects.get(status=RunStatus.QUEUED)
    attend(run.pk, tell=lambda: None)
    run.refresh_from_db()
    assert run.error == ""
    return run


def test_a_warehouse_is_added_tested_run_and_gets_a_column(admin_page: Any, stage: Stage, company: Any) -> None:
    page = admin_page
    for step in PEOPLE:
        step(stage)

    page.goto(reverse("admin:contacts_exporttarget_changelist"))
    page.get_by_text("No warehouse is kept up to date yet.").wait_for()
    page.goto(reverse("admin:contacts_exporttarget_add"))
    page.get_by_label("Kind").select_option("postgresql")
    page.get_by_label("Name").fill("Company")
    page.get_by_label("Address").fill(company.dsn)
    page.get_by_label("Schema").fill("cardfile")
    page.get_by_label("Encryption on the way").select_option("prefer")
    look(page, "warehouse-add", kept="page")
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("The connection works").wait_for()
    shown = {"schema": "cardfile", "shown": "db.example.com:5432/crm as cardfile"}
    ExportTarget.objects.update(settings={**ExportTarget.objects.get().settings, **shown})
    page.get_by_role("link", name="Choose tables and columns").click()
    page.get_by_text("columns", exact=False).locator("xpath=ancestor-or-self::summary").first.click()
    look(page, "warehouse-tables", kept="window")
    page.get_by_label("External ID").first.uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The next run goes by it.").wait_for()

    page.get_by_role("button", name="Run now").click()
    page.get_by_text("Waiting for the worker…").wait_for()
    look(page, "warehouse-waiting")
    assert work().counts["contacts"]["written"] == 2
    page.get_by_text("Contacts: 2 written").wait_for()
    assert "externalCustomerId" not in company.rows()[0]

    page.get_by_role("link", name="Choose tables and columns").click()
    page.get_by_text("columns", exact=False).locator("xpath=ancestor-or-self::summary").first.click()
    page.get_by_label("External ID").first.check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The next run adds 1 column at the target").wait_for()
    look(page, "warehouse-column")
    change("olena", {"first_name": "Olha"})(stage)
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("Waiting for the worker…").wait_for()
    work()
    page.get_by_role("button", name="Run now").wait_for()
    look(page, "warehouse", kept="page")
    assert [(row["firstName"], row["externalCustomerId"]) for row in company.rows()] == [
        ("Olha", "O-1"),
        ("Taras", "T-1"),
    ]

    company.server.execute("DROP TABLE cardfile.contacts")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("Waiting for the worker…").wait_for()
    attend(ExportRun.objects.get(status=RunStatus.QUEUED).pk, tell=lambda: None)
    page.get_by_role("button", name="Run now").wait_for()
    page.get_by_text("Failed", exact=True).first.wait_for()
    look(page, "warehouse-failed", kept=".cf-warehouse")
    page.goto(reverse("admin:contacts_exporttarget_changelist"))
    look(page, "warehouse-list")
    assert ExportTarget.objects.get().failed_at is not None
