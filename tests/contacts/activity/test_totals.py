"""What a contact's activity comes to, without anybody waiting for it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from contacts.activity import Revenue, Totals, read_revenues, read_totals, record_events, record_orders
from contacts.activity.totals import COUNTED
from contacts.identity import erase_contacts, merge_contacts, undo_merge
from contacts.identity.integrity import find_problems
from contacts.models import Event, EventType
from tests.contacts.activity.conftest import BY, NOW, event, order

pytestmark = pytest.mark.django_db


def test_only_what_was_delivered_is_revenue_by_currency_the_largest_first(make_contact):
    olena = make_contact(email="olena@example.com")
    mine = {"email": "olena@example.com"}
    orders = [
        order("N-1", "DELIVERED", total="100.50", **mine),
        order("N-2", "DELIVERED", total="20", **mine),
        order("N-3", "CANCELLED", total="999", **mine),
    ]
    record_orders(orders, by=BY, at=NOW)
    record_events([event("login", occurred_at=NOW + timedelta(hours=1), **mine)], by=BY, at=NOW)

    totals = read_totals(olena)

    yesterday = NOW - timedelta(days=1)
    assert totals.revenue == [Revenue("UAH", Decimal("120.5000"), 2, yesterday, yesterday)]
    assert totals.revenue[0].average == Decimal("60.25")
    assert (totals.orders, totals.delivered) == (3, 2)
    assert (totals.events, totals.more_events) == (4, False)
    assert totals.last_event_at == NOW + timedelta(hours=1)


def test_totals_follow_what_becomes_of_an_order(make_contact):
    olena = make_contact(email="olena@example.com")
    first = replace(order("N-1", "DELIVERED", total="100", email="olena@example.com"), ordered_at=NOW)

    def become(**changes):
        record_orders([replace(first, **changes)], by=BY)
        return [(one.currency, one.amount, one.first_at) for one in read_totals(olena).revenue]

    assert become() == [("UAH", 100, NOW)]
    assert become(total_cost="80.5") == [("UAH", Decimal("80.5"), NOW)]
    assert become(currency="EUR", ordered_at=NOW - timedelta(days=3)) == [("EUR", 100, NOW - timedelta(days=3))]
    assert become(status="CANCELLED") == []
    assert become() == [("UAH", 100, NOW)]


def test_totals_follow_a_merge_and_its_undoing_and_go_with_an_erasure(make_contact):
    olena, twin = make_contact(external_id="C-1"), make_contact(external_id="C-2")
    orders = [order("N-1", "DELIVERED", total=10, external_id="C-1"), order("N-2", "DELIVERED", external_id="C-2")]
    record_orders(orders, by=BY, at=NOW)

    merge = merge_contacts(olena, twin, by="user:1")
    merged = read_revenues([olena, twin])
    undo_merge(merge, by="user:1")
    undone = read_revenues([olena, twin])
    erase_contacts([olena], by="user:1")

    assert {who: [one.amount for one in found] for who, found in merged.items()} == {olena: [Decimal("209.9")]}
    assert {who: found[0].amount for who, found in undone.items()} == {olena: 10, twin: Decimal("199.9")}
    assert set(read_revenues([olena, twin])) == {twin}
    assert find_problems() == []


def test_of_many_events_it_is_said_that_there_are_more(make_contact):
    olena = make_contact(email="olena@example.com")
    viewed = EventType.objects.create(key="pageView")
    Event.objects.bulk_create(
        Event(contact_id=olena, type_id=viewed.pk, occurred_at=NOW, received_at=NOW) for _ in range(COUNTED + 5)
    )

    totals = read_totals(olena)

    assert (totals.events, totals.more_events) == (COUNTED, True)


def test_who_did_nothing_has_no_totals(make_contact):
    assert read_totals(make_contact(email="olena@example.com")) == Totals()
