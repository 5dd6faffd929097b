"""Imports, to look at: what was read, how it ended, and the rows that failed, were skipped or warned."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contacts.admin.journal import show_moment
from contacts.admin.listing import UncountedList
from contacts.admin.merges import ActorList
from contacts.models import Import, ImportRow, ImportStatus

__all__ = ["ImportAdmin"]

ROWS_A_PAGE: Final = 50


@admin.register(Import)
class ImportAdmin(ModelAdmin):
    """Read only: an import is run by its own page or command."""

    list_display = ("file_name", "status_label", "rows_done", "counts_shown", "actor", "started", "finished")
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    fields = ("file_name", "status_shown", "rows_done", "counts_shown", "options_shown", "error", "started", "finished")
    readonly_fields = fields
    change_form_outer_after_template = "contacts/import_rows.html"

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ActorList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a page of its rows, from the one after ``?after=``."""
        after = request.GET.get("after", "")
        found = read_rows(object_id, int(after) if after.isdecimal() and len(after) < 19 else -1)
        rows = found[:ROWS_A_PAGE]
        extra = {
            "rows": rows,
            "next_after": rows[-1].row if len(found) > ROWS_A_PAGE else None,
            "show_history": False,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})

    @display(
        description=gettext_lazy("status"),
        label={ImportStatus.RUNNING: "info", ImportStatus.FINISHED: "success", ImportStatus.FAILED: "danger"},
    )
    def status_label(self, run: Import) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description=gettext_lazy("status"))
    def status_shown(self, run: Import) -> str:
        return str(run.get_status_display())

    @display(description=gettext_lazy("who"))
    def actor(self, run: Any) -> str:
        return str(run.actor)

    @display(description=gettext_lazy("outcomes"))
    def counts_shown(self, run: Import) -> str | SafeString:
        return format_html_join(", ", "{} {}", ((count, outcome) for outcome, count in run.counts.items())) or "—"

    @display(description=gettext_lazy("options"))
    def options_shown(self, run: Import) -> str | SafeString:
        return format_html_join("", "<div>{}: {}</div>", run.options.items()) or "—"

    @display(description=gettext_lazy("started"))
    def started(self, run: Import) -> str:
        return show_moment(run.started_at)

    @display(description=gettext_lazy("finished"))
    def finished(self, run: Import) -> str:
        return show_moment(run.finished_at) if run.finished_at else "—"


def read_rows(import_id: str, after: int) -> list[ImportRow]:
    """A page of rows and one more, in the order of the file."""
    if not import_id.isdecimal():
        return []
    rows = ImportRow.objects.filter(import_run_id=int(import_id), row__gt=after)
    return list(rows.order_by("row", "pk")[: ROWS_A_PAGE + 1])
