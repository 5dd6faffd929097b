"""What it means for a contact that an identifier comes or goes: the field it stands in, the journal, the stored row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg

from contacts.identity.decide import custom_key, step_down
from contacts.identity.errors import ContactNotFound
from contacts.identity.load import array_of
from contacts.identity.revert import IDENTIFIERS, key_of_note, value_of
from contacts.identity.world import ERASED, PRIMARY_COLUMNS, ContactRow, Entry, Origin, World, primary_key_of
from contacts.keys import Kind
from contacts.records import Key

__all__ = [
    "ROWS",
    "Stored",
    "empty_field",
    "field_of",
    "name_contact",
    "note_key",
    "note_rows",
    "read_noted_rows",
    "read_stored",
    "stands_on",
]

ROWS: Final = "rows"
"""Where the details of a change keep the stored rows of identifiers that went, so that they can come back as they
were."""

_STORED: Final = """
SELECT kind, app, value, contact_id, source, first_seen_at, last_seen_at, details FROM contacts_identifier
WHERE contact_id = ANY(%s::bigint[])
"""


class Stored(NamedTuple):
    """What is known of an identifier beside whose it is."""

    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    details: dict[str, Any] | None


# Whose field it stands in


def name_contact(world: World, contact_id: int) -> ContactRow:
    """The contact of that id, or the survivor of the merges it went through; raises ``ContactNotFound``."""
    contact = world.follow(contact_id)
    if contact is None or contact.values["state"] == ERASED:
        raise ContactNotFound(contact_id=contact_id)
    return contact


def field_of(key: Key) -> str:
    """The column in which the value of this key stands as the primary one; empty for kinds that have no field."""
    if key[0] == Kind.CUSTOM:
        return key[1] if key[1] == "contact_key" else f"fields.{key[1]}"
    return PRIMARY_COLUMNS.get(Kind(key[0]), "")


def stands_on(contact: ContactRow, key: Key) -> bool:
    """Whether the value stands in its field on the contact, so that it is no further one."""
    column = field_of(key)
    value = value_of(contact, column) if column else None
    if value is None:
        return False
    return (custom_key(key[1], value) if key[0] == Kind.CUSTOM else primary_key_of(Kind(key[0]), value)) == key


def empty_field(world: World, contact: ContactRow, key: Key) -> None:
    """The key went: its field is empty, or a further one that a merge brought stands in it."""
    if key[0] != Kind.CUSTOM:
        step_down(world, contact, Kind(key[0]))
    elif key[1] == "contact_key":
        world.set_value(contact, "contact_key", None)
    else:
        world.set_attribute(contact, key[1], None)


# The journal


def note_key(entry: Entry, side: str, key: Key) -> None:
    """Say in the journal that an identifier came (after) or went (before), of whatever kind, once."""
    notes = getattr(entry, side).setdefault(IDENTIFIERS, [])
    note = [Kind(key[0]).slug, key[1], key[2]]
    if note not in notes:
        notes.append(note)


def note_rows(entry: Entry, stored: Mapping[Key, Stored], keys: Iterable[Key]) -> None:
    """Keep the rows of identifiers that go."""
    rows = []
    for key in sorted(keys):
        if (row := stored.get(key)) is not None:
            seen = row.first_seen_at.isoformat(), row.last_seen_at.isoformat()
            rows.append([Kind(key[0]).slug, key[1], key[2], row.source, *seen, row.details])
    if rows:
        entry.details[ROWS] = rows


def read_noted_rows(details: Mapping[str, Any] | None) -> dict[Key, Origin]:
    """The rows that a change kept."""
    rows = (details or {}).get(ROWS, ())
    return {key_of_note(row[:3]): Origin(*row[3:]) for row in rows}


# The stored rows


def read_stored(cursor: psycopg.Cursor[Any], contact_ids: Collection[int]) -> dict[int, dict[Key, Stored]]:
    """All identifiers of these contacts, by contact and key."""
    cursor.execute(_STORED, (array_of(contact_ids),), binary=True)
    stored: dict[int, dict[Key, Stored]] = {}
    for kind, app, value, contact_id, *known in cursor.fetchall():
        stored.setdefault(contact_id, {})[kind, app, value] = Stored(*known)
    return stored
