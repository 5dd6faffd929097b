"""Whom nobody has seen for long is erased: anonymous contacts and visitors, after the policy's days; nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import merge_contacts, resolve, resolve_one
from contacts.identity.integrity import find_problems
from contacts.identity.retention import find_expired
from contacts.identity.settings import forget_settings
from contacts.identity.types import API, DEVICE, IMPORT, SHEET, Plan
from contacts.jobs import apply_retention_by_night, make_event_partitions
from contacts.models import Contact, ContactState, Event, Identifier, Policy
from contacts.retention import apply_retention

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=91)
LATELY = NOW - timedelta(days=89)
DEVICE_OF_NOBODY = {"identifiers": [{"kind": "device", "value": "d1"}]}


@pytest.fixture(autouse=True)
def policy(db: None) -> Policy:
    forget_settings()
    return Policy.objects.create(anonymous_erased_after_days=90, visitors_erased_after_days=90)


def create(record: dict[str, Any], plan: Plan = API, *, at: datetime = LONG_AGO) -> int:
    contact_id = resolve_one(record, plan, by="key:1", at=at).contact_id
    assert contact_id is not None
    return contact_id


def visit(cookie: str, *, at: datetime = LONG_AGO) -> int:
    page = NewEvent("pageView", {"identifiers": [{"kind": "cookie", "value": cookie}]}, occurred_at=at)
    [outcome] = record_events([page], by="tracker:web", at=at, plan=WEB_EVENT)
    assert outcome.contact_id is not None
    return outcome.contact_id


def erase(at: datetime = NOW) -> tuple[int, int]:
    """How many contacts and visitors went."""
    run = apply_retention(by="rule:retention", at=at)
    assert run is not None
    gone = {rule: line["gone"] for rule, line in run.lines.items()}
    return gone.get("contacts", {}).get("contacts", 0), gone.get("visitors", {}).get("visitors", 0)


def test_an_anonymous_contact_is_erased_after_its_days_of_inactivity():
    device = create(DEVICE_OF_NOBODY, DEVICE)

    assert erase() == (1, 0)
    contact = Contact.objects.get(pk=device)
    assert contact.state == ContactState.ERASED
    assert not Identifier.objects.exists()


def test_an_anonymous_contact_that_was_seen_since_stays():
    device = create(DEVICE_OF_NOBODY, DEVICE)
    resolve([DEVICE_OF_NOBODY], DEVICE, by="tracker:mobile", at=LATELY)

    assert erase() == (0, 0)
    assert Contact.objects.get(pk=device).state == ContactState.ACTIVE


def test_one_that_was_never_seen_counts_from_its_last_change():
    device = create(DEVICE_OF_NOBODY, DEVICE)
    Contact.objects.filter(pk=device).update(last_seen_at=None, updated_at=LATELY)
    assert erase() == (0, 0)

    Contact.objects.filter(pk=device).update(updated_at=LONG_AGO)
    assert erase() == (1, 0)


@pytest.mark.parametrize(
    ("record", "plan"),
    [
        ({"external_id": "C-1"}, API),
        ({"email": "olena@example.com"}, API),
        ({"phone": "+380501112233"}, API),
        ({"contact_key": "card-1"}, API),
        ({"first_name": "Олена"}, SHEET),
        ({"contact_key": "card-1", **DEVICE_OF_NOBODY}, replace(IMPORT, key="contact_key")),
    ],
)
def test_an_identified_contact_is_never_erased(record, plan):
    create(record, plan, at=NOW - timedelta(days=5_000))

    assert erase() == (0, 0)
    assert Contact.objects.get().state == ContactState.ACTIVE


def test_a_device_with_an_order_is_never_erased():
    device = create(DEVICE_OF_NOBODY, DEVICE)
    record_orders([NewOrder("N-1", DEVICE_OF_NOBODY, "DELIVERED", 10, "UAH", LONG_AGO)], by="key:1", at=LONG_AGO)

    assert erase() == (0, 0)
    assert Contact.objects.get(pk=device).order_count == 1


def test_a_visitor_is_erased_with_its_events_after_its_days_of_inactivity():
    number = visit("c1")

    assert erase() == (0, 1)
    assert not Identifier.objects.exists()
    assert not Event.objects.exists()
    assert not Contact.objects.filter(pk=number).exists()


def test_a_visitor_who_came_back_since_stays():
    visit("c1")
    number = visit("c1", at=LATELY)

    assert erase() == (0, 0)
    assert Event.objects.filter(contact_id=number).count() == 2


def test_a_visitor_with_two_cookies_is_erased_only_when_both_are_old():
    both = {"identifiers": [{"kind": "cookie", "value": "c1"}, {"kind": "cookie", "value": "c2"}]}
    record_events([NewEvent("pageView", both, occurred_at=LONG_AGO)], by="tracker:web", at=LONG_AGO, plan=WEB_EVENT)
    visit("c2", at=LATELY)

    assert erase() == (0, 0)
    assert find_expired(at=NOW + timedelta(days=90)).visitors == 1
    assert erase(NOW + timedelta(days=90)) == (0, 1)
    assert not Identifier.objects.exists()


def test_the_cookie_of_a_contact_is_no_visitor():
    number = visit("c1")
    create({"email": "olena@example.com", "identifiers": [{"kind": "cookie", "value": "c1"}]})

    assert erase() == (0, 0)
    assert Event.objects.filter(contact_id=number).exists()


def test_where_the_policy_says_never_nobody_is_erased(policy):
    policy.anonymous_erased_after_days = policy.visitors_erased_after_days = None
    policy.save()
    create(DEVICE_OF_NOBODY, DEVICE)
    visit("c1")

    assert erase(NOW + timedelta(days=50_000)) == (0, 0)


def test_a_dry_run_counts_them_names_some_and_writes_nothing():
    devices = [create({"identifiers": [{"kind": "device", "value": f"d{number}"}]}, DEVICE) for number in range(12)]
    visitors = [visit(f"c{number}") for number in range(3)]

    found = find_expired(at=NOW, sample=10)

    assert (found.contacts, found.visitors) == (12, 3)
    assert found.contact_ids == devices[:10]
    assert found.visitor_numbers == visitors
    assert Contact.objects.filter(state=ContactState.ACTIVE).count() == 12
    assert Event.objects.count() == 3


def test_many_are_erased_in_batches():
    records = [{"identifiers": [{"kind": "device", "value": f"d{number}"}]} for number in range(230)]
    resolve(records, DEVICE, by="tracker:mobile", at=LONG_AGO)
    cookies = [{"identifiers": [{"kind": "cookie", "value": f"c{number}"}]} for number in range(230)]
    events = [NewEvent("pageView", cookie, occurred_at=LONG_AGO) for cookie in cookies]
    record_events(events, by="tracker:web", at=LONG_AGO, plan=WEB_EVENT)

    assert erase() == (230, 230)
    assert erase() == (0, 0)
    assert find_problems() == []


def test_a_person_who_was_erased_leaves_nothing_anywhere():
    merged = create({"identifiers": [{"kind": "device", "value": "traitor-1"}]}, DEVICE)
    survivor = create({"identifiers": [{"kind": "device", "value": "traitor-2"}]}, DEVICE)
    page = NewEvent("pageView", {"id": survivor}, params={"name": "traitor"}, occurred_at=LONG_AGO)
    record_events([page], by="tracker:mobile", at=LONG_AGO)
    merge_contacts(survivor, merged, by="user:1", at=LONG_AGO)

    assert erase() == (1, 0)

    for model in apps.get_app_config("contacts").get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} t WHERE t::text LIKE '%traitor%'")
            assert cursor.fetchone() == (0,), f"{model.__name__} still knows something"


def test_the_periodic_jobs_do_it():
    visit("c1", at=datetime.now(UTC) - timedelta(days=100))

    apply_retention_by_night(timestamp=0)
    make_event_partitions(timestamp=0)

    assert not Identifier.objects.exists()


def test_the_command_shows_whom_it_would_erase_and_then_erases_them():
    gone = create(DEVICE_OF_NOBODY, DEVICE, at=datetime.now(UTC) - timedelta(days=200))
    shown, done = StringIO(), StringIO()

    call_command("erase_inactive", "--dry-run", stdout=shown)
    assert Contact.objects.get(pk=gone).state == ContactState.ACTIVE
    call_command("erase_inactive", "--json", stdout=done)

    assert "1 anonymous contacts and 0 visitors would be erased." in shown.getvalue()
    assert f"contact ids: {gone}" in shown.getvalue()
    assert json.loads(done.getvalue()) == {"contacts": 1, "visitors": 0}
    assert Contact.objects.get(pk=gone).state == ContactState.ERASED
