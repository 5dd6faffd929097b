"""Lists of contacts and what belongs to them: they never count."""

from __future__ import annotations

from contacts.admin.limits import TookTooLong
from crm.admin import listing
from crm.admin.listing import ReadOnlyAdmin, UncountedPaginator

__all__ = ["ReadOnlyAdmin", "UncountedList", "UncountedPaginator"]


class UncountedList(listing.UncountedList):
    error = TookTooLong
