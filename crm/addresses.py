"""Where a request comes from, seen through the proxies that stand before us; and where people reach us."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

__all__ = ["address_of", "public_url"]


def address_of(request: HttpRequest) -> str | None:
    """The caller's address; None where there is none that can be read.

    Each of our PROXIES adds to the end of X-Forwarded-For whom it was called by, so we count from there; what stands
    further left may be written by anybody.
    """
    seen = str(request.META.get("REMOTE_ADDR") or "")
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if settings.PROXIES and forwarded:
        seen = forwarded[-min(settings.PROXIES, len(forwarded))]
    return _read(seen)


def public_url(request: HttpRequest) -> str:
    """Where people reach us, without a slash at its end; where no setting says it, where this caller did."""
    return str(settings.PUBLIC_URL or request.build_absolute_uri("/")).rstrip("/")


def _read(text: str) -> str | None:
    """Some proxies write the port too."""
    for candidate in (text, text.rpartition(":")[0].strip("[]")):
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        mapped = getattr(address, "ipv4_mapped", None)
        return str(mapped or address)
    return None
