"""The contact list: search, filters, and what can be done with a selection. Every write is one verb."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from contacts.admin.exports import ContactExports
from contacts.admin.filters import LIST_FILTERS, STATE_PARAMETER
from contacts.admin.grouping import ContactGrouping
from contacts.admin.listing import UncountedList
from contacts.admin.wording import SOURCES, show_channel, word
from contacts.finding import find_contacts, read_query
from contacts.identity import Outcome, Status, delete_contacts, restore_contacts
from contacts.identity.settings import current_settings
from contacts.models import Contact, ContactState

__all__ = ["LISTED", "ContactListAdmin", "actor_of"]

AT_ONCE: Final = 100
"""Contacts that one action changes at most; more than that is a job's work."""
LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)


class ContactListAdmin(ContactExports, ContactGrouping):
    """The list reads contacts; deleting and restoring are verbs."""

    list_display = ("name", "email_shown", "phone_shown", "external_id_shown", "source_shown", "changed")
    list_display_links = ("name",)
    list_filter = LIST_FILTERS
    list_filter_submit = True
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-updated_at", "-pk")
    sortable_by = ("changed",)
    search_fields = ("external_id",)  # shows the box; get_search_results decides what is looked at
    search_help_text = gettext_lazy("Name, email, phone, ID or any token")
    actions = ("export_selected", "add_to_segment", "delete_selected", "restore_selected")
    warn_unsaved_form = True

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Merged and erased contacts are no sheets."""
        return super().get_queryset(request).filter(state__in=LISTED)

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        return ("-deleted_at", "-pk") if shows_deleted(request) else self.ordering

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Exact values first, then names; the other filters still hold."""
        if not search_term.strip():
            return queryset, False
        found = find_contacts(read_query(search_term, current_settings().schema.country))
        if found.stopped:
            messages.warning(request, _("The search for names took too long and was stopped. Write more of the name."))
        rank = Case(When(pk__in=found.exact, then=Value(0)), default=Value(1))
        ordered = queryset.order_by(rank, *queryset.query.order_by)
        return ordered.filter(pk__in=(*found.exact, *found.by_name)), False

    @display(description=gettext_lazy("name"))
    def name(self, contact: Contact) -> str | SafeString:
        if contact.state != ContactState.DELETED:
            return str(contact)
        return format_html('{} <span class="cf-tag cf-bad">{}</span>', str(contact), _("deleted"))

    @display(description=gettext_lazy("email"))
    def email_shown(self, contact: Contact) -> str | SafeString:
        return show_channel(contact.email, contact.email_state)

    @display(description=gettext_lazy("phone"))
    def phone_shown(self, contact: Contact) -> str | SafeString:
        return show_channel(contact.phone, contact.phone_state)

    @display(description=gettext_lazy("external ID"))
    def external_id_shown(self, contact: Contact) -> str:
        return contact.external_id or "—"

    @display(description=gettext_lazy("source"))
    def source_shown(self, contact: Contact) -> str:
        return word(SOURCES, contact.source)

    @display(description=gettext_lazy("last change"), ordering="updated_at")
    def changed(self, contact: Contact) -> str:
        return date_format(timezone.localtime(contact.updated_at), "SHORT_DATETIME_FORMAT")

    # Actions over a selection

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected" if shows_deleted(request) else "restore_selected", None)
        return actions

    @admin.action(description=gettext_lazy("Delete"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        contacts = self.read_selection(request, queryset)
        if contacts is None:
            return None
        if request.POST.get("post"):
            self.delete_queryset(request, queryset.filter(pk__in=[contact.pk for contact in contacts]))
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Delete contacts"),
            "opts": self.opts,
            "contacts": contacts,
            "action": "delete_selected",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, "contacts/delete_selected.html", context)

    @admin.action(description=gettext_lazy("Restore"), permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        contacts = self.read_selection(request, queryset)
        if contacts is not None:
            outcomes = restore_contacts([contact.pk for contact in contacts], by=actor_of(request))
            count = count_changed(outcomes)
            text = ngettext("%(count)d contact was restored.", "%(count)d contacts were restored.", count)
            messages.success(request, text % {"count": count})

    def read_selection(self, request: HttpRequest, queryset: QuerySet[Contact]) -> list[Contact] | None:
        """The contacts of a selection, None where it is larger than what is done at once."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        contacts = list(queryset.filter(pk__in=selected)[: AT_ONCE + 1]) if len(selected) <= AT_ONCE else None
        if contacts is None:
            messages.error(request, _("Select at most {count} contacts at once.").format(count=AT_ONCE))
        return contacts

    # Deleting: a contact is deleted so that it can be restored

    def get_deleted_objects(
        self, objs: Iterable[Contact], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Only the contacts themselves: what hangs from them stays, and nothing of it is loaded."""
        contacts = list(objs[: AT_ONCE + 1] if isinstance(objs, QuerySet) else objs)
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(contact) for contact in contacts], {str(self.opts.verbose_name_plural): len(contacts)}, needed, []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """No transaction around it: the verb opens its own."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        delete_contacts([obj.pk], by=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[:AT_ONCE])
        count = count_changed(delete_contacts(ids, by=actor_of(request)))
        text = ngettext(
            "%(count)d contact was deleted. It can be restored from the deleted ones.",
            "%(count)d contacts were deleted. They can be restored from the deleted ones.",
            count,
        )
        messages.success(request, text % {"count": count})

    def log_addition(self, *args: Any) -> None:
        """The journal says it; Django's log would keep the names of erased people."""

    log_change = log_deletions = log_addition


def actor_of(request: HttpRequest) -> str:
    """Who writes, as the journal names them."""
    return f"user:{request.user.pk}"


def shows_deleted(request: HttpRequest) -> bool:
    return request.GET.get(STATE_PARAMETER) == "deleted"


def count_changed(outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.status == Status.UPDATED for outcome in outcomes)
