"""What a batch knows of the database, with its own effects laid over it (pure).

The decider reads and changes a ``World`` in memory, record after record, so that the later sees what the earlier did
(L14). What it holds in the end is written in one go by ``contacts.identity.write``. Whatever was not loaded raises
``Missing``: the caller loads it and the batch is decided again from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from contacts.columns import SYSTEM_COLUMNS
from contacts.keys import CHANGEABLE_KINDS, IDENTIFYING_MASK, Kind
from contacts.normalize import clean_email, compare_form
from contacts.records import Key, Record

ACTIVE: Final = 1
DELETED: Final = 2
MERGED: Final = 3
ERASED: Final = 4

SEEN_TO: Final = timedelta(minutes=5)
"""So exact is when activity saw somebody last: who comes all the time is not written all the time."""

TOO_COMMON: Final = 50
"""A value on more contacts than this identifies nobody; look-ups read one more."""

PRIMARY_COLUMNS: Final = {
    Kind.EXTERNAL_ID: "external_id",
    Kind.EMAIL: "email",
    Kind.PHONE: "phone",
}
"""The permanent kinds and the contact's column that holds the primary value."""

CHANNEL_COLUMNS: Final = {"email": "email_state", "phone": "phone_state"}
IDENTITY_COLUMNS: Final = (
    "id",
    "state",
    "external_id",
    "email",
    "phone",
    "identifier_kinds",
    "made_deliberately",
    "order_count",
    "merged_into_id",
    "updated_at",
)
"""What every decision reads."""

NEW_CONTACT: Final[dict[str, Any]] = {
    **dict.fromkeys(column.key for column in SYSTEM_COLUMNS),
    **dict.fromkeys(f"{channel}_state{part}" for channel in ("email", "phone") for part in ("", "_at", "_reason")),
    "state": ACTIVE,
    "identifier_kinds": 0,
    "order_count": 0,
    "deleted_at": None,
    "merged_into_id": None,
}
"""A contact without any value."""

NOBODY: Final[Mapping[int, int | None]] = MappingProxyType({})
"""The owners of a value that nobody has."""


class Missing(Exception):
    """The decider needs what was not loaded: owners of ``keys``, all identifiers of ``contact_ids``, whole rows."""

    def __init__(self, *, keys: Iterable[Key] = (), contact_ids: Iterable[int] = (), whole_rows: bool = False) -> None:
        super().__init__()
        self.keys = tuple(keys)
        self.contact_ids = tuple(contact_ids)
        self.whole_rows = whole_rows


class ContactRow:
    """One contact as loaded, with what the batch changed: ``before`` keeps the loaded value of each changed column."""

    __slots__ = ("before", "id", "is_new", "values")

    def __init__(self, values: dict[str, Any], *, is_new: bool = False) -> None:
        self.id: int = values["id"]
        self.values = values
        self.is_new = is_new
        self.before: dict[str, Any] = {}

    def __getitem__(self, column: str) -> Any:
        try:
            return self.values[column]
        except KeyError:
            raise Missing(whole_rows=True) from None

    @property
    def is_anonymous(self) -> bool:
        """No external ID, email, phone, custom key or order, and made neither by a person nor by an import."""
        values = self.values
        return (
            values["state"] == ACTIVE
            and not values["identifier_kinds"] & IDENTIFYING_MASK
            and not values["made_deliberately"]
            and not values["order_count"]
        )


class NewContact:
    """A contact that a large batch makes of one record alone: not unfolded into a row until another record meets it.

    ``after`` is what the journal says; ``email`` and ``phone`` are the state of the channel and its reason.
    """

    __slots__ = ("after", "email", "id", "phone", "record")

    def __init__(
        self,
        contact_id: int,
        record: Record,
        after: dict[str, Any],
        email: tuple[int, str | None] | None,
        phone: tuple[int, str | None] | None,
    ) -> None:
        self.id = contact_id
        self.record = record
        self.after = after
        self.email = email
        self.phone = phone

    @property
    def identifier_kinds(self) -> int:
        mask = 0
        for key in self.record.identifiers:
            mask |= 1 << key[0]
        return mask


