"""What a bulk call does beside the contacts' own columns: segments, and an event for whoever is new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from contacts import populations
from contacts.activity import note_events
from contacts.bulk.options import BulkOptions
from contacts.identity import Outcome, Status
from contacts.models import Contact

__all__ = ["Effects"]

REACHED: Final = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED, Status.RESTORED})


class Effects:
    """Writes the effects of one call, a batch at a time, in the transaction of its outcomes.

    ``key`` is that of the events. A segment that was deleted since the call was sent is left out.
    """

    def __init__(self, options: BulkOptions, *, by: str, key: str) -> None:
        asked = {*options.add_to_segments, *options.remove_from_segments}
        there = {number for number, _name in populations.current().listed()} if asked else set()
        self.joined = [number for number in options.add_to_segments if number in there]
        self.left = [number for number in options.remove_from_segments if number in there]
        self.event = options.event_for_new
        self.by = by
        self.key = key

    def write(self, outcomes: Sequence[Outcome]) -> None:
        if not (self.joined or self.left or self.event):
            return
        reached = {one.contact_id for one in outcomes if one.status in REACHED and one.contact_id is not None}
        created = {one.contact_id for one in outcomes if one.status == Status.CREATED and one.contact_id is not None}
        survivors = _survivors(reached)
        ids = sorted(set(survivors.values()))
        for segment in self.joined if ids else ():
            populations.current().add(segment, ids, by=self.by)
        for segment in self.left if ids else ():
            populations.current().remove(segment, ids, by=self.by)
        new = sorted({survivors[contact_id] for contact_id in created if contact_id in survivors})
        if self.event and new:
            note_events(new, self.event, key=self.key, source="api", at=datetime.now(UTC))


def _survivors(ids: set[int]) -> dict[int, int]:
    """A record's contact may have been merged by a later record of its batch."""
    rows = Contact.objects.filter(pk__in=ids).values_list("pk", "merged_into")
    return {pk: survivor or pk for pk, survivor in rows}
