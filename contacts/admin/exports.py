"""Exporting from a list of contacts: a selection, or what search and filters leave; at once where they are few."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminRadioSelectWidget

from contacts.admin.actions.bar import ContactActions
from contacts.admin.actions.choosing import SELECTED, conditions_in_words, count_chosen, read_ids, write_chosen
from contacts.admin.actions.words import COUNTED_UP_TO, Count, say_count
from contacts.admin.limits import TookTooLong, stopped_after
from contacts.admin.list_columns import registered_columns
from contacts.admin.views import read_views
from contacts.columns import all_columns
from contacts.exports import FORMATS, write_contacts
from contacts.exports.flow import start_export
from contacts.exports.formats import ending_of
from contacts.models import Contact, CustomField
from contacts.selections import Selection
from crm.audit import Action, about, actor_of, note
from crm.errors import CardfileError

__all__ = ["EXPORTED_AT_MOST", "ContactExports"]

EXPORTED_AT_MOST: Final = COUNTED_UP_TO
"""Contacts in one file at once: as many as fit into a request's time and memory, in any format."""
MILLISECONDS: Final = 10_000
LABELS: Final[dict[str, Any]] = {
    "xlsx": gettext_lazy("Excel (XLSX)"),
    "csv": gettext_lazy("CSV, separated by commas"),
    "tsv": gettext_lazy("TSV, separated by tabs"),
    "jsonl": gettext_lazy("JSON lines, an object for each contact, for programs"),
}
PACKED: Final[dict[str, Any]] = {
    "": gettext_lazy("As it is"),
    "zip": gettext_lazy("Zipped"),
    "gz": gettext_lazy("Gzipped"),
}
NOW, LATER = "now", "later"
WHEN: Final[dict[str, Any]] = {
    NOW: gettext_lazy("Now"),
    LATER: gettext_lazy("In the background; a page says how far it is, and has the file for a day"),
}
"""Who is in a file of the background is decided when it is written."""


class TooMany(CardfileError):
    """These are too many contacts for a file at once. Have it written in the background."""

    code = "too_many_to_export"


def radio(label: Any, choices: dict[str, Any]) -> forms.ChoiceField:
    """Nothing chosen means the first."""
    widget = UnfoldAdminRadioSelectWidget
    return forms.ChoiceField(
        label=label, required=False, initial=next(iter(choices)), choices=list(choices.items()), widget=widget
    )


class ExportForm(forms.Form):
    """Which format, and which columns. A file at once takes few contacts, one in the background any number."""

    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        initial=next(iter(FORMATS)),
        choices=[(name, LABELS[name]) for name in FORMATS],
        widget=UnfoldAdminRadioSelectWidget,
    )
    packing = radio(gettext_lazy("Packing"), PACKED)
    columns = radio(
        gettext_lazy("Columns"),
        {
            "all": gettext_lazy("All columns, custom fields included; the file can be imported again"),
            "shown": gettext_lazy("The columns of the list"),
        },
    )
    when = radio(gettext_lazy("When"), WHEN)

    def __init__(self, data: Any = None, *, at_once: bool = True) -> None:
        super().__init__(data)
        when: Any = self.fields["when"]
        if not at_once:
            when.choices, when.initial = [(LATER, WHEN[LATER])], LATER

    @property
    def ending(self) -> str:
        return ending_of(self.cleaned_data["format"], self.cleaned_data["packing"])

    @property
    def is_at_once(self) -> bool:
        when: Any = self.fields["when"]
        return (self.cleaned_data["when"] or when.initial) == NOW


