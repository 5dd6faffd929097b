"""One segment: what it means, why a contact is in it or is not, and keeping who is in it now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.naming import find_kept
from contacts.api.refusals import no_such_contact, refused
from contacts.api.views import name_of_caller
from contacts.records import Problem
from contacts.wire import is_empty
from crm.api.views import ApiView
from segments.api import schema_details as schema
from segments.api.views import find_segment, show_segment
from segments.catalogue import describe_segment, find_users
from segments.conditions.errors import DefinitionRefused
from segments.explaining import GroupExplained, NodeExplained, SegmentExplained, explain_member
from segments.models import Segment
from segments.snapshots import take_snapshot

__all__ = ["ExplainView", "GroupView", "SnapshotView"]

NAME_AT_MOST: Final = schema.NAME_AT_MOST


class GroupView(ApiView):
    """``/v1/group/{id}``."""

    area = "contacts"

    @schema.get_group
    def get(self, request: Request, group_id: int) -> Response:
        segment = find_segment(group_id)
        try:
            sentence, errors = describe_segment(segment), []
        except DefinitionRefused as refusal:
            sentence, errors = "", refusal.lines
        users = [{"id": user.pk, "name": user.name} for user in find_users(segment)]
        more = {"description": segment.description, "definition": segment.definition}
        return Response({**show_segment(segment), **more, "sentence": sentence, "errors": errors, "usedBy": users})


class ExplainView(ApiView):
    """``/v1/group/{id}/contacts/{contactId}/explain``: for a merged contact its survivor."""

    area = "contacts"
    rate = "search"

    @schema.explain_contact
    def get(self, request: Request, group_id: int, contact_id: int) -> Response:
        segment, found = find_segment(group_id), find_kept(contact_id)
        if found is None:
            raise no_such_contact("id", contact_id)
        return Response({**show_explained(explain_member(segment, found)), "contactId": found})


class SnapshotView(ApiView):
    """``/v1/group/{id}/snapshot``."""

    area = "contacts"

    @schema.take_snapshot
    def post(self, request: Request, group_id: int) -> Response:
        segment, name = find_segment(group_id), read_name(request.data)
        try:
            snapshot = take_snapshot(segment, name=name, by=name_of_caller(request))
        except IntegrityError as error:
            raise refused([name_is_taken()]) from error
        self.about = []
        return Response({**show_segment(snapshot.segment), "isFinished": snapshot.finished_at is not None})


def read_name(body: Any) -> str:
    given = body.get("name") if isinstance(body, Mapping) else None
    if is_empty(given) or isinstance(given, bool) or not isinstance(given, str | int):
        raise refused([Problem("name", "required", _("Send the name of the new segment."))])
    name = str(given).strip()
    if len(name) > NAME_AT_MOST:
        raise refused([Problem("name", "too_long", _("A name has at most 200 characters."))])
    if "\0" in name or any("\ud800" <= char <= "\udfff" for char in name):
        raise refused([Problem("name", "invalid", _("The name holds a character that cannot be stored."))])
    if Segment.objects.filter(name__iexact=name).exists():
        raise refused([name_is_taken()])
    return name


def name_is_taken() -> Problem:
    return Problem("name", "taken", _("There is a segment of this name. Choose another name."))


def show_explained(explained: SegmentExplained) -> dict[str, Any]:
    shown = show_segment(explained.segment)
    return {
        "groupId": shown["id"],
        "name": shown["name"],
        "type": shown["type"],
        "isMember": explained.is_member,
        "isActive": explained.is_active,
        "match": None if explained.match is None else show_node(explained.match),
        "exclude": None if explained.exclude is None else show_node(explained.exclude),
        "addedAt": explained.added_at and explained.added_at.isoformat(),
        "addedBy": explained.added_by or None,
        "since": explained.since and explained.since.isoformat(),
    }


def show_node(node: NodeExplained) -> dict[str, Any]:
    shown = {"holds": node.holds, "path": node.path, "negated": node.negated}
    if isinstance(node, GroupExplained):
        return {**shown, "combine": node.combine.value, "children": [show_node(child) for child in node.children]}
    shown["sentence"] = node.sentence
    if node.has_value:
        shown["actual"] = node.actual
    if node.segment is not None:
        shown["group"] = show_explained(node.segment)
    return shown
