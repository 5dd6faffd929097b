"""The inbox of duplicate cases: contacts that may be one person, the open ones first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RadioFilter
from unfold.decorators import display

from contacts.admin.journal import show_moment
from contacts.admin.listing import UncountedList
from contacts.admin.wording import KINDS, link_contact, word
from contacts.identity import dismiss_case
from contacts.models import CaseStatus, Contact, DuplicateCase

__all__ = ["DuplicateCaseAdmin"]

NAMED_AT_MOST: Final = 5
"""Contacts of one case that the list names; a value on more than 50 contacts identifies nobody anyway."""
AT_ONCE: Final = 100


class CaseStatusFilter(RadioFilter):
    """Open cases, unless one asks for others."""

    title = gettext_lazy("status")
    parameter_name = "status"
    all_option = ("", gettext_lazy("Open"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (
            (CaseStatus.DISMISSED, gettext_lazy("Not the same")),
            (CaseStatus.MERGED, gettext_lazy("Merged")),
            ("all", gettext_lazy("All")),
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[DuplicateCase]) -> QuerySet[DuplicateCase]:
        return queryset if self.value() == "all" else queryset.filter(status=self.value() or CaseStatus.OPEN)


class CaseList(UncountedList):
    """Reads the names of all contacts on the page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        ids = {pk for case in self.result_list for pk in case.contact_ids[:NAMED_AT_MOST]}
        names = {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=ids)}
        for case in self.result_list:
            case.named = [(pk, names.get(pk, str(pk))) for pk in case.contact_ids[:NAMED_AT_MOST]]


@admin.register(DuplicateCase)
class DuplicateCaseAdmin(ModelAdmin):
    """Nothing here is edited: a case is closed by *not the same*, or by merging."""

    list_display = ("shared", "contacts", "why", "status_label", "opened")
    list_display_links = None
    list_filter = (CaseStatusFilter,)
    list_filter_submit = True
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-opened_at", "-pk")
    sortable_by = ()
    actions = ("not_the_same",)

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CaseList]:
        return CaseList

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:case_id>/dismiss/", wrap(self.dismiss_view), name="contacts_duplicatecase_dismiss"),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The list says all there is to say of a case."""
        return redirect("admin:contacts_duplicatecase_changelist")

    @display(description=gettext_lazy("what they share"))
    def shared(self, case: DuplicateCase) -> str:
        return f"{word(KINDS, case.kind)} {case.value}"

    @display(description=gettext_lazy("contacts"))
    def contacts(self, case: Any) -> SafeString:
        links = format_html_join(", ", "{}", ((link_contact(pk, name),) for pk, name in case.named))
        more = len(case.contact_ids) - len(case.named)
        text = format_html(_("{links} and {count} more"), links=links, count=more) if more > 0 else links
        return format_html("<span>{}</span>", text)

    @display(description=gettext_lazy("why"))
    def why(self, case: DuplicateCase) -> str:
        return capfirst(case.get_reason_display())

    @display(
        description=gettext_lazy("status"),
        label={CaseStatus.OPEN: "warning", CaseStatus.MERGED: "success", CaseStatus.DISMISSED: "info"},
    )
    def status_label(self, case: DuplicateCase) -> tuple[str, str]:
        return case.status, case.get_status_display()

    @display(description=gettext_lazy("opened"))
    def opened(self, case: DuplicateCase) -> str:
        return show_moment(case.opened_at)

    @admin.action(description=gettext_lazy("Not the same"), permissions=["change"])
    def not_the_same(self, request: HttpRequest, queryset: QuerySet[DuplicateCase]) -> None:
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)[:AT_ONCE]
        ids = list(queryset.filter(pk__in=selected).values_list("pk", flat=True))
        for case_id in ids:
            dismiss_case(case_id, by=f"user:{request.user.pk}")
        text = ngettext(
            "%(count)d case was closed; it opens again only if another contact joins.",
            "%(count)d cases were closed; they open again only if another contact joins.",
            len(ids),
        )
        messages.success(request, text % {"count": len(ids)})

    def dismiss_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """*Not the same*, from a contact's sheet."""
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        dismiss_case(case_id, by=f"user:{request.user.pk}")
        messages.success(request, _("Remembered: these are not the same person."))
        back = request.POST.get("contact", "")
        if back.isdecimal():
            return redirect("admin:contacts_contact_change", back)
        return redirect("admin:contacts_duplicatecase_changelist")
