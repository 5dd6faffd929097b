"""What others trusted us with, encrypted at rest: passwords and keys of systems that we write to.

Fernet, by the keys in SECRETS_KEY: the first encrypts, all of them decrypt, so that a new one is put before the old one
and the old one goes once everything was entered again, or moved by ``renew``. Who has the database alone has nothing.
"""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _

from crm.errors import CardfileError

__all__ = ["KeyMissing", "KeyUnusable", "SecretUnreadable", "can_keep_secrets", "decrypt", "encrypt", "renew"]


class KeyMissing(CardfileError):
    """Secrets cannot be kept here yet. Set SECRETS_KEY and restart."""

    code = "secrets_key_missing"


class KeyUnusable(KeyMissing):
    """SECRETS_KEY holds something that is no key. Each is 44 characters; put commas between several."""

    code = "secrets_key_unusable"


class SecretUnreadable(CardfileError):
    """This secret was encrypted with a key that SECRETS_KEY does not hold any more. Enter it again."""

    code = "secret_unreadable"


HOW_TO_MAKE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def can_keep_secrets() -> bool:
    """Whether there is a key at all."""
    return bool(settings.SECRETS_KEY)


def encrypt(text: str) -> bytes:
    """Raises ``KeyMissing``, which says how to make a key."""
    return _keys().encrypt(text.encode())


def decrypt(secret: bytes) -> str:
    """Raises ``SecretUnreadable`` where none of the keys made it."""
    try:
        return _keys().decrypt(secret).decode()
    except InvalidToken as error:
        raise SecretUnreadable from error


def renew(secret: bytes) -> bytes:
    """The same, by the first key."""
    return encrypt(decrypt(secret))


def _keys() -> MultiFernet:
    keys: list[str] = settings.SECRETS_KEY
    if not keys:
        words = _("Secrets cannot be kept here yet. Make a key with `{command}`, set SECRETS_KEY to it, and restart.")
        raise KeyMissing(words.format(command=HOW_TO_MAKE))
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise KeyUnusable from error
