"""The confirmation link: a contact and its email, signed with the time; nothing is stored for it.

The email stands in it as a keyed hash alone: a link for an address that the contact has no longer is void, and who
reads the link in a log learns no address.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse
from django.utils.crypto import salted_hmac

from contacts.normalize import clean_email
from contacts.subscribing.errors import LinkExpired, LinkInvalid

__all__ = ["Token", "expires_at", "is_for", "link_of", "make_token", "read_token", "unsubscribe_link_of"]

SALT: Final = "contacts.subscribing"
SHAPE: Final = re.compile(r"(\d{1,18})-([0-9a-f]{32})", re.ASCII)


class Token(NamedTuple):
    contact_id: int
    digest: str


def make_token(contact_id: int, email: str) -> str:
    return _signer().sign(f"{contact_id}-{_digest_of(email)}")


def read_token(text: str, *, expires: bool = True) -> Token:
    """Raises ``LinkInvalid`` or ``LinkExpired``."""
    try:
        signed = _signer().unsign(text, max_age=_lifetime() if expires else None)
    except SignatureExpired as error:
        raise LinkExpired from error
    except BadSignature as error:
        raise LinkInvalid from error
    shape = SHAPE.fullmatch(signed)
    if shape is None:
        raise LinkInvalid
    return Token(int(shape[1]), shape[2])


def is_for(token: Token, email: str) -> bool:
    return hmac.compare_digest(token.digest, _digest_of(email))


def link_of(token: str, *, site: str) -> str:
    """``site`` is where people reach us: ``https://crm.example.com``."""
    return site.rstrip("/") + reverse("confirm-email", args=[token])


def unsubscribe_link_of(token: str, *, site: str) -> str:
    """The other thing that whoever reads the mail may wish; it never expires."""
    return site.rstrip("/") + reverse("unsubscribe-email", args=[token])


def expires_at(made_at: datetime | None = None) -> datetime:
    return (made_at or datetime.now(UTC)) + _lifetime()


def _lifetime() -> timedelta:
    return timedelta(days=settings.CONFIRMATION_LINK_DAYS)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=SALT, sep=".")


def _digest_of(email: str) -> str:
    return salted_hmac(SALT, clean_email(email)[1], algorithm="sha256").hexdigest()[:32]
