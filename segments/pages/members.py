"""The members of a segment as the list of contacts, with all that the list can do, a page by contact id."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from contacts.admin.actors import name_actors
from contacts.admin.contact_list import ContactListAdmin
from contacts.admin.filters import LIST_FILTERS, StateFilter
from contacts.admin.journal import show_moment
from contacts.admin.list_columns import prepare_columns, show_columns
from contacts.admin.listing import UncountedList, UncountedPaginator
from contacts.admin.views import read_views
from contacts.models import ActionVerb, Contact
from contacts.selections import Selection
from crm.audit import actor_of
from segments.catalogue import find_users
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.errors import CountTookTooLong
from segments.membership import count_members, members, remove_members
from segments.models import Membership, Segment
from segments.pages.page import SegmentPage
from segments.pages.words import show_sentence

__all__ = ["MembersExportView", "MembersView", "SegmentMembers", "read_place"]

PAGE_MILLISECONDS: Final = 10_000
COUNT_MILLISECONDS: Final = 5_000
AFTER: Final = "after"
ONLY: Final = "only"
"""Which of an import's contacts are meant: the page's question, not a filter of the list."""
FOUND_AT_MOST: Final = 150
"""As many as a search finds; they stand on one page."""


LEFT_OUT: Final = ("source", "updated_at")
"""Columns that make room for who was added when."""


class MembersPaginator(UncountedPaginator):
    template_name = "segments/pagination.html"


class MembersList(UncountedList):
    """A page by contact id: those after ``?after=``, however many came before."""

    milliseconds = PAGE_MILLISECONDS
    next_after: int | None = None

    @property
    def after(self) -> int:
        after: int = self.model_admin.after
        return after

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        chosen: dict[str, Any] = super().get_filters_params(params)
        chosen.pop(ONLY, None)
        return chosen

    def get_results(self, request: HttpRequest) -> None:
        if self.query:
            self.list_per_page = FOUND_AT_MOST
        self.page_num = 1
        super().get_results(request)
        self.next_after = self.result_list[-1].pk if self.has_next else None
        self.paginator = MembersPaginator(self.result_list, self.list_per_page)
        prepare_columns(self.list_display, self.result_list)
        if self.model_admin.segment.is_static:
            show_when_added(self.model_admin.segment, self.result_list)

    def find_rows(self, start: int) -> QuerySet[Any]:
        return self.queryset.filter(pk__gt=self.after)


class SegmentMembers(ContactListAdmin):
    """The list of contacts for one segment and one request."""

    list_filter: Any = tuple(chosen for chosen in LIST_FILTERS if chosen is not StateFilter)
    list_per_page = 50
    ordering: Any = ("pk",)
    sortable_by: Any = ()
    change_list_template = "segments/members.html"
    actions: Any = ("export_selected", "join_segment", "take_out", "edit_field", "unsubscribe", "delete_selected")
    has_views = False

    def __init__(self, segment: Segment, admin_site: admin.AdminSite) -> None:
        super().__init__(Contact, admin_site)
        self.segment = segment
        self.lookups = DatabaseLookups()
        self.problems: list[str] = []
        self.after = 0

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = read_views(request).columns
        if not self.segment.is_static:
            return (*self.list_display, *show_columns(columns), *self.shown_why)
        kept = [column for column in columns if column not in LEFT_OUT]
        return (*self.list_display, *show_columns(kept), "added", *self.shown_why)

    @property
    def shown_why(self) -> tuple[str, ...]:
        return ("why",) if self.segment.pk else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        try:
            return members(self.segment, lookups=self.lookups)
        except DefinitionRefused as refused:
            self.problems = refused.lines
            return Contact.objects.none()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("pk",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[MembersList]:
        return MembersList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A contact is not added here; that it becomes a member is another thing."""
        return False

    # What stands above the list

    def show(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The page, or what an action does."""
        self.after = take_place(request)
        response = self.changelist_view(request, context)
        shown = getattr(response, "context_data", None)
        if shown and "cl" in shown:
            shown |= self.read_head(request, shown["cl"])
        return response

    def read_head(self, request: HttpRequest, listed: MembersList) -> dict[str, Any]:
        return {
            "opts": Segment._meta,
            "original": self.segment if self.segment.pk else None,
            "sentence": show_sentence(self.segment, self.lookups),
            "problems": self.problems,
            "contacts": listed.result_list,
            "count": self.count(),
            "is_first_page": listed.after == 0,
            "next_after": listed.next_after,
            "users": find_users(self.segment) if self.segment.pk else [],
            "may_change": request.user.has_perm("segments.change_segment"),
            "may_add": request.user.has_perm("segments.add_segment"),
            "may_export": self.segment.pk and not self.problems and self.has_export_permission(request),
        }

    def count(self) -> int | None:
        if self.problems:
            return None
        try:
            return count_members(self.segment, milliseconds=COUNT_MILLISECONDS, lookups=self.lookups)
        except CountTookTooLong:
            return None

    # Columns and actions

    @display(description=gettext_lazy("added"))
    def added(self, contact: Any) -> str:
        return getattr(contact, "added_shown", "—")

    @display(description=gettext_lazy("why"))
    def why(self, contact: Contact) -> SafeString:
        address = reverse("admin:segments_segment_explain", args=[self.segment.pk, contact.pk])
        label = _("Why {name} is in it").format(name=contact)
        return format_html('<a class="text-link underline" href="{}" aria-label="{}">{}</a>', address, label, _("Why"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not self.segment.is_static:
            actions.pop("take_out", None)
        return actions

    @admin.action(description=gettext_lazy("Take out of this segment"), permissions=["regroup"])
    def take_out(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        """At once for the rows that were ticked; all members are an action that is confirmed."""
        ids = self.read_selection(request).ids
        if ids is None:
            return self.lead_to(request, ActionVerb.LEAVE)
        count = remove_members(self.segment, ids, by=actor_of(request))
        text = ngettext("%(count)d contact was taken out.", "%(count)d contacts were taken out.", count)
        messages.success(request, text % {"count": count})
        return None

    @property
    def offers_whole(self) -> bool:  # type: ignore[override]
        """The contacts of an import are no list of their own that could be named later."""
        return self.segment.pk is not None

    def read_list_selection(self, request: HttpRequest) -> Selection:
        """The members, as search and filters narrow them."""
        asked = Selection.from_query(request.GET).conditions
        return Selection(conditions={**asked, "segment": str(self.segment.pk)})

    # Exporting

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """All pages, whichever one was looked at."""
        take_place(request)
        return super().export_view(request)

    def get_export_address(self) -> str:
        if self.segment.pk is None:
            return super().get_export_address()
        return reverse("admin:segments_segment_export", args=[self.segment.pk])

    def get_list_address(self) -> str:
        if self.segment.pk is None:
            return super().get_list_address()
        return reverse("admin:segments_segment_members", args=[self.segment.pk])


class MembersView(SegmentPage):
    """The members of one segment."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return SegmentMembers(self.segment, self.model_admin.admin_site).show(request, self.read_context())

    post = get

    def read_context(self) -> dict[str, Any]:
        return {"segment": self.segment, "title": self.segment.name}


class MembersExportView(SegmentPage):
    """The members, or those whom a search and filters leave, as a file."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return SegmentMembers(self.segment, self.model_admin.admin_site).export_view(request)

    post = get


def take_place(request: HttpRequest) -> int:
    """The id after which the page begins, 0 for the first one.

    It is taken out of what the address asks for: it is no filter, and one that is chosen begins at the first page.
    """
    given = request.GET.copy()
    text = given.pop(AFTER, [""])[-1]
    request.GET = cast("Any", given)
    return read_place(text)


def read_place(text: str) -> int:
    """The id after which a page begins, 0 where it can be none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def show_when_added(segment: Segment, contacts: list[Any]) -> None:
    """When each came into a static segment, and by whom."""
    rows = Membership.objects.filter(segment=segment, contact_id__in=[contact.pk for contact in contacts])
    added = {row.contact_id: row for row in rows}
    names = name_actors(row.by for row in added.values())
    for contact in contacts:
        row = added.get(contact.pk)
        if row is not None:
            contact.added_shown = f"{show_moment(row.added_at)}, {names[row.by].label}"
