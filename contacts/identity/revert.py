"""What an import did to contacts, taken back one change after another, the last first (pure, over a ``World``).

A column goes back where it still is as the import left it and nobody changed it since; an identifier where it still is
with whom the import gave it to. Everything else is kept, and said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from contacts.identity.absorb import primary_of
from contacts.identity.decide import custom_key, note_shared, open_shared_cases
from contacts.identity.world import (
    ACTIVE,
    CHANNEL_COLUMNS,
    DELETED,
    ERASED,
    MERGED,
    PRIMARY_COLUMNS,
    ContactRow,
    World,
    primary_key_of,
)
from contacts.keys import SHARED_KINDS, Kind
from contacts.records import Key

__all__ = [
    "CHANNEL_PARTS",
    "IDENTIFIERS",
    "PARTS",
    "SUPPRESSED_FROM",
    "Because",
    "ImportChange",
    "Known",
    "Reverting",
    "key_of_note",
    "same_value",
    "value_of",
]

IDENTIFIERS: Final = "identifiers"
CREATED: Final = "created"
CHANNEL_PARTS: Final = {
    column: tuple(f"{name}{part}" for part in ("", "_at", "_reason")) for column, name in CHANNEL_COLUMNS.items()
}
"""An address's column, and the columns that hold its state: they go and come together (T12)."""
PARTS: Final = frozenset({"deleted_at", *(name for parts in CHANNEL_PARTS.values() for name in parts)})
"""Columns that never change alone, so that nobody needs to be told of them."""
KINDS_OF_COLUMNS: Final = {column: kind for kind, column in PRIMARY_COLUMNS.items()}
KIND_OF_SLUG: Final = {kind.slug: kind for kind in Kind}
WITH_OTHERS: Final = PARTS | {"state", IDENTIFIERS}
SUPPRESSED_FROM: Final = 3
"""Channel states from this one on belong to the address itself (T12)."""


class Because(StrEnum):
    """Why something that was to be taken back was left alone, in words."""

    CHANGED = "Somebody changed it since."
    TAKEN = "Somebody else has it by now."
    MERGED = "The contact was merged since."
    USED = "It is in use since."
    ERASED = "It was erased."
    ADDRESS = "The state belongs to the address, and to everybody who has it."
    UNFIT = "The field does not take this value any more."


class ImportChange(NamedTuple):
    """One row of the journal that the import wrote."""

    id: int
    contact_id: int
    at: datetime
    kind: str
    merge_id: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    details: dict[str, Any] | None
    by: str = ""

    @property
    def keys_that_came(self) -> list[Key]:
        return _noted(self.after)

    @property
    def keys_that_went(self) -> list[Key]:
        return _noted(self.before)


def _noted(side: Mapping[str, Any] | None) -> list[Key]:
    """Changeable identifiers in one side of an entry; what was erased is a word and no list."""
    notes = (side or {}).get(IDENTIFIERS)
    return [key_of_note(note) for note in notes] if isinstance(notes, list) else []


def key_of_note(note: Iterable[str]) -> Key:
    """An identifier as the journal names it: kind, app, value."""
    slug, app, value = note
    return int(KIND_OF_SLUG[slug]), app, value


