"""Exporting from a list of contacts: a selection, what the search and the filters leave, or in the background all."""

from __future__ import annotations

import logging
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminRadioSelectWidget

from contacts.admin.limits import TookTooLong, stopped_after
from contacts.columns import all_columns
from contacts.exports import FORMATS, write_contacts
from contacts.exports.flow import start_export
from contacts.models import Contact, CustomField
from crm.errors import CardfileError

__all__ = ["EXPORTED_AT_MOST", "ContactExports"]

logger = logging.getLogger(__name__)

EXPORTED_AT_MOST: Final = 10_000
"""Contacts in one file: as many as fit into a request's time and memory, in any format."""
MILLISECONDS: Final = 10_000
PLACES: Final = ("p", "after", "e")
SELECTED: Final = "selected"
LABELS: Final[dict[str, Any]] = {
    "xlsx": gettext_lazy("Excel (XLSX)"),
    "csv": gettext_lazy("CSV, separated by commas"),
    "tsv": gettext_lazy("TSV, separated by tabs"),
}
IN_BACKGROUND: Final[dict[str, Any]] = {
    "background-csv": gettext_lazy("CSV of any size, written in the background"),
    "background-jsonl": gettext_lazy("JSON lines of any size, written in the background"),
}
"""Of a whole list: who is in it is decided when the file is written."""


class TooMany(CardfileError):
    """These are too many contacts for one file. Narrow the list by a search or filters, and export the parts."""

    code = "too_many_to_export"


class ExportForm(forms.Form):
    """Which format. A file at once takes few contacts, one in the background all of a list."""

    format = forms.ChoiceField(label=gettext_lazy("Format"), widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, data: Any = None, *, at_once: bool = True, in_background: bool = False) -> None:
        super().__init__(data)
        choices = [(extension, LABELS[extension]) for extension in FORMATS] if at_once else []
        choices += list(IN_BACKGROUND.items()) if in_background else []
        format_: Any = self.fields["format"]
        format_.choices = choices
        format_.initial = choices[0][0] if choices else None


class ContactExports(ModelAdmin):
    """Whoever exports needs a permission of its own beside that of looking: a file leaves the house."""

    def has_export_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return self.has_view_permission(request, obj) and request.user.has_perm("contacts.export_contact")

    def get_urls(self) -> list[URLPattern]:
        export = path("export/", self.admin_site.admin_view(self.export_view), name="contacts_contact_export")
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"has_export_permission": self.has_export_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    @admin.action(description=gettext_lazy("Export"), permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        """Asks for the format first; the page that asks carries the selection on."""
        ids = read_ids(request.POST.getlist(ACTION_CHECKBOX_NAME))
        return self.ask_for_format(request, ExportForm(), queryset.filter(pk__in=ids), ids)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The page that asks for the format, and with POST the file, or its place among the exports."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        ids = read_ids(request.POST.getlist(SELECTED))
        try:
            is_selection = SELECTED in request.POST
            listed = self.get_queryset(request).filter(pk__in=ids) if is_selection else self.read_list(request)
        except IncorrectLookupParameters:
            return redirect(self.get_list_address())
        is_whole = not is_selection and is_unnarrowed(request)
        form = ExportForm(request.POST if request.method == "POST" else None, in_background=is_whole)
        if form.is_valid():
            try:
                return self.answer(request, listed, form.cleaned_data["format"])
            except (TooMany, TookTooLong) as error:
                messages.error(request, _(error.message))
        return self.ask_for_format(request, form, listed, ids, is_whole=is_whole)

    def answer(self, request: HttpRequest, listed: QuerySet[Contact], chosen: str) -> HttpResponse:
        if chosen in IN_BACKGROUND:
            format_ = chosen.removeprefix("background-")
            start_export(population=self.get_population(), format=format_, by=f"user:{request.user.pk}")
            messages.success(request, _("The file is being written. It stands here when it is done."))
            return redirect("admin:contacts_contactexport_changelist")
        return self.hand_out(request, listed, chosen)

    # Which list it is

    def get_export_address(self) -> str:
        return reverse("admin:contacts_contact_export")

    def get_list_address(self) -> str:
        return reverse("admin:contacts_contact_changelist")

    def get_population(self) -> int | None:
        """The segment whose members are listed, None for all contacts."""
        return None

    def read_list(self, request: HttpRequest) -> QuerySet[Contact]:
        """What the list shows under this address, on all its pages."""
        listed: QuerySet[Contact] = self.get_changelist_instance(request).queryset
        return listed

    def hand_out(self, request: HttpRequest, listed: QuerySet[Contact], extension: str) -> HttpResponse:
        with stopped_after(MILLISECONDS):
            contacts = list(listed[: EXPORTED_AT_MOST + 1])
        if len(contacts) > EXPORTED_AT_MOST:
            raise TooMany
        file = write_contacts(contacts, all_columns(CustomField.objects.all()), extension=extension)
        logger.info("user:%s exported %d contacts as %s.", request.user.pk, len(contacts), extension)
        name = f"contacts-{timezone.localdate():%Y-%m-%d}.{file.extension}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return HttpResponse(file.content, content_type=file.content_type, headers=headers)

    def ask_for_format(
        self,
        request: HttpRequest,
        form: ExportForm,
        listed: QuerySet[Contact],
        ids: list[int],
        *,
        is_whole: bool = False,
    ) -> HttpResponse:
        count = count_up_to_limit(listed)
        is_too_many = count is None or count > EXPORTED_AT_MOST
        if is_too_many and not form.is_bound:
            form = ExportForm(at_once=False, in_background=is_whole)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export contacts"),
            "opts": self.opts,
            "form": form,
            "ids": ids,
            "count": count,
            "at_most": EXPORTED_AT_MOST,
            "is_too_many": is_too_many,
            "is_whole": is_whole,
            "filters": "" if ids else request.GET.urlencode(),
            "export_url": self.get_export_address(),
            "list_url": self.get_list_address(),
        }
        return TemplateResponse(request, "contacts/export.html", context)


def is_unnarrowed(request: HttpRequest) -> bool:
    """Whether no search and no filter narrows the list; which page of it is shown does not matter."""
    return not any(value for name, value in request.GET.items() if name not in PLACES)


def count_up_to_limit(listed: QuerySet[Contact]) -> int | None:
    """At most one more than a file takes; None where even that cannot be had in time."""
    try:
        with stopped_after(MILLISECONDS):
            return listed[: EXPORTED_AT_MOST + 1].count()
    except TookTooLong:
        return None


def read_ids(texts: list[str]) -> list[int]:
    """The ids of a selection; what is no id is nobody's."""
    return [int(text) for text in texts[:EXPORTED_AT_MOST] if text.isascii() and text.isdecimal() and len(text) < 19]
