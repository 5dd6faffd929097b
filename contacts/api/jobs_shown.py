"""Imports and exports as the jobs that the wire shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from rest_framework.request import Request

from contacts.api.files import link_of
from contacts.api.progress import describe, show_counts, show_moment
from contacts.exports.filters import STATUSES as EXPORT_STATUSES
from contacts.exports.formats import split_ending
from contacts.imports.filters import STATUSES as IMPORT_STATUSES
from contacts.models import ContactExport, ExportStatus, Import

__all__ = ["COMPRESSIONS", "CONDITIONS", "read_conditions", "show_export", "show_import"]

CONDITIONS: Final = {"status": "status", "createdAfter": "created_after", "createdBefore": "created_before"}
OF_IMPORT: Final = {status: name for name, statuses in IMPORT_STATUSES.items() for status in statuses}
OF_EXPORT: Final = {status: name for name, statuses in EXPORT_STATUSES.items() for status in statuses}
COMPRESSIONS: Final = {"none": "", "gzip": "gz", "zip": "zip"}
"""What files are packed in, by its name on the wire."""
OF_PACKING: Final = {packing: name for name, packing in COMPRESSIONS.items()}
SUCCESS: Final = ("created", "updated", "unchanged", "restored")
ERRORS: Final = ("failed", "skipped")


def show_import(run: Import, request: Request) -> dict[str, Any]:
    counts = show_counts(run.counts)
    errors = sum(counts[name] for name in ERRORS)
    return {
        "id": run.pk,
        "type": "import",
        "status": OF_IMPORT.get(run.status, "queued"),
        "total": run.rows_total,
        "success": sum(counts[name] for name in SUCCESS) + run.counts.get("deleted", 0),
        "errors": errors,
        "errorReportFileUrl": link_of(request, "import", run.pk) if errors else None,
        "message": run.error or describe(run),
        "fileName": run.file_name,
        "content": run.content,
        "counts": counts,
        **show_moments(run.created_at, run.started_at, run.finished_at),
    }


def show_export(export: ContactExport, request: Request) -> dict[str, Any]:
    ends = export.expires_at
    format_, packing = split_ending(export.format)
    is_there = export.status == ExportStatus.FINISHED and ends is not None and ends > datetime.now(UTC)
    return {
        "id": export.pk,
        "type": "export",
        "status": OF_EXPORT[export.status],
        "total": export.rows_total,
        "success": export.rows_done,
        "errors": 0,
        "errorReportFileUrl": None,
        "message": export.error or word_of_end(export),
        "format": format_,
        "compression": OF_PACKING[packing],
        "segment": export.population,
        "fileUrl": link_of(request, "export", export.pk, until=ends) if is_there else None,
        "fileSize": export.size_bytes if is_there else None,
        "expiresAt": show_moment(ends) if ends else None,
        **show_moments(export.created_at, export.started_at, export.finished_at),
    }


def word_of_end(export: ContactExport) -> str:
    """Why there is no file, where that is no error."""
    match export.status:
        case ExportStatus.WITHDRAWN:
            return _("A contact was erased since, who may be in the file. Export again.")
        case ExportStatus.CANCELLED:
            return _("Somebody cancelled the export.")
    return ""


def show_moments(created: datetime, started: datetime | None, finished: datetime | None) -> dict[str, str | None]:
    moments = {"createdAt": created, "startedAt": started, "finishedAt": finished}
    return {name: show_moment(moment) if moment else None for name, moment in moments.items()}


def read_conditions(params: Mapping[str, str]) -> dict[str, str]:
    """What a list is narrowed by, by the names of its filter."""
    return {column: params[name].strip() for name, column in CONDITIONS.items() if params.get(name, "").strip()}
