"""The filters of the lists of imports and exports: the conditions are those that the API's lists have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter

from contacts.exports.filters import ExportFilter
from contacts.imports.filters import ImportFilter

__all__ = ["EXPORT_FILTERS", "IMPORT_FILTERS"]

NAMES: Final[tuple[tuple[str, Any], ...]] = (
    ("queued", _("Waiting")),
    ("inProgress", _("Under way")),
    ("finished", _("Finished")),
    ("error", _("Failed")),
)


class JobFilter(RadioFilter):
    """One condition of a FilterSet; a choice that the list does not have narrows nothing."""

    filter_set: type[django_filters.FilterSet]
    condition: str
    offered: tuple[tuple[str, Any], ...]
    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return self.offered

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen not in dict(self.offered):
            return queryset
        narrowed: QuerySet[Any] = self.filter_set({self.condition: self.meant(str(chosen))}, queryset).qs
        return narrowed

    def meant(self, chosen: str) -> Any:
        return chosen


class ImportStatusFilter(JobFilter):
    title = _("status")
    parameter_name = condition = "status"
    filter_set = ImportFilter
    offered = (*NAMES, ("cancelled", _("Cancelled or taken back")))


class ExportStatusFilter(JobFilter):
    title = _("status")
    parameter_name = condition = "status"
    filter_set = ExportFilter
    offered = (*NAMES, ("cancelled", _("Withdrawn")))


class AgeFilter(JobFilter):
    """How many days ago at most."""

    title = _("begun")
    parameter_name = "days"
    condition = "created_after"
    offered = (("1", _("Within a day")), ("7", _("Within a week")), ("30", _("Within 30 days")))

    def meant(self, chosen: str) -> Any:
        return (datetime.now(UTC) - timedelta(days=int(chosen))).isoformat()


class ImportAgeFilter(AgeFilter):
    filter_set = ImportFilter


class ExportAgeFilter(AgeFilter):
    filter_set = ExportFilter


IMPORT_FILTERS: Final = (ImportStatusFilter, ImportAgeFilter)
EXPORT_FILTERS: Final = (ExportStatusFilter, ExportAgeFilter)
