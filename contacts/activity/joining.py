"""Brings events that wait to whoever got what they name: the journal is followed, and nobody is searched through.

Whoever gets an identifier notes it in the journal, in the transaction that locked the value; an event that waits for it
was committed before. So for each contact that the journal names, what waits for its identifiers is looked up, and the
identity rules decide again. One that finds its contact moves from there to here in one transaction; it may bring the
contact a further identifier, which is a change that is followed in turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from django.db import transaction

from contacts import populations
from contacts.activity.places import place_facts
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.activity.types import MOBILE_EVENT, WEB_EVENT
from contacts.activity.unmatched import (
    Waiting,
    find_just_kept,
    find_waiting,
    is_any_waiting,
    read_waiting,
    take_waiting,
)
from contacts.identity import Outcome, Plan, resolve
from contacts.identity.errors import WriteConflict
from contacts.identity.load import open_cursor, prefer_indexes
from contacts.identity.settled import last_change, settled_change
from contacts.identity.types import EVENT
from contacts.models import JournalPosition

__all__ = ["join_waiting"]

READER: Final = "unmatched events"
WINDOW: Final = 2_000
"""Numbers of the journal that are looked through at a time."""
BATCH: Final = 500
SECONDS: Final = 20.0
PLANS: Final = {plan.source: replace(plan, may_create=False) for plan in (EVENT, WEB_EVENT, MOBILE_EVENT)}
"""By the source that an event is stored with."""

_CHANGED: Final = "SELECT DISTINCT contact_id FROM contacts_change WHERE id > %s AND id <= %s"


def join_waiting(*, seconds: float = SECONDS) -> int:
    """Join what waits for what was noted since the last time; how many events joined.

    What is left after ``seconds``, or since others kept writing the same contacts, is for the next time. Two at a time
    do no harm.
    """
    joined = 0
    with suppress(WriteConflict):
        for count in _follow(seconds):
            joined += count
    return joined


def _follow(seconds: float) -> Iterator[int]:
    """How many joined, step by step."""
    ends_at = monotonic() + seconds
    yield _join(find_just_kept())
    while monotonic() < ends_at:
        # In this order: what is kept from here on is committed before the change that it waits for has a number.
        last = last_change()
        if not is_any_waiting():
            _move_on(last)
            break
        upto, after = settled_change(), _position()
        if upto is None or upto <= after:
            break
        upto = min(upto, after + WINDOW)
        yield _join(find_waiting(_changed(after, upto)))
        _move_on(upto)


def _position() -> int:
    """Up to where the journal was read."""
    return JournalPosition.objects.filter(reader=READER).values_list("number", flat=True).first() or 0


def _move_on(number: int) -> None:
    there = JournalPosition.objects.filter(reader=READER)
    if not there.filter(number__gte=number).exists() and not there.update(number=number):
        JournalPosition.objects.bulk_create([JournalPosition(reader=READER, number=number)], ignore_conflicts=True)


def _changed(after: int, upto: int) -> list[int]:
    with transaction.atomic(), closing(open_cursor()) as cursor:
        prefer_indexes(cursor)  # statistics may be older than an import
        cursor.execute(_CHANGED, (after, upto))
        return [row[0] for row in cursor.fetchall()]


def _join(ids: Sequence[int]) -> int:
    joined = 0
    for start in range(0, len(ids), BATCH):
        waiting = read_waiting(ids[start : start + BATCH])
        for (source, by), events in itertools.groupby(sorted(waiting, key=_sender_of), key=_sender_of):
            joined += _JoiningBatch(list(events), PLANS.get(source, PLANS[EVENT.source]), by=by).run()
    return joined


def _sender_of(event: Waiting) -> tuple[str, str]:
    return event.source, event.by


class _JoiningBatch:
    """Events of one sender that may have found their contacts."""

    def __init__(self, events: Sequence[Waiting], plan: Plan, *, by: str) -> None:
        self.events = {event.id: event for event in events}
        self.records = {event.id: event.record for event in events}
        self.plan = plan
        self.by = by
        self.at = datetime.now(UTC)
        self.joined: set[int] = set()

    def run(self) -> int:
        """How many joined. Raises ``WriteConflict``: then the journal is read from the same place again."""
        outcomes = resolve(list(self.records.values()), self.plan, by=self.by, at=self.at, within=self.write)
        if any(outcome.code == WriteConflict.code for outcome in outcomes):
            raise WriteConflict
        return len(self.joined)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Within the resolving transaction, and again when that is tried again."""
        with closing(open_cursor()) as cursor:
            places = place_facts(cursor, outcomes, self.records)
            taken = sorted(take_waiting(cursor, places))
            insert_rows(
                cursor,
                "contacts_event",
                EVENT_COLUMNS,
                [(places[event_id].contact_id, *self.events[event_id].row) for event_id in taken],
            )
        touched = sorted({places[event_id].contact_id for event_id in taken if not places[event_id].is_visitor})
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=touched, at=self.at, what="event")
        self.joined.difference_update(outcome.ref for outcome in outcomes)
        self.joined.update(taken)
