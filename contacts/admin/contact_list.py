"""The contact list: search, filters, and what can be done with a selection. Every write is one verb."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts.admin.exports import ContactExports
from contacts.admin.filters import LIST_FILTERS
from contacts.admin.listing import UncountedList
from contacts.admin.rows import ContactList
from contacts.admin.views import SavedViews
from contacts.finding import Wanted, read_page, search_for
from contacts.identity import delete_contacts
from contacts.models import Contact, ContactState
from crm.audit import actor_of

__all__ = ["LISTED", "ContactListAdmin"]

LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)
FOUND_AT_MOST: Final = 100
SEARCH_MILLISECONDS: Final = 1_500


class ContactListAdmin(SavedViews, ContactExports):
    """The list reads contacts; deleting and restoring are verbs. Its columns are those of the view, or the reader's."""

    list_display = ("name",)
    list_display_links = ("name",)
    list_filter = LIST_FILTERS
    list_filter_submit = True
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-updated_at", "-pk")
    sortable_by = ()
    search_fields = ("external_id",)  # shows the box; get_search_results decides what is looked at
    search_help_text = gettext_lazy("Name, email, phone, ID or any token")
    warn_unsaved_form = True

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/list.css")}

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Merged and erased contacts are no sheets."""
        return super().get_queryset(request).filter(state__in=LISTED)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ContactList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """For lists that order by themselves: some whom the search means, the exact ones first."""
        if not search_term.strip():
            return queryset, False
        wanted = Wanted(queryset.order_by(), searched=search_for(search_term))
        page = read_page(wanted, size=FOUND_AT_MOST, milliseconds=SEARCH_MILLISECONDS)
        if not page.is_complete:
            messages.warning(request, _("The search for names took too long and was stopped. Write more of the name."))
        rank = Case(When(pk__in=page.exact, then=Value(0)), default=Value(1))
        found = queryset.filter(pk__in=[contact.pk for contact in page.rows])
        return found.order_by(rank, *queryset.query.order_by), False

    @display(description=gettext_lazy("name"))
    def name(self, contact: Contact) -> str | SafeString:
        if contact.state != ContactState.DELETED:
            return str(contact)
        return format_html('{} <span class="cf-tag cf-bad">{}</span>', str(contact), _("deleted"))

    # Actions over a selection

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected" if shows_deleted(request) else "restore_selected", None)
        return actions

    # Deleting: a contact is deleted so that it can be restored

    def get_deleted_objects(
        self, objs: Iterable[Contact], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Only the contacts themselves: what hangs from them stays, and nothing of it is loaded."""
        contacts = list(objs)
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(contact) for contact in contacts], {str(self.opts.verbose_name_plural): len(contacts)}, needed, []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """No transaction around it: the verb opens its own."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        delete_contacts([obj.pk], by=actor_of(request))

    def log_addition(self, *args: Any) -> None:
        """The journal says it; Django's log would keep the names of erased people."""

    log_change = log_deletions = log_addition


def shows_deleted(request: HttpRequest) -> bool:
    return request.GET.get("state") == "deleted"
