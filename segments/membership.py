"""Who is in a segment: counted, listed, added and removed.

A dynamic segment is a query: always right at the moment it is read. Only active contacts are ever members.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from contacts import populations
from contacts.models import Contact, ContactState
from segments.catalogue import read_definition
from segments.conditions import compile_tree
from segments.conditions.errors import DefinitionError, DefinitionRefused
from segments.conditions.lookups import DatabaseLookups, static_clause
from segments.conditions.matching import ContactSQL
from segments.conditions.sql import Clause
from segments.errors import CountTookTooLong, SegmentIsNotStatic
from segments.limits import stopped_after
from segments.models import Segment

__all__ = [
    "MembershipRow",
    "add_members",
    "clear_members",
    "compile_segment",
    "count_members",
    "is_member",
    "join_members",
    "leave_segment",
    "list_members",
    "members",
    "put_back_members",
    "remove_members",
    "take_back_members",
    "tell_changed",
]

COUNT_MILLISECONDS = 10_000
MAX_PAGE = 1_000

TOLD_AT_ONCE: Final = 100_000


# Reading


def members(segment: Segment, *, lookups: DatabaseLookups | None = None) -> QuerySet[Contact]:
    """The contacts that are in the segment; raises ``DefinitionRefused`` if its conditions are broken by now.

    ``lookups`` may be shared by several questions of one moment.
    """
    clause = compile_segment(segment, lookups or DatabaseLookups())
    return Contact.objects.filter(ContactSQL(clause), state=ContactState.ACTIVE)


def count_members(
    segment: Segment, *, milliseconds: int = COUNT_MILLISECONDS, lookups: DatabaseLookups | None = None
) -> int:
    """How many are in it, exactly; raises ``CountTookTooLong`` after ``milliseconds``."""
    counted = members(segment, lookups=lookups)
    with stopped_after(milliseconds, CountTookTooLong):
        return counted.count()


def list_members(segment: Segment, *, after: int = 0, limit: int = 100) -> list[Contact]:
    """A page of members by contact id: those after ``after``, at most ``limit`` (up to 1,000)."""
    return list(members(segment).filter(pk__gt=after).order_by("pk")[: min(limit, MAX_PAGE)])


def is_member(segment: Segment, contact_id: int) -> bool:
    """Whether this contact is in the segment now."""
    clause = compile_segment(segment, DatabaseLookups(), few=True)
    return Contact.objects.filter(ContactSQL(clause), pk=contact_id, state=ContactState.ACTIVE).exists()


def compile_segment(segment: Segment, lookups: DatabaseLookups, *, few: bool = False) -> Clause:
    """The condition of being in the segment, ``few``: to be asked of some contacts only.

    Raises ``DefinitionRefused``.
    """
    if segment.is_static:
        return static_clause(segment.pk)
    definition = read_definition(segment, lookups)
    try:
        return compile_tree(definition, lookups.registry, lookups.clock, lookups, segment_id=segment.pk or 0, few=few)
    except DefinitionError as error:
        raise DefinitionRefused([error]) from error


# Adding and removing


class MembershipRow(NamedTuple):
    """A static membership as it stood."""

    contact_id: int
    added_at: datetime
    by: str
    id: int | None = None


def add_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> int:
    """Puts contacts into a static segment; the number that are new in it. A merged one stands for its survivor."""
    return len(join_members(segment, contact_ids, by=by))


def join_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> list[int]:
    """As ``add_members``; which contacts are new in it."""
    _refuse_unless_static(segment)
    with transaction.atomic():
        active = _lock_active(contact_ids)
        joined = _insert(segment.pk, [MembershipRow(contact_id, timezone.now(), by) for contact_id in active])
        tell_changed(joined)
    return joined


def remove_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> int:
    """Takes contacts out of a static segment; the number that were in it. A merged one stands for its survivor."""
    return len(leave_segment(segment, contact_ids, by=by))


def leave_segment(segment: Segment, contact_ids: Sequence[int], *, by: str) -> list[MembershipRow]:
    """As ``remove_members``; the memberships as they were."""
    _refuse_unless_static(segment)
    return _take_out(segment.pk, _follow_merges(contact_ids))


def take_back_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> list[int]:
    """Takes those out again whom ``by`` put in, and nobody else since; which contacts these were."""
    return [row.contact_id for row in _take_out(segment.pk, _follow_merges(contact_ids), by=by)]


def put_back_members(segment: Segment, rows: Sequence[MembershipRow]) -> list[int]:
    """Puts memberships back as they were; which contacts came in again. A merged one stands for its survivor."""
    survivor_of = _survivors([row.contact_id for row in rows])
    with transaction.atomic():
        active = set(_lock_active(sorted(set(survivor_of.values()))))
        placed = {
            survivor_of[row.contact_id]: row._replace(contact_id=survivor_of[row.contact_id])
            for row in rows
            if survivor_of.get(row.contact_id) in active
        }
        joined = _insert(segment.pk, list(placed.values()))
        tell_changed(joined)
    return joined


def clear_members(segment: Segment, *, by: str) -> int:
    """Empties a static segment; the number that were in it."""
    _refuse_unless_static(segment)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM segments_membership WHERE segment_id = %s RETURNING contact_id", [segment.pk])
        gone = [row[0] for row in cursor.fetchall()]
        tell_changed(gone)
    return len(gone)


def _refuse_unless_static(segment: Segment) -> None:
    if not segment.is_static:
        raise SegmentIsNotStatic(segment_id=segment.pk)


def _follow_merges(contact_ids: Sequence[int]) -> list[int]:
    """These contacts, with survivors in place of merged ones (a tombstone names the last survivor)."""
    return sorted(set(_survivors(contact_ids).values()))


def _survivors(contact_ids: Sequence[int]) -> dict[int, int]:
    rows = Contact.objects.filter(pk__in=list(contact_ids)).values_list("pk", "merged_into")
    return {pk: survivor or pk for pk, survivor in rows}


def _lock_active(contact_ids: Sequence[int]) -> list[int]:
    """The active contacts among these, locked for share in id order.

    Closes the race with a merge that runs meanwhile: the membership would stay behind on its loser. Whoever was merged
    while we waited is followed once more, at most 3 times.
    """
    locked: set[int] = set()
    waiting = set(contact_ids)
    for _round in range(3):
        survivors = _follow_merges(sorted(waiting)) if waiting else []
        found = _lock(survivors)
        locked.update(found)
        waiting = set(survivors) - set(found)
        if not waiting:
            break
    return sorted(locked)


def _lock(contact_ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM contacts_contact WHERE id = ANY(%s) AND state = %s ORDER BY id FOR SHARE",
            [contact_ids, ContactState.ACTIVE.value],
        )
        return [row[0] for row in cursor.fetchall()]


def _insert(segment_id: int, rows: Sequence[MembershipRow]) -> list[int]:
    """A row that comes back has the id it had, by which a merge that moved it finds it again."""
    contact_ids, moments, names, ids = zip(*rows, strict=True) if rows else ((), (), (), ())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segments_membership (id, contact_id, segment_id, added_at, by)"
            " SELECT coalesce(id, nextval(pg_get_serial_sequence('segments_membership', 'id'))), contact_id, %s,"
            " added_at, by FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::bigint[])"
            " AS new (contact_id, added_at, by, id) ON CONFLICT (contact_id, segment_id) DO NOTHING"
            " RETURNING contact_id",
            [segment_id, list(contact_ids), list(moments), list(names), list(ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def _take_out(segment_id: int, contact_ids: Sequence[int], *, by: str | None = None) -> list[MembershipRow]:
    with transaction.atomic():
        gone = _delete(segment_id, contact_ids, by=by)
        tell_changed([row.contact_id for row in gone])
    return gone


def tell_changed(contact_ids: Sequence[int]) -> None:
    """What these contacts are in has changed; inside the transaction that did it."""
    for start in range(0, len(contact_ids), TOLD_AT_ONCE):
        told = list(contact_ids[start : start + TOLD_AT_ONCE])
        populations.contacts_changed.send(sender=None, contact_ids=told, at=timezone.now(), what="list")


def _delete(segment_id: int, contact_ids: Sequence[int], *, by: str | None = None) -> list[MembershipRow]:
    """``by``: only those that this one put in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM segments_membership WHERE segment_id = %s AND contact_id = ANY(%s)"
            " AND (%s::text IS NULL OR by = %s) RETURNING contact_id, added_at, by, id",
            [segment_id, list(contact_ids), by, by],
        )
        return [MembershipRow(*row) for row in cursor.fetchall()]
