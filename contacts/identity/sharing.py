"""Looks again at the duplicate cases of an email or phone that a contact let go of: who does not share it is not in
them, and a case that nobody needs to decide any more is gone (T13)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import psycopg

from contacts.identity import load
from contacts.identity.duplicates import tell_of_cases
from contacts.identity.world import ACTIVE
from contacts.models import CaseReason, CaseStatus
from contacts.records import Key

__all__ = ["look_again"]

_OPEN: Final = f"""
SELECT c.id, c.kind, c.value, c.reason, c.contact_ids, c.dismissed_ids FROM contacts_duplicatecase c
JOIN unnest(%s::smallint[], %s::text[]) AS k (kind, value) ON c.kind = k.kind AND c.value = k.value
WHERE c.status = '{CaseStatus.OPEN}' ORDER BY c.id FOR UPDATE OF c
"""
_HOLDERS: Final = f"""
SELECT i.contact_id FROM contacts_identifier i JOIN contacts_contact c ON c.id = i.contact_id
WHERE i.contact_id = ANY(%s::bigint[]) AND i.kind = %s AND i.value = %s AND c.state = {ACTIVE}
"""


def look_again(keys: Collection[Key], gone: Collection[int], *, by: str, at: datetime) -> None:
    """``gone`` are the contacts that may have let go of these values. In the transaction that wrote them."""
    with closing(load.open_cursor()) as cursor:
        listed = sorted(keys)
        cursor.execute(_OPEN, (load.array_of(key[0] for key in listed), load.text_array(key[2] for key in listed)))
        for case_id, kind, value, reason, contact_ids, dismissed in cursor.fetchall():
            cursor.execute(_HOLDERS, (load.array_of(contact_ids), kind, value))
            holders = {row[0] for row in cursor.fetchall()}
            left = [pk for pk in contact_ids if pk in holders or pk not in gone]
            if left != contact_ids:
                _write(cursor, case_id, left, _closes(reason, left, holders), dismissed, by=by, at=at)
                tell_of_cases(contact_ids, at=at)


def _closes(reason: str, left: Sequence[int], holders: Collection[int]) -> bool:
    """Whether nothing is left to decide: nobody shares it; or, where a match was refused, nobody has it."""
    sharing = sum(pk in holders for pk in left)
    return sharing < (1 if reason == CaseReason.REFUSED else 2)


def _write(
    cursor: psycopg.Cursor[Any],
    case_id: int,
    left: list[int],
    closes: bool,
    dismissed: Sequence[int],
    *,
    by: str,
    at: datetime,
) -> None:
    if not closes:
        cursor.execute("UPDATE contacts_duplicatecase SET contact_ids = %s WHERE id = %s", (left, case_id))
    elif dismissed:  # what a person said of them is remembered
        cursor.execute(
            f"UPDATE contacts_duplicatecase SET contact_ids = %s, status = '{CaseStatus.DISMISSED}', closed_at = %s,"
            " closed_by = %s WHERE id = %s",
            (left, at, by, case_id),
        )
    else:
        cursor.execute("DELETE FROM contacts_duplicatecase WHERE id = %s", (case_id,))
