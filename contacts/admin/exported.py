"""Exports that are written in the background: their list, how far each is, its file while it is kept, the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts import populations
from contacts.admin.actions.choosing import conditions_in_words
from contacts.admin.actions.words import say_contacts, say_label
from contacts.admin.actors import name_actors
from contacts.admin.imports.words import say_duration, say_number
from contacts.admin.job_filters import EXPORT_FILTERS
from contacts.admin.listing import ReadOnlyAdmin, UncountedList, small_bar
from contacts.admin.merges import ActorList
from contacts.exports.flow import OPEN, cancel_export, may_cancel, open_file
from contacts.models import ContactExport, ExportStatus
from contacts.selections import Selection
from crm.admin.moments import show_moment
from crm.audit import Action, about, actor_of, note
from crm.errors import CardfileError

__all__ = ["ContactExportAdmin"]

S: Final = ExportStatus
LABELS: Final = {
    S.QUEUED: "info",
    S.RUNNING: "info",
    S.FINISHED: "success",
    S.FAILED: "danger",
    S.WITHDRAWN: "warning",
    S.CANCELLED: "warning",
}
WHOLE: Final = (S.FINISHED, S.WITHDRAWN)
CAME_OF_IT: Final[dict[str, Any]] = {
    S.WITHDRAWN: gettext_lazy("Somebody was erased since, who may be in the file. Export again."),
    S.CANCELLED: gettext_lazy("It was cancelled, and nothing of the file is left. Export again to have it."),
}


class ExportList(ActorList):
    """Names the segments of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = populations.current().names(row.population for row in self.result_list if row.population)
        for row in self.result_list:
            row.of = say_whom(row, names)


def say_whom(export: ContactExport, names: Mapping[int, str] | None = None) -> str:
    """Whose contacts: of a segment (``names`` are those that were read already), or what was chosen on the list."""
    if export.population:
        found = populations.current().names([export.population]) if names is None else names
        return found.get(export.population, str(export.population))
    if export.selection is None:
        return _("All contacts")
    ids = export.selection.get("ids")
    return _("{count} by hand").format(count=len(ids)) if ids else _("What the list showed")


def say_conditions(export: ContactExport) -> str:
    """What the list was narrowed by; '' where it was not, or that cannot be read any more."""
    try:
        said = conditions_in_words(Selection.from_json(export.selection)) if export.selection else []
    except CardfileError:
        return ""
    return "; ".join(f"{label}: {value}" for label, value in said)


