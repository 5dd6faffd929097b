"""Lock-out: who fails too often waits, longer each time. Counted for the account and for the address, each alone.

An attempt is counted before the password is looked at, in one transaction that locks both rows, and taken back when it
succeeds: so a hundred guesses sent at once, to any number of processes, are a hundred attempts. An account that does
not exist is counted like one that does; nobody can tell them apart.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import ngettext

from crm.errors import CardfileError
from crm.models import LoginAttempts

__all__ = [
    "Attempt",
    "LockedOut",
    "begin_attempt",
    "forget_old_attempts",
    "key_of",
    "unlock",
    "unlock_rows",
    "wait_after",
]

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""Without a failure."""
ACCOUNT, ADDRESS = "account", "address"


class LockedOut(CardfileError):
    """Signing in failed too often. Wait a while, or ask an administrator to unlock the account."""

    code = "locked_out"

    def __init__(self, until: datetime) -> None:
        super().__init__(say_wait(until - timezone.now()), until=until)


def say_wait(wait: timedelta) -> str:
    minutes = max(1, -(-wait // timedelta(minutes=1)))
    text = ngettext(
        "Signing in failed too often. Try again in %(minutes)d minute, or ask an administrator to unlock the account.",
        "Signing in failed too often. Try again in %(minutes)d minutes, or ask an administrator to unlock the account.",
        minutes,
    )
    return text % {"minutes": minutes}


def wait_after(failures: int, *, free: int) -> timedelta:
    """How long to wait after so many failures in a row, the first ``free - 1`` of which cost nothing."""
    if failures < free:
        return timedelta(0)
    return min(FIRST_WAIT * 2 ** min(failures - free, 16), LONGEST_WAIT)


def key_of(kind: str, name: str) -> str:
    """What is counted together: an account however it is spelled, an IPv4 address, an IPv6 network (/64).

    A name that was typed is kept as a hash: now and then somebody types the password there.
    """
    if kind == ACCOUNT:
        spelled = unicodedata.normalize("NFKC", name).casefold()
        return f"{ACCOUNT}:{hashlib.sha256(spelled.encode(errors='surrogatepass')).hexdigest()}"
    return f"{ADDRESS}:{ip_network(f'{name}/64', strict=False) if ':' in name else name}"


class Attempt(NamedTuple):
    """One that is under way; say how it ended."""

    account: str
    address: str | None
    locked_until: datetime | None
    """From when on it counts as a failure."""

    def fail(self) -> datetime | None:
        """It was counted already. Until when the next one has to wait, if it has."""
        return self.locked_until

    def pass_on(self) -> None:
        """The password was right and a second factor is asked for: neither a failure nor yet a success."""
        _take_back(Q(key__in=filter(None, (self.account, self.address))))

    def succeed(self) -> None:
        """The account starts anew. The address does not: whoever has one account could else guess others for ever."""
        LoginAttempts.objects.filter(key=self.account).delete()
        _take_back(Q(key=self.address or ""))


def begin_attempt(name: str, address: str | None) -> Attempt:
    """Count it. Raises ``LockedOut`` where the account or the address has to wait, and then counts nothing."""
    account = key_of(ACCOUNT, name)
    free = {account: settings.FAILED_LOGINS_OF_ACCOUNT}
    if address:
        free[key_of(ADDRESS, address)] = settings.FAILED_LOGINS_OF_ADDRESS
    now = timezone.now()
    user_id = User.objects.filter(username=name).values_list("pk", flat=True).first() if "\x00" not in name else None
    with transaction.atomic():
        rows = _lock_rows(account, list(free), user_id, now)
        waits = [row.locked_until for row in rows if row.locked_until and row.locked_until > now]
        if waits:
            raise LockedOut(max(waits))
        for row in rows:
            is_old = row.failed_at < now - FORGOTTEN_AFTER
            row.failures = 1 if is_old else row.failures + 1
            row.failed_at = now
            wait = wait_after(row.failures, free=free[row.key])
            row.locked_until = now + wait if wait else None
        LoginAttempts.objects.bulk_update(rows, ["failures", "failed_at", "locked_until"])
    until = max((row.locked_until for row in rows if row.locked_until), default=None)
    return Attempt(account, next((key for key in free if key != account), None), until)


def _lock_rows(account: str, keys: list[str], user_id: int | None, now: datetime) -> list[LoginAttempts]:
    """One process after the other, in the order of the keys: so no two wait for each other."""
    LoginAttempts.objects.bulk_create(
        [LoginAttempts(key=key, failed_at=now, user_id=user_id if key == account else None) for key in sorted(keys)],
        ignore_conflicts=True,
    )
    return list(LoginAttempts.objects.filter(key__in=keys).order_by("key").select_for_update())


def _take_back(which: Q) -> None:
    LoginAttempts.objects.filter(which).update(failures=Greatest(F("failures") - 1, 0), locked_until=None)


def unlock(*, user: User | None = None, address: str | None = None) -> bool:
    """Whether there was anything to forget."""
    key = key_of(ACCOUNT, user.username) if user else key_of(ADDRESS, address or "")
    return unlock_rows([key])


def unlock_rows(keys: list[str]) -> bool:
    deleted, _by_model = LoginAttempts.objects.filter(key__in=keys).delete()
    return deleted > 0


def forget_old_attempts() -> None:
    LoginAttempts.objects.filter(failed_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
