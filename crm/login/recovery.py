"""Recovery codes: ten, each lets its owner in once where the phone is not at hand. Shown once, when they are made.

A code is 80 random bits, so its plain hash cannot be turned back; a slow hash would add nothing but ten slow checks.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from crm.models import RecoveryCode

__all__ = ["count_codes", "looks_like_code", "make_codes", "use_code"]

HOW_MANY: Final = 10
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz0"
"""32 signs; no 1, i, l or o, which look alike."""
LENGTH: Final = 16
GROUP: Final = 4


def make_codes(user: User) -> list[str]:
    """Ten new codes; those there were are void."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(HOW_MANY)]
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_digest(user, code)) for code in codes])
    return ["-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP)) for code in codes]


def looks_like_code(text: str) -> bool:
    """Rather than six digits of an app."""
    return len(_read(text)) == LENGTH


def use_code(user: User, text: str) -> bool:
    """Whether this is a code of the user's that was not used; now it is. In one statement: two at once are one."""
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, _read(text)), used_at=None)
    return unused.update(used_at=timezone.now()) == 1


def count_codes(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _read(text: str) -> str:
    return re.sub(r"[\s-]", "", text).lower()


def _digest(user: User, code: str) -> bytes:
    return hashlib.sha256(f"{user.pk}:{code}".encode(errors="surrogatepass")).digest()
