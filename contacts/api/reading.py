"""Reading for the doors: a contact with what belongs to it, and whose external ID it is. Nothing here writes."""

from __future__ import annotations

from typing import Any

from contacts.api.fields import keys_by_id
from contacts.api.translate import show_contact
from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_external_id, compare_form

__all__ = ["find_by_external_id", "read_shown_contact"]


def read_shown_contact(contact_id: int) -> dict[str, Any] | None:
    """The contact as the wire shows it, for a merged one its survivor (L13); None if there is nothing to show."""
    values = Contact.objects.filter(pk=contact_id).values().first()
    if values and values["state"] == ContactState.MERGED:
        values = Contact.objects.filter(pk=values["merged_into_id"]).values().first()
    if not values or values["state"] != ContactState.ACTIVE:
        return None
    identifiers = Identifier.objects.filter(contact_id=values["id"])
    return show_contact(values, identifiers, keys_by_id() if values["attributes"] else {})


def find_by_external_id(value: str) -> int | None:
    """The id of the contact that has this external ID, a deleted one too; None for nobody."""
    try:
        text = clean_external_id(value, current_settings().schema.external_id_max_length)
    except InvalidValue:
        return None
    if text is None:
        return None
    kind, app, compared = compare_form(Kind.EXTERNAL_ID, "", text)
    owners = Identifier.objects.filter(kind=kind, app=app, value=compared)
    return owners.values_list("contact_id", flat=True).first()
