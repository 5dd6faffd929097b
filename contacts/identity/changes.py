"""Single changes of the journal: what each did, who took part in it, and what later ones touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from django.db import DataError

from contacts.identity import load
from contacts.identity.decide import custom_key
from contacts.identity.errors import ChangeNotFound
from contacts.identity.revert import IDENTIFIERS, PARTS, ImportChange
from contacts.identity.world import PRIMARY_COLUMNS, primary_key_of
from contacts.models import ImportStatus
from contacts.normalize import InvalidValue
from contacts.records import Key

__all__ = [
    "TAKES_BACK",
    "Later",
    "Name",
    "TakenBackBy",
    "find_taken_back",
    "find_touched",
    "keys_of",
    "parties_of",
    "read_change",
    "read_counterparts",
    "read_later",
]

TAKES_BACK: Final = "takes_back"
"""Where the details of a change name the one that it takes back."""
LATER_AT_MOST: Final = 10_000

_CHANGE: Final = "SELECT id, contact_id, at, kind, merge_id, before, after, details FROM contacts_change"
_ONE: Final = f"{_CHANGE} WHERE contact_id = %s AND id = %s"
_AT: Final = f"{_CHANGE} WHERE contact_id = ANY(%s::bigint[]) AND at = %s ORDER BY id"
# An import that was taken back as a whole has changed nothing in the end, and neither has the undo.
_LATER: Final = f"""
SELECT id, by, at, before, after, details FROM contacts_change
WHERE contact_id = %s AND id > %s AND NOT coalesce(details ? 'import', false)
AND (import_id IS NULL OR import_id NOT IN (SELECT id FROM contacts_import WHERE status = '{ImportStatus.UNDONE}'))
ORDER BY contact_id, id LIMIT {LATER_AT_MOST}
"""
_TAKING_BACK: Final = f"""
SELECT id, by, at, (details ->> '{TAKES_BACK}')::bigint FROM contacts_change
WHERE contact_id = %s AND id > %s AND details ? '{TAKES_BACK}' ORDER BY contact_id, id LIMIT {LATER_AT_MOST}
"""

Name = str | Key
"""What a change touches: a column, or an identifier."""


class Later(NamedTuple):
    """A change that came later."""

    id: int
    by: str
    at: datetime
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    details: dict[str, Any] | None


class TakenBackBy(NamedTuple):
    """By which change another one was taken back, who did it and when."""

    change_id: int
    by: str
    at: datetime


def read_change(contact_id: int, change_id: int) -> ImportChange:
    """One change of a contact; raises ``ChangeNotFound``."""
    with closing(load.open_cursor()) as cursor:
        try:
            cursor.execute(_ONE, (contact_id, change_id))
        except (DataError, psycopg.DataError) as error:  # no such number
            raise ChangeNotFound(contact_id=contact_id) from error
        row = cursor.fetchone()
    if row is None:
        raise ChangeNotFound(contact_id=contact_id)
    return ImportChange(*row)


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


def read_later(cursor: psycopg.Cursor[Any], contact_id: int, change_id: int) -> list[Later]:
    """What happened to the contact since, the first first."""
    cursor.execute(_LATER, (contact_id, change_id))
    return [Later(*row) for row in cursor.fetchall()]


def find_touched(later: Sequence[Later]) -> dict[Name, Later]:
    """What was touched, and by which change last; but for what was taken back again, and the taking back of it."""
    known = {change.id for change in later}
    cancelled: set[tuple[int, Name]] = set()
    touched: dict[Name, Later] = {}
    for change in reversed(later):
        target = (change.details or {}).get(TAKES_BACK)
        names = {name for name in _names_of(change) if (change.id, name) not in cancelled}
        if target in known:
            cancelled.update((target, name) for name in names)
        else:
            touched.update({name: change for name in names if name not in touched})
    return touched


def _names_of(change: Later) -> set[Name]:
    """Columns by name, identifiers each for itself."""
    noted = ImportChange(change.id, 0, change.at, "", None, change.before, change.after, None)
    columns: set[Name] = {*(change.before or ()), *(change.after or ())}
    return columns - PARTS - {IDENTIFIERS} | {*noted.keys_that_came, *noted.keys_that_went}


def find_taken_back(contact_id: int, change_ids: Collection[int]) -> dict[int, TakenBackBy]:
    """Which of these changes were taken back, all or in part, and not redone since."""
    if not change_ids:
        return {}
    with closing(load.open_cursor()) as cursor:
        cursor.execute(_TAKING_BACK, (contact_id, min(change_ids)))
        rows = cursor.fetchall()
    standing: dict[int, TakenBackBy] = {}
    redone: set[int] = set()
    for change_id, by, at, target in reversed(rows):
        if change_id not in redone:
            redone.add(target)
            standing.setdefault(target, TakenBackBy(change_id, by, at))
    return {change_id: standing[change_id] for change_id in change_ids if change_id in standing}
