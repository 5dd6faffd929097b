"""Where somebody is signed in: Django's sessions in a table that says whose they are, from where and since when.

A session ends when it was not used for SESSION_IDLE_HOURS, SESSION_DAYS after signing in, at signing out, when its
owner or an administrator ends it, and, but for the one it happens in, when the password changes.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from crm.addresses import address_of
from crm.models import Session

__all__ = [
    "TWO_FACTOR",
    "SessionStore",
    "begin_session",
    "end_session",
    "end_sessions",
    "forget_old_sessions",
    "is_over",
    "list_sessions",
    "public_id",
    "read_moment",
    "touch",
]

STARTED, SEEN, FROM, WITH = "started_at", "seen_at", "address", "user_agent"
TWO_FACTOR: Final = "two_factor"
"""In the data of a session that showed a second factor."""
TOUCHED_EVERY: Final = timedelta(minutes=5)


class SessionStore(DatabaseStore):
    """Writes what the list of sessions shows beside the session's data."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.started_at, row.seen_at = read_moment(data, STARTED), read_moment(data, SEEN)
        row.address, row.user_agent = data.get(FROM), data.get(WITH, "")
        return row


def begin_session(request: HttpRequest, **_signal: Any) -> None:
    """Right after signing in."""
    now = timezone.now().timestamp()
    request.session[STARTED] = request.session[SEEN] = now
    request.session[FROM] = address_of(request)
    request.session[WITH] = request.META.get("HTTP_USER_AGENT", "")[:300]


def touch(request: HttpRequest) -> None:
    """It is in use; written down every few minutes, from where too."""
    session, now = request.session, timezone.now()
    seen = read_moment(session, SEEN)
    if seen is None or now - seen > TOUCHED_EVERY:
        session[SEEN] = now.timestamp()
        session[FROM] = address_of(request)


def is_over(session: SessionBase) -> bool:
    """However busy it is, a session does not last for ever."""
    started = read_moment(session, STARTED)
    return started is None or timezone.now() - started > timedelta(days=settings.SESSION_DAYS)


def read_moment(data: Any, name: str) -> datetime | None:
    value = data.get(name)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None


# The list


def list_sessions(user: User) -> QuerySet[Session]:
    """The one used last comes first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at", "session_key")


def public_id(session_key: str) -> str:
    """What a page may call a session: its key itself lets in whoever reads it."""
    return hashlib.sha256(f"session:{session_key}".encode()).hexdigest()[:32]


def end_session(user: User, public: str) -> bool:
    """Whether there was one."""
    for row in list_sessions(user):
        if hmac.compare_digest(public_id(row.session_key), public):
            row.delete()
            return True
    return False


def end_sessions(user: User, *, but: str | None = None) -> int:
    """All of a user's, but for the one with this key: how many."""
    ended, _by_model = Session.objects.filter(user=user).exclude(session_key=but or "").delete()
    return ended


def forget_old_sessions() -> None:
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
