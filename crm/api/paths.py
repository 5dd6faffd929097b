"""Under /api/ a slash at the end makes no difference, and no redirect. Patterns there are written without it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

__all__ = ["OptionalSlashMiddleware"]


class OptionalSlashMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            request.path_info = request.path_info.rstrip("/")
        return self.get_response(request)
