"""Signing in, in steps: the attempt is counted, the password checked, the second factor asked for, the door opened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth import authenticate, login, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from crm.addresses import address_of
from crm.audit import Action, note
from crm.errors import CardfileError
from crm.login import recovery, second_factor, sessions
from crm.login.attempts import Attempt, begin_attempt, unlock
from crm.login.confirming import note_confirmed

__all__ = ["CodeWrong", "NotLetIn", "begin_second_step", "change_password", "check_password_step", "check_second_step",
           "confirm_again", "pending_user"]  # fmt: skip

PENDING: Final = "pending_login"
PENDING_FOR: Final = timedelta(minutes=10)
BY_PASSWORD, BY_APP, BY_RECOVERY = "password", "password and app", "password and recovery code"


class NotLetIn(CardfileError):
    """The name or the password is wrong. Both are case-sensitive; try again, or ask an administrator for a new link."""

    code = "not_let_in"


class CodeWrong(CardfileError):
    """This code is wrong or was used already. Type the one that your app shows now, or a recovery code."""

    code = "code_wrong"


def check_password_step(request: HttpRequest, name: str, password: str) -> User | None:
    """The user, signed in; None where the second step is still to come. Raises ``LockedOut``, ``NotLetIn``."""
    attempt = begin_attempt(name, address_of(request))
    user: Any = authenticate(request, username=name, password=password)
    if user is None or not user.is_staff:
        note_failure(request, attempt, name, "password")
        raise NotLetIn
    if second_factor.has_second_factor(user):
        attempt.pass_on()
        begin_second_step(request, user)
        return None
    attempt.succeed()
    return let_in(request, user, BY_PASSWORD)


def begin_second_step(request: HttpRequest, user: User) -> None:
    """Nobody is signed in yet: the session only remembers whose password was right, under a new key."""
    request.session.cycle_key()
    request.session[PENDING] = {"user": user.pk, "backend": user.backend, "at": timezone.now().timestamp()}


def pending_user(request: HttpRequest) -> User | None:
    """Whose second step it is; None where there was no first one, or it is too long ago."""
    pending = request.session.get(PENDING) or {}
    if timezone.now().timestamp() - pending.get("at", 0) > PENDING_FOR.total_seconds():
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True, is_staff=True).first()
    if user is not None:
        user.backend = pending["backend"]
    return user


def check_second_step(request: HttpRequest, user: User, code: str) -> User:
    """Raises ``LockedOut``, ``CodeWrong``."""
    how = check_code(request, user, code)
    return let_in(request, user, how)


def check_code(request: HttpRequest, user: User, code: str) -> str:
    """Of the app, or a recovery code: which it was. Counted as signing in is."""
    attempt = begin_attempt(user.username, address_of(request))
    if recovery.looks_like_code(code):
        if recovery.use_code(user, code):
            attempt.succeed()
            left = recovery.count_codes(user)
            note(Action.RECOVERY_CODE_USED, by=f"user:{user.pk}", details={"codes left": left}, request=request)
            return BY_RECOVERY
    elif second_factor.check_code(user, code):
        attempt.succeed()
        return BY_APP
    note_failure(request, attempt, user.username, "code")
    raise CodeWrong


def let_in(request: HttpRequest, user: User, how: str) -> User:
    login(request, user)
    request.session.pop(PENDING, None)
    request.session[sessions.TWO_FACTOR] = how != BY_PASSWORD
    note(Action.SIGNED_IN, by=f"user:{user.pk}", details={"with": how}, request=request)
    return user


def note_failure(request: HttpRequest, attempt: Attempt, name: str, what: str) -> None:
    """The name is written down only where it is somebody's: people type their password there now and then."""
    known = User.objects.filter(username=name).first() if "\x00" not in name else None
    of = f"auth.user:{known.pk}" if known else ""
    details = {"name": known.username} if known else {"name": "unknown"}
    note(Action.SIGN_IN_FAILED, by="", about=of, details={**details, "wrong": what}, request=request)
    if until := attempt.fail():
        minutes = round((until - timezone.now()) / timedelta(minutes=1))
        note(Action.LOCKED_OUT, by="", about=of, details={**details, "minutes": minutes}, request=request)


def confirm_again(request: HttpRequest, user: User, *, password: str = "", code: str = "") -> None:
    """Somebody who is signed in shows once more who they are. Raises ``LockedOut``, ``CodeWrong``, ``NotLetIn``."""
    if second_factor.has_second_factor(user):
        check_code(request, user, code)
    else:
        attempt = begin_attempt(user.username, address_of(request))
        if not user.check_password(password):
            note_failure(request, attempt, user.username, "password")
            raise NotLetIn
        attempt.succeed()
    note_confirmed(request)


def change_password(request: HttpRequest, user: User) -> None:
    """It was just saved: all other sessions end, and failures with the old one count no more."""
    if request.user.is_authenticated and request.user.pk == user.pk:
        update_session_auth_hash(request, user)
        sessions.end_sessions(user, but=request.session.session_key)
    else:
        sessions.end_sessions(user)
    unlock(user=user)
    note(Action.PASSWORD_CHANGED, by=f"user:{user.pk}", about=f"auth.user:{user.pk}", request=request)
