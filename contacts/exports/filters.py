"""The one set of conditions by which lists of exports are narrowed."""

from __future__ import annotations

from typing import Final

from contacts.filters import JobFilter
from contacts.models import ContactExport, ExportStatus

__all__ = ["STATUSES", "ExportFilter"]

STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "queued": (ExportStatus.QUEUED,),
    "inProgress": (ExportStatus.RUNNING,),
    "finished": (ExportStatus.FINISHED,),
    "error": (ExportStatus.FAILED,),
    "cancelled": (ExportStatus.WITHDRAWN, ExportStatus.CANCELLED),
}


class ExportFilter(JobFilter):
    statuses = STATUSES

    class Meta:
        model = ContactExport
        fields: list[str] = []
