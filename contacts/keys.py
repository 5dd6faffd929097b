"""The kinds of identifiers and the keys a caller can choose (pure)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = [
    "CHANGEABLE_KINDS",
    "IDENTIFYING_MASK",
    "KEYS",
    "LOOKUP_ORDER",
    "PERMANENT_KINDS",
    "SHARED_KINDS",
    "UNIQUE_KINDS",
    "Kind",
    "kinds_of_key",
]


class Kind(IntEnum):
    """What an identifier is; the number is stored, and ``1 << kind`` is its bit in a contact's mask."""

    EXTERNAL_ID = 1
    EMAIL = 2
    PHONE = 3
    CUSTOM = 4
    """A custom key: ``app`` names the field (``contact_key`` or a custom field's key)."""
    DEVICE = 5
    APP_INSTANCE = 6
    MOBILE_PUSH = 7
    WEB_PUSH = 8
    TELEGRAM = 9
    COOKIE = 10
    ADVERTISING = 11
    """Attached and shown, not unique, never looked up."""
    ORDER = 12
    """An order number: finds the order; the L and T rules and the mask ignore it."""

    @property
    def slug(self) -> str:
        """The name used in JSON, CSV and the journal, e.g. ``external_id``."""
        return self.name.lower()


LOOKUP_ORDER: Final = (
    Kind.EXTERNAL_ID,
    Kind.EMAIL,
    Kind.PHONE,
    Kind.CUSTOM,
    Kind.DEVICE,
    Kind.APP_INSTANCE,
    Kind.MOBILE_PUSH,
    Kind.WEB_PUSH,
    Kind.TELEGRAM,
    Kind.COOKIE,
)
"""The default order of looking up (rules, *Looking up*)."""

PERMANENT_KINDS: Final = frozenset({Kind.EXTERNAL_ID, Kind.EMAIL, Kind.PHONE})
CHANGEABLE_KINDS: Final = frozenset(
    {Kind.DEVICE, Kind.APP_INSTANCE, Kind.MOBILE_PUSH, Kind.WEB_PUSH, Kind.TELEGRAM, Kind.COOKIE}
)
SHARED_KINDS: Final = frozenset({Kind.EMAIL, Kind.PHONE, Kind.CUSTOM, Kind.ADVERTISING})
"""Kinds whose value may stand on several contacts."""
UNIQUE_KINDS: Final = frozenset(Kind) - SHARED_KINDS

IDENTIFYING_MASK: Final = sum(1 << kind for kind in (*PERMANENT_KINDS, Kind.CUSTOM))
"""A contact with one of these bits is identified, one without may be anonymous."""

KEYS: Final[dict[str, tuple[Kind, ...]]] = {
    "default": LOOKUP_ORDER,
    "external_id": (Kind.EXTERNAL_ID,),
    "email": (Kind.EMAIL,),
    "phone": (Kind.PHONE,),
    "email_or_phone": (Kind.PHONE, Kind.EMAIL),
    "push": (Kind.MOBILE_PUSH,),
    "web_push": (Kind.WEB_PUSH,),
    "id": (),
}
"""The keys one can choose, each with the kinds it looks at, in order; any other word names a custom key."""


def kinds_of_key(key: str) -> tuple[Kind, ...]:
    """The kinds that ``key`` looks at, in order; a word outside the table is a custom key."""
    return KEYS.get(key, (Kind.CUSTOM,))
