"""Lists of contacts and what belongs to them: they never count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.limits import TookTooLong
from crm.admin import listing
from crm.admin.listing import ReadOnlyAdmin, UncountedPaginator

__all__ = ["ReadOnlyAdmin", "UncountedList", "UncountedPaginator", "small_bar"]


class UncountedList(listing.UncountedList):
    error = TookTooLong


def small_bar(progress: Mapping[str, Any]) -> SafeString:
    """How far a job is, in a list: ``percent``, None while nobody knows, and a ``line`` that says it in words."""
    value = "" if progress["percent"] is None else format_html(' value="{}"', progress["percent"])
    bar = (
        '<div><progress class="cf-small-bar" max="100"{} aria-label="{}"></progress>'
        '<span class="cf-dim">{}</span></div>'
    )
    return format_html(bar, value, _("Progress"), progress["line"])
