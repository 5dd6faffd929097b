"""The one set of conditions by which lists of exports are narrowed."""

from __future__ import annotations

from typing import Final

import django_filters
from django.db.models import QuerySet

from contacts.filters import MomentFilter
from contacts.models import ContactExport, ExportStatus

__all__ = ["STATUSES", "ExportFilter"]

STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "queued": (ExportStatus.QUEUED,),
    "inProgress": (ExportStatus.RUNNING,),
    "finished": (ExportStatus.FINISHED,),
    "error": (ExportStatus.FAILED,),
    "cancelled": (ExportStatus.WITHDRAWN, ExportStatus.CANCELLED),
}


class ExportFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(name, name) for name in STATUSES], method="filter_status")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = ContactExport
        fields: list[str] = []

    def filter_status(self, rows: QuerySet[ContactExport], _name: str, value: str) -> QuerySet[ContactExport]:
        return rows.filter(status__in=STATUSES[value])
