"""Segments, which the wire calls groups: listed, their members, contacts attached and detached."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.fields import keys_by_id
from contacts.api.naming import find_by_external_ids
from contacts.api.reading import show_contacts
from contacts.api.refusals import refused
from contacts.api.views import name_of_caller, read_flag
from contacts.models import Contact
from contacts.records import Problem
from crm.api.errors import NotFound
from crm.api.pagination import Page, answer_page, fetch_page, read_page
from crm.api.renderers import Sentence
from crm.api.views import ApiView
from segments.api import schema
from segments.api.translate import NamedContacts, read_named_contacts
from segments.errors import CountTookTooLong
from segments.filters import SegmentFilter
from segments.limits import stopped_after
from segments.membership import add_members, clear_members, members, remove_members
from segments.models import Membership, Segment

__all__ = ["AttachView", "DetachView", "GroupsView", "MembersView", "find_segment", "show_segment"]

PAGE_MILLISECONDS: Final = 30_000
COUNT_MILLISECONDS: Final = 10_000
COUNT_STOPPED: Final = {"TotalCountStopped": "true"}


class GroupsView(ApiView):
    """``/v1/groups``."""

    area = "contacts"
    rate = "search"

    @schema.list_groups
    def get(self, request: Request) -> Response:
        page = read_page(request.query_params)
        filtered = SegmentFilter(request.query_params, Segment.objects.order_by("name", "pk"))
        if not filtered.is_valid():
            raise refused(
                Problem(name, "invalid_value", text) for name, texts in filtered.errors.items() for text in texts
            )
        segments, total = fetch_page(filtered.qs, page)
        return answer_page([show_segment(segment) for segment in segments], total)


class MembersView(ApiView):
    """``/v1/group/{id}/contacts``: who is in it at this moment."""

    area = "contacts"
    rate = "search"

    @schema.list_members
    def get(self, request: Request, group_id: int) -> Response:
        page = read_page(request.query_params)
        rows, total = fetch_members(order_members(find_segment(group_id), request), page)
        shown = show_contacts(rows, keys_by_id())
        return Response(shown, headers=COUNT_STOPPED) if total is None else answer_page(shown, total)


class AttachView(ApiView):
    """``/v1/group/{id}/contacts/attach``."""

    area = "contacts"

    @schema.attach_contacts
    def post(self, request: Request, group_id: int) -> Response:
        segment, named = find_segment(group_id), read_named(request)
        if named.are_none:
            raise refused([Problem("contactIds", "required", _("Send contactIds or externalCustomerIds."))])
        add_members(segment, ids_of(named), by=name_of_caller(request))
        self.about = []
        return Response(Sentence(f"Contacts have been attached to group with id='{group_id}'"))


class DetachView(ApiView):
    """``/v1/group/{id}/contacts/detach``; without any contact the segment is emptied."""

    area = "contacts"

    @schema.detach_contacts
    def post(self, request: Request, group_id: int) -> Response:
        segment, named = find_segment(group_id), read_named(request)
        if named.are_none:
            clear_members(segment, by=name_of_caller(request))
        else:
            remove_members(segment, ids_of(named), by=name_of_caller(request))
        self.about = []
        return Response(Sentence(f"Contacts have been detached from group with id='{group_id}'"))


def fetch_members(ordered: QuerySet[Contact], page: Page) -> tuple[list[Any], int | None]:
    """The rows of the page and how many there are in all, None where counting took too long.

    Raises ``AskingTookTooLong`` where the page itself does.
    """
    with stopped_after(PAGE_MILLISECONDS):
        rows = list(ordered.values()[page.start : page.start + page.size])
    if len(rows) < page.size and (rows or not page.start):
        return rows, page.start + len(rows)
    try:
        with stopped_after(COUNT_MILLISECONDS, CountTookTooLong):
            return rows, ordered.order_by().count()
    except CountTookTooLong:
        return rows, None


def find_segment(group_id: int) -> Segment:
    segment = Segment.objects.filter(pk=group_id).first()
    if segment is None:
        raise NotFound(_("Group with id='{id}' not found. Ask /v1/groups for those there are.").format(id=group_id))
    return segment


def read_named(request: Request) -> NamedContacts:
    named = read_named_contacts(request.data)
    if named.problems:
        raise refused(named.problems)
    return named


def ids_of(named: NamedContacts) -> list[int]:
    """Who is unknown is left out."""
    return named.ids or find_by_external_ids(named.external_ids)


def order_members(segment: Segment, request: Request) -> QuerySet[Contact]:
    """By id, or by when each came in where that is asked for and known; upwards unless ``asc`` is false."""
    downwards = bool(request.query_params.get("asc", "").strip()) and not read_flag(request, "asc")
    found = members(segment)
    if not (read_flag(request, "orderByTs") and segment.is_static):
        return found.order_by("-pk" if downwards else "pk")
    added = Membership.objects.filter(contact_id=OuterRef("pk"), segment=segment)
    by_time = found.annotate(added_at=Subquery(added.values("added_at")))
    moment = F("added_at")
    return by_time.order_by(moment.desc() if downwards else moment.asc(), "-pk" if downwards else "pk")


def show_segment(segment: Segment) -> dict[str, Any]:
    return {"id": segment.pk, "name": segment.name, "type": segment.type.capitalize()}
