"""The same event from several at once, and an event whose contact comes while it is kept. Real connections."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from contacts.activity import EventStatus, record_events
from contacts.activity.joining import join_waiting
from contacts.identity import resolve_one
from contacts.identity.types import API
from contacts.models import Contact, Event, EventType, UnmatchedEvent
from tests.contacts.activity.conftest import BY, create_contact, event
from tests.together import Other, all_at_once, wait_until_waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_events_that_come_at_the_same_moment_one_is_stored():
    create_contact(email="olena@example.com")
    seen = event(email="olena@example.com", key="k-1", once=True)

    outcomes = all_at_once([lambda: record_events([seen], by=BY)[0].status] * 8)

    assert sorted(outcomes) == [EventStatus.RECORDED, *[EventStatus.REPEATED] * 7]
    assert Event.objects.count() == 1


def test_one_that_waits_for_the_other_is_stored_when_that_fails():
    create_contact(email="olena@example.com")
    create_contact(email="taras@example.com")

    with transaction.atomic():
        record_events([event(email="olena@example.com", key="k-1", once=True)], by=BY)
        other = Other(lambda: record_events([event(email="taras@example.com", key="k-1", once=True)], by=BY)[0].status)
        wait_until_waiting()
        transaction.set_rollback(True)

    assert other.finish() == EventStatus.RECORDED
    assert Event.objects.count() == 1


def test_a_type_that_another_process_changed_is_in_force_for_the_next_event():
    EventType.objects.create(key="opened", when_nobody="refuse")  # which makes the account too
    stranger = event("opened", email="olena@example.com")
    assert [record_events([stranger], by=BY)[0].status for _ in range(2)] == [EventStatus.FAILED] * 2

    with connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_eventtype SET when_nobody = 'keep'")
        cursor.execute("UPDATE contacts_account SET settings_version = settings_version / 2")

    assert record_events([stranger], by=BY)[0].status == EventStatus.KEPT
    assert UnmatchedEvent.objects.count() == 1


def test_an_event_and_its_contact_that_come_at_once_find_each_other():
    EventType.objects.create(key="opened", when_nobody="keep")
    names = [f"u{number}@example.com" for number in range(12)]
    events = [lambda name=name: record_events([event("opened", email=name)], by=BY) for name in names]
    people = [lambda name=name: resolve_one({"email": name}, API, by=BY) for name in names]
    joins = [lambda: join_waiting()] * 3

    all_at_once([work for works in zip(events, people, strict=True) for work in works] + joins)
    join_waiting()

    assert not UnmatchedEvent.objects.exists()
    assert sorted(Event.objects.values_list("contact_id", flat=True)) == sorted(
        Contact.objects.values_list("pk", flat=True)
    )


def test_several_who_join_at_once_record_each_event_once():
    EventType.objects.create(key="opened", when_nobody="keep")
    record_events([event("opened", email=f"u{number}@example.com") for number in range(20)], by=BY)
    for number in range(20):
        create_contact(email=f"u{number}@example.com")

    joined = all_at_once([join_waiting] * 4)

    assert sum(joined) == Event.objects.count() == 20
