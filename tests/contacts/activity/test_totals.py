"""What a contact's activity comes to, without anybody waiting for it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contacts.activity import Revenue, Totals, read_totals, record_events, record_orders
from contacts.activity.totals import COUNTED
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

    assert totals.revenue == [Revenue("UAH", Decimal("120.5000"))]
    assert (totals.orders, totals.delivered, totals.more_orders) == (3, 2, False)
    assert (totals.events, totals.more_events) == (4, False)
    assert totals.last_event_at == NOW + timedelta(hours=1)


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
