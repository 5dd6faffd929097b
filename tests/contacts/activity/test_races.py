"""Race 3: a contact is merged, erased or becomes known while something is being recorded on it. Real connections."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from contacts.activity import WEB_EVENT, EventStatus, OrderStatus, record_events, record_orders
from contacts.activity.places import FOR_SHARE, lock_contacts, lock_visitors
from contacts.identity import merge_contacts, resolve_one
from contacts.identity.integrity import find_problems
from contacts.identity.load import open_cursor
from contacts.identity.retention import erase_visitors
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Event, Identifier, Order
from tests.contacts.activity.conftest import BY, NOW, create_contact, event, order
from tests.together import Other, wait_until_waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_merge_waits_for_an_event_that_is_being_recorded_and_takes_it_along():
    survivor, loser = create_contact(external_id="C-1"), create_contact(external_id="C-2")

    with transaction.atomic():
        [outcome] = record_events([event(external_id="C-2")], by=BY, at=NOW)
        merging = Other(lambda: merge_contacts(survivor, loser, by="user:1"))
        wait_until_waiting()
    merging.finish()

    assert outcome.contact_id == loser
    assert Event.objects.get().contact_id == survivor


def test_an_event_waits_for_a_merge_that_is_under_way_and_goes_to_the_survivor():
    survivor, loser = create_contact(external_id="C-1"), create_contact(external_id="C-2")

    with transaction.atomic():
        merge_contacts(survivor, loser, by="user:1")
        recording = Other(lambda: record_events([event(external_id="C-2"), event(id=loser)], by=BY, at=NOW))
        wait_until_waiting()
    outcomes = recording.finish()

    assert [outcome.contact_id for outcome in outcomes] == [survivor, survivor]
    assert set(Event.objects.values_list("contact_id", flat=True)) == {survivor}


def test_a_locked_contact_is_the_survivor_of_a_merge_that_ended_while_one_waited():
    survivor, loser = create_contact(external_id="C-1"), create_contact(external_id="C-2")

    def lock() -> dict[int, int | None]:
        with transaction.atomic():
            return lock_contacts(open_cursor(), [loser], lock=FOR_SHARE)

    with transaction.atomic():
        merge_contacts(survivor, loser, by="user:1")
        locking = Other(lock)
        wait_until_waiting()

    assert locking.finish() == {loser: survivor}


def test_a_visitor_who_becomes_known_while_one_waits_is_the_contact():
    record_events([event(cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)
    cookie = (int(Kind.COOKIE), "", "c1")
    olena = create_contact(external_id="C-1")

    def lock() -> dict[Any, int]:
        with transaction.atomic():
            return lock_visitors(open_cursor(), [cookie])

    with transaction.atomic():
        record = {"external_id": "C-1", "identifiers": [{"kind": "cookie", "value": "c1"}]}
        resolve_one(record, API, by=BY, at=NOW)
        locking = Other(lock)
        wait_until_waiting()

    assert locking.finish() == {cookie: olena}
    assert Event.objects.get().contact_id == olena


def test_an_event_of_a_visitor_waits_for_the_visitor_to_become_known():
    record_events([event(cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)

    with transaction.atomic():
        known = resolve_one(
            {"email": "olena@example.com", "identifiers": [{"kind": "cookie", "value": "c1"}]}, API, by=BY, at=NOW
        )
        recording = Other(lambda: record_events([event(cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT))
        wait_until_waiting()
    [outcome] = recording.finish()

    assert (outcome.contact_id, outcome.is_visitor) == (known.contact_id, False)
    assert Event.objects.filter(contact_id=known.contact_id).count() == 2


def test_two_senders_of_one_new_order_number_make_one_order():
    with transaction.atomic():
        [first] = record_orders([order("N-1", email="olena@example.com")], by=BY, at=NOW)
        sending = Other(lambda: record_orders([order("N-1", "DELIVERED", email="marko@example.com")], by=BY, at=NOW))
        wait_until_waiting()
    [second] = sending.finish()

    assert (first.status, second.status) == (OrderStatus.CREATED, OrderStatus.UPDATED)
    assert Order.objects.get().contact_id == first.contact_id == second.contact_id
    assert list(Contact.objects.order_by("id").values_list("order_count", flat=True)) == [1, 0]


def test_a_visitor_who_comes_back_while_retention_waits_is_kept():
    long_ago = NOW - timedelta(days=200)
    record_events([event(cookies=("c1",))], by=BY, at=long_ago, plan=WEB_EVENT)

    with transaction.atomic():
        record_events([event(cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)
        erasing = Other(lambda: erase_visitors(NOW - timedelta(days=90)))
        wait_until_waiting()

    assert erasing.finish() == 0
    assert Event.objects.count() == 2


def test_events_recorded_while_their_contacts_are_merged_back_and_forth_are_all_there():
    ids = [create_contact(external_id=f"C-{number}") for number in range(8)]
    stop = threading.Event()

    def record() -> int:
        count = 0
        while not stop.is_set():
            events = [event(external_id=f"C-{number}") for number in range(8)]
            events += [event(cookies=(f"c{count}",)), event(cookies=(f"c{count}",), external_id="C-3")]
            outcomes = record_events(events, by=BY, at=NOW, plan=WEB_EVENT)
            assert {outcome.status for outcome in outcomes} == {EventStatus.RECORDED}
            orders = [order(f"N-{count % 5}", external_id=f"C-{count % 8}")]
            assert record_orders(orders, by=BY, at=NOW)[0].status != OrderStatus.FAILED
            count += 1
        return count * 10

    senders = [Other(record), Other(record)]
    for loser in ids[1:]:
        time.sleep(0.05)
        merge_contacts(ids[0], loser, by="user:1")
    stop.set()
    sent = sum(sender.finish() for sender in senders)

    assert Event.objects.exclude(key__startswith="N-").count() == sent
    assert Contact.objects.filter(state=ContactState.ACTIVE).count() == 1
    assert set(Event.objects.values_list("contact_id", flat=True)) == {ids[0]}
    assert Identifier.objects.exclude(contact_id=ids[0]).count() == 0
    assert find_problems() == []
