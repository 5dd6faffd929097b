"""The filters of the contact list. Each one is a plain condition on the contact's own columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter

from contacts.admin.wording import SOURCES
from contacts.models import Contact, ContactState

__all__ = ["LIST_FILTERS", "STATE_PARAMETER", "StateFilter"]

STATE_PARAMETER: Final = "state"


class StateFilter(RadioFilter):
    """Active contacts, unless one asks for the deleted ones or searches: a search shows both."""

    title = _("state")
    parameter_name = STATE_PARAMETER
    all_option = ("", _("Active"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (("deleted", _("Deleted")), ("all", _("Active and deleted")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if self.value() == "deleted":
            return queryset.filter(state=ContactState.DELETED, deleted_at__isnull=False)
        if self.value() == "all" or request.GET.get(SEARCH_VAR):
            return queryset
        return queryset.filter(state=ContactState.ACTIVE)


class HasFilter(RadioFilter):
    """Contacts that have, or lack, a value in one column."""

    column = ""
    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return (("yes", _("Has one")), ("no", _("Has none")))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(**{f"{self.column}__isnull": self.value() == "no"})


class HasExternalId(HasFilter):
    title = _("external ID")
    parameter_name = "has_external_id"
    column = "external_id"


class HasEmail(HasFilter):
    title = _("email")
    parameter_name = "has_email"
    column = "email"


class HasPhone(HasFilter):
    title = _("phone")
    parameter_name = "has_phone"
    column = "phone"


class SourceFilter(RadioFilter):
    """The door that the contact came through first."""

    title = _("source")
    parameter_name = "source"
    all_option = ("", _("All"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return tuple(SOURCES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        return queryset.filter(source=self.value()) if self.value() else queryset


LIST_FILTERS: Final = (StateFilter, HasExternalId, HasEmail, HasPhone, SourceFilter)
