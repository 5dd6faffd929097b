"""Whom a caller names: by an id, by external IDs. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable

from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_external_id, compare_form

__all__ = ["find_active", "find_by_external_ids", "find_kept"]


def find_active(contact_id: int) -> int | None:
    """The contact, for a merged one its survivor (L13); None unless it is active."""
    return find_in(contact_id, (ContactState.ACTIVE,))


def find_kept(contact_id: int) -> int | None:
    """The contact, for a merged one its survivor (L13), a deleted one too; None for unknown and erased ones."""
    return find_in(contact_id, (ContactState.ACTIVE, ContactState.DELETED))


def find_in(contact_id: int, states: Iterable[ContactState]) -> int | None:
    survivor = Contact.objects.filter(pk=contact_id).values_list("merged_into_id", flat=True).first()
    found = Contact.objects.filter(pk=survivor or contact_id, state__in=list(states))
    return found.values_list("pk", flat=True).first()


def find_by_external_ids(values: Iterable[str]) -> list[int]:
    """The contacts that have one of these external IDs, deleted ones too; what cannot be one is nobody's."""
    longest = current_settings().schema.external_id_max_length
    forms = {form for value in values if (form := compared_external_id(value, longest)) is not None}
    owners = Identifier.objects.filter(value__in=forms, kind=Kind.EXTERNAL_ID, app="")
    return list(owners.values_list("contact_id", flat=True))


def compared_external_id(value: str, longest: int) -> str | None:
    try:
        text = clean_external_id(value, longest)
    except InvalidValue:
        return None
    return None if text is None else compare_form(Kind.EXTERNAL_ID, "", text)[2]
