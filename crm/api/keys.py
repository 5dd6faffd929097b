"""Making and finding API keys.

A key reads ``cf_PREFIX_SECRET``. The prefix finds the row, 256 random bits make the secret, and what is kept is the
SHA-256 of the whole: with that much chance in it, a slow hash would add nothing but time to every request.

A key that was found is remembered for a few seconds, so that a busy client costs no query a call; what is changed by
another process is in force here after that time.
"""

import hashlib
import hmac
import re
import secrets
import time
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from crm.audit import Action, about, note
from crm.models import ApiKey

__all__ = ["create_api_key", "find_api_key", "forget_found_keys"]

SHAPE = re.compile(r"(cf_[0-9a-f]{8})_[\w-]{43}", re.ASCII)
USE_NOTED_EVERY = timedelta(minutes=1)
REMEMBERED_SECONDS = 3
MOST_REMEMBERED = 1_000
_found: dict[bytes, tuple[ApiKey, float]] = {}
"""By the secret's hash: the key, and until when on the monotonic clock."""


def create_api_key(
    name: str, *, scope: str, expires_at: datetime | None = None, calls_a_second: int | None = None
) -> tuple[ApiKey, str]:
    """Returns the key and its secret, which nobody can read again."""
    prefix = f"cf_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        scope=ApiKey.Scope(scope),
        expires_at=expires_at,
        calls_a_second=calls_a_second,
        prefix=prefix,
        digest=hash_secret(secret),
    )
    return key, secret


def find_api_key(secret: str, *, request: HttpRequest | None = None) -> ApiKey | None:
    """The valid key that this is the secret of, its use noted; in the audit log the first one of each day (UTC)."""
    digest = hash_secret(secret)
    key, until = _found.get(digest, (None, 0.0))
    if until < time.monotonic():
        key = read_api_key(secret, digest)
    if key is None or not key.is_valid:
        return None
    note_use(key, request)
    return key


def read_api_key(secret: str, digest: bytes) -> ApiKey | None:
    """The key of this secret as it stands in the database; remembered."""
    shape = SHAPE.fullmatch(secret)
    key = ApiKey.objects.filter(prefix=shape[1]).first() if shape else None
    if key is None or not hmac.compare_digest(bytes(key.digest), digest):
        return None
    if len(_found) >= MOST_REMEMBERED:
        _found.clear()
    _found[digest] = key, time.monotonic() + REMEMBERED_SECONDS
    return key


def forget_found_keys() -> None:
    """Keys were changed: look them up again."""
    _found.clear()


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def note_use(key: ApiKey, request: HttpRequest | None = None) -> None:
    """At most once a minute, however many requests come at the same time."""
    now = timezone.now()
    due = now - USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < due:
        not_noted = Q(last_used_at=None) | Q(last_used_at__lt=due)
        is_first = ApiKey.objects.filter(not_noted, pk=key.pk).update(last_used_at=now) == 1
        if is_first and (key.last_used_at is None or key.last_used_at.date() < now.date()):
            note(Action.KEY_USED, by=f"key:{key.pk}", about=about(key), details={"name": str(key)}, request=request)
        key.last_used_at = now
