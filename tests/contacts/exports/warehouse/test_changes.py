"""What changed is found, all of it: after each happening the copy is what a full run would make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.identity import (
    delete_contacts,
    erase_contacts,
    merge_contacts,
    resolve_one,
    restore_contacts,
    undo_merge,
)
from contacts.identity.types import API, WEB
from contacts.models import CustomField
from tests.contacts.exports.warehouse.copies import Copies, make_copies
from tests.people import BOHDAN, BY, OLENA, OLENAS_PHONE, TARAS, cookie, device

pytestmark = pytest.mark.django_db


def come(**record: Any) -> int:
    outcome = resolve_one(record, API, by=BY)
    assert outcome.contact_id is not None
    return outcome.contact_id


def order(number: str, status: str = "DELIVERED", *, email: str = OLENA, items: Any = ()) -> None:
    given = NewOrder(
        number=number,
        contact={"email": email},
        status=status,
        total_cost=Decimal("99.90"),
        currency="UAH",
        ordered_at=datetime(2026, 11, 1, tzinfo=UTC),
        items=list(items),
    )
    [outcome] = record_orders([given], by=BY)
    assert not outcome.code, outcome


def look(value: str) -> None:
    record_events(
        [NewEvent("pageView", {"identifiers": [cookie(value)]}, params={"page": "/"})], by="tracker:web", plan=WEB_EVENT
    )


def row_of(copies: Copies, contact_id: int) -> dict[str, Any] | None:
    return next((row for row in copies["contacts"] if row["contactId"] == contact_id), None)


def test_a_full_table_has_the_names_that_other_systems_know() -> None:
    CustomField.objects.create(key="size", label="Size", type="number")
    olena = come(external_id="TV12790", email="Olena@Example.com", phone=OLENAS_PHONE, **{"fields.size": 42})
    row = row_of(make_copies(), olena)
    assert row is not None
    assert list(row)[:12] == [
        "contactId", "contactSource", "createdDate", "updatedDate", "email", "emailDomain", "emailStatus",
        "externalCustomerId", "firstName", "lastName", "languageCode", "sms",
    ]  # fmt: skip
    assert (row["emailDomain"], row["externalCustomerId"], row["sms"]) == ("example.com", "TV12790", OLENAS_PHONE)
    assert (row["emailStatus"], row["state"], row["isDeleted"], row["mergedInto"]) == ("active", "active", False, None)
    assert row["field_size"] in (42, "42")


def test_a_changed_contact_is_sent_alone() -> None:
    olena, bohdan = come(email=OLENA), come(email=BOHDAN)
    copies = make_copies()
    come(email=OLENA, first_name="Olena")
    copies.catch_up()
    [step] = copies.steps("contacts")
    assert step.change.gone_contact_ids == [olena]
    assert row_of(copies, bohdan) is not None
    copies.check()


def test_nothing_happened_so_nothing_is_sent() -> None:
    come(email=OLENA)
    copies = make_copies()
    copies.catch_up()
    assert not any(copies.steps(slug) for slug in DATA_SETS)


def test_deleted_contacts_are_flagged_and_come_back() -> None:
    olena = come(email=OLENA)
    copies = make_copies()
    delete_contacts([olena], by=BY)
    copies.catch_up()
    row = row_of(copies, olena)
    assert row is not None
    assert row["isDeleted"]
    restore_contacts([olena], by=BY)
    copies.catch_up()
    copies.check()


def test_deleted_contacts_are_removed_where_that_was_chosen_with_all_that_hangs_from_them() -> None:
    olena = come(email=OLENA)
    order("O-1")
    copies = make_copies(leaves_out_deleted=True)
    assert copies["orders"]
    delete_contacts([olena], by=BY)
    copies.catch_up()
    assert not copies["contacts"]
    assert not copies["orders"]
    assert not copies["identifiers"]
    copies.check()


def test_erased_contacts_are_gone_whatever_was_chosen() -> None:
    olena = come(email=OLENA)
    order("O-1", items=[{"externalItemId": "tea", "quantity": 2}])
    copies = make_copies()
    assert copies["order_items"]
    erase_contacts([olena], by=BY)
    copies.catch_up()
    assert row_of(copies, olena) is None
    assert not any(copies[slug] for slug in ("identifiers", "events", "orders", "order_items"))
    copies.check()


def test_a_merge_takes_along_what_hangs_from_the_contact_and_a_tombstone_follows_a_second_one() -> None:
    olena, bohdan, taras = come(email=OLENA), come(email=BOHDAN), come(email=TARAS)
    order("O-1")
    copies = make_copies()
    first = merge_contacts(bohdan, olena, by=BY)
    copies.catch_up()
    copies.check()
    second = merge_contacts(taras, bohdan, by=BY)
    copies.catch_up()
    copies.check()
    row = row_of(copies, olena)
    assert row is not None
    assert row["mergedInto"] == taras
    assert [(row["contactId"], row["mergedContactId"]) for row in copies["merges"]]
    for merge in (second, first):
        undo_merge(merge, by=BY)
        copies.catch_up()
        copies.check()
    assert not copies["merges"]


def test_new_events_are_told_by_their_number() -> None:
    olena = come(email=OLENA)
    copies = make_copies()
    record_events([NewEvent("teaBought", {"email": OLENA}, params={"kind": "green"})], by=BY)
    copies.catch_up()
    assert [(row["contactId"], row["eventType"]) for row in copies["events"]] == [(olena, "teaBought")]
    copies.check()


def test_what_a_visitor_did_comes_once_the_visitor_is_known() -> None:
    copies = make_copies()
    look("cookie-1")
    copies.catch_up()
    assert not copies["events"]
    assert not copies["identifiers"]
    resolve_one({"email": OLENA, "identifiers": [cookie("cookie-1")]}, WEB, by="tracker:web")
    copies.catch_up()
    assert [row["eventType"] for row in copies["events"]] == ["pageView"]
    copies.check()


def test_an_order_that_changes_is_sent_again_with_its_items() -> None:
    olena = come(email=OLENA)
    copies = make_copies()
    order("O-1", "INITIALIZED", items=[{"externalItemId": "tea", "quantity": 2, "cost": "4.50"}])
    copies.catch_up()
    copies.check()
    order("O-1", "DELIVERED", items=[{"externalItemId": "cup", "quantity": 1}])
    copies.catch_up()
    assert [(row["contactId"], row["status"], row["totalCost"]) for row in copies["orders"]] == [
        (olena, "DELIVERED", "99.9000")
    ]
    assert [row["externalItemId"] for row in copies["order_items"]] == ["cup"]
    copies.check()


def test_who_was_only_seen_is_told_too() -> None:
    come(email=OLENA, identifiers=[device("phone-1")])
    copies = make_copies()
    [before] = copies["contacts"]
    later = datetime.now(UTC) + timedelta(hours=1)
    record_events([NewEvent("appOpened", {"identifiers": [device("phone-1")]})], by=BY, at=later)
    copies.catch_up()
    [after] = copies["contacts"]
    assert after["lastSeenDate"] > (before["lastSeenDate"] or "")
    copies.check()


def test_a_step_that_is_sent_twice_does_no_harm() -> None:
    come(email=OLENA)
    copies = make_copies()
    come(email=BOHDAN, first_name="Bohdan")
    order("O-1")
    copies.catch_up()
    for copy in copies.by_slug.values():
        for step in copy.steps:
            copy.apply(step)
    copies.check()
