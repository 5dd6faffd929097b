"""A share of all contacts, drawn by chance and always the same (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

__all__ = ["Share", "highest_hash", "seed_number"]

_LOWEST: Final = -(2**63)
_HASHES: Final = 2**64


@dataclass(frozen=True, slots=True)
class Share:
    """So many percent of all contacts; another ``seed`` draws others, the same one always the same."""

    percent: int | Decimal
    seed: str


def seed_number(seed: str) -> int:
    """The seed as the database's hash takes it: a number of 64 bits."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def highest_hash(percent: int | Decimal) -> int:
    """Contacts whose hash, a number of 64 bits with its sign, is not above this one are ``percent`` of all."""
    return _LOWEST + int(_HASHES * Decimal(percent) / 100) - 1
