"""What an app knows of the person who holds the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contacts.activity.consents import subscribe_contact
from contacts.bulk.effects import Effects
from contacts.bulk.options import BulkOptions
from contacts.identity import Outcome, Status
from contacts.identity.types import MOBILE
from contacts.mobile.devices import Device, follow_device, list_identifiers
from contacts.mobile.lenient import put_identifiers, write_leniently
from contacts.models import App
from contacts.wire import WireContact

__all__ = ["Wishes", "note_user"]

REFUSED = frozenset({Status.FAILED, Status.SKIPPED})


@dataclass(frozen=True, slots=True)
class Wishes:
    """Ids of static segments to be put into and taken out of, and keys of what the person agrees to."""

    join: tuple[int, ...] = ()
    leave: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()


def note_user(app: App, device: Device, wire: WireContact, wishes: Wishes, *, by: str) -> Outcome:
    """Write what is known of the person on the contact that the identity rules find; all of it or nothing.

    Raises what ``write_leniently`` raises.
    """
    put_identifiers(wire, list(list_identifiers(app, device)))
    options = BulkOptions(key="default", add_to_segments=wishes.join, remove_from_segments=wishes.leave)
    effects = Effects(options, by=by, key="")

    def within(outcomes: Sequence[Outcome]) -> None:
        effects.write(outcomes)
        for outcome in outcomes:
            if wishes.categories and outcome.contact_id is not None and outcome.status not in REFUSED:
                subscribe_contact(outcome.contact_id, wishes.categories, by=by, basis=f"app {app.app_id}")

    outcome = write_leniently(wire, MOBILE, by=by, within=within)
    follow_device(device, [outcome], by=by)
    return outcome
