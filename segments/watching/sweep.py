"""Looks at all contacts, a chunk of ids at a time: the first time, and after the conditions changed."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection

from contacts.models import ContactState
from segments.models import Cause, WatchStage
from segments.watching.evaluate import ROWS
from segments.watching.moves import write_moves
from segments.watching.stays import add_sizes
from segments.watching.watched import Moment, Watched

__all__ = ["CHUNK", "sweep_chunk"]

CHUNK: Final = 20_000

_UPTO: Final = """
SELECT max(id) FROM (SELECT id FROM contacts_contact WHERE id > %s ORDER BY id LIMIT %s) AS chunk
"""
_NARROWED: Final = "{table} AS MATERIALIZED (SELECT * FROM {table} WHERE contact_id > %s AND contact_id <= %s)"
# One statement, one moment: nobody can be counted in by one half of it and out by the other.
_SWEEP: Final = """
WITH {narrowed}, member AS MATERIALIZED (
    SELECT c.id FROM contacts_contact c
    WHERE c.id > %s AND c.id <= %s AND c.state = {active} AND ({clause})
), was AS MATERIALIZED (
    SELECT s.contact_id, s.id FROM segments_stay s
    WHERE s.segment_id = %s AND s.contact_id > %s AND s.contact_id <= %s AND s.left_at IS NULL
), gone AS (
    UPDATE segments_stay s SET left_at = greatest(s.entered_at, %s), left_by = %s
    FROM was WHERE s.contact_id = was.contact_id AND s.id = was.id
    AND NOT EXISTS (SELECT FROM member WHERE member.id = was.contact_id) RETURNING s.contact_id
), come AS (
    INSERT INTO segments_stay (segment_id, contact_id, entered_at, entered_by, left_by)
    SELECT %s, member.id, %s, %s, '' FROM member
    WHERE NOT EXISTS (SELECT FROM was WHERE was.contact_id = member.id) ORDER BY member.id RETURNING contact_id
)
SELECT ARRAY(SELECT contact_id FROM come ORDER BY 1), ARRAY(SELECT contact_id FROM gone ORDER BY 1)
"""


def sweep_chunk(watched: Watched, moment: Moment) -> None:
    """The next chunk of a watch that is locked; after the last one it is live."""
    watch = watched.watch
    upto = _fetch_one(_UPTO, [watch.swept_to, CHUNK])[0]
    if upto is None:
        watch.stage = WatchStage.LIVE
        watch.since = watch.since or moment.now
        watch.save(update_fields=["stage", "since"])
        if watch.sweep_cause == Cause.START:
            add_sizes(moment, entered={watched.segment_id: 0}, left={}, is_told=False)
        return
    entered, left = _sweep(watched, upto, moment)
    watch.swept_to = upto
    watch.save(update_fields=["swept_to"])
    _note(watched, entered, left, moment)


def _sweep(watched: Watched, upto: int, moment: Moment) -> tuple[list[int], list[int]]:
    segment_id, after, cause = watched.segment_id, watched.watch.swept_to, watched.watch.sweep_cause
    text, given = watched.write(moment.lookups).over("c")
    narrowed = ", ".join(_NARROWED.format(table=table) for table in ROWS)
    ended_by = Cause.CHECK if cause == Cause.START else cause  # of a history that was switched off before
    came, went = _fetch_one(
        _SWEEP.format(narrowed=narrowed, active=ContactState.ACTIVE.value, clause=text),
        [
            *[after, upto] * len(ROWS),
            *(after, upto, *given),
            *(segment_id, after, upto),
            *(moment.now, str(ended_by)),
            *(segment_id, moment.now, str(cause)),
        ],
    )
    return came, went


def _note(watched: Watched, entered: list[int], left: list[int], moment: Moment) -> None:
    segment_id, cause = watched.segment_id, watched.watch.sweep_cause
    is_told = cause != Cause.START
    if entered or left:
        add_sizes(moment, entered={segment_id: len(entered)}, left={segment_id: len(left)}, is_told=is_told)
    if is_told:
        came = [(segment_id, contact_id, True, cause) for contact_id in entered]
        went = [(segment_id, contact_id, False, cause) for contact_id in left]
        write_moves([watched.watch], [*came, *went], at=moment.now)


def _fetch_one(sql: str, params: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
