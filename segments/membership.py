"""Who is in a segment: counted, listed, explained, added and removed.

A dynamic segment is a query: always right at the moment it is read. Only active contacts are ever members.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet, TextField
from django.utils import timezone
from psycopg.errors import QueryCanceled

from contacts.models import Contact, ContactState
from segments.catalogue import read_definition
from segments.conditions import compile_tree
from segments.conditions.compile import Compiler
from segments.conditions.describe import describe_condition
from segments.conditions.errors import DefinitionError, DefinitionRefused
from segments.conditions.lookups import DatabaseLookups, static_clause
from segments.conditions.matching import ContactSQL
from segments.conditions.sql import Clause
from segments.conditions.tree import Combine, Condition, Group, Node, Zone, conditions_of
from segments.errors import CountTookTooLong, SegmentIsNotStatic
from segments.models import Membership, Segment

__all__ = [
    "ConditionExplained",
    "GroupExplained",
    "MembershipExplained",
    "MembershipRow",
    "add_members",
    "clear_members",
    "count_members",
    "explain_member",
    "is_member",
    "join_members",
    "leave_segment",
    "list_members",
    "members",
    "put_back_members",
    "remove_members",
    "take_back_members",
]

COUNT_MILLISECONDS = 10_000
MAX_PAGE = 1_000


# Reading


def members(segment: Segment, *, lookups: DatabaseLookups | None = None) -> QuerySet[Contact]:
    """The contacts that are in the segment; raises ``DefinitionRefused`` if its conditions are broken by now.

    ``lookups`` may be shared by several questions of one moment.
    """
    clause = _clause_of(segment, lookups or DatabaseLookups())
    return Contact.objects.filter(ContactSQL(clause), state=ContactState.ACTIVE)


def count_members(
    segment: Segment, *, milliseconds: int = COUNT_MILLISECONDS, lookups: DatabaseLookups | None = None
) -> int:
    """How many are in it, exactly; raises ``CountTookTooLong`` after ``milliseconds``."""
    counted = members(segment, lookups=lookups)
    try:
        with _stopped_after(milliseconds):
            return counted.count()
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise CountTookTooLong(segment_id=segment.pk) from error
        raise


def list_members(segment: Segment, *, after: int = 0, limit: int = 100) -> list[Contact]:
    """A page of members by contact id: those after ``after``, at most ``limit`` (up to 1,000)."""
    return list(members(segment).filter(pk__gt=after).order_by("pk")[: min(limit, MAX_PAGE)])


def is_member(segment: Segment, contact_id: int) -> bool:
    """Whether this contact is in the segment now."""
    return members(segment).filter(pk=contact_id).exists()


def _clause_of(segment: Segment, lookups: DatabaseLookups) -> Clause:
    if segment.is_static:
        return static_clause(segment.pk)
    definition = read_definition(segment, lookups)
    try:
        return compile_tree(definition, lookups.registry, lookups.clock, lookups, segment_id=segment.pk or 0)
    except DefinitionError as error:
        raise DefinitionRefused([error]) from error


@contextmanager
def _stopped_after(milliseconds: int) -> Iterator[None]:
    """Statements of this thread's connection are stopped after so long; what held before holds again after."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (before,) = cursor.fetchone()
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield  # an error rolls the setting back with the savepoint
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])


# Explaining


@dataclass(frozen=True, slots=True)
class ConditionExplained:
    """One condition for one contact. ``actual`` is the contact's value, None where there is none."""

    path: str
    sentence: str
    negated: bool
    holds: bool
    actual: Any = None


@dataclass(frozen=True, slots=True)
class GroupExplained:
    """A group for one contact; ``holds`` has its negation in it."""

    path: str
    combine: Combine
    negated: bool
    holds: bool
    children: tuple[ConditionExplained | GroupExplained, ...]


@dataclass(frozen=True, slots=True)
class MembershipExplained:
    """Why a contact is in a segment or not.

    ``conditions`` and ``exclude`` are None for a static segment, and where there is no active contact, ``exclude`` too
    where nobody is excluded; ``added_at`` and ``added_by`` are those of a static membership.
    """

    is_member: bool
    is_active: bool
    conditions: ConditionExplained | GroupExplained | None = None
    exclude: ConditionExplained | GroupExplained | None = None
    added_at: datetime | None = None
    added_by: str = ""


