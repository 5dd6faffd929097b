"""The rules of the retention, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import transaction

from contacts.activity.old_events import drop_old_events, months_before
from contacts.activity.once import forget_old_receipts
from contacts.activity.unmatched import erase_old_unmatched
from contacts.identity.old_changes import forget_old_changes
from contacts.identity.pieces import Note, Piece, days_before
from contacts.identity.retention import CONTACTS, VISITORS, empty_numbers, erase_anonymous, erase_visitors

__all__ = ["CHANGES", "DAYS", "ERASING", "EVENTS", "MONTHS", "RECEIPTS", "RULES", "UNMATCHED", "Rule"]

DAYS, MONTHS = "days", "months"
UNMATCHED, EVENTS, RECEIPTS, CHANGES = "unmatched", "events", "receipts", "changes"


@dataclass(frozen=True, slots=True)
class Rule:
    """``setting`` is the policy's column that says how long, in ``unit``.

    ``apply`` removes what is older than a moment, as this actor, and notes each piece.
    """

    name: str
    setting: str
    unit: str
    apply: Callable[[datetime, str, Note], None]

    def limit(self, kept: int, at: datetime) -> datetime:
        """What is older than this goes."""
        if self.unit == DAYS:
            return days_before(at, kept)
        first = months_before(at.astimezone(UTC).date(), kept)
        return datetime(first.year, first.month, first.day, tzinfo=UTC)


def apply_to_contacts(before: datetime, by: str, note: Note) -> None:
    empty_numbers(CONTACTS, note=note)  # whom a run erased that was killed then
    erase_anonymous(before, by=by, note=note)


def apply_to_visitors(before: datetime, by: str, note: Note) -> None:
    empty_numbers(VISITORS, note=note)
    erase_visitors(before, note=note)


def apply_to_unmatched(before: datetime, by: str, note: Note) -> None:
    repeat("contacts_unmatchedevent", 1_000, lambda limit: erase_old_unmatched(before, limit=limit), note)


def apply_to_events(before: datetime, by: str, note: Note) -> None:
    drop_old_events(before.date(), note=note)


def apply_to_receipts(before: datetime, by: str, note: Note) -> None:
    repeat("contacts_eventreceipt", 10_000, lambda limit: forget_old_receipts(before, limit=limit), note)


def apply_to_changes(before: datetime, by: str, note: Note) -> None:
    forget_old_changes(before, note=note)


def repeat(table: str, limit: int, remove: Callable[[int], int], note: Note) -> None:
    """Some at a time, each time in a transaction, until there are fewer."""
    gone = limit
    while gone == limit:
        with transaction.atomic():
            gone = remove(limit)
            note(Piece({table: gone}))


RULES: Final = (
    Rule(CONTACTS, "anonymous_erased_after_days", DAYS, apply_to_contacts),
    Rule(VISITORS, "visitors_erased_after_days", DAYS, apply_to_visitors),
    Rule(UNMATCHED, "visitors_erased_after_days", DAYS, apply_to_unmatched),
    Rule(EVENTS, "events_kept_months", MONTHS, apply_to_events),
    Rule(RECEIPTS, "events_kept_months", MONTHS, apply_to_receipts),
    Rule(CHANGES, "journal_kept_days", DAYS, apply_to_changes),
)
ERASING: Final = (CONTACTS, VISITORS)
"""Those that erase somebody."""
