"""What Django itself answers: in the API's shape where the API was asked, else as a page with a way on."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.api.errors import answer, is_api

__all__ = ["bad_request", "csrf_failure", "page_not_found", "permission_denied", "server_error"]

LONGEST_REASON: Final = 300
NOT_FOR_PEOPLE: Final = "matches the given query"
"""What Django says of a row that is not there."""


class Words(NamedTuple):
    """What an error is called, and what to do about it."""

    title: Any
    advice: Any


WORDS: Final[dict[int, Words]] = {
    400: Words(
        gettext_lazy("This could not be read."),
        gettext_lazy("Something about the address or the form is not as it should be. Go back and try again."),
    ),
    403: Words(
        gettext_lazy("You may not do this."),
        gettext_lazy("Your role does not allow it. Ask an administrator if it should."),
    ),
    404: Words(
        gettext_lazy("There is nothing here."),
        gettext_lazy("The address may be mistyped, or what was here is gone."),
    ),
    500: Words(
        gettext_lazy("Something went wrong on our side."),
        gettext_lazy("It has been logged. Try again; if it stays, tell the administrator when it happened."),
    ),
}
STALE: Final = Words(
    gettext_lazy("This page was open for too long."),
    gettext_lazy("Nothing was saved. Go back, load the page again, and send it once more."),
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return answer(400, _("The request could not be read."))
    return show_error(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return answer(403, _("This is not allowed."))
    return show_error(request, 403, reason_of(exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return answer(404, _("There is nothing at this address."))
    return show_error(request, 404, reason_of(exception))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is not this session's: most often the page is older than the sign-in."""
    return show_error(request, 403, words=STALE)


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever broke may break again, so this page asks neither the database nor the reader's session."""
    if is_api(request):
        return answer(500, _("Something went wrong on our side. It has been logged; try again."))
    return HttpResponse(render_to_string("errors/plain.html", {"words": WORDS[500]}), status=500)


def reason_of(exception: Exception) -> str:
    """What our own code says of it; a resolver's table and Django's words of rows are for nobody."""
    reason = exception.args[0] if exception.args else ""
    if not isinstance(reason, str) or NOT_FOR_PEOPLE in reason:
        return ""
    return reason[:LONGEST_REASON]


def show_error(request: HttpRequest, status: int, reason: str = "", words: Words | None = None) -> HttpResponse:
    """In the frame of the back office for who is signed in to it, else by itself."""
    context: dict[str, Any] = {"words": words or WORDS[status], "reason": reason}
    template = "errors/plain.html"
    if is_back_office(request):
        context |= {**admin.site.each_context(request), "title": context["words"].title}
        template = "errors/back_office.html"
    return HttpResponse(render_to_string(template, context, request), status=status)


def is_back_office(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return (
        request.path_info.startswith(reverse("admin:index")) and user is not None and user.is_active and user.is_staff
    )
