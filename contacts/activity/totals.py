"""What a contact's activity comes to: how many events, how many orders, how much was bought.

Nobody waits for somebody with a hundred thousand events: at most ``COUNTED`` rows of each are read, and where there are
more, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection

__all__ = ["COUNTED", "Revenue", "Totals", "read_totals"]

COUNTED: Final = 1_000
BOUGHT: Final = "DELIVERED"


class Revenue(NamedTuple):
    """What was bought in one currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """``events`` and ``orders`` are at least so many where there are ``more_…``; ``revenue`` is of those orders that
    were delivered, the largest first."""

    events: int = 0
    more_events: bool = False
    last_event_at: datetime | None = None
    orders: int = 0
    more_orders: bool = False
    delivered: int = 0
    revenue: list[Revenue] = field(default_factory=list)


_EVENTS: Final = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM contacts_event WHERE contact_id = %(contact)s LIMIT %(limit)s) e),
    (SELECT occurred_at FROM contacts_event WHERE contact_id = %(contact)s ORDER BY occurred_at DESC LIMIT 1)
"""
_ORDERS: Final = """
SELECT currency, status, count(*), sum(total_cost)
FROM (SELECT * FROM contacts_order WHERE contact_id = %(contact)s ORDER BY id DESC LIMIT %(limit)s) o
GROUP BY currency, status
"""


def read_totals(contact_id: int) -> Totals:
    """Two statements, each of bounded cost."""
    values = {"contact": contact_id, "limit": COUNTED + 1}
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, values)
        events, last_event_at = cursor.fetchone()
        cursor.execute(_ORDERS, values)
        rows = cursor.fetchall()
    orders = sum(count for _currency, _status, count, _amount in rows)
    bought = [Revenue(currency, amount) for currency, status, _count, amount in rows if status == BOUGHT]
    return Totals(
        events=min(events, COUNTED),
        more_events=events > COUNTED,
        last_event_at=last_event_at,
        orders=min(orders, COUNTED),
        more_orders=orders > COUNTED,
        delivered=sum(count for _currency, status, count, _amount in rows if status == BOUGHT),
        revenue=sorted(bought, key=lambda revenue: revenue.amount, reverse=True),
    )
