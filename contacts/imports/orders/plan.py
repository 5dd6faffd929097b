"""What a person chose for an import of orders (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from contacts.identity import Plan
from contacts.identity.types import ORDER

__all__ = ["OrderOptions"]


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """The choices of one import of orders.

    ``currency`` and ``status`` are those of an order that says none; '' where each has to. ``makes_contacts``: an order
    of somebody unknown makes the contact (L17), else it is skipped.
    """

    currency: str = ""
    status: str = ""
    makes_contacts: bool = True

    def plan(self, import_id: int | None = None) -> Plan:
        """Contacts that it makes came by an import, by which its undo knows them."""
        return replace(ORDER, source="import", may_create=self.makes_contacts, import_id=import_id)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> OrderOptions:
        """What ``as_json`` gave; choices that it did not know yet are as they are by default."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})
