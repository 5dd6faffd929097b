"""Rows arrive in the table as they were given, whether few are inserted or many are copied."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest

from contacts.activity.checks import dump_json
from contacts.activity.rows import COPY_FROM, EVENT_COLUMNS, SLICE, insert_rows
from contacts.identity.load import open_cursor
from contacts.models import Event

pytestmark = pytest.mark.django_db

KYIV = timezone(timedelta(hours=2))
WORDS = ("", "k-1", "tab\there", "new\nline\r", "back\\slash \\N \\.", "кошик 🛒", '"quoted", {braced}', "x" * 300)
MOMENTS = (
    datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC),
    datetime(2026, 11, 21, 0, 30, tzinfo=KYIV),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2035, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("count", [1, COPY_FROM - 1, COPY_FROM, SLICE + 1])
def test_events_arrive_as_they_were_given(count):
    rows = []
    for number in range(count):
        word = WORDS[number % len(WORDS)]
        told = {"word": word, word: number, "sum": Decimal("1.50"), "list": [1.5, None, True], "far": -(2**53)}
        moments = MOMENTS[number % len(MOMENTS)], MOMENTS[number // 3 % len(MOMENTS)]
        rows.append((number - 2**40, 2**33 + number, word, dump_json(told), "event" if number % 2 else "", *moments))

    with closing(open_cursor()) as cursor:
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, iter(rows))

    stored = list(Event.objects.order_by("id").values_list(*EVENT_COLUMNS))
    assert [(*row[:3], dump_json(row[3]), *row[4:]) for row in stored] == [
        (*row[:3], dump_json(_by_length(row[3])), *row[4:]) for row in rows
    ]


def _by_length(told: str) -> dict[str, object]:
    """As jsonb keeps its names: the short ones first."""
    return dict(sorted(orjson.loads(told).items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode())))
