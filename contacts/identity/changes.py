"""Single changes of the journal: what each did, who took part in it, and what later ones touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg

from contacts.identity import load
from contacts.identity.decide import custom_key
from contacts.identity.frame import Frame
from contacts.identity.letting_go import Stored, read_stored
from contacts.identity.revert import IDENTIFIERS, PARTS, ImportChange
from contacts.identity.settings import Settings, fresh_settings
from contacts.identity.world import CHANNEL_COLUMNS, PRIMARY_COLUMNS, primary_key_of
from contacts.models import ImportStatus
from contacts.normalize import InvalidValue
from contacts.records import Key

__all__ = [
    "TAKES_BACK",
    "Learned",
    "Name",
    "Place",
    "TakenBackBy",
    "find_taken_back",
    "find_touched",
    "keys_of",
    "learn",
    "parties_of",
    "read_changes",
    "read_counterparts",
    "read_later",
]

_DROPPED: Final = """
SELECT contact_id, at, identifiers -> 'dropped' FROM contacts_merge
WHERE contact_id = ANY(%s::bigint[]) AND undone_at IS NULL
"""
TAKES_BACK: Final = "takes_back"
"""Where the details of a change name the one that it takes back."""
LATER_AT_MOST: Final = 10_000
SILENT: Final = PARTS - set(CHANNEL_COLUMNS.values()) | {IDENTIFIERS}
"""Columns that never change alone, and those that are looked at one by one."""

_COLUMNS: Final = "c.id, c.contact_id, c.at, c.kind, c.merge_id, c.before, c.after, c.details, c.by"
_NAMED: Final = f"""
SELECT {_COLUMNS} FROM unnest(%s::bigint[], %s::bigint[]) AS k (contact_id, id)
JOIN contacts_change c ON c.contact_id = k.contact_id AND c.id = k.id
"""
_AT: Final = f"SELECT {_COLUMNS} FROM contacts_change c WHERE contact_id = ANY(%s::bigint[]) AND at = %s ORDER BY id"
# An import that was taken back as a whole has changed nothing in the end, and neither has the undo. Order and limit
# keep the plan to the table's own key.
_LATER: Final = f"""
SELECT {_COLUMNS} FROM unnest(%s::bigint[], %s::bigint[]) AS u (contact_id, since) CROSS JOIN LATERAL (
    SELECT * FROM contacts_change WHERE contact_id = u.contact_id AND id > u.since
    ORDER BY contact_id, id LIMIT {LATER_AT_MOST}
) c
WHERE NOT coalesce(c.details ? 'import', false)
AND (c.import_id IS NULL OR c.import_id NOT IN (SELECT id FROM contacts_import WHERE status = '{ImportStatus.UNDONE}'))
ORDER BY c.id
"""
_TAKING_BACK: Final = f"""
SELECT id, by, at, ARRAY(SELECT jsonb_object_keys(coalesce(before, '{{}}') || coalesce(after, '{{}}'))),
       (details ->> '{TAKES_BACK}')::bigint
FROM contacts_change
WHERE contact_id = %s AND id > %s AND details ? '{TAKES_BACK}' ORDER BY contact_id, id LIMIT {LATER_AT_MOST}
"""

Name = str | Key
"""What a change touches: a column, or an identifier."""


class TakenBackBy(NamedTuple):
    """By which change another one was taken back, who did it and when, and what went back."""

    change_id: int
    by: str
    at: datetime
    columns: frozenset[str]


Place = tuple[int, int]
"""A contact and one of its changes."""


def read_changes(cursor: psycopg.Cursor[Any], places: Iterable[Place]) -> dict[Place, ImportChange]:
    """Those of these changes that there are."""
    listed = [place for place in places if max(place) < 2**63]
    ids, numbers = (load.array_of(place[side] for place in listed) for side in (0, 1))
    cursor.execute(_NAMED, (ids, numbers))
    found = [ImportChange(*row) for row in cursor.fetchall()]
    return {(change.contact_id, change.id): change for change in found}


def parties_of(change: ImportChange) -> list[int]:
    """Who gave or took an identifier by it; a visitor's number may be among them."""
    details = change.details or {}
    taker = details.get("migrated_to")
    return [*details.get("migrated_from", ()), *([] if taker is None else [taker])]


def read_counterparts(cursor: psycopg.Cursor[Any], change: ImportChange) -> list[ImportChange]:
    """What the same write put down at whoever gave or took an identifier by this change."""
    parties = parties_of(change)
    if not parties:
        return []
    cursor.execute(_AT, (load.array_of(parties), change.at))
    found = [ImportChange(*row) for row in cursor.fetchall()]
    return [other for other in found if change.contact_id in parties_of(other) and _share_a_key(change, other)]


def _share_a_key(one: ImportChange, other: ImportChange) -> bool:
    went, came = set(one.keys_that_went), set(one.keys_that_came)
    return bool(went & set(other.keys_that_came) or came & set(other.keys_that_went))


