"""What every row of a file of orders would do, found by rehearsing the whole import; the preview is all it writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.activity import NewOrder
from contacts.activity.order_drafts import STORED
from contacts.activity.order_rehearsal import RehearsedOrder, rehearse_orders
from contacts.imports.orders.columns import OrderLayout
from contacts.imports.orders.lines import OrderJob, ReadOrder, read_order_batches
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.orders.run import added, open_orders, row_problems, status_of, zeros
from contacts.imports.preview import PreviewLine, begin_anew, keep_lines
from contacts.imports.run import Progress, Tell
from contacts.models import Import, ImportWish

__all__ = ["preview_orders"]

SHOWN: Final = tuple(column for column in STORED if column != "source")
ITEMS_SHOWN: Final = 5


def preview_orders(run: Import, *, tell: Tell | None = None) -> bool:
    """As ``contacts.imports.preview.preview_import``: False where somebody wished to cancel on the way."""
    job, scan, options = open_orders(run)
    counts, started = zeros(), time.monotonic()
    begin_anew(run, counts)
    batches = _Ahead(job)
    with closing(rehearse_orders(batches.orders(), options.plan(run.pk), by=f"import:{run.pk}")) as rehearsal:
        for rehearsed in rehearsal:
            batch = batches.take()
            told = _told(batch, rehearsed)
            counts = added(counts, batch, {row: one.outcome for row, one in told.items()}, options)
            lines = [line for read in batch for line in _lines_of(read, told.get(read.row), job.layout, options)]
            rows = sum(read.lines for read in batch)
            if keep_lines(run.pk, lines, counts, rows=rows) == ImportWish.CANCEL:
                return False
            if tell is not None:
                tell(Progress(counts["rows"], 0, scan.lines, time.monotonic() - started))
    run.refresh_from_db()
    return True


class _Ahead:
    """Batches on their way through the rehearsal, which takes their orders before it gives what becomes of them."""

    def __init__(self, job: OrderJob) -> None:
        self.job = job
        self.waiting: list[list[ReadOrder]] = []

    def orders(self) -> Iterator[list[NewOrder]]:
        for batch in read_order_batches(self.job):
            self.waiting.append(batch)
            yield [read.order for read in batch if read.order is not None]

    def take(self) -> list[ReadOrder]:
        return self.waiting.pop(0)


def _told(batch: Sequence[ReadOrder], rehearsed: Sequence[RehearsedOrder]) -> dict[int, RehearsedOrder]:
    return dict(zip((read.row for read in batch if read.order is not None), rehearsed, strict=True))


def _lines_of(
    read: ReadOrder, told: RehearsedOrder | None, layout: OrderLayout, options: OrderOptions
) -> Iterator[PreviewLine]:
    """One line an order, and for one that is not taken one for each of its rows."""
    outcome = None if told is None else told.outcome
    status = status_of(read, outcome, options)
    if outcome is None or told is None or status in ("failed", "skipped"):
        problems: dict[int, list[dict[str, str]]] = {row: [] for row in read.rows}
        for row, column, code, message in row_problems(read, outcome):
            problems[row].append({"column": layout.header_of(column), "code": code, "message": message})
        for row, found in problems.items():
            yield PreviewLine(row, status, changes={"number": [read.number, read.number]}, problems=found)
        return
    identity = outcome.identity
    contact_id = outcome.contact_id if outcome.contact_id is not None and outcome.contact_id > 0 else None
    warnings = [
        {"column": layout.header_of(column), "code": code, "message": message}
        for column, code, message in outcome.warnings
    ]
    yield PreviewLine(
        read.row,
        status,
        contact_id,
        identity.matched_by if identity is not None else "",
        identity.rule if identity is not None else "",
        {"number": [read.number, read.number], **_changes(told.before, told.after)},
        warnings,
    )


def _changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{column: [old, new]}; a new order has nothing to say of what it has not."""
    changes = {}
    for column in SHOWN:
        old = None if before is None else before[column]
        if after[column] != old and (before is not None or after[column]):
            changes[column] = [None if old is None else _plain(column, old), _plain(column, after[column])]
    return changes


def _plain(column: str, value: Any) -> Any:
    """As the preview keeps it: what people can read."""
    if column == "items":
        return _say_items(value)
    if column == "details":
        return ", ".join(f"{name}: {text}" for name, text in value.items())
    if isinstance(value, datetime):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else value


def _say_items(items: Sequence[Any]) -> str:
    said = [_say_item(item) for item in items[:ITEMS_SHOWN]]
    more = len(items) - len(said)
    return ", ".join([*said, _("{count} more").format(count=more)] if more else said)


def _say_item(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    name = item.get("name") or item.get("externalItemId") or "?"
    parts = [str(name)]
    if "quantity" in item:
        parts.append(f"× {item['quantity']}")
    if "cost" in item:
        parts.append(_("at {cost}").format(cost=item["cost"]))
    return " ".join(parts)
