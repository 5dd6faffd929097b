"""Devices and their push tokens: what a device is, which token it has; and the token goes where the device goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.db.models import QuerySet

from contacts.identity import Outcome, detach_identifier, move_identifier, resolve
from contacts.identity.errors import ContactNotFound, IdentifierCollides, IdentifierNotHeld, MoveRefused
from contacts.identity.types import DEVICE, ORDER
from contacts.keys import Kind
from contacts.mobile.lenient import put_identifiers, write_leniently
from contacts.models import App, Identifier
from contacts.normalize import compare_form
from contacts.wire import WireContact

__all__ = ["Device", "follow_device", "list_identifiers", "note_device"]

ON_TOKEN: Final = ("deviceModel", "os", "locale", "appVersion", "active")
"""What the server's API tells of a token's device; the token keeps it too, for it may be moved without the device."""

DESCRIBE: Final = replace(ORDER, source="mobile", may_create=False)
"""As an order does: it finds who has the token, and changes nothing else (L17)."""
OTHERS_WERE_FASTER: Final = (ContactNotFound, IdentifierNotHeld, IdentifierCollides, MoveRefused)


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
    follow_device(device, [outcome], by=by)
    if device.id and outcome.contact_id is not None:
        keep_token = _forget_old_tokens if device.token else _describe_token
        keep_token(app, device, outcome.contact_id, by=by)
    return outcome


def list_identifiers(app: App, device: Device) -> Iterator[dict[str, Any]]:
    """What the call carries, as ``contacts.normalize`` reads it."""
    about = device.describe()
    if device.id:
        told = {"app": app.app_id, **about} if about else {}
        yield {"kind": Kind.DEVICE.slug, "app": "", "value": device.id, "details": told}
    if device.token:
        told = _of_token(about) | ({"deviceId": device.compared} if device.id else {})
        yield {"kind": Kind.MOBILE_PUSH.slug, "app": app.app_id, "value": device.token, "details": told}


def follow_device(device: Device, outcomes: Iterable[Outcome], *, by: str) -> None:
    """Tokens go where their device went (T5): else messages for one person would come up on another's screen.

    Afterwards, for what there is by then: a token that was named before could have been replaced meanwhile.
    """
    went = {
        giver: outcome.contact_id
        for outcome in outcomes
        for kind, value, giver in outcome.migrated
        if outcome.contact_id is not None and (kind, value) == (Kind.DEVICE.slug, device.compared)
    }
    for row in _tokens_of(device, went) if went else ():
        with suppress(*OTHERS_WERE_FASTER):
            move_identifier(row.contact_id, Kind.MOBILE_PUSH, row.app, row.value, went[row.contact_id], by=by)
    for contact_id in set(went.values()):
        newest: dict[str, Identifier] = {}
        for row in _tokens_of(device, [contact_id]).order_by("-last_seen_at", "-pk"):
            if newest.setdefault(row.app, row) is not row:
                _forget_token(row, by=by)


def _forget_old_tokens(app: App, device: Device, contact_id: int, *, by: str) -> None:
    """A device has one token an app: what it had before reaches nobody any more.

    Looked for once the new one is written, as is what followed a device once it has come: of two calls at once, the
    later one finds what the earlier one wrote. Where it was not written, as on a deleted contact, the old one stays.
    """
    current = compare_form(Kind.MOBILE_PUSH, app.app_id, device.token)[2]
    rows = list(_tokens_of(device, [contact_id]).filter(app=app.app_id))
    if any(row.value == current for row in rows):
        for row in rows:
            if row.value != current:
                _forget_token(row, by=by)


def _forget_token(row: Identifier, *, by: str) -> None:
    with suppress(*OTHERS_WERE_FASTER):
        detach_identifier(row.contact_id, Kind.MOBILE_PUSH, row.app, row.value, by=by)


def _describe_token(app: App, device: Device, contact_id: int, *, by: str) -> None:
    """The device said no token: the one that it has is as the device is now."""
    told = _of_token(device.describe())
    for row in _tokens_of(device, [contact_id]).filter(app=app.app_id) if told else ():
        token = {"kind": Kind.MOBILE_PUSH.slug, "app": row.app, "value": row.value, "details": told}
        resolve([{"identifiers": [token]}], DESCRIBE, by=by)


def _of_token(about: Mapping[str, Any]) -> dict[str, Any]:
    return {name: about[name] for name in ON_TOKEN if name in about}


def _tokens_of(device: Device, contact_ids: Iterable[int]) -> QuerySet[Identifier]:
    """Of whatever app."""
    return Identifier.objects.filter(
        contact_id__in=list(contact_ids), kind=Kind.MOBILE_PUSH, details__deviceId=device.compared
    )
