"""Moves the stays on: what changed, what the clock did, and the contacts that are still to be looked at first.

Every verb is a transaction of its own, does a bounded piece of work, and may be run by several workers at once, again
and again: the notes it took and the stays it wrote are committed together. Contacts are asked about only behind the
lock of the watch, so no answer is older than what stands there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import transaction

from contacts.identity.load import open_cursor
from segments.models import Cause, Watch, WatchStage
from segments.watching.evaluate import fetch, find_members, find_open_stays
from segments.watching.moves import record_due_events
from segments.watching.notes import KNOWN_FOR, Note, take_notes
from segments.watching.stays import Because, Difference, find_journal, follow_merges, forget_gone, write_difference
from segments.watching.sweep import sweep_chunk
from segments.watching.watched import Meaning, Moment, Watched, begin_sweep, lock_watched, read_watched
from segments.watching.windows import find_struck, is_concerned

__all__ = ["advance", "follow_clock", "follow_clocks", "move_changed", "start_new"]

CONTACTS: Final = 5_000
"""In a turn."""
STRUCK_AT_MOST: Final = 20_000
"""Of more than these contacts all are looked at, chunk by chunk."""
SLACK: Final = timedelta(seconds=1)
SKEW: Final = timedelta(seconds=30)

_UNDER_WAY: Final = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'transactionid' AND a.datname = current_database() AND l.pid <> pg_backend_pid()
"""
"""Transactions that wrote something."""


def advance(*, now: datetime | None = None, seconds: float = 20.0, with_clock: bool = True) -> bool:
    """Whatever is due, for about so long; whether there is more. ``now`` is for tests and measurements."""
    ends_at = monotonic() + seconds
    start_new(now=now)
    has_more = move_changed(now=now) > 0
    while has_more and monotonic() < ends_at:
        has_more = move_changed(now=now) > 0
    if with_clock:
        follow_clocks(now=now)
    has_more = True
    while has_more and monotonic() < ends_at:
        has_more = any([move_changed(now=now) > 0, sweep_next(now=now), record_due_events()])  # each has its turn
    return has_more or Watch.objects.filter(is_on=True, stage=WatchStage.NEW).exists()


def list_watched(**chosen: Any) -> list[int]:
    return list(Watch.objects.filter(is_on=True, **chosen).order_by("pk").values_list("pk", flat=True))


# A new watch


def start_new(*, now: datetime | None = None, waits: bool = True) -> None:
    """Begin with new watches once every process knows of them.

    A process may believe for some seconds that nobody watches. 1. Those seconds pass; 2. the transactions that were
    under way by then end. Whoever changed something unnoticed has committed it by then, and the first look sees it.
    """
    with transaction.atomic():
        new = Watch.objects.select_for_update(of=("self",), skip_locked=True).select_related("segment")
        for watch in new.filter(is_on=True, stage=WatchStage.NEW).order_by("pk"):
            moment = Moment(now or datetime.now(UTC))
            if not waits or _is_known_to_all(watch, moment.now):
                begin_sweep(watch, Cause.START, moment, fingerprint="")


def _is_known_to_all(watch: Watch, now: datetime) -> bool:
    if watch.ready_at is None:
        watch.ready_at = now + timedelta(seconds=KNOWN_FOR) + SLACK
    elif watch.waits_for is None and now >= watch.ready_at:
        watch.waits_for = [row[0] for row in fetch(_UNDER_WAY, [])]
    elif watch.waits_for is not None:
        return not {row[0] for row in fetch(_UNDER_WAY, [])}.intersection(watch.waits_for)
    watch.save(update_fields=["ready_at", "waits_for"])
    return False


# What changed


def move_changed(*, now: datetime | None = None) -> int:
    """Look again at some of the contacts that something happened to; how many these were."""
    with transaction.atomic():
        cursor = open_cursor()
        notes = take_notes(cursor, contacts=CONTACTS)
        cursor.close()
        if notes:
            watched, moment = lock_watched(now, not_before=_last_of(notes, now or datetime.now(UTC)))
            move_contacts(notes, watched, moment)
    return len(notes)


