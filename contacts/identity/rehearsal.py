"""A long stream of batches, resolved as it would be, with nothing written: each batch sees what those before it did.

The rehearsal has a thread of its own and in it a database session of its own, where shadows stand before the tables
(``contacts.identity.shadows``). It is one batch ahead of whoever reads the outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction

from contacts.identity.load import open_cursor
from contacts.identity.plain_rows import render_plain
from contacts.identity.resolve import RawRecord
from contacts.identity.settings import current_settings, read_settings
from contacts.identity.shadows import Shadows, open_shadows
from contacts.identity.sheaves import SheafBatch
from contacts.identity.stream import tuned_interpreter
from contacts.identity.types import Outcome, Plan
from contacts.records import Record
from contacts.sheaf import Sheaf, Tier

__all__ = ["rehearse_ahead", "rehearse_stream"]

Given = TypeVar("Given")
Told = TypeVar("Told")


def rehearse_stream(batches: Iterable[Sequence[Record]], plan: Plan, *, by: str) -> Generator[Sequence[Outcome]]:
    """The outcomes that ``resolve_stream`` would yield for these batches if nobody else wrote meanwhile.

    A contact that would be created has a number below zero, the same one wherever the stream meets it again. Nothing is
    locked, other writers go on; what they write may be seen or not.
    """

    def rehearse(sheaf: Sheaf, shadows: Shadows) -> Sequence[Outcome]:
        return _RehearsedBatch(plan, by=by, shadows=shadows).run(sheaf)

    tier = Tier(plan.key)
    sheaves = (batch if isinstance(batch, Sheaf) else tier.tie(batch) for batch in batches)
    yield from rehearse_ahead(sheaves, rehearse)


def rehearse_ahead(batches: Iterable[Given], rehearse: Callable[[Given, Shadows], Told]) -> Generator[Told]:
    """What ``rehearse`` tells of each batch, one batch ahead of whoever reads.

    Inside a transaction of the caller, whose own writes are seen then, all batches are rehearsed before the first is
    told of.
    """
    read_settings()
    if connection.in_atomic_block:
        with open_shadows() as shadows:
            rehearsed = [rehearse(batch, shadows) for batch in batches]
        yield from rehearsed
        return
    with tuned_interpreter(), ThreadPoolExecutor(1, "rehearsal") as thread:
        session = ExitStack()
        try:
            shadows = thread.submit(session.enter_context, open_shadows()).result()
            ahead: Future[Told] | None = None
            for batch in batches:
                ready, ahead = ahead, thread.submit(rehearse, batch, shadows)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()
        finally:
            thread.submit(session.close).result()


class _RehearsedBatch(SheafBatch):
    """A sheaf that is decided as ever, without the gate, and written into the shadows."""

    shadows: Shadows

    def __init__(self, plan: Plan, *, by: str, shadows: Shadows) -> None:
        super().__init__(plan, by=by, moment=datetime.now(UTC))
        self.dry_run, self.shadows = True, shadows

    def run_locked(self, raw: Sequence[RawRecord | Record]) -> Sequence[Outcome]:
        if not isinstance(raw, Sheaf):  # half of one that the database refused
            return super().run_locked(raw)
        with transaction.atomic(), closing(open_cursor()) as cursor:
            decided = self.decide_sheaf(cursor, raw, current_settings())
            rendered = render_plain(raw, decided.plain, self.cause, decided.moment)
            self.shadows.keep_statements(cursor, [part for parts in rendered for part in parts], decided.plain_ids)
            if decided.world is not None:
                self.shadows.keep(cursor, decided.world, self.cause)
        return decided.outcomes

    def numbers_of(self, sheaf: Sheaf) -> list[int]:
        if not self.drawn:
            self.drawn = list(islice(self.shadows.numbers, len(sheaf)))
        return self.drawn
