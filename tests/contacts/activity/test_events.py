"""Events hang from whom the identity rules find (L15, L17), and change nothing of the sheet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contacts.activity import MOBILE_EVENT, WEB_EVENT, EventStatus, NewEvent, record_events
from contacts.identity import delete_contacts, erase_contacts, merge_contacts, resolve_one
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import Change, Contact, ContactState, Event, EventType, Identifier, Policy
from tests.contacts.activity.conftest import BY, NOW, event

pytestmark = pytest.mark.django_db


def record(*events, plan=None, at=NOW):
    return record_events(events, by=BY, at=at, **({"plan": plan} if plan else {}))


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
def test_an_event_finds_its_contact_by_every_key(make_contact, named):
    olena = make_contact(
        external_id="C-1",
        email="olena@example.com",
        phone="+380501112233",
        contact_key="card-1",
        devices=("phone-of-olena",),
        cookies=("cookie-of-olena",),
    )
    named = {"id": olena} if "id" in named else named

    [outcome] = record(event(**named))

    assert (outcome.status, outcome.contact_id, outcome.is_visitor) == (EventStatus.RECORDED, olena, False)
    assert Event.objects.get().contact_id == olena


def test_an_event_keeps_its_type_key_parameters_source_and_both_times(make_contact):
    olena = make_contact(email="olena@example.com")
    long_ago = NOW - timedelta(days=200)

    record(event("productViewed", email="olena@example.com", key="k-1", occurred_at=long_ago))

    stored = Event.objects.get(contact_id=olena)
    assert EventType.objects.get(pk=stored.type_id).key == "productViewed"
    assert (stored.key, stored.params, stored.source) == ("k-1", {"page": "/boots"}, "event")
    assert (stored.occurred_at, stored.received_at) == (long_ago, NOW)


def test_an_event_without_a_time_occurred_when_it_was_received(make_contact):
    make_contact(email="olena@example.com")

    record(event(email="olena@example.com", occurred_at=None))

    assert Event.objects.get().occurred_at == NOW


def test_an_event_changes_no_field_and_is_no_change_of_the_sheet(make_contact):
    olena = make_contact(external_id="C-1", first_name="Олена")
    before = Contact.objects.get(pk=olena)

    record(NewEvent("pageView", {"external_id": "C-1", "first_name": "Hacker", "email": "other@example.com"}))

    after = Contact.objects.get(pk=olena)
    assert (after.first_name, after.email, after.updated_at) == ("Олена", None, before.updated_at)
    assert Change.objects.filter(contact_id=olena).count() == 1


@pytest.mark.parametrize("named", [{"external_id": "new"}, {"email": "new@example.com"}, {"phone": "+380671112233"}])
def test_an_event_that_names_an_unknown_person_makes_the_contact(named):
    [outcome] = record(event(**named))

    contact = Contact.objects.get(pk=outcome.contact_id)
    [(column, value)] = named.items()
    assert getattr(contact, column) == value
    assert contact.created_at == NOW


@pytest.mark.parametrize(
    "named", [{"devices": ("d9",)}, {"cookies": ("c9",)}, {"contact_key": "card-9"}, {"id": 999_999}]
)
def test_an_event_that_names_nobody_known_is_refused_as_contact_not_found(named):
    [outcome] = record(event(**named))

    assert (outcome.status, outcome.code) == (EventStatus.FAILED, "contact_not_found")
    assert outcome.message.endswith(".")
    assert not Event.objects.exists()
    assert not Contact.objects.exists()


def test_an_event_whose_type_creates_no_contacts_is_refused_as_contact_not_found(make_contact):
    make_contact(email="olena@example.com")
    EventType.objects.create(key="opened", when_nobody="refuse")

    known, unknown, other = record(
        event("opened", email="olena@example.com"),
        event("opened", email="new@example.com"),
        event("clicked", email="new@example.com"),
    )

    assert known.status == other.status == EventStatus.RECORDED
    assert (unknown.status, unknown.code) == (EventStatus.FAILED, "contact_not_found")


def test_an_event_without_any_identifier_is_refused_as_identifier_missing():
    [outcome] = record(event())

    assert (outcome.status, outcome.code) == (EventStatus.FAILED, "identifier_missing")


def test_a_cookie_of_the_web_tracker_is_a_visitor_with_a_number_and_no_contact():
    first, second = record(event(cookies=("c1",)), event(cookies=("c1",)), plan=WEB_EVENT)
    [third] = record(event(cookies=("c1",)), plan=WEB_EVENT)

    assert first.is_visitor
    assert first.contact_id == second.contact_id == third.contact_id
    assert Event.objects.filter(contact_id=first.contact_id).count() == 3
    assert not Contact.objects.exists()


def test_a_visitor_that_becomes_known_brings_its_events_along():
    [seen] = record(event(cookies=("c1",)), plan=WEB_EVENT)

    outcome = resolve_one(
        {"email": "olena@example.com", "identifiers": [{"kind": "cookie", "value": "c1"}]}, API, by=BY, at=NOW
    )
    [later] = record(event(cookies=("c1",)), plan=WEB_EVENT)

    assert later.contact_id == outcome.contact_id == seen.contact_id
    assert not later.is_visitor
    assert Event.objects.filter(contact_id=outcome.contact_id).count() == 2


def test_a_visitor_that_becomes_known_in_the_same_batch_has_its_earlier_events_too(make_contact):
    olena = make_contact(email="olena@example.com")

    first, second = record(event(cookies=("c1",)), event(cookies=("c1",), email="olena@example.com"), plan=WEB_EVENT)

    assert (first.contact_id, first.is_visitor, second.contact_id) == (olena, False, olena)
    assert Event.objects.filter(contact_id=olena).count() == 2
    assert Identifier.objects.get(kind=Kind.COOKIE).contact_id == olena


def test_an_anonymous_contact_that_is_merged_in_the_same_batch_hands_its_events_over(make_contact):
    phone = make_contact(devices=("d1",))
    olena = make_contact(external_id="C-1")

    first, second = record(event(devices=("d1",)), event(devices=("d1",), external_id="C-1"), plan=MOBILE_EVENT)

    assert first.contact_id == second.contact_id == olena
    assert Contact.objects.get(pk=phone).state == ContactState.MERGED
    assert Event.objects.filter(contact_id=olena).count() == 2


def test_an_event_takes_the_devices_it_carries(make_contact):
    olena = make_contact(external_id="C-1")

    record(event(external_id="C-1", devices=("d1",)), plan=MOBILE_EVENT)

    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == olena
    assert Contact.objects.get(pk=olena).last_seen_at == NOW


def test_an_event_named_by_the_external_id_of_a_deleted_contact_is_recorded_on_it(make_contact):
    olena = make_contact(external_id="C-1", email="olena@example.com")
    delete_contacts([olena], by=BY)

    [by_external_id] = record(event(external_id="C-1"))
    [by_email] = record(event(email="olena@example.com"))

    assert by_external_id.contact_id == olena
    assert Contact.objects.get(pk=olena).state == ContactState.DELETED
    assert by_email.contact_id != olena


def test_an_event_of_a_merged_contact_is_recorded_on_the_survivor(make_contact):
    survivor, loser = make_contact(external_id="C-1"), make_contact(external_id="C-2")
    merge_contacts(survivor, loser, by="user:1")

    by_external_id, by_id = record(event(external_id="C-2"), event(id=loser))

    assert by_external_id.contact_id == by_id.contact_id == survivor


def test_an_event_of_an_erased_contact_is_refused(make_contact):
    olena = make_contact(external_id="C-1")
    erase_contacts([olena], by="user:1")

    [outcome] = record(event(id=olena))

    assert (outcome.status, outcome.code) == (EventStatus.FAILED, "contact_not_found")


def test_where_tracking_may_not_set_an_external_id_an_event_with_a_new_one_makes_nobody():
    Policy.objects.create(tracking_may_set_external_id=False)

    [outcome] = record(event(external_id="new"))

    assert (outcome.status, outcome.code) == (EventStatus.FAILED, "identifier_missing")


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"type": " "}, "type", "required"),
        ({"type": "x" * 101}, "type", "too_long"),
        ({"type": "\ud800"}, "type", "invalid_value"),
        ({"key": "x" * 301}, "key", "too_long"),
        ({"key": "a\0b"}, "key", "invalid_value"),
        ({"key": "\ud800"}, "key", "invalid_value"),
        ({"params": ["a"]}, "params", "invalid_value"),
        ({"params": {"a": "\0"}}, "params", "invalid_value"),
        ({"params": {"a": "x" * 70_000}}, "params", "too_long"),
        ({"occurred_at": datetime(2026, 1, 1)}, "occurred_at", "invalid_datetime"),  # noqa: DTZ001
        ({"contact": {"email": "no address"}}, "email", "invalid_email"),
    ],
)
def test_an_event_that_cannot_be_read_names_its_field_and_keeps_no_other_back(change, column, code):
    good = event(email="olena@example.com")

    refused, recorded = record(replace(good, **change), good)

    assert (refused.status, refused.column, refused.code) == (EventStatus.FAILED, column, code)
    assert refused.message.endswith(".")
    assert recorded.status == EventStatus.RECORDED


def test_batches_of_any_size_keep_their_order(make_contact):
    ids = [make_contact(email=f"person{number}@example.com") for number in range(5)]
    events = [event(email=f"person{number % 5}@example.com", key=str(number)) for number in range(2_345)]

    outcomes = record(*events)

    assert [outcome.contact_id for outcome in outcomes] == [ids[number % 5] for number in range(2_345)]
    assert Event.objects.count() == 2_345


def test_who_was_seen_some_minutes_ago_is_not_written_again(make_contact):
    contact_id = make_contact(email="olena@example.com", cookies=("c1",))
    record_events([event(cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)

    record_events([event(cookies=("c1",))], by=BY, at=NOW + timedelta(minutes=4), plan=WEB_EVENT)
    soon = seen_at(contact_id)
    record_events([event(cookies=("c1",))], by=BY, at=NOW + timedelta(minutes=6), plan=WEB_EVENT)

    assert soon == {NOW}
    assert seen_at(contact_id) == {NOW + timedelta(minutes=6)}


def seen_at(contact_id: int) -> set[datetime | None]:
    """When the contact, and its cookie, were seen last."""
    cookie = Identifier.objects.get(contact_id=contact_id, kind=Kind.COOKIE)
    return {Contact.objects.get(pk=contact_id).last_seen_at, cookie.last_seen_at}
