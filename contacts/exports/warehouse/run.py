"""Brings a target up to date, table by table, so that whatever kills it costs one piece and nothing else.

1. Ask up to where our sequences are complete, behind the closed gate. 2. A table that is new, or not made of what
it is to be made of, is filled beside the one that stands, piece by piece, and put in its place when it is whole.
3. Every other one gets what changed since its position, step by step. Where a table stands is kept here after the
target has it: what is sent twice stands once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from time import monotonic, sleep
from typing import Final

from django.db import transaction

from contacts.exports.warehouse.changes import take_position
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.errors import OursBusy, RunCancelled, TableGone, TargetChanged
from contacts.exports.warehouse.filling import Filling, made_of
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.tables import reading_of, tables_of
from contacts.exports.warehouse.targets import connect
from contacts.exports.warehouse.types import Position, Reading, Target, Written
from contacts.models import ExportRun, ExportTable, ExportTarget, RunStatus

__all__ = ["Tell", "carry_out"]

Tell = Callable[[], object]
"""Called between two pieces; raises what is to end the run there."""

PATIENCE: Final = 120.0
"""Seconds to wait for a moment at which nobody writes."""
PAUSE: Final = 0.5
MOMENT: Final = 60.0
"""Seconds for which a position does: it is behind by no more, and what came after it is still known."""


def carry_out(run: ExportRun, *, tell: Tell = lambda: None) -> None:
    """Do what is left of a run. Raises ``TargetError``, ``RunCancelled``, and what ``tell`` raises."""
    now = datetime.now(UTC)
    note(run, status=RunStatus.RUNNING, started_at=run.started_at or now)
    target = connect(run.target)
    try:
        Turn(run, target, tell).bring_up_all()
    finally:
        target.close()
    with transaction.atomic():
        note(run, status=RunStatus.FINISHED, finished_at=datetime.now(UTC), progress={})
        ExportTarget.objects.filter(pk=run.target_id).update(failed_at=None)


def note(run: ExportRun, **changed: object) -> None:
    """Keep what became of it. Raises ``RunCancelled`` where nobody wants it any more."""
    open_ = ExportRun.objects.filter(pk=run.pk, status__in=(RunStatus.QUEUED, RunStatus.RUNNING))
    if not open_.update(**changed):
        raise RunCancelled
    for name, value in changed.items():
        setattr(run, name, value)


class Turn:
    """One process's turn at a run."""

    def __init__(self, run: ExportRun, target: Target, tell: Tell) -> None:
        self.run = run
        self.target = target
        self.tell = tell
        self.upto: Position = {}
        self.holds_until = 0.0

    def bring_up_all(self) -> None:
        for table in tables_of(self.run.target):
            self.go_on_or_stop()
            with suppress(TableGone):
                self.bring_up(table)

    def bring_up(self, table: ExportTable) -> None:
        reading = reading_of(table, self.run.target.deletions)
        made = made_of(reading.shape, leaves_out_deleted=reading.leaves_out_deleted)
        if table.needs_full or table.made != made:
            self.fill(table, reading, self.begin(table, reading))
        else:
            self.compare(reading)
        self.catch_up(table, reading, self.position())

    def position(self) -> Position:
        """Up to where all is complete that we know; asked anew where it is not of this moment any more."""
        if monotonic() > self.holds_until:
            self.upto = self.wait_for_position()
            self.holds_until = monotonic() + MOMENT
        return self.upto

    def wait_for_position(self) -> Position:
        until = monotonic() + PATIENCE
        while (position := take_position()) is None:
            if monotonic() > until:
                raise OursBusy
            self.go_on_or_stop()
            sleep(PAUSE)
        return position

    def compare(self, reading: Reading) -> None:
        """Whoever changed the table at the target is told before anything is written there."""
        if problems := self.target.compare(reading.shape):
            raise TargetChanged(" ".join(problem.message for problem in problems))

    # Everything anew

    def begin(self, table: ExportTable, reading: Reading) -> Filling:
        """What a killed run left, if it fits; else from the beginning."""
        made = made_of(reading.shape, leaves_out_deleted=reading.leaves_out_deleted)
        left = Filling.from_json(table.filling)
        if left is not None and left.made == made:
            if left.is_whole:
                return left
            if (stands := left.at(self.target.begin_full(reading.shape, left.run))) is not None:
                return stands
        filling = Filling.begin(DATA_SETS[table.data_set].start_position(self.position()), made)
        keep(table, filling=filling.as_json(), needs_full=True)
        self.target.begin_full(reading.shape, filling.run)
        return filling

    def fill(self, table: ExportTable, reading: Reading, filling: Filling) -> None:
        data_set = DATA_SETS[table.data_set]
        total = None if filling.is_whole else data_set.total()
        while not filling.is_whole:
            end = filling.end or data_set.next_end(filling.after, self.target.piece_rows)
            if end is None:
                filling = filling.whole()
                keep(table, filling=filling.as_json())
            else:
                filling = self.fill_piece(table, reading, filling.reach_for(end), total)
        self.put_in_place(table, reading, filling)

    def fill_piece(self, table: ExportTable, reading: Reading, filling: Filling, total: int | None) -> Filling:
        if filling.end is None:
            return filling
        keep(table, filling=filling.as_json())
        rows = DATA_SETS[table.data_set].piece(reading, filling.after, filling.end)
        write = partial(self.target.write_full, reading.shape, filling.run, filling.piece, rows)
        written = written_from(rows, write)
        done = filling.piece_done()
        with transaction.atomic():
            keep(table, filling=done.as_json())
            self.count(table, written, total)
        self.go_on_or_stop()
        return done

    def put_in_place(self, table: ExportTable, reading: Reading, filling: Filling) -> None:
        try:
            self.target.finish_full(reading.shape, filling.run)
        except TargetChanged:
            keep(table, filling={})  # somebody dropped it there: the next run begins anew
            raise
        with transaction.atomic():
            current = ExportTable.objects.select_for_update().filter(pk=table.pk).first()
            if current is None:
                raise TableGone
            # A person may have added a column meanwhile.
            keep(
                table,
                position=filling.position,
                made=filling.made,
                needs_full=False,
                columns_to_fill=[key for key in current.columns if key not in filling.made],
                filling={},
            )
            DATA_SETS[table.data_set].filled(table.pk)

    # What changed

    def catch_up(self, table: ExportTable, reading: Reading, upto: Position) -> None:
        data_set = DATA_SETS[table.data_set]
        for step in data_set.steps(reading, table.position, upto, table_id=table.pk):
            written = written_from(step.change.rows, partial(self.target.apply, reading.shape, step.change))
            with transaction.atomic():
                keep(table, position=step.position)
                if step.sent is not None:
                    step.sent()
                self.count(table, written, None)
            self.go_on_or_stop()
        keep(table, position=data_set.start_position(upto))

    # What it came to

    def count(self, table: ExportTable, written: Written, total: int | None) -> None:
        before = self.run.counts.get(table.data_set, {})
        counted = {
            "written": before.get("written", 0) + written.rows,
            "removed": before.get("removed", 0) + written.removed,
        }
        note(
            self.run,
            counts={**self.run.counts, table.data_set: counted},
            bytes=self.run.bytes + written.bytes,
            progress={"data_set": table.data_set, "done": counted["written"], "total": total},
        )

    def go_on_or_stop(self) -> None:
        wish = ExportRun.objects.filter(pk=self.run.pk).values_list("wish", flat=True).first()
        if wish is None or wish == "cancel":
            raise RunCancelled
        self.tell()


def written_from(rows: Rows | None, write: Callable[[], Written]) -> Written:
    """Whatever the target makes of them, our connection is free afterwards."""
    try:
        return write()
    finally:
        if rows is not None:
            rows.close()


def keep(table: ExportTable, **changed: object) -> None:
    """Where a table stands. Raises ``TableGone`` where it is not exported any more."""
    if not ExportTable.objects.filter(pk=table.pk).update(**changed):
        raise TableGone
    for name, value in changed.items():
        setattr(table, name, value)
