"""Parameters of events are listed as they are seen, beside the events, and a known one costs nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from contacts.activity import EventStatus, note_events, record_events
from contacts.activity.parameters import MOST_NAMES, forget_noted, list_parameters, list_seen, note_parameters
from contacts.models import EventParameter, EventType
from tests.contacts.activity.conftest import BY, NOW, create_contact, event
from tests.together import all_at_once

pytestmark = pytest.mark.django_db

committed = partial(TestCase.captureOnCommitCallbacks, execute=True)


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    forget_noted()


@pytest.fixture
def kind() -> EventType:
    return EventType.objects.create(key="seen")


def send(*bodies, key="seen", **named):
    sent = [event(key, **(named or {"email": "olena@example.com"}), params=body) for body in bodies]
    with committed():
        return record_events(sent, by=BY)


def note(*bodies, kind):
    with committed():
        note_parameters([(kind.pk, body) for body in bodies])


def listed(kind: EventType) -> dict[str, list[str]]:
    return {one.name: one.kinds for one in list_parameters(kind.pk)}


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("boots", "text"),
        ("2026-11-20", "date"),
        ("2026-11-20T12:30:00Z", "date"),
        (7, "number"),
        (12.5, "number"),
        (True, "boolean"),
        (["a"], "list"),
        ({}, "object"),
        ("", None),
        (None, None),
    ],
)
def test_each_value_is_of_a_kind_and_what_is_empty_of_none(kind, value, seen):
    send({"page": value})

    assert listed(kind) == ({"page": [seen]} if seen else {})


def test_what_an_object_holds_is_listed_by_its_path_and_no_deeper(kind):
    send({"product": {"id": 7, "maker": {"name": "Lviv shoes"}}})

    assert listed(kind) == {"product": ["object"], "product.id": ["number"], "product.maker": ["object"]}


def test_one_name_may_have_values_of_several_kinds(kind):
    send({"price": 5}, {"price": "a lot"})

    assert sorted(listed(kind)["price"]) == ["number", "text"]


def test_a_known_parameter_costs_no_statement(kind):
    note({"page": "/boots", "product": {"id": 7}}, kind=kind)

    with CaptureQueriesContext(connection) as asked:
        for number in range(50):
            note({"page": f"/{number}", "product": {"id": number}}, kind=kind)

    assert len(asked) == 0
    assert len(listed(kind)) == 3


def test_a_date_among_texts_is_found_though_the_shape_is_known(kind):
    note(*[{"day": "soon"}] * 5, kind=kind)
    note({"day": "2026-11-20"}, kind=kind)

    assert sorted(listed(kind)["day"]) == ["date", "text"]


def test_when_it_was_seen_last_moves_on(kind):
    send({"page": "/"})
    EventParameter.objects.update(first_seen_at=NOW - timedelta(days=9), last_seen_at=NOW - timedelta(days=9))
    forget_noted()

    send({"page": "/"})

    [page] = list_parameters(kind.pk)
    assert page.first_seen_at == NOW - timedelta(days=9)
    assert datetime.now(UTC) - page.last_seen_at < timedelta(minutes=10)


def test_of_very_many_names_some_are_listed_and_the_rest_is_said(kind):
    for start in range(0, MOST_NAMES + 60, 20):
        send(*({f"n{number:04}": 1} for number in range(start, start + 20)))

    kind.refresh_from_db()
    assert len(listed(kind)) == MOST_NAMES
    assert kind.has_more_parameters


def test_a_listed_name_gets_further_kinds_where_no_further_name_has_room(kind):
    send(*({f"n{number:04}": 1} for number in range(MOST_NAMES + 1)))

    send({"n0000": "text"})

    assert sorted(listed(kind)["n0000"]) == ["number", "text"]


def test_names_that_cannot_be_listed_are_left_out_and_stored(kind):
    [outcome] = send({"x" * 201: 1, "": 2, "page": "/"})

    assert outcome.status == EventStatus.RECORDED
    assert listed(kind) == {"page": ["text"]}


def test_what_was_refused_is_not_listed_and_what_is_kept_is(kind):
    EventType.objects.filter(pk=kind.pk).update(when_nobody="refuse")
    send({"refused": 1}, email="new@example.com")
    EventType.objects.filter(pk=kind.pk).update(when_nobody="keep")
    send({"kept": 1}, email="new@example.com")

    assert listed(kind) == {"kept": ["number"]}


def test_parameters_of_events_that_we_record_ourselves_are_listed(kind):
    with committed():
        olena = create_contact(email="olena@example.com")
        note_events([olena], "seen", key="", source="api", at=NOW, params={"list": "a"})

    assert listed(kind) == {"list": ["text"]}


@pytest.mark.django_db(transaction=True)
def test_several_who_note_the_same_at_once_list_it_once(kind):
    seen = [(kind.pk, f"n{number}", "number") for number in range(30)]

    all_at_once([lambda: list_seen(seen)] * 6)

    assert len(listed(kind)) == 30


@pytest.mark.django_db(transaction=True)
def test_a_trouble_with_the_list_fails_no_event(kind, caplog):
    EventType.objects.filter(pk=kind.pk).delete()
    note_parameters([(kind.pk, {"page": "/"})])

    assert "contacts_eventparameter" in caplog.text
    assert send({"page": "/"})[0].status == EventStatus.RECORDED
