"""Columns as the wire calls them (pure)."""

from __future__ import annotations

from typing import Final

from contacts.api.translate import COLUMNS

__all__ = ["wire_name"]

WIRE_NAMES: Final = {
    **{column: name for name, column in COLUMNS.items()},
    "email": "channels.email",
    "phone": "channels.sms",
    **{name: f"address.{name}" for name in ("address", "town", "region", "postcode")},
}


def wire_name(column: str) -> str:
    return WIRE_NAMES.get(column, column)
