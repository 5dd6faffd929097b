"""A timeline looks only into the months that can have what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from contacts.activity import record_events, timeline
from contacts.activity.partitions import ensure_partitions
from tests.contacts.activity.conftest import BY, event
from tests.months import months_touched

pytestmark = pytest.mark.django_db

MONTHS = [datetime(2026, month, 10, 12, tzinfo=UTC) for month in range(3, 9)]


@pytest.fixture
def olena(make_contact) -> int:
    """A contact with an event in each of six months, among others with as many."""
    ensure_partitions(months_back=0, months_ahead=0, today=MONTHS[0].date())
    people = [make_contact(email=f"u{number}@example.com") for number in range(20)]
    for at in MONTHS:
        record_events([event(email=f"u{number}@example.com", occurred_at=at) for number in range(20)], by=BY)
    return people[0]


def test_a_period_keeps_to_its_months(olena):
    period = {"since": datetime(2026, 5, 1, tzinfo=UTC), "until": datetime(2026, 7, 1, tzinfo=UTC)}

    touched = months_touched(lambda: timeline(olena, kinds=["event"], **period))

    assert touched == {"2026_05", "2026_06"}


def test_a_further_page_leaves_out_what_is_newer(olena):
    first = timeline(olena, kinds=["event"], limit=3)

    touched = months_touched(lambda: timeline(olena, kinds=["event"], limit=3, before=first.next))

    assert first.next is not None
    assert first.next.startswith("2026-06")
    assert not touched & {"2026_07", "2026_08", "2026_09", "2026_10", "2026_11", "2026_12"}


def test_a_page_of_a_period_keeps_to_what_is_left_of_it(olena):
    since = datetime(2026, 4, 1, tzinfo=UTC)
    first = timeline(olena, kinds=["event"], limit=4, since=since)

    touched = months_touched(lambda: timeline(olena, kinds=["event"], limit=4, since=since, before=first.next))

    assert touched == {"2026_04", "2026_05"}


def test_pages_put_together_are_the_whole(olena):
    pages, position = [], None
    while not pages or position:
        page = timeline(olena, kinds=["event"], limit=2, before=position)
        pages.append(page)
        position = page.next

    moments = [entry.at for page in pages for entry in page.entries]
    assert moments == MONTHS[::-1]
    assert all(later > earlier for later, earlier in pairwise(moments))
