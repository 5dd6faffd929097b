"""What is known of the sizes of segments: counted by a job, one after the other, within its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import KnownSize, Segment, SegmentSize, SegmentType, Watch, WatchStage
from segments.sizes import count_sizes, largest_segments
from tests.segments.people import make_people

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def people(db: None) -> dict[str, Contact]:
    made = make_people()
    Segment.objects.all().delete()
    return made


def make_segment(name: str, *contacts: Contact) -> Segment:
    segment = save_segment(Segment(name=name, type=SegmentType.STATIC))
    add_members(segment, [contact.pk for contact in contacts], by="user:1")
    return segment


def sizes() -> list[tuple[str, int]]:
    return [(shown.segment.name, shown.size) for shown in largest_segments(8, now=NOW)]


def test_segments_that_nobody_counted_are_not_shown(people: dict[str, Contact]) -> None:
    make_segment("Friends", people["bohdan"])

    assert sizes() == []


def test_the_largest_come_first(people: dict[str, Contact]) -> None:
    make_segment("Friends", people["bohdan"])
    make_segment("All", *people.values())

    assert count_sizes(now=NOW) == 2

    assert [name for name, _size in sizes()] == ["All", "Friends"]
    assert largest_segments(1, now=NOW)[0].counted_at == NOW


def test_a_size_holds_for_an_hour(people: dict[str, Contact]) -> None:
    segment = make_segment("Friends", people["bohdan"])
    count_sizes(now=NOW)
    add_members(segment, [people["olena"].pk], by="user:1")

    assert count_sizes(now=NOW + timedelta(minutes=50)) == 0
    assert sizes() == [("Friends", 1)]
    assert count_sizes(now=NOW + timedelta(minutes=61)) == 1
    assert sizes() == [("Friends", 2)]


def test_those_counted_longest_ago_have_their_turn_first(people: dict[str, Contact]) -> None:
    old, new = make_segment("Old", people["bohdan"]), make_segment("New", people["olena"])
    KnownSize.objects.create(segment=old, size=7, sized_at=NOW, counted_at=NOW - timedelta(hours=3))

    count_sizes(now=NOW, seconds=-1)
    assert not KnownSize.objects.filter(segment=new).exists()

    count_sizes(now=NOW)
    assert dict(sizes()) == {"Old": 1, "New": 1}


def test_a_slow_segment_keeps_what_was_known_and_waits_longer(people: dict[str, Contact]) -> None:
    slow = make_segment("Slow", people["bohdan"])
    KnownSize.objects.create(
        segment=slow, size=7, sized_at=NOW - timedelta(days=1), counted_at=NOW - timedelta(hours=3), is_slow=True
    )

    assert count_sizes(now=NOW) == 0
    assert sizes() == [("Slow", 7)]


def test_a_broken_segment_has_nobody(people: dict[str, Contact]) -> None:
    segment = make_segment("Broken")
    definition = {"version": 1, "match": {"all": [{"field": "gone", "op": "is_empty"}]}}
    Segment.objects.filter(pk=segment.pk).update(type=SegmentType.DYNAMIC, definition=definition)

    count_sizes(now=NOW)

    assert sizes() == [("Broken", 0)]


def test_a_watched_segment_knows_its_size_without_counting(people: dict[str, Contact]) -> None:
    segment = make_segment("Watched", people["bohdan"])
    Watch.objects.create(segment=segment, stage=WatchStage.LIVE, size=12)
    SegmentSize.objects.create(segment=segment, day=(NOW - timedelta(days=9)).date(), size=5)

    assert count_sizes(now=NOW) == 0
    [shown] = largest_segments(8, now=NOW)
    assert (shown.size, shown.counted_at, shown.week) == (12, None, 7)


def test_a_watch_that_is_off_says_nothing_of_now(people: dict[str, Contact]) -> None:
    segment = make_segment("Watched once", people["bohdan"])
    Watch.objects.create(segment=segment, stage=WatchStage.LIVE, size=12, is_on=False)

    count_sizes(now=NOW)

    [shown] = largest_segments(8, now=NOW)
    assert (shown.size, shown.counted_at) == (1, NOW)
