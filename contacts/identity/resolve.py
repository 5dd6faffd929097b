"""The one verb that writes contacts: load, lock, decide, write, journal, for one record or any number of them.

1. normalise (pure); 2. lock the values; 3. values → ids, ids → rows; 4. decide each record in order with the batch's
own effects laid over (pure); 5. write set-based; 6. outcomes with the reason. A dry run stops after 4,
or, so that later batches see what earlier ones would have done, writes into shadows of the tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import DatabaseError, transaction

from contacts.identity import load
from contacts.identity.decide import decide
from contacts.identity.errors import WriteConflict, error_of
from contacts.identity.frame import MAX_TRIES, RETRIED, database_cause
from contacts.identity.numbers import Numbers
from contacts.identity.settings import Settings, current_settings, read_settings
from contacts.identity.shadows import Shadows, open_shadows
from contacts.identity.types import Outcome, Place, Plan, Status
from contacts.identity.world import ERASED, IDENTITY_COLUMNS, SEEN_TO, Missing, World
from contacts.identity.write import Cause, send_signals, write_world
from contacts.keys import Kind
from contacts.normalize import normalize
from contacts.records import Key, Record

__all__ = ["MAX_BATCH", "resolve", "resolve_one"]

MAX_BATCH: Final = 1_000
"""Records a transaction."""
MAX_ROUNDS: Final = 12

RawRecord = Mapping[str, Any]
Within = Callable[[Sequence[Outcome]], None]
First = Callable[[psycopg.Cursor[Any], Sequence[Any]], Sequence[Any]]


def resolve(
    records: Iterable[RawRecord | Record],
    plan: Plan,
    *,
    by: str,
    at: datetime | None = None,
    dry_run: bool = False,
    first: First | None = None,
    within: Within | None = None,
    is_large: bool = False,
) -> list[Outcome]:
    """Find or make the contact of each record and let it take over what the record carries.

    ``records`` are raw (a mapping of column keys, see ``contacts.normalize``) or normalised. ``by`` is who writes, as
    ``kind:id``. ``at`` is the time of the change, now unless given. ``first`` is called at the beginning of each
    transaction that writes, with its records, and gives those that are to be resolved; ``within`` at its end, with
    their outcomes. ``is_large``: they stand for so many facts that the gate is closed, however few they are. Outcomes
    come in the order of the records; nothing of a failed or skipped one is written.
    """
    if dry_run:
        return _resolve_dry(list(records), plan, by=by, at=at, within=within)
    outcomes: list[Outcome] = []
    iterator = iter(records)
    while batch := list(itertools.islice(iterator, MAX_BATCH)):
        moment = at or datetime.now(UTC)
        outcomes += Batch(plan, by=by, moment=moment, first=first, within=within, is_large=is_large).run(batch)
    return outcomes


def _resolve_dry(
    records: Sequence[RawRecord | Record], plan: Plan, *, by: str, at: datetime | None, within: Within | None
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with open_shadows() if len(records) > MAX_BATCH else nullcontext() as shadows:
        for start in range(0, len(records), MAX_BATCH):
            batch = Batch(plan, by=by, moment=at or datetime.now(UTC), dry_run=True, within=within, shadows=shadows)
            outcomes += batch.run(records[start : start + MAX_BATCH])
    return outcomes


def resolve_one(
    record: RawRecord | Record, plan: Plan, *, by: str, at: datetime | None = None, dry_run: bool = False
) -> Outcome:
    """Resolve a single record; what a batch reports by outcome is raised here, see ``contacts.identity.errors``."""
    [outcome] = resolve([record], plan, by=by, at=at, dry_run=dry_run)
    error = error_of(outcome)
    if error is not None:
        raise error
    return outcome


class MoreToLock(Exception):
    """The decider asks for values that are not locked. Locks are taken in one order only, so all are let go first."""

    def __init__(self, keys: set[Key]) -> None:
        super().__init__()
        self.keys = keys


class Batch:
    """Up to ``MAX_BATCH`` records on their way through one transaction.

    ``first`` chooses the records at the beginning of the transaction, before any lock is taken, ``within`` is called
    with the outcomes inside it, see ``resolve``. ``is_first_try`` tells afterwards whether nothing came in between,
    ``has_effects`` whether anything was written. ``shadows`` keep what a dry run decided for the batches after it.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        by: str,
        moment: datetime,
        dry_run: bool = False,
        first: First | None = None,
        within: Within | None = None,
        shadows: Shadows | None = None,
        is_large: bool = False,
    ) -> None:
        self.plan = plan
        self.by = by
        self.moment = moment
        self.dry_run = dry_run
        self.first = first
        self.within = within
        self.shadows = shadows
        self.is_large = is_large
        self.is_first_try = True
        self.has_effects = True
        self.more_keys: set[Key] = set()

    @property
    def cause(self) -> Cause:
        return Cause(self.by, self.plan.source, self.plan.import_id)

    def run(self, raw: Sequence[RawRecord | Record]) -> Sequence[Outcome]:
        """Write the batch; trouble in the database is tried again, then halved down to the record that fails alone."""
        for _ in range(MAX_TRIES):
            try:
                return self.run_once(raw)
            except (DatabaseError, psycopg.Error, WriteConflict) as error:
                self.is_first_try = False
                trouble = database_cause(error)
                if isinstance(trouble, REFUSED) and not isinstance(trouble, RETRIED):
                    break
                if not isinstance(trouble, RETRIED):
                    raise
        if len(raw) == 1:
            return self.fail_alone(raw[0], trouble)
        middle = len(raw) // 2
        return [*self.run(raw[:middle]), *self.run(raw[middle:])]

    def run_once(self, raw: Sequence[RawRecord | Record]) -> Sequence[Outcome]:
        for _ in range(MAX_ROUNDS):
            try:
                return self.run_locked(raw)
            except MoreToLock as more:
                self.more_keys |= more.keys
        raise WriteConflict

    def run_locked(self, raw: Sequence[RawRecord | Record]) -> Sequence[Outcome]:
        with transaction.atomic(), closing(load.open_cursor(prepares=self.prepares(raw))) as cursor:
            if self.dry_run:
                world, outcomes = self.decide_dry(cursor, raw)
                if self.shadows is not None:
                    self.shadows.keep(cursor, world, self.cause)
            else:
                raw = self.first(cursor, raw) if self.first is not None else raw
                if not raw:
                    return []
                world, outcomes = self.decide_locked(cursor, raw)
                write_world(cursor, world, self.cause, together=len(raw) == 1)
                send_signals(world)
            if self.within is not None:
                if self.plan.activity:
                    place_facts(world, outcomes)
                self.within(outcomes)
        return outcomes

    def prepares(self, raw: Sequence[RawRecord | Record]) -> bool:
        """Whether the same few statements come over and over: of single calls, and of events batch after batch."""
        return len(raw) == 1 or self.plan.activity

    def decide_dry(self, cursor: psycopg.Cursor[Any], raw: Sequence[RawRecord | Record]) -> tuple[World, list[Outcome]]:
        settings = read_settings()
        records = normalized(raw, settings)
        return self.decide_all(cursor, records, settings, Wanted(records, few=len(raw) > load.ESCALATE_ABOVE))

    def decide_locked(
        self, cursor: psycopg.Cursor[Any], raw: Sequence[RawRecord | Record]
    ) -> tuple[World, list[Outcome]]:
        """Decide behind the locks."""
        settings = current_settings()
        records = normalized(raw, settings)
        many = self.is_large or len(raw) > load.ESCALATE_ABOVE
        locked = load.lock_values(cursor, () if many else keys_of(records) | self.more_keys, everything=many)
        if locked.settings_version != settings.version:
            settings = read_settings()
            records = normalized(raw, settings)
            if not locked.everything:
                load.lock_values(cursor, keys_of(records))
        wanted = Wanted(records, few=locked.everything)
        wanted.keys |= self.more_keys
        if self.plan.activity:  # one question more would cost more than the few values that need not be asked for
            wanted.keys |= keys_of(records)
        world, outcomes = self.decide_all(cursor, records, settings, wanted)
        self.has_effects = world.has_effects
        return world, outcomes

    def decide_all(
        self,
        cursor: psycopg.Cursor[Any],
        records: Sequence[Record],
        settings: Settings,
        wanted: Wanted,
        *,
        before: World | None = None,
        ids: Sequence[int] = (),
    ) -> tuple[World, list[Outcome]]:
        """Decide every record; what turns out to be missing is loaded, and all is decided again from the start.

        Behind the closed gate, where ``wanted`` is but few, nothing can move, so that rows are not locked. ``ids`` are
        those of the contacts that the records may make, one each, where they are given.
        """
        numbers = self.numbers()
        lock = not (wanted.few or self.dry_run)
        known = set(wanted.keys)
        for _ in range(MAX_ROUNDS):
            world = World(
                moment=self.moment,
                new_ids=iter(numbers),
                before=before,
                folds=wanted.few,
                seen_to=SEEN_TO if self.plan.activity else timedelta(),
            )
            wanted.load(cursor, world, lock=lock)
            outcomes = []
            complete = True
            for place, record in enumerate(records):
                if ids:
                    world.new_ids = iter(ids[place : place + 1])
                try:
                    outcomes.append(decide(record, self.plan, settings.policy, world))
                except Missing as missing:
                    complete = False
                    wanted.add(missing, record)
            if complete:
                return world, outcomes
            if lock and wanted.keys != known:
                raise MoreToLock(wanted.keys)
        raise WriteConflict

    def numbers(self) -> Iterable[int]:
        """Ids for new contacts; in a dry run they are below zero."""
        if self.shadows is not None:
            return self.shadows.numbers
        return itertools.count(-1, -1) if self.dry_run else Numbers()

    def fail_alone(self, raw: RawRecord | Record, trouble: BaseException) -> list[Outcome]:
        record = raw if isinstance(raw, Record) else normalize(raw, current_settings().schema)
        outcome = Outcome(record.ref, Status.FAILED, code="write_conflict", message=WriteConflict.default_message())
        if not isinstance(trouble, RETRIED):
            outcome.code = "invalid_record"
            outcome.message = f"The database refused this record: {str(trouble).splitlines()[0]}."
        with transaction.atomic(), closing(load.open_cursor()) as cursor:
            if self.first is not None and not self.first(cursor, [raw]):
                return []
            if self.within is not None:
                self.within([outcome])
        return [outcome]


