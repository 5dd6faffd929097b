"""The verbs that record what a contact agreed to: its subscriptions, by category."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import psycopg
from django.db import transaction

from contacts import populations
from contacts.activity.categories import note_categories
from contacts.activity.places import FOR_UPDATE, lock_contacts
from contacts.identity.errors import ContactNotFound
from contacts.identity.load import open_cursor, text_array
from contacts.models import Contact, ContactState

__all__ = ["LONGEST_CATEGORY", "replace_subscriptions", "subscribe_contact"]

LONGEST_CATEGORY: Final = 50

_WITHDRAW: Final = """
UPDATE contacts_consent SET granted = false, basis = %s, at = %s, by = %s
WHERE contact_id = %s AND granted AND category <> ALL(%s::text[])
"""
# What stands there already stays as it was agreed to: when, by whom and on which basis.
_GRANT: Final = """
INSERT INTO contacts_consent AS c (contact_id, category, granted, basis, at, by)
SELECT %s, category, true, %s, %s, %s FROM unnest(%s::text[]) AS category ORDER BY category
ON CONFLICT (contact_id, category) DO UPDATE
SET granted = true, basis = excluded.basis, at = excluded.at, by = excluded.by WHERE NOT c.granted
"""


def subscribe_contact(
    contact_id: int, categories: Collection[str], *, by: str, basis: str, at: datetime | None = None
) -> int:
    """The contact agrees to these categories, and to what it agreed to before; gives its id.

    An id of a merged contact means its survivor. Raises ``ContactNotFound`` (unknown, deleted, erased).
    """
    with transaction.atomic():
        cursor = open_cursor()
        survivor_id = _lock(cursor, contact_id)
        moment = at or datetime.now(UTC)
        _grant(cursor, survivor_id, categories, by=by, basis=basis, at=moment)
        cursor.close()
        _tell(survivor_id, moment)
    return survivor_id


def replace_subscriptions(
    contact_id: int, categories: Collection[str], *, by: str, basis: str, at: datetime | None = None
) -> int:
    """The contact agrees to these categories and to no others: as ``subscribe_contact``, and the rest is withdrawn."""
    moment = at or datetime.now(UTC)
    with transaction.atomic():
        cursor = open_cursor()
        survivor_id = _lock(cursor, contact_id)
        cursor.execute(_WITHDRAW, (basis, moment, by, survivor_id, text_array(categories)))
        _grant(cursor, survivor_id, categories, by=by, basis=basis, at=moment)
        cursor.close()
        _tell(survivor_id, moment)
    return survivor_id


def _tell(contact_id: int, moment: datetime) -> None:
    populations.contacts_changed.send(sender=None, contact_ids=[contact_id], at=moment, what="consent")


def _lock(cursor: psycopg.Cursor[tuple[object, ...]], contact_id: int) -> int:
    """The contact, locked: a merge that runs meanwhile would leave the consent behind on its loser (race 3)."""
    survivor_id = lock_contacts(cursor, [contact_id], lock=FOR_UPDATE).get(contact_id)
    if survivor_id is None or not Contact.objects.filter(pk=survivor_id, state=ContactState.ACTIVE).exists():
        raise ContactNotFound(contact_id=contact_id)
    return survivor_id


def _grant(
    cursor: psycopg.Cursor[tuple[object, ...]],
    contact_id: int,
    categories: Collection[str],
    *,
    by: str,
    basis: str,
    at: datetime,
) -> None:
    note_categories(categories)
    cursor.execute(_GRANT, (contact_id, basis, at, by, text_array(sorted(set(categories)))))
