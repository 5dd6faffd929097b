"""What the people of the segment tests did and bought: events and orders, written as rows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from contacts.activity.parameters import seen_in
from contacts.identity.load import open_cursor
from contacts.identity.totals import refresh_totals
from contacts.models import Contact, Event, EventParameter, EventType, Order
from tests.segments.people import NOW

EVENT_TYPES = (("visit", "Page visit"), ("buy", "Purchase"), ("view", ""), ("never", "Never seen"))
LONG_AGO = NOW - timedelta(days=800)
"""Before every month that has a partition, and in no period that is named after today."""

Moments = dict[str, tuple[datetime, datetime]]


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def _start(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), NOW.tzinfo)


def _months_on(months: int) -> datetime:
    """The middle of the month so many months from now."""
    year, month = divmod(NOW.year * 12 + NOW.month - 1 + months, 12)
    return _start(date(year, month + 1, 15))


MONDAY = _start(NOW.date() - timedelta(days=NOW.weekday()))
FIRST_OF_QUARTER = (NOW.month - 1) % 3
INSIDE_AND_OUTSIDE: Moments = {
    "on": (ago(10), ago(12)),
    "before": (ago(50), ago(1)),
    "after": (ago(1), ago(50)),
    "between": (ago(20), ago(50)),
    "in_last": (ago(3), ago(50)),
    "in_next": (ago(-3), ago(50)),
    "more_than_ago": (ago(50), ago(3)),
    "today": (NOW, ago(2)),
    "this_week": (NOW, LONG_AGO),
    "last_week": (MONDAY - timedelta(days=3), LONG_AGO),
    "next_week": (MONDAY + timedelta(days=9), LONG_AGO),
    "this_month": (NOW, LONG_AGO),
    "last_month": (_months_on(-1), LONG_AGO),
    "next_month": (_months_on(1), LONG_AGO),
    "this_quarter": (NOW, LONG_AGO),
    "last_quarter": (_months_on(-FIRST_OF_QUARTER - 1), LONG_AGO),
    "next_quarter": (_months_on(3 - FIRST_OF_QUARTER), LONG_AGO),
    "this_year": (NOW, LONG_AGO),
    "last_year": (_start(date(NOW.year - 1, 6, 1)), LONG_AGO),
    "next_year": (_start(date(NOW.year + 1, 6, 1)), LONG_AGO),
    "anniversary": (_start(date(NOW.year - 1, 1, 1)) + (NOW - _start(date(NOW.year, 1, 1))), ago(180)),
    "day_of_month": (_months_on(-1), _months_on(-1) + timedelta(days=1)),
    "is_empty": (ago(1), ago(2)),
    "is_not_empty": (ago(1), ago(2)),
}
"""For each operator of dates a moment for which it holds, Olena's, and one for which it does not, Bohdan's."""

PARAMS: dict[str, dict[str, Any]] = {
    "olena": {"name": "Shoes", "price": 12.5, "is_new": True, "sent": "2026-01-31T23:30:00+02:00", "gone": None},
    "bohdan": {"name": "50%_off\\", "price": "12.50", "is_new": "false", "sent": "2026-02-01"},
    "taras": {"name": "5", "price": "a lot", "is_new": "perhaps", "sent": "2026-02-30"},
    "ivan": {"name": "", "price": {"uah": 5}, "is_new": 1, "sent": 20260131},
    "guest": {},
}
"""The parameters of one view each; people's trackers send everything."""

BUYS: dict[str, list[dict[str, Any]]] = {
    "olena": [{"price": 10}, {"price": 5.5}, {"price": " 4.5 "}],
    "bohdan": [{"price": "much"}],
    "taras": [{"price": -20}],
    "deleted": [{"price": 1000}],
}

ORDERS: dict[str, list[dict[str, Any]]] = {
    "olena": [
        {
            "total_cost": "100",
            "ordered_at": ago(5),
            "items": [{"sku": "A-1", "quantity": 2, "gift": True}, {"sku": "5"}],
            "details": {"channel": "web", "points": 7},
            "source": "shop",
        },
        {"total_cost": "50.50", "ordered_at": ago(300), "details": {"points": "3"}},
        {"total_cost": "999", "ordered_at": ago(2), "status": "CANCELLED"},
    ],
    "bohdan": [{"total_cost": "20", "ordered_at": ago(10), "status": "CANCELLED", "items": [{"sku": 5}]}],
    "taras": [{"total_cost": "0", "ordered_at": ago(60), "currency": "EUR"}],
    "ivan": [{"total_cost": "70.5", "ordered_at": ago(20), "items": [{"sku": "B-2"}, "rubbish", 7, {"quantity": "3"}]}],
    "deleted": [{"total_cost": "100", "ordered_at": ago(5), "items": [{"sku": "A-1"}]}],
}


def make_deeds(people: dict[str, Contact]) -> None:
    """The events and orders of these people, and an event of a visitor without a sheet."""
    types = {key: EventType.objects.get_or_create(key=key, defaults={"name": name})[0].pk for key, name in EVENT_TYPES}
    events = [_event(people[name].pk, types["view"], ago(2), params) for name, params in PARAMS.items()]
    events += [_event(people[name].pk, types["buy"], ago(30), params) for name, all_ in BUYS.items() for params in all_]
    for operator, moments in INSIDE_AND_OUTSIDE.items():
        for name, moment in zip(("olena", "bohdan"), moments, strict=True):
            events.append(_event(people[name].pk, types["visit"], moment, {"tag": operator}))
    events.append(_event(10**12, types["view"], ago(2), PARAMS["olena"]))
    Event.objects.bulk_create(events)
    note_seen(events)
    Order.objects.bulk_create(
        make_order(people[name].pk, number=f"{name}-{position}", **facts)
        for name, orders in ORDERS.items()
        for position, facts in enumerate(orders)
    )
    keep_totals()


def keep_totals() -> None:
    """What recording the orders would have kept of them."""
    with closing(open_cursor()) as cursor:
        refresh_totals(cursor, set(Order.objects.values_list("contact_id", flat=True)))


def make_event(contact_id: int, type_key: str, moment: datetime, params: dict[str, Any], source: str = "") -> None:
    """One event, its type made if it is not there."""
    kind, _made = EventType.objects.get_or_create(key=type_key)
    event = _event(contact_id, kind.pk, moment, params, source)
    Event.objects.bulk_create([event])
    note_seen([event])


def note_seen(events: Iterable[Event]) -> None:
    """What recording them would have noted of their parameters."""
    seen = {(event.type_id, name, kind) for event in events for name, kind in seen_in(event.params)}
    EventParameter.objects.bulk_create(
        [
            EventParameter(type_id=type_id, name=name, kind=kind, first_seen_at=NOW, last_seen_at=NOW)
            for type_id, name, kind in sorted(seen)
        ],
        ignore_conflicts=True,
    )


def make_order(contact_id: int, *, number: str, total_cost: str, ordered_at: datetime, **more: Any) -> Order:
    """An order that is not stored yet, delivered unless said."""
    facts = {"status": "DELIVERED", "currency": "UAH", "items": [], "details": {}, "source": ""} | more
    return Order(
        contact_id=contact_id,
        external_order_id=number,
        total_cost=Decimal(total_cost),
        ordered_at=ordered_at,
        updated_at=NOW,
        **facts,
    )


def _event(contact_id: int, type_id: int, moment: datetime, params: dict[str, Any], source: str = "") -> Event:
    return Event(
        contact_id=contact_id, type_id=type_id, params=params, occurred_at=moment, received_at=NOW, source=source
    )