class Entry:
    """One row of the journal while it is being written: what one record did to one contact."""

    __slots__ = ("after", "before", "contact_id", "details", "kind", "matched_by")

    def __init__(self, contact_id: int, kind: str, matched_by: str) -> None:
        self.contact_id = contact_id
        self.kind = kind
        self.matched_by = matched_by
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        self.details: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        return self.kind == "updated" and not (self.before or self.after or self.details)


class Origin(NamedTuple):
    """Where an identifier came from, when it was seen first and last (as texts), and its details."""

    source: str
    first_seen_at: str
    last_seen_at: str
    details: dict[str, Any] | None


class MergeEffect:
    """One merge: what moved and what it filled, kept so that it can be taken back."""

    __slots__ = ("dropped", "filled", "identifiers", "kept", "loser_id", "rule", "survivor_id")

    def __init__(self, loser_id: int, survivor_id: int, rule: str) -> None:
        self.loser_id = loser_id
        self.survivor_id = survivor_id
        self.rule = rule
        self.identifiers: list[Key] = []
        self.dropped: list[Key] = []
        self.kept: list[dict[str, Any]] = []
        """The rows of the dropped ones, as they were."""
        self.filled: dict[str, list[Any]] = {}


class CaseEffect:
    """A duplicate case to open or to extend."""

    __slots__ = ("contact_ids", "key", "reason")

    def __init__(self, key: Key, reason: str, contact_ids: set[int]) -> None:
        self.key = key
        self.reason = reason
        self.contact_ids = contact_ids


