"""Orders hang from whom the identity rules find or make (L17), and a number is one order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from contacts.activity import OrderStatus, record_orders
from contacts.identity import delete_contacts, erase_contacts, merge_contacts, undo_merge
from contacts.identity.types import PURCHASE
from contacts.keys import Kind
from contacts.models import Change, Contact, ContactState, Event, EventType, Identifier, Order
from tests.contacts.activity.conftest import BY, NOW, order

pytestmark = pytest.mark.django_db


def record(*orders, **options):
    return record_orders(orders, by=BY, **{"at": NOW, **options})


def statuses_of(number):
    types = dict(EventType.objects.values_list("pk", "key"))
    return [types[pk] for pk in Event.objects.filter(key=number).order_by("id").values_list("type_id", flat=True)]


@pytest.mark.parametrize(
    "named",
    [
        {"id": None},
        {"external_id": "C-1"},
        {"email": "OLENA@example.com"},
        {"phone": "+380501112233"},
        {"contact_key": "card-1"},
        {"devices": ("phone-of-olena",)},
        {"cookies": ("cookie-of-olena",)},
    ],
    ids=lambda named: next(iter(named)),
)
def test_an_order_finds_its_contact_by_every_key(make_contact, named):
    olena = make_contact(
        external_id="C-1",
        email="olena@example.com",
        phone="+380501112233",
        contact_key="card-1",
        devices=("phone-of-olena",),
        cookies=("cookie-of-olena",),
    )

    [outcome] = record(order("N-1", **({"id": olena} if "id" in named else named)))

    assert (outcome.status, outcome.contact_id) == (OrderStatus.CREATED, olena)
    assert Order.objects.get().contact_id == olena
    assert Contact.objects.count() == 1


def test_the_external_id_goes_before_email_and_phone(make_contact):
    olena, marko = make_contact(external_id="C-1"), make_contact(email="marko@example.com")

    [outcome] = record(order("N-1", external_id="C-1", email="marko@example.com"))

    assert outcome.contact_id == olena
    assert Contact.objects.get(pk=marko).order_count == 0


def test_an_unknown_external_id_finds_the_contact_by_email_and_is_not_written(make_contact):
    olena = make_contact(email="olena@example.com")

    [outcome] = record(order("N-1", external_id="C-9", email="olena@example.com"))

    assert outcome.contact_id == olena
    assert Contact.objects.get(pk=olena).external_id is None


def test_an_order_makes_a_missing_contact_with_the_identifiers_it_names():
    [outcome] = record(order("N-1", external_id="C-1", email="olena@example.com", phone="0501112233"))

    olena = Contact.objects.get(pk=outcome.contact_id)
    assert (olena.external_id, olena.email, olena.phone) == ("C-1", "olena@example.com", "+380501112233")
    assert (olena.order_count, olena.source) == (1, "order")


def test_a_purchase_makes_no_contact(make_contact):
    make_contact(email="olena@example.com")

    known, unknown = record(
        order("N-1", email="olena@example.com"), order("N-2", email="new@example.com"), plan=PURCHASE
    )

    assert known.status == OrderStatus.CREATED
    assert (unknown.status, unknown.code) == (OrderStatus.FAILED, "contact_not_found")


def test_an_order_changes_no_field_and_is_no_change_of_the_sheet(make_contact):
    olena = make_contact(external_id="C-1", first_name="Олена")
    before = Contact.objects.get(pk=olena)

    record(replace(order("N-1"), contact={"external_id": "C-1", "first_name": "Other", "email": "new@example.com"}))

    after = Contact.objects.get(pk=olena)
    assert (after.first_name, after.email, after.updated_at) == ("Олена", None, before.updated_at)
    assert Change.objects.filter(contact_id=olena).count() == 1


def test_an_order_on_an_anonymous_contact_makes_it_identified(make_contact):
    phone = make_contact(devices=("d1",))
    make_contact(external_id="C-1")

    record(order("N-1", devices=("d1",)))
    [outcome] = record(order("N-2", external_id="C-1", devices=("d1",)))

    contact = Contact.objects.get(pk=phone)
    assert contact.order_count == 1
    assert contact.state == ContactState.ACTIVE, "an identified contact is never merged by itself (T5)"
    assert outcome.contact_id != phone


def test_an_order_number_stands_among_the_identifiers_and_not_in_the_mask(make_contact):
    olena = make_contact(email="olena@example.com")
    mask = Contact.objects.get(pk=olena).identifier_kinds

    record(order(" N-1 ", email="olena@example.com"))

    number = Identifier.objects.get(kind=Kind.ORDER)
    assert (number.app, number.value, number.contact_id) == ("", "N-1", olena)
    assert Contact.objects.get(pk=olena).identifier_kinds == mask


def test_a_number_of_200_letters_of_four_bytes_is_found_again():
    number = "😀" * 200

    record(order(number, email="olena@example.com"))
    [again] = record(order(number, "DELIVERED", email="olena@example.com"))

    assert again.status == OrderStatus.UPDATED
    assert Identifier.objects.get(kind=Kind.ORDER).value.startswith("sha256:")


def test_an_order_sent_again_updates_what_it_says(make_contact):
    make_contact(email="olena@example.com")
    first = replace(order("N-1", email="olena@example.com"), items=[{"name": "Boots"}], details={"note": "red"})
    record(first)

    [updated] = record(replace(first, status="DELIVERED", total_cost=250, items=None, details={}))
    [unchanged] = record(replace(first, status="DELIVERED", total_cost="250.00", details=None))

    stored = Order.objects.get()
    assert (updated.status, unchanged.status) == (OrderStatus.UPDATED, OrderStatus.UNCHANGED)
    assert (stored.status, stored.total_cost, stored.items, stored.details) == (
        "DELIVERED",
        Decimal(250),
        [{"name": "Boots"}],
        {},
    )
    assert Contact.objects.get().order_count == 1


def test_each_status_is_an_event_with_the_number_as_key_once():
    for status in ("INITIALIZED", "INITIALIZED", "DELIVERED", "INITIALIZED", "DELIVERED", "CANCELLED"):
        record(order("N-1", status, email="olena@example.com"))

    assert statuses_of("N-1") == ["orderINITIALIZED", "orderDELIVERED", "orderCANCELLED"]


def test_several_statuses_of_one_number_in_one_batch_are_taken_in_their_order():
    mine = {"email": "olena@example.com"}

    outcomes = record(order("N-1", **mine), order("N-1", "IN_PROGRESS", **mine), order("N-1", "DELIVERED", **mine))

    assert [outcome.status for outcome in outcomes] == [OrderStatus.CREATED, OrderStatus.UPDATED, OrderStatus.UPDATED]
    assert Order.objects.get().status == "DELIVERED"
    assert statuses_of("N-1") == ["orderINITIALIZED", "orderIN_PROGRESS", "orderDELIVERED"]
    assert Contact.objects.get().order_count == 1


def test_the_event_of_a_new_order_is_dated_by_it_and_that_of_a_later_status_by_its_receipt():
    first = order("N-1", email="olena@example.com")
    record(first)
    record(replace(first, status="DELIVERED"), at=NOW + timedelta(days=2))

    times = list(Event.objects.order_by("id").values_list("occurred_at", flat=True))
    assert times == [first.ordered_at, NOW + timedelta(days=2)]


def test_an_order_that_names_another_contact_stays_with_its_own_and_warns(make_contact):
    olena, marko = make_contact(email="olena@example.com"), make_contact(email="marko@example.com")
    record(order("N-1", email="olena@example.com"))

    [outcome] = record(order("N-1", "DELIVERED", email="marko@example.com"))

    assert (outcome.status, outcome.contact_id) == (OrderStatus.UPDATED, olena)
    assert [warning.code for warning in outcome.warnings] == ["order_of_another_contact"]
    assert Order.objects.get().contact_id == olena
    assert Event.objects.filter(contact_id=marko).count() == 0
    assert [Contact.objects.get(pk=pk).order_count for pk in (olena, marko)] == [1, 0]


def test_an_order_named_by_the_external_id_of_a_deleted_contact_is_recorded_on_it(make_contact):
    olena = make_contact(external_id="C-1", email="olena@example.com")
    delete_contacts([olena], by=BY)

    [by_external_id] = record(order("N-1", external_id="C-1"))
    [by_email] = record(order("N-2", email="olena@example.com"))

    contact = Contact.objects.get(pk=olena)
    assert by_external_id.contact_id == olena
    assert (contact.state, contact.order_count) == (ContactState.DELETED, 1)
    assert by_email.contact_id != olena


def test_orders_follow_a_merge_and_an_undone_one_and_are_found_by_their_number(make_contact):
    survivor, loser = make_contact(external_id="C-1"), make_contact(external_id="C-2")
    record(order("N-1", external_id="C-1"), order("N-2", external_id="C-2"))

    merge = merge_contacts(survivor, loser, by="user:1")
    [merged] = record(order("N-2", "DELIVERED", external_id="C-2"))
    undo_merge(merge, by="user:1")
    [undone] = record(order("N-2", "CANCELLED", external_id="C-2"))

    assert (merged.contact_id, merged.warnings) == (survivor, [])
    assert (undone.contact_id, undone.warnings) == (loser, [])
    counts = dict(Contact.objects.values_list("id", "order_count"))
    assert counts == {survivor: 1, loser: 1}


def test_an_erased_contact_leaves_no_order_and_its_number_is_free(make_contact):
    olena = make_contact(external_id="C-1")
    record(order("N-1", external_id="C-1"))

    erase_contacts([olena], by="user:1")
    [again] = record(order("N-1", email="marko@example.com"))

    assert not Order.objects.filter(contact_id=olena).exists()
    assert not Event.objects.filter(contact_id=olena).exists()
    assert not Identifier.objects.filter(contact_id=olena).exists()
    assert again.status == OrderStatus.CREATED


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"number": ""}, "number", "required"),
        ({"number": "x" * 201}, "number", "too_long"),
        ({"number": "\ud800"}, "number", "invalid_value"),
        ({"status": "LOST"}, "status", "unknown_status"),
        ({"status": ["DELIVERED"]}, "status", "unknown_status"),
        ({"total_cost": "much"}, "total_cost", "invalid_number"),
        ({"total_cost": "NaN"}, "total_cost", "invalid_number"),
        ({"total_cost": True}, "total_cost", "invalid_number"),
        ({"total_cost": 10**15}, "total_cost", "invalid_number"),
        ({"currency": "money"}, "currency", "invalid_currency"),
        ({"ordered_at": None}, "ordered_at", "invalid_datetime"),
        ({"ordered_at": datetime(2026, 1, 1)}, "ordered_at", "invalid_datetime"),  # noqa: DTZ001
        ({"items": {"a": 1}}, "items", "invalid_value"),
        ({"details": []}, "details", "invalid_value"),
        ({"contact": {}}, "", "identifier_missing"),
    ],
)
def test_an_order_that_cannot_be_read_names_its_field_and_keeps_no_other_back(change, column, code):
    good = order("N-1", email="olena@example.com")

    refused, recorded = record(replace(good, **change), replace(good, number="N-2"))

    assert (refused.status, refused.column, refused.code) == (OrderStatus.FAILED, column, code)
    assert refused.message.endswith(".")
    assert recorded.status == OrderStatus.CREATED


def test_batches_of_any_size_keep_their_order_and_count():
    orders = [order(f"N-{number}", email=f"person{number % 700}@example.com") for number in range(2_100)]

    outcomes = record(*orders)

    assert {outcome.status for outcome in outcomes} == {OrderStatus.CREATED}
    assert set(Contact.objects.values_list("order_count", flat=True)) == {3}
    assert Order.objects.count() == Event.objects.count() == 2_100
