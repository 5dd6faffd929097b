"""A segment that asks about events of a period looks only into the months of the period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.activity.partitions import ensure_partitions
from contacts.identity import resolve_one
from contacts.identity.types import API
from contacts.models import Event, EventType
from segments.membership import count_members
from segments.models import Segment
from tests.months import months_touched
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db

MONTHS = [datetime(2026, month, 10, 12, tzinfo=UTC) for month in range(3, 9)]
MAY_AND_JUNE = {"op": "between", "value": ["2026-05-05", "2026-06-25"]}


@pytest.fixture
def people() -> None:
    """Twenty contacts, each with an event in each of six months."""
    ensure_partitions(months_back=0, months_ahead=0, today=MONTHS[0].date())
    kind = EventType.objects.create(key="view")
    found = [resolve_one({"email": f"u{number}@example.com"}, API, by="key:1").contact_id for number in range(20)]
    Event.objects.bulk_create(
        Event(contact_id=pk, type_id=kind.pk, params={"price": 5}, occurred_at=at, received_at=at)
        for pk in found
        for at in MONTHS
    )


@pytest.mark.parametrize(
    "more",
    [
        {"op": "did"},
        {"op": "did", "type": "view", "where": ask("params.price", "more_than", 3)},
        {"op": "at_least", "value": 1, "measure": "count"},
        {"op": "at_least", "value": 1, "measure": "sum", "of": "params.price"},
    ],
    ids=lambda more: more.get("measure", more["op"]),
)
def test_a_period_keeps_to_its_months(people: None, more: dict[str, Any]) -> None:
    asked = {"field": "events", "period": MAY_AND_JUNE, **more}
    segment = Segment(type="dynamic", definition=define({"all": [asked]}))

    assert count_members(segment, milliseconds=60_000) == 20
    assert months_touched(lambda: count_members(segment, milliseconds=60_000)) == {"2026_05", "2026_06"}


def test_those_who_did_nothing_in_a_period_are_told_by_its_months(people: None) -> None:
    asked = ask("events", "did_not", type="view", period=MAY_AND_JUNE)
    segment = Segment(type="dynamic", definition=define({"all": [asked]}))

    assert count_members(segment, milliseconds=60_000) == 0
    assert months_touched(lambda: count_members(segment, milliseconds=60_000)) <= {"2026_05", "2026_06"}


def test_a_period_up_to_now_leaves_out_what_is_older(people: None) -> None:
    segment = Segment(
        type="dynamic",
        definition=define({"all": [ask("events", "did", period={"op": "in_last", "value": [30, "days"]})]}),
    )

    touched = months_touched(lambda: count_members(segment, milliseconds=60_000))

    now = datetime.now(UTC)
    assert touched <= {f"{now - timedelta(days=days):%Y_%m}" for days in range(32)}
