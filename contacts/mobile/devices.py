"""Devices and their push tokens: what a device is, which token it has; and the token goes where the device goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contacts.identity import Outcome, detach_identifier
from contacts.identity.errors import ContactNotFound, IdentifierNotHeld
from contacts.identity.types import DEVICE
from contacts.keys import Kind
from contacts.mobile.lenient import put_identifiers, write_leniently
from contacts.models import App, Identifier
from contacts.normalize import compare_form
from contacts.wire import WireContact

__all__ = ["Device", "list_identifiers", "note_device"]

ON_TOKEN: Final = ("deviceModel", "os", "locale", "appVersion", "active")
"""What the server's API tells of a token's device; the token keeps it too, for it may be moved without the device."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it calls: ``id`` and ``token`` as they were sent, empty where they were not.

    ``is_active`` says whether its owner lets messages be shown, None where it was not said.
    """

    id: str
    token: str = ""
    is_active: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def compared(self) -> str:
        """The form that its ID is compared in."""
        return compare_form(Kind.DEVICE, "", self.id)[2]

    def describe(self) -> dict[str, Any]:
        return dict(self.details) if self.is_active is None else {**self.details, "active": self.is_active}


def note_device(app: App, device: Device, wire: WireContact, *, by: str) -> Outcome:
    """The device is hung on its contact, which is found or made by the identity rules, and describes itself.

    ``wire`` is what else the call says of the contact. A token replaces the one that the device had with this app.
    Raises what ``write_leniently`` raises.
    """
    put_identifiers(wire, [*list_identifiers(app, device), *wire.record.get("identifiers", ())])
    outcome = write_leniently(wire, DEVICE, by=by)
    if device.token and device.id and outcome.contact_id is not None:
        left = {contact_id for kind, _value, contact_id in outcome.migrated if kind == Kind.DEVICE.slug}
        _forget_old_tokens(app, device, {outcome.contact_id, *left}, by=by)
    return outcome


def list_identifiers(app: App, device: Device) -> Iterator[dict[str, Any]]:
    """As ``contacts.normalize`` reads them; a device that does not say its token has the one it had."""
    about = device.describe()
    if device.id:
        told = {"app": app.app_id, **about} if about else {}
        yield {"kind": Kind.DEVICE.slug, "app": "", "value": device.id, "details": told}
    token = device.token or (find_token(app, device) if device.id else "")
    if token:
        told = {name: about[name] for name in ON_TOKEN if name in about}
        if device.id and device.token:
            told["deviceId"] = device.compared
        yield {"kind": Kind.MOBILE_PUSH.slug, "app": app.app_id, "value": token, "details": told}


def find_token(app: App, device: Device) -> str:
    """The push token that the device has with this app; empty where it has none."""
    known = Identifier.objects.filter(value=device.compared, kind=Kind.DEVICE, app="")
    owner = known.values_list("contact_id", flat=True).first()
    row = _tokens_of(app, device, [owner]).order_by("-last_seen_at").first() if owner is not None else None
    return str((row.details or {}).get("value", row.value)) if row else ""


def _forget_old_tokens(app: App, device: Device, contact_ids: Collection[int], *, by: str) -> None:
    """A device has one token an app: what it had before reaches nobody any more.

    Looked for once the new one is written, so that of two calls at once the later one finds what the earlier one wrote.
    """
    current = compare_form(Kind.MOBILE_PUSH, app.app_id, device.token)[2]
    for row in _tokens_of(app, device, contact_ids).exclude(value=current):
        try:
            detach_identifier(row.contact_id, Kind.MOBILE_PUSH, row.app, row.value, by=by)
        except (ContactNotFound, IdentifierNotHeld):  # somebody else was faster
            continue


def _tokens_of(app: App, device: Device, contact_ids: Collection[int]) -> Any:
    return Identifier.objects.filter(
        contact_id__in=contact_ids, kind=Kind.MOBILE_PUSH, app=app.app_id, details__deviceId=device.compared
    )
