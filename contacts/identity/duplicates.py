"""Duplicate cases: contacts that may be one person, for a person to decide. Resolution opens them (T13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import transaction

from contacts import populations
from contacts.identity import load
from contacts.identity.errors import ContactNotFound
from contacts.models import CaseReason, CaseStatus, DuplicateCase

__all__ = ["dismiss_case", "forget_in_cases", "tell_of_cases"]


def dismiss_case(case_id: int, *, by: str, at: datetime | None = None) -> None:
    """These are not the same: remembered for the contacts in the case, it opens again only when another joins them."""
    with transaction.atomic():
        case = DuplicateCase.objects.select_for_update().filter(pk=case_id).first()
        if case is None:
            raise ContactNotFound("There is no such case.", case_id=case_id)
        case.status = CaseStatus.DISMISSED
        case.dismissed_ids = sorted({*case.dismissed_ids, *case.contact_ids})
        case.closed_at = at or datetime.now(UTC)
        case.closed_by = by
        case.save(update_fields=["status", "dismissed_ids", "closed_at", "closed_by"])
        tell_of_cases(case.contact_ids, at=case.closed_at)


def tell_of_cases(contact_ids: Collection[int], *, at: datetime | None = None) -> None:
    """Say that cases of these contacts were opened, closed, or are about others now."""
    if contact_ids:
        told = sorted(set(contact_ids))
        populations.contacts_changed.send(sender=None, contact_ids=told, at=at or datetime.now(UTC), what="case")


def forget_in_cases(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> None:
    """These contacts are gone; cases without them that nobody needs to decide go too."""
    cursor.execute(
        "UPDATE contacts_duplicatecase SET"
        " contact_ids = ARRAY(SELECT unnest(contact_ids) EXCEPT SELECT unnest(%(ids)s::bigint[]) ORDER BY 1),"
        " dismissed_ids = ARRAY(SELECT unnest(dismissed_ids) EXCEPT SELECT unnest(%(ids)s::bigint[]) ORDER BY 1)"
        " WHERE contact_ids && %(ids)s::bigint[] RETURNING id, reason, contact_ids",
        {"ids": load.array_of(ids)},
    )
    cases = cursor.fetchall()
    pointless = [case_id for case_id, reason, left in cases if len(left) < (1 if reason == CaseReason.REFUSED else 2)]
    cursor.execute("DELETE FROM contacts_duplicatecase WHERE id = ANY(%s::bigint[])", (load.array_of(pointless),))
    tell_of_cases([contact_id for _case, _reason, left in cases for contact_id in left])
