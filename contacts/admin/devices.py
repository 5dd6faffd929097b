"""Devices that apps were seen on lately: when, whose, and what they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.timesince import timesince

from contacts.keys import Kind
from contacts.models import App, Contact, Identifier, SeenDevice

__all__ = ["Seen", "list_seen_devices", "say_last_seen"]

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """``contact`` is None where nothing is left of it."""

    seen_at: datetime
    contact: Contact | None
    model: str = ""
    system: str = ""
    version: str = ""
    is_active: bool | None = None


def list_seen_devices(app: App) -> list[Seen]:
    """The newest first: a sample, since not every call is noted."""
    rows = list(SeenDevice.objects.filter(app=app).order_by("-seen_at")[:SHOWN])
    found = Contact.objects.select_related("merged_into").filter(pk__in=[row.contact_id for row in rows])
    contacts = {contact.pk: contact.merged_into or contact for contact in found}
    details = _read_details(app, {contact.pk for contact in contacts.values()})
    seen = {}
    for row in rows:
        contact = contacts.get(row.contact_id)
        number = contact.pk if contact else row.contact_id
        if number not in seen:  # merged since: one device, seen under two numbers
            seen[number] = _show(row.seen_at, contact, details.get(number, {}))
    return list(seen.values())


def say_last_seen(app: App) -> dict[str, Any]:
    """For the live check: how long ago, and what device; nothing where none was seen yet."""
    row = SeenDevice.objects.filter(app=app).order_by("-seen_at").first()
    if row is None:
        return {"seen_ago": ""}
    seconds = int((timezone.now() - row.seen_at).total_seconds())
    details = _read_details(app, [row.contact_id]).get(row.contact_id, {})
    return {
        "seen_seconds": max(seconds, 0) if seconds < 60 else None,
        "seen_ago": timesince(row.seen_at),
        "seen_model": str(details.get("deviceModel", "")),
    }


def _read_details(app: App, contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """By contact what its device of this app said last."""
    rows = Identifier.objects.filter(contact_id__in=list(contact_ids), kind=Kind.DEVICE, details__app=app.app_id)
    told = rows.order_by("last_seen_at").values_list("contact_id", "details")
    return {contact_id: details or {} for contact_id, details in told}


def _show(seen_at: datetime, contact: Contact | None, details: dict[str, Any]) -> Seen:
    return Seen(
        seen_at,
        contact,
        model=str(details.get("deviceModel", "")),
        system=str(details.get("os", "")),
        version=str(details.get("appVersion", "")),
        is_active=details.get("active"),
    )
