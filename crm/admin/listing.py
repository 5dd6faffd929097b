"""Lists that never count, and admins of what nobody edits."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["ListTookTooLong", "ReadOnlyAdmin", "UncountedList", "UncountedPaginator"]

LIST_MILLISECONDS: Final = 2_000
LAST_PAGE: Final = 400
"""Further back nobody pages; a filter or a search is the better way, and costs the database less."""


class ListTookTooLong(CardfileError):
    """This takes too long. Narrow the search or the filters."""

    code = "list_took_too_long"


class UncountedPaginator(Paginator):
    """What the templates ask of a paginator, without a count."""

    template_name = "contacts/pagination.html"
    count = 0
    num_pages = 1


class UncountedList(ChangeList):
    """Reads one row more than it shows, within a time limit; ``error`` is what a person then reads."""

    milliseconds = LIST_MILLISECONDS
    error: type[CardfileError] = ListTookTooLong
    has_next = False
    page_num: int

    def get_results(self, request: HttpRequest) -> None:
        self.page_num = min(max(self.page_num, 1), LAST_PAGE)
        start = (self.page_num - 1) * self.list_per_page
        rows = self.read_rows(request, start)
        self.has_next = len(rows) > self.list_per_page and self.page_num < LAST_PAGE
        self.result_list = rows[: self.list_per_page]
        self.result_count = len(self.result_list)
        self.first_number = start + 1
        self.last_number = start + self.result_count
        self.full_result_count = self.result_count  # unfold would offer to "show all"
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = UncountedPaginator(self.result_list, self.list_per_page)

    def read_rows(self, request: HttpRequest, start: int) -> list[Any]:
        try:
            with stopped_after(self.milliseconds, self.error):
                return list(self.find_rows(start)[: self.list_per_page + 1])
        except self.error as error:
            messages.warning(request, _(error.message))
            return []

    def find_rows(self, start: int) -> QuerySet[Any]:
        """Where the page begins."""
        return self.queryset[start:]


class ReadOnlyAdmin(ModelAdmin):
    """A list of what no form of the admin's makes, changes or deletes: pages and actions of their own do."""

    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    ordering: Any = ("-pk",)
    sortable_by = ()
    actions: Any = None

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
