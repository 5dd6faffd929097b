"""The one table of definitions once more, through the doors: the API's members and explanations, the pages of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from segments.models import Segment
from segments.places import find_places
from tests.segments.table import TABLE, Row
from tests.segments.table_relations import RELATIONS

People = dict[str, Contact]
ROWS = TABLE + RELATIONS

each_row = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


@pytest.fixture
def people(everybody: People, db: None) -> People:
    """Made once: nothing here changes them."""
    return everybody


@pytest.fixture
def segment(row: Row, saved: list[Segment], db: None) -> Segment:
    return saved[ROWS.index(row)]


@pytest.fixture(scope="module")
def places(everybody: People, saved: list[Segment], django_db_blocker: Any) -> dict[str, set[int]]:
    """By name, the numbers of the segments that a contact is found to be in; each is asked once about all rows."""
    with django_db_blocker.unblock():
        found = {name: find_places(contact.pk, milliseconds=60_000) for name, contact in everybody.items()}
    assert not any(places.unanswered for places in found.values())
    return {name: {place.population.id for place in places.here} for name, places in found.items()}


def name_of(people: People, contact_id: int) -> str:
    return next(name for name, contact in people.items() if contact.pk == contact_id)


def some(row: Row, people: People) -> list[str]:
    """One who is in it and one who is not, where there are such."""
    inside, outside = sorted(row.expected), sorted(set(people) - row.expected)
    return [*inside[:1], *outside[-1:]]


@each_row
def test_the_api_lists_and_explains_the_same_members(
    row: Row, people: People, segment: Segment, call_api: Callable[..., Any]
) -> None:
    listed = call_api("get", f"/api/v1/group/{segment.pk}/contacts")
    told = call_api("get", f"/api/v1/group/{segment.pk}")

    assert {name_of(people, contact["id"]) for contact in listed.json()} == row.expected
    assert listed["TotalCount"] == str(len(row.expected))
    assert told.json()["sentence"] == row.sentence
    for name in some(row, people):
        why = call_api("get", f"/api/v1/group/{segment.pk}/contacts/{people[name].pk}/explain").json()
        assert (name, why["isMember"]) == (name, name in row.expected)


@each_row
def test_the_page_explains_the_same_members(row: Row, people: People, segment: Segment, reader: Client) -> None:
    """Of every other row one who is in it, of the others one who is not: ``test_table`` asks about everybody."""
    name = some(row, people)[ROWS.index(row) % 2 - 1]

    page = reader.get(reverse("admin:segments_segment_explain", args=[segment.pk, people[name].pk]))

    assert (name, page.context["explained"]["holds"]) == (name, name in row.expected)
    assert row.sentence == page.context["sentence"]


@each_row
def test_a_contact_is_found_to_be_in_the_same_segments(row: Row, segment: Segment, places: dict[str, set[int]]) -> None:
    assert {name for name, here in places.items() if segment.pk in here} == row.expected
