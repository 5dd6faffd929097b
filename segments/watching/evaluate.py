"""Who of a few contacts is in which of the watched segments now: one statement for all of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from django.db import connection

from contacts.identity.load import array_of
from contacts.keys import Kind
from contacts.models import Contact, ContactState
from contacts.normalize import clean_email
from segments.conditions.lookups import DatabaseLookups
from segments.watching.watched import Moment, Watched

__all__ = ["ROWS", "Place", "fetch", "find_members", "find_open_stays"]

Place = tuple[int, int]
"""A segment and a contact."""
SEGMENTS: Final = 100
"""In one statement."""

ROWS: Final = ("contacts_event", "contacts_order", "contacts_ordertotal", "contacts_identifier", "contacts_consent")
"""Rows of contacts that conditions read by their ``contact_id``, and by nothing else of another contact."""

# In this statement these names mean the rows of the contacts asked about, read once for all segments: else PostgreSQL
# would make each set of ids for all contacts there are.
_NARROWED: Final = "{table} AS MATERIALIZED (SELECT * FROM {table} WHERE contact_id = ANY(%s::bigint[]))"
_ASK: Final = """
WITH {narrowed}
SELECT c.id, array_remove(ARRAY[{cases}]::bigint[], NULL) FROM contacts_contact c
WHERE c.id = ANY(%s::bigint[]) AND c.state = {active}
"""
_OPEN: Final = """
SELECT segment_id, contact_id FROM segments_stay
WHERE contact_id = ANY(%s::bigint[]) AND segment_id = ANY(%s::bigint[]) AND left_at IS NULL
"""


def find_members(watched: Sequence[Watched], contact_ids: Collection[int], moment: Moment) -> set[Place]:
    """The pairs of these segments and these contacts where the contact is in."""
    lookups = _FewLookups(moment, contact_ids)
    return {place for some in _in_lots(watched) for place in _ask(some, contact_ids, lookups)}


class _FewLookups(DatabaseLookups):
    """Finds identifiers among these contacts alone, however many values a condition lists."""

    def __init__(self, moment: Moment, contact_ids: Collection[int]) -> None:
        self.clock = moment.lookups.clock
        self.account = moment.lookups.account
        self.registry = moment.lookups.registry
        self.contact_ids = contact_ids
        self.held: dict[Kind, Mapping[str, list[int]]] = {}

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        if kind not in self.held:
            self.held[kind] = self._read(kind)
        held = self.held[kind]
        return sorted({contact_id for value in values for contact_id in held.get(value, ())})

    def _read(self, kind: Kind) -> Mapping[str, list[int]]:
        """By what it is compared as."""
        rows = Contact.objects.filter(pk__in=self.contact_ids).exclude(**{kind.slug: None})
        held: dict[str, list[int]] = defaultdict(list)
        for contact_id, value in rows.values_list("pk", kind.slug):
            held[clean_email(value)[1] if kind is Kind.EMAIL else value].append(contact_id)
        return held


def _ask(watched: Sequence[Watched], contact_ids: Collection[int], lookups: DatabaseLookups) -> Iterator[Place]:
    cases: list[str] = []
    params: list[Any] = []
    for one in watched:
        text, given = one.write(lookups).over("c")
        cases.append(f"CASE WHEN {text} THEN {one.segment_id} END")
        params += given
    narrowed = ", ".join(_NARROWED.format(table=table) for table in ROWS)
    sql = _ASK.format(narrowed=narrowed, cases=", ".join(cases), active=ContactState.ACTIVE.value)
    listed = array_of(contact_ids)
    for contact_id, segment_ids in fetch(sql, [*[listed] * len(ROWS), *params, listed]):
        for segment_id in segment_ids:
            yield segment_id, contact_id


def find_open_stays(watched: Sequence[Watched], contact_ids: Collection[int]) -> set[Place]:
    """The pairs whose stays say that the contact is in."""
    return set(fetch(_OPEN, [array_of(contact_ids), array_of(one.segment_id for one in watched)]))


def _in_lots(watched: Sequence[Watched]) -> Iterator[list[Watched]]:
    iterator = iter(watched)
    while lot := list(islice(iterator, SEGMENTS)):
        yield lot


def fetch(sql: str, params: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
