"""The watched segments of one step: their rows locked, their conditions compiled, and whether these are still the same.

Whoever holds a watch's row is the only one who moves its stays. What is asked of the database afterwards is newer than
everything that was written under the lock before, so of two steps the later one knows better, always.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Max

from contacts.keys import Kind
from contacts.models import Contact, EventType
from segments.catalogue import read_definition
from segments.conditions import compile_tree
from segments.conditions.dates import Clock
from segments.conditions.errors import DefinitionError, DefinitionRefused
from segments.conditions.lookups import DatabaseLookups, static_clause
from segments.conditions.sql import Clause
from segments.conditions.tree import Definition
from segments.models import Cause, Segment, Watch, WatchStage

__all__ = ["Meaning", "Moment", "Watched", "begin_sweep", "lock_watched", "read_watched"]

Broken = DefinitionRefused | DefinitionError
ANY_TIME: Final = datetime(2024, 2, 29, 12, tzinfo=UTC)


class Moment:
    """One moment of asking: the account's fields and zone, read once, or taken from ``known``, a moment just before."""

    def __init__(self, now: datetime, *, known: Moment | None = None) -> None:
        self.now = now
        self.lookups = DatabaseLookups()
        if known is not None:
            self.lookups.account, self.lookups.registry = known.lookups.account, known.lookups.registry
            self.stamp = known.stamp
        self.lookups.clock = self.clock_at(now)
        self.nobody = _NobodyFound()
        self.nobody.registry = self.lookups.registry

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.lookups.account.time_zone)

    @cached_property
    def stamp(self) -> object:
        """Another one whenever a segment, a custom field, the account or an event type was saved."""
        segments = Segment.objects.aggregate(Count("pk"), Max("pk"), Max("updated_at"))
        types = EventType.objects.aggregate(Count("pk"), Max("pk"))
        return (connection.alias, self.lookups.account.settings_version, *segments.values(), *types.values())

    def clock_at(self, moment: datetime) -> Clock:
        return Clock(moment, self.zone)


class _NobodyFound(DatabaseLookups):
    """For telling definitions apart: what depends on who has a value now stays out, the values themselves stay in."""

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        digest = hashlib.sha256(repr((int(kind), sorted(values))).encode()).digest()
        return [int.from_bytes(digest[:7], "big")]