def _last_of(notes: Mapping[int, Note], now: datetime) -> datetime:
    """What another machine's clock calls now is not to come, even if ours is a little behind."""
    return min(max(note.at for note in notes.values()), now + SKEW)


def move_contacts(notes: Mapping[int, Note], watched: Sequence[Watched], moment: Moment) -> None:
    """1. Forget who is gone; 2. follow merges; 3. ask who is in what; 4. write what is different, and why."""
    forget_gone(notes, moment)
    if not watched:
        return
    contact_ids = {*notes, *follow_merges(notes, watched, moment)}
    difference = find_difference(contact_ids, watched, moment)
    movers = {contact_id for _, contact_id in (*difference.entered, *difference.left)}
    difference.because = _reasons({mover: notes[mover] for mover in movers if mover in notes})
    write_difference(difference, watched, moment)


def find_difference(contact_ids: Collection[int], watched: Sequence[Watched], moment: Moment) -> Difference:
    members = find_members(watched, contact_ids, moment)
    open_stays = find_open_stays(watched, contact_ids)
    by_id = {one.segment_id: one for one in watched}
    entered, left = (
        [place for place in places if by_id[place[0]].is_due(place[1])]
        for places in (members - open_stays, open_stays - members)
    )
    return Difference(entered, left)


def _reasons(notes: Mapping[int, Note]) -> dict[int, Because]:
    journal = find_journal({contact_id: note.at for contact_id, note in notes.items() if note.what == Cause.CONTACT})
    return {contact_id: Because(note.what, journal.get(contact_id)) for contact_id, note in notes.items()}


# The clock


def follow_clocks(*, now: datetime | None = None) -> None:
    """The clock of every watch, each in a transaction of its own."""
    known = Moment(now or datetime.now(UTC))
    for watch, meaning in read_watched(known):
        if _is_due(watch, meaning, known):
            follow_clock(watch.segment_id, now=now, known=known)


def _is_due(watch: Watch, meaning: Meaning | None, moment: Moment) -> bool:
    """Whether the watch has to be locked at all: most segments ask nothing of the clock."""
    if meaning is None:
        return bool(watch.fingerprint)
    if meaning.fingerprint != watch.fingerprint:
        return True
    if meaning.definition is None or watch.clock_at is None:
        return False
    return is_concerned(meaning.definition, moment, since=watch.clock_at)


def follow_clock(segment_id: int, *, now: datetime | None = None, known: Moment | None = None) -> int:
    """Look again at the contacts for whom a clock in the conditions struck; how many these were."""
    with transaction.atomic():
        watched, moment = lock_watched(now, segment_id=segment_id, waits=False, known=known)
        return _follow_clock(watched[0], moment) if watched else 0


def _follow_clock(watched: Watched, moment: Moment) -> int:
    watch = watched.watch
    if watch.clock_at is None or watch.clock_at >= moment.now or watched.definition is None:
        return 0
    struck = find_struck(watched.definition, moment, since=watch.clock_at, at_most=STRUCK_AT_MOST)
    if struck is None:
        return 0
    if len(struck) > STRUCK_AT_MOST:
        begin_sweep(watch, Cause.CLOCK, moment)
        return len(struck)
    watch.clock_at = moment.now
    watch.save(update_fields=["clock_at"])
    if struck:
        difference = find_difference(struck, [watched], moment)
        difference.otherwise = Because(Cause.CLOCK)
        write_difference(difference, [watched], moment)
    return len(struck)


# Everybody


def sweep_next(*, now: datetime | None = None) -> bool:
    """Look at the next chunk of contacts for each watch that needs it; whether there was one."""
    swept = False
    known = Moment(now or datetime.now(UTC))
    for segment_id in list_watched(stage=WatchStage.SWEEPING):
        with transaction.atomic():
            locked, moment = lock_watched(now, segment_id=segment_id, waits=False, known=known)
            for watched in locked:
                if watched.watch.stage == WatchStage.SWEEPING:
                    sweep_chunk(watched, moment)
                    swept = True
    return swept
