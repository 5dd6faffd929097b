"""The wizard with a file of orders: what is asked and shown, and a person who takes it from the upload to the undo.

With ``PICTURES_INTO`` a picture of each page is taken, in light and in dark, wide and narrow.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from contacts.activity import NewOrder, record_orders
from contacts.identity.integrity import find_problems
from contacts.models import Contact, Import, Order
from tests.barriers import find_in_both_themes
from tests.contacts.admin.test_import_in_a_browser import choose, drop, tile
from tests.contacts.admin.test_imports import errors_on, form_of, page_of, send
from tests.contacts.imports.flowing import upload_orders

ADD = reverse("admin:contacts_import_add")
HEADER = "Order number,Order status,Grand total,Currency,Created at,Email,SKU,Product name,Qty,Unit price,Gift"
ROWS = (
    "N-1001,completed,1 245.50,UAH,2026-05-14 10:11,olena@example.com,B-1,Winter boots,1,1200,yes",
    "N-1001,,,,,,S-7,Woollen socks,2,22.75,",
    "N-1002,paid,34.50,EUR,2026-05-15 09:00,marko@example.com,H-3,Hat,1,34.50,",
    "N-1003,lost,10,UAH,2026-05-15,iryna@example.com,G-2,Gloves,1,10,",
    "N-1004,delivered,80,UAH,2026-05-16,iryna@example.com,G-2,Gloves,1,80,",
)
PICTURES = os.environ.get("PICTURES_INTO", "")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def look_at(admin_page: Any) -> Callable[[str], None]:
    """``look_at("map")``: nobody is shut out of the page, in light and in dark; and its pictures, where wanted."""

    def look(name: str) -> None:
        page = admin_page
        page.mouse.move(0, 0)
        assert find_in_both_themes(page, "#content") == []
        for mode in ("", "-dark", "-narrow") if PICTURES else ():
            page.evaluate("is => document.documentElement.classList.toggle('dark', is)", mode == "-dark")
            page.set_viewport_size({"width": 390 if mode == "-narrow" else 1280, "height": 1350})
            page.wait_for_timeout(300)
            page.screenshot(path=str(Path(PICTURES) / f"orders-{name}{mode}.png"))
        page.set_viewport_size({"width": 1280, "height": 900})

    return look


def test_a_file_of_orders_is_asked_for_and_its_columns_are_known(admin_client):
    page = admin_client.get(f"{ADD}?content=orders").content.decode()
    assert 'value="orders" checked' in page

    send(admin_client, f"{HEADER}\n{ROWS[0]}\n".encode(), "may.csv", content="orders")

    run = Import.objects.get()
    lines = admin_client.get(page_of(run, "map")).context["lines"]
    assert run.content == "orders"
    assert [line.target.value() for line in lines][:3] == ["number", "status", "total_cost"]


def test_what_a_file_leaves_open_is_said_at_its_field(admin_client):
    send(admin_client, b"Order ID,Total,Date,Email\nN-1,5,2026-05-14,olena@example.com\n", content="orders")
    run = Import.objects.get()

    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run, currency="€", target_of_3=""))

    assert answer.status_code == 400
    assert set(errors_on(answer)) == {"currency", "status", "__all__"}


@pytest.mark.django_db(transaction=True)
def test_somebody_may_look_at_an_import_of_orders_and_its_choices(admin_client, run_jobs):
    run = upload_orders(HEADER, *ROWS)
    from contacts.imports import flow

    flow.start(run)
    run_jobs()

    page = admin_client.get(page_of(run, "change")).content.decode()

    assert "Each row says its own" in page
    assert "Order number" in page
    assert "Those that it touched" not in page
    assert "New contacts" in page


@pytest.mark.django_db(transaction=True)
def test_a_person_uploads_orders_looks_at_what_they_do_imports_and_undoes(admin_page, run_jobs, look_at):
    moment = datetime(2026, 5, 15, tzinfo=UTC)
    record_orders([NewOrder("N-1002", {"email": "marko@example.com"}, "INITIALIZED", 30, "EUR", moment)], by="key:1")
    page = admin_page

    # 1. Upload.
    page.goto(ADD)
    page.get_by_label("Orders").check()
    look_at("upload")
    drop(page, "may.csv", "\n".join([HEADER, *ROWS]))
    page.wait_for_url("**/map/", timeout=60_000)

    # 2. Map: names are recognised, one detail is chosen.
    page.get_by_role("combobox", name="Order number Order number").wait_for()
    choose(page, "Gift", "Detail of the item")
    look_at("map")
    page.get_by_role("button", name="Show what would happen").click()

    # 3. Preview: an order of two lines, one that changes, one that cannot be.
    page.get_by_text("The preview goes through the file").wait_for()
    run_jobs()
    page.get_by_role("button", name="Import now").wait_for()
    assert [tile(page, name) for name in ("created", "updated", "failed", "contacts")] == ["2", "1", "1", "2"]
    page.get_by_text("Winter boots × 1 at 1200, Woollen socks × 2 at 22.75").wait_for()
    page.get_by_role("row", name="N-1002").get_by_role("deletion").get_by_text("initialized").wait_for()
    assert Order.objects.count() == 1
    look_at("preview")
    page.get_by_label("Correct “Order status”").fill("delivered")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 cell was corrected here.").wait_for()

    # 4. Run, with the cell that was corrected.
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("Waiting for the worker").wait_for()
    run_jobs()
    page.get_by_text("The import is done").wait_for(timeout=60_000)
    look_at("done")
    assert Order.objects.count() == 4
    olena = Contact.objects.get(email="olena@example.com")
    page.goto(f"/admin/contacts/contact/{olena.pk}/change/")
    page.get_by_text("1,245.50 UAH").first.wait_for()

    # 5. Somebody changes one of the orders; the import is taken back.
    changed = NewOrder("N-1004", {"id": olena.pk}, "CANCELLED", 80, "UAH", datetime(2026, 5, 16, tzinfo=UTC))
    record_orders([changed], by="key:1")
    page.goto(page_of(Import.objects.get(), "change"))
    page.get_by_role("link", name="Undo this import…").click()
    page.get_by_text("They go, with their events.").wait_for()
    look_at("undo")
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_text("The import is being taken back").wait_for()
    run_jobs()
    page.get_by_text("Taken back: 2 new orders removed, 1 orders as they were").wait_for(timeout=60_000)
    page.get_by_role("row", name="Somebody changed it since.").get_by_text("N-1004").wait_for()
    look_at("undone")
    assert sorted(Order.objects.values_list("external_order_id", "status")) == [
        ("N-1002", "INITIALIZED"), ("N-1004", "CANCELLED"),
    ]  # fmt: skip
    assert not Contact.objects.filter(email="olena@example.com").exists()
    assert find_problems() == []
