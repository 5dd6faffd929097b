"""What a warehouse has not read yet is kept for it; one that slept longer is told that it has to begin anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.exports.warehouse.errors import FullRunNeeded
from contacts.exports.warehouse.marks import forget_marks
from contacts.identity import resolve_one
from contacts.identity.old_changes import forget_old_changes
from contacts.identity.types import API
from contacts.imports import flow
from contacts.models import Change, ExportMark, ExportTable, ExportTarget
from tests.contacts.exports.warehouse.copies import make_copies
from tests.contacts.exports.warehouse.test_changes import come, order
from tests.contacts.imports.flowing import upload_orders
from tests.people import BOHDAN, BY, OLENA

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=100)
BEFORE = NOW - timedelta(days=90)


def come_long_ago(email: str) -> None:
    resolve_one({"email": email}, API, by=BY, at=LONG_AGO)


@pytest.mark.django_db
def test_changes_that_a_warehouse_has_not_read_are_not_forgotten() -> None:
    copies = make_copies()
    come_long_ago(OLENA)
    assert forget_old_changes(BEFORE) == 0
    copies.catch_up()
    assert forget_old_changes(BEFORE) == 1
    copies.catch_up()
    copies.check()


@pytest.mark.django_db
def test_a_table_that_is_being_filled_goes_on_from_where_that_began() -> None:
    make_copies()
    come_long_ago(OLENA)
    for table in ExportTable.objects.all():
        table.filling = {"position": table.position}
        table.position = {}
        table.save()
    assert forget_old_changes(BEFORE) == 0


@pytest.mark.django_db
def test_a_warehouse_that_slept_while_changes_were_forgotten_needs_a_full_run() -> None:
    copies = make_copies()
    ExportTarget.objects.update(is_active=False)
    come_long_ago(OLENA)
    come(email=BOHDAN)
    assert forget_old_changes(BEFORE) == 1
    with pytest.raises(FullRunNeeded):
        copies.catch_up()
    copies.fill()
    copies.catch_up()
    copies.check()


@pytest.mark.django_db
def test_marks_are_kept_until_every_target_has_read_them() -> None:
    first, second = make_copies(), make_copies(name="Finance")
    come(email=OLENA)
    order("O-1")
    ExportMark.objects.update(at=LONG_AGO)
    first.catch_up()
    forget_marks()
    assert ExportMark.objects.exists()
    second.catch_up()
    forget_marks()
    assert not ExportMark.objects.exists()
    order("O-1", "CANCELLED")
    for copies in (first, second):
        copies.catch_up()
        copies.check()


@pytest.mark.django_db
def test_a_warehouse_that_slept_while_marks_were_forgotten_needs_a_full_run() -> None:
    come(email=OLENA)
    copies = make_copies()
    ExportTarget.objects.update(is_active=False)
    order("O-1")
    ExportMark.objects.update(at=LONG_AGO)
    forget_marks()
    with pytest.raises(FullRunNeeded):
        copies.by_slug["orders"].catch_up({"journal": Change.objects.latest("id").pk, "marks": 10**6, "events": 10**6})


@pytest.mark.django_db
def test_nothing_is_marked_while_nothing_is_exported() -> None:
    come(email=OLENA)
    order("O-1")
    assert not ExportMark.objects.exists()


def test_orders_that_an_import_takes_back_go(run_jobs: Callable[[], None], tmp_path: Any, settings: Any) -> None:
    settings.IMPORTS_DIR = tmp_path / "imports"
    come(email=OLENA)
    order("N-1", "INITIALIZED", items=[{"externalItemId": "tea", "quantity": 1}])
    copies = make_copies()
    run = upload_orders(
        "Order ID,Status,Total,Currency,Date,Email",
        "N-1,completed,1200.50,UAH,2026-05-14,olena@example.com",
        "N-2,completed,35,EUR,2026-05-15,olena@example.com",
        "N-3,completed,35,EUR,2026-05-15,marko@example.com",
    )
    flow.start(run)
    run_jobs()
    copies.catch_up()
    copies.check()
    assert len(copies["orders"]) == 3
    run.refresh_from_db()
    flow.start_undo(run, by=BY)
    run_jobs()
    copies.catch_up()
    assert [row["status"] for row in copies["orders"]] == ["INITIALIZED"]
    assert len(copies["contacts"]) == 1
    copies.check()
