"""How the doors to segments describe themselves at /api/schema/. The shapes are for readers: any body is read."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, FAILURES, OLENA, Contact, failure, sentence
from contacts.wire import LARGEST_ID
from crm.api.links import Link, leads_to
from crm.api.pagination import PAGE_PARAMETERS
from segments.api.translate import MOST_MEMBERS
from segments.errors import AskingTookTooLong, SegmentIsNotStatic

__all__ = ["attach_contacts", "detach_contacts", "list_groups", "list_members"]

TAG: Final = "Segments"
TYPES: Final = ["Static", "Dynamic", "Combined"]


class Group(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=TYPES)


class NamedContacts(serializers.Serializer):
    contactIds = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text=f"At most {MOST_MEMBERS}."
    )
    externalCustomerIds = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=f"Instead of contactIds; at most {MOST_MEMBERS}."
    )


GROUP_ID: Final = OpenApiParameter(
    "group_id",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID},
    OpenApiParameter.PATH,
    description="The segment's id.",
)
NAME: Final = OpenApiParameter("name", OpenApiTypes.STR, description="A part of the name, in small or capital letters.")
BY_TIME: Final = OpenApiParameter(
    "orderByTs",
    OpenApiTypes.BOOL,
    description="In the order in which they were added to a static segment; else by id.",
    default=False,
)
UPWARDS: Final = OpenApiParameter("asc", OpenApiTypes.BOOL, description="Upwards.", default=True)
COUNT_STOPPED: Final = OpenApiParameter(
    "TotalCountStopped",
    OpenApiTypes.BOOL,
    OpenApiParameter.HEADER,
    description="Instead of TotalCount, where counting took too long and was stopped. The contacts are complete.",
    response=[200],
)
UNKNOWN: Final = {
    404: failure(404, "not_found", "Group with id='7' not found. Ask /v1/groups for those there are."),
}
BAD_PAGE: Final = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("maxrows", "invalid_number", "Write a whole number that is not negative."),
    ),
}
NOT_STATIC: Final[dict[int, Any]] = {
    400: failure(400, "segment_not_static", SegmentIsNotStatic.default_message()),
    413: BODY_FAILURES[413],
    415: BODY_FAILURES[415],
}
BY_ID: Final = OpenApiExample("by id", {"contactIds": [1, 2]}, request_only=True)
BY_EXTERNAL_ID: Final = OpenApiExample("by external ID", {"externalCustomerIds": ["TV12790"]}, request_only=True)
IN_PATH: Final = "$request.path.group_id"


def to_segment(place: str) -> list[Link]:
    """From where its id stands to what may be done with a segment."""
    named = ("getGroupContacts", "attachContactsToGroup", "detachContactsFromGroup", "getGroup")
    return [Link(operation, {"group_id": place}) for operation in named]


list_groups = extend_schema(
    operation_id="searchGroups",
    summary="List segments",
    description="By name.",
    tags=[TAG],
    parameters=[NAME, *PAGE_PARAMETERS],
    responses={200: OpenApiResponse(Group(many=True), "The segments."), **BAD_PAGE, **FAILURES},
    examples=[
        OpenApiExample(
            "a list", {"id": 7, "name": "Regulars", "type": "Static"}, response_only=True, status_codes=[200]
        )
    ],
    extensions=leads_to(*to_segment("$response.body#/0/id")),
)
list_members = extend_schema(
    operation_id="getGroupContacts",
    summary="List the contacts of a segment",
    description="The active contacts that are in it at this moment.",
    tags=[TAG],
    parameters=[GROUP_ID, BY_TIME, UPWARDS, *PAGE_PARAMETERS, COUNT_STOPPED],
    responses={
        200: OpenApiResponse(Contact(many=True), "The contacts."),
        **BAD_PAGE,
        **FAILURES,
        **UNKNOWN,
        503: failure(503, AskingTookTooLong.code, AskingTookTooLong.default_message()),
    },
    examples=[OpenApiExample("a contact", {"id": 1, **OLENA}, response_only=True, status_codes=[200])],
    extensions=leads_to(
        *to_contact("$response.body#/0/id"),
        Link("detachContactsFromGroup", {"group_id": IN_PATH}, {"contactIds": ["$response.body#/0/id"]}),
        Link("explainGroupContact", {"group_id": IN_PATH, "contact_id": "$response.body#/0/id"}),
    ),
)
attach_contacts = extend_schema(
    operation_id="attachContactsToGroup",
    summary="Put contacts into a static segment",
    description="Who is in it already stays. Contacts that are unknown or deleted are left out.",
    tags=[TAG],
    parameters=[GROUP_ID],
    request=NamedContacts,
    responses={
        200: sentence("Contacts have been attached to group with id='7'"),
        **NOT_STATIC,
        **FAILURES,
        **UNKNOWN,
    },
    examples=[BY_ID, BY_EXTERNAL_ID],
    extensions=leads_to(*to_segment(IN_PATH)),
)
detach_contacts = extend_schema(
    operation_id="detachContactsFromGroup",
    summary="Take contacts out of a static segment",
    description="Without contactIds and externalCustomerIds everybody is taken out. The contacts themselves stay.",
    tags=[TAG],
    parameters=[GROUP_ID],
    request=NamedContacts,
    responses={
        200: sentence("Contacts have been detached from group with id='7'"),
        **NOT_STATIC,
        **FAILURES,
        **UNKNOWN,
    },
    examples=[BY_ID, BY_EXTERNAL_ID],
    extensions=leads_to(*to_segment(IN_PATH)),
)
