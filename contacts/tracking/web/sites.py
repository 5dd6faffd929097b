"""Whose page is calling, and what is remembered of that for the people who look whether it works."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.db.models import Q

from contacts.activity import NewEvent
from contacts.models import Site

__all__ = ["find_site", "note_events_of"]

NOTED_EVERY: Final = timedelta(seconds=2)
"""Else a busy site's row would be written all the time."""
LATEST: Final = 10
LONGEST_PAGE: Final = 200


def find_site(key: Any) -> Site | None:
    """The site of a key; None for none that there is, active or not."""
    if not isinstance(key, str) or not 0 < len(key.strip()) <= 40 or "\0" in key or not key.isascii():
        return None
    return Site.objects.filter(key=key.strip()).first()


def note_events_of(site: Site, events: Sequence[NewEvent], *, origin: str, at: datetime | None = None) -> None:
    """That they came, a few of the last ones, without a word of whose they are. Of many at once not all are noted."""
    at = at or datetime.now(UTC)
    if not events or (site.last_event_at and site.last_event_at > at - NOTED_EVERY):
        return
    due = Q(last_event_at=None) | Q(last_event_at__lte=at - NOTED_EVERY)
    latest = [describe_event(event, at) for event in reversed(events[-LATEST:])] + site.latest
    Site.objects.filter(due, pk=site.pk).update(last_event_at=at, last_origin=origin[:300], latest=latest[:LATEST])


def describe_event(event: NewEvent, at: datetime) -> dict[str, str]:
    """Its page without query and fragment, where secrets may stand."""
    return {"type": event.type, "page": page_of(event.params.get("url")), "at": at.isoformat()}


def page_of(url: Any) -> str:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return ""
    return f"{parts.hostname}{parts.path}"[:LONGEST_PAGE] if parts and parts.hostname else ""
