"""The page behind the confirmation link: opening it changes nothing, its one button confirms.

Mail scanners and previews open links; a person presses a button. The link itself is the secret, so that no cookie is
needed beside it, which a mail program's own browser might not keep.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from contacts.identity.errors import AddressBlacklisted, NothingToConfirm, WriteConflict
from contacts.models import Account
from contacts.subscribing import EmailStatus, confirm, look_at
from contacts.subscribing.errors import LinkExpired, LinkInvalid
from crm.errors import CardfileError

__all__ = ["confirm_email"]

STATUS_OF: Final = {
    LinkInvalid: HTTPStatus.NOT_FOUND,
    LinkExpired: HTTPStatus.GONE,
    NothingToConfirm: HTTPStatus.GONE,
    AddressBlacklisted: HTTPStatus.FORBIDDEN,
    WriteConflict: HTTPStatus.SERVICE_UNAVAILABLE,
}
REFUSALS: Final = tuple(STATUS_OF)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    try:
        invitation = confirm(token) if request.method == "POST" else look_at(token)
    except REFUSALS as error:
        return show(request, "contacts/public/refused.html", error=error, status=STATUS_OF[type(error)])
    if invitation.status == EmailStatus.ALREADY_SUBSCRIBED:
        return show(request, "contacts/public/confirmed.html", email=invitation.email)
    return show(request, "contacts/public/confirm.html", email=invitation.email)


def show(
    request: HttpRequest, template: str, *, status: int = 200, error: CardfileError | None = None, **context: Any
) -> HttpResponse:
    """The address of the page, which is the secret, is told to no other site."""
    account = Account.objects.order_by("pk").first() or Account()
    context |= {"name": account.name, "message": error and error.message}
    headers = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
    return TemplateResponse(request, template, context, status=status, headers=headers)
