"""Writes what is different: stays begun and ended, sizes by day, and moves to be told. Under the watches' locks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from contacts.identity.load import array_of, text_array
from contacts.models import ContactState
from segments.models import Cause, Watch
from segments.watching.evaluate import Place, fetch
from segments.watching.moves import write_moves
from segments.watching.watched import Moment, Watched

__all__ = ["Because", "Difference", "add_sizes", "follow_merges", "forget_gone", "forget_stays", "write_difference"]

_ENTER: Final = """
INSERT INTO segments_stay (segment_id, contact_id, entered_at, entered_by, entered_ref, left_by)
SELECT new.segment_id, new.contact_id, %s, new.cause, nullif(new.ref, 0), ''
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS new (segment_id, contact_id, cause, ref)
ON CONFLICT (contact_id, segment_id) WHERE left_at IS NULL DO NOTHING
"""
_LEAVE: Final = """
UPDATE segments_stay s SET left_at = greatest(s.entered_at, %s), left_by = gone.cause, left_ref = nullif(gone.ref, 0)
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS gone (segment_id, contact_id, cause, ref)
WHERE s.contact_id = gone.contact_id AND s.segment_id = gone.segment_id AND s.left_at IS NULL
"""
_COUNT: Final = """
UPDATE segments_watch w SET size = w.size + n.entered - n.left
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n (segment_id, entered, "left")
WHERE w.segment_id = n.segment_id
"""
_COUNT_DAY: Final = """
INSERT INTO segments_segmentsize AS day (segment_id, day, size, entered, "left")
SELECT n.segment_id, %s, w.size, n.entered, n.left
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n (segment_id, entered, "left")
JOIN segments_watch w ON w.segment_id = n.segment_id
ON CONFLICT (segment_id, day) DO UPDATE
SET size = excluded.size, entered = day.entered + excluded.entered, "left" = day.left + excluded.left
"""
_JOURNAL: Final = """
SELECT k.contact_id, max(c.id) FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (contact_id, at)
JOIN contacts_change c ON c.contact_id = k.contact_id AND c.at = k.at GROUP BY k.contact_id
"""
# A tombstone names the last survivor; a stay that a merge brought comes back when the merge is taken back.
_MISPLACED: Final = """
WITH suspect AS (
    SELECT s.* FROM segments_stay s
    WHERE s.contact_id = ANY(%(ids)s::bigint[]) AND s.origin_id IS NOT NULL AND s.left_at IS NULL
    UNION ALL
    SELECT s.* FROM contacts_contact c JOIN segments_stay s ON s.contact_id = c.id
    WHERE c.id = ANY(%(ids)s::bigint[]) AND c.merged_into_id IS NOT NULL AND s.origin_id IS NULL AND s.left_at IS NULL
)
SELECT s.segment_id, s.id, s.contact_id, coalesce(o.merged_into_id, o.id) AS holder,
       EXISTS (SELECT FROM segments_stay t WHERE t.contact_id = coalesce(o.merged_into_id, o.id)
               AND t.segment_id = s.segment_id AND t.left_at IS NULL)
FROM suspect s JOIN contacts_contact o ON o.id = coalesce(s.origin_id, s.contact_id)
WHERE s.segment_id = ANY(%(segments)s::bigint[]) AND coalesce(o.merged_into_id, o.id) <> s.contact_id
ORDER BY s.entered_at, s.id
"""
_HAND_OVER: Final = """
UPDATE segments_stay s SET contact_id = k.holder, origin_id = nullif(coalesce(s.origin_id, s.contact_id), k.holder)
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS k (contact_id, id, holder)
WHERE s.contact_id = k.contact_id AND s.id = k.id
"""
_GONE: Final = f"""
SELECT u.id FROM unnest(%s::bigint[]) AS u (id) LEFT JOIN contacts_contact c ON c.id = u.id
WHERE c.id IS NULL OR c.state = {ContactState.ERASED.value}
"""
_FORGET: Final = """
DELETE FROM segments_stay WHERE contact_id = ANY(%s::bigint[]) RETURNING segment_id, left_at IS NULL
"""
_FORGET_MOVES: Final = "DELETE FROM segments_segmentmove WHERE contact_id = ANY(%s::bigint[])"


class Because(NamedTuple):
    """Why somebody entered or left, and the number of the journal's entry, where there is one."""

    cause: str
    ref: int | None = None


CHANGED: Final = Because(Cause.CONTACT)


