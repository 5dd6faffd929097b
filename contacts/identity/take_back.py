"""Takes one change of a contact's journal back: just what it did, and only where nothing later touched it.

1. Read the change, and whoever gave or took an identifier by it. 2. Behind the locks, go back in memory
(``going_back``). 3. Write, as every verb does. What is left alone is told, with who did what since; a person may take
it back anyway. Taking back is a change itself, and can be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contacts.identity import load
from contacts.identity.changes import Learned, Place, keys_of, learn, parties_of, read_changes, read_counterparts
from contacts.identity.detach import is_person, run_in_frame
from contacts.identity.errors import (
    ChangeNotFound,
    ContactNotFound,
    DeleteInstead,
    MergeInstead,
    NothingToTakeBack,
    PersonOnly,
    TakeBackRefused,
    WriteConflict,
)
from contacts.identity.frame import MAX_TRIES, Frame
from contacts.identity.going_back import GoingBack, InTheWay, Restored
from contacts.identity.merge import UndoReport, undo_merge
from contacts.identity.revert import ImportChange
from contacts.identity.suppression import settle_states
from contacts.identity.world import ERASED, MERGED
from contacts.models import ChangeKind
from contacts.records import Key
from crm.errors import CardfileError

__all__ = ["MOST", "TakeBackReport", "take_back_change", "take_back_changes"]

MOST: Final = 1_000
"""Changes that are taken back together."""

Group = list[ImportChange]
"""A change, and its counterparts at whoever gave or took an identifier by it."""


@dataclass
class TakeBackReport:
    """What taking a change back did; ``merge`` where it was a merge, ``refused`` why nothing of it was even tried."""

    contact_id: int
    change_id: int
    restored: list[Restored] = field(default_factory=list)
    left: list[InTheWay] = field(default_factory=list)
    merge: UndoReport | None = None
    refused: CardfileError | None = None


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
    groups = _read_groups([(contact_id, change_id)])
    if groups and (change := groups[contact_id, change_id][0]).kind == ChangeKind.MERGED:
        return _undo_merge(change, by=by, at=at, dry_run=dry_run)
    [report] = _take_back([(contact_id, change_id)], by=by, anyway=anyway, at=at, dry_run=dry_run)
    if report.refused is not None:
        raise report.refused
    return report


def take_back_changes(changes: Sequence[Place], *, by: str, at: datetime | None = None) -> list[TakeBackReport]:
    """``take_back_change`` for up to ``MOST`` changes, each a contact and a change, in one transaction.

    The reports come in the same order. What cannot be taken back is said in its report, and the others go on; merges
    are refused here.
    """
    batches = (changes[start : start + MOST] for start in range(0, len(changes), MOST))
    return [report for batch in batches for report in _take_back(batch, by=by, anyway=(), at=at)]


def _undo_merge(change: ImportChange, *, by: str, at: datetime | None, dry_run: bool) -> TakeBackReport:
    if change.merge_id is None:
        raise TakeBackRefused("This merge is not known any more.")
    details = change.details or {}
    sides = details.get("survivor", change.contact_id), details.get("loser", change.contact_id)
    merge = UndoReport(change.merge_id, *sides) if dry_run else undo_merge(change.merge_id, by=by, at=at)
    return TakeBackReport(change.contact_id, change.id, merge=merge)


# 1. Reading


def _read_groups(places: Collection[Place]) -> dict[Place, Group]:
    with closing(load.open_cursor()) as cursor:
        found = read_changes(cursor, places)
        return {place: [change, *read_counterparts(cursor, change)] for place, change in found.items()}


class _Stale(Exception):
    """What was read before the locks is not so any more."""


def _take_back(
    places: Sequence[Place], *, by: str, anyway: Collection[str], at: datetime | None, dry_run: bool = False
) -> list[TakeBackReport]:
    """Whom a change concerns is known only once it is read, and may change until they are locked (race 2)."""
    for _ in range(MAX_TRIES):
        groups = _read_groups(places)
        changes = [change for group in groups.values() for change in group]
        parties = {pk for change in changes for pk in parties_of(change)}
        with suppress(_Stale):
            taken = run_in_frame(
                lambda frame, groups=groups: _Taking(frame, groups, anyway).run(places),  # type: ignore[misc]
                {change.contact_id for change in changes} | parties,
                {key for change in changes for key in keys_of(change)},
                by=by,
                at=at,
                dry_run=dry_run,
                afterwards=_Taking.finish,
            )
            return taken.reports
    raise WriteConflict


# 2. Behind the locks


class _Taking:
    """Several changes on their way back; the last of a contact goes first."""

    def __init__(self, frame: Frame, groups: Mapping[Place, Group], anyway: Collection[str]) -> None:
        self.frame = frame
        self.groups = groups
        self.anyway = anyway
        self.lifted: list[Key] = []
        self.reports: list[TakeBackReport] = []

    def run(self, places: Sequence[Place]) -> _Taking:
        if _read_groups(places) != self.groups:
            raise _Stale
        learned = learn(self.frame, [change for group in self.groups.values() for change in group])
        found = {place: self.take_back(place, learned) for place in sorted(places, key=lambda place: -place[1])}
        self.reports = [found[place] for place in places]
        return self

    def take_back(self, place: Place, learned: Learned) -> TakeBackReport:
        group = self.groups.get(place, [])
        report = TakeBackReport(*place, refused=self.find_refusal(place, group))
        if report.refused is None:
            going = GoingBack(self.frame, group[0], group[1:], learned, anyway=self.anyway)
            going.run()
            report.restored, report.left = going.went_back, going.left
            self.lifted += going.lifted
            if not (report.restored or report.left):
                report.refused = NothingToTakeBack(contact_id=place[0])
        return report

    def find_refusal(self, place: Place, group: Group) -> CardfileError | None:
        contact = self.frame.world.contact(place[0])
        if not group:
            return ChangeNotFound(contact_id=place[0])
        if contact is None or contact.values["state"] == ERASED:
            return ContactNotFound(contact_id=place[0])
        if contact.values["state"] == MERGED:
            text = "The contact was merged into another one since. Undo that merge first."
            return TakeBackRefused(text, other_id=contact.values["merged_into_id"])
        return _refuse_kind(group[0])

    def finish(self) -> None:
        """Once all is written: whoever else has an address whose state changed."""
        if self.lifted:
            with closing(load.open_cursor()) as cursor:
                settle_states(cursor, self.lifted, by=self.frame.cause.by, moment=self.frame.moment)


def _refuse_kind(change: ImportChange) -> CardfileError | None:
    details = change.details or {}
    if change.kind == ChangeKind.CREATED:
        return DeleteInstead(contact_id=change.contact_id)
    if change.kind == ChangeKind.UNMERGED:
        return MergeInstead(survivor_id=details.get("survivor"), loser_id=details.get("loser"))
    if change.kind == ChangeKind.MERGED:
        return TakeBackRefused("This change is a merge. Undo the merge.", merge_id=change.merge_id)
    return None if change.before or change.after else NothingToTakeBack(contact_id=change.contact_id)
