"""Deeds that whoever finds an unlocked computer must not do: they ask again who is there, and then not for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from crm.login.sessions import read_moment

__all__ = ["confirmed_lately", "is_confirmed_lately", "note_confirmed", "redirect_to_confirm"]

LATELY: Final = timedelta(minutes=15)
CONFIRMED: Final = "confirmed_at"


def note_confirmed(request: HttpRequest, **_signal: Any) -> None:
    """Just now somebody showed that they are who they say: by signing in, or once more."""
    request.session[CONFIRMED] = timezone.now().timestamp()


def is_confirmed_lately(request: HttpRequest) -> bool:
    moment = read_moment(request.session, CONFIRMED)
    return moment is not None and timezone.now() - moment < LATELY


def redirect_to_confirm(request: HttpRequest, next_url: str = "") -> HttpResponse:
    """And from there back to the page, not to what its form was sent to."""
    address = next_url or request.get_full_path()
    return redirect(f"{reverse('admin:account_confirm')}?{urlencode({'next': address})}")


def confirmed_lately(view: Callable[..., Any]) -> Callable[..., Any]:
    """For methods of admin classes and for views: the first argument that is a request is asked."""

    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        request = next(argument for argument in args if isinstance(argument, HttpRequest))
        return view(*args, **kwargs) if is_confirmed_lately(request) else redirect_to_confirm(request)

    return asked
