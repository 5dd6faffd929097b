"""Events are forgotten by whole months."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contacts.activity.old_events import count_old_events, drop_old_events, first_month_kept, months_before
from contacts.activity.partitions import ensure_partitions
from contacts.models import Event, Policy
from contacts.retention import apply_retention

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)


def record(at: datetime) -> None:
    Event.objects.create(contact_id=1, type_id=1, occurred_at=at, received_at=at)


def test_months_before_the_first_one_kept_go_and_later_ones_stay():
    ensure_partitions(months_back=4, today=TODAY)
    for month in (3, 7, 8, 9, 11):
        record(datetime(2026, month, 15, tzinfo=UTC))
    Policy.objects.create(events_kept_months=3)
    first = first_month_kept(today=TODAY)
    assert first == date(2026, 8, 1)
    assert count_old_events(first) == (2, True)

    dropped = drop_old_events(first)

    assert dropped[-1] == "2026-07"
    assert dropped == sorted(dropped)

    assert sorted(event.occurred_at.month for event in Event.objects.all()) == [8, 9, 11]
    assert drop_old_events(first) == []


def test_without_a_number_of_months_everything_is_kept():
    Policy.objects.create()
    record(datetime(2001, 1, 1, tzinfo=UTC))

    assert first_month_kept() is None
    run = apply_retention(by="rule:retention")
    assert run is not None
    assert "events" not in run.lines
    assert Event.objects.count() == 1


def test_as_many_months_as_one_likes():
    assert months_before(TODAY, 1) == date(2026, 10, 1)
    assert months_before(TODAY, 11) == date(2025, 12, 1)
    assert months_before(TODAY, 10**9) == date(1, 1, 1)
