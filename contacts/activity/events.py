"""The verb that records events."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from contacts import populations
from contacts.activity.checks import check_event, dump_json
from contacts.activity.event_types import KnownType, known_types
from contacts.activity.once import find_receipts, receipt_of, take_receipts
from contacts.activity.parameters import note_parameters
from contacts.activity.places import place_facts
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.activity.types import EventOutcome, EventStatus, NewEvent
from contacts.activity.unmatched import Unmatched, keep_events, may_wait
from contacts.identity import MAX_BATCH, Outcome, Plan, resolve
from contacts.identity.errors import ContactNotFound
from contacts.identity.load import open_cursor
from contacts.identity.settings import current_settings
from contacts.identity.types import EVENT
from contacts.models import WhenNobody
from contacts.normalize import normalize
from contacts.records import Problem, Record

__all__ = ["note_events", "record_events"]


def record_events(
    events: Iterable[NewEvent], *, by: str, at: datetime | None = None, plan: Plan = EVENT
) -> list[EventOutcome]:
    """Record events on the contacts that the identity rules find (L17), or on visitors' numbers (L15).

    ``plan`` is ``EVENT``, ``WEB_EVENT`` or ``MOBILE_EVENT``: the door they came through. ``at`` is when they were
    received, now unless given. One that finds nobody is kept or refused as its type says. Outcomes come in the order of
    the events; one that is refused keeps nobody else back.
    """
    outcomes: list[EventOutcome] = []
    iterator = iter(events)
    while batch := list(itertools.islice(iterator, MAX_BATCH)):
        outcomes += _EventBatch(batch, plan, by=by, at=at or datetime.now(UTC)).run()
    return outcomes


def note_events(
    contact_ids: Sequence[int],
    type_key: str,
    *,
    key: str,
    source: str,
    at: datetime,
    params: Mapping[str, Any] | None = None,
) -> None:
    """Record the same event on each of these contacts, which the caller's transaction has just written.

    ``key`` is the caller's own name for it, by which it is found again.
    """
    kind = known_types([type_key])[type_key]
    with closing(open_cursor()) as cursor:
        told = dump_json(params or {})
        rows = [(contact_id, kind.id, key, told, source, at, at) for contact_id in contact_ids]
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, rows)
    note_parameters([(kind.id, params or {})])
    populations.contacts_changed.send(sender=None, contact_ids=list(contact_ids), at=at, what="event")


class _EventBatch:
    """Up to ``MAX_BATCH`` events, each known by its position."""

    def __init__(self, events: Sequence[NewEvent], plan: Plan, *, by: str, at: datetime) -> None:
        self.events = events
        self.plan = plan
        self.by = by
        self.at = at
        self.types: dict[str, KnownType] = {}
        self.records: dict[int, Record] = {}
        self.receipts: dict[int, UUID] = {}
        self.outcomes: dict[int, EventOutcome] = {}

    def run(self) -> list[EventOutcome]:
        # 1. What cannot be stored is refused before anybody is looked up, or made.
        problems = [check_event(event) for event in self.events]
        for position, problem in enumerate(problems):
            if problem is not None:
                self.outcomes[position] = refused_event(problem)
        # 2. Types, then contacts; both are there before the events are. What came before looks for nobody.
        self.types = known_types(
            event.type.strip() for event, problem in zip(self.events, problems, strict=True) if not problem
        )
        self.leave_repeated()
        schema = current_settings().schema
        for position, event in enumerate(self.events):
            if position not in self.outcomes:
                self.records[position] = normalize(event.contact, schema, ref=position)
        # 3. The events, in the transaction that resolved their contacts.
        for plan, records in self.runs():
            resolve(records, plan, by=self.by, at=self.at, within=self.write)
        # 4. What their types are seen to have.
        note_parameters(
            (self.type_of(position).id, self.events[position].params)
            for position in self.records
            if self.outcomes[position].is_accepted
        )
        return [self.outcomes[position] for position in range(len(self.events))]

    def leave_repeated(self) -> None:
        """Events that are stored once have a receipt; those whose receipt is there are done."""
        for position, event in enumerate(self.events):
            if position in self.outcomes:
                continue
            key, kind = event.key.strip(), self.type_of(position)
            if key and (event.once or kind.is_once_per_key):
                self.receipts[position] = receipt_of(kind.id, key)
        known = find_receipts(set(self.receipts.values()))
        for position, receipt in self.receipts.items():
            if receipt in known:
                self.outcomes[position] = EventOutcome(EventStatus.REPEATED)

    def runs(self) -> Iterator[tuple[Plan, list[Record]]]:
        """The records in their order, cut where a type that makes contacts follows one that does not (L14, L17)."""
        for creates, run in itertools.groupby(
            self.records.items(), key=lambda item: self.type_of(item[0]).when_nobody == WhenNobody.CREATE
        ):
            plan = self.plan if creates else replace(self.plan, may_create=False)
            yield plan, [record for _, record in run]

    def type_of(self, position: int) -> KnownType:
        return self.types[self.events[position].type.strip()]

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Within the resolving transaction, and again when that is tried again."""
        cursor = open_cursor()
        places = place_facts(cursor, outcomes, self.records)
        positions = [outcome.ref for outcome in outcomes if outcome.ref in places or self.waits(outcome)]
        fresh = self.fresh(cursor, positions)
        rows, waiting = [], []
        for outcome in outcomes:
            place = places.get(outcome.ref)
            if place is None and not self.waits(outcome):
                self.outcomes[outcome.ref] = unplaced_event(outcome)
            elif outcome.ref not in fresh:
                self.outcomes[outcome.ref] = EventOutcome(EventStatus.REPEATED, identity=outcome)
            elif place is None:
                waiting.append(Unmatched(self.row_of(outcome.ref, 0), self.records[outcome.ref]))
                self.outcomes[outcome.ref] = EventOutcome(EventStatus.KEPT, identity=outcome)
            else:
                rows.append(self.row_of(outcome.ref, place.contact_id))
                self.outcomes[outcome.ref] = EventOutcome(
                    EventStatus.RECORDED, place.contact_id, place.is_visitor, identity=outcome
                )
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, rows)
        keep_events(cursor, waiting, by=self.by)
        cursor.close()
        touched = sorted({place.contact_id for place in places.values() if not place.is_visitor})
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=touched, at=self.at, what="event")

    def waits(self, outcome: Outcome) -> bool:
        """Whether an event that found nobody is kept: as its type says, or since an app's own call is on its way."""
        if outcome.code != ContactNotFound.code or not may_wait(self.records[outcome.ref]):
            return False
        choice = self.type_of(outcome.ref).when_nobody
        return choice == WhenNobody.KEEP or (self.plan.tracking == "mobile" and choice != WhenNobody.REFUSE)

    def fresh(self, cursor: psycopg.Cursor[Any], positions: Sequence[int]) -> set[int]:
        """Those that are to be stored: of events that are stored once the first, if none came before."""
        receipts = {position: self.receipts[position] for position in positions if position in self.receipts}
        new = take_receipts(cursor, set(receipts.values()), at=self.at)
        first = {receipt: position for position, receipt in reversed(receipts.items())}
        return {
            position
            for position in positions
            if position not in receipts or (receipts[position] in new and first[receipts[position]] == position)
        }

    def row_of(self, position: int, contact_id: int) -> tuple[Any, ...]:
        event = self.events[position]
        return (
            contact_id,
            self.type_of(position).id,
            event.key.strip(),
            dump_json(event.params),
            self.plan.source,
            event.occurred_at or self.at,
            self.at,
        )


def refused_event(problem: Problem) -> EventOutcome:
    """The event itself cannot be stored."""
    return EventOutcome(EventStatus.FAILED, code=problem.code, message=problem.message, column=problem.column)


def unplaced_event(outcome: Outcome) -> EventOutcome:
    """There is nobody to record it on; the identity rules say why, or the contact was erased meanwhile."""
    return EventOutcome(
        EventStatus.FAILED,
        code=outcome.code or "contact_not_found",
        message=outcome.message or ContactNotFound.default_message(),
        column=outcome.column,
        identity=outcome,
    )
