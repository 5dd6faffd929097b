"""The open cases that a contact is part of, for its sheet."""

from __future__ import annotations

from typing import Any, Final

from contacts.admin.suggesting import name_shared
from contacts.identity.duplicates import waiting_cases
from contacts.models import Contact, ContactState

__all__ = ["list_open_cases"]

CASES_AT_MOST: Final = 5
OTHERS_AT_MOST: Final = 5


def list_open_cases(contact: Contact) -> list[dict[str, Any]]:
    """Who may be the same person, and by what: two statements, and only one where there is nobody."""
    cases = list(waiting_cases().filter(contact_ids__contains=[contact.pk]).order_by("-pk")[:CASES_AT_MOST])
    others = {case.pk: [pk for pk in case.contact_ids if pk != contact.pk][:OTHERS_AT_MOST] for case in cases}
    ids = {pk for named in others.values() for pk in named}
    living = Contact.objects.filter(pk__in=ids, state__in=(ContactState.ACTIVE, ContactState.DELETED))
    names = {other.pk: str(other) for other in living} if ids else {}
    return [
        {
            "case": case,
            "kind": name_shared(case),
            "others": [(pk, names[pk]) for pk in others[case.pk] if pk in names],
        }
        for case in cases
        if any(pk in names for pk in others[case.pk])
    ]
