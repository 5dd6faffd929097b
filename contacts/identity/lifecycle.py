"""Deleting contacts, and bringing them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from contacts.identity.decide import delete_in, restore_in
from contacts.identity.frame import Frame, open_frame, retried
from contacts.identity.resolve import MAX_BATCH
from contacts.identity.types import Outcome, Status
from contacts.identity.world import ACTIVE, DELETED, ERASED, ContactRow

__all__ = ["delete_contacts", "restore_contacts"]


def delete_contacts(ids: Sequence[int], *, by: str, at: datetime | None = None) -> list[Outcome]:
    """Delete contacts so that they can be restored; a merged id means its survivor, a second time changes nothing."""
    return _in_batches(ids, _delete, by=by, at=at)


def restore_contacts(ids: Sequence[int], *, by: str, at: datetime | None = None) -> list[Outcome]:
    """Bring deleted contacts back."""
    return _in_batches(ids, _restore, by=by, at=at)


Act = Callable[[Frame, ContactRow], bool]


def _in_batches(ids: Sequence[int], act: Act, *, by: str, at: datetime | None) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for start in range(0, len(ids), MAX_BATCH):
        batch = list(ids[start : start + MAX_BATCH])

        def run(batch: list[int] = batch) -> list[Outcome]:
            with open_frame(batch, by=by, at=at) as frame:
                return [_act_on(contact_id, frame, act) for contact_id in batch]

        outcomes += retried(run)
    return outcomes


def _act_on(contact_id: int, frame: Frame, act: Act) -> Outcome:
    contact = frame.world.follow(contact_id)
    if contact is None or contact.values["state"] == ERASED:
        return Outcome(contact_id, Status.FAILED, code="contact_not_found", column="id")
    frame.world.begin()
    changed = act(frame, contact)
    return Outcome(contact_id, Status.UPDATED if changed else Status.UNCHANGED, contact.id, matched_by="id")


def _delete(frame: Frame, contact: ContactRow) -> bool:
    if contact.values["state"] != ACTIVE:
        return False
    delete_in(frame.world, contact)
    return True


def _restore(frame: Frame, contact: ContactRow) -> bool:
    if contact.values["state"] != DELETED:
        return False
    restore_in(frame.world, contact)
    return True
