"""Times as one says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django import template
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

__all__ = ["how_long", "how_soon"]

register = template.Library()
A_MINUTE = timedelta(minutes=1)


@register.filter
def how_long(since: datetime) -> str:
    """How long ago that was, in one unit: 3 hours."""
    now = datetime.now(UTC)
    return _("less than a minute") if now - since < A_MINUTE else timesince(since, now, depth=1)


@register.filter
def how_soon(at: datetime) -> str:
    """How long until then."""
    now = datetime.now(UTC)
    return _("less than a minute") if at - now < A_MINUTE else timesince(now, at, depth=1)
