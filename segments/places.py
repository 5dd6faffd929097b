"""Which segments a contact is in now: static ones are read, all others asked in one statement within a time limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contacts.models import Contact, ContactState
from contacts.populations import Place, Places, Population
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.sql import Clause
from segments.errors import AskingTookTooLong
from segments.explaining import ask_contact
from segments.membership import compile_segment
from segments.models import Membership, Segment, SegmentType
from segments.watching import since_when

__all__ = ["find_places"]

MILLISECONDS: Final = 3_000


def find_places(contact_id: int, *, milliseconds: int = MILLISECONDS) -> Places:
    """By name. A contact that is not active is in none; a segment whose conditions are broken cannot be asked."""
    if not Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE).exists():
        return Places([], [])
    segments = list(Segment.objects.exclude(type=SegmentType.STATIC))
    clauses = compile_all(segments)
    try:
        numbers = ask_all(contact_id, clauses, milliseconds)
        stopped = False
    except AskingTookTooLong:
        numbers, stopped = set(), True
    unanswered = [segment for segment in segments if stopped or segment.pk not in clauses]
    entered_at = since_when(contact_id) if numbers else {}
    asked = [Place(show(segment), entered_at.get(segment.pk)) for segment in segments if segment.pk in numbers]
    return Places(in_order([*read_static(contact_id), *asked]), sorted(map(show, unanswered), key=by_name), stopped)


def compile_all(segments: Iterable[Segment]) -> dict[int, Clause]:
    """The condition of each whose definition still holds good."""
    lookups = DatabaseLookups()
    compiled = {}
    for segment in segments:
        try:
            compiled[segment.pk] = compile_segment(segment, lookups, few=True)
        except DefinitionRefused:
            continue
    return compiled


def ask_all(contact_id: int, clauses: dict[int, Clause], milliseconds: int) -> set[int]:
    if not clauses:
        return set()
    holding, _found = ask_contact(contact_id, list(clauses.values()), milliseconds=milliseconds)
    return {number for number, holds in zip(clauses, holding, strict=True) if holds}


def read_static(contact_id: int) -> list[Place]:
    rows = Membership.objects.filter(contact_id=contact_id, segment__type=SegmentType.STATIC).select_related("segment")
    return [Place(show(row.segment), row.added_at, row.by) for row in rows]


def show(segment: Segment) -> Population:
    return Population(segment.pk, segment.name, segment.type)


def in_order(places: Iterable[Place]) -> list[Place]:
    return sorted(places, key=lambda place: by_name(place.population))


def by_name(population: Population) -> tuple[str, int]:
    return population.name.casefold(), population.id
