"""The one set of conditions by which lists of imports are narrowed."""

from __future__ import annotations

from typing import Final

import django_filters
from django.db.models import QuerySet

from contacts.filters import MomentFilter
from contacts.models import Import, ImportStatus

__all__ = ["STATUSES", "ImportFilter"]

STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "queued": (ImportStatus.FETCHING, ImportStatus.QUEUED),
    "inProgress": (ImportStatus.RUNNING, ImportStatus.PAUSED, ImportStatus.UNDOING),
    "finished": (ImportStatus.FINISHED,),
    "error": (ImportStatus.FAILED,),
    "cancelled": (ImportStatus.CANCELLED, ImportStatus.UNDONE),
}
"""Of imports that began; what a person only prepares is none of these."""


class ImportFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=[(name, name) for name in STATUSES], method="filter_status")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Import
        fields: list[str] = []

    def filter_status(self, rows: QuerySet[Import], _name: str, value: str) -> QuerySet[Import]:
        return rows.filter(status__in=STATUSES[value])
