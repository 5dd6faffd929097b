"""An event whose key came before is stored once, where its sender or its type asks for that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contacts.activity import EventStatus, record_events
from contacts.activity.once import count_old_receipts, forget_old_receipts
from contacts.models import Contact, Event, EventReceipt, EventType
from tests.contacts.activity.conftest import BY, NOW, event

pytestmark = pytest.mark.django_db


def record(*events, at=NOW):
    return [outcome.status for outcome in record_events(events, by=BY, at=at)]


RECORDED, REPEATED, FAILED = EventStatus.RECORDED, EventStatus.REPEATED, EventStatus.FAILED


def test_an_event_sent_again_is_accepted_and_not_stored_again():
    assert record(event(email="olena@example.com", key="k-1", once=True)) == [RECORDED]
    assert record(event(email="olena@example.com", key="k-1", once=True)) == [REPEATED]

    assert Event.objects.count() == 1


def test_of_two_in_one_batch_the_first_is_stored():
    first, second = (event(email="olena@example.com", key="k-1", once=True, params={"number": n}) for n in (1, 2))

    assert record(first, second) == [RECORDED, REPEATED]
    assert Event.objects.get().params == {"number": 1}


def test_the_key_is_of_its_type_and_of_all_contacts():
    assert record(event("seen", email="olena@example.com", key="k-1", once=True)) == [RECORDED]

    assert record(
        event("bought", email="olena@example.com", key="k-1", once=True),
        event("seen", email="taras@example.com", key="k-1", once=True),
    ) == [RECORDED, REPEATED]
    assert not Contact.objects.filter(email="taras@example.com").exists()


def test_without_asking_the_same_key_comes_as_often_as_it_is_sent():
    twice = [event(email="olena@example.com", key="k-1")] * 2

    assert record(*twice) == [RECORDED, RECORDED]
    assert not EventReceipt.objects.exists()


def test_a_type_may_ask_for_all_of_its_events_and_those_without_a_key_are_stored():
    EventType.objects.create(key="seen", is_once_per_key=True)

    sent = [event("seen", email="olena@example.com", key=key) for key in ("k-1", "k-1", "", "")]

    assert record(*sent) == [RECORDED, REPEATED, RECORDED, RECORDED]


def test_what_was_refused_may_come_again(make_contact):
    EventType.objects.create(key="seen", when_nobody="refuse")
    seen = event("seen", email="olena@example.com", key="k-1", once=True)

    assert record(seen) == [FAILED]
    make_contact(email="olena@example.com")

    assert record(seen) == [RECORDED]


def test_once_needs_a_key():
    [outcome] = record_events([event(email="olena@example.com", key=" ", once=True)], by=BY)

    assert (outcome.status, outcome.column, outcome.code) == (FAILED, "key", "required")


def test_receipts_are_forgotten_in_pieces_and_then_the_key_is_free():
    old, new = NOW - timedelta(days=40), NOW
    for number in range(5):
        record(event(email="olena@example.com", key=f"old-{number}", once=True), at=old)
    record(event(email="olena@example.com", key="new", once=True), at=new)
    before = NOW - timedelta(days=30)

    assert count_old_receipts(before, limit=3) == 3
    assert [forget_old_receipts(before, limit=3) for _ in range(3)] == [3, 2, 0]
    assert count_old_receipts(before, limit=3) == 0
    assert record(
        event(email="olena@example.com", key="old-1", once=True),
        event(email="olena@example.com", key="new", once=True),
    ) == [RECORDED, REPEATED]
