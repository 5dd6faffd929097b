"""How a request proves where it comes from: HMAC-SHA256 over the moment and the body.

A secret is not kept anywhere. It is derived from the target's salt and the installation's secret key, so that it can be
had for signing, shown once to whoever made the target, and is not in a copy of the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings

__all__ = ["HEADER", "OLD_SECRET_COUNTS", "make_salt", "secret_of", "sign"]

HEADER: Final = "Cardfile-Signature"
OLD_SECRET_COUNTS: Final = timedelta(days=1)
"""After a new secret was made, requests are signed with both for so long."""


def make_salt() -> str:
    return secrets.token_urlsafe(32)


def secret_of(salt: str) -> str:
    """The secret that belongs to a salt."""
    key = hmac.new(settings.SECRET_KEY.encode(), f"contacts.webhooks.secret:{salt}".encode(), hashlib.sha256)
    return "whsec_" + base64.urlsafe_b64encode(key.digest()).decode().rstrip("=")


def sign(body: bytes, *, moment: int, keys: Sequence[str]) -> str:
    """The header's value: the moment in seconds since 1970, and one signature for each secret that counts."""
    signatures = (hmac.new(key.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest() for key in keys)
    return ",".join([f"t={moment}", *(f"v1={signature}" for signature in signatures)])
