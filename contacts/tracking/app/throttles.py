"""So many calls a second: of everybody who has the app's key together, and of everybody behind one address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from contacts.models import AppKey
from crm.addresses import address_of
from crm.api.throttles import count_call

__all__ = ["AppThrottle"]


class AppThrottle(BaseThrottle):
    """One device that goes wild, or one prankster, shall not keep all others waiting."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, AppKey):
            address = address_of(request) or ""
            count_call(view, f"address {address}", settings.CALLS_A_SECOND["app_addresses"])
            count_call(view, request.auth.prefix, settings.CALLS_A_SECOND["apps"])
        return True