@dataclass
class Known:
    """What is known beside the world.

    ``made``: contacts that the import created, ``doomed``: those among them that nobody touched since, which go.
    ``since``: by contact what others changed since, as (id in the journal, columns). ``used``: contacts that are in use
    since they came. ``first_seen``, ``last_seen``: of stored identifiers. ``traced``: those that the import took off
    their holder or refreshed. ``visitors``: the number of the visitor whom it took one from, by identifier and taker.
    ``dropped``: by survivor what later merges found there already. ``until``: when the import wrote last.
    """

    until: datetime
    made: set[int] = field(default_factory=set)
    doomed: set[int] = field(default_factory=set)
    since: dict[int, list[tuple[int, set[str]]]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    first_seen: dict[tuple[Key, int], datetime] = field(default_factory=dict)
    last_seen: dict[tuple[Key, int], datetime] = field(default_factory=dict)
    traced: set[tuple[Key, int]] = field(default_factory=set)
    visitors: dict[tuple[Key, int], int] = field(default_factory=dict)
    dropped: dict[int, set[Key]] = field(default_factory=dict)
    key_columns: Collection[str] = ()


class Reverting:
    """Walks back through changes; ``kept`` is by contact and reason what was left alone, ``restored`` and ``deleted``
    are the contacts whose state went back, ``returned`` the visitors who have their cookie again, with its taker.
    ``anyway`` are columns that go back whoever changed them since."""

    def __init__(self, world: World, known: Known, *, anyway: Collection[str] = ()) -> None:
        self.world = world
        self.known = known
        self.anyway = anyway
        self.kept: dict[tuple[int, Because], set[str]] = {}
        self.restored: set[int] = set()
        self.deleted: set[int] = set()
        self.returned: set[tuple[int, int]] = set()

    def revert(self, change: ImportChange) -> None:
        contact = self.world.rows.get(change.contact_id)
        if contact is None or contact.values["state"] == ERASED:
            return
        self.world.begin()
        if keys := change.keys_that_went:
            self.take_home(contact, keys, change)
        if contact.id in self.known.made:
            self.revert_creation(contact, change)
        elif contact.values["state"] == MERGED:
            self.keep(contact, Because.MERGED, (column for column in change.after or () if column not in PARTS))
        else:
            self.say_changed(contact, change)
            self.drop_keys(contact, change)
            self.revert_columns(contact, change)

    def revert_creation(self, contact: ContactRow, change: ImportChange) -> None:
        """Whoever was made goes as a whole, or stays as a whole."""
        if change.kind != CREATED or contact.id in self.known.doomed:
            return
        if contact.values["state"] == MERGED:
            self.keep(contact, Because.MERGED)
        elif self.changed_since(contact, change):
            self.say_changed(contact, change)
        else:
            self.keep(contact, Because.USED)

    # Columns

    def revert_columns(self, contact: ContactRow, change: ImportChange) -> None:
        before, after = change.before or {}, change.after or {}
        changed = self.changed_since(contact, change)
        for column, left in after.items():
            if column in WITH_OTHERS:
                continue
            current, wanted = value_of(contact, column), before.get(column)
            if same_value(current, wanted):
                continue
            if column not in self.anyway and (column in changed or not same_value(current, left)):
                self.keep(contact, Because.CHANGED, (column,))
            elif column in KINDS_OF_COLUMNS:
                self.revert_primary(contact, column, wanted, change)
            else:
                self.revert_plain(contact, column, wanted, change)
        if "state" in after:
            self.revert_state(contact, change)

    def revert_plain(self, contact: ContactRow, column: str, wanted: Any, change: ImportChange) -> None:
        if column in self.known.key_columns and not self.exchange_custom(contact, column, wanted, change):
            return
        if column.startswith("fields."):
            self.world.set_attribute(contact, column.removeprefix("fields."), wanted)
        else:
            self.world.set_value(contact, column, wanted)

    def exchange_custom(self, contact: ContactRow, column: str, wanted: Any, change: ImportChange) -> bool:
        """The identifier of a custom key goes with its field; one came back only if the import took it."""
        app = column.removeprefix("fields.")
        gone = custom_key(app, value_of(contact, column)) if value_of(contact, column) is not None else None
        back = custom_key(app, wanted) if wanted is not None else None
        if gone == back:
            return True
        if not self.may_go(contact, gone, column):
            return False
        self.drop_new(contact, gone, change)
        if back is not None and (back, contact.id) in self.known.traced and back not in self.world.held[contact.id]:
            self.world.attach(contact, back)
        return True

    def revert_primary(self, contact: ContactRow, column: str, wanted: str | None, change: ImportChange) -> None:
        """An external ID, email or phone, with its identifier, and the state of the address."""
        world, kind = self.world, KINDS_OF_COLUMNS[column]
        gone = world.primary_key(contact, kind)
        back = primary_key_of(kind, wanted) if wanted is not None else None
        if gone != back:
            if back is not None and kind not in SHARED_KINDS and set(world.owners_of(back)) - {contact.id}:
                self.keep(contact, Because.TAKEN, (column,))
                return
            if not self.may_go(contact, gone, column):
                return
            self.drop_new(contact, gone, change)
            if back is not None and back not in world.held[contact.id]:
                world.attach(contact, back)
        further = primary_of(world.held[contact.id], kind) if wanted is None else wanted
        world.set_value(contact, column, further)
        if column in CHANNEL_COLUMNS:
            self.settle_state(contact, column, change, is_own=further == wanted)
            if back is not None and contact.values["state"] == ACTIVE:
                note_shared(world, contact, back)

    def may_go(self, contact: ContactRow, key: Key | None, column: str) -> bool:
        """Not what a later merge would have brought as well: it found it there, and moved nothing."""
        if key is None or column in self.anyway or key not in self.known.dropped.get(contact.id, ()):
            return True
        self.keep(contact, Because.MERGED, (column,))
        return False

    def drop_new(self, contact: ContactRow, key: Key | None, change: ImportChange) -> None:
        """Take off what the import attached; a value that is older was the contact's before, as a further one."""
        if key is None or key not in self.world.held[contact.id]:
            return
        first_seen = self.known.first_seen.get((key, contact.id))
        if first_seen is None or first_seen >= change.at:
            self.world.detach(contact, key)

    def settle_state(self, contact: ContactRow, column: str, change: ImportChange, *, is_own: bool) -> None:
        """T12: the state belongs to the address, so what the list of suppressions says of it by now comes first."""
        world, values = self.world, contact.values
        names, after = CHANNEL_PARTS[column], change.after or {}
        key = world.primary_key(contact, KINDS_OF_COLUMNS[column])
        parts: list[Any] = [None, None, None]
        if key is not None:
            old = [self.part_before(contact, name, change) if name in after else values[name] for name in names]
            suppressed = world.suppressed.get(key)
            if suppressed is not None:
                is_known = (old[0], old[2] or "") == suppressed
                parts = old if is_known else [suppressed[0], world.moment, suppressed[1] or None]
            elif is_own and old[0] is not None and old[0] < SUPPRESSED_FROM:
                parts = old
            else:
                parts = [ACTIVE, world.moment, None]
        for name, value in zip(names, parts, strict=True):
            world.set_value(contact, name, value)

    def part_before(self, contact: ContactRow, name: str, change: ImportChange) -> Any:
        value = (change.before or {}).get(name)
        return datetime.fromisoformat(value) if value is not None and name.endswith("_at") else value

    def revert_state(self, contact: ContactRow, change: ImportChange) -> None:
        """Restored by the import: deleted again; deleted by it: restored."""
        before, after, world = change.before or {}, change.after or {}, self.world
        state = contact.values["state"]
        if after["state"] == ACTIVE and before.get("state") == DELETED and state == ACTIVE:
            if self.is_in_use(contact, change):
                self.keep(contact, Because.USED, ("state",))
                return
            deleted_at = before.get("deleted_at")
            world.set_state(
                contact, DELETED, deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else change.at
            )
            self.deleted.add(contact.id)
        elif after["state"] == DELETED and state == DELETED:
            if "state" not in self.anyway and contact["deleted_at"] != datetime.fromisoformat(after["deleted_at"]):
                self.keep(contact, Because.CHANGED, ("state",))
                return
            world.set_state(contact, ACTIVE, deleted_at=None)
            open_shared_cases(world, contact)
            self.restored.add(contact.id)

    def is_in_use(self, contact: ContactRow, change: ImportChange) -> bool:
        """Whether somebody did something with a contact since it was restored."""
        return contact.id in self.known.used or bool(self.changed_since(contact, change))

    # Changeable identifiers

    def drop_keys(self, contact: ContactRow, change: ImportChange) -> None:
        """T1, T2: what came to the contact goes. What came from somebody else is taken home by that one's entry."""
        for key in change.keys_that_came:
            if key not in self.world.held[contact.id]:
                continue
            number = self.known.visitors.get((key, contact.id))
            first_seen = self.known.first_seen.get((key, contact.id))
            if number is None and first_seen is not None and first_seen < change.at:
                continue
            if self.was_seen_since(key, contact.id):
                self.keep(contact, Because.USED, (IDENTIFIERS,))
            elif number is None:
                self.world.detach(contact, key)
            else:
                self.return_cookie(contact, key, number)

    def return_cookies(self) -> None:
        """T2 backwards, for those who go."""
        self.world.begin()
        for (key, taker_id), number in self.known.visitors.items():
            if taker_id in self.known.doomed and number != taker_id and key in self.world.held[taker_id]:
                self.return_cookie(self.world.rows[taker_id], key, number)

    def return_cookie(self, contact: ContactRow, key: Key, number: int) -> None:
        """T2 backwards: the cookie is a visitor's again."""
        world = self.world
        owners, held = world.owners.setdefault(key, {}), world.held[contact.id]
        owners[number] = owners.pop(contact.id, contact.id)
        world.attached.add(key)
        held.discard(key)
        world.count_kinds(contact)
        world.note_identifier(contact, "before", key)
        self.returned.add((contact.id, number))

    def take_home(self, giver: ContactRow, keys: Iterable[Key], change: ImportChange) -> None:
        """T5 backwards: an identifier that migrated comes home, unless somebody else has it, or used it, since."""
        world, taker_id = self.world, (change.details or {}).get("migrated_to")
        taker = world.rows.get(taker_id) if taker_id is not None else None
        for key in keys:
            owner = world.owner_of(key)
            if owner == giver.id:
                continue
            if giver.values["state"] == MERGED:
                self.keep(giver, Because.MERGED, (IDENTIFIERS,))
            elif owner is None and taker is not None and IDENTIFIERS in self.changed_since(taker, change):
                self.keep(giver, Because.CHANGED, (IDENTIFIERS,))  # somebody took it off whoever had got it
            elif owner is None:
                world.attach(giver, key)
            elif taker is None or owner != taker.id or self.was_seen_since(key, owner):
                self.keep(giver, Because.TAKEN, (IDENTIFIERS,))
            else:
                world.move(key, taker, giver)
                world.note_identifier(taker, "before", key)
                world.note_identifier(giver, "after", key)

    def was_seen_since(self, key: Key, contact_id: int) -> bool:
        seen = self.known.last_seen.get((key, contact_id))
        return seen is not None and seen > self.known.until

    def let_go(self, contact: ContactRow) -> None:
        """A contact that goes leaves its identifiers; a visitor whose number it had stays a visitor (T2)."""
        world = self.world
        for key in sorted(world.held[contact.id]):
            owners = world.owners.setdefault(key, {})
            stored_at = owners.pop(contact.id, contact.id)
            if self.known.visitors.get((key, contact.id)) == contact.id:
                owners[contact.id] = contact.id
            elif stored_at is not None:
                world.removed.append((key, stored_at))

    # What is kept

    def changed_since(self, contact: ContactRow, change: ImportChange) -> set[str]:
        """Columns that others changed since."""
        found: set[str] = set()
        for change_id, columns in self.known.since.get(contact.id, ()):
            if change_id > change.id:
                found |= columns
        return found

    def say_changed(self, contact: ContactRow, change: ImportChange) -> None:
        if columns := self.changed_since(contact, change):
            self.keep(contact, Because.CHANGED, columns)

    def keep(self, contact: ContactRow, why: Because, columns: Iterable[str] = ()) -> None:
        self.kept.setdefault((contact.id, why), set()).update(columns)


def value_of(contact: ContactRow, column: str) -> Any:
    if column.startswith("fields."):
        return contact["attributes"].get(column.removeprefix("fields."))
    return contact[column]


def same_value(current: Any, noted: Any) -> bool:
    return bool(current == noted) and type(current) is type(noted)
