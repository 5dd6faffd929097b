"""What a person chose for an import → how ``contacts.identity`` is to resolve its rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from contacts.columns import CUSTOM_PREFIX
from contacts.identity import Mode, Plan
from contacts.identity.types import IMPORT

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of one import.

    ``key``: external_id, email, phone, email_or_phone, id, or a field that can be a key. ``empty_values_clear``: a
    present and empty cell clears (T10). ``restore_deleted``: L2. ``replace_external_id``: L6a.
    """

    key: str = "external_id"
    mode: Mode = Mode.UPSERT
    empty_values_clear: bool = False
    restore_deleted: bool = False
    replace_external_id: bool = False

    def plan(self, import_id: int | None = None) -> Plan:
        return replace(
            IMPORT,
            key=self.key.removeprefix(CUSTOM_PREFIX),
            mode=self.mode,
            empty_values_clear=self.empty_values_clear,
            restore_deleted=self.restore_deleted,
            replace_external_id=self.replace_external_id,
            import_id=import_id,
        )

    def as_json(self) -> dict[str, Any]:
        """As they are kept with the import: the same file with the same options goes on where it stopped."""
        return {**asdict(self), "mode": self.mode.value}
