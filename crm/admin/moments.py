"""Points in time, as people read them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

__all__ = ["show_moment"]


def show_moment(moment: datetime | None) -> str:
    """In the site's time zone and the reader's format; one that names no zone stays as it is."""
    if moment is None:
        return "—"
    return date_format(timezone.localtime(moment) if timezone.is_aware(moment) else moment, "DATETIME_FORMAT")
