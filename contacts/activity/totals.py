"""What a contact's activity comes to: how many events, how many orders, what was bought.

Orders are kept counted, so that they are exact however many there are (``contacts.identity.totals``). Events are not:
nobody waits for somebody with a hundred thousand of them, so at most ``COUNTED`` rows are read, and where there are
more, that is said.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection

from contacts.models import OrderTotal

__all__ = ["COUNTED", "Revenue", "Totals", "read_revenues", "read_totals"]

COUNTED: Final = 1_000


class Revenue(NamedTuple):
    """What was bought in one currency: delivered orders, and when the first and the last of them were made."""

    currency: str
    amount: Decimal
    orders: int
    first_at: datetime
    last_at: datetime

    @property
    def average(self) -> Decimal:
        return self.amount / self.orders


@dataclass(frozen=True, slots=True)
class Totals:
    """``events`` are at least so many where there are ``more_events``. ``orders`` are all there are, whatever became of
    them; ``revenue`` is of those that were delivered, the largest first."""

    events: int = 0
    more_events: bool = False
    last_event_at: datetime | None = None
    orders: int = 0
    revenue: list[Revenue] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        return sum(revenue.orders for revenue in self.revenue)


_EVENTS: Final = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM contacts_event WHERE contact_id = %(contact)s LIMIT %(limit)s) e),
    (SELECT occurred_at FROM contacts_event WHERE contact_id = %(contact)s ORDER BY occurred_at DESC LIMIT 1)
"""
_ORDERS: Final = """
SELECT c.order_count, t.currency, t.amount, t.count, t.first_at, t.last_at
FROM contacts_contact c LEFT JOIN contacts_ordertotal t ON t.contact_id = c.id WHERE c.id = %(contact)s
"""


def read_totals(contact_id: int) -> Totals:
    """Two statements, each of bounded cost."""
    values = {"contact": contact_id, "limit": COUNTED + 1}
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, values)
        events, last_event_at = cursor.fetchone()
        cursor.execute(_ORDERS, values)
        rows = cursor.fetchall()
    return Totals(
        events=min(events, COUNTED),
        more_events=events > COUNTED,
        last_event_at=last_event_at,
        orders=rows[0][0] if rows else 0,
        revenue=_sorted([Revenue(*row) for _count, *row in rows if row[0] is not None]),
    )


def read_revenues(contact_ids: Collection[int]) -> dict[int, list[Revenue]]:
    """What each of these contacts bought, the largest first; nothing of those who bought nothing. One statement."""
    found: dict[int, list[Revenue]] = {}
    for row in OrderTotal.objects.filter(contact_id__in=contact_ids):
        revenue = Revenue(row.currency, row.amount, row.count, row.first_at, row.last_at)
        found.setdefault(row.contact_id, []).append(revenue)
    return {contact_id: _sorted(revenues) for contact_id, revenues in found.items()}


def _sorted(revenues: list[Revenue]) -> list[Revenue]:
    return sorted(revenues, key=lambda revenue: (-revenue.amount, revenue.currency))
