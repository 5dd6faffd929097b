"""One identifier is taken off a contact, or moved to another, because a person says so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from django.db import transaction

from contacts.identity.decide import note_shared, other_active
from contacts.identity.errors import (
    IdentifierCollides,
    IdentifierNotHeld,
    IdentifierStays,
    MoveRefused,
    PersonOnly,
)
from contacts.identity.frame import Frame, open_frame, retried
from contacts.identity.letting_go import (
    empty_field,
    field_of,
    name_contact,
    note_key,
    note_rows,
    read_stored,
    stands_on,
)
from contacts.identity.revert import CHANNEL_PARTS, SUPPRESSED_FROM, value_of
from contacts.identity.settings import fresh_settings
from contacts.identity.sharing import look_again
from contacts.identity.world import ACTIVE, DELETED, ContactRow, Entry, World
from contacts.keys import Kind
from contacts.models import ChangeKind
from contacts.normalize import InvalidValue, compare_form
from contacts.records import Key

__all__ = ["Detached", "detach_identifier", "is_person", "move_identifier", "run_in_frame"]

SHARED_ADDRESSES: Final = frozenset({int(Kind.EMAIL), int(Kind.PHONE)})

T = TypeVar("T")
Parts = tuple[Any, Any, Any]
"""The state of a channel, since when, and why."""


@dataclass(frozen=True, slots=True)
class Detached:
    """What became of a contact that let go of an identifier, and who has it now.

    ``column`` is the field that the value stood in, ``now`` what stands there; ``is_bare`` says that no identifier is
    left, so that no record finds the contact, ``is_anonymous`` that it has become anonymous (T4, retention).
    """

    contact_id: int
    key: Key
    column: str = ""
    was: Any = None
    now: Any = None
    is_bare: bool = False
    is_anonymous: bool = False
    to_contact_id: int | None = None


def detach_identifier(
    contact_id: int, kind: Kind, app: str, value: str, *, by: str, at: datetime | None = None, dry_run: bool = False
) -> Detached:
    """Take an identifier off a contact; ``value`` is its compare form. A merged id means its survivor.

    Where the value stood in a field, that empties, or a further one moves up. Events stay where they were recorded.
    A dry run says the same and writes nothing. Raises ``ContactNotFound``, ``IdentifierNotHeld``, ``IdentifierStays``
    (an order number) and ``PersonOnly`` (an external ID, T10).
    """
    key = _check_kind(compare_form(int(kind), app, value), by)

    def act(frame: Frame) -> Detached:
        return _detach(frame, name_contact(frame.world, contact_id), key)

    return run_in_frame(act, [contact_id], [key], by=by, at=at, dry_run=dry_run)


def move_identifier(
    contact_id: int,
    kind: Kind,
    app: str,
    value: str,
    to_contact_id: int,
    *,
    by: str,
    at: datetime | None = None,
    dry_run: bool = False,
) -> Detached:
    """Move an identifier to another contact, as ``detach_identifier`` and with what is known of it.

    Raises also ``IdentifierCollides`` where the other contact has a value of that kind, or somebody else with another
    external ID has it and the policy says that they may not share it, and ``MoveRefused`` (to itself, to a deleted
    one); ``other_id`` is who stands in the way.
    """
    key = _check_kind(compare_form(int(kind), app, value), by)

    def act(frame: Frame) -> Detached:
        giver, taker = name_contact(frame.world, contact_id), name_contact(frame.world, to_contact_id)
        return _move(frame, giver, taker, key)

    return run_in_frame(act, [contact_id, to_contact_id], [key], by=by, at=at, dry_run=dry_run)


def is_person(by: str) -> bool:
    """Whether somebody who is signed in writes, rather than a program."""
    return by.startswith("user:")


def _check_kind(key: Key, by: str) -> Key:
    if key[0] == Kind.ORDER:
        raise IdentifierStays("An order number belongs to its order and goes where the order goes.")
    if key[0] == Kind.EXTERNAL_ID and not is_person(by):
        raise PersonOnly("Only a person may take an external ID off a contact.")
    return key


# Within the locks


class _Rehearsed(Exception):
    """The decision is known; nothing of it shall be written."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def run_in_frame(
    act: Callable[[Frame], T],
    ids: Collection[int],
    values: Collection[Key],
    *,
    by: str,
    at: datetime | None = None,
    dry_run: bool = False,
    afterwards: Callable[[T], None] = lambda _: None,
) -> T:
    """``act`` on these contacts behind the locks that ``resolve`` takes; then look again at the cases of what went.

    ``afterwards`` runs in the same transaction, once everything is written.
    """
    moment = at or datetime.now(UTC)

    def run() -> T:
        with nullcontext() if dry_run else transaction.atomic():
            with open_frame(ids, by=by, at=moment, values=values) as frame:
                frame.cause = frame.cause._replace(source="sheet")
                result = act(frame)
                if dry_run:
                    raise _Rehearsed(result)
            shared = [key for key, _ in frame.world.removed if key[0] in SHARED_ADDRESSES]
            shared += [key for key in frame.world.attached if key[0] in SHARED_ADDRESSES]
            look_again(shared, frame.world.changed, by=by, at=moment)
            afterwards(result)
        return result

    try:
        return retried(run)
    except _Rehearsed as rehearsed:
        known: T = rehearsed.result
        return known


