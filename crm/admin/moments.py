"""Points in time, as people read them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

__all__ = ["show_moment"]


def show_moment(moment: datetime | None) -> str:
    """In the reader's time zone and format."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else "—"
