"""A call from a page of a website: whose it is, whether it may come from there, and whether anybody wants it.

A body may come as text/plain, which browsers send without asking first, and which ``sendBeacon`` sends. A page at an
address that the site does not list gets nothing in, and reads no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from contacts.models import Site
from contacts.origins import is_listed
from contacts.records import Problem
from contacts.tracking.web.bots import is_bot
from contacts.tracking.web.reading import MOST_EVENT_BYTES, MOST_EVENTS, read_cookie
from contacts.tracking.web.sites import find_site
from crm.addresses import address_of
from crm.api.parsers import LenientJSONParser
from crm.api.renderers import CONTENT_TYPE
from crm.api.throttles import Rate, count_call
from crm.errors import CardfileError

__all__ = ["OriginNotListed", "SiteUnknown", "WebView", "origin_of", "refused"]

LARGEST_BODY: Final = MOST_EVENTS * MOST_EVENT_BYTES
MOST_SITES: Final = 1_000
NOTHING: Final = 204
UNWANTED: Final = {"DNT": "1", "Sec-GPC": "1"}
"""What a browser says of somebody who does not want to be tracked."""
ASKED: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "600",
}


class SiteUnknown(CardfileError):
    """There is no active website with this key. Copy its snippet from the back office again."""

    code = "site_unknown"


class OriginNotListed(CardfileError):
    """This page's address is not listed for this website. Add it in the back office."""

    code = "origin_not_listed"


class AnyTypeParser(LenientJSONParser):
    media_type = "*/*"


class AddressThrottle(BaseThrottle):
    """So many calls a second of one address, before anything is looked up."""

    def allow_request(self, request: Request, view: Any) -> bool:
        count_call(view, f"address:{address_of(request._request)}", settings.WEB_CALLS_OF_ADDRESS)
        return True


class WebView(APIView):
    """A call from a page: whose site it is, whether it may come from there, and whether it is wanted at all."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (AddressThrottle,)
    parser_classes = (AnyTypeParser,)
    most_body_bytes = LARGEST_BODY
    rate = "web"

    site: Site | None = None
    rate_left: Rate | None = None

    def post(self, request: Request) -> Response:
        body = self.read_body(request)
        site = self.find_site(request, body)
        count_call(self, f"site:{site.pk}", settings.WEB_CALLS_A_SECOND)
        if not self.is_wanted(request, site, body):
            return Response(status=NOTHING)
        cookie = read_cookie(body)
        if isinstance(cookie, Problem):
            raise refused([cookie])
        reasons = self.take(site, body, cookie)
        return Response({"reasons": tell(reasons)}) if reasons else Response(status=NOTHING)

    def take(self, site: Site, body: Mapping[str, Any], cookie: str) -> list[Problem]:
        """Stores what the body says; what of it could not be."""
        raise NotImplementedError

    def read_body(self, request: Request) -> Mapping[str, Any]:
        if not isinstance(request.data, Mapping):
            raise refused([Problem("", "not_an_object", _("Send a JSON object."))])
        return request.data

    def find_site(self, request: Request, body: Mapping[str, Any]) -> Site:
        site = find_site(request.query_params.get("key") or body.get("key"))
        if site is None:
            raise SiteUnknown
        if not is_listed(origin_of(request), site.origins):
            raise OriginNotListed
        self.site = site  # from here on the page may read what it is answered
        if not site.is_active:
            raise SiteUnknown
        return site

    def is_wanted(self, request: Request, site: Site, body: Mapping[str, Any]) -> bool:
        """What nobody wants is thrown away without a word: a page cannot do anything about it."""
        if site.needs_consent and body.get("consent") is not True:
            return False
        if site.honours_signals and any(request.headers.get(name) == said for name, said in UNWANTED.items()):
            return False
        return not is_bot(request.headers.get("User-Agent", ""))

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Asked before a call whose body is sent as JSON: by the key in the address, else whether any site lists it."""
        answer, origin = HttpResponse(status=NOTHING), origin_of(request)
        key = request.query_params.get("key")
        sites = [find_site(key)] if key else list(Site.objects.filter(is_active=True)[:MOST_SITES])
        self.site = next((site for site in sites if site and is_listed(origin, site.origins)), None)
        for name, value in ASKED.items():
            answer.headers[name] = value
        return answer

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        finished: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(finished, ["Origin"])
        finished.headers["Cache-Control"] = "no-store"
        if self.site is not None:
            finished.headers["Access-Control-Allow-Origin"] = origin_of(request)
            finished.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if finished.status_code != NOTHING:
            finished.headers["Content-Type"] = CONTENT_TYPE
        return finished


def origin_of(request: Request) -> str:
    return str(request.headers.get("Origin", ""))


def tell(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"path": path, "code": code, "message": message} for path, code, message in problems]


def refused(problems: list[Problem]) -> ValidationError:
    entries: dict[str, list[ErrorDetail]] = {}
    for path, code, message in problems:
        entries.setdefault(path or "non_field_errors", []).append(ErrorDetail(message, code))
    return ValidationError(entries)
