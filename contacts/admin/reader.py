"""Whoever reads a page reads its times in the account's time zone, and dates and numbers as they are used to.

Ids are never localised. The API is left alone: what programs read is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation

from contacts.models import Account, read_account_zone
from crm.formats import language_of

__all__ = ["ReaderMiddleware", "account_zone"]

SECONDS: Final = 5.0
"""A process reads the time zone again after so long; the one that saved another one, at once."""
PROGRAMS: Final = ("/api/", "/static/")


class Kept(NamedTuple):
    zone: ZoneInfo
    until: float


_kept: Kept | None = None


class ReaderMiddleware:
    """Stands behind Django's own, which chooses the translation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(PROGRAMS):
            return self.get_response(request)
        with (
            timezone.override(account_zone()),
            translation.override(language_of(request.headers.get("Accept-Language", ""))),
        ):
            return self.get_response(request)


def account_zone() -> ZoneInfo:
    """The account's time zone, read once in a while."""
    global _kept
    if _kept is None or _kept.until < monotonic():
        _kept = Kept(read_account_zone(), monotonic() + SECONDS)
    return _kept.zone


def forget_zone(**_: Any) -> None:
    """The account was saved: read it again."""
    global _kept
    _kept = None


post_save.connect(forget_zone, sender=Account, dispatch_uid="contacts.admin.reader")
post_delete.connect(forget_zone, sender=Account, dispatch_uid="contacts.admin.reader.gone")