def keys_of(change: ImportChange) -> Iterable[Key]:
    """Every value that the change names, on either side."""
    yield from change.keys_that_came
    yield from change.keys_that_went
    for side in (change.before or {}, change.after or {}):
        yield from _keys_in(side)


def _keys_in(side: Mapping[str, Any]) -> Iterable[Key]:
    for kind, column in PRIMARY_COLUMNS.items():
        if (value := side.get(column)) is not None:
            try:
                yield primary_key_of(kind, value)
            except InvalidValue:  # erased
                continue
    for column, value in side.items():
        if value is not None and (column == "contact_key" or column.startswith("fields.")):
            yield custom_key(column.removeprefix("fields."), value)


def read_later(cursor: psycopg.Cursor[Any], since: Mapping[int, int]) -> dict[int, list[ImportChange]]:
    """By contact, what happened to it since the change of that number, the first first."""
    cursor.execute(_LATER, (load.array_of(since), load.array_of(since.values())))
    later: dict[int, list[ImportChange]] = {contact_id: [] for contact_id in since}
    for row in cursor.fetchall():
        change = ImportChange(*row)
        later[change.contact_id].append(change)
    return later


def find_touched(later: Sequence[ImportChange]) -> dict[Name, ImportChange]:
    """What was touched, and by which change last; but for what was taken back again, and the taking back of it."""
    known = {change.id for change in later}
    cancelled: set[tuple[int, Name]] = set()
    touched: dict[Name, ImportChange] = {}
    for change in reversed(later):
        target = (change.details or {}).get(TAKES_BACK)
        names = {name for name in _names_of(change) if (change.id, name) not in cancelled}
        if target in known:
            cancelled.update((target, name) for name in names)
        else:
            touched.update({name: change for name in names if name not in touched})
    return touched


def _names_of(change: ImportChange) -> set[Name]:
    """Columns by name, identifiers each for itself."""
    columns: set[Name] = {*(change.before or ()), *(change.after or ())}
    return columns - SILENT | {*change.keys_that_came, *change.keys_that_went}


def find_taken_back(contact_id: int, change_ids: Collection[int]) -> dict[int, TakenBackBy]:
    """Which of these changes were taken back, all or in part, and not redone since."""
    if not change_ids:
        return {}
    with closing(load.open_cursor()) as cursor:
        cursor.execute(_TAKING_BACK, (contact_id, min(change_ids)))
        rows = cursor.fetchall()
    standing: dict[int, TakenBackBy] = {}
    redone: set[int] = set()
    for change_id, by, at, columns, target in reversed(rows):
        if change_id not in redone:
            redone.add(target)
            more = standing[target].columns if target in standing else frozenset()
            standing[target] = TakenBackBy(change_id, by, at, more | frozenset(columns))
    return {change_id: standing[change_id] for change_id in change_ids if change_id in standing}


# What must be known to take some back


class Suppressed(NamedTuple):
    """Who put an address on the list of suppressions, and when."""

    by: str
    at: datetime


@dataclass
class Learned:
    """What must be known to take some changes back, read at once.

    ``ids`` are these changes; ``later`` by contact what came after the first of them; ``stored`` all identifiers of
    whom they concern, ``dropped`` what later merges found there already; ``suppressed`` whose word the states of held
    addresses are.
    """

    settings: Settings
    ids: frozenset[int]
    later: dict[int, list[ImportChange]]
    stored: dict[int, dict[Key, Stored]]
    dropped: dict[int, list[tuple[datetime, set[Key]]]]
    suppressed: dict[Key, Suppressed]


def learn(frame: Frame, changes: Sequence[ImportChange]) -> Learned:
    """Behind the locks."""
    cursor, since = frame.cursor, dict[int, int]()
    for change in changes:
        since[change.contact_id] = min(change.id, since.get(change.contact_id, change.id))
    dropped: dict[int, list[tuple[datetime, set[Key]]]] = {}
    cursor.execute(_DROPPED, (load.array_of(since),))
    for contact_id, at, keys in cursor.fetchall():
        dropped.setdefault(contact_id, []).append((at, {(kind, app, value) for kind, app, value in keys or ()}))
    return Learned(
        settings=fresh_settings(),
        ids=frozenset(change.id for change in changes),
        later=read_later(cursor, since),
        stored=read_stored(cursor, since),
        dropped=dropped,
        suppressed=_read_suppressed(frame),
    )


def _read_suppressed(frame: Frame) -> dict[Key, Suppressed]:
    keys = {load.address_digest(key[2]): key for key in frame.world.suppressed}
    if not keys:
        return {}
    frame.cursor.execute("SELECT digest, by, at FROM contacts_suppression WHERE digest = ANY(%s)", (list(keys),))
    return {keys[bytes(digest)]: Suppressed(by, at) for digest, by, at in frame.cursor.fetchall()}
