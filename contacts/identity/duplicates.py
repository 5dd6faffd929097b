"""Duplicate cases: contacts that may be one person, for a person to decide. Resolution opens them (T13)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from contacts.identity.errors import ContactNotFound
from contacts.models import CaseStatus, DuplicateCase

__all__ = ["dismiss_case"]


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
