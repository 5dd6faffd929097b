"""What changed since a table at a target was last brought up to date.

A position is a number of each of our sequences: of the journal, of the marks beside it, of the events. It is taken
behind the closed gate, where every number that was given out is committed: that is why it is exact, and (updated, id)
is not (decision 0024). Whatever changed is read as it is now, never as it was: a step that is sent twice, or late,
does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from contacts.exports.warehouse.errors import FullRunNeeded
from contacts.exports.warehouse.marks import last_mark_forgotten
from contacts.exports.warehouse.members import last_member_forgotten, look_at_members
from contacts.exports.warehouse.types import Change, Position, Reading, Step
from contacts.identity.load import open_cursor, prefer_indexes
from contacts.identity.old_changes import last_forgotten
from contacts.identity.settled import settled_numbers

if TYPE_CHECKING:
    from contacts.exports.warehouse.family import FamilySet

__all__ = ["EVENTS", "JOURNAL", "MARKS", "MEMBERS", "check_known", "cut", "follow_contacts", "take_position"]

JOURNAL, MARKS, EVENTS, MEMBERS = "journal", "marks", "events", "members"
SEQUENCES: Final = {
    JOURNAL: "contacts_change_id_seq",
    MARKS: "contacts_exportmark_id_seq",
    EVENTS: "contacts_event_id_seq",
}
FORGOTTEN: Final = {JOURNAL: last_forgotten, MARKS: last_mark_forgotten, MEMBERS: last_member_forgotten}
"""The greatest number of each whose row is not known any more."""
WINDOWS: Final = {JOURNAL: 20_000, MARKS: 2_000, MEMBERS: 2**62, EVENTS: 50_000}
"""Numbers that are looked through at a time: the journal's index leads to places, not to rows."""
CONTACTS: Final = 10_000
"""Contacts whose rows are replaced in one transaction at the target."""

_NAMED: Final = {
    JOURNAL: "SELECT DISTINCT contact_id FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s",
    MARKS: """SELECT DISTINCT unnest(contact_ids) FROM contacts_exportmark
              WHERE id > %(after)s AND id <= %(upto)s AND what = ANY(%(marks)s)""",
    MEMBERS: "SELECT DISTINCT contact_id FROM contacts_exportmember WHERE number > %(after)s AND number <= %(upto)s",
}
"""The contacts that the rows of a sequence name."""
_TOMBSTONES: Final = "SELECT id FROM contacts_contact WHERE merged_into_id = ANY(%(ids)s::bigint[])"


def take_position() -> Position | None:
    """Where our sequences stand, all that is below them committed; None where a writer takes long: ask again."""
    numbers = settled_numbers(SEQUENCES.values())
    return None if numbers is None else {**dict(zip(SEQUENCES, numbers, strict=True)), MEMBERS: look_at_members()}


def check_known(since: Position) -> None:
    """Raises ``FullRunNeeded`` where something that came after this position was forgotten."""
    for name, forgotten in FORGOTTEN.items():
        if name in since and since[name] < forgotten():
            raise FullRunNeeded


def follow_contacts(data_set: FamilySet, reading: Reading, since: Position, upto: Position) -> Iterator[Step]:
    """Contacts that the journal or a mark names are replaced; rows that came otherwise are told by their number."""
    check_known(since)
    held: Step | None = None
    for step in _steps(data_set, reading, since, upto):
        if held is not None:
            yield held
        held = step
    if held is not None:  # windows in which nothing happened make no step: the last one stands for them too
        yield replace(held, position={name: upto[name] for name in since})


def _steps(data_set: FamilySet, reading: Reading, since: Position, upto: Position) -> Iterator[Step]:
    position = dict(since)
    for name, end, ids in _named(data_set, since, upto):
        for some, is_last in cut(_and_tombstones(ids) if data_set.with_tombstones else ids, CONTACTS):
            reached = {**position, name: end} if is_last else position
            yield Step(Change(gone_contact_ids=some, rows=data_set.of_contacts(reading, some)), reached)
        position = {**position, name: end}
    if data_set.appended:
        for after, end in _windows(since, upto, EVENTS):
            position = {**position, EVENTS: end}
            yield Step(Change(rows=data_set.appended_between(reading, after, end)), position)


def _named(data_set: FamilySet, since: Position, upto: Position) -> Iterator[tuple[str, int, list[int]]]:
    """(sequence, the number up to which it was looked through, the contacts that it names there)"""
    for name in data_set.follows:
        for after, end in _windows(since, upto, name):
            yield name, end, _ids(_NAMED[name], {"after": after, "upto": end, "marks": list(data_set.marks)})


def _windows(since: Position, upto: Position, name: str) -> Iterator[tuple[int, int]]:
    for start in range(since[name], upto[name], WINDOWS[name]):
        yield start, min(start + WINDOWS[name], upto[name])


def cut(ids: Sequence[int], size: int) -> Iterator[tuple[Sequence[int], bool]]:
    """Some at a time, and whether they are the last."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size], start + size >= len(ids)


def _and_tombstones(ids: Sequence[int]) -> list[int]:
    """With those that were merged into one of them: a merge of the survivor says nothing of them in the journal."""
    return sorted({*ids, *_ids(_TOMBSTONES, {"ids": list(ids)})}) if ids else []


def _ids(sql: str, params: dict[str, Any]) -> list[int]:
    with transaction.atomic(), closing(open_cursor()) as cursor:
        prefer_indexes(cursor)  # statistics may be older than an import
        cursor.execute(sql, params)
        return sorted(row[0] for row in cursor.fetchall())
