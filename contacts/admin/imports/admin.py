"""Imports: their list, and the addresses of their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from contacts.admin.imports.page import change_view
from contacts.admin.imports.progress import UNDER_WAY, describe_progress, progress_view
from contacts.admin.imports.upload import upload_view
from contacts.admin.imports.verbs import do_view, undo_view
from contacts.admin.imports.views import errors_view, file_view, fix_view, map_view, preview_view, reread_view
from contacts.admin.imports.words import say_counts, say_number
from contacts.admin.job_filters import IMPORT_FILTERS
from contacts.admin.journal import show_moment
from contacts.admin.listing import UncountedList, small_bar
from contacts.admin.merges import ActorList
from contacts.models import Import, ImportStatus

__all__ = ["ImportAdmin"]

View = Callable[..., HttpResponseBase]

LABELS = {
    ImportStatus.FETCHING: "info",
    ImportStatus.PREVIEWING: "info",
    ImportStatus.QUEUED: "info",
    ImportStatus.RUNNING: "info",
    ImportStatus.UNDOING: "info",
    ImportStatus.PAUSED: "warning",
    ImportStatus.CANCELLED: "warning",
    ImportStatus.FINISHED: "success",
    ImportStatus.FAILED: "danger",
}


@admin.register(Import)
class ImportAdmin(ModelAdmin):
    """The list; every page is a view of its own, and nothing is edited by a form of the admin's."""

    list_display = ("file_name", "status_label", "progress_shown", "counts_shown", "actor", "uploaded")
    list_display_links = ("file_name",)
    list_filter = IMPORT_FILTERS
    list_filter_submit = True
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    actions_list = ("begin_import",)
    show_add_link = False

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/import.css")}

    def has_view_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """Who may import sees what comes of it."""
        return bool(super().has_view_permission(request, obj)) or self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """What it did would have no name any more."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ActorList

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("add/", upload_view, "add"),
            self.route("<int:import_id>/change/", change_view, "change"),
            self.route("<int:import_id>/map/", map_view, "map"),
            self.route("<int:import_id>/reread/", reread_view, "reread"),
            self.route("<int:import_id>/preview/", preview_view, "preview"),
            self.route("<int:import_id>/fix/", fix_view, "fix"),
            self.route("<int:import_id>/progress/", progress_view, "progress"),
            self.route("<int:import_id>/do/<slug:verb>/", do_view, "do"),
            self.route("<int:import_id>/undo/", undo_view, "undo"),
            self.route("<int:import_id>/errors/", errors_view, "errors"),
            self.route("<int:import_id>/file/", file_view, "file"),
            *super().get_urls(),
        ]

    def route(self, pattern: str, view: View, name: str) -> URLPattern:
        """A page of ours behind the back office's door."""

        def call(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return view(self, request, **kwargs)

        if view is upload_view:
            call.csrf_exempt = True  # type: ignore[attr-defined]  # it checks the token itself, after the permission
        return path(pattern, self.admin_site.admin_view(call), name=f"contacts_import_{name}")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:contacts_import_change", object_id)

    @action(
        description=gettext_lazy("Import"),
        permissions=["add"],
        variant=ActionVariant.PRIMARY,
        url_path="begin",
    )
    def begin_import(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:contacts_import_add")

    @display(description=gettext_lazy("status"), label=LABELS)
    def status_label(self, run: Import) -> tuple[str, str]:
        return run.status, str(run.get_status_display()).capitalize()

    @display(description=gettext_lazy("progress"))
    def progress_shown(self, run: Import) -> str | SafeString:
        """A bar while it works, the number of rows otherwise."""
        if run.status not in UNDER_WAY:
            return say_number(run.rows_done) if run.rows_done else "—"
        return small_bar(describe_progress(run))

    @display(description=gettext_lazy("outcomes"))
    def counts_shown(self, run: Import) -> str:
        return say_counts(run.counts) or "—"

    @display(description=gettext_lazy("who"))
    def actor(self, run: Any) -> str:
        return str(run.actor)

    @display(description=gettext_lazy("uploaded"))
    def uploaded(self, run: Import) -> str:
        return show_moment(run.created_at)
