"""Contacts in the palette of commands: by whatever the search box of the list understands, the first ten."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from contacts.finding.paging import read_page
from contacts.models import Contact, ContactState
from contacts.selections import Selection

__all__ = ["search_contacts"]

FOUND_AT_MOST: Final = 10
MILLISECONDS: Final = 500


def search_contacts(request: HttpRequest, term: str) -> list[SearchResult]:
    """``term`` comes in small letters, and external IDs tell them from capitals: what was typed is in the request."""
    if not any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change")):
        return []
    conditions = Selection.kept([request.GET.get("s", term)])
    if not conditions:
        return []
    wanted = Selection(conditions={"q": conditions[0]}).wanted()
    page = read_page(wanted, size=FOUND_AT_MOST, milliseconds=MILLISECONDS)
    return [show(contact) for contact in page.rows[:FOUND_AT_MOST]]


def show(contact: Contact) -> SearchResult:
    known = [contact.external_id, contact.email, contact.phone]
    said = [text for text in known if text and text != str(contact)]
    return SearchResult(
        title=str(contact),
        description=" · ".join([*said, *([contact.get_state_display()] if is_deleted(contact) else [])]),
        link=reverse("admin:contacts_contact_change", args=[contact.pk]),
        icon="person",
    )


def is_deleted(contact: Contact) -> bool:
    return contact.state == ContactState.DELETED
