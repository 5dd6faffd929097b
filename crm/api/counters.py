"""Counting calls together with all other web processes: on this machine in shared memory, over several in Redis."""

import functools
import hashlib
import time
from typing import Final, Protocol

from django.conf import settings
from django.core.cache import cache

from crm.api.shared_memory import DIGEST_BYTES, SharedTable

__all__ = ["count", "digest_of", "forget"]

BUCKETS: Final = {"calls": 1 << 10, "bodies": 1 << 15, "forms": 1 << 10}
"""Places for some 8,000 keys within a second, for some 260,000 bodies within a minute, and for as many senders of forms
as keys."""


class Counter(Protocol):
    def count(self, digest: bytes, *, now: float, until: float) -> int: ...

    def forget(self, digest: bytes) -> None: ...


class CacheCounter:
    """The same in Django's cache, whose steps are atomic in Redis."""

    def __init__(self, name: str) -> None:
        self.name = name

    def key(self, digest: bytes) -> str:
        return f"{self.name}:{digest.hex()}"

    def count(self, digest: bytes, *, now: float, until: float) -> int:
        key = self.key(digest)
        for _ in range(3):
            if cache.add(key, 1, timeout=max(round(until - now), 1)):
                return 1
            try:
                return int(cache.incr(key))
            except ValueError:  # it ended in between
                continue
        return 1

    def forget(self, digest: bytes) -> None:
        cache.delete(self.key(digest))


@functools.cache
def counter(name: str) -> Counter:
    return CacheCounter(name) if settings.CACHE_URL else SharedTable(settings.VAR_DIR / name, buckets=BUCKETS[name])


def count(name: str, digest: bytes, *, seconds: float, now: float | None = None) -> int:
    """How often this came within the seconds since it came first, with now."""
    now = time.time() if now is None else now
    return counter(name).count(digest, now=now, until=now + seconds)


def forget(name: str, digest: bytes) -> None:
    counter(name).forget(digest)


@functools.cache
def secret_part() -> bytes:
    return hashlib.sha256(settings.SECRET_KEY.encode()).digest()


def digest_of(*parts: bytes) -> bytes:
    """Keyed: nobody finds out from the table what was sent."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES, key=secret_part())
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