class ContactExports(ContactActions):
    """Whoever exports needs a permission of its own beside that of looking: a file leaves the house."""

    def has_export_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return self.has_view_permission(request, obj) and request.user.has_perm("contacts.export_contact")

    def get_urls(self) -> list[URLPattern]:
        export = path("export/", self.admin_site.admin_view(self.export_view), name="contacts_contact_export")
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"has_export_permission": self.has_export_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    @admin.action(description=gettext_lazy("Export…"), permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        """Asks for the format first; the address of that page carries the selection on."""
        selection = self.read_selection(request)
        carried = write_chosen(selection, back=request.get_full_path()) if selection.ids is not None else ""
        return redirect(f"{self.get_export_address()}?{carried or request.GET.urlencode()}")

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The page that asks for the format, and with POST the file, or its place among the exports."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            selection = self.read_exported(request)
            count = count_chosen(selection)
            form = ExportForm(
                request.POST if request.method == "POST" else None,
                at_once=count is not None and count <= EXPORTED_AT_MOST,
            )
            if form.is_valid():
                return self.answer(request, selection, form)
        except CardfileError as error:
            messages.error(request, _(error.message))
            return redirect(self.get_list_address())
        return self.ask_for_format(request, form, selection, count)

    def read_exported(self, request: HttpRequest) -> Selection:
        """The rows that were ticked, or all that the list shows under this address."""
        if SELECTED in request.GET:
            return Selection(ids=tuple(read_ids(request.GET[SELECTED].split(","))))
        return self.read_list_selection(request)

    def answer(self, request: HttpRequest, selection: Selection, form: ExportForm) -> HttpResponse:
        is_narrow = form.cleaned_data["columns"] == "shown"
        columns = registered_columns(read_views(request).columns) if is_narrow else []
        if form.is_at_once:
            return self.hand_out(request, selection, form.ending, columns)
        population, narrowed = self.settle(selection)
        export = start_export(
            population=population, selection=narrowed, format=form.ending, columns=columns, by=actor_of(request)
        )
        told = {"format": form.ending, "chosen": in_one_line(selection), "columns": columns}
        note(Action.EXPORTED, by=export.by, about=about(export), details=told, request=request)
        return redirect("admin:contacts_contactexport_change", export.pk)

    def settle(self, selection: Selection) -> tuple[int | None, Selection | None]:
        """All contacts, a segment, or what was chosen: in the fewest words."""
        if selection.is_whole:
            return None, None
        segment = selection.conditions.get("segment")
        if len(selection.conditions) == 1 and isinstance(segment, str) and segment.isdecimal():
            return int(segment), None
        return None, selection

    # Which list it is

    def get_export_address(self) -> str:
        return reverse("admin:contacts_contact_export")

    def get_list_address(self) -> str:
        return reverse("admin:contacts_contact_changelist")

    def hand_out(self, request: HttpRequest, selection: Selection, ending: str, columns: list[str]) -> HttpResponse:
        try:
            with stopped_after(MILLISECONDS):
                listed = selection.contacts().order_by("-updated_at", "-pk")
                contacts = list(listed[: EXPORTED_AT_MOST + 1])
        except TookTooLong as error:
            raise TooMany from error
        if len(contacts) > EXPORTED_AT_MOST:
            raise TooMany
        known = {column.key: column for column in all_columns(CustomField.objects.all())}
        wanted = [known[key] for key in columns if key in known] or known.values()
        name = f"contacts-{timezone.localdate():%Y-%m-%d}"
        file = write_contacts(contacts, wanted, ending=ending, name=name)
        told = {"contacts": len(contacts), "format": ending, "chosen": in_one_line(selection), "columns": columns}
        note(Action.EXPORTED, by=actor_of(request), details=told, request=request)
        headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"', "Cache-Control": "no-store"}
        return HttpResponse(file.content, content_type=file.content_type, headers=headers)

    def ask_for_format(
        self, request: HttpRequest, form: ExportForm, selection: Selection, count: Count
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export contacts"),
            "heading": _("Export: {contacts}").format(contacts=say_count(count)),
            "opts": self.opts,
            "form": form,
            "count": count,
            "conditions": conditions_in_words(selection),
            "at_most": EXPORTED_AT_MOST,
            "is_too_many": count is None or count > EXPORTED_AT_MOST,
            "here": request.GET.urlencode(),
            "export_url": self.get_export_address(),
            "list_url": self.get_list_address(),
        }
        return TemplateResponse(request, "contacts/export.html", context)


def in_one_line(selection: Selection) -> str:
    """Whom somebody exported, for the audit log."""
    if selection.ids is not None:
        return _("{count} by hand").format(count=len(selection.ids))
    conditions = [f"{label}: {value}" for label, value in conditions_in_words(selection)]
    return "; ".join(conditions) or _("all contacts")