class Wanted:
    """What is to be loaded for a batch; it grows with what the decider misses."""

    def __init__(self, records: Sequence[Record], *, few: bool) -> None:
        self.few = few
        self.records = records
        self.contact_ids = {record.contact_id for record in records if record.contact_id is not None}
        self.held_ids: set[int] = set()
        self.columns: Sequence[str] = load.CONTACT_COLUMNS
        if not few:
            self.keys = keys_of(records)
        else:
            # A large batch reads the strongest value of each record first, and the columns that it writes.
            self.keys = {strongest for record in records for strongest in strongest_keys(record)}
            fields = {column for record in records for column in record.fields}
            if any(record.attributes for record in records):
                fields.add("attributes")
            if any(record.identifiers and record.identifiers[-1][0] > Kind.CUSTOM for record in records):
                fields.add("last_seen_at")
            self.columns = (*IDENTITY_COLUMNS, *sorted(fields))

    def find_unsettled(self, cursor: psycopg.Cursor[Any], world: World) -> None:
        """All other values of the records that their strongest one did not settle."""
        owners = world.owners
        unsettled = {
            key
            for record in self.records
            if record.external_id is not None and record.identifiers[0] not in owners
            for key in record.identifiers[1:]
        }
        load.find(cursor, world, unsettled - self.keys)

    def add(self, missing: Missing, record: Record) -> None:
        if missing.keys:
            self.keys |= {*missing.keys, *record.identifiers}
        self.held_ids.update(missing.contact_ids)
        if missing.whole_rows:
            self.columns = load.CONTACT_COLUMNS

    def load(self, cursor: psycopg.Cursor[Any], world: World, *, lock: bool) -> None:
        """Values → ids; lock the rows in id order; values → ids again, until the answer stays (race 2)."""
        load.find(cursor, world, self.keys)
        if self.few:
            self.find_unsettled(cursor, world)
        for _ in range(MAX_TRIES):
            ids = {owner for owners in world.owners.values() for owner in owners} | self.contact_ids
            if not ids:
                return
            load.load_rows(cursor, world, ids, columns=self.columns, lock=lock)
            if not lock:
                load.load_held(cursor, world, self.held_ids)
                return
            before = world.owners
            world.owners, world.known_keys = {}, set()
            load.find_again(cursor, world, self.keys)
            if world.owners == before:
                return
        raise WriteConflict


