"""What the sheet shows beside the form: identifiers, channels, merges, and cases that this contact is part of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.safestring import SafeString

from contacts.admin.wording import KINDS, SOURCES, show_channel, word
from contacts.identity.world import primary_key_of
from contacts.keys import Kind
from contacts.models import CaseStatus, ChannelState, Contact, DuplicateCase, Identifier, Merge

__all__ = ["Channel", "Held", "list_channels", "list_identifiers", "list_merges", "list_open_cases"]

IDENTIFIERS_AT_MOST: Final = 200
MERGES_AT_MOST: Final = 50
OTHERS_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Held:
    """One identifier of the contact. ``value`` is as it was written where only its hash is compared."""

    kind: str
    app: str
    value: str
    is_primary: bool
    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    details: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Channel:
    """An email or phone with its state."""

    label: str
    shown: str | SafeString
    state: str
    since: datetime | None
    reason: str


def list_identifiers(contact: Contact) -> tuple[list[Held], bool]:
    """All identifiers by kind, and whether there are more than are shown."""
    rows = Identifier.objects.filter(contact_id=contact.pk).exclude(kind=Kind.ORDER)
    found = list(rows.order_by("kind", "-last_seen_at")[: IDENTIFIERS_AT_MOST + 1])
    primary = _primary_values(contact)
    shown = found[:IDENTIFIERS_AT_MOST]
    shown.sort(key=lambda row: (row.kind, primary.get(row.kind) != row.value))
    return [_read_identifier(row, primary) for row in shown], len(found) > IDENTIFIERS_AT_MOST


def _primary_values(contact: Contact) -> dict[int, str]:
    values = {Kind.EXTERNAL_ID: contact.external_id, Kind.EMAIL: contact.email, Kind.PHONE: contact.phone}
    return {int(kind): primary_key_of(kind, value)[2] for kind, value in values.items() if value}


def _read_identifier(row: Identifier, primary: dict[int, str]) -> Held:
    details = dict(row.details or {})
    written = str(details.pop("value", "")) if row.value.startswith("sha256:") else ""
    return Held(
        kind=word(KINDS, row.kind),
        app=row.app,
        value=written or row.value,
        is_primary=primary.get(row.kind) == row.value,
        source=word(SOURCES, row.source),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        details=[(str(key), str(value)) for key, value in details.items()],
    )


def list_channels(contact: Contact) -> list[Channel]:
    """Email and phone, each with state, since when and why."""
    return [
        _read_channel(contact, label, name)
        for label, name in ((word(KINDS, Kind.EMAIL), "email"), (word(KINDS, Kind.PHONE), "phone"))
        if getattr(contact, name)
    ]


def _read_channel(contact: Contact, label: str, name: str) -> Channel:
    state = getattr(contact, f"{name}_state")
    return Channel(
        label,
        show_channel(getattr(contact, name), state),
        str(ChannelState(state).label) if state else "",
        getattr(contact, f"{name}_state_at"),
        getattr(contact, f"{name}_state_reason") or "",
    )


def list_merges(contact: Contact) -> list[Merge]:
    """Merges that this contact survived, the newest first."""
    return list(Merge.objects.filter(contact_id=contact.pk).order_by("-pk")[:MERGES_AT_MOST])


def list_open_cases(contact: Contact) -> list[dict[str, Any]]:
    """Others who share this contact's email or phone: found by the value, so it costs one look-up."""
    keys = _primary_values(contact)
    cases = DuplicateCase.objects.filter(
        value__in=list(keys.values()), kind__in=(*keys, Kind.EXTERNAL_ID), status=CaseStatus.OPEN
    )
    found = [case for case in cases if contact.pk in case.contact_ids and keys.get(case.kind) == case.value]
    others = {case.pk: [pk for pk in case.contact_ids if pk != contact.pk][:OTHERS_AT_MOST] for case in found}
    ids = {pk for named in others.values() for pk in named}
    names = {other.pk: str(other) for other in Contact.objects.filter(pk__in=ids)} if ids else {}
    return [
        {
            "case": case,
            "kind": word(KINDS, case.kind),
            "others": [(pk, names.get(pk, str(pk))) for pk in others[case.pk]],
        }
        for case in found
    ]
