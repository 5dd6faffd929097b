"""Orders by file: read, previewed, recorded exactly once, repaired, taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contacts.activity import NewOrder, read_revenues, record_orders
from contacts.identity import erase_contacts, merge_contacts, resolve_one, undo_merge
from contacts.identity.integrity import find_problems
from contacts.identity.types import API
from contacts.imports import flow
from contacts.imports.failures import repair_file
from contacts.imports.orders import lines
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.orders.run import open_orders
from contacts.models import Contact, Event, Import, ImportedOrder, ImportRow, Order, OrderTotal, PreviewRow, UndoKept
from crm.errors import Refused
from tests.contacts.imports.flowing import BY, upload_orders

Jobs = Callable[[], None]
HEADER = "Order ID,Status,Total,Currency,Date,Email"
BOOTS = "N-1,completed,1 200.50,UAH,2026-05-14,olena@example.com"
SOCKS = "N-2,new,35,EUR,2026-05-15T10:11:12+03:00,marko@example.com"
LINES = "Order ID,Status,Total,Currency,Date,Email,SKU,Product,Qty,Price"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


def start(run: Import, run_jobs: Jobs) -> Import:
    flow.start(run)
    run_jobs()
    run.refresh_from_db()
    return run


def look(run: Import, run_jobs: Jobs) -> Import:
    flow.start_preview(run)
    run_jobs()
    run.refresh_from_db()
    return run


def undo(run: Import, run_jobs: Jobs) -> Import:
    flow.start_undo(run, by=BY)
    run_jobs()
    run.refresh_from_db()
    assert find_problems() == []
    return run


def counts_of(run: Import) -> dict[str, int]:
    return {name: count for name, count in run.counts.items() if count}


def problems_of(run: Import) -> list[tuple[int, str, str]]:
    return list(ImportRow.objects.filter(import_run=run).order_by("row", "pk").values_list("row", "column", "code"))


def everything() -> list[object]:
    """What stands of contacts, orders, totals and order events, but for their database ids."""
    orders = Order.objects.order_by("external_order_id")
    return [
        list(Contact.objects.order_by("email").values_list("email", "order_count", "state")),
        list(orders.values_list("external_order_id", "contact_id", "status", "total_cost", "items", "details")),
        list(orders.values_list("currency", "ordered_at", "updated_at", "source")),
        sorted(OrderTotal.objects.values_list("contact_id", "currency", "count", "amount")),
        sorted(Event.objects.values_list("contact_id", "key", "type_id", "occurred_at")),
    ]


# What columns say


@pytest.mark.django_db
def test_columns_are_matched_by_the_names_that_shops_give_them():
    run = upload_orders(
        "Order Number,Order status,Grand total,Currency,Created at,Billing email,SKU,Product name,Qty,Unit price,Gift",
        "N-1,paid,10,UAH,2026-05-14,olena@example.com,B-1,Boots,1,10,yes",
    )
    assert [entry["target"] for entry in run.mapping] == [
        "number", "status", "total_cost", "currency", "ordered_at", "email",
        "item.externalItemId", "item.name", "item.quantity", "item.cost", "",
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_file_without_currency_and_status_needs_them_said_once():
    with pytest.raises(Refused) as refused:
        upload_orders("Order ID,Total,Date,Email", "N-1,10,2026-05-14,olena@example.com")
    assert {error.path for error in refused.value.errors} == {"options.currency", "options.status"}

    run = upload_orders(
        "Order ID,Total,Date,Email",
        "N-1,10,2026-05-14,olena@example.com",
        options=OrderOptions(currency="UAH", status="DELIVERED"),
    )
    assert run.options == {"currency": "UAH", "status": "DELIVERED", "makes_contacts": True}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"Email": ""}, "order_column_missing", "mapping"),
        ({"Order_ID": ""}, "order_column_missing", "mapping"),
        ({"Total": "number"}, "column_twice", "mapping.2"),
        ({"Email": "nobody"}, "unknown_target", "mapping.5"),
        ({"Email": "email", "Status": "items", "Date": "item.name"}, "column_twice", "mapping.1"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_where_it_is(changed, code, path):
    with pytest.raises(Refused) as refused:
        upload_orders(HEADER, BOOTS, **changed)
    assert (code, path) in [(error.code, error.path) for error in refused.value.errors]


def test_the_mapping_of_the_last_orders_with_these_columns_is_remembered(run_jobs: Jobs):
    options = OrderOptions(currency="UAH", status="DELIVERED")
    file = "No.,When,Worth,Who", "N-1,2026-05-14,10,olena@example.com"
    run = upload_orders(*file, options=options, **{"No.": "number"}, When="ordered_at", Worth="total_cost", Who="email")
    start(run, run_jobs)

    again = flow.again(run, by=BY)

    assert [entry["target"] for entry in again.mapping] == ["number", "ordered_at", "total_cost", "email"]
    assert (again.content, again.options) == ("orders", run.options)
    assert [entry["target"] for entry in upload_orders(*file, options=options).mapping] == [
        "number", "ordered_at", "total_cost", "email",
    ]  # fmt: skip


# Recording


def test_rows_become_orders_of_whom_they_name_and_make_whom_nobody_knows(run_jobs: Jobs):
    olena = resolve_one({"email": "olena@example.com"}, API, by="key:1").contact_id
    run = upload_orders(f"{HEADER},Gift", f"{BOOTS},yes", f"{SOCKS},", Gift="details")

    start(run, run_jobs)

    boots, socks = Order.objects.order_by("external_order_id")
    assert (run.status, counts_of(run)) == ("finished", {"created": 2, "contacts": 1, "rows": 2})
    assert (boots.contact_id, boots.status, boots.total_cost, boots.currency) == (
        olena, "DELIVERED", Decimal("1200.5"), "UAH",
    )  # fmt: skip
    assert (boots.details, socks.details) == ({"Gift": "yes"}, {})
    assert socks.ordered_at == datetime(2026, 5, 15, 7, 11, 12, tzinfo=UTC)
    assert Contact.objects.get(email="marko@example.com").source == "import"
    assert [one.amount for one in read_revenues([olena])[olena]] == [Decimal("1200.5")]
    assert find_problems() == []


def test_lines_of_one_number_are_the_items_of_one_order(run_jobs: Jobs):
    run = upload_orders(
        f"{LINES},Colour",
        "N-1,paid,30,UAH,2026-05-14,olena@example.com,B-1,Boots,1,20,red",
        "N-1,,,,,,S-1,Socks,2,5.5,",
        "N-2,paid,7,UAH,2026-05-15,olena@example.com,H-1,Hat,1,7,",
        Colour="item_details",
    )

    start(run, run_jobs)

    assert counts_of(run) == {"created": 2, "contacts": 1, "rows": 3}
    assert Order.objects.get(external_order_id="N-1").items == [
        {"externalItemId": "B-1", "name": "Boots", "quantity": 1, "cost": 20, "Colour": "red"},
        {"externalItemId": "S-1", "name": "Socks", "quantity": 2, "cost": 5.5},
    ]


def test_items_may_be_one_column_of_json(run_jobs: Jobs):
    run = upload_orders(f"{HEADER};Items".replace(",", ";"), BOOTS.replace(",", ";") + ';"[{""name"": ""Boots""}]"')
    start(run, run_jobs)
    assert Order.objects.get().items == [{"name": "Boots"}]


def test_a_number_that_comes_again_updates_its_order_and_says_nothing_of_what_it_leaves_out(run_jobs: Jobs):
    first = NewOrder(
        "N-1", {"email": "olena@example.com"}, "INITIALIZED", "1200.50", "UAH", datetime(2026, 5, 14, tzinfo=UTC),
        items=[{"name": "Boots"}], details={"note": "red"}, source="online",
    )  # fmt: skip
    record_orders([first], by="key:1")
    run = upload_orders(HEADER, BOOTS, BOOTS, BOOTS.replace("completed", "cancelled"))

    start(run, run_jobs)

    order = Order.objects.get()
    assert counts_of(run) == {"updated": 2, "unchanged": 1, "rows": 3}
    assert (order.status, order.items, order.details, order.source) == (
        "CANCELLED", [{"name": "Boots"}], {"note": "red"}, "online",
    )  # fmt: skip


def test_of_unknown_people_orders_are_left_out_where_no_contacts_are_to_be_made(run_jobs: Jobs):
    run = start(upload_orders(HEADER, BOOTS, options=OrderOptions(makes_contacts=False)), run_jobs)
    assert counts_of(run) == {"skipped": 1, "rows": 1}
    assert not Contact.objects.exists()


WRONG = [
    (BOOTS.replace("completed", "half done"), "Status", "unknown_status"),
    (BOOTS.replace("1 200.50", '"1,200"'), "Total", "ambiguous_number"),
    (BOOTS.replace("1 200.50", "much"), "Total", "invalid_number"),
    (BOOTS.replace("1 200.50", ""), "Total", "required"),
    (BOOTS.replace("1 200.50", "1" * 39), "Total", "invalid_number"),
    (BOOTS.replace("UAH", "hryvnia"), "Currency", "invalid_currency"),
    (BOOTS.replace("2026-05-14", "14.05.26"), "Date", "invalid_datetime"),
    (BOOTS.replace("N-1", ""), "Order ID", "required"),
    (BOOTS.replace("N-1", "N" * 201), "Order ID", "too_long"),
    (BOOTS.replace("olena@example.com", ""), "", "identifier_missing"),
    (BOOTS.replace("olena@example.com", "olena"), "Email", "invalid_email"),
    (f"{BOOTS},more", "", "ragged_row"),
]


def test_what_is_wrong_with_a_row_is_said_by_its_cell_and_stops_no_other(run_jobs: Jobs):
    run = start(upload_orders(HEADER, *(row for row, _column, _code in WRONG), SOCKS), run_jobs)

    assert counts_of(run) == {"created": 1, "failed": len(WRONG), "contacts": 1, "rows": len(WRONG) + 1}
    assert problems_of(run) == [(row, column, code) for row, (_, column, code) in enumerate(WRONG, 2)]


def test_an_order_of_which_one_line_is_wrong_is_not_taken_and_comes_back_whole_to_be_repaired(run_jobs: Jobs):
    run = upload_orders(
        LINES,
        "N-1,paid,30,UAH,2026-05-14,olena@example.com,B-1,Boots,1,20",
        "N-1,,,,,,S-1,Socks,many,5.5",
        "N-2,paid,7,UAH,2026-05-15,olena@example.com,H-1,Hat,1,7",
        "N-2,paid,8,UAH,2026-05-15,olena@example.com,H-2,Cap,1,7",
        "N-3,paid,7,UAH,2026-05-15,olena@example.com,H-1,Hat,1,7",
        "N-3,too,short",
    )

    start(run, run_jobs)

    assert counts_of(run) == {"failed": 3, "rows": 6}
    assert problems_of(run) == [
        (2, "", "order_incomplete"),
        (3, "Qty", "invalid_number"),
        (4, "", "order_incomplete"),
        (5, "Total", "lines_differ"),
        (6, "", "order_incomplete"),
        (7, "", "ragged_row"),
    ]
    repaired = "".join(repair_file(run, open_orders(run).job)).splitlines()
    assert [line.split(",")[0] for line in repaired[1:]] == ["N-1", "N-1", "N-2", "N-2", "N-3", "N-3"]


def test_a_repaired_cell_is_laid_over_the_file(run_jobs: Jobs):
    run = look(upload_orders(HEADER, BOOTS.replace("completed", "half done")), run_jobs)
    flow.fix_cell(run, row=2, column=1, value="done")
    start(run, run_jobs)
    assert Order.objects.get().status == "DELIVERED"


def test_no_more_items_than_an_order_may_have_are_kept_in_memory(run_jobs: Jobs, monkeypatch):
    monkeypatch.setattr(lines, "MOST_LINES", 3)
    many = [f"N-1,paid,30,UAH,2026-05-14,olena@example.com,B-{number},Boots,1,20" for number in range(5)]
    run = start(upload_orders(LINES, *many), run_jobs)
    assert counts_of(run) == {"failed": 1, "rows": 5}
    assert problems_of(run)[0] == (2, "Order ID", "too_many_lines")


# Preview


def test_the_preview_counts_and_shows_what_the_run_then_does(run_jobs: Jobs):
    olena = resolve_one({"email": "olena@example.com"}, API, by="key:1").contact_id
    moment = datetime(2026, 5, 14, tzinfo=UTC)
    record_orders([NewOrder("N-1", {"id": olena}, "INITIALIZED", "1200.50", "UAH", moment)], by="key:1")
    before = everything()
    run = upload_orders(HEADER, BOOTS, SOCKS, SOCKS.replace("new", "paid"), SOCKS, "N-3,x,1,UAH,2026-05-14,a@b.example")

    look(run, run_jobs)

    assert everything() == before
    assert run.preview_counts == {
        "created": 1, "updated": 3, "unchanged": 0, "skipped": 0, "failed": 1, "contacts": 1, "rows": 5,
    }  # fmt: skip
    first, second, third, fourth, wrong = PreviewRow.objects.order_by("row")
    assert (first.status, first.contact_id, first.changes) == (
        "updated", olena, {"number": ["N-1", "N-1"], "status": ["INITIALIZED", "DELIVERED"]},
    )  # fmt: skip
    assert (second.status, second.contact_id, second.changes["status"]) == ("created", None, [None, "INITIALIZED"])
    assert third.changes["status"] == ["INITIALIZED", "IN_PROGRESS"]
    assert fourth.changes["status"] == ["IN_PROGRESS", "INITIALIZED"]
    assert (wrong.status, wrong.problems[0]["column"]) == ("failed", "Status")

    start(run, run_jobs)
    assert run.counts == run.preview_counts


# Stopping and going on


def test_an_import_that_was_paused_goes_on_at_the_next_order(run_jobs: Jobs, monkeypatch):
    monkeypatch.setattr(lines, "BATCH", 2)
    rows = [
        f"N-{number // 2},paid,{number // 2},UAH,2026-05-14,olena@example.com,B-{number},,1," for number in range(20)
    ]
    run = flow.start(upload_orders(LINES, *rows))
    Import.objects.filter(pk=run.pk).update(wish="pause", status="running", started_at=datetime.now(UTC), counts={})
    run_jobs()
    run.refresh_from_db()
    assert run.status == "paused"

    flow.resume(run)
    run_jobs()
    run.refresh_from_db()

    assert (run.status, run.rows_done, run.counts["created"]) == ("finished", 20, 10)
    assert {len(order.items) for order in Order.objects.all()} == {2}


# Undo


def test_an_undo_leaves_what_was_there_before(run_jobs: Jobs):
    resolve_one({"email": "olena@example.com"}, API, by="key:1")
    moment = datetime(2026, 5, 14, tzinfo=UTC)
    first = NewOrder("N-1", {"email": "olena@example.com"}, "INITIALIZED", 7, "UAH", moment, details={"note": "red"})
    record_orders([first], by="key:1")
    before = everything()
    run = upload_orders(HEADER, BOOTS, SOCKS, SOCKS.replace("new", "paid"), BOOTS.replace("completed", "cancelled"))
    start(run, run_jobs)
    assert everything() != before

    undo(run, run_jobs)

    assert everything() == before
    assert (run.status, run.undo_counts["orders_created"], run.undo_counts["orders_updated"]) == ("undone", 1, 1)
    assert (run.undo_counts["created"], run.undo_counts["kept"], run.undo_done) == (1, 0, run.undo_total)
    assert not ImportedOrder.objects.exists()


def test_an_order_that_was_changed_since_stays_and_is_listed(run_jobs: Jobs):
    run = start(upload_orders(HEADER, BOOTS, SOCKS), run_jobs)
    changed = NewOrder("N-1", {"email": "olena@example.com"}, "CANCELLED", 1, "UAH", datetime(2026, 5, 14, tzinfo=UTC))
    record_orders([changed], by="key:1")

    undo(run, run_jobs)

    assert [order.external_order_id for order in Order.objects.all()] == ["N-1"]
    assert [contact.email for contact in Contact.objects.all()] == ["olena@example.com"]
    kept = list(UndoKept.objects.values_list("columns", "reason"))
    assert (["N-1"], "Somebody changed it since.") in kept


def test_imports_that_changed_one_order_are_taken_back_in_any_order(run_jobs: Jobs):
    first = start(upload_orders(HEADER, BOOTS.replace("completed", "new")), run_jobs)
    second = start(upload_orders(HEADER, BOOTS), run_jobs)

    undo(second, run_jobs)
    assert Order.objects.get().status == "INITIALIZED"
    undo(first, run_jobs)
    assert not Order.objects.exists()
    assert not Contact.objects.exists()


def test_an_undo_finds_orders_that_went_to_another_contact_by_a_merge(run_jobs: Jobs):
    run = start(upload_orders(HEADER, BOOTS, SOCKS), run_jobs)
    olena, marko = (Contact.objects.get(email=f"{name}@example.com").pk for name in ("olena", "marko"))
    merge = merge_contacts(olena, marko, by=BY)

    undo(run, run_jobs)

    assert not Order.objects.exists()
    undo_merge(merge, by=BY)
    assert find_problems() == []


def test_who_is_erased_leaves_nothing_of_what_an_import_changed(run_jobs: Jobs):
    run = start(upload_orders(HEADER, BOOTS, SOCKS), run_jobs)
    erase_contacts([Contact.objects.get(email="olena@example.com").pk], by=BY)

    assert [one.number for one in ImportedOrder.objects.all()] == ["N-2"]
    undo(run, run_jobs)
    assert not Order.objects.exists()
