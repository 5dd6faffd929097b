"""Events whose identifiers nobody has wait for whoever gets one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contacts.activity import MOBILE_EVENT, WEB_EVENT, EventStatus, record_events
from contacts.activity.joining import join_waiting
from contacts.activity.unmatched import count_old_unmatched, erase_old_unmatched
from contacts.identity import delete_contacts, erase_contacts, merge_contacts, resolve_one, restore_contacts
from contacts.identity.types import API, DEVICE
from contacts.keys import Kind
from contacts.models import Contact, Event, EventType, Identifier, JournalPosition, UnmatchedEvent, UnmatchedName
from tests.contacts.activity.conftest import BY, NOW, as_record, event

pytestmark = pytest.mark.django_db

RECORDED, KEPT, FAILED = EventStatus.RECORDED, EventStatus.KEPT, EventStatus.FAILED


@pytest.fixture
def kept_type():
    return EventType.objects.create(key="opened", when_nobody="keep")


def record(*events, plan=None, at=NOW):
    return record_events(events, by=BY, at=at, **({"plan": plan} if plan else {}))


@pytest.mark.parametrize("named", [{"external_id": "C-1"}, {"email": "New@Example.com"}, {"devices": ("d1",)}])
def test_an_event_of_nobody_is_kept_where_its_type_says_so(kept_type, named):
    [outcome] = record(event("opened", key="k-1", **named))

    assert (outcome.status, outcome.contact_id, outcome.is_accepted) == (KEPT, None, True)
    waiting = UnmatchedEvent.objects.get()
    assert (waiting.type, waiting.key, waiting.params) == (kept_type, "k-1", {"page": "/boots"})
    assert (waiting.source, waiting.received_at) == ("event", NOW)
    assert not Contact.objects.exists()
    assert not Event.objects.exists()


def test_what_it_names_is_kept_as_it_is_compared(kept_type):
    record(event("opened", email="New@Example.com", devices=("d1",)))

    assert list(UnmatchedName.objects.order_by("kind").values_list("kind", "app", "value")) == [
        (Kind.EMAIL, "", "new@example.com"),
        (Kind.DEVICE, "", "d1"),
    ]


def test_an_event_of_a_known_contact_is_recorded_at_once(kept_type, make_contact):
    olena = make_contact(email="olena@example.com")

    [outcome] = record(event("opened", email="olena@example.com"))

    assert (outcome.status, outcome.contact_id) == (RECORDED, olena)


@pytest.mark.parametrize(("named", "code"), [({"id": 999_999}, "contact_not_found"), ({}, "identifier_missing")])
def test_an_event_that_names_nobody_who_may_come_is_refused(kept_type, named, code):
    [outcome] = record(event("opened", **named))

    assert (outcome.status, outcome.code) == (FAILED, code)
    assert not UnmatchedEvent.objects.exists()


@pytest.mark.parametrize(("choice", "status"), [("create", KEPT), ("keep", KEPT), ("refuse", FAILED)])
def test_an_event_of_an_app_waits_for_the_call_that_brings_its_device(choice, status):
    EventType.objects.create(key="opened", when_nobody=choice)

    [outcome] = record(event("opened", devices=("d1",)), plan=MOBILE_EVENT)

    assert outcome.status == status


def test_a_visitor_s_event_does_not_wait(kept_type):
    [outcome] = record(event("opened", cookies=("c1",)), plan=WEB_EVENT)

    assert (outcome.status, outcome.is_visitor) == (RECORDED, True)


def test_a_kept_event_that_is_sent_again_is_kept_once(kept_type):
    once = event("opened", email="olena@example.com", key="k-1", once=True)

    outcomes = record(once, once) + record(once)

    assert [outcome.status for outcome in outcomes] == [KEPT, EventStatus.REPEATED, EventStatus.REPEATED]
    assert UnmatchedEvent.objects.count() == 1


def test_what_waits_for_long_is_erased_in_pieces(kept_type):
    for day in range(5):
        record(event("opened", email=f"u{day}@example.com"), at=NOW - timedelta(days=40 + day))
    record(event("opened", email="new@example.com"))
    before = NOW - timedelta(days=30)

    assert count_old_unmatched(before, limit=3) == 3
    assert [erase_old_unmatched(before, limit=3) for _ in range(3)] == [3, 2, 0]
    assert [name.value for name in UnmatchedName.objects.all()] == ["new@example.com"]
    assert UnmatchedEvent.objects.count() == 1


# Joining


def test_a_waiting_event_joins_whoever_gets_what_it_names(kept_type, make_contact):
    record(event("opened", external_id="C-1", key="k-1", occurred_at=NOW - timedelta(days=3)))
    assert join_waiting() == 0

    olena = make_contact(external_id="C-1")

    assert join_waiting() == 1
    stored = Event.objects.get()
    assert (stored.contact_id, stored.type_id, stored.key, stored.params) == (
        olena,
        kept_type.pk,
        "k-1",
        {"page": "/boots"},
    )
    assert (stored.source, stored.occurred_at, stored.received_at) == ("event", NOW - timedelta(days=3), NOW)
    assert not UnmatchedEvent.objects.exists()
    assert not UnmatchedName.objects.exists()
    assert join_waiting() == 0


def test_it_joins_a_contact_that_gets_the_value_later(kept_type, make_contact):
    olena = make_contact(external_id="C-1")
    record(event("opened", email="olena@example.com"))

    resolve_one({"external_id": "C-1", "email": "Olena@Example.com"}, API, by=BY)

    assert join_waiting() == 1
    assert Event.objects.get().contact_id == olena


def test_an_app_s_events_join_the_contact_that_its_device_makes():
    record(*[event("opened", devices=("d1",)) for _ in range(3)], plan=MOBILE_EVENT)

    anonymous = resolve_one(as_record(devices=("d1",)), DEVICE, by="tracker:mobile").contact_id

    assert join_waiting() == 3
    assert {(stored.contact_id, stored.source) for stored in Event.objects.all()} == {(anonymous, "mobile")}


@pytest.mark.parametrize("kind", ["mobile_push", "web_push"])
def test_a_token_of_no_app_is_of_whatever_app_it_turns_out_to_be(kept_type, kind):
    unnamed = {"identifiers": [{"kind": "mobile_push", "value": "token-1"}]}
    record(event("opened", **unnamed))

    of_shop = {"identifiers": [{"kind": kind, "app": "shop", "value": "token-1"}]}
    olena = resolve_one({"external_id": "C-1", **of_shop}, API, by=BY).contact_id

    assert join_waiting() == 1
    assert Event.objects.get().contact_id == olena
    assert Identifier.objects.get(value="token-1").app == "shop"


def test_a_token_of_no_app_that_is_kept_while_the_app_s_call_is_written_is_found(kept_type):
    of_shop = {"identifiers": [{"kind": "mobile_push", "app": "shop", "value": "token-1"}]}
    olena = resolve_one({"external_id": "C-1", **of_shop}, API, by=BY).contact_id
    join_waiting()

    unnamed = {"identifiers": [{"kind": "mobile_push", "value": "token-1"}]}
    record(event("opened", **unnamed), at=datetime.now(UTC))

    assert join_waiting() == 1
    assert Event.objects.get().contact_id == olena


def test_what_an_event_names_beside_is_attached_and_brings_those_that_wait_for_it(kept_type, make_contact):
    record(event("opened", external_id="C-1", devices=("d1",)), event("opened", devices=("d1",)))

    olena = make_contact(external_id="C-1")

    assert join_waiting() == 2
    assert {stored.contact_id for stored in Event.objects.all()} == {olena}
    assert Identifier.objects.get(value="d1").contact_id == olena


def test_the_rules_decide_whether_it_is_meant(kept_type, make_contact):
    """L6: whoever has the email has another external ID."""
    record(event("opened", external_id="C-1", email="family@example.com"))

    make_contact(external_id="C-2", email="family@example.com")
    assert join_waiting() == 0

    olena = make_contact(external_id="C-1")
    assert join_waiting() == 1
    assert Event.objects.get().contact_id == olena


def test_it_joins_a_contact_that_was_deleted_when_that_is_restored(kept_type, make_contact):
    olena = make_contact(email="olena@example.com")
    delete_contacts([olena], by=BY)
    record(event("opened", email="olena@example.com"))
    assert join_waiting() == 0

    restore_contacts([olena], by=BY)

    assert join_waiting() == 1


def test_it_joins_the_survivor_of_a_merge(kept_type, make_contact):
    record(event("opened", email="olena@example.com"))
    survivor, loser = make_contact(external_id="C-1"), make_contact(email="olena@example.com")
    merge_contacts(survivor, loser, by=BY)

    assert join_waiting() == 1
    assert Event.objects.get().contact_id == survivor


def test_an_event_waits_on_while_nobody_gets_what_it_names(kept_type, make_contact):
    record(event("opened", email="olena@example.com"))
    make_contact(email="taras@example.com")

    assert join_waiting() == 0
    assert UnmatchedEvent.objects.count() == 1


def test_events_that_wait_for_somebody_erased_are_erased(kept_type, make_contact):
    record(event("opened", email="olena@example.com"), event("opened", external_id="C-9", email="family@example.com"))
    olena = make_contact(email="olena@example.com")
    taras = make_contact(external_id="C-2", email="family@example.com")

    erase_contacts([olena, taras], by=BY)

    assert [name.value for name in UnmatchedName.objects.filter(kind=Kind.EXTERNAL_ID)] == ["C-9"]
    assert UnmatchedEvent.objects.count() == 1


def test_the_journal_is_read_from_where_it_was_left(kept_type, make_contact):
    make_contact(email="first@example.com")
    join_waiting()
    begun = JournalPosition.objects.get().number
    record(event("opened", email="olena@example.com"))

    make_contact(email="olena@example.com")
    join_waiting()

    assert JournalPosition.objects.get().number > begun > 0
