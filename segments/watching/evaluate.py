"""Who of a few contacts is in which of the watched segments now: one statement for all of both."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from django.db import connection

from contacts.identity.load import array_of
from contacts.models import ContactState
from segments.watching.watched import Watched

__all__ = ["Place", "find_members", "find_open_stays"]

Place = tuple[int, int]
"""A segment and a contact."""
SEGMENTS: Final = 25
"""In one statement."""

_ASK: Final = """
SELECT c.id, array_remove(ARRAY[{cases}]::bigint[], NULL) FROM contacts_contact c
WHERE c.id = ANY(%s::bigint[]) AND c.state = {active}
"""
_OPEN: Final = """
SELECT segment_id, contact_id FROM segments_stay
WHERE contact_id = ANY(%s::bigint[]) AND segment_id = ANY(%s::bigint[]) AND left_at IS NULL
"""


def find_members(watched: Sequence[Watched], contact_ids: Collection[int]) -> set[Place]:
    """The pairs of these segments and these contacts where the contact is in."""
    return {place for some in _in_lots(watched) for place in _ask(some, contact_ids)}


def _ask(watched: Sequence[Watched], contact_ids: Collection[int]) -> Iterator[Place]:
    cases: list[str] = []
    params: list[Any] = []
    for one in watched:
        text, given = one.clause.over("c")
        cases.append(f"CASE WHEN {text} THEN {one.segment_id} END")
        params += given
    sql = _ASK.format(cases=", ".join(cases), active=ContactState.ACTIVE.value)
    for contact_id, segment_ids in fetch(sql, [*params, array_of(contact_ids)]):
        for segment_id in segment_ids:
            yield segment_id, contact_id


def find_open_stays(watched: Sequence[Watched], contact_ids: Collection[int]) -> set[Place]:
    """The pairs whose stays say that the contact is in."""
    return set(fetch(_OPEN, [array_of(contact_ids), array_of(one.segment_id for one in watched)]))


def _in_lots(watched: Sequence[Watched]) -> Iterator[list[Watched]]:
    iterator = iter(watched)
    while lot := list(islice(iterator, SEGMENTS)):
        yield lot


def fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
