"""The verb: the rows of an import become orders, each exactly once, whatever happens on the way.

A batch is recorded in one transaction (``contacts.activity.record_orders``), which also moves the import's progress and
its counts, keeps its bad rows, and notes what each order was before, so that the undo can put it back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.activity import OrderOutcome, OrderStatus, record_orders
from contacts.activity.checks import dump_json
from contacts.activity.order_drafts import OrderWrite
from contacts.activity.rows import insert_rows
from contacts.identity import Status
from contacts.identity.load import open_cursor
from contacts.identity.stream import tuned_interpreter
from contacts.imports.failures import make_row
from contacts.imports.orders.columns import OrderLayout, lay_out_orders
from contacts.imports.orders.lines import OrderJob, ReadOrder, read_order_batches
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.reading import FileScan
from contacts.imports.run import Progress, Tell, begin_run, count_rows, finish, move_on, note_file, open_file
from contacts.models import Import, ImportRow, ImportWish

__all__ = [
    "COUNTED",
    "Problems",
    "added",
    "carry_out_orders",
    "open_orders",
    "outcome_problems",
    "row_problems",
    "status_of",
    "zeros",
]

COUNTED: Final = ("created", "updated", "unchanged", "skipped", "failed", "contacts", "rows")
"""What is counted: orders by outcome, contacts that were made for them, and rows of the file."""
WRITTEN_COLUMNS: Final = ("import_id", "contact_id", "number", "before", "events", "at")

Problems = list[tuple[int, str, str, str]]
"""Row, column, code and message."""


class OpenedOrders(NamedTuple):
    """An import of orders with all that is needed to read its rows."""

    job: OrderJob
    scan: FileScan
    options: OrderOptions


def open_orders(run: Import) -> OpenedOrders:
    """Raises what ``contacts.imports.run.open_import`` does."""
    scan, fixes = open_file(run)
    options = OrderOptions.from_json(run.options)
    layout = lay_out_orders(run.headers, [entry["target"] for entry in run.mapping], options)
    job = OrderJob(scan.path, scan.stamp, run.delimiter, layout, options, has_header=run.has_header, fixes=fixes)
    note_file(run, scan, lambda: count_rows(job))
    return OpenedOrders(job, scan, options)


def carry_out_orders(run: Import, *, tell: Tell | None = None) -> str:
    """Record the rest of an import's rows, until the end or somebody's wish (which is returned, '' at the end)."""
    opened = open_orders(run)
    if not begin_run(run, zeros()):
        return ImportWish.PAUSE
    stopped = run.wish or record_file(run, opened, tell)
    finish(run, stopped)
    return stopped


def record_file(run: Import, opened: OpenedOrders, tell: Tell | None) -> str:
    """Record the rows that are not done; returns the wish that stopped it, '' at the end of the file."""
    job = opened.job._replace(skip=run.rows_done)
    notes, started = _Notes(run.pk, job.layout, opened.options, run.rows_done), time.monotonic()
    with tuned_interpreter(), closing(read_order_batches(job)) as batches:
        for batch in batches:
            notes.record(batch)
            if tell is not None:
                tell(Progress(notes.done, job.skip, opened.scan.lines, time.monotonic() - started))
            if notes.wish:
                return notes.wish
    return ""


class _Notes:
    """Records batches, each with what is to be known of it."""

    def __init__(self, import_id: int, layout: OrderLayout, options: OrderOptions, done: int) -> None:
        self.import_id = import_id
        self.layout = layout
        self.options = options
        self.done = done
        self.wish = ""
        self.noted_at = time.monotonic()

    def record(self, batch: Sequence[ReadOrder]) -> None:
        at = datetime.now(UTC)
        good = [read for read in batch if read.order is not None]
        orders = [read.order for read in good if read.order is not None]

        def within(outcomes: Sequence[OrderOutcome], writes: Sequence[OrderWrite]) -> None:
            told = dict(zip((read.row for read in good), outcomes, strict=True))
            self.note(batch, told, writes, at)

        if orders:
            record_orders(orders, by=f"import:{self.import_id}", at=at, plan=self.plan(), within=within)
        else:
            with transaction.atomic():
                within([], [])
        self.done += sum(read.lines for read in batch)

    def plan(self) -> Any:
        return self.options.plan(self.import_id)

    def note(
        self, batch: Sequence[ReadOrder], told: Mapping[int, OrderOutcome], writes: Sequence[OrderWrite], at: datetime
    ) -> None:
        """Within the transaction that writes these orders."""
        now = time.monotonic()
        counts = added({}, batch, told, self.options)
        self.wish = move_on(self.import_id, self.done, counts["rows"], counts, now - self.noted_at)
        self.noted_at = now
        bad = [row for read in batch for row in self.rows_of(read, told.get(read.row))]
        if bad:
            ImportRow.objects.bulk_create(bad, batch_size=2_000)
        rows = [
            (self.import_id, write.contact_id, write.number, _json(write.before), dump_json(write.events), at)
            for write in writes
        ]
        with closing(open_cursor()) as cursor:
            insert_rows(cursor, "contacts_importedorder", WRITTEN_COLUMNS, rows)

    def rows_of(self, read: ReadOrder, outcome: OrderOutcome | None) -> Iterator[ImportRow]:
        status = status_of(read, outcome, self.options)
        contact_id = None if outcome is None else outcome.contact_id
        if status in ("failed", "skipped"):
            for row, column, code, message in row_problems(read, outcome):
                yield make_row(self.import_id, row, status, self.layout.header_of(column), code, message, contact_id)
        for warning in outcome.warnings if outcome is not None else ():
            column = self.layout.header_of(warning.column)
            yield make_row(self.import_id, read.row, "warning", column, warning.code, warning.message, contact_id)


def _json(before: Mapping[str, Any] | None) -> str | None:
    return None if before is None else dump_json(before)


# What became of an order


def status_of(read: ReadOrder, outcome: OrderOutcome | None, options: OrderOptions) -> str:
    """One of ``COUNTED``. Where no contacts are made, an order of somebody unknown is left out on purpose."""
    if outcome is None:
        return "failed"
    if outcome.status == OrderStatus.FAILED:
        return "skipped" if outcome.code == "contact_not_found" and not options.makes_contacts else "failed"
    return outcome.status.value


def row_problems(read: ReadOrder, outcome: OrderOutcome | None) -> Problems:
    """Why this order is not taken, row by row: the rows of it that are right wait for those that are wrong."""
    found = [(row, *problem) for row, problem in read.problems] if outcome is None else outcome_problems(read, outcome)
    wrong = {row for row, *_rest in found}
    if len(read.rows) > len(wrong):
        rows = ", ".join(map(str, sorted(wrong)[:5]))
        message = _("The order of this row is not taken: see row {rows}.").format(rows=rows)
        found += [(row, "", "order_incomplete", message) for row in read.rows if row not in wrong]
    return sorted(found, key=lambda problem: problem[0])


def outcome_problems(read: ReadOrder, outcome: OrderOutcome) -> Problems:
    problems = outcome.identity.problems if outcome.identity is not None else ()
    if problems:
        return [(read.row, *problem) for problem in problems]
    return [(read.row, outcome.column, outcome.code, outcome.message)]


def zeros() -> dict[str, int]:
    """Nothing counted yet."""
    return dict.fromkeys(COUNTED, 0)


def added(
    counts: Mapping[str, int], batch: Iterable[ReadOrder], told: Mapping[int, OrderOutcome], options: OrderOptions
) -> dict[str, int]:
    """The counts with these orders among them."""
    total = Counter({name: counts.get(name, 0) for name in COUNTED})
    for read in batch:
        outcome = told.get(read.row)
        total[status_of(read, outcome, options)] += 1
        total["rows"] += read.lines
        is_new = outcome is not None and outcome.identity is not None and outcome.identity.status == Status.CREATED
        total["contacts"] += is_new
    return dict(total)