class World:
    """The loaded part of the database and everything this batch did to it.

    ``owners`` maps a key to its contact ids, each with the id that the stored row has (None: not stored yet).
    ``held`` maps a contact to all its keys, where loaded. ``suppressed`` maps an email or phone key to its channel
    state. ``moment`` is the time of the write; ``new_ids`` yields the ids of contacts to be created. ``before`` is the
    world of a batch that is being written at this moment: what it touched is taken from there. ``columns`` are those
    that its rows were loaded with, if any were. ``unseen`` are keys that a person moves, so that nobody was seen by
    them; ``origins`` says where those came from that go back to whom they had been. ``folds``: new contacts are kept
    folded until somebody meets them. ``seen_to``: who was seen less than so long ago need not be noted as seen again.
    ``is_tangled``: it touched values that it had not loaded, so that no other world can build on it.
    """

    def __init__(
        self,
        *,
        moment: datetime,
        new_ids: Iterator[int],
        before: World | None = None,
        folds: bool = False,
        seen_to: timedelta = timedelta(),
    ) -> None:
        self.moment = moment
        self.seen_to = seen_to
        self.folds = folds
        self.folded: dict[int, NewContact] = {}
        self.folded_keys: dict[Key, int] = {}
        self.source = ""
        self.deliberately = False
        self.new_ids = new_ids
        self.before = before
        self.columns: frozenset[str] | None = None
        self.is_tangled = False
        self.owners: dict[Key, dict[int, int | None]] = {}
        self.rows: dict[int, ContactRow] = {}
        self.held: dict[int, set[Key]] = {}
        self.suppressed: dict[Key, tuple[int, str]] = {}
        self.known_keys: set[Key] = set()
        # effects
        self.entries: list[Entry] = []
        self.changed: dict[int, ContactRow] = {}
        self.attached: set[Key] = set()
        self.details: dict[tuple[Key, int], dict[str, Any]] = {}
        self.removed: list[tuple[Key, int]] = []
        self.unseen: set[Key] = set()
        self.origins: dict[tuple[Key, int], Origin] = {}
        self.seen: set[tuple[Key, int]] = set()
        self.merges: list[MergeEffect] = []
        self.claims: list[tuple[int, int]] = []
        self.cases: dict[Key, CaseEffect] = {}
        self._open: dict[int, Entry] = {}
        self._first = 0
        self._matched_by = ""

    @property
    def has_effects(self) -> bool:
        return bool(self.entries or self.folded or self.changed or self.seen or self.attached or self.cases)

    # Reading

    def owners_of(self, key: Key) -> Mapping[int, int | None]:
        """The ids that hold ``key``; a visitor's number is among them."""
        owners = self.owners.get(key)
        if owners:
            return owners
        folded = self.folded_keys.get(key)
        if folded is not None:
            self.unfold(folded)
            return self.owners[key]
        if owners is None and key not in self.known_keys:
            raise Missing(keys=(key,))
        return NOBODY

    def owner_of(self, key: Key) -> int | None:
        """The one id that holds a unique key."""
        return next(iter(self.owners_of(key)), None)

    def contact(self, contact_id: int) -> ContactRow | None:
        """The contact, None where there is none (a visitor's number, an unknown id)."""
        return self.rows.get(contact_id)

    def keys_held_by(self, contact: ContactRow) -> set[Key]:
        """All identifiers of a contact."""
        held = self.held.get(contact.id)
        if held is None:
            raise Missing(contact_ids=(contact.id,))
        return held

    def follow(self, contact_id: int) -> ContactRow | None:
        """The contact of that id, or the survivor of the merges it went through."""
        contact = self.rows.get(contact_id)
        while contact is not None and contact.values["state"] == MERGED:
            contact = self.rows.get(contact.values["merged_into_id"])
        return contact

    # One record's frame

    def begin(self) -> None:
        """A new record: its changes get journal entries of their own."""
        self._open = {}
        self._first = len(self.entries)
        self._matched_by = ""

    def say_matched_by(self, how: str) -> None:
        self._matched_by = how

    def entry_of(self, contact: ContactRow, kind: str = "updated") -> Entry:
        """This record's journal entry of that contact."""
        entry = self._open.get(contact.id)
        if entry is None:
            entry = self._open[contact.id] = Entry(contact.id, kind, self._matched_by)
            self.entries.append(entry)
            self.touch(contact)
        elif kind != "updated":
            entry.kind = kind
        return entry

    @contextmanager
    def own_entry(self, contact: ContactRow, kind: str) -> Iterator[Entry]:
        """An entry beside what else this record does to the contact: one row a contact and cause."""
        other = self._open.pop(contact.id, None)
        yield self.entry_of(contact, kind)
        if other is None:
            del self._open[contact.id]
        else:
            self._open[contact.id] = other

    def record_entries(self, contact: ContactRow) -> list[Entry]:
        """What this record did to the contact."""
        if len(self._open) == 1 and len(self.entries) == self._first + 1:
            return self.entries[self._first :] if contact.id in self._open else []
        return [entry for entry in self.entries[self._first :] if entry.contact_id == contact.id]

    def touch(self, contact: ContactRow) -> None:
        """Something of the contact changed: it counts as updated now."""
        if not contact.is_new:
            contact.before.setdefault("updated_at", contact.values["updated_at"])
        contact.values["updated_at"] = self.moment
        self.changed[contact.id] = contact

    def see(self, contact: ContactRow) -> None:
        """The contact was active, which is no change: ``updated_at`` stays."""
        if not contact.is_new:
            seen_at = contact["last_seen_at"]
            if self.seen_to and seen_at is not None and self.moment - seen_at < self.seen_to:
                return
            contact.before.setdefault("last_seen_at", seen_at)
        contact.values["last_seen_at"] = self.moment
        self.changed[contact.id] = contact

    # Changing

    def create(self, contact_id: int, source: str, *, deliberately: bool) -> ContactRow:
        """A new contact without any value."""
        contact = ContactRow(self.blank_values(contact_id, source, deliberately=deliberately), is_new=True)
        self.rows[contact_id] = contact
        self.held[contact_id] = set()
        self.entry_of(contact, "created")
        return contact

    def blank_values(self, contact_id: int, source: str, *, deliberately: bool) -> dict[str, Any]:
        values = NEW_CONTACT.copy()
        values["id"] = contact_id
        values["made_deliberately"] = deliberately
        values["updated_at"] = values["created_at"] = self.moment
        values["source"] = source
        values["attributes"] = {}
        return values

    def set_value(self, contact: ContactRow, column: str, value: Any) -> bool:
        """Write a column; says whether that is a change."""
        before = contact[column]
        if before == value:
            return False
        entry = self.entry_of(contact)
        if not contact.is_new:
            contact.before.setdefault(column, before)
        if before is not None:
            entry.before.setdefault(column, before)
        entry.after[column] = value
        contact.values[column] = value
        return True

    def fill_new(self, contact: ContactRow, fields: dict[str, Any], attributes: dict[str, Any]) -> None:
        """Give a new contact all its fields at once."""
        after = self.entry_of(contact).after
        contact.values.update(fields)
        after.update(fields)
        if attributes:
            contact.values["attributes"] = dict(attributes)
            for key, value in attributes.items():
                after[f"fields.{key}"] = value

    def set_attribute(self, contact: ContactRow, key: str, value: Any) -> bool:
        """Write a custom field, None to clear it; says whether that is a change."""
        attributes: dict[str, Any] = contact["attributes"]
        before = attributes.get(key)
        if before == value and type(before) is type(value):
            return False
        entry = self.entry_of(contact)
        if not contact.is_new:
            contact.before.setdefault("attributes", attributes)
        changed = {**attributes, key: value}
        if value is None:
            del changed[key]
        contact.values["attributes"] = changed
        column = f"fields.{key}"
        if before is not None:
            entry.before.setdefault(column, before)
        entry.after[column] = value
        return True

    def set_state(self, contact: ContactRow, state: int, **columns: Any) -> None:
        """Move the contact to another state."""
        self.set_value(contact, "state", state)
        for column, value in columns.items():
            self.set_value(contact, column, value)

    def attach(self, contact: ContactRow, key: Key, details: dict[str, Any] | None = None) -> None:
        """Give the contact an identifier that it does not have."""
        held = self.keys_held_by(contact)
        self.add_owner(key, contact.id)
        held.add(key)
        if details:
            self.details[key, contact.id] = details
        if contact.is_new:
            contact.values["identifier_kinds"] |= 1 << key[0]
        else:
            self._count_kinds(contact, held)
        if not contact.is_new or key[0] > Kind.CUSTOM:
            self.note_identifier(contact, "after", key)

    def describe(self, contact: ContactRow, key: Key, details: dict[str, Any]) -> None:
        """What a record says of a device goes before what is known of it; what it is silent about stays."""
        self.details[key, contact.id] = {**self.details.get((key, contact.id), {}), **details}

    def attach_new(self, contact: ContactRow, keys: tuple[Key, ...], details: dict[Key, dict[str, Any]] | None) -> None:
        """Give a new contact identifiers that nobody holds, all at once."""
        mask = 0
        for key in keys:
            self.owners[key] = {contact.id: None}
            mask |= 1 << key[0]
            if key[0] > Kind.CUSTOM:
                self.note_identifier(contact, "after", key)
                if is_changeable(key):
                    self.see(contact)
            if details and key in details:
                self.details[key, contact.id] = details[key]
        self.attached.update(keys)
        self.held[contact.id] = set(keys)
        contact.values["identifier_kinds"] = mask

    def add_owner(self, key: Key, number: int) -> None:
        """A contact or visitor holds the key from now on."""
        self.owners_of(key)  # known, or Missing
        self.owners.setdefault(key, {})[number] = None
        self.attached.add(key)

    def fold(self, new: NewContact, source: str, *, deliberately: bool) -> None:
        """Keep a new contact as its record."""
        self.source, self.deliberately = source, deliberately
        self.folded[new.id] = new
        self.folded_keys.update(dict.fromkeys(new.record.identifiers, new.id))

    def unfold(self, contact_id: int) -> None:
        """Another record meets a folded contact: it gets its row, its identifiers and its journal entry."""
        new = self.folded.pop(contact_id)
        contact = self.rows[contact_id] = self.changed[contact_id] = self.row_of(new)
        self.held[contact_id] = set(new.record.identifiers)
        for key in new.record.identifiers:
            del self.folded_keys[key]
            self.owners[key] = {contact_id: None}
        self.attached.update(new.record.identifiers)
        entry = Entry(contact.id, "created", "created")
        entry.after = new.after
        entry.details = {"rule": "L9"}
        self.entries.insert(self._first, entry)  # it belongs to an earlier record
        self._first += 1

    def row_of(self, new: NewContact) -> ContactRow:
        """A folded contact as a row."""
        values = self.blank_values(new.id, self.source, deliberately=self.deliberately)
        record = new.record
        values.update(record.fields)
        values.update(external_id=record.external_id, email=record.email, phone=record.phone)
        values["attributes"] = dict(record.attributes)
        values["identifier_kinds"] = new.identifier_kinds
        for channel, state in (("email", new.email), ("phone", new.phone)):
            if state is not None:
                values[f"{channel}_state"], values[f"{channel}_state_reason"] = state
                values[f"{channel}_state_at"] = self.moment
        return ContactRow(values, is_new=True)

    def detach(self, contact: ContactRow, key: Key) -> None:
        """Take an identifier off the contact."""
        held = self.keys_held_by(contact)
        self.is_tangled = self.is_tangled or key not in self.known_keys
        stored_at = self.owners.setdefault(key, {}).pop(contact.id, contact.id)
        if stored_at is not None:
            self.removed.append((key, stored_at))
        held.discard(key)
        self._count_kinds(contact, held)
        self.note_identifier(contact, "before", key)

    def move(self, key: Key, giver: ContactRow, taker: ContactRow) -> bool:
        """Move an identifier; False where the taker has it already, and the giver's row is dropped."""
        self.is_tangled = self.is_tangled or key not in self.known_keys
        owners = self.owners.setdefault(key, {})
        given, taken = self.keys_held_by(giver), self.keys_held_by(taker)
        stored_at = owners.pop(giver.id, giver.id)
        given.discard(key)
        if key in taken:
            if stored_at is not None:
                self.removed.append((key, stored_at))
            moved = False
        else:
            owners[taker.id] = stored_at
            taken.add(key)
            self.attached.add(key)
            if (known := self.details.pop((key, giver.id), None)) is not None:
                self.details[key, taker.id] = known
            moved = True
        self._count_kinds(giver, given)
        self._count_kinds(taker, taken)
        return moved

    def claim(self, number: int, contact: ContactRow, key: Key) -> None:
        """A visitor becomes known: the cookie, and the events under its number, are the contact's (T2)."""
        owners = self.owners[key]
        stored_at = owners.pop(number, number)
        owners[contact.id] = stored_at
        self.attached.add(key)
        held = self.keys_held_by(contact)
        held.add(key)
        self._count_kinds(contact, held)
        if number == contact.id:
            self.seen.add((key, number))
        else:
            self.claims.append((number, contact.id))
        self.note_identifier(contact, "after", key)

    def note_identifier(self, contact: ContactRow, side: str, key: Key) -> None:
        """Say in the journal that an identifier came (after) or went (before); columns speak for themselves."""
        kind = Kind(key[0])
        if kind in PRIMARY_COLUMNS or kind == Kind.CUSTOM:
            self.touch(contact)
            return
        entry = self.entry_of(contact)
        getattr(entry, side).setdefault("identifiers", []).append([kind.slug, key[1], key[2]])

    def count_kinds(self, contact: ContactRow) -> None:
        """Recompute the mask of kinds, whatever happened to the contact's identifiers meanwhile."""
        self._count_kinds(contact, self.keys_held_by(contact))

    def _count_kinds(self, contact: ContactRow, held: Iterable[Key]) -> None:
        """Recompute the mask of kinds from all identifiers of the contact."""
        mask = 0
        for key in held:
            mask |= 1 << key[0]
        mask &= ~(1 << Kind.ORDER)
        before = contact.values["identifier_kinds"]
        if mask != before:
            if not contact.is_new:
                contact.before.setdefault("identifier_kinds", before)
            contact.values["identifier_kinds"] = mask

    def open_case(self, key: Key, reason: str, contact_ids: Iterable[int]) -> None:
        """Contacts may be one person: a case for the inbox, one a (kind, value) (T13)."""
        case = self.cases.get(key)
        if case is None:
            self.cases[key] = CaseEffect(key, reason, set(contact_ids))
        else:
            case.contact_ids.update(contact_ids)

    # What primary values mean as keys

    def primary_key(self, contact: ContactRow, kind: Kind) -> Key | None:
        """The key of the contact's primary value of that kind."""
        value = contact.values[PRIMARY_COLUMNS[kind]]
        if value is None:
            return None
        return primary_key_of(kind, value)


def primary_key_of(kind: Kind, value: str) -> Key:
    """The compare form of a value that stands on a contact."""
    return compare_form(kind, "", clean_email(value)[1] if kind == Kind.EMAIL else value)


def is_changeable(key: Key) -> bool:
    return key[0] in _CHANGEABLE


_CHANGEABLE: Final = frozenset(int(kind) for kind in CHANGEABLE_KINDS)