@dataclass(slots=True)
class Difference:
    """What a step found: who entered and who left which segment; why, by contact, or ``otherwise``."""

    entered: Collection[Place] = ()
    left: Collection[Place] = ()
    otherwise: Because = CHANGED
    because: Mapping[int, Because] = field(default_factory=dict)

    def reason(self, place: Place) -> Because:
        return self.because.get(place[1], self.otherwise)


def write_difference(difference: Difference, watched: Sequence[Watched], moment: Moment) -> None:
    """Stays, sizes and moves of one step."""
    entered, left = sorted(difference.entered), sorted(difference.left)
    if not entered and not left:
        return
    with connection.cursor() as cursor:
        for sql, places in ((_LEAVE, left), (_ENTER, entered)):
            if places:
                cursor.execute(sql, _columns(places, difference, moment.now))
    add_sizes(moment, entered=Counter(place[0] for place in entered), left=Counter(place[0] for place in left))
    write_moves(
        [one.watch for one in watched],
        [(*place, True, difference.reason(place).cause) for place in entered]
        + [(*place, False, difference.reason(place).cause) for place in left],
        at=moment.now,
    )


def _columns(places: Sequence[Place], difference: Difference, at: datetime) -> list[Any]:
    reasons = [difference.reason(place) for place in places]
    return [
        at,
        array_of(segment_id for segment_id, _ in places),
        array_of(contact_id for _, contact_id in places),
        text_array(str(reason.cause) for reason in reasons),
        array_of(reason.ref or 0 for reason in reasons),
    ]


def add_sizes(moment: Moment, *, entered: Mapping[int, int], left: Mapping[int, int], is_told: bool = True) -> None:
    """Count them; ``is_told``: they came or went today, and are not just found to be in or out."""
    segment_ids = sorted({*entered, *left})
    came, went = ([side.get(segment_id, 0) for segment_id in segment_ids] for side in (entered, left))
    today = moment.clock_at(moment.now).today
    shown = (came, went) if is_told else ([0] * len(came), [0] * len(went))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [segment_ids, came, went])
        cursor.execute(_COUNT_DAY, [today, segment_ids, *shown])


def find_journal(moments: Mapping[int, datetime]) -> dict[int, int]:
    """By contact the number of the journal's entry that was written at this moment."""
    return dict(fetch(_JOURNAL, [list(moments), list(moments.values())])) if moments else {}


# Merges, and taking them back


def follow_merges(contact_ids: Collection[int], watched: Sequence[Watched], moment: Moment) -> set[int]:
    """Hands open stays to whom their contacts belong by now; who has to be looked at because of that.

    Where the survivor is in already, the other's stay ends: they were two, and are one.
    """
    asked = {"ids": array_of(contact_ids), "segments": array_of(one.segment_id for one in watched)}
    handed: list[tuple[int, int, int]] = []
    ended: list[Place] = []
    taken: set[Place] = set()
    holders: set[int] = set()
    for segment_id, stay_id, contact_id, holder, is_in in fetch(_MISPLACED, asked):
        holders |= {contact_id, holder}
        if is_in or (segment_id, holder) in taken:
            ended.append((segment_id, contact_id))
        else:
            taken.add((segment_id, holder))
            handed.append((contact_id, stay_id, holder))
    _end_merged(ended, moment)
    if handed:
        with connection.cursor() as cursor:
            cursor.execute(_HAND_OVER, [list(column) for column in zip(*handed, strict=True)])
    return holders


def _end_merged(places: Sequence[Place], moment: Moment) -> None:
    """Nobody is told: who stands for them is in."""
    if not places:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, _columns(places, Difference(otherwise=Because(Cause.MERGE)), moment.now))
    add_sizes(moment, entered={}, left=Counter(place[0] for place in places), is_told=False)


# Erasing


def forget_gone(contact_ids: Collection[int], moment: Moment) -> None:
    """Of contacts that were erased, or went with an import that was taken back, nothing is kept."""
    gone = [row[0] for row in fetch(_GONE, [array_of(contact_ids)])]
    if gone:
        forget_stays(gone, moment=moment)


def forget_stays(contact_ids: Collection[int], *, moment: Moment | None = None) -> None:
    """Removes every trace of these contacts, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_MOVES, [array_of(contact_ids)])
    forgotten = fetch(_FORGET, [array_of(contact_ids)])
    left = Counter(segment_id for segment_id, was_open in forgotten if was_open)
    if left:
        # In the order in which steps lock them.
        list(Watch.objects.select_for_update().filter(pk__in=left).order_by("pk").values_list("pk"))
        add_sizes(moment or Moment(datetime.now(UTC)), entered={}, left=left, is_told=False)
