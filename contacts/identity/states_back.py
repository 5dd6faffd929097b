"""The state of an address on its way back: it belongs to the address, and so to the list of suppressions (T12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from contacts.identity import load
from contacts.identity.changes import Learned, Name
from contacts.identity.frame import Frame
from contacts.identity.revert import (
    CHANNEL_PARTS,
    KINDS_OF_COLUMNS,
    SUPPRESSED_FROM,
    Because,
    ImportChange,
    Known,
    Reverting,
    same_value,
)
from contacts.identity.world import CHANNEL_COLUMNS, ContactRow
from contacts.records import Key

__all__ = ["ChannelStates"]


class ChannelStates(Reverting):
    """Takes ``change`` back as far as it concerns states that changed without their address.

    ``touched`` is by contact what later changes touched; ``lifted`` are afterwards the addresses about which the list
    says something else than before.
    """

    def __init__(self, frame: Frame, change: ImportChange, learned: Learned, *, anyway: Collection[str]) -> None:
        super().__init__(frame.world, Known(until=change.at), anyway=anyway)
        self.frame = frame
        self.change = change
        self.learned = learned
        self.touched: dict[int, dict[Name, ImportChange]] = {}
        self.lifted: list[Key] = []

    def sides(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return self.change.before or {}, self.change.after or {}

    def revert_channel_states(self, contact: ContactRow) -> None:
        """The state of a channel that changed alone, which is a matter of the address (T12)."""
        before, after = self.sides()
        for column, names in CHANNEL_PARTS.items():
            name = names[0]
            if name not in after or column in after or same_value(contact[name], before.get(name)):
                continue
            stands = contact[name] == after[name] and not self.touched[contact.id].keys() & {column, name}
            if stands and self.put_on_list(contact, column, before.get(name) or 0, after[name] or 0):
                for part in names:
                    self.world.set_value(contact, part, self.part_before(contact, part, self.change))
            else:
                self.keep(contact, Because.ADDRESS, (name,))

    def put_on_list(self, contact: ContactRow, column: str, wanted: int, state: int) -> bool:
        """The list of suppressions as it was before, unless somebody else had a word in it since."""
        key = self.world.primary_key(contact, KINDS_OF_COLUMNS[column])
        if key is None:
            return False
        if key not in self.world.suppressed and max(wanted, state) < SUPPRESSED_FROM:
            return True  # confirmed, or not
        if key in self.lifted_now():
            return True
        listed = self.learned.suppressed.get(key)
        if (listed is None) if state < SUPPRESSED_FROM else (listed == (self.change.by, self.change.at)):
            reason = self.sides()[0].get(f"{CHANNEL_COLUMNS[column]}_reason") or ""
            self.write_list(key, column, wanted, reason)
            return True
        return False

    def lifted_now(self) -> Collection[Key]:
        """Addresses whose state went back together with another change."""
        return [key for key in self.learned.suppressed if key not in self.world.suppressed]

    def write_list(self, key: Key, column: str, state: int, reason: str) -> None:
        cursor, digest = self.frame.cursor, load.address_digest(key[2])
        cursor.execute("DELETE FROM contacts_suppression WHERE digest = %s", (digest,))
        self.world.suppressed.pop(key, None)
        if state >= SUPPRESSED_FROM:
            self.world.suppressed[key] = state, reason
            cursor.execute(
                "INSERT INTO contacts_suppression (digest, channel, state, reason, at, by)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (digest, column, state, reason, self.frame.moment, self.frame.cause.by),
            )
        self.lifted.append(key)
