"""Headers of every answer: the content security policy, strict but where unfold's own pages cannot do without, and what
browsers may use."""

from __future__ import annotations

from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

__all__ = ["PolicyMiddleware"]


class PolicyMiddleware(CSPMiddleware):
    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> Any:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None and needs_relaxing(request, response):
            prefix = next((prefix for prefix in settings.RELAXED_CSP if request.path_info.startswith(prefix)), None)
            parts.config = settings.RELAXED_CSP[prefix] if prefix else None
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return super().process_response(request, response)


def needs_relaxing(request: HttpRequest, response: HttpResponseBase) -> bool:
    """A page; under /admin/ one for somebody who is signed in: who is not sees the login or an error, both strict."""
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return False
    user = getattr(request, "user", None)
    return not request.path_info.startswith("/admin/") or (user is not None and user.is_authenticated)
