"""A long stream of batches: while the database writes one, the next is read and decided.

A batch that closed the gate hands over what it comes to. The next one reads the database on a connection of its own,
minds what the batch before touched, and decides. When its turn comes and nobody else passed the gate in between, that
is what is written; else it is decided again behind the lock (decision 0009).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Lock
from typing import Final, NamedTuple

import psycopg
from django.db import DatabaseError, connection, transaction

from contacts.identity import load
from contacts.identity.errors import WriteConflict
from contacts.identity.resolve import Batch, Within
from contacts.identity.settings import current_settings
from contacts.identity.sheaves import Ahead, Decided, SheafBatch, TouchedBefore
from contacts.identity.types import Outcome, Plan
from contacts.records import Record
from contacts.sheaf import Sheaf, Tier

__all__ = ["resolve_stream", "tuned_interpreter"]

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter: the writer wakes often, and briefly."""
COLLECT_AFTER: Final = 50_000
"""New objects between two searches for cycles, which would cost a third of the time."""


def resolve_stream(
    batches: Iterable[Sequence[Record]], plan: Plan, *, by: str, within: Within | None = None
) -> Generator[Sequence[Outcome]]:
    """Resolve batches of at most ``MAX_BATCH`` normalised records, in order, a transaction each.

    Yields the outcomes of each once it is committed. ``within`` is called with them inside the transaction, which is
    that of another thread. Batches that come as sheaves, tied for this plan's key, cost the least. Inside a transaction
    of the caller nothing is decided ahead.
    """
    tier = Tier(plan.key)
    sheaves = (batch if isinstance(batch, Sheaf) else tier.tie(batch) for batch in batches)
    if connection.in_atomic_block:
        for sheaf in sheaves:
            yield SheafBatch(plan, by=by, moment=datetime.now(UTC), within=within).run(sheaf)
        return
    with tuned_interpreter(), ThreadPoolExecutor(1, "writer") as writer:
        try:
            yield from _Stream(plan, by=by, within=within, writer=writer).run(sheaves)
        finally:
            writer.submit(_close_connection).result()


_tuning = Lock()
_tuned: list[tuple[float, tuple[int, int, int]]] = []
"""For each stream of this process what it found; the last one to end puts back what the first one found."""


@contextmanager
def tuned_interpreter() -> Iterator[None]:
    """Threads take turns quickly; cycles, which hardly anything of a batch has, are looked for rarely."""
    with _tuning:
        _tuned.append((sys.getswitchinterval(), gc.get_threshold()))
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, *_tuned[0][1][1:])
    try:
        yield
    finally:
        with _tuning:
            interval, thresholds = _tuned[0]
            _tuned.pop()
            if not _tuned:
                gc.set_threshold(*thresholds)
                gc.unfreeze()
                sys.setswitchinterval(interval)


class Handover(NamedTuple):
    """A sheaf that is about to be written behind the closed gate: the next one can be decided meanwhile."""

    decided: Decided
    turn: int


class _Stream:
    """One batch being written by the writer's thread, the next one being decided by ours."""

    def __init__(self, plan: Plan, *, by: str, within: Within | None, writer: ThreadPoolExecutor) -> None:
        self.plan = plan
        self.by = by
        self.within = within
        self.writer = writer
        self.turn: int | None = None
        self.is_undisturbed = True

    def run(self, sheaves: Iterable[Sheaf]) -> Iterator[Sequence[Outcome]]:
        written: Future[Sequence[Outcome]] | None = None
        batch: Batch | None = None
        handover: Handover | None = None
        for sheaf in sheaves:
            if batch is not None and not batch.has_effects:
                # Where nothing is written there is nothing to wait for: one thread and one connection do best.
                if written is not None:
                    yield written.result()
                written, handover = None, None
                batch = SheafBatch(self.plan, by=self.by, moment=datetime.now(UTC), within=self.within)
                yield batch.run(sheaf)
                continue
            ahead = self.decide_ahead(sheaf, handover) if handover is not None and self.is_undisturbed else None
            if written is not None and batch is not None:
                yield written.result()
                if not batch.is_first_try:
                    ahead = None
            written, batch, handover = self.write(sheaf, ahead)
        if written is not None:
            yield written.result()

    def write(self, sheaf: Sheaf, ahead: Ahead | None) -> tuple[Future[Sequence[Outcome]], Batch, Handover | None]:
        """Start writing, and wait until the batch is decided and the gate is closed behind it."""
        handed: SimpleQueue[Handover | None] = SimpleQueue()
        moment = ahead.decided.moment if ahead is not None else datetime.now(UTC)

        def hand_over(decided: Decided, turn: int) -> None:
            handed.put(Handover(decided, turn))

        batch = SheafBatch(self.plan, by=self.by, moment=moment, within=self.within, hand_over=hand_over, ahead=ahead)
        written = self.writer.submit(batch.run, sheaf)
        written.add_done_callback(lambda _: handed.put(None))
        handover = handed.get()
        self.note_turn(handover)
        return written, batch, handover

    def note_turn(self, handover: Handover | None) -> None:
        """While others come between our batches, deciding ahead is in vain, and takes processors that they need."""
        turn = handover.turn if handover is not None else None
        self.is_undisturbed = self.turn is None or turn == self.turn + 1
        self.turn = turn

    def decide_ahead(self, sheaf: Sheaf, handover: Handover) -> Ahead | None:
        """Decide while the sheaf before is being written; None where that cannot be done."""
        settings = current_settings()
        batch = SheafBatch(self.plan, by=self.by, moment=datetime.now(UTC))
        try:
            with transaction.atomic(), closing(load.open_cursor()) as cursor:
                load.prefer_indexes(cursor, only_reads=True)
                decided = batch.decide_sheaf(cursor, sheaf, settings, before=handover.decided)
        except (DatabaseError, psycopg.Error, WriteConflict, TouchedBefore):
            return None  # it will be decided behind the lock
        # The writer's thread shall only wait for the database: two threads that compute get in each other's way.
        return Ahead(decided, batch.render(sheaf, decided), settings, handover.turn)


def _close_connection() -> None:
    """Close the calling thread's own connection."""
    connection.close()
