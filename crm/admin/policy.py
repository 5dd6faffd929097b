"""The content security policy: strict everywhere, relaxed by name on the pages whose libraries cannot do without."""

from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

__all__ = ["PolicyMiddleware"]


class PolicyMiddleware(CSPMiddleware):
    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> Any:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        for prefix, policy in settings.RELAXED_CSP.items():
            if not report_only and parts.config is None and request.path_info.startswith(prefix):
                parts.config = policy
        return parts
