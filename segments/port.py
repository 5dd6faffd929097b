"""Segments as the populations that contacts ask for (``contacts.populations``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.columns import Column
from contacts.models import Contact
from contacts.populations import Places, Population, PopulationMove
from segments.catalogue import find_asking, find_broken, rename_values, save_segment
from segments.membership import (
    MembershipRow,
    add_members,
    join_members,
    leave_segment,
    members,
    put_back_members,
    remove_members,
    take_back_members,
)
from segments.models import Membership, Segment, SegmentType
from segments.places import find_places
from segments.watching import forget_stays

__all__ = ["SegmentPopulations"]

TABLE: Final = "segments_membership"
OFFERED_AT_MOST: Final = 500


class SegmentPopulations:
    """Fills the port: a population is a segment; merges and erasure concern static memberships alone."""

    def members(self, population: int) -> QuerySet[Contact]:
        """The active contacts in the segment; raises ``Segment.DoesNotExist``."""
        return members(Segment.objects.get(pk=population))

    def listed(self) -> list[tuple[int, str]]:
        """The static segments."""
        return list(Segment.objects.filter(type=SegmentType.STATIC).order_by("name", "pk").values_list("pk", "name"))

    def offered(self) -> list[tuple[int, str]]:
        """Segments of any type, the first 500 by name."""
        return list(Segment.objects.order_by("name", "pk").values_list("pk", "name")[:OFFERED_AT_MOST])

    def names(self, populations: Iterable[int]) -> dict[int, str]:
        """Segments of any type."""
        return dict(Segment.objects.filter(pk__in=set(populations)).values_list("pk", "name"))

    def described(self) -> Iterable[dict[str, Any]]:
        """Segments of any type."""
        columns = ("id", "name", "type", "description", "created_at", "updated_at")
        return Segment.objects.order_by("pk").values(*columns)

    def find(self, population: int | str) -> int | None:
        """A segment of any type."""
        if isinstance(population, int):
            return Segment.objects.filter(pk=population).values_list("pk", flat=True).first()
        segment = _find(population)
        return None if segment is None else segment.pk

    def add(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        """Adds to a static segment; one that is named and does not exist is made."""
        segment = _find(population)
        if segment is None:
            segment = save_segment(Segment(name=str(population).strip(), type=SegmentType.STATIC))
        return add_members(segment, contact_ids, by=by)

    def remove(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        """Removes from a static segment; from one that is named and does not exist, nobody."""
        segment = _find(population)
        return 0 if segment is None else remove_members(segment, contact_ids, by=by)

    def join(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        """Adds to a static segment; who is new in it."""
        return join_members(Segment.objects.get(pk=population), contact_ids, by=by)

    def leave(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[dict[str, Any]]:
        """Removes from a static segment; the memberships as they were."""
        rows = leave_segment(Segment.objects.get(pk=population), contact_ids, by=by)
        return [{**row._asdict(), "added_at": row.added_at.isoformat()} for row in rows]

    def take_back(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        """Removes whom ``by`` had added; nobody where the segment is gone."""
        segment = Segment.objects.filter(pk=population).first()
        return [] if segment is None else take_back_members(segment, contact_ids, by=by)

    def put_back(self, population: int, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Puts back what ``leave`` gave; nobody where the segment is gone, or is no list any more."""
        segment = Segment.objects.filter(pk=population, type=SegmentType.STATIC).first()
        given = [
            MembershipRow(row["contact_id"], datetime.fromisoformat(row["added_at"]), row["by"], row.get("id"))
            for row in rows
        ]
        return [] if segment is None else put_back_members(segment, given)

    def move(self, moves: Sequence[tuple[int, int]]) -> list[PopulationMove]:
        """Hands the losers' memberships to their survivors, three statements for as many moves as do not chain."""
        return [done for batch in _independent(moves) for done in _move_batch(batch)]

    def move_back(self, move: PopulationMove) -> list[int]:
        """Takes a move back: rows that the survivor still has return, dropped rows are put in again."""
        if move.table != TABLE:
            return list(move.row_ids)
        with transaction.atomic():
            taken = self._give_back(move)
            left = [row_id for row_id in move.row_ids if row_id not in taken]
            return left + _put_in_again(move.dropped)

    def grouped(self, contact_ids: Sequence[int]) -> set[int]:
        """Those with a static membership."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT contact_id FROM segments_membership WHERE contact_id = ANY(%s)", [list(contact_ids)]
            )
            return {row[0] for row in cursor.fetchall()}

    def groups_of(self, contact_id: int) -> list[Population]:
        """The static segments that the contact is in."""
        rows = Segment.objects.filter(type=SegmentType.STATIC, memberships__contact_id=contact_id)
        return [Population(*row) for row in rows.order_by("name", "pk").values_list("pk", "name", "type")]

    def groups_of_each(self, contact_ids: Sequence[int]) -> dict[int, list[Population]]:
        """The static segments that each is in; one statement."""
        found: dict[int, list[Population]] = {contact_id: [] for contact_id in contact_ids}
        rows = Membership.objects.filter(contact_id__in=found, segment__type=SegmentType.STATIC)
        named = rows.order_by("segment__name", "segment_id")
        for contact_id, pk, name, kind in named.values_list(
            "contact_id", "segment_id", "segment__name", "segment__type"
        ):
            found[contact_id].append(Population(pk, name, kind))
        return found

    def places_of(self, contact_id: int) -> Places:
        """Static segments with since when and by whom, the others asked in one statement."""
        return find_places(contact_id)

    def forget(self, contact_ids: Sequence[int]) -> None:
        """Removes the memberships of erased contacts, and that they ever were in any segment."""
        Membership.objects.filter(contact_id__in=list(contact_ids)).delete()
        forget_stays(contact_ids)

    def asking(self, column: str) -> list[Population]:
        """Segments whose own conditions name the column."""
        return [Population(segment.pk, segment.name, segment.type) for segment in find_asking(column)]

    def broken_by(
        self, column: str, columns: Sequence[Column], *, renamed: Mapping[str, str] | None = None
    ) -> list[Population]:
        """Segments that hold good now and would not then."""
        broken = find_broken(column, columns, renamed=renamed or {})
        return [Population(segment.pk, segment.name, segment.type) for segment in broken]

    def rename_values(self, column: str, renamed: Mapping[str, str]) -> None:
        """Definitions follow."""
        rename_values(column, renamed)

    def _give_back(self, move: PopulationMove) -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE segments_membership m SET contact_id = %s WHERE contact_id = %s AND id = ANY(%s)"
                " AND NOT EXISTS (SELECT 1 FROM segments_membership o WHERE o.contact_id = %s"
                " AND o.segment_id = m.segment_id) RETURNING id",
                [move.loser_id, move.survivor_id, move.row_ids, move.loser_id],
            )
            return {row[0] for row in cursor.fetchall()}


def _find(population: int | str) -> Segment | None:
    """The segment of this id (raises ``Segment.DoesNotExist``) or name."""
    if isinstance(population, int):
        return Segment.objects.get(pk=population)
    name = population.strip()
    return Segment.objects.filter(name=name).first() or Segment.objects.filter(name__iexact=name).first()


def _independent(moves: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """The moves in order, cut where one would touch what an earlier one of its batch changed (A → B, then B → C)."""
    batch: list[tuple[int, int]] = []
    losers: set[int] = set()
    survivors: set[int] = set()
    for loser, survivor in moves:
        if loser in survivors or loser in losers or survivor in losers:
            yield batch
            batch, losers, survivors = [], set(), set()
        batch.append((loser, survivor))
        losers.add(loser)
        survivors.add(survivor)
    if batch:
        yield batch


def _move_batch(moves: list[tuple[int, int]]) -> list[PopulationMove]:
    """1. read both sides; 2. decide; 3. delete what collides; 4. move the rest."""
    survivor_of = dict(moves)
    rows = _read_locked([*survivor_of, *survivor_of.values()])
    taken = {(row["contact_id"], row["segment_id"]) for row in rows if row["contact_id"] not in survivor_of}
    done = {loser: PopulationMove(TABLE, survivor, loser) for loser, survivor in moves}
    order = {loser: position for position, loser in enumerate(survivor_of)}
    losing = [row for row in rows if row["contact_id"] in survivor_of]
    for row in sorted(losing, key=lambda row: order[row["contact_id"]]):
        move = done[row["contact_id"]]
        place = (move.survivor_id, row["segment_id"])
        if place in taken:
            move.dropped.append(row)
        else:
            taken.add(place)
            move.row_ids.append(row["id"])
    touched = [move for move in done.values() if move.row_ids or move.dropped]
    _write(touched)
    return touched


def _read_locked(contact_ids: list[int]) -> list[dict[str, Any]]:
    rows = Membership.objects.select_for_update().filter(contact_id__in=contact_ids).order_by("pk")
    return [
        {
            "id": row.pk,
            "contact_id": row.contact_id,
            "segment_id": row.segment_id,
            "added_at": row.added_at.isoformat(),
            "by": row.by,
        }
        for row in rows
    ]


def _write(moves: list[PopulationMove]) -> None:
    dropped = [row["id"] for move in moves for row in move.dropped]
    places: dict[int, int] = {row_id: move.survivor_id for move in moves for row_id in move.row_ids}
    if dropped:
        Membership.objects.filter(contact_id__in=[move.loser_id for move in moves], pk__in=dropped).delete()
    if places:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE segments_membership m SET contact_id = v.survivor_id"
                " FROM unnest(%s::bigint[], %s::bigint[]) AS v (id, survivor_id)"
                " WHERE m.id = v.id AND m.contact_id = ANY(%s)",
                [list(places), list(places.values()), [move.loser_id for move in moves]],
            )


def _put_in_again(dropped: list[dict[str, Any]]) -> list[int]:
    """Puts rows in as they were; the ids of those whose segment is gone or whose place is taken."""
    by_segment = defaultdict(list)
    for row in dropped:
        by_segment[row["segment_id"]].append(row)
    there = set(Segment.objects.filter(pk__in=list(by_segment)).values_list("pk", flat=True))
    rows = [Membership(**row) for row in dropped if row["segment_id"] in there]
    Membership.objects.bulk_create(rows, ignore_conflicts=True)
    kept = set(
        Membership.objects.filter(
            contact_id__in=[row["contact_id"] for row in dropped], pk__in=[row["id"] for row in dropped]
        ).values_list("pk", flat=True)
    )
    return [row["id"] for row in dropped if row["id"] not in kept]
