"""The view every door for servers is built on. What it can be told, with the defaults:

class ContactView(ApiView):
    area = "contacts"                       # what a key's scope is asked for, see ``crm.api.permissions``
    rate = "calls"                          # or "search", "events": settings.CALLS_A_SECOND
    error_shape = "resource"                # {status, title, detail, code}; else {status, code, message, errors}
    most_body_bytes = EVENT_BODY_BYTES      # else settings.MOST_BODY_BYTES
    refuses_repeats = True                  # 409 for the same body again within a minute; may be a property
    keeps_answers = False                   # an Idempotency-Key is not heeded, since answers are kept by API key

A handler may set ``self.about = [ids]``: the contacts that its answer tells something of, see ``crm.api.answers``.
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.once import Answered, Once, begin
from crm.api.renderers import CONTENT_TYPE
from crm.api.throttles import KeyThrottle, Rate

__all__ = ["EVENT_BODY_BYTES", "ApiView"]

EVENT_BODY_BYTES: Final = 20 * 1024


class ApiView(APIView):
    area: str | None = ""
    rate = "calls"
    error_shape = ""
    most_body_bytes: int | None = None
    refuses_repeats: Any = False
    keeps_answers = True
    throttle_classes = [KeyThrottle]

    about: Collection[int] | None = None
    rate_left: Rate | None = None
    once: Once | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, may they, not too often, is it offered at all, and was it done already."""
        super().initial(request, *args, **kwargs)
        if not self.offers((request.method or "").lower()):
            self.http_method_not_allowed(request)
        if self.keeps_answers:
            self.once = begin(request, refuses_repeats=self.refuses_repeats)

    def offers(self, method: str) -> bool:
        return method in self.http_method_names and hasattr(self, method)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, Answered):
            return error.response
        try:
            response: Response = super().handle_exception(error)
        finally:
            self.end_once(Response(status=500))
        return response

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self.end_once(response)
        if self.rate_left is not None:
            for name, value in self.rate_left.headers.items():
                response.headers[name] = value
        finished: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(finished, Response) and finished.status_code != HTTPStatus.NO_CONTENT:
            finished.add_post_render_callback(tell_content_type)
        return finished

    def end_once(self, response: HttpResponseBase) -> None:
        once, self.once = self.once, None
        if once is not None:
            once.end(response, self.about)


def tell_content_type(response: HttpResponseBase) -> None:
    """REST framework takes it from an answer without a body; clients read it all the same."""
    response.headers.setdefault("Content-Type", CONTENT_TYPE)
