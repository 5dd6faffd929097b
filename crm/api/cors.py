"""Scripts of other origins may call the API where the settings list their origin: nobody by default.

Keys travel in a header that scripts set themselves, so that no cookie is ever asked for.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

__all__ = ["CorsMiddleware"]

ANSWER = {
    "Access-Control-Expose-Headers": "Retry-After, TotalCount, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset",
}
ANSWER_ASKED = {  # before the call itself; to be asked again after ten minutes
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, Idempotency-Key",
    "Access-Control-Max-Age": "600",
}


class CorsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.CORS_ORIGINS:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.origins = frozenset(settings.CORS_ORIGINS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if asks and origin in self.origins else self.get_response(request)
        patch_vary_headers(response, ["Origin"])
        if origin in self.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            for name, value in (ANSWER_ASKED if asks else ANSWER).items():
                response.headers[name] = value
        return response
