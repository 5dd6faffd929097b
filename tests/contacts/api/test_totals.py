"""What a contact bought, as integrators read it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contacts.activity import NewOrder, record_orders
from contacts.identity import delete_contacts, merge_contacts, resolve_one
from contacts.identity.types import API

pytestmark = pytest.mark.django_db

MAY = datetime(2026, 5, 14, 10, 11, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def make(external_id: str) -> int:
    return int(resolve_one({"external_id": external_id}, API, by="user:1").contact_id or 0)


def order(number: str, status: str, total: str, moment: datetime, currency: str = "UAH") -> NewOrder:
    return NewOrder(number, {"external_id": "C-1"}, status, total, currency, moment)


def test_delivered_orders_are_summed_up_by_currency(call_api):
    olena = make("C-1")
    record_orders(
        [
            order("N-1", "DELIVERED", "1200", MAY),
            order("N-2", "DELIVERED", "34.50", JUNE),
            order("N-3", "DELIVERED", "20", MAY, "EUR"),
            order("N-4", "CANCELLED", "9999", JUNE),
        ],
        by="key:1",
    )

    answer = call_api("get", f"/api/v1/contact/{olena}/totals", scope="read")

    may, june = MAY.isoformat(), JUNE.isoformat()
    assert answer.json() == {
        "contactId": olena,
        "orders": 4,
        "bought": [
            {"currency": "UAH", "orders": 2, "sum": "1234.5000", "average": "617.2500", "first": may, "last": june},
            {"currency": "EUR", "orders": 1, "sum": "20.0000", "average": "20.0000", "first": may, "last": may},
        ],
    }


def test_a_merged_contact_answers_as_its_survivor_and_a_deleted_one_for_itself(call_api):
    olena, twin = make("C-1"), make("C-2")
    record_orders([order("N-1", "DELIVERED", "5", MAY)], by="key:1")
    merge_contacts(twin, olena, by="user:1")
    delete_contacts([twin], by="user:1")

    answer = call_api("get", f"/api/v1/contact/{olena}/totals").json()

    assert (answer["contactId"], answer["orders"], len(answer["bought"])) == (twin, 1, 1)


def test_who_bought_nothing_has_nothing_and_nobody_is_not_found(call_api):
    olena = make("C-1")
    assert call_api("get", f"/api/v1/contact/{olena}/totals").json() == {
        "contactId": olena, "orders": 0, "bought": [],
    }  # fmt: skip
    assert call_api("get", f"/api/v1/contact/{olena + 1000}/totals").status_code == 404
    assert call_api("get", f"/api/v1/contact/{olena}/totals", scope="events").status_code == 403