def strongest_keys(record: Record) -> Iterable[Key]:
    """The external ID, which settles the record; all keys where it carries none."""
    if record.external_id is not None and record.identifiers[0][0] == Kind.EXTERNAL_ID:
        return record.identifiers[:1]
    return record.identifiers


def place_facts(world: World, outcomes: Iterable[Outcome]) -> None:
    """Where what the records brought belongs: contacts are followed through the batch's own merges, visitors to who
    they turned out to be. Until the transaction ends nobody else can move them: they are locked, or the gate is closed
    (race 3)."""
    claimed = dict(world.claims)
    for outcome in outcomes:
        number = outcome.contact_id
        if number is None or outcome.status not in PLACED:
            continue
        number = claimed.get(number, number)
        contact = world.follow(number)
        if contact is None:
            outcome.place = Place(number, is_visitor=number not in world.folded)
        elif contact.values["state"] != ERASED:
            outcome.place = Place(contact.id, is_visitor=False)


def keys_of(records: Iterable[Record]) -> set[Key]:
    return {key for record in records for key in record.identifiers}


def normalized(raw: Sequence[RawRecord | Record], settings: Settings) -> list[Record]:
    return [item if isinstance(item, Record) else normalize(item, settings.schema) for item in raw]


PLACED: Final = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED, Status.RESTORED, Status.VISITOR})
REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError)
"""Trouble that one record brings along, found by halving."""
