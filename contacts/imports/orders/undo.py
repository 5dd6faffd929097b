"""Orders of an import are taken back, the last first, a slice a transaction; the contacts' part of it comes after."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contacts.activity.order_undo import Written, take_back_orders
from contacts.identity.load import open_cursor
from contacts.identity.undo import Because, Kept
from contacts.models import ImportedOrder

__all__ = ["COUNTED", "Slice", "take_back_order_slice"]

COUNTED: Final = ("orders_created", "orders_updated")
"""What is counted, by what the import had done: orders it made (gone now) and orders it changed (as they were)."""
SLICE: Final = 1_000


class Slice(NamedTuple):
    """What was done: of how many writes, counted how, and what was left alone."""

    writes: int
    counts: Counter[str]
    kept: list[Kept]


def take_back_order_slice(import_id: int) -> Slice | None:
    """The last writes of orders that are not taken back yet, in the caller's transaction; None where none is left."""
    rows = list(ImportedOrder.objects.filter(import_run_id=import_id).order_by("-pk")[:SLICE])
    if not rows:
        return None
    writes = [Written(row.number, row.before, _events(row), row.at) for row in rows]
    with closing(open_cursor()) as cursor:
        done = take_back_orders(cursor, writes, at=datetime.now(UTC))
    ImportedOrder.objects.filter(pk__in=[row.pk for row in rows]).delete()
    counts = Counter(orders_created=done.removed, orders_updated=done.put_back)
    kept: dict[int, list[str]] = {}
    for number, contact_id in done.kept.items():
        kept.setdefault(contact_id, []).append(number)
    return Slice(
        len(rows),
        counts,
        [Kept(contact_id, tuple(sorted(numbers)), Because.CHANGED) for contact_id, numbers in kept.items()],
    )


def _events(row: ImportedOrder) -> list[tuple[int, datetime]]:
    return [(type_id, datetime.fromisoformat(moment)) for type_id, moment in row.events]
