"""How far an import is: what the page shows at first, and what the script asks for afterwards."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from contacts.admin.imports.doors import address_of, find_import, require
from contacts.admin.imports.words import list_tiles, say_duration, say_number, say_rows
from contacts.imports import flow
from contacts.models import Import, ImportStatus

__all__ = ["UNDER_WAY", "describe_progress", "progress_context", "progress_view"]

UNDER_WAY: Final = frozenset(
    {ImportStatus.FETCHING, ImportStatus.PREVIEWING, ImportStatus.QUEUED, ImportStatus.RUNNING, ImportStatus.UNDOING}
)
"""What goes on by itself, so that the page looks again and again."""


def progress_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    require(admin.has_view_permission(request))
    answer = JsonResponse(describe_progress(find_import(import_id)))
    answer["Cache-Control"] = "no-store"
    return answer


def progress_context(run: Import) -> dict[str, Any]:
    """What the page says while something is under way."""
    return {
        "progress": describe_progress(run),
        "progress_url": address_of(run, "progress"),
        "progress_title": say_title(run),
    }


def describe_progress(run: Import) -> dict[str, Any]:
    """``state`` is another one as soon as the page should be read anew; ``percent`` is None while nobody knows."""
    view = flow.progress(run)
    percent = min(100, int(100 * view.rows / view.total)) if view.total and view.rows else None
    return {
        "state": f"{run.status} {run.wish}".strip(),
        "percent": percent,
        "line": say_progress(run, view),
        "title": run.file_name if percent is None else f"{percent} % · {run.file_name}",
        "counts": {tile.name: tile.shown for tile in list_tiles(view.counts or {})},
    }


def say_title(run: Import) -> str:
    return {
        ImportStatus.FETCHING: _("The file is being fetched"),
        ImportStatus.PREVIEWING: _("The preview goes through the file"),
        ImportStatus.QUEUED: _("The import begins in a moment"),
        ImportStatus.RUNNING: _("The import is under way"),
        ImportStatus.UNDOING: _("The import is being taken back"),
    }[ImportStatus(run.status)]


def say_progress(run: Import, view: Any) -> str:
    """One line: how many rows of how many, how fast, how long still."""
    if run.wish:
        return {"pause": _("Pausing after these rows…"), "cancel": _("Stopping after these rows…")}[run.wish]
    if run.status == ImportStatus.FETCHING:
        return _("Fetching the file…")
    if run.status == ImportStatus.QUEUED:
        return _("Waiting for the worker…")
    if not view.rows:
        return _("Reading the file…")
    parts = [say_rows(view.rows)]
    if view.total:
        parts = [_("{done} of {total}").format(done=say_number(view.rows), total=say_rows(view.total))]
    if view.rows_per_second:
        parts.append(_("{count} rows/s").format(count=say_number(view.rows_per_second)))
    if view.seconds_left is not None:
        parts.append(_("{time} left").format(time=say_duration(view.seconds_left)))
    return " · ".join(parts)