def explain_member(segment: Segment, contact_id: int) -> MembershipExplained:
    """The segment's conditions, each with whether it holds for this contact: the same SQL that counts, leaf by leaf."""
    active = Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE)
    if segment.is_static:
        return _explain_static(segment, contact_id, active.exists())
    lookups = DatabaseLookups()
    definition = read_definition(segment, lookups)
    row = _ask_each(list(conditions_of(definition)), active, segment, lookups, definition.zone)
    if row is None:
        return MembershipExplained(is_member=False, is_active=False)
    answers = iter(row)
    match, *excludes = [_explain(node, answers, lookups) for node in definition.nodes]
    is_member = match.holds and not any(exclude.holds for exclude in excludes)
    return MembershipExplained(is_member, True, match, excludes[0] if excludes else None)


def _explain_static(segment: Segment, contact_id: int, is_active: bool) -> MembershipExplained:
    membership = Membership.objects.filter(contact_id=contact_id, segment=segment).first()
    if membership is None or not is_active:
        return MembershipExplained(is_member=False, is_active=is_active)
    return MembershipExplained(is_member=True, is_active=True, added_at=membership.added_at, added_by=membership.by)


def _ask_each(
    conditions: list[Condition], contact: QuerySet[Contact], segment: Segment, lookups: DatabaseLookups, zone: Zone
) -> list[tuple[bool, Any]] | None:
    """For each condition whether it holds, its negation left out, and the contact's value; None without a contact."""
    compiler = Compiler(lookups.registry, lookups.clock, lookups, segment_id=segment.pk)
    compiler.zone = zone
    asked: dict[str, ContactSQL] = {}
    for number, condition in enumerate(conditions):
        value = lookups.registry.fields[condition.field].value
        asked[f"holds_{number}"] = ContactSQL(compiler.compile_condition(condition))
        asked[f"value_{number}"] = ContactSQL(value, output_field=TextField())
    row = contact.annotate(**asked).values_list(*asked).first()
    return None if row is None else [(bool(row[i]), row[i + 1]) for i in range(0, len(row), 2)]


def _explain(
    node: Node, row: Iterator[tuple[bool, Any]], lookups: DatabaseLookups
) -> ConditionExplained | GroupExplained:
    if isinstance(node, Group):
        children = tuple(_explain(child, row, lookups) for child in node.children)
        holds = _combine(node.combine, [child.holds for child in children]) is not node.negated
        return GroupExplained(node.path, node.combine, node.negated, holds, children)
    found, actual = next(row)
    sentence = describe_condition(node, lookups.registry)
    return ConditionExplained(node.path, sentence, node.negated, found is not node.negated, actual)


def _combine(combine: Combine, holding: list[bool]) -> bool:
    match combine:
        case Combine.ALL:
            return all(holding)
        case Combine.ANY:
            return any(holding)
        case Combine.NONE:
            return not any(holding)


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
        return _insert(segment.pk, [MembershipRow(contact_id, timezone.now(), by) for contact_id in active])


def remove_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> int:
    """Takes contacts out of a static segment; the number that were in it. A merged one stands for its survivor."""
    return len(leave_segment(segment, contact_ids, by=by))


def leave_segment(segment: Segment, contact_ids: Sequence[int], *, by: str) -> list[MembershipRow]:
    """As ``remove_members``; the memberships as they were."""
    _refuse_unless_static(segment)
    return _delete(segment.pk, _follow_merges(contact_ids))


def take_back_members(segment: Segment, contact_ids: Sequence[int], *, by: str) -> list[int]:
    """Takes those out again whom ``by`` put in, and nobody else since; which contacts these were."""
    return [row.contact_id for row in _delete(segment.pk, _follow_merges(contact_ids), by=by)]


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
        return _insert(segment.pk, list(placed.values()))


def clear_members(segment: Segment, *, by: str) -> int:
    """Empties a static segment; the number that were in it."""
    _refuse_unless_static(segment)
    return Membership.objects.filter(segment=segment).delete()[0]


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


def _delete(segment_id: int, contact_ids: Sequence[int], *, by: str | None = None) -> list[MembershipRow]:
    """``by``: only those that this one put in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM segments_membership WHERE segment_id = %s AND contact_id = ANY(%s)"
            " AND (%s::text IS NULL OR by = %s) RETURNING contact_id, added_at, by, id",
            [segment_id, list(contact_ids), by, by],
        )
        return [MembershipRow(*row) for row in cursor.fetchall()]
