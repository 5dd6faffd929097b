"""What a person chose for an import → how ``contacts.identity`` is to resolve its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from contacts.columns import CUSTOM_PREFIX
from contacts.identity import Mode, Plan
from contacts.identity.types import IMPORT

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one import.

    ``key``: external_id, email, phone, email_or_phone, id, or a field that can be a key. ``empty_values_clear``: a
    present and empty cell clears (T10). ``fill_blanks_only``: nothing that a contact has is overwritten;
    ``keep_columns`` says it of single columns. ``restore_deleted``: L2. ``replace_external_id``: L6a.
    ``add_to_segments`` and ``remove_from_segments``: ids of static ones, for everybody whom a row found or made.
    ``event_for_new``: the key of an event type, recorded on whoever is created. ``confirm_emails``: emails that are new
    here are not confirmed yet, and whoever has one is asked by mail once the import is finished. ``consent``: {"basis",
    "category", "source"} of the consents that the file gives, to everybody or by a column that says yes or no.
    """

    key: str = "external_id"
    mode: Mode = Mode.UPSERT
    empty_values_clear: bool = False
    fill_blanks_only: bool = False
    keep_columns: tuple[str, ...] = ()
    restore_deleted: bool = False
    replace_external_id: bool = False
    add_to_segments: tuple[int, ...] = ()
    remove_from_segments: tuple[int, ...] = ()
    event_for_new: str = ""
    confirm_emails: bool = False
    consent: Mapping[str, str] | None = None

    def plan(self, import_id: int | None = None) -> Plan:
        return replace(
            IMPORT,
            key=self.key.removeprefix(CUSTOM_PREFIX),
            mode=self.mode,
            empty_values_clear=self.empty_values_clear,
            fill_blanks_only=self.fill_blanks_only,
            keep_columns=frozenset(self.keep_columns),
            restore_deleted=self.restore_deleted,
            replace_external_id=self.replace_external_id,
            unconfirmed=self.confirm_emails,
            import_id=import_id,
        )

    def as_json(self) -> dict[str, Any]:
        """As they are kept with the import: the same file with the same options goes on where it stopped."""
        lists = {name: list(value) for name, value in asdict(self).items() if isinstance(value, tuple)}
        return {**asdict(self), **lists, "mode": self.mode.value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Options:
        """What ``as_json`` gave; choices that it did not know yet are as they are by default."""
        known = {field.name for field in fields(cls)}
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items() if name in known
        }
        given["mode"] = Mode(kept.get("mode", Mode.UPSERT))
        return cls(**given)
