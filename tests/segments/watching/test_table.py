"""The one table of definitions once more: whoever is in a segment has an open stay in its history."""

from __future__ import annotations

from django.utils import timezone

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.models import Segment, Stay
from segments.watching import advance, watch_segment
from segments.watching.upkeep import start_new
from tests.segments.deeds import make_deeds
from tests.segments.people import make_people
from tests.segments.table import TABLE
from tests.segments.table_relations import RELATIONS

ROWS = TABLE + RELATIONS


def stays_of(segment: Segment, people: dict[str, Contact]) -> frozenset[str]:
    ids = set(Stay.objects.filter(segment=segment, left_at=None).values_list("contact_id", flat=True))
    return frozenset(name for name, contact in people.items() if contact.pk in ids)


def test_the_history_of_every_row_begins_with_its_members(db: None) -> None:
    people = make_people()
    make_deeds(people)
    segments = [save_segment(Segment(name=f"Row {n}", definition=row.definition)) for n, row in enumerate(ROWS)]
    for segment in segments:
        watch_segment(segment)

    now = timezone.now()
    start_new(now=now, waits=False)
    while advance(now=now, seconds=600):
        pass

    found = [(row.name, stays_of(segment, people)) for row, segment in zip(ROWS, segments, strict=True)]
    assert found == [(row.name, row.expected) for row in ROWS]
