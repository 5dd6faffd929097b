"""Notes who is to be looked at again, in the transaction of what happened.

While no segment is watched that is a comparison a transaction. Else it is one statement for each thousand contacts, and
a nudge to the queue once it is committed: at once when it was quiet, and at most one more a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction

from contacts.identity.load import array_of, open_cursor
from crm.nudges import Turns, enqueue_once
from segments.models import Cause, Watch

__all__ = ["KNOWN_FOR", "Note", "enqueue_upkeep", "forget_watched", "note_changed", "take_notes"]

KNOWN_FOR: Final = 5.0
"""Seconds after which a process asks again whether a segment is watched; a new watch waits as long for its start."""
CONTACTS: Final = 1_000
"""In one note."""

_NOTE: Final = "INSERT INTO segments_changedcontacts (contact_ids, at, what) VALUES (%s::bigint[], %s, %s)"
# Whoever is quicker has them; the sum makes a turn of a few thousand contacts out of small notes and large ones.
_TAKE: Final = """
DELETE FROM segments_changedcontacts WHERE id IN (
    SELECT id FROM (
        SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM (
            SELECT id, cardinality(contact_ids) AS size FROM segments_changedcontacts
            ORDER BY id LIMIT 2000 FOR UPDATE SKIP LOCKED
        ) AS free
    ) AS summed WHERE before < %s
) RETURNING contact_ids, at, what
"""


class Note(NamedTuple):
    """What happened to a contact last."""

    at: datetime
    what: str


class _Known:
    """What this process knows: whether a segment is watched, and whose turn it is to nudge."""

    def __init__(self) -> None:
        self.is_watching = False
        self.known_until = 0.0
        self.turns = Turns()

    def ask(self) -> bool:
        now = monotonic()
        if now >= self.known_until:
            self.is_watching = Watch.objects.filter(is_on=True).exists()
            self.known_until = now + KNOWN_FOR
        return self.is_watching


_known: Final = _Known()


def forget_watched() -> None:
    """A watch was saved here: ask again, and nudge without delay."""
    _known.known_until = 0.0
    _known.turns.start_anew()


def note_changed(*, contact_ids: Sequence[int], at: datetime, what: str = Cause.CONTACT, **_: Any) -> None:
    """These contacts are to be looked at again, once the caller's transaction is committed; ``what`` is a cause."""
    if not _known.ask():
        return
    cursor = open_cursor()
    for start in range(0, len(contact_ids), CONTACTS):
        cursor.execute(_NOTE, (array_of(contact_ids[start : start + CONTACTS]), at, str(what)))
    cursor.close()
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    seconds = _known.turns.take()
    if seconds is not None:
        enqueue_upkeep(seconds=seconds)


def enqueue_upkeep(*, seconds: float = 0) -> None:
    """One job that is to come, and one that is to come later."""
    from segments.watching.jobs import move_on_job

    enqueue_once(move_on_job, move_on_job.name, seconds=seconds)


def take_notes(cursor: psycopg.Cursor[Any], *, contacts: int) -> Mapping[int, Note]:
    """Takes notes of about so many contacts away, in the caller's transaction; by contact the last of its notes.

    Of what happened at the same moment a change of the contact itself says most: it stands in the journal.
    """
    cursor.execute(_TAKE, (contacts,))
    taken = sorted(cursor.fetchall(), key=lambda row: (row[1], row[2] == Cause.CONTACT))
    return {contact_id: Note(at, what) for contact_ids, at, what in taken for contact_id in contact_ids}
