"""Duplicate cases: contacts that may be one person, for a person to decide. Resolution opens them (T13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import transaction
from django.db.models import Q, QuerySet

from contacts import populations
from contacts.identity import load
from contacts.identity.errors import ContactNotFound
from contacts.models import CaseReason, CaseStatus, DuplicateCase
from crm.errors import CardfileError

__all__ = [
    "OPEN_CASES",
    "PutOffRefused",
    "dismiss_case",
    "forget_in_cases",
    "put_off_case",
    "tell_of_cases",
    "waiting_cases",
]

LATEST: Final = timedelta(days=366)

OPEN_CASES: Final = """
INSERT INTO contacts_duplicatecase AS c
    (kind, value, reason, contact_ids, dismissed_ids, status, opened_at, closed_by, later_by)
SELECT u.kind, u.value, u.reason, u.contact_ids, '{}', 'open', u.opened_at, '', ''
FROM json_to_recordset(%s::text::json)
AS u (kind smallint, value text, reason text, contact_ids bigint[], opened_at timestamptz)
ON CONFLICT (kind, value) DO UPDATE SET reason = excluded.reason, opened_at = excluded.opened_at,
    contact_ids = ARRAY(SELECT DISTINCT unnest(c.contact_ids || excluded.contact_ids) ORDER BY 1),
    status = CASE WHEN c.dismissed_ids @> (c.contact_ids || excluded.contact_ids) THEN c.status ELSE 'open' END,
    suggestion = NULL, later_until = NULL
WHERE NOT c.contact_ids @> excluded.contact_ids
OR (c.status <> 'open' AND NOT c.dismissed_ids @> excluded.contact_ids)
"""
"""Opens cases, or opens them again where another contact joins; it is judged anew, and put off no longer."""


class PutOffRefused(CardfileError):
    """Choose a day from tomorrow on, within a year."""

    code = "put_off_refused"


def waiting_cases(*, at: datetime | None = None) -> QuerySet[DuplicateCase]:
    """The cases that a person is to decide now: open, and not put off until later."""
    moment = at or datetime.now(UTC)
    return DuplicateCase.objects.filter(
        Q(later_until__isnull=True) | Q(later_until__lte=moment), status=CaseStatus.OPEN
    )


def dismiss_case(case_id: int, *, by: str, at: datetime | None = None) -> None:
    """These are not the same: remembered for the contacts in the case, it opens again only when another joins them."""
    with transaction.atomic():
        case = _lock_case(case_id)
        case.status = CaseStatus.DISMISSED
        case.dismissed_ids = sorted({*case.dismissed_ids, *case.contact_ids})
        case.closed_at = at or datetime.now(UTC)
        case.closed_by = by
        case.save(update_fields=["status", "dismissed_ids", "closed_at", "closed_by"])
        tell_of_cases(case.contact_ids, at=case.closed_at)


def put_off_case(case_id: int, *, until: datetime, by: str, at: datetime | None = None) -> None:
    """Decide it later: it comes back by itself, or at once when another contact joins. Raises ``PutOffRefused``."""
    moment = at or datetime.now(UTC)
    if not moment < until <= moment + LATEST:
        raise PutOffRefused(path="until")
    with transaction.atomic():
        case = _lock_case(case_id)
        if case.status != CaseStatus.OPEN:
            raise PutOffRefused("This case is decided already. Look at the open ones.", case_id=case_id)
        case.later_until, case.later_by = until, by
        case.save(update_fields=["later_until", "later_by"])


def _lock_case(case_id: int) -> DuplicateCase:
    case = DuplicateCase.objects.select_for_update().filter(pk=case_id).first() if case_id < 2**63 else None
    if case is None:
        raise ContactNotFound("There is no such case.", case_id=case_id)
    return case


def tell_of_cases(contact_ids: Collection[int], *, at: datetime | None = None) -> None:
    """Say that cases of these contacts were opened, closed, or are about others now."""
    if contact_ids:
        told = sorted(set(contact_ids))
        populations.contacts_changed.send(sender=None, contact_ids=told, at=at or datetime.now(UTC), what="case")


def forget_in_cases(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> None:
    """These contacts are gone; cases without them that nobody needs to decide go too, and what was found by names."""
    cursor.execute("DELETE FROM contacts_namesake WHERE contact_id = ANY(%s::bigint[])", (load.array_of(ids),))
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
