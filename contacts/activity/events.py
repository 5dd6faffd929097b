"""The verb that records events."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import psycopg

from contacts import populations
from contacts.activity.checks import check_event, dump_json
from contacts.activity.event_types import KnownType, known_types
from contacts.activity.once import find_receipts, receipt_of, take_receipts
from contacts.activity.parameters import note_parameters
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
        self.kinds: dict[int, KnownType] = {}
        self.records: dict[int, Record] = {}
        self.receipts: dict[int, str] = {}
        self.outcomes: dict[int, EventOutcome] = {}

    def run(self) -> list[EventOutcome]:
        # 1. What cannot be stored is refused before anybody is looked up, or made.
        for position, event in enumerate(self.events):
            if (problem := check_event(event)) is not None:
                self.outcomes[position] = refused_event(problem)
        # 2. Types, then contacts; both are there before the events are. What came before looks for nobody.
        self.find_types()
        self.leave_repeated()
        self.read_records()
        # 3. The events, in the transaction that resolved their contacts.
        for plan, records in self.runs():
            resolve(records, plan, by=self.by, at=self.at, within=self.write)
        # 4. What their types are seen to have.
        note_parameters(
            (self.kinds[position].id, self.events[position].params)
            for position in self.records
            if self.outcomes[position].is_accepted
        )
        return [self.outcomes[position] for position in range(len(self.events))]

    def find_types(self) -> None:
        keys = {
            position: event.type.strip() for position, event in enumerate(self.events) if position not in self.outcomes
        }
        known = known_types(keys.values())
        self.kinds = {position: known[key] for position, key in keys.items()}

    def leave_repeated(self) -> None:
        """Events that are stored once have a receipt; those whose receipt is there are done."""
        for position, kind in self.kinds.items():
            event = self.events[position]
            if (event.once or kind.is_once_per_key) and (key := event.key.strip()):
                self.receipts[position] = receipt_of(kind.id, key)
        known = find_receipts(set(self.receipts.values()))
        for position, receipt in self.receipts.items():
            if receipt in known:
                self.outcomes[position] = EventOutcome(EventStatus.REPEATED)

    def read_records(self) -> None:
        """Whose each event is; what several of them say in the same words is read once."""
        schema = current_settings().schema
        said: dict[bytes, Record] = {}
        for position in self.kinds:
            if position in self.outcomes:
                continue
            contact = self.events[position].contact
            words = words_of(contact)
            first = said.get(words) if words is not None else None
            if first is not None:
                self.records[position] = first.again(position)
                continue
            record = self.records[position] = normalize(contact, schema, ref=position)
            if words is not None:
                said[words] = record

    def runs(self) -> Iterator[tuple[Plan, list[Record]]]:
        """The records in their order, cut where a type that makes contacts follows one that does not (L14, L17)."""
        for creates, run in itertools.groupby(
            self.records.items(), key=lambda item: self.kinds[item[0]].when_nobody == WhenNobody.CREATE
        ):
            plan = self.plan if creates else replace(self.plan, may_create=False)
            yield plan, [record for _, record in run]

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Within the resolving transaction, and again when that is tried again."""
        cursor = open_cursor(prepares=True)
        positions = [outcome.ref for outcome in outcomes if outcome.place or self.waits(outcome)]
        repeated = self.find_repeated(cursor, positions)
        rows, waiting, touched = [], [], set()
        for outcome in outcomes:
            position, place = outcome.ref, outcome.place
            if place is None and not self.waits(outcome):
                self.outcomes[position] = unplaced_event(outcome)
            elif position in repeated:
                self.outcomes[position] = EventOutcome(EventStatus.REPEATED, identity=outcome)
            elif place is None:
                waiting.append(Unmatched(self.row_of(position, 0), self.records[position]))
                self.outcomes[position] = EventOutcome(EventStatus.KEPT, identity=outcome)
            else:
                contact_id, is_visitor = place
                rows.append(self.row_of(position, contact_id))
                self.outcomes[position] = EventOutcome(EventStatus.RECORDED, contact_id, is_visitor, identity=outcome)
                if not is_visitor:
                    touched.add(contact_id)
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, rows)
        keep_events(cursor, waiting, by=self.by)
        cursor.close()
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=sorted(touched), at=self.at, what="event")

    def waits(self, outcome: Outcome) -> bool:
        """Whether an event that found nobody is kept: as its type says, or since an app's own call is on its way."""
        if outcome.code != ContactNotFound.code or not may_wait(self.records[outcome.ref]):
            return False
        choice = self.kinds[outcome.ref].when_nobody
        return choice == WhenNobody.KEEP or (self.plan.tracking == "mobile" and choice != WhenNobody.REFUSE)

    def find_repeated(self, cursor: psycopg.Cursor[Any], positions: Sequence[int]) -> set[int]:
        """Those that are not to be stored: of events that are stored once all but the first, if none came before."""
        if not self.receipts:
            return set()
        receipts = {position: self.receipts[position] for position in positions if position in self.receipts}
        new = take_receipts(cursor, set(receipts.values()), at=self.at)
        first = {receipt: position for position, receipt in reversed(receipts.items())}
        return {position for position, receipt in receipts.items() if receipt not in new or first[receipt] != position}

    def row_of(self, position: int, contact_id: int) -> tuple[Any, ...]:
        event = self.events[position]
        return (
            contact_id,
            self.kinds[position].id,
            event.key.strip(),
            dump_json(event.params),
            self.plan.source,
            event.occurred_at or self.at,
            self.at,
        )


_EXACTLY: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def words_of(contact: Mapping[str, Any]) -> bytes | None:
    """Equal for records that say the same; None where that cannot be told."""
    try:
        return orjson.dumps(contact, option=_EXACTLY)
    except TypeError:
        return None


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
