"""A long stream of batches, resolved as it would be, with nothing written: each batch sees what those before it did.

The rehearsal has a thread of its own and in it a database session of its own, where shadows stand before the tables
(``contacts.identity.shadows``). It is one batch ahead of whoever reads the outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

from django.db import connection

from contacts.identity.resolve import Batch
from contacts.identity.shadows import Shadows, open_shadows
from contacts.identity.stream import tuned_interpreter
from contacts.identity.types import Outcome, Plan
from contacts.records import Record

__all__ = ["rehearse_stream"]


def rehearse_stream(batches: Iterable[Sequence[Record]], plan: Plan, *, by: str) -> Iterator[list[Outcome]]:
    """The outcomes that ``resolve_stream`` would yield for these batches if nobody else wrote meanwhile.

    A contact that would be created has a number below zero, the same one wherever the stream meets it again. Nothing is
    locked, other writers go on; what they write may be seen or not. Inside a transaction of the caller, whose own
    writes are seen then, all batches are rehearsed before the first outcome is given.
    """
    if connection.in_atomic_block:
        with open_shadows() as shadows:
            rehearsed = [_rehearse(records, plan, by, shadows) for records in batches]
        yield from rehearsed
        return
    with tuned_interpreter(), ThreadPoolExecutor(1, "rehearsal") as thread:
        session = ExitStack()
        try:
            shadows = thread.submit(session.enter_context, open_shadows()).result()
            ahead: Future[Sequence[Outcome]] | None = None
            for records in batches:
                ready, ahead = ahead, thread.submit(_rehearse, records, plan, by, shadows)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()
        finally:
            thread.submit(session.close).result()


def _rehearse(records: Sequence[Record], plan: Plan, by: str, shadows: Shadows) -> Sequence[Outcome]:
    return Batch(plan, by=by, moment=datetime.now(UTC), dry_run=True, shadows=shadows).run(records)
