"""Everybody's own account: password, two-factor login, sessions. Nobody else's is reached from here."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget

from crm import roles
from crm.audit import Action, actor_of, note
from crm.errors import CardfileError
from crm.login import recovery, second_factor, sessions
from crm.login.confirming import is_confirmed_lately, note_confirmed, redirect_to_confirm
from crm.login.devices import describe_device
from crm.login.forms import CodeForm, ConfirmForm
from crm.login.signing_in import change_password, confirm_again
from crm.login.views import next_of

__all__ = ["account", "confirm", "password", "sessions_page", "two_factor"]

SECRET: Final = "two_factor_secret"  # noqa: S105  # its place in the session, until the app has shown a first code
WRITTEN: Final = ["GET", "HEAD", "POST"]


def show(request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= {**admin.site.each_context(request), "title": title}
    return TemplateResponse(request, template, context, status=status)


def of(request: HttpRequest) -> User:
    """``admin_view`` let nobody else through."""
    user: Any = request.user
    return user


@require_http_methods(["GET", "HEAD"])
def account(request: HttpRequest) -> HttpResponse:
    """What there is to set, and how it stands."""
    user = of(request)
    rule = roles.ROLES.get(roles.role_of(user))
    return show(
        request,
        "login/account.html",
        _("Your account"),
        role=rule,
        has_two_factor=second_factor.has_second_factor(user),
        codes_left=recovery.count_codes(user),
        sessions_count=sessions.list_sessions(user).count(),
    )


# Password


@sensitive_post_parameters()
@require_http_methods(WRITTEN)
def password(request: HttpRequest) -> HttpResponse:
    user = of(request)
    form = PasswordChangeForm(user, request.POST if request.method == "POST" else None)
    for name, field in form.fields.items():
        kind = "current-password" if name == "old_password" else "new-password"
        field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": kind})
    if form.is_valid():
        form.save()
        change_password(request, user)
        messages.success(request, _("Your password is changed. Everywhere else you are signed out."))
        return redirect("admin:account")
    return show(request, "login/password.html", _("Change your password"), form=form)


# Two-factor login


@sensitive_post_parameters("code")
@require_http_methods(WRITTEN)
def two_factor(request: HttpRequest) -> HttpResponse:
    """On or off, as it stands; what a button does is in ``STEPS``."""
    if request.method == "POST":
        step = STEPS.get(request.POST.get("step", ""))
        return step(request, of(request)) if step else redirect("admin:account_two_factor")
    return show_two_factor(request, of(request))


def show_two_factor(request: HttpRequest, user: User, form: CodeForm | None = None) -> HttpResponse:
    is_on = second_factor.has_second_factor(user)
    secret = "" if is_on else request.session.get(SECRET, "")
    return show(
        request,
        "login/two_factor.html",
        _("Two-factor login"),
        is_on=is_on,
        is_required=roles.requires_two_factor(user),
        codes_left=recovery.count_codes(user),
        form=form or CodeForm(),
        drawn=second_factor.draw_secret(user, secret) if secret else "",
        spelled=second_factor.spell_secret(secret) if secret else "",
    )


def begin(request: HttpRequest, user: User) -> HttpResponse:
    """A secret for the app to read; nothing is on yet."""
    if not second_factor.has_second_factor(user):
        request.session[SECRET] = second_factor.new_secret()
    return redirect("admin:account_two_factor")


def finish(request: HttpRequest, user: User) -> HttpResponse:
    """The app's first code switches it on."""
    secret = request.session.get(SECRET, "")
    if not secret or second_factor.has_second_factor(user):
        return redirect("admin:account_two_factor")
    form = CodeForm(request.POST)
    codes = second_factor.set_up(user, secret, form.cleaned_data["code"]) if form.is_valid() else None
    if codes is None:
        if form.is_valid():
            form.add_error(
                "code", _("Your app shows another code for this secret now. Type that, or check the phone's clock.")
            )
        return show_two_factor(request, user, form)
    del request.session[SECRET]
    request.session[sessions.TWO_FACTOR] = True
    note_confirmed(request)
    sessions.end_sessions(user, but=request.session.session_key)  # they began with the password alone
    note(Action.TWO_FACTOR_ON, by=actor_of(request), request=request)
    return show_codes(request, codes)


