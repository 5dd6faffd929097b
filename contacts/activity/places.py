"""Where a fact belongs by the time it is written: the contact is locked, and followed through its merges (race 3).

Between the moment a contact is found and the moment its event is inserted it may have been merged, erased, or, for a
visitor, become known. So the row that a merge would change is locked first: the visitor's identifier, the contact. Then
its answer is final until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import psycopg

from contacts.identity.load import array_of, text_array
from contacts.identity.types import Outcome, Place, Status
from contacts.keys import Kind
from contacts.models import ContactState
from contacts.records import Key, Record

__all__ = ["FOR_SHARE", "FOR_UPDATE", "Place", "lock_contacts", "lock_visitors", "place_facts"]

FOR_SHARE: Final = "FOR SHARE"
FOR_UPDATE: Final = "FOR NO KEY UPDATE"
"""For orders, which change the contact's count."""

FOUND: Final = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED, Status.RESTORED, Status.VISITOR})

_LOCK_VISITORS: Final = f"""
SELECT i.app, i.value, i.contact_id FROM contacts_identifier i
JOIN unnest(%s::text[], %s::text[]) AS k (app, value) ON i.value = k.value AND i.app = k.app
WHERE i.kind = {int(Kind.COOKIE)} ORDER BY i.value, i.app FOR SHARE OF i
"""


def place_facts(
    cursor: psycopg.Cursor[Any], outcomes: Iterable[Outcome], records: Mapping[int, Record], *, lock: str = FOR_SHARE
) -> dict[int, Place]:
    """By the outcome's ref whom its fact belongs to now; nothing for one that found nobody, or somebody erased."""
    numbers = {outcome.ref: outcome.contact_id for outcome in outcomes if outcome.status in FOUND}
    cookies = {ref: _cookie_of(records[ref]) for ref in _visitors(outcomes)}
    owners = lock_visitors(cursor, [key for key in cookies.values() if key is not None])
    for ref, key in cookies.items():
        numbers[ref] = owners.get(key) if key is not None else None
    wanted = {ref: number for ref, number in numbers.items() if number is not None}
    contacts = lock_contacts(cursor, set(wanted.values()), lock=lock)
    places = {}
    for ref, number in wanted.items():
        if number not in contacts:
            if ref in cookies:  # else it was imported, and the import was taken back meanwhile
                places[ref] = Place(number, is_visitor=True)
        elif (contact_id := contacts[number]) is not None:
            places[ref] = Place(contact_id, is_visitor=False)
    return places


def lock_visitors(cursor: psycopg.Cursor[Any], cookies: Collection[Key]) -> dict[Key, int]:
    """Cookies → their numbers, locked."""
    if not cookies:
        return {}
    listed = sorted(set(cookies))
    cursor.execute(_LOCK_VISITORS, (text_array(key[1] for key in listed), text_array(key[2] for key in listed)))
    return {(int(Kind.COOKIE), app, value): number for app, value, number in cursor.fetchall()}


def lock_contacts(cursor: psycopg.Cursor[Any], ids: Collection[int], *, lock: str) -> dict[int, int | None]:
    """Ids → the last survivors of their merges, locked in id order; None if erased. Unknown ids are left out."""
    state_of: dict[int, tuple[int, int | None]] = {}
    wanted = set(ids)
    while wanted:
        cursor.execute(
            f"SELECT id, state, merged_into_id FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id {lock}",
            (array_of(sorted(wanted)),),
        )
        rows = cursor.fetchall()
        state_of.update({row[0]: (row[1], row[2]) for row in rows})
        wanted = {row[2] for row in rows if row[2] is not None} - state_of.keys()
    return {contact_id: _last(contact_id, state_of) for contact_id in ids if contact_id in state_of}


def _last(contact_id: int, state_of: Mapping[int, tuple[int, int | None]]) -> int | None:
    state, survivor_id = state_of[contact_id]
    while state == ContactState.MERGED and survivor_id is not None:
        contact_id = survivor_id
        state, survivor_id = state_of[contact_id]
    return None if state == ContactState.ERASED else contact_id


def _visitors(outcomes: Iterable[Outcome]) -> list[int]:
    return [outcome.ref for outcome in outcomes if outcome.status == Status.VISITOR]


def _cookie_of(record: Record) -> Key | None:
    return next((key for key in record.identifiers if key[0] == Kind.COOKIE), None)
