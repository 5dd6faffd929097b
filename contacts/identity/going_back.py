"""One change on its way back, within an open frame: identifiers go home first, then columns, then the journal is told.

It takes the steps of the undo of an import (``revert``), and knows better what came later: each column and each
identifier is looked at for itself, and what stands in the way is told with who did it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from contacts.identity.changes import TAKES_BACK, Learned, Name, find_touched, parties_of
from contacts.identity.decide import custom_key, note_shared, other_active, step_down
from contacts.identity.erase import ERASED_VALUE
from contacts.identity.frame import Frame
from contacts.identity.letting_go import (
    empty_field,
    field_of,
    note_key,
    note_rows,
    read_noted_rows,
    stands_on,
)
from contacts.identity.revert import (
    CHANNEL_PARTS,
    IDENTIFIERS,
    KINDS_OF_COLUMNS,
    Because,
    ImportChange,
    same_value,
    value_of,
)
from contacts.identity.states_back import ChannelStates
from contacts.identity.world import (
    ACTIVE,
    ERASED,
    MERGED,
    PRIMARY_COLUMNS,
    ContactRow,
    Entry,
    primary_key_of,
)
from contacts.keys import PERMANENT_KINDS, UNIQUE_KINDS, Kind
from contacts.models import ChangeKind
from contacts.normalize import InvalidValue
from contacts.records import Key

__all__ = ["GoingBack", "InTheWay", "Restored"]

FORCEABLE: Final = frozenset({Because.CHANGED, Because.USED, Because.MERGED})
ADDRESSES: Final = (Kind.EMAIL, Kind.PHONE)


class Restored(NamedTuple):
    """One column (or ``identifiers``) of a contact that went back: what was there just now, and what is there."""

    contact_id: int
    column: str
    was: Any
    now: Any


class InTheWay(NamedTuple):
    """One thing that was left alone, and why.

    ``by``, ``at`` and ``change_id`` are of the later change that touched it, where one did; ``other_id`` is who has the
    value by now. ``can_be_forced``: it goes back where its column is named in ``anyway``.
    """

    contact_id: int
    column: str
    current: Any
    because: Because
    by: str = ""
    at: datetime | None = None
    change_id: int | None = None
    other_id: int | None = None

    @property
    def can_be_forced(self) -> bool:
        return self.because in FORCEABLE


class GoingBack(ChannelStates):
    """Takes ``change`` back, with ``others``, its counterparts at whoever gave or took an identifier by it.

    Afterwards ``went_back`` and ``left`` say what became of it.
    """

    def __init__(
        self,
        frame: Frame,
        change: ImportChange,
        others: Sequence[ImportChange],
        learned: Learned,
        *,
        anyway: Collection[str],
    ) -> None:
        super().__init__(frame, change, learned, anyway=anyway)
        self.others = others
        self.settings = learned.settings
        self.went_back: list[Restored] = []
        self.left: list[InTheWay] = []
        self.rows = [self.world.rows[pk] for pk in dict.fromkeys(one.contact_id for one in (change, *others))]
        self.own = {one.contact_id: one.id for one in (*others, change)}

    def run(self) -> None:
        self.take_in()
        contact = self.world.rows[self.change.contact_id]
        held = {row.id: set(self.world.held[row.id]) for row in self.rows}
        self.world.begin()
        # 1. What went comes home, what came goes.
        for giving, keys in self.migrations():
            self.bring_home(giving, keys)
        for key in self.change.keys_that_came:
            self.drop(contact, key)
        if any(_was_erased(self.change, side[IDENTIFIERS]) for side in self.sides() if IDENTIFIERS in side):
            self.leave(contact, IDENTIFIERS, Because.ERASED)
        # 2. Columns, and states.
        self.revert_columns(contact, self.change)
        self.revert_channel_states(contact)
        # 3. The journal.
        for row in self.rows:
            self.tell(row, held[row.id])

    def take_in(self) -> None:
        """What came later, what is stored, and what must not go."""
        known, learned = self.known, self.learned
        for contact_id, change_id in self.own.items():
            later = [one for one in learned.later[contact_id] if one.id > change_id and one.id not in learned.ids]
            touched = self.touched[contact_id] = find_touched(later)
            known.since[contact_id] = [(change_id + 1, {name for name in touched if isinstance(name, str)})]
            known.first_seen |= {
                (key, contact_id): row.first_seen_at for key, row in learned.stored.get(contact_id, {}).items()
            }
            merges = learned.dropped.get(contact_id, ())
            known.dropped[contact_id] = {key for at, keys in merges if at >= self.change.at for key in keys}
        columns_of_keys = {name for name, column in self.settings.schema.columns.items() if column.may_be_key}
        known.key_columns = columns_of_keys - KINDS_OF_COLUMNS.keys()
        known.traced = {(key, self.change.contact_id) for key in self.custom_keys_before()}

    def custom_keys_before(self) -> Iterable[Key]:
        """Those that were identifiers, unless they are junk."""
        for column, value in (self.change.before or {}).items():
            if column in self.known.key_columns and value is not None:
                key = custom_key(column.removeprefix("fields."), value)
                if not self.settings.schema.is_junk(key[2]):
                    yield key

    # Identifiers

    def migrations(self) -> Iterable[tuple[ImportChange, list[Key]]]:
        """Which changes took identifiers off their contact, and which of them come home now."""
        if self.change.keys_that_went:
            yield self.change, self.change.keys_that_went
        came = set(self.change.keys_that_came)
        for other in self.others:
            if keys := [key for key in other.keys_that_went if key in came]:
                yield other, keys

    def bring_home(self, giving: ImportChange, keys: Sequence[Key]) -> None:
        """T5 backwards, and to where a person took it off."""
        giver = self.world.rows[giving.contact_id]
        if giver.values["state"] in (MERGED, ERASED):
            self.leave(giver, IDENTIFIERS, Because.MERGED)
            return
        home = [key for key in keys if self.comes_home(giving, giver, key)]
        columns = {field_of(key) for key in home} & (giving.after or {}).keys()
        if giving is not self.change and columns:
            self.revert_columns(giver, _only(giving, columns))
        for key in home:
            if field_of(key) not in columns:
                self.settle(giver, key)

    def comes_home(self, giving: ImportChange, giver: ContactRow, key: Key) -> bool:
        """Whether the giver has it again."""
        owners = self.world.owners_of(key)
        if giver.id in owners:
            return True
        taker = self.world.rows.get((giving.details or {}).get("migrated_to", 0))
        holder = taker if taker is not None and taker.id in owners else None
        if field_of(key) in (giving.after or ()):
            if not self.goes_back(giver, giving, field_of(key), holder):
                return False  # it is told of the column
        elif why := self.what_stops(giver, taker, key):
            self.leave(giver, IDENTIFIERS, why, key)
            return False
        if holder is None:
            self.world.attach(giver, key)
        else:
            self.hand_back(holder, giver, key)
        return True

    def hand_back(self, taker: ContactRow, giver: ContactRow, key: Key) -> None:
        stood = stands_on(taker, key)
        self.world.move(key, taker, giver)
        self.world.unseen.add(key)
        if stood:
            empty_field(self.world, taker, key)
        note_key(self.world.entry_of(taker), "before", key)
        note_key(self.world.entry_of(giver), "after", key)

    def what_stops(self, giver: ContactRow, taker: ContactRow | None, key: Key) -> Because | None:
        owners = self.world.owners_of(key)
        if key[0] in UNIQUE_KINDS and any(owner not in (giver.id, taker and taker.id) for owner in owners):
            return Because.TAKEN
        if IDENTIFIERS in self.anyway:
            return None
        rows = [row for row in (giver, taker) if row is not None]
        if any(key in self.touched.get(row.id, ()) for row in rows):
            return Because.CHANGED
        if taker is not None and taker.values["state"] == MERGED:
            return Because.MERGED
        return Because.USED if taker is not None and self.was_used_since(key, taker) else None

    def settle(self, contact: ContactRow, key: Key) -> None:
        """One that came home without its field: it is a further one, or the only one, and may be shared now."""
        world, kind = self.world, Kind(key[0])
        if kind in PERMANENT_KINDS and contact.values[PRIMARY_COLUMNS[kind]] is None:
            step_down(world, contact, kind)
        if kind in ADDRESSES and contact.values["state"] == ACTIVE:
            note_shared(world, contact, key)

    def drop(self, contact: ContactRow, key: Key) -> None:
        """What came goes, unless it is waited for elsewhere, or was used since."""
        column = field_of(key)
        if key not in self.world.held[contact.id] or any(key in other.keys_that_went for other in self.others):
            return
        stood = stands_on(contact, key)
        if column in (self.change.after or ()):
            if not self.goes_back(contact, self.change, column):
                return
            stood = False  # the column goes back by itself
        elif IDENTIFIERS not in self.anyway and (why := self.what_keeps(contact, key, stood=stood)):
            self.leave(contact, IDENTIFIERS, why, key)
            return
        self.world.detach(contact, key)
        if stood:
            empty_field(self.world, contact, key)

    def what_keeps(self, contact: ContactRow, key: Key, *, stood: bool) -> Because | None:
        touched = self.touched[contact.id]
        if key in touched or (stood and field_of(key) in touched):
            return Because.CHANGED
        if key in self.known.dropped.get(contact.id, ()):
            return Because.MERGED
        return Because.USED if self.was_used_since(key, contact) else None

    def was_used_since(self, key: Key, contact: ContactRow) -> bool:
        stored = self.learned.stored.get(contact.id, {}).get(key)
        return stored is not None and not field_of(key) and stored.last_seen_at > self.change.at

    # Columns

    def goes_back(
        self, contact: ContactRow, change: ImportChange, column: str, holder: ContactRow | None = None
    ) -> bool:
        """Whether ``revert_columns`` is about to put this column back; ``holder`` is who gives the identifier."""
        current, wanted = value_of(contact, column), (change.before or {}).get(column)
        if not same_value(current, wanted) and column not in self.anyway:
            left = (change.after or {}).get(column)
            if column in self.touched[contact.id] or not same_value(current, left):
                return False
        if _was_erased(change, wanted):
            return False
        if column not in KINDS_OF_COLUMNS:
            return self.fits(column, wanted)
        gone = self.world.primary_key(contact, KINDS_OF_COLUMNS[column])
        key = primary_key_of(KINDS_OF_COLUMNS[column], wanted) if wanted is not None else None
        if gone is not None and gone != key and not self.may_go(contact, gone, column):
            return False
        return key is None or self.who_has(contact, key, but=holder) is None

    def revert_columns(self, contact: ContactRow, change: ImportChange) -> None:
        """Erased values never come back."""
        after = dict(change.after or {})
        for column, wanted in (change.before or {}).items():
            if column in after and _was_erased(change, wanted):
                self.leave(contact, column, Because.ERASED)
                del after[column]
        super().revert_columns(contact, change._replace(after=after))

    def revert_plain(self, contact: ContactRow, column: str, wanted: Any, change: ImportChange) -> None:
        if self.fits(column, wanted):
            super().revert_plain(contact, column, wanted, change)
        else:
            self.leave(contact, column, Because.UNFIT)

    def fits(self, column: str, wanted: Any) -> bool:
        """Whether the field is still there, and takes such a value."""
        cleaner = self.settings.schema.cleaners.get(column)
        if cleaner is None:
            return False
        try:
            return wanted is None or same_value(cleaner(wanted), wanted)
        except InvalidValue:
            return False

    def revert_primary(self, contact: ContactRow, column: str, wanted: str | None, change: ImportChange) -> None:
        key = primary_key_of(KINDS_OF_COLUMNS[column], wanted) if wanted is not None else None
        other = self.who_has(contact, key) if key is not None else None
        if other is None:
            super().revert_primary(contact, column, wanted, change)
        else:
            self.leave(contact, column, Because.TAKEN, key, other_id=other)

    def who_has(self, contact: ContactRow, key: Key, but: ContactRow | None = None) -> int | None:
        """Somebody who has the value, so that the contact may not: it is unique, or the policy lets nobody share it."""
        if key[0] in UNIQUE_KINDS:
            others = set(self.world.owners_of(key)) - {contact.id, but.id if but else 0}
            return min(others, default=None)
        own = contact.values["external_id"]
        if own is None or self.settings.policy.external_ids_may_share_channels:
            return None
        for other in other_active(self.world, contact, key):
            if other is not but and other.values["external_id"] not in (None, own):
                return other.id
        return None

    def drop_new(self, contact: ContactRow, key: Key | None, change: ImportChange) -> None:
        """What came by the change, or since and is overwritten now."""
        if key is None or key not in self.touched[contact.id] or key not in self.world.held[contact.id]:
            super().drop_new(contact, key, change)
        else:
            self.world.detach(contact, key)

    def is_in_use(self, contact: ContactRow, change: ImportChange) -> bool:
        """Deleted again where a person says so; what was written since stays on the sheet."""
        return False

    # What is told

    def keep(self, contact: ContactRow, why: Because, columns: Iterable[str] = ()) -> None:
        for column in columns:
            self.leave(contact, column, why)

    def leave(
        self, contact: ContactRow, column: str, why: Because, key: Key | None = None, *, other_id: int | None = None
    ) -> None:
        """Say that something stays as it is; every column and identifier once."""
        if column == IDENTIFIERS:
            current = [[Kind(key[0]).slug, key[1], key[2]]] if key is not None else None
        else:
            current = value_of(contact, column)
        if why == Because.TAKEN and other_id is None and key is not None:
            other_id = self.who_has(contact, key)
        told = InTheWay(contact.id, column, current, why, other_id=other_id)
        later = self.last_touch(contact, column, key) if why == Because.CHANGED else None
        if later is not None:
            told = told._replace(by=later.by, at=later.at, change_id=later.id)
        if told not in self.left:
            self.left.append(told)

    def last_touch(self, contact: ContactRow, column: str, key: Key | None) -> ImportChange | None:
        names: list[Name] = [column] if key is None else [key, field_of(key)]
        for touched in (self.touched.get(contact.id, {}), *self.touched.values()):
            for name in names:
                if name in touched:
                    return touched[name]
        return None

    def tell(self, contact: ContactRow, held: set[Key]) -> None:
        """The journal names every identifier that came or went, and keeps the rows of those that went."""
        now = self.world.held[contact.id]
        came, went = now - held, held - now
        entries = self.world.record_entries(contact)
        if not (came or went or entries):
            return
        entry = self.world.entry_of(contact, ChangeKind.TAKEN_BACK)
        _forget_unchanged(entry)
        for side, keys in (("after", came), ("before", went)):
            for key in sorted(keys):
                note_key(entry, side, key)
        note_rows(entry, self.learned.stored.get(contact.id, {}), went)
        entry.details[TAKES_BACK] = self.own[contact.id]
        self.note_parties(contact, entry, came, went)
        self.restore_origins(contact, came)
        for column in dict.fromkeys((*entry.before, *entry.after)):
            told = Restored(contact.id, column, entry.before.get(column), entry.after.get(column))
            self.went_back.append(told)

    def note_parties(self, contact: ContactRow, entry: Entry, came: set[Key], went: set[Key]) -> None:
        """From whom identifiers came and to whom they went, as of any migration."""
        for other in self.rows:
            had = self.learned.stored.get(other.id, {}).keys()
            has = self.world.held[other.id]
            if other is not contact and came & (had - has):
                entry.details.setdefault("migrated_from", []).append(other.id)
            if other is not contact and went & (has - had):
                entry.details["migrated_to"] = other.id

    def restore_origins(self, contact: ContactRow, came: set[Key]) -> None:
        """What was known of those that came, as the change kept it."""
        for one in (self.change, *self.others):
            if one.contact_id == contact.id:
                noted = read_noted_rows(one.details)
                self.world.origins |= {(key, contact.id): noted[key] for key in came & noted.keys()}


def _was_erased(change: ImportChange, value: Any) -> bool:
    """Only whoever shared it with somebody else keeps a change with such values."""
    return value == ERASED_VALUE and bool(parties_of(change))


def _only(change: ImportChange, columns: Collection[str]) -> ImportChange:
    """The part of a change that concerns these columns, with the states of channels."""
    wanted = {*columns, *(name for column in columns for name in CHANNEL_PARTS.get(column, ()))}
    before, after = (
        {name: side[name] for name in side if name in wanted} for side in (change.before or {}, change.after or {})
    )
    return change._replace(before=before, after=after)


def _forget_unchanged(entry: Entry) -> None:
    """What was emptied on the way and is as before in the end."""
    for column in [name for name, value in entry.after.items() if same_value(entry.before.get(name), value)]:
        del entry.after[column]
        entry.before.pop(column, None)
