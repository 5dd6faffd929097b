"""Sample values → the type that a new custom field had best have (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.keys import KEYS
from contacts.normalize import InvalidValue, Schema

__all__ = ["guess_key", "guess_type"]

TYPES: Final = ("boolean", "number", "decimal", "date", "datetime")
"""From the narrowest to the widest; what is none of them is text."""
READERS: Final = Schema([Column(f"fields.{name}", name, name) for name in TYPES]).cleaners
SHORT_TEXT: Final = 200
KEY_LENGTH: Final = 50
RESERVED: Final = frozenset(KEYS) | {column.key for column in SYSTEM_COLUMNS}
"""Words that name a key or a column already."""


def guess_type(values: Iterable[str]) -> str:
    """The first type that reads all of these values; text where there are none.

    Digits that a number would lose (a leading zero) or that are longer than anybody counts (a card, a barcode) are
    text, and so is a column of nothing but 0 and 1 a number: it counts as often as it says yes or no.
    """
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return "text"
    if any(_is_code(value) for value in filled):
        return "text"
    for name in TYPES:
        if name == "boolean" and all(value.isdecimal() for value in filled):
            continue
        if all(_reads(name, value) for value in filled):
            return name
    return "text" if all(len(value) <= SHORT_TEXT for value in filled) else "long_text"


def guess_key(header: str, taken: Iterable[str], place: int) -> str:
    """A free key for a field of this name: its Latin letters and digits, else ``column_`` and its number."""
    kept = "".join(char if char.isascii() and char.isalnum() else "_" for char in header.strip().lower())
    words = "_".join(word for word in kept.split("_") if word)[:KEY_LENGTH] or f"column_{place + 1}"
    known, number, key = RESERVED.union(taken), 2, words
    while key in known:
        ending = f"_{number}"
        key, number = words[: KEY_LENGTH - len(ending)] + ending, number + 1
    return key


def _is_code(value: str) -> bool:
    digits = value.lstrip("+")
    return digits.isdecimal() and (len(digits) > 15 or value != digits or (digits[0] == "0" and len(digits) > 1))


def _reads(name: str, value: str) -> bool:
    if name == "date" and ":" in value:  # a date would lose the time
        return False
    try:
        return READERS[f"fields.{name}"](value) is not None
    except InvalidValue:
        return False
