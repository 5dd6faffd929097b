"""Reading for the doors: a contact with what belongs to it, and whose external ID it is. Nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contacts import populations
from contacts.api.fields import keys_by_id
from contacts.api.translate import show_contact
from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_external_id, compare_form

__all__ = ["find_by_external_id", "read_shown_contact", "show_contacts", "show_groups"]


def show_contacts(rows: Sequence[Mapping[str, Any]], field_keys: Mapping[int, str]) -> list[dict[str, Any]]:
    """Contacts as the wire shows them in a list, without their groups; ``rows`` are their columns."""
    identifiers = defaultdict(list)
    for row in Identifier.objects.filter(contact_id__in=[values["id"] for values in rows]):
        identifiers[row.contact_id].append(row)
    return [show_contact(values, identifiers[values["id"]], field_keys) for values in rows]


def show_groups(groups: Iterable[populations.Population]) -> list[dict[str, Any]]:
    return [{"id": group.id, "name": group.name, "type": group.type.capitalize()} for group in groups]


def read_shown_contact(contact_id: int) -> dict[str, Any] | None:
    """The contact as the wire shows it, for a merged one its survivor (L13); None if there is nothing to show."""
    values = Contact.objects.filter(pk=contact_id).values().first()
    if values and values["state"] == ContactState.MERGED:
        values = Contact.objects.filter(pk=values["merged_into_id"]).values().first()
    if not values or values["state"] != ContactState.ACTIVE:
        return None
    identifiers = Identifier.objects.filter(contact_id=values["id"])
    shown = show_contact(values, identifiers, keys_by_id() if values["attributes"] else {})
    groups = show_groups(populations.current().groups_of(values["id"]))
    return shown | {"groups": groups} if groups else shown


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
