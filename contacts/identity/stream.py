"""A long stream of batches: while the database writes one, the next is read and decided.

A batch that closed the gate hands its world over. The next one reads the database on a connection of its own, takes
whatever the batch before touched from that world, and decides. When its turn comes and nobody else passed the gate in
between, that is what is written; else it is decided again behind the lock (decision 0009).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Final

import psycopg
from django.db import DatabaseError, connection

from contacts.identity import load
from contacts.identity.errors import WriteConflict
from contacts.identity.resolve import Batch, Handover, Prepared, Wanted, Within
from contacts.identity.settings import current_settings
from contacts.identity.types import Outcome, Plan
from contacts.identity.write import render_world
from contacts.records import Record

__all__ = ["resolve_stream", "tuned_interpreter"]

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter: the writer wakes often, and briefly."""
COLLECT_AFTER: Final = 50_000
"""New objects between two searches for cycles, which would cost a third of the time."""


def resolve_stream(
    batches: Iterable[Sequence[Record]], plan: Plan, *, by: str, within: Within | None = None
) -> Iterator[list[Outcome]]:
    """Resolve batches of at most ``MAX_BATCH`` normalised records, in order, a transaction each.

    Yields the outcomes of each once it is committed. ``within`` is called with them inside the transaction, which is
    that of another thread. Inside a transaction of the caller nothing is decided ahead.
    """
    if connection.in_atomic_block:
        for records in batches:
            yield Batch(plan, by=by, moment=datetime.now(UTC), within=within).run(records)
        return
    with tuned_interpreter(), ThreadPoolExecutor(1, "writer") as writer:
        try:
            yield from _Stream(plan, by=by, within=within, writer=writer).run(batches)
        finally:
            writer.submit(_close_connection).result()


@contextmanager
def tuned_interpreter() -> Iterator[None]:
    """Threads take turns quickly; cycles, which hardly anything of a batch has, are looked for rarely."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        sys.setswitchinterval(interval)


class _Stream:
    """One batch being written by the writer's thread, the next one being decided by ours."""

    def __init__(self, plan: Plan, *, by: str, within: Within | None, writer: ThreadPoolExecutor) -> None:
        self.plan = plan
        self.by = by
        self.within = within
        self.writer = writer

    def run(self, batches: Iterable[Sequence[Record]]) -> Iterator[list[Outcome]]:
        written: Future[list[Outcome]] | None = None
        batch: Batch | None = None
        handover: Handover | None = None
        for records in batches:
            if batch is not None and not batch.has_effects:
                # Where nothing is written there is nothing to wait for: one thread and one connection do best.
                if written is not None:
                    yield written.result()
                written, handover = None, None
                batch = Batch(self.plan, by=self.by, moment=datetime.now(UTC), within=self.within)
                yield batch.run(records)
                continue
            prepared = self.decide_ahead(records, handover) if handover is not None else None
            if written is not None and batch is not None:
                yield written.result()
                if not batch.is_first_try:
                    prepared = None
            written, batch, handover = self.write(records, prepared)
        if written is not None:
            yield written.result()

    def write(
        self, records: Sequence[Record], prepared: Prepared | None
    ) -> tuple[Future[list[Outcome]], Batch, Handover | None]:
        """Start writing, and wait until the batch is decided and the gate is closed behind it."""
        handed: SimpleQueue[Handover | None] = SimpleQueue()
        moment = prepared.world.moment if prepared is not None else datetime.now(UTC)
        batch = Batch(self.plan, by=self.by, moment=moment, within=self.within, hand_over=handed.put)
        written = self.writer.submit(batch.run, records, prepared)
        written.add_done_callback(lambda _: handed.put(None))
        return written, batch, handed.get()

    def decide_ahead(self, records: Sequence[Record], handover: Handover) -> Prepared | None:
        """Decide over the world of the batch that is being written; None where that cannot be done."""
        before, settings = handover.world, current_settings()
        wanted = Wanted(records, few=True)
        if before.is_tangled or before.merges or before.claims:
            return None
        if before.columns is not None and not before.columns.issuperset(wanted.columns):
            return None
        batch = Batch(self.plan, by=self.by, moment=datetime.now(UTC))
        try:
            with closing(load.open_cursor()) as cursor:
                world, outcomes = batch.decide_all(cursor, records, settings, wanted, before=before)
        except (DatabaseError, psycopg.Error, WriteConflict):
            return None  # it will be decided behind the lock
        world.before = None
        # The writer's thread shall only wait for the database: two threads that compute get in each other's way.
        rendered = None if world.merges or world.claims else render_world(world, batch.cause)
        return Prepared(world, outcomes, settings, handover.turn, rendered)


def _close_connection() -> None:
    """Close the calling thread's own connection."""
    connection.close()
