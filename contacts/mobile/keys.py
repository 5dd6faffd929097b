"""Keys of apps: made, found, switched off and on again.

A key reads ``ca_PREFIX_SECRET``: the prefix finds the row, and only the SHA-256 of the whole is kept. An app carries it
to everybody who installs it, so it lets in events and a person's own data, and nothing else. Several may be valid at
once: a new build gets a new one, and the old one is disabled when nobody uses it any more.

A key that was found is remembered for a few seconds: what another process changes is in force here after that time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from contacts.models import App, AppKey

__all__ = ["create_app_key", "disable_app_key", "enable_app_key", "find_app_key", "forget_found_keys"]

SHAPE: Final = re.compile(r"(ca_[0-9a-f]{8})_[\w-]{43}", re.ASCII)
USE_NOTED_EVERY: Final = timedelta(minutes=1)
REMEMBERED_SECONDS: Final = 3
MOST_REMEMBERED: Final = 1_000
_found: dict[bytes, tuple[AppKey, float]] = {}
"""By the secret's hash: the key, and until when on the monotonic clock."""


def create_app_key(app: App, name: str) -> tuple[AppKey, str]:
    """The key and its secret, which nobody can read again."""
    prefix = f"ca_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return AppKey.objects.create(app=app, name=name, prefix=prefix, digest=_hash(secret)), secret


def disable_app_key(key: AppKey) -> bool:
    """Whether it was on."""
    changed = AppKey.objects.filter(pk=key.pk, disabled_at=None).update(disabled_at=timezone.now())
    forget_found_keys()
    return changed == 1


def enable_app_key(key: AppKey) -> bool:
    """Whether it was off."""
    changed = AppKey.objects.filter(pk=key.pk).exclude(disabled_at=None).update(disabled_at=None)
    forget_found_keys()
    return changed == 1


def find_app_key(secret: str) -> AppKey | None:
    """The key that this is the secret of, with its app, if it is on; its use is noted."""
    digest = _hash(secret)
    key, until = _found.get(digest, (None, 0.0))
    if until < time.monotonic():
        key = _read(secret, digest)
    if key is None or key.disabled_at is not None:
        return None
    _note_use(key)
    return key


def forget_found_keys() -> None:
    """Keys or apps were changed: look them up again."""
    _found.clear()


def _read(secret: str, digest: bytes) -> AppKey | None:
    shape = SHAPE.fullmatch(secret)
    key = AppKey.objects.select_related("app").filter(prefix=shape[1]).first() if shape else None
    if key is None or not hmac.compare_digest(bytes(key.digest), digest):
        return None
    if len(_found) >= MOST_REMEMBERED:
        _found.clear()
    _found[digest] = key, time.monotonic() + REMEMBERED_SECONDS
    return key


def _note_use(key: AppKey) -> None:
    """At most once a minute, however many devices call."""
    now = timezone.now()
    due = now - USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < due:
        not_noted = Q(last_used_at=None) | Q(last_used_at__lt=due)
        AppKey.objects.filter(not_noted, pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
