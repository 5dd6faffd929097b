"""Exports that were written in the background: how far each is, and its file while it is kept."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts import populations
from contacts.admin.job_filters import EXPORT_FILTERS
from contacts.admin.journal import show_moment
from contacts.admin.listing import ReadOnlyAdmin, UncountedList
from contacts.admin.merges import ActorList
from contacts.exports.flow import open_file
from contacts.models import ContactExport, ExportStatus
from crm.audit import Action, actor_of, note

__all__ = ["ContactExportAdmin"]


class ExportList(ActorList):
    """Names the segments of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = populations.current().names(row.population for row in self.result_list if row.population)
        for row in self.result_list:
            row.of = names.get(row.population, f"{row.population}") if row.population else say_chosen(row)


def say_chosen(export: ContactExport) -> str:
    """What was chosen on the list, as far as that can be said."""
    if export.selection is None:
        return _("All contacts")
    ids = export.selection.get("ids")
    return _("{count} by hand").format(count=len(ids)) if ids else _("What the list showed")


@admin.register(ContactExport)
class ContactExportAdmin(ReadOnlyAdmin):
    """Nothing here is edited. Whoever may export contacts sees what was exported."""

    list_display = ("of", "format", "status_label", "progress", "actor", "asked", "file")
    list_display_links = None
    list_filter = EXPORT_FILTERS
    list_filter_submit = True

    def has_view_permission(self, request: HttpRequest, obj: ContactExport | None = None) -> bool:
        sees = any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))
        return sees and request.user.has_perm("contacts.export_contact")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ExportList

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:export_id>/file/", wrap(self.file_view), name="contacts_contactexport_file"),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The list says all there is to say of an export."""
        return redirect("admin:contacts_contactexport_changelist")

    def file_view(self, request: HttpRequest, export_id: int) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = open_file(export_id) if export_id < 2**63 else None
        if found is None:
            raise Http404(_("This file is not there any more. Export again."))
        about = f"contacts.contactexport:{export_id}"
        told = {"file": found.name, "contacts": found.contacts}
        note(Action.DOWNLOADED, by=actor_of(request), about=about, details=told, request=request)
        answer = FileResponse(found.file, as_attachment=True, filename=found.name, content_type=found.content_type)
        answer["Cache-Control"] = "no-store"
        return answer

    @display(description=gettext_lazy("contacts of"))
    def of(self, export: Any) -> str:
        return str(export.of)

    @display(
        description=gettext_lazy("status"),
        label={
            ExportStatus.QUEUED: "info",
            ExportStatus.RUNNING: "info",
            ExportStatus.FINISHED: "success",
            ExportStatus.FAILED: "danger",
            ExportStatus.WITHDRAWN: "warning",
        },
    )
    def status_label(self, export: ContactExport) -> tuple[str, str]:
        return export.status, export.get_status_display()

    @display(description=gettext_lazy("contacts"))
    def progress(self, export: ContactExport) -> str:
        if export.error:
            return export.error
        if export.rows_total is None:
            return "—"
        return _("{done:,} of {total:,}").format(done=export.rows_done, total=export.rows_total)

    @display(description=gettext_lazy("who"))
    def actor(self, export: Any) -> str:
        return str(export.actor)

    @display(description=gettext_lazy("asked for"))
    def asked(self, export: ContactExport) -> str:
        return show_moment(export.created_at)

    @display(description=gettext_lazy("file"))
    def file(self, export: ContactExport) -> str | SafeString:
        until = export.expires_at
        if export.status != ExportStatus.FINISHED or until is None or until < timezone.now():
            return "—"
        address = reverse("admin:contacts_contactexport_file", args=[export.pk])
        size = filesizeformat(export.size_bytes)
        text = _("Download {size}, until {until}").format(size=size, until=show_moment(until))
        return format_html('<a class="text-link underline" href="{}" download>{}</a>', address, text)
