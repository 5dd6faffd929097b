"""The one table of definitions once more, through the doors: the API's members and explanations, the pages of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from segments.catalogue import save_segment
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
def segment(row: Row, people: People) -> Segment:
    return save_segment(Segment(name=f"Row: {row.name}", definition=row.definition))


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
def test_the_page_explains_the_same_members(row: Row, people: People, segment: Segment, admin_client: Client) -> None:
    for name in some(row, people):
        page = admin_client.get(reverse("admin:segments_segment_explain", args=[segment.pk, people[name].pk]))

        assert (name, page.context["explained"]["holds"]) == (name, name in row.expected)
        assert row.sentence == page.context["sentence"]


@each_row
def test_a_contact_is_found_to_be_in_the_same_segments(row: Row, people: People, segment: Segment) -> None:
    places = {name: find_places(contact.pk).here for name, contact in people.items()}

    found = {name for name, here in places.items() if segment.pk in {place.population.id for place in here}}

    assert found == row.expected
