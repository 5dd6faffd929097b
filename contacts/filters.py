"""The one set of conditions by which lists of contacts are narrowed: the API's search and the back office's list.

An email, a phone, an external ID are looked up through identifiers, values → ids → rows, so that every address a
contact has finds it and the tables may be distributed. A value that cannot be one finds nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Subquery
from django_filters.fields import IsoDateTimeField

from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_email, clean_external_id, compare_form
from contacts.phones import parse_phone

__all__ = ["ContactFilter", "MomentFilter", "begins_with", "narrow"]

FEW: Final = 1_000
YES_OR_NO: Final = [("yes", "yes"), ("no", "no")]


def find_owners(kind: Kind, value: str | None, contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Those among ``contacts`` that have the value; one that thousands share is left to the database to match."""
    if not value:
        return contacts.none()
    kind_number, app, compared = compare_form(kind, "", value)
    owners = Identifier.objects.filter(value=compared, kind=kind_number, app=app).values("contact_id")
    ids = list(owners.values_list("contact_id", flat=True)[: FEW + 1])
    return contacts.filter(pk__in=ids) if len(ids) <= FEW else contacts.filter(pk__in=Subquery(owners))


def as_email(text: str) -> str | None:
    try:
        return clean_email(text)[1]
    except InvalidValue:
        return None


def as_phone(text: str) -> str | None:
    return parse_phone(text, current_settings().schema.country)


def as_external_id(text: str) -> str | None:
    try:
        return clean_external_id(text, current_settings().schema.external_id_max_length)
    except InvalidValue:
        return None


def begins_with(column: str, text: str) -> Q:
    """Case is folded here rather than in SQL, where it depends on the server's locale and no plain index helps."""
    condition = Q()
    for variant in dict.fromkeys((text, text.lower(), text.title(), text.upper())):
        condition |= Q(**{f"{column}__startswith": variant})
    return condition


class IdentifierFilter(django_filters.CharFilter):
    """Contacts that have this value of a kind, as a primary one or by a merge."""

    def __init__(self, kind: Kind, read: Callable[[str], str | None], **options: object) -> None:
        super().__init__(**options)
        self.kind = kind
        self.read = read

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return find_owners(self.kind, self.read(value), qs) if value else qs


class NameFilter(django_filters.CharFilter):
    """Names that begin so, in small or capital letters."""

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return qs.filter(begins_with(str(self.field_name), value)) if value else qs


class HasFilter(django_filters.ChoiceFilter):
    """Contacts that have, or lack, a value in one column."""

    def __init__(self, **options: object) -> None:
        super().__init__(choices=YES_OR_NO, **options)

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return qs.filter(**{f"{self.field_name}__isnull": value == "no"}) if value else qs


class StateFilter(django_filters.ChoiceFilter):
    """Active contacts, unless the deleted ones are asked for, or all."""

    def __init__(self, **options: object) -> None:
        super().__init__(choices=[("deleted", "deleted"), ("all", "all")], **options)

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        if value == "deleted":
            return qs.filter(state=ContactState.DELETED, deleted_at__isnull=False)
        return qs.filter(
            state__in=(ContactState.ACTIVE, ContactState.DELETED) if value == "all" else (ContactState.ACTIVE,)
        )


class MomentField(IsoDateTimeField):
    """In UTC: zones far from it are none to the database."""

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment else None
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A moment in ISO 8601, such as the lists of journals, imports and exports are narrowed by."""

    field_class = MomentField


class ContactFilter(django_filters.FilterSet):
    external_id = IdentifierFilter(Kind.EXTERNAL_ID, as_external_id)
    email = IdentifierFilter(Kind.EMAIL, as_email)
    phone = IdentifierFilter(Kind.PHONE, as_phone)
    first_name = NameFilter()
    last_name = NameFilter()
    source = django_filters.CharFilter()
    has_external_id = HasFilter(field_name="external_id")
    has_email = HasFilter(field_name="email")
    has_phone = HasFilter(field_name="phone")
    state = StateFilter()

    class Meta:
        model = Contact
        fields: list[str] = []


def narrow(contacts: QuerySet[Contact], name: str, value: str | None) -> QuerySet[Contact]:
    """By one of the conditions alone; an empty value is none, but for the state."""
    narrowed: QuerySet[Contact] = ContactFilter.base_filters[name].filter(contacts, value or "")
    return narrowed
