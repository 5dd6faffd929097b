"""Names as they are compared, and birthdays that say nothing (pure).

Two names are the same where they have the same parts in whatever order and writing: ``Олена  КОВАЛЬ`` and ``Коваль
Олена``, ``O’Brien`` and ``OBrien``, ``Smith-Jones`` and ``Smith Jones``, ``Müller`` and ``Muller``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

__all__ = ["hash_name", "is_full_name", "read_birthday", "read_name"]

_APOSTROPHES: Final = str.maketrans("", "", "'’ʼ‘`´")
_PARTS: Final = re.compile(r"[^\W_]+")
FULL_NAME: Final = 2
"""Parts that a name has at least where it may tell people apart."""
OLDEST: Final = 1900
DEFAULTS: Final = frozenset({date(1970, 1, 1), date(1900, 1, 1), date(1901, 1, 1), date(1899, 12, 30)})
"""What forms and spreadsheets write where nobody wrote anything."""


def read_name(*written: str | None) -> tuple[str, ...]:
    """The parts of a name in their compare form, sorted; empty where there is none."""
    text = unicodedata.normalize("NFKD", " ".join(part for part in written if part)).translate(_APOSTROPHES)
    plain = "".join(char for char in text if not unicodedata.combining(char))
    return tuple(sorted(_PARTS.findall(plain.casefold())))


def is_full_name(name: Sequence[str]) -> bool:
    """Whether a name has a first and a last part, each longer than an initial."""
    return sum(len(part) > 1 or not part.isascii() for part in name) >= FULL_NAME


def hash_name(name: Sequence[str]) -> int:
    """A stable signed 64-bit number for the parts of a name."""
    digest = hashlib.blake2b("\x1f".join(name).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def read_birthday(value: Any, today: date) -> date | None:
    """A date of birth as a custom field holds it; None where it is none, or says nothing."""
    try:
        born = date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
    if born is None or born in DEFAULTS or born >= today or born.year < OLDEST:
        return None
    return born
