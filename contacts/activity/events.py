"""The verb that records events."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import psycopg

from contacts import populations
from contacts.activity.checks import dump_json, read_event
from contacts.activity.event_types import KnownType, known_types, remembered_types
from contacts.activity.once import give_back_receipts, receipt_of, take_receipts
from contacts.activity.parameters import note_parameters
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.activity.types import EventOutcome, EventStatus, NewEvent
from contacts.activity.unmatched import Unmatched, keep_events, may_wait
from contacts.identity import MAX_BATCH, Outcome, Plan, resolve
from contacts.identity.errors import ContactNotFound
from contacts.identity.load import ESCALATE_ABOVE, open_cursor
from contacts.identity.settings import current_settings
from contacts.identity.types import EVENT
from contacts.keys import Kind
from contacts.models import WhenNobody
from contacts.normalize import normalize
from contacts.records import Problem, Record

__all__ = ["note_events", "record_events"]

CREATE: Final = WhenNobody.CREATE.value


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
    """Up to ``MAX_BATCH`` events, each known by its position.

    ``records`` says whose they are. One may stand for several events: ``sharing`` has their positions by the first.
    """

    def __init__(self, events: Sequence[NewEvent], plan: Plan, *, by: str, at: datetime) -> None:
        self.events = events
        self.plan = plan
        self.by = by
        self.at = at
        self.params: dict[int, str] = {}
        self.kinds: dict[int, KnownType] = {}
        self.records: dict[int, Record] = {}
        self.sharing: dict[int, Sequence[int]] = {}
        self.receipts: dict[int, str] = {}
        self.new_receipts: set[str] = set()
        self.outcomes: dict[int, EventOutcome] = {}

    def run(self) -> list[EventOutcome]:
        # 1. What cannot be stored is refused before anybody is looked up, or made.
        for position, event in enumerate(self.events):
            told = read_event(event)
            if isinstance(told, Problem):
                self.outcomes[position] = refused_event(told)
            else:
                self.params[position] = told
        # 2. The others; again with those that have no outcome yet, should the account's settings move meanwhile.
        while True:
            try:
                self.record()
                return [self.outcomes[position] for position in range(len(self.events))]
            except SettingsMoved:
                continue

    def record(self) -> None:
        # 1. Types, then contacts; both are there before the events are.
        self.settings = current_settings()
        self.find_types()
        self.read_records()
        # 2. The events, in the transaction that resolved their contacts.
        self.resolve(self.records)
        self.resolve_apart()

    def find_types(self) -> None:
        keys = {position: self.events[position].type.strip() for position in self.params}
        known = remembered_types(keys.values(), self.settings)
        self.kinds = {position: known[key] for position, key in keys.items() if position not in self.outcomes}
        self.receipts = {
            position: receipt_of(kind.id, key)
            for position, kind in self.kinds.items()
            if (kind.is_once_per_key or self.events[position].once) and (key := self.events[position].key.strip())
        }

    def read_records(self) -> None:
        """Whose each event is. What several say in the same words is resolved once, where order cannot matter (L14)."""
        schema = self.settings.schema
        self.records = {}
        self.sharing = {}
        said: dict[Any, list[int]] = {}
        for position, kind in self.kinds.items():
            words = words_of(self.events[position].contact)
            said.setdefault((words, kind.when_nobody == CREATE) if words else position, []).append(position)
        for positions in said.values():
            self.records[positions[0]] = normalize(self.events[positions[0]].contact, schema, ref=positions[0])
        carriers = Counter(key for record in self.records.values() for key in record.identifiers)
        for positions in said.values():
            record = self.records[positions[0]]
            if (
                len(positions) == 1
                or len(said) == 1
                or (has_no_effect(record) and all(carriers[key] == 1 for key in record.identifiers))
            ):
                self.sharing[positions[0]] = positions
            else:
                self.take_apart(positions)

    def take_apart(self, positions: Sequence[int]) -> None:
        """Each of these events is resolved for itself."""
        schema = self.settings.schema
        for position in positions:
            self.sharing[position] = [position]
            self.records[position] = normalize(self.events[position].contact, schema, ref=position)

    def resolve(self, positions: Iterable[int]) -> None:
        """In their order, cut where a type that makes contacts follows one that does not (L14, L17)."""
        for creates, run in itertools.groupby(sorted(positions), key=self.creates):
            plan = self.plan if creates else replace(self.plan, may_create=False)
            records = [self.records[position] for position in run]
            is_large = sum(len(self.sharing[record.ref]) for record in records) > ESCALATE_ABOVE
            resolve(records, plan, by=self.by, at=self.at, first=self.take, within=self.write, is_large=is_large)

    def resolve_apart(self) -> None:
        """Where the database refused what shares a record, one of them may be to blame."""
        shared = [positions for positions in self.sharing.values() if len(positions) > 1]
        refused = [positions for positions in shared if self.outcomes[positions[0]].code == "invalid_record"]
        for positions in refused:
            self.take_apart(positions)
            self.resolve(positions)

    def creates(self, position: int) -> bool:
        return self.kinds[position].when_nobody == CREATE

    def take(self, cursor: psycopg.Cursor[Any], records: Sequence[Record]) -> Sequence[Record]:
        """Events that are stored once take their receipts. Whose events all came before looks for nobody."""
        if not self.receipts:
            return records
        positions = [position for record in records for position in self.sharing[record.ref]]
        receipts = {position: self.receipts[position] for position in positions if position in self.receipts}
        self.new_receipts = take_receipts(cursor, set(receipts.values()), at=self.at)
        before = {position for position, receipt in receipts.items() if receipt not in self.new_receipts}
        self.outcomes.update(dict.fromkeys(before, EventOutcome(EventStatus.REPEATED)))
        return [record for record in records if not before.issuperset(self.sharing[record.ref])]

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Within the resolving transaction, and again when that is tried again."""
        found = {position: outcome for outcome in outcomes for position in self.sharing[outcome.ref]}
        if current_settings() is not self.settings:
            for position in found:
                self.outcomes.pop(position, None)
            raise SettingsMoved
        waiting: list[Unmatched] = []
        with closing(open_cursor(prepares=True)) as cursor:
            insert_rows(cursor, "contacts_event", EVENT_COLUMNS, self.rows(cursor, found, waiting))
            keep_events(cursor, waiting, by=self.by)
        touched = {outcome.place.contact_id for outcome in outcomes if outcome.place and not outcome.place.is_visitor}
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=sorted(touched), at=self.at, what="event")

    def rows(
        self, cursor: psycopg.Cursor[Any], found: Mapping[int, Outcome], waiting: list[Unmatched]
    ) -> Iterator[tuple[Any, ...]]:
        """The rows to be stored, in the order of the events; those that are to wait are put with ``waiting``."""
        repeated = self.find_repeated(cursor, found)
        taken: list[int] = []
        for position in sorted(found):
            outcome = found[position]
            place = outcome.place
            if place is None and not self.waits(position, outcome):
                self.outcomes[position] = unplaced_event(outcome)
            elif position in repeated:
                self.outcomes[position] = EventOutcome(EventStatus.REPEATED, identity=outcome)
            elif place is None:
                taken.append(position)
                waiting.append(Unmatched(self.row_of(position, 0), self.records[outcome.ref]))
            else:
                taken.append(position)
                yield self.row_of(position, place.contact_id)
        # What can be done while the database is busy with the last rows.
        for position in taken:
            outcome = found[position]
            if outcome.place is None:
                self.outcomes[position] = EventOutcome(EventStatus.KEPT, identity=outcome)
            else:
                self.outcomes[position] = EventOutcome(EventStatus.RECORDED, *outcome.place, identity=outcome)
        note_parameters((self.kinds[position].id, self.events[position].params) for position in taken)

    def waits(self, position: int, outcome: Outcome) -> bool:
        """Whether an event that found nobody is kept: as its type says, or since an app's own call is on its way."""
        if outcome.code != ContactNotFound.code or not may_wait(self.records[outcome.ref]):
            return False
        choice = self.kinds[position].when_nobody
        return choice == WhenNobody.KEEP or (self.plan.tracking == "mobile" and choice != WhenNobody.REFUSE)

    def find_repeated(self, cursor: psycopg.Cursor[Any], found: Mapping[int, Outcome]) -> set[int]:
        """Those that are not to be stored: of events that are stored once all but the first, if none came before."""
        if not self.receipts:
            return set()
        receipts = {
            position: self.receipts[position]
            for position in sorted(found)
            if position in self.receipts and (found[position].place or self.waits(position, found[position]))
        }
        first = {receipt: position for position, receipt in reversed(receipts.items())}
        give_back_receipts(cursor, self.new_receipts.difference(first))
        return {
            position
            for position, receipt in receipts.items()
            if receipt not in self.new_receipts or first[receipt] != position
        }

    def row_of(self, position: int, contact_id: int) -> tuple[Any, ...]:
        event = self.events[position]
        return (
            contact_id,
            self.kinds[position].id,
            event.key.strip(),
            self.params[position],
            self.plan.source,
            event.occurred_at or self.at,
            self.at,
        )


class SettingsMoved(Exception):
    """The account's settings, its types of events among them, are not what they were when this batch began."""


_EXACTLY: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def has_no_effect(record: Record) -> bool:
    """Whether an event changes nobody that is there: T1 to T5 need a changeable identifier and another one."""
    return len(record.identifiers) <= 1 or all(key[0] <= Kind.CUSTOM for key in record.identifiers)


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
