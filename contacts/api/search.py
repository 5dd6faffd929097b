"""Contacts, many at a time: found by what is known of them, and their emails by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_contacts as schema
from contacts.api.fields import keys_by_id
from contacts.api.reading import show_contacts
from contacts.api.refusals import refused_conditions
from contacts.api.translate import read_id
from contacts.filters import ContactFilter
from contacts.models import Contact, ContactState
from contacts.wire import LARGEST_ID, is_empty
from crm.api.pagination import answer_page, fetch_page, read_page
from crm.api.views import ApiView

__all__ = ["EmailsView", "SearchContacts"]

CONDITIONS: Final = {
    "externalCustomerId": "external_id",
    "email": "email",
    "sms": "phone",
    "firstname": "first_name",
    "lastname": "last_name",
}
EXCLUSIVE: Final = "externalCustomerId"
MAX_IDS: Final = 1_000


class SearchContacts(ApiView):
    """``GET /v1/contacts``; whoever answers POST there too derives from this."""

    area = "contacts"

    @property
    def rate(self) -> str:  # type: ignore[override]
        return "search" if self.request.method == "GET" else "calls"

    @schema.search_contacts
    def get(self, request: Request) -> Response:
        conditions = read_conditions(request.query_params)
        page = read_page(request.query_params)
        filtered = ContactFilter(conditions, Contact.objects.all())
        if not filtered.is_valid():
            raise refused_conditions(filtered.errors, CONDITIONS)
        order = ("pk",) if request.query_params.get("sortBy") == "contactId" else ("-updated_at", "-pk")
        rows, total = fetch_page(filtered.qs.order_by(*order).values(), page)
        return answer_page(show_contacts(rows, keys_by_id()), total)


class EmailsView(ApiView):
    """``GET /v1/contacts/email``."""

    area = "contacts"
    rate = "search"

    @schema.get_emails
    def get(self, request: Request) -> Response:
        wanted = read_ids(request.query_params.getlist("ids"))
        emails = read_emails(wanted)
        return Response({"results": [{"contactId": pk, "email": emails[pk]} for pk in wanted if pk in emails]})


def read_conditions(params: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, by the names of the filter; an external ID goes with nothing else."""
    given = {name: params[name] for name in CONDITIONS if not is_empty(params.get(name))}
    if EXCLUSIVE in given and len(given) > 1:
        others = ", ".join(name for name in given if name != EXCLUSIVE)
        message = _("Search by externalCustomerId alone, or by the others: {names}.").format(names=others)
        raise ValidationError({EXCLUSIVE: [ErrorDetail(message, "exclusive_parameter")]})
    return {CONDITIONS[name]: value for name, value in given.items()}


def read_ids(texts: Iterable[str]) -> list[int]:
    """The ids of a list with commas, each once, in order."""
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not parts:
        raise ValidationError({"ids": [ErrorDetail(_("Say whose emails: ids=1,2."), "required")]})
    if len(parts) > MAX_IDS:
        message = _("Ask for at most {count} contacts at once.").format(count=MAX_IDS)
        raise ValidationError({"ids": [ErrorDetail(message, "too_many_values")]})
    if strange := [part for part in parts if not (part.isascii() and part.isdigit())]:
        message = _("“{text}” is no contact ID. Write numbers, separated by commas.").format(text=strange[0][:50])
        raise ValidationError({"ids": [ErrorDetail(message, "invalid_number")]})
    return list(dict.fromkeys(number for part in parts if 0 < (number := read_id(part)) <= LARGEST_ID))


def read_emails(ids: Iterable[int]) -> dict[int, str]:
    """By the id that was asked for; a merged contact answers as its survivor (L13)."""
    states = Contact.objects.filter(pk__in=list(ids)).values_list("pk", "merged_into_id")
    survivor_of = {pk: survivor or pk for pk, survivor in states}
    found = Contact.objects.filter(pk__in=set(survivor_of.values()), state=ContactState.ACTIVE, email__isnull=False)
    emails = {pk: str(email) for pk, email in found.values_list("pk", "email")}
    return {pk: emails[survivor] for pk, survivor in survivor_of.items() if survivor in emails}
