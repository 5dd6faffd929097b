"""Which segments a contact is in now."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from contacts import populations
from contacts.models import Contact
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import Segment, SegmentType
from segments.places import find_places
from tests.segments.people import NOW
from tests.segments.table import ask, define

People = dict[str, Contact]


def names(found: populations.Places) -> list[str]:
    return [place.population.name for place in found.here]


@pytest.fixture
def segments(people: People) -> dict[str, Segment]:
    Segment.objects.filter(builtin__isnull=False).delete()
    made = {
        "friends": save_segment(Segment(name="friends", type=SegmentType.STATIC)),
        "Lviv": save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv")))),
        "Email": save_segment(Segment(name="Email", definition=define(ask("email", "is_not_empty")))),
    }
    both = {"all": [ask("segment", "in", made["friends"].pk), ask("segment", "in", made["Lviv"].pk)]}
    made["Both"] = save_segment(Segment(name="Both", type=SegmentType.COMBINED, definition=define(both)))
    return made


def test_a_contact_is_found_in_segments_of_every_type_by_name(people: People, segments: dict[str, Segment]) -> None:
    add_members(segments["friends"], [people["bohdan"].pk], by="user:1")

    found = find_places(people["bohdan"].pk)

    assert names(found) == ["Both", "Email", "friends", "Lviv", "Regulars"]
    assert (found.unanswered, found.stopped) == ([], False)
    [friends] = [place for place in found.here if place.population.name == "friends"]
    assert (friends.by, friends.since is not None) == ("user:1", True)
    assert names(find_places(people["taras"].pk)) == []


def test_who_is_deleted_or_unknown_is_in_none(people: People, segments: dict[str, Segment]) -> None:
    assert names(find_places(people["deleted"].pk)) == []
    assert names(find_places(10**15)) == []


def test_all_are_asked_in_one_statement(people: People, segments: dict[str, Segment]) -> None:
    few = count_statements(lambda: find_places(people["bohdan"].pk))
    for number in range(20):
        save_segment(Segment(name=f"Town {number}", definition=define(ask("town", "contains", f"{number}"))))

    assert count_statements(lambda: find_places(people["bohdan"].pk)) == few


def count_statements(work: Any) -> int:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as caught:
        work()
    return len(caught)


def test_a_segment_whose_conditions_are_broken_is_named_and_the_others_are_answered(
    people: People, segments: dict[str, Segment]
) -> None:
    Segment.objects.filter(pk=segments["Email"].pk).update(definition=define(ask("gone", "is", "1")))

    found = find_places(people["bohdan"].pk)

    assert names(found) == ["Lviv", "Regulars"]
    assert [population.name for population in found.unanswered] == ["Email"]
    assert not found.stopped


@pytest.mark.django_db(transaction=True)
def test_asking_that_takes_too_long_is_stopped_and_static_ones_are_still_shown() -> None:
    contact = Contact.objects.create(first_name="Olena", created_at=NOW, updated_at=NOW)
    friends = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(friends, [contact.pk], by="user:1")
    save_segment(Segment(name="Buyers", definition=define({"field": "orders", "op": "did"})))
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE contacts_order IN ACCESS EXCLUSIVE MODE")
        found = find_places(contact.pk, milliseconds=50)
    finally:
        other.close()

    assert (names(found), found.stopped) == (["Friends"], True)
    assert "Buyers" in {population.name for population in found.unanswered}
