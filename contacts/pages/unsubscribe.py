"""The page behind the link that unsubscribes: as with confirming, opening it changes nothing, its one button does.

Mail programs that offer a button of their own post here too (RFC 8058).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from contacts.identity.errors import WriteConflict
from contacts.pages.confirm import show
from contacts.subscribing import unsubscribe, whose
from contacts.subscribing.errors import AddressGone, LinkInvalid

__all__ = ["unsubscribe_email"]

STATUS_OF: Final = {
    LinkInvalid: HTTPStatus.NOT_FOUND,
    AddressGone: HTTPStatus.GONE,
    WriteConflict: HTTPStatus.SERVICE_UNAVAILABLE,
}
REFUSALS: Final = tuple(STATUS_OF)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_email(request: HttpRequest, token: str) -> HttpResponse:
    try:
        if request.method == "POST":
            return show(request, "contacts/public/unsubscribed.html", email=unsubscribe(token))
        return show(request, "contacts/public/unsubscribe.html", email=whose(token))
    except REFUSALS as error:
        return show(request, "contacts/public/refused.html", error=error, status=STATUS_OF[type(error)])
