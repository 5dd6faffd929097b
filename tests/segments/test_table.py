"""One table of definitions, run through every entrance of segments."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from segments.catalogue import describe_segment
from segments.explaining import explain_member
from segments.membership import count_members, is_member, list_members
from segments.models import Segment
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


@each_row
def test_every_reading_finds_the_same_members(row: Row, people: People, segment: Segment) -> None:
    expected = {people[name].pk for name in row.expected}

    listed = {contact.pk for contact in list_members(segment)}

    assert {name for name, contact in people.items() if contact.pk in listed} == row.expected
    assert count_members(segment) == len(expected)
    assert {contact.pk for contact in people.values() if is_member(segment, contact.pk)} == expected


@each_row
def test_the_explanation_agrees_with_the_membership(row: Row, people: People, segment: Segment) -> None:
    explained = {name: explain_member(segment, contact.pk) for name, contact in people.items()}

    assert {name for name, explanation in explained.items() if explanation.is_member} == row.expected
    assert not explained["deleted"].is_active


@each_row
def test_the_sentence_says_what_is_asked(row: Row, segment: Segment) -> None:
    assert describe_segment(segment) == row.sentence


@each_row
def test_the_members_page_lists_the_same_members(row: Row, people: People, segment: Segment, reader: Client) -> None:
    page = reader.get(reverse("admin:segments_segment_members", args=[segment.pk]))

    assert {contact.pk for contact in page.context["contacts"]} == {people[name].pk for name in row.expected}
    assert page.context["count"] == len(row.expected)
    assert row.sentence in page.context["sentence"]
