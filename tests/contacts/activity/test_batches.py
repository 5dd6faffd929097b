"""What several events of a batch say in the same words is resolved once; nobody can tell by what is stored."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction

from contacts.activity import MOBILE_EVENT, WEB_EVENT, EventStatus, NewEvent, record_events
from contacts.identity import Plan
from contacts.identity.integrity import find_problems
from contacts.identity.types import EVENT
from contacts.models import Contact, Event, EventType, Identifier, WhenNobody
from tests.contacts.activity.conftest import BY, NOW, as_record, create_contact, event

pytestmark = pytest.mark.django_db

PLANS = {"server": EVENT, "web": WEB_EVENT, "app": MOBILE_EVENT}


def draw_record(choose: random.Random) -> dict[str, Any]:
    """Somebody by one or two of a handful of values, so that records meet."""
    drawn: dict[str, Any] = {}
    for _ in range(choose.choice((1, 1, 1, 2, 2))):
        number = choose.randrange(4)
        drawn |= choose.choice(
            (
                {"external_id": f"C-{number}"},
                {"email": f"e{number}@example.com"},
                {"phone": f"+38050123456{number}"},
                {"devices": (f"d{number}",)},
                {"cookies": (f"c{number}",)},
            )
        )
    return as_record(**drawn)


def draw_events(choose: random.Random) -> list[NewEvent]:
    """Records that come several times, now and then in types that make nobody."""
    records = [draw_record(choose) for _ in range(choose.randrange(1, 8))]
    kinds = ("pageView", "pageView", "pageView", "keeps", "refuses")
    return [
        NewEvent(choose.choice(kinds), choose.choice(records), f"k{place}", {"place": place}, NOW)
        for place in range(choose.randrange(1, 16))
    ]


def make_people(choose: random.Random) -> None:
    EventType.objects.create(key="keeps", when_nobody=WhenNobody.KEEP)
    EventType.objects.create(key="refuses", when_nobody=WhenNobody.REFUSE)
    for number in range(choose.randrange(4)):
        create_contact(external_id=f"C-{number}", email=f"e{choose.randrange(4)}@example.com", devices=(f"d{number}",))
    record_events([event(cookies=("c0",))], by=BY, at=NOW, plan=WEB_EVENT)


def state() -> dict[str, Any]:
    """Who is there, by all identifiers, and on whom each event stands; ids are told apart by nothing else."""
    held: dict[int, set[tuple[int, str]]] = {}
    for contact_id, kind, value in Identifier.objects.values_list("contact_id", "kind", "value"):
        held.setdefault(contact_id, set()).add((kind, value))
    named = {contact_id: tuple(sorted(keys)) for contact_id, keys in held.items()}
    contacts = Contact.objects.values_list("id", "state", "external_id", "email", "phone", "merged_into_id")
    return {
        "contacts": sorted(str((named.get(pk), *rest, named.get(into or 0))) for pk, *rest, into in contacts),
        "events": sorted(str((row[0], named.get(row[1]))) for row in Event.objects.values_list("key", "contact_id")),
    }


def told(events: list[NewEvent], plan: Plan, *, together: bool) -> tuple[list[EventStatus], dict[str, Any]]:
    """What is answered and stored, as if it had never happened afterwards."""
    with transaction.atomic():
        batches = [events] if together else [[one] for one in events]
        outcomes = [outcome for batch in batches for outcome in record_events(batch, by=BY, at=NOW, plan=plan)]
        assert find_problems() == []
        found = [outcome.status for outcome in outcomes], state()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("door", PLANS)
@pytest.mark.parametrize("seed", range(12))
def test_events_of_one_batch_end_as_if_each_had_come_alone(door: str, seed: int) -> None:
    choose = random.Random(f"{door}{seed}")
    make_people(choose)
    for _ in range(4):
        events = draw_events(choose)

        together = told(events, PLANS[door], together=True)

        assert together == told(events, PLANS[door], together=False)


def test_events_of_new_people_make_one_contact_each() -> None:
    events = [event(key=f"{number}", external_id=f"C-{number % 3}") for number in range(9)]

    outcomes = record_events(events, by=BY, at=NOW)

    assert [outcome.contact_id for outcome in outcomes[:3]] * 3 == [outcome.contact_id for outcome in outcomes]
    assert Contact.objects.count() == 3
    assert list(Event.objects.order_by("id").values_list("key", flat=True)) == [str(number) for number in range(9)]
