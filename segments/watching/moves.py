"""Moves: that somebody entered or left a segment which tells of it, in the order of their numbers.

Webhooks read them as a source of their own; events are recorded from them by a job, a little later and once each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from contacts.activity import note_events
from contacts.activity.places import FOR_SHARE, lock_contacts
from contacts.identity.load import array_of, lock_values, open_cursor
from contacts.webhooks import Happening
from contacts.webhooks.bell import ring
from contacts.webhooks.sources import Reading
from segments.models import Cause, Segment, Watch
from segments.watching.evaluate import fetch

__all__ = ["ENTERED", "KINDS", "LEFT", "SegmentMoves", "forget_old_moves", "record_due_events", "write_moves"]

ENTERED: Final = "segment.entered"
LEFT: Final = "segment.left"
KINDS: Final[Mapping[str, Any]] = {ENTERED: _("entered a segment"), LEFT: _("left a segment")}
EVENT_TYPES: Final = {True: "segmentEntered", False: "segmentLeft"}
EVENT_SOURCE: Final = "segment"
KEPT: Final = timedelta(days=30)
ROWS: Final = 500
UNTOLD: Final = frozenset({Cause.START})
"""They were in before anybody kept their history."""

LOCK_SPACE: Final = 0x0CA3
GATE: Final = 1
_PASS_GATE: Final = f"SELECT pg_advisory_xact_lock_shared({LOCK_SPACE}, {GATE})"
_CLOSE_GATE: Final = f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {GATE})"
_WAITS: Final = "SET LOCAL lock_timeout = '200ms'"
_LAST: Final = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM segments_segmentmove_id_seq"

_WRITE: Final = """
INSERT INTO segments_segmentmove (segment_id, contact_id, has_entered, at, cause, for_webhooks, event_is_due)
SELECT new.segment_id, new.contact_id, new.has_entered, %s, new.cause, new.for_webhooks, new.event_is_due
FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[], %s::text[], %s::boolean[], %s::boolean[])
    WITH ORDINALITY AS new (segment_id, contact_id, has_entered, cause, for_webhooks, event_is_due, place)
ORDER BY new.place
"""
_ROW: Final = "SELECT m.id, m.segment_id, m.contact_id, m.has_entered, m.at, m.cause FROM segments_segmentmove m"
_READ: Final = f"""
{_ROW} WHERE m.id > %s AND m.id <= %s AND m.for_webhooks ORDER BY m.id LIMIT {ROWS}
"""
_FIND: Final = f"""
{_ROW} JOIN unnest(%s::bigint[], %s::bigint[]) AS k (contact_id, id) ON k.contact_id = m.contact_id AND k.id = m.id
ORDER BY m.id
"""
_DUE: Final = f"""
{_ROW} WHERE m.event_is_due ORDER BY m.id LIMIT {ROWS} FOR UPDATE SKIP LOCKED
"""
_DONE: Final = """
UPDATE segments_segmentmove m SET event_is_due = false
FROM unnest(%s::bigint[], %s::bigint[]) AS k (contact_id, id) WHERE m.contact_id = k.contact_id AND m.id = k.id
"""
_OLD: Final = """
DELETE FROM segments_segmentmove WHERE id IN (
    SELECT id FROM segments_segmentmove WHERE at < %s AND NOT event_is_due ORDER BY id LIMIT 10000
)
"""

Move = tuple[int, int, bool, str]
"""Segment, contact, whether it entered, and the cause."""


def write_moves(watches: Sequence[Watch], moves: Sequence[Move], *, at: datetime) -> None:
    """Keep those that are to be told, in the transaction that moved them."""
    tells = {watch.segment_id: watch for watch in watches if watch.tells_webhooks or watch.records_events}
    told = [move for move in moves if move[0] in tells and move[3] not in UNTOLD]
    if not told:
        return
    columns: list[list[Any]] = [list(column) for column in zip(*told, strict=True)]
    columns[3] = [str(cause) for cause in columns[3]]
    with connection.cursor() as cursor:
        cursor.execute(_PASS_GATE)
        cursor.execute(
            _WRITE,
            [
                at,
                *columns,
                [tells[move[0]].tells_webhooks for move in told],
                [tells[move[0]].records_events for move in told],
            ],
        )
    if any(watch.tells_webhooks for watch in tells.values()):
        transaction.on_commit(ring, robust=True)


# Webhooks


class SegmentMoves:
    """Who entered and who left, as webhooks ask for it."""

    name = "segments"
    kinds: Mapping[str, Any] = KINDS

    def settled(self) -> int | None:
        """Whoever writes moves has passed a gate; behind the closed one no number is out whose move is not there."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_WAITS)
                cursor.execute(_CLOSE_GATE)
                return self.last()
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                return None
            raise

    def last(self) -> int:
        return int(fetch(_LAST, [])[0][0])

    def read(self, *, after: int, upto: int) -> Reading:
        rows = fetch(_READ, [after, upto])
        return Reading(_tell(rows), rows[-1][0] if len(rows) == ROWS else upto)

    def find(self, places: Sequence[tuple[int, int]]) -> Sequence[Happening]:
        contact_ids, numbers = (array_of(side) for side in zip(*places, strict=True))
        return _tell(fetch(_FIND, [contact_ids, numbers]))


def _tell(rows: Sequence[tuple[Any, ...]]) -> list[Happening]:
    names = _names_of(row[1] for row in rows)
    return [
        Happening(
            number,
            ENTERED if has_entered else LEFT,
            contact_id,
            at,
            details={"segment": {"id": segment_id, "name": names.get(segment_id)}, "cause": cause},
        )
        for number, segment_id, contact_id, has_entered, at, cause in rows
    ]


def _names_of(segment_ids: Any) -> dict[int, str]:
    return dict(Segment.objects.filter(pk__in=set(segment_ids)).values_list("pk", "name"))


# Events


def record_due_events() -> bool:
    """Record the events of some moves on their contacts, once each; whether there may be more."""
    with transaction.atomic():
        rows = fetch(_DUE, [])
        if not rows:
            return False
        cursor = open_cursor()
        lock_values(cursor, ())  # events are written behind the gate, so that it can be said which are all there
        holder_of = lock_contacts(cursor, {row[2] for row in rows}, lock=FOR_SHARE)
        names = _names_of(row[1] for row in rows)
        together: dict[tuple[int, bool, datetime], list[int]] = defaultdict(list)
        for _number, segment_id, contact_id, has_entered, at, _cause in rows:
            holder = holder_of.get(contact_id)
            if holder is not None:
                together[segment_id, has_entered, at].append(holder)
        for (segment_id, has_entered, at), contact_ids in together.items():
            params = {"segmentId": segment_id, "segment": names.get(segment_id, "")}
            key = f"segment:{segment_id}"
            note_events(contact_ids, EVENT_TYPES[has_entered], key=key, source=EVENT_SOURCE, at=at, params=params)
        cursor.execute(_DONE, [array_of(row[2] for row in rows), array_of(row[0] for row in rows)])
        cursor.close()
    return True


def forget_old_moves() -> None:
    """What is older than some weeks is told nobody any more."""
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [timezone.now() - KEPT])
        while cursor.rowcount:
            cursor.execute(_OLD, [timezone.now() - KEPT])