def _detach(frame: Frame, contact: ContactRow, key: Key) -> Detached:
    world = frame.world
    entry, was = _begin(frame, contact, key, ChangeKind.DETACHED)
    column = field_of(key) if stands_on(contact, key) else ""
    world.detach(contact, key)
    if column:
        empty_field(world, contact, key)
    note_key(entry, "before", key)
    return _tell(world, contact, key, column, was)


def _move(frame: Frame, giver: ContactRow, taker: ContactRow, key: Key) -> Detached:
    world = frame.world
    _check_held(giver, key, world)
    value = _check_taker(world, giver, taker, key)
    left, was = _begin(frame, giver, key, ChangeKind.MIGRATED)
    column = field_of(key) if stands_on(giver, key) else ""
    parts = _parts_of(giver, column)
    world.move(key, giver, taker)
    world.unseen.add(key)
    # 1. Who gives it.
    if column:
        empty_field(world, giver, key)
    note_key(left, "before", key)
    left.details["migrated_to"] = taker.id
    # 2. Who takes it.
    came = world.entry_of(taker)
    if value is not None:
        _stand(world, taker, key, value, parts)
    note_key(came, "after", key)
    came.details["migrated_from"] = [giver.id]
    if key[0] in SHARED_ADDRESSES and taker.values["state"] == ACTIVE:
        note_shared(world, taker, key)
    return _tell(world, giver, key, column, was, taker.id)


def _begin(frame: Frame, contact: ContactRow, key: Key, kind: str) -> tuple[Entry, Any]:
    """The contact's entry in the journal, with the stored row that goes; and what stood in the field."""
    world = frame.world
    _check_held(contact, key, world)
    stored = read_stored(frame.cursor, [contact.id])
    was = value_of(contact, field_of(key)) if stands_on(contact, key) else None
    world.begin()
    entry = world.entry_of(contact, kind)
    note_rows(entry, stored.get(contact.id, {}), [key])
    return entry, was


def _check_held(contact: ContactRow, key: Key, world: World) -> None:
    if key not in world.keys_held_by(contact):
        raise IdentifierNotHeld(contact_id=contact.id)


def _check_taker(world: World, giver: ContactRow, taker: ContactRow, key: Key) -> Any:
    """Whether the other one may have it; gives what is to stand in its field, None where nothing is."""
    if giver.id == taker.id:
        raise MoveRefused("The identifier is this contact's already. Choose another one.", other_id=taker.id)
    if taker.values["state"] == DELETED:
        raise MoveRefused("That contact is deleted. Restore it first, or choose another one.", other_id=taker.id)
    if key in world.keys_held_by(taker):
        raise IdentifierCollides(
            "That contact has this identifier already. Detach it here instead.", other_id=taker.id, column=field_of(key)
        )
    column = field_of(key)
    if not column:
        return None
    current = value_of(taker, column)
    if current is not None:
        raise IdentifierCollides(other_id=taker.id, column=column, value=current)
    _check_sharing(world, giver, taker, key)
    return value_of(giver, column) if stands_on(giver, key) else _value_of_key(key)


def _check_sharing(world: World, giver: ContactRow, taker: ContactRow, key: Key) -> None:
    """Policy: contacts with different external IDs may share an email or phone, or it is refused."""
    own = taker.values["external_id"]
    if key[0] not in SHARED_ADDRESSES or own is None or fresh_settings().policy.external_ids_may_share_channels:
        return
    for other in other_active(world, taker, key):
        if other.id != giver.id and other.values["external_id"] not in (None, own):
            raise IdentifierCollides(
                "Another contact with another external ID has this value, and the policy does not let them share it.",
                other_id=other.id,
                column=field_of(key),
            )


def _value_of_key(key: Key) -> Any:
    """What a further value is in its field, once it stands there; None where the field is no more."""
    if key[0] != Kind.CUSTOM:
        return key[2]
    cleaner = fresh_settings().schema.cleaners.get(field_of(key))
    try:
        return cleaner(key[2]) if cleaner is not None else None
    except InvalidValue as error:
        raise MoveRefused(error.message, column=field_of(key)) from error


def _stand(world: World, taker: ContactRow, key: Key, value: Any, parts: Parts | None) -> None:
    """The value stands in its field; an address brings its state along (T12)."""
    column = field_of(key)
    if column.startswith("fields."):
        world.set_attribute(taker, key[1], value)
        return
    world.set_value(taker, column, value)
    if column not in CHANNEL_PARTS:
        return
    suppressed = world.suppressed.get(key)
    if suppressed is not None:
        parts = (suppressed[0], world.moment, suppressed[1] or None)
    elif parts is None or parts[0] is None or parts[0] >= SUPPRESSED_FROM:
        parts = (ACTIVE, world.moment, None)
    for name, part in zip(CHANNEL_PARTS[column], parts, strict=True):
        world.set_value(taker, name, part)


def _parts_of(contact: ContactRow, column: str) -> Parts | None:
    names = CHANNEL_PARTS.get(column)
    if names is None:
        return None
    state, at, reason = (contact[name] for name in names)
    return state, at, reason


def _tell(
    world: World, contact: ContactRow, key: Key, column: str, was: Any, to_contact_id: int | None = None
) -> Detached:
    finding = {held for held in world.keys_held_by(contact) if held[0] not in (Kind.ADVERTISING, Kind.ORDER)}
    now = value_of(contact, column) if column else None
    return Detached(contact.id, key, column, was, now, not finding, contact.is_anonymous, to_contact_id)
