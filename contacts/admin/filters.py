"""The filters of the contact list. The conditions are those that the API's search has (``contacts.filters``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter

from contacts.admin.wording import SOURCES
from contacts.filters import narrow
from contacts.models import Change, Contact, Import

__all__ = ["IMPORT_PARAMETER", "LIST_FILTERS", "STATE_PARAMETER", "StateFilter"]

STATE_PARAMETER: Final = "state"
IMPORT_PARAMETER: Final = "import"
LATEST: Final = 10
"""Imports to choose from; the page of an older one leads here too."""


class StateFilter(RadioFilter):
    """Active contacts, unless one asks for the deleted ones or searches: a search shows both."""

    title = _("state")
    parameter_name = STATE_PARAMETER
    all_option = ("", _("Active"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (("deleted", _("Deleted")), ("all", _("Active and deleted")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        is_search = bool(request.GET.get(SEARCH_VAR))
        return narrow(queryset, "state", self.value() or ("all" if is_search else ""))


class HasFilter(RadioFilter):
    """Contacts that have, or lack, a value in one column."""

    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (("yes", _("Has one")), ("no", _("Has none")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if self.value() not in ("yes", "no"):
            return queryset
        return narrow(queryset, self.parameter_name, self.value())


class HasExternalId(HasFilter):
    title = _("external ID")
    parameter_name = "has_external_id"


class HasEmail(HasFilter):
    title = _("email")
    parameter_name = "has_email"


class HasPhone(HasFilter):
    title = _("phone")
    parameter_name = "has_phone"


class SourceFilter(RadioFilter):
    """The door that the contact came through first."""

    title = _("source")
    parameter_name = "source"
    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return tuple(SOURCES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        return narrow(queryset, "source", self.value())


class ImportFilter(RadioFilter):
    """Contacts that an import touched. Who was merged since is not among them; the import's segment has survivors."""

    title = _("import")
    parameter_name = IMPORT_PARAMETER
    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        chosen = read_id(self.value())
        latest = Import.objects.filter(rows_done__gt=0).order_by("-pk").values_list("pk", "file_name")
        found = dict(latest[:LATEST])
        if chosen and chosen not in found:
            found |= dict(Import.objects.filter(pk=chosen).values_list("pk", "file_name"))
        return tuple((str(pk), f"{name} ({pk})") for pk, name in found.items())

    def has_output(self) -> bool:
        """A number that no import has narrows the list too, to nobody."""
        return bool(self.lookup_choices or self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if not self.value():
            return queryset
        touched = Change.objects.filter(import_id=read_id(self.value()))
        return queryset.filter(pk__in=touched.values("contact_id"))


def read_id(text: str | None) -> int:
    """The number, 0 where it can be none of ours."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0


LIST_FILTERS: Final = (StateFilter, HasExternalId, HasEmail, HasPhone, SourceFilter, ImportFilter)
