"""So many calls a key and second: counted by the clock's seconds, over all web processes together."""

import math
import time
from typing import Any, NamedTuple

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crm.api import counters
from crm.api.errors import TooManyCalls
from crm.models import ApiKey

__all__ = ["KeyThrottle", "Rate", "count_call"]


class Rate(NamedTuple):
    """How many calls a second there may be, and how many are left of this one."""

    limit: int
    remaining: int
    reset: int = 1

    @property
    def headers(self) -> dict[str, str]:
        return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self._asdict().items()}


class KeyThrottle(BaseThrottle):
    """A view's ``rate`` names the limit; a key with a limit of its own has it for every kind of call."""

    def allow_request(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        count_call(view, key.prefix, key.calls_a_second or settings.CALLS_A_SECOND[view.rate])
        return True


def count_call(view: Any, caller: str, limit: int) -> None:
    """One more call of this caller within this second, of the view's kind; raises ``TooManyCalls``."""
    now = time.time()
    digest = counters.digest_of(caller.encode(), view.rate.encode(), str(int(now)).encode())
    used = counters.count("calls", digest, seconds=math.floor(now) + 1 - now, now=now)
    view.rate_left = Rate(limit, max(limit - used, 0))
    if used > limit:
        raise TooManyCalls(retry_after=view.rate_left.reset)
