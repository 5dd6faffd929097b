"""Takes one change of a contact's journal back: just what it did, and only where nothing later touched it.

1. Read the change, and whoever gave or took an identifier by it. 2. Behind the locks, go back in memory
(``going_back``). 3. Write, as every verb does. What is left alone is told, with who did what since; a person may take
it back anyway. Taking back is a change itself, and can be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from contacts.identity import load
from contacts.identity.changes import keys_of, parties_of, read_change, read_counterparts
from contacts.identity.detach import is_person, run_in_frame
from contacts.identity.errors import (
    ContactNotFound,
    DeleteInstead,
    MergeInstead,
    NothingToTakeBack,
    PersonOnly,
    TakeBackRefused,
    WriteConflict,
)
from contacts.identity.frame import Frame
from contacts.identity.going_back import GoingBack, InTheWay, Restored
from contacts.identity.letting_go import Stored, put_back_rows
from contacts.identity.merge import UndoReport, undo_merge
from contacts.identity.revert import ImportChange
from contacts.identity.settings import read_settings
from contacts.identity.world import ERASED, MERGED
from contacts.models import ChangeKind
from contacts.records import Key

__all__ = ["TakeBackReport", "take_back_change"]


@dataclass
class TakeBackReport:
    """What taking a change back did; ``merge`` where it was a merge."""

    contact_id: int
    change_id: int
    restored: list[Restored] = field(default_factory=list)
    left: list[InTheWay] = field(default_factory=list)
    merge: UndoReport | None = None


Back = Sequence[tuple[Key, int, Stored]]


def take_back_change(
    contact_id: int,
    change_id: int,
    *,
    by: str,
    anyway: Collection[str] = (),
    at: datetime | None = None,
    dry_run: bool = False,
) -> TakeBackReport:
    """Put back what one change of a contact's journal did, where nothing later touched it.

    ``anyway`` names columns (``identifiers`` for those that stand in no column) that go back whoever touched them
    since; what somebody else has by now, and what was erased, does not. A merge is undone as ``undo_merge`` does. A dry
    run gives the same report and writes nothing; of a merge it says only that it is one.

    Raises ``ChangeNotFound``, ``ContactNotFound``, ``NothingToTakeBack``, ``PersonOnly``, ``TakeBackRefused`` (the
    contact was merged since), ``DeleteInstead`` (it made the contact), ``MergeInstead`` (it undid a merge), and what
    ``undo_merge`` raises.
    """
    if not is_person(by):
        raise PersonOnly("Only a person may take a single change back.")
    change = read_change(contact_id, change_id)
    _check_kind(change)
    if change.kind == ChangeKind.MERGED:
        return _undo_merge(change, by=by, at=at, dry_run=dry_run)
    with closing(load.open_cursor()) as cursor:
        changes = [change, *read_counterparts(cursor, change)]
    ids = {one.contact_id for one in changes} | set(parties_of(change))
    report, _ = run_in_frame(
        lambda frame: _go_back(frame, changes, anyway),
        ids,
        {key for one in changes for key in keys_of(one)},
        by=by,
        at=at,
        dry_run=dry_run,
        afterwards=_put_back,
    )
    return report


def _check_kind(change: ImportChange) -> None:
    if change.kind == ChangeKind.CREATED:
        raise DeleteInstead(contact_id=change.contact_id)
    if change.kind == ChangeKind.UNMERGED:
        details = change.details or {}
        raise MergeInstead(survivor_id=details.get("survivor"), loser_id=details.get("loser"))
    if change.kind != ChangeKind.MERGED and not (change.before or change.after):
        raise NothingToTakeBack(contact_id=change.contact_id)


def _undo_merge(change: ImportChange, *, by: str, at: datetime | None, dry_run: bool) -> TakeBackReport:
    if change.merge_id is None:
        raise TakeBackRefused("This merge is not known any more.")
    details = change.details or {}
    sides = details.get("survivor", change.contact_id), details.get("loser", change.contact_id)
    merge = UndoReport(change.merge_id, *sides) if dry_run else undo_merge(change.merge_id, by=by, at=at)
    return TakeBackReport(change.contact_id, change.id, merge=merge)


def _go_back(frame: Frame, changes: Sequence[ImportChange], anyway: Collection[str]) -> tuple[TakeBackReport, Back]:
    change = changes[0]
    _check_still_there(frame, changes)
    going = GoingBack(frame, change, changes[1:], read_settings(), anyway=anyway)
    going.run()
    if not going.went_back and not going.left:
        raise NothingToTakeBack(contact_id=change.contact_id)
    return TakeBackReport(change.contact_id, change.id, going.went_back, going.left), going.back


def _check_still_there(frame: Frame, changes: Sequence[ImportChange]) -> None:
    """Behind the locks: whether the contact is still there, and everything reads as it did before them."""
    change = changes[0]
    contact = frame.world.contact(change.contact_id)
    if contact is None or contact.values["state"] == ERASED:
        raise ContactNotFound(contact_id=change.contact_id)
    if contact.values["state"] == MERGED:
        text = "The contact was merged into another one since. Undo that merge first."
        raise TakeBackRefused(text, other_id=contact.values["merged_into_id"])
    now = read_change(change.contact_id, change.id)
    if [now, *read_counterparts(frame.cursor, now)] != changes:
        raise WriteConflict


def _put_back(result: tuple[TakeBackReport, Back]) -> None:
    with closing(load.open_cursor()) as cursor:
        put_back_rows(cursor, result[1])