def renew_codes(request: HttpRequest, user: User) -> HttpResponse:
    if not second_factor.has_second_factor(user):
        return redirect("admin:account_two_factor")
    if not is_confirmed_lately(request):
        return redirect_to_confirm(request)
    codes = recovery.make_codes(user)
    note(Action.RECOVERY_CODES_MADE, by=actor_of(request), request=request)
    return show_codes(request, codes)


def show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """In this answer alone."""
    name = f"{settings.SITE_NAME.lower()}-recovery-codes.txt"
    return show(request, "login/codes.html", _("Your recovery codes"), codes=codes, file_name=name)


def switch_off(request: HttpRequest, user: User) -> HttpResponse:
    if roles.requires_two_factor(user):
        messages.error(
            request, _("Your role requires two-factor login. Ask an administrator for a reset to change phones.")
        )
        return redirect("admin:account_two_factor")
    if not is_confirmed_lately(request):
        return redirect_to_confirm(request)
    if second_factor.remove(user):
        request.session.pop(sessions.TWO_FACTOR, None)
        sessions.end_sessions(user, but=request.session.session_key)
        note(Action.TWO_FACTOR_OFF, by=actor_of(request), request=request)
        messages.success(request, _("Two-factor login is off. Your password alone lets you in now."))
    return redirect("admin:account_two_factor")


STEPS: Final = {"begin": begin, "finish": finish, "codes": renew_codes, "off": switch_off}


# Sessions


class SessionShown(NamedTuple):
    """One row of the list."""

    id: str
    device: str
    address: str
    started_at: Any
    seen_at: Any
    is_this: bool


@require_http_methods(WRITTEN)
def sessions_page(request: HttpRequest) -> HttpResponse:
    user = of(request)
    if request.method == "POST":
        end(request, user, request.POST.get("session", ""))
        return redirect("admin:account_sessions")
    mine = request.session.session_key
    rows = [
        SessionShown(
            sessions.public_id(row.session_key),
            describe_device(row.user_agent),
            row.address or "",
            row.started_at,
            row.seen_at,
            row.session_key == mine,
        )
        for row in sessions.list_sessions(user)[:MOST_SHOWN]
    ]
    return show(
        request, "login/sessions.html", _("Where you are signed in"), rows=sorted(rows, key=lambda row: not row.is_this)
    )


MOST_SHOWN: Final = 100
OTHERS: Final = "others"


def end(request: HttpRequest, user: User, which: str) -> None:
    """One by its public id, or all but this one. This one ends by signing out."""
    own = request.session.session_key or ""
    if which == OTHERS:
        ended = sessions.end_sessions(user, but=own)
    else:
        ended = int(which != sessions.public_id(own) and sessions.end_session(user, which))
    if ended:
        note(
            Action.SESSION_ENDED,
            by=actor_of(request),
            details={"why": "by its owner", "sessions": ended},
            request=request,
        )
        messages.success(request, _("Signed out there."))


# Showing once more who one is


@sensitive_post_parameters()
@require_http_methods(WRITTEN)
def confirm(request: HttpRequest) -> HttpResponse:
    """Asked before deeds that an unlocked computer must not allow."""
    user = of(request)
    asks_for_code = second_factor.has_second_factor(user)
    form = ConfirmForm(request.POST if request.method == "POST" else None, asks_for_code=asks_for_code)
    if form.is_valid():
        try:
            confirm_again(request, user, **form.cleaned_data)
        except CardfileError as error:
            form.refuse(_(error.message))
        else:
            return redirect(next_of(request))
    return show(
        request, "login/confirm.html", _("Is it you?"), form=form, next=next_of(request), asks_for_code=asks_for_code
    )
