"""The one set of conditions by which lists of imports are narrowed."""

from __future__ import annotations

from typing import Final

from contacts.filters import JobFilter
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


class ImportFilter(JobFilter):
    statuses = STATUSES

    class Meta:
        model = Import
        fields: list[str] = []