class Meaning(NamedTuple):
    """What a segment means, None for a static one, and by what it is told from what it meant before."""

    definition: Definition | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch with what its segment means at this moment."""

    watch: Watch
    meaning: Meaning

    @property
    def definition(self) -> Definition | None:
        return self.meaning.definition

    def write(self, lookups: DatabaseLookups) -> Clause:
        """The condition of being in it."""
        if self.definition is None:
            return static_clause(self.segment_id)
        return _write(self.definition, self.segment_id, lookups, lookups.clock)

    @property
    def segment_id(self) -> int:
        return int(self.watch.segment_id)

    def is_due(self, contact_id: int) -> bool:
        """Whether it is for this step to say; who comes later in a sweep is looked at there."""
        return self.watch.stage == WatchStage.LIVE or contact_id <= self.watch.swept_to


def lock_watched(
    now: datetime | None = None,
    *,
    not_before: datetime | None = None,
    segment_id: int | None = None,
    waits: bool = True,
    known: Moment | None = None,
) -> tuple[list[Watched], Moment]:
    """The watches that are on and past their start, or one of them, locked in one order, so that nobody deadlocks.

    With the moment for which to ask about them: that at which they are locked, since whoever had them before asked
    earlier, unless it is given. A definition that is another one than the stays were made by begins a sweep; one that
    is broken by now is left out and says so at its watch. ``waits``: else what somebody else has is left to them.
    """
    locked = Watch.objects.select_for_update(skip_locked=not waits).filter(is_on=True).exclude(stage=WatchStage.NEW)
    if segment_id is not None:
        locked = locked.filter(pk=segment_id)
    ids = list(locked.order_by("pk").values_list("pk", flat=True))
    at = now or datetime.now(UTC)
    moment = Moment(at if not_before is None else max(at, not_before), known=known)
    return list(_read_each(ids, moment)), moment


def _read_each(ids: Collection[int], moment: Moment) -> Iterator[Watched]:
    for watch, meaning in _read_meanings(moment, pk__in=ids):
        if isinstance(meaning, Exception):
            _note_problem(watch, meaning)
            continue
        if meaning.fingerprint != watch.fingerprint:
            begin_sweep(watch, Cause.DEFINITION, moment, fingerprint=meaning.fingerprint)
        yield Watched(watch, meaning)


def read_watched(moment: Moment) -> list[tuple[Watch, Meaning | None]]:
    """All that are on and past their start, to look at without a lock; None where the definition is broken."""
    found = _read_meanings(moment, is_on=True, stage__in=[WatchStage.SWEEPING, WatchStage.LIVE])
    return [(watch, None if isinstance(meaning, Exception) else meaning) for watch, meaning in found]


def _read_meanings(moment: Moment, **chosen: Any) -> Iterator[tuple[Watch, Meaning | Broken]]:
    """The stamp is read first: what is saved after it is only read once more."""
    _meanings.keep(moment.stamp)
    for watch in Watch.objects.select_related("segment").filter(**chosen).order_by("pk"):
        try:
            yield watch, _meanings.read(watch.segment, moment)
        except (DefinitionRefused, DefinitionError) as error:
            yield watch, error


class _Meanings:
    """Definitions that were read before, while nothing was saved that could give them another meaning."""

    def __init__(self) -> None:
        self.stamp: object = None
        self.known: dict[int, Meaning] = {}

    def keep(self, stamp: object) -> None:
        if self.stamp != stamp:
            self.stamp, self.known = stamp, {}

    def read(self, segment: Segment, moment: Moment) -> Meaning:
        """Raises ``DefinitionRefused`` or ``DefinitionError``."""
        meaning = self.known.get(segment.pk)
        if meaning is None:
            meaning = self.known[segment.pk] = _read_meaning(segment, moment)
        return meaning


_meanings: Final = _Meanings()


def _read_meaning(segment: Segment, moment: Moment) -> Meaning:
    if segment.is_static:
        return Meaning(None, _digest(static_clause(segment.pk)))
    definition = read_definition(segment, moment.lookups)
    return Meaning(definition, _digest(_write(definition, segment.pk, moment.nobody, moment.clock_at(ANY_TIME))))


def _write(definition: Definition, segment_id: int, lookups: DatabaseLookups, clock: Clock) -> Clause:
    return compile_tree(definition, lookups.registry, clock, lookups, segment_id=segment_id, few=True)


def _digest(clause: Clause) -> str:
    return hashlib.sha256(repr((clause.text, clause.params)).encode()).hexdigest()


def _note_problem(watch: Watch, error: Broken) -> None:
    """Its stays are left as they are; once it is mended, everybody is looked at again."""
    text = " ".join(error.lines) if isinstance(error, DefinitionRefused) else error.message
    if (watch.problem, watch.fingerprint) != (text, ""):
        watch.problem, watch.fingerprint = text, ""
        watch.save(update_fields=["problem", "fingerprint"])


def begin_sweep(watch: Watch, cause: Cause, moment: Moment, *, fingerprint: str | None = None) -> None:
    """From now on all contacts are looked at, by id; the watch is locked. A first look that is under way stays one."""
    is_first = watch.since is None
    watch.sweep_cause = Cause.START if is_first else cause
    watch.stage, watch.swept_to, watch.clock_at, watch.problem = WatchStage.SWEEPING, 0, moment.now, ""
    watch.sweep_end = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if fingerprint is not None:
        watch.fingerprint = fingerprint
    watch.save()