@admin.register(ContactExport)
class ContactExportAdmin(ReadOnlyAdmin):
    """Nothing here is edited. Whoever may export contacts sees what was exported."""

    list_display = ("of", "format", "status_label", "progress", "actor", "asked", "file")
    list_display_links = ("of",)
    list_filter = EXPORT_FILTERS
    list_filter_submit = True

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/import.css")}

    def has_view_permission(self, request: HttpRequest, obj: ContactExport | None = None) -> bool:
        sees = any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))
        return sees and request.user.has_perm("contacts.export_contact")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ExportList

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:export_id>/change/", self.page_view, "change"),
            self.route("<int:export_id>/progress/", self.progress_view, "progress"),
            self.route("<int:export_id>/cancel/", self.cancel_view, "cancel"),
            self.route("<int:export_id>/file/", self.file_view, "file"),
            *super().get_urls(),
        ]

    def route(self, pattern: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(pattern, self.admin_site.admin_view(view), name=f"contacts_contactexport_{name}")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:contacts_contactexport_change", object_id)

    # One of them

    def find(self, request: HttpRequest, export_id: int) -> ContactExport:
        if not self.has_view_permission(request):
            raise PermissionDenied
        export = ContactExport.objects.filter(pk=export_id).first() if export_id < 2**63 else None
        if export is None:
            raise Http404(_("There is no such export."))
        return export

    def page_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        export = self.find(request, export_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        whom = say_whom(export)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": export,
            "export": export,
            "title": _("Export: {contacts}").format(contacts=whom),
            "progress": describe_progress(export) if export.status in OPEN else None,
            "progress_title": say_title(export),
            "progress_url": address_of(export, "progress"),
            "may_import": True,  # it has no buttons but those that this person may press
            "actions": list_buttons(export, request),
            "file_url": address_of(export, "file") if kept_until(export) else "",
            "came_of_it": export.error or CAME_OF_IT.get(export.status, ""),
            "facts": [(_("Contacts of"), say_conditions(export) or whom), *list_facts(export)],
        }
        return TemplateResponse(request, "contacts/exported.html", context)

    def progress_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        export = self.find(request, export_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        answer = JsonResponse(describe_progress(export))
        answer["Cache-Control"] = "no-store"
        return answer

    def cancel_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        export = self.find(request, export_id)
        if not may_be_cancelled_by(request, export):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            cancel_export(export, by=actor_of(request), is_administrator=request.user.is_superuser)
        except CardfileError as error:
            messages.error(request, _(error.message))
        else:
            told = {"status": export.status}
            note(Action.CHANGED, by=actor_of(request), about=about(export), details=told, request=request)
        return redirect("admin:contacts_contactexport_change", export_id)

    def file_view(self, request: HttpRequest, export_id: int) -> HttpResponseBase:
        export = self.find(request, export_id)
        found = open_file(export.pk)
        if found is None:
            raise Http404(_("This file is not there any more. Export again."))
        told = {"file": found.name, "contacts": found.contacts}
        note(Action.DOWNLOADED, by=actor_of(request), about=about(export), details=told, request=request)
        answer = FileResponse(found.file, as_attachment=True, filename=found.name, content_type=found.content_type)
        answer["Cache-Control"] = "no-store"
        return answer

    # The list

    @display(description=gettext_lazy("contacts of"))
    def of(self, export: Any) -> str:
        return str(export.of)

    @display(description=gettext_lazy("status"), label=LABELS)
    def status_label(self, export: ContactExport) -> tuple[str, str]:
        return export.status, str(export.get_status_display()).capitalize()

    @display(description=gettext_lazy("contacts"))
    def progress(self, export: ContactExport) -> str | SafeString:
        """A bar while it is written, and how many are in it once it is."""
        if export.status not in OPEN:
            return export.error or (say_number(export.rows_done) if export.status in WHOLE else "—")
        return small_bar(describe_progress(export))

    @display(description=gettext_lazy("who"))
    def actor(self, export: Any) -> str:
        return str(export.actor)

    @display(description=gettext_lazy("asked for"))
    def asked(self, export: ContactExport) -> str:
        return show_moment(export.created_at)

    @display(description=gettext_lazy("file"))
    def file(self, export: ContactExport) -> str | SafeString:
        until = kept_until(export)
        if until is None:
            return "—"
        size = filesizeformat(export.size_bytes)
        text = _("Download {size}, until {until}").format(size=size, until=show_moment(until))
        address = address_of(export, "file")
        return format_html('<a class="text-link underline" href="{}" download>{}</a>', address, text)


class Button(NamedTuple):
    """It posts to ``url``."""

    label: Any
    url: str
    variant: str


def address_of(export: ContactExport, page: str) -> str:
    return reverse(f"admin:contacts_contactexport_{page}", args=[export.pk])


def kept_until(export: ContactExport) -> datetime | None:
    """Until when the file can be fetched; None where it cannot."""
    until = export.expires_at
    return until if export.status == S.FINISHED and until is not None and until > timezone.now() else None


def may_be_cancelled_by(request: HttpRequest, export: ContactExport) -> bool:
    return may_cancel(export, by=actor_of(request), is_administrator=request.user.is_superuser)


def list_buttons(export: ContactExport, request: HttpRequest) -> list[Button]:
    """What can be done now."""
    if export.status not in OPEN or not may_be_cancelled_by(request, export):
        return []
    return [Button(_("Cancel the export"), address_of(export, "cancel"), "default")]


def say_title(export: ContactExport) -> str:
    return _("The file is being written") if export.status == S.RUNNING else _("The export begins in a moment")


def describe_progress(export: ContactExport) -> dict[str, Any]:
    """``state`` is another one as soon as the page should be read anew; ``percent`` is None while nobody knows."""
    total, title = export.rows_total, say_title(export)
    percent = min(100, 100 * export.rows_done // total) if total and export.rows_done else None
    return {
        "state": export.status,
        "percent": percent,
        "line": say_progress(export),
        "title": title if percent is None else f"{percent} % · {title}",
        "counts": {},
    }


def say_progress(export: ContactExport) -> str:
    """One line: how many of how many, how fast, how long still."""
    if export.rows_total is None or export.started_at is None:
        return _("Waiting for the worker…")
    total, done = export.rows_total, export.rows_done
    parts = [_("{done} of {total}").format(done=say_number(done), total=say_contacts(total))]
    seconds = (timezone.now() - export.started_at).total_seconds()
    if export.status == S.RUNNING and done and seconds > 0:
        parts.append(_("{count} a second").format(count=say_number(done / seconds)))
        parts.append(_("{time} left").format(time=say_duration(max(total - done, 0) * seconds / done)))
    return " · ".join(parts)


def list_facts(export: ContactExport) -> list[tuple[str, str]]:
    """What it is of, who asked when, and what came of it."""
    who = name_actors([export.by])[export.by].label
    facts = [
        (_("Format"), export.format),
        (_("Columns"), say_columns(export)),
        (_("Who"), who),
        (_("Asked for"), show_moment(export.created_at)),
    ]
    if export.status == S.FINISHED:
        facts.append((_("Contacts"), say_number(export.rows_done)))
        facts.append((_("Size"), filesizeformat(export.size_bytes)))
    if export.finished_at:
        facts.append((_("Ended"), show_moment(export.finished_at)))
    if until := kept_until(export):
        facts.append((_("Kept until"), show_moment(until)))
    return facts


def say_columns(export: ContactExport) -> str:
    return ", ".join(map(say_label, export.columns)) or _("All")
