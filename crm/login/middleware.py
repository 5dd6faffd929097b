"""What is asked of every request of somebody who is signed in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve

from crm.audit import Action, actor_of, note
from crm.login import sessions
from crm.login.second_factor import has_second_factor
from crm.roles import requires_two_factor

__all__ = ["AccountMiddleware"]

OPEN_TO_ALL = frozenset({"admin:account_two_factor", "admin:logout", "admin:login", "admin:jsi18n"})
"""Pages for somebody who has yet to set up the second factor."""


class AccountMiddleware:
    """A session ends in time, is known to be in use, and begins with the second factor where the role requires it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        if sessions.is_over(request.session):
            note(Action.SESSION_ENDED, by=actor_of(request), details={"why": "too old"}, request=request)
            logout(request)
            return redirect("admin:login")
        sessions.touch(request)
        if must_set_up(request):
            return redirect("admin:account_two_factor")
        return self.get_response(request)


def must_set_up(request: HttpRequest) -> bool:
    """Asked with one statement a request, and not again in a session that began with the second factor."""
    if request.session.get(sessions.TWO_FACTOR) or not requires_two_factor(request.user):  # type: ignore[arg-type]
        return False
    return not has_second_factor(request.user) and name_of(request) not in OPEN_TO_ALL  # type: ignore[arg-type]


def name_of(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
