"""Keys that are shown once: what is kept is a hash, and what was found is remembered for a few seconds.

A key reads ``cf_PREFIX_SECRET``. The prefix finds the row, 256 random bits make the secret, and what is kept is the
SHA-256 of the whole: with that much chance in it, a slow hash would add nothing but time to every request.

A key that was found is remembered, so that a busy client costs no query a call; what is changed by another process is
in force here after that time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db.models import Model, Q
from django.utils import timezone

__all__ = ["FoundKeys", "Shown", "make_key", "note_use"]

USE_NOTED_EVERY: Final = timedelta(minutes=1)
REMEMBERED_SECONDS: Final = 3
MOST_REMEMBERED: Final = 1_000
SHAPE: Final = re.compile(r"([a-z]{2}_[0-9a-f]{8})_[\w-]{43}", re.ASCII)

K = TypeVar("K", bound=Model)


class Shown(NamedTuple):
    """A key as it is made: ``secret`` is shown, ``prefix`` and ``digest`` are kept."""

    prefix: str
    secret: str
    digest: bytes


def make_key(kind: str) -> Shown:
    """``kind`` are the two letters that it begins with."""
    prefix = f"{kind}_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return Shown(prefix, secret, _hash(secret))


class FoundKeys(Generic[K]):
    """Keys by their secrets. ``read`` gives the row of a prefix, which has a ``digest``."""

    def __init__(self, read: Callable[[str], K | None]) -> None:
        self.read = read
        self.remembered: dict[bytes, tuple[K, float]] = {}
        """By the secret's hash: the key, and until when on the monotonic clock."""

    def find(self, secret: str) -> K | None:
        """The key that this is the secret of; whether it is valid is for the caller to see."""
        digest = _hash(secret)
        key, until = self.remembered.get(digest, (None, 0.0))
        return key if until >= time.monotonic() else self._read(secret, digest)

    def forget(self) -> None:
        """Keys were changed: look them up again."""
        self.remembered.clear()

    def _read(self, secret: str, digest: bytes) -> K | None:
        shape = SHAPE.fullmatch(secret)
        key: Any = self.read(shape[1]) if shape else None
        if key is None or not hmac.compare_digest(bytes(key.digest), digest):
            return None
        if len(self.remembered) >= MOST_REMEMBERED:
            self.remembered.clear()
        self.remembered[digest] = key, time.monotonic() + REMEMBERED_SECONDS
        found: K = key
        return found


def note_use(key: Any) -> datetime | None:
    """When it was used, at most once a minute, however many requests come at the same time; None if that was noted."""
    now = timezone.now()
    due = now - USE_NOTED_EVERY
    if key.last_used_at is not None and key.last_used_at >= due:
        return None
    not_noted = Q(last_used_at=None) | Q(last_used_at__lt=due)
    is_first = type(key).objects.filter(not_noted, pk=key.pk).update(last_used_at=now) == 1
    key.last_used_at = now
    return now if is_first else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
