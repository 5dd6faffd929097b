"""The rows of the contact list: a page of a selection, found at a bounded cost (``contacts.finding.paging``)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from contacts.admin.filters import say_label
from contacts.admin.list_columns import prepare_columns
from contacts.admin.listing import UncountedList, UncountedPaginator
from contacts.finding.paging import Page, Place, Wanted, read_page
from contacts.models import Contact
from contacts.selections import Selection, is_condition
from crm.errors import CardfileError

__all__ = ["LOOKING_MILLISECONDS", "ContactList"]

AT_ONCE_MILLISECONDS: Final = 40
"""What a rare condition may take before the page goes out without its rows."""
NAMES_MILLISECONDS: Final = 90
"""What names may take, which have an index for it."""
LOOKING_MILLISECONDS: Final = 1_500
"""What it may take once the page stands; the answer is there within two seconds."""
OLDER: Final = "older"
NEWER: Final = "newer"
WAIT: Final = "wait"
ORDER: Final = "order"
OLDEST: Final = "oldest"
PLACES: Final = (OLDER, NEWER, WAIT)


class Chip(NamedTuple):
    """One thing that narrows the list, and the address of the list without it."""

    label: str
    said: str
    without: str


class RowsPaginator(UncountedPaginator):
    template_name = "contacts/list_pagination.html"


class ContactList(UncountedList):
    """What the address asks for, as a selection; parameters that narrow nothing are left to whoever knows them."""

    page = Page()

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Contact]:
        """Whom the list means, in no order; nobody where a filter is gone, which is said."""
        self.address = request.GET.copy()
        self.selection = Selection.from_query(request.GET)
        self.forget_places()
        self.filter_specs, self.has_filters, _rest, _doubles, self.has_active_filters = self.get_filters(request)
        self.clear_all_filters_qs = self.write_address({SEARCH_VAR: self.query or None}, keep=(ORDER,))
        try:
            self.wanted = self.selection.wanted()
        except CardfileError as error:
            messages.warning(request, _(error.message))
            self.wanted = Wanted(Contact.objects.none())
        return self.wanted.everybody() & self.root_queryset

    def forget_places(self) -> None:
        """Another search or filter begins at the first page."""
        for name in PLACES:
            self.params.pop(name, None)
            self.filter_params.pop(name, None)

    def get_filters(self, request: HttpRequest) -> Any:
        params = {name: values for name, values in self.filter_params.items() if is_condition(name)}
        made = [list_filter(request, params, self.model, self.model_admin) for list_filter in self.list_filter]
        specs = [spec for spec in made if spec.has_output()]
        return specs, bool(specs), {}, False, any(spec.chosen for spec in specs)

    # Reading

    def get_results(self, request: HttpRequest) -> None:
        self.page = self.read()
        self.result_list = self.page.rows
        prepare_columns(self.list_display, self.page.rows)
        self.result_count = self.full_result_count = len(self.result_list)
        self.has_next = self.page.older is not None
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True
        self.paginator = RowsPaginator(self.result_list, self.list_per_page)

    def read(self) -> Page:
        return read_page(
            self.wanted,
            size=self.list_per_page,
            milliseconds=LOOKING_MILLISECONDS if self.is_patient else self.at_once,
            older=Place.read(self.address.get(OLDER, "")),
            newer=Place.read(self.address.get(NEWER, "")),
            oldest_first=self.oldest_first,
        )

    @property
    def at_once(self) -> int:
        return NAMES_MILLISECONDS if self.wanted.searched else AT_ONCE_MILLISECONDS

    @property
    def is_patient(self) -> bool:
        """This is the second request, for the rows of a page that stands."""
        return WAIT in self.address

    @property
    def is_looking(self) -> bool:
        """The rows are to be fetched once the page stands."""
        return not self.page.is_complete and not self.is_patient

    @property
    def gave_up(self) -> bool:
        """Not all contacts could be looked at in time; the rows are those among the newest."""
        return not self.page.is_complete and self.is_patient

    # Links

    @property
    def oldest_first(self) -> bool:
        return self.address.get(ORDER) == OLDEST

    @property
    def is_behind(self) -> bool:
        return OLDER in self.address or NEWER in self.address

    @property
    def first_link(self) -> str:
        return self.write_address({})

    @property
    def older_link(self) -> str:
        return self.write_address({OLDER: self.page.older.token}) if self.page.older else ""

    @property
    def newer_link(self) -> str:
        return self.write_address({NEWER: self.page.newer.token}) if self.page.newer else ""

    @property
    def looking_link(self) -> str:
        places = [name for name in (OLDER, NEWER) if name in self.address]
        return self.write_address({WAIT: "1", **{name: str(self.address[name]) for name in places}})

    @property
    def chips(self) -> list[Chip]:
        """What narrows the list, each to be taken out with one press."""
        chosen = [(say_label(spec, part), part) for spec in self.filter_specs for part in spec.chosen]
        found = [Chip(label, part.said, self.write_address({part.name: None})) for label, part in chosen]
        search = [Chip(_("Search"), self.query, self.write_address({SEARCH_VAR: None}))] if self.query else []
        return search + found

    def write_address(self, changes: dict[str, str | None], *, keep: tuple[str, ...] | None = None) -> str:
        """This list's address with other parameters, on the first page; ``keep``: with no others than these."""
        address: QueryDict = self.address.copy()
        for name in list(address):
            if name in PLACES or (keep is not None and name not in keep):
                del address[name]
        for name, value in changes.items():
            address.pop(name, None)
            if value is not None:
                address[name] = value
        return f"?{address.urlencode()}"
