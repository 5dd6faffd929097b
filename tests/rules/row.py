"""One row of the table: given these people, this record through one of these ways, expect this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from contacts.identity import Plan, PolicyRules
from contacts.identity.types import (
    API,
    API_BULK,
    DEVICE,
    EVENT,
    IMPORT,
    MOBILE,
    ORDER,
    PURCHASE,
    SHEET,
    STANDARD,
    SUBSCRIBE,
    WEB,
)
from tests.people import Step

WAYS: Final[dict[str, Plan]] = {
    "single": API,
    "bulk": API_BULK,
    "import": IMPORT,
    "sheet": SHEET,
    "subscribe": SUBSCRIBE,
    "web": WEB,
    "mobile": MOBILE,
    "device": DEVICE,
    "order": ORDER,
    "event": EVENT,
    "purchase": PURCHASE,
}
"""What somebody does, and the plan that it is resolved by."""

ALL: Final = ("single", "bulk", "import")
BATCH: Final = ("bulk", "import")
SINGLE: Final = ("single",)
SHEET_ONLY: Final = ("sheet",)
SERVERS_AND_SHEET: Final = ("single", "bulk", "import", "sheet")
SINGLE_AND_SHEET: Final = ("single", "sheet")
ACTIVITIES: Final = ("order", "event", "purchase")


class Act(NamedTuple):
    """Something that is done to a contact by its id: delete, restore, erase, get, merge, undo, dismiss."""

    verb: str
    name: str
    other: str = ""
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One named case of one rule.

    ``send`` is a record, or several that go one after the other (in one batch, one file), or an ``Act``. What is
    expected holds for the last of them, ``status`` may list all. ``sheets`` holds by name the columns to look at,
    ``identifiers`` among them as the full set, ``details`` as all that is known of devices, by value; ``new`` is the
    contact that the row makes. ``journal`` names who got which kinds of entry; left out, it follows from the status.
    ``cases`` maps ``kind:value`` to the people of each open case, and is complete. ``not_through`` names doors that
    answer in a way of their own.
    """

    id: str
    ways: tuple[str, ...] = ALL
    given: tuple[Step, ...] = ()
    send: Mapping[str, Any] | Act | list[Mapping[str, Any]]
    options: Mapping[str, Any] = field(default_factory=dict)
    status: str | list[str] = "updated"
    contact: str | None = None
    sheets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    journal: Mapping[str, list[str]] | None = None
    cases: Mapping[str, set[str]] | None = field(default_factory=dict)
    code: str = ""
    column: str | None = None
    other: str | None = None
    warnings: list[str] | None = None
    rule: str | None = None
    matched_by: str | None = None
    policy: PolicyRules = STANDARD
    junk: tuple[str, ...] = ()
    junk_patterns: tuple[str, ...] = ()
    not_through: tuple[str, ...] = ()

    @property
    def records(self) -> list[Mapping[str, Any]]:
        if isinstance(self.send, Act):
            return []
        return self.send if isinstance(self.send, list) else [self.send]

    @property
    def statuses(self) -> list[str]:
        return [self.status] if isinstance(self.status, str) else self.status

    @property
    def names_a_contact(self) -> bool:
        return any("id" in record for record in self.records)

    def plan(self, way: str) -> Plan:
        from tests.people import with_options

        return with_options(WAYS[way], **self.options)

    def expected_journal(self) -> dict[str, list[str]] | None:
        """Who got which entries; None where the row is silent."""
        if self.journal is not None:
            return {name: list(kinds) for name, kinds in self.journal.items()}
        if not isinstance(self.status, str):
            return None
        kinds = {"created": ["created"], "updated": ["updated"], "restored": ["restored"]}.get(self.status)
        return {self.contact: kinds} if kinds and self.contact else {}
