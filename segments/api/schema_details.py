"""How the doors to one segment describe themselves: what it means, why somebody is in it, keeping who is in it now."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema import BODY_FAILURES, CONTACT_ID, FAILURES, failure
from crm.api.links import Link, leads_to
from segments.api.schema import GROUP_ID, IN_PATH, TAG, TYPES, UNKNOWN, Group, to_segment
from segments.errors import AskingTookTooLong

__all__ = ["explain_contact", "get_group", "take_snapshot"]

NAME_AT_MOST: Final = 200


class User(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class GroupDetails(Group):
    description = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True, help_text="The conditions in words; empty for a static segment.")
    definition = serializers.DictField(allow_null=True, help_text="The conditions as JSON; null for a static segment.")
    errors = serializers.ListField(
        child=serializers.CharField(), help_text="What is wrong with the conditions by now; nobody is in it then."
    )
    usedBy = User(many=True, help_text="Segments that name this one. It cannot be deleted while there are any.")


class Explained(serializers.Serializer):
    holds = serializers.BooleanField(help_text="With its negation.")
    path = serializers.CharField(help_text="Where in the definition, such as match.all[0].")
    negated = serializers.BooleanField()
    combine = serializers.ChoiceField(choices=["all", "any", "none"], required=False, help_text="Of a group.")
    children = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Of a group: nodes of this same shape."
    )
    sentence = serializers.CharField(required=False, help_text="Of a condition, without its negation.")
    actual = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="Of a condition: the contact's value, or the number, sum, average or moment that was found; null"
        " where it is not set. Missing where the condition looks at no value.",
    )
    group = serializers.DictField(
        required=False, help_text="Of a condition that names a segment: that one, explained in this same shape."
    )


class GroupExplained(serializers.Serializer):
    groupId = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=TYPES)
    contactId = serializers.IntegerField(help_text="For a merged contact its survivor's.")
    isMember = serializers.BooleanField()
    isActive = serializers.BooleanField(help_text="False for a deleted contact, which is in no segment.")
    match = Explained(allow_null=True, help_text="null for a static segment and a deleted contact.")
    exclude = Explained(allow_null=True, help_text="Who is left out; null where nobody is.")
    addedAt = serializers.DateTimeField(allow_null=True, help_text="Of a static segment: since when it is in it.")
    addedBy = serializers.CharField(allow_null=True, help_text="Of a static segment: user:1, key:3, import:7 …")
    since = serializers.DateTimeField(
        allow_null=True, help_text="Of a segment that keeps a history of its members: since when it is in it."
    )


class NewSnapshot(serializers.Serializer):
    name = serializers.CharField(help_text=f"Of the new static segment; at most {NAME_AT_MOST} characters.")


class SnapshotTaken(Group):
    isFinished = serializers.BooleanField(help_text="False where they are many and put in in the background.")


MEMBER_ID: Final = OpenApiParameter(
    "contact_id", CONTACT_ID.type, OpenApiParameter.PATH, description="The contact's id, or that of a merged one."
)
UNKNOWN_BOTH: Final[dict[int, Any]] = {
    404: failure(404, "contact_not_found", "Contact with id='7' not found. Check it, or create the contact first.")
}
TOOK_TOO_LONG: Final[dict[int, Any]] = {
    503: failure(503, AskingTookTooLong.code, AskingTookTooLong.default_message()),
}
BROKEN: Final[dict[int, Any]] = {
    400: failure(
        400,
        "definition_refused",
        "The definition cannot be used. Correct each place that is listed.",
        ("match.all[0].field", "unknown_field", "There is no such field. Choose a field that exists."),
    )
}
BAD_NAME: Final[dict[int, Any]] = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("name", "taken", "There is a segment of this name. Choose another name."),
    ),
    413: BODY_FAILURES[413],
    415: BODY_FAILURES[415],
}
DEFINITION: Final = {"version": 1, "match": {"all": [{"field": "town", "op": "is", "value": "Lviv"}]}}
IN_LVIV: Final = {"id": 7, "name": "In Lviv", "type": "Dynamic"}
EXPLAINED: Final = {
    "groupId": 7,
    "name": "In Lviv",
    "type": "Dynamic",
    "contactId": 1,
    "isMember": False,
    "isActive": True,
    "match": {
        "holds": False,
        "path": "match",
        "negated": False,
        "combine": "all",
        "children": [
            {
                "holds": False,
                "path": "match.all[0]",
                "negated": False,
                "sentence": "Town is “Lviv”",
                "actual": "Kyiv",
            }
        ],
    },
    "exclude": None,
    "addedAt": None,
    "addedBy": None,
    "since": None,
}

get_group = extend_schema(
    operation_id="getGroup",
    summary="Read what a segment means",
    description="Its conditions in words and as JSON, and which segments use it.",
    tags=[TAG],
    parameters=[GROUP_ID],
    responses={200: OpenApiResponse(GroupDetails, "The segment."), **FAILURES, **UNKNOWN},
    examples=[
        OpenApiExample(
            "a segment",
            {
                **IN_LVIV,
                "description": "",
                "sentence": "Town is “Lviv”.",
                "definition": DEFINITION,
                "errors": [],
                "usedBy": [{"id": 9, "name": "Newsletter in Lviv"}],
            },
            response_only=True,
            status_codes=[200],
        )
    ],
    extensions=leads_to(*to_segment(IN_PATH)),
)
explain_contact = extend_schema(
    operation_id="explainGroupContact",
    summary="Explain why a contact is in a segment or is not",
    description="Every condition with whether it holds, and the value that was found, asked at this moment.",
    tags=[TAG],
    parameters=[GROUP_ID, MEMBER_ID],
    responses={
        200: OpenApiResponse(GroupExplained, "Why."),
        **BROKEN,
        **FAILURES,
        **UNKNOWN_BOTH,
        **TOOK_TOO_LONG,
    },
    examples=[OpenApiExample("not a member", EXPLAINED, response_only=True, status_codes=[200])],
)
take_snapshot = extend_schema(
    operation_id="takeGroupSnapshot",
    summary="Keep who is in a segment now as a static segment",
    description="Many are put in in the background; `isFinished` tells.",
    tags=[TAG],
    parameters=[GROUP_ID],
    request=NewSnapshot,
    responses={200: OpenApiResponse(SnapshotTaken, "The new segment."), **BAD_NAME, **FAILURES, **UNKNOWN},
    examples=[
        OpenApiExample("a name", {"name": "In Lviv, 2026-11-20"}, request_only=True),
        OpenApiExample(
            "a snapshot",
            {"id": 8, "name": "In Lviv, 2026-11-20", "type": "Static", "isFinished": True},
            response_only=True,
            status_codes=[200],
        ),
    ],
    extensions=leads_to(*to_segment("$response.body#/id"), Link("getGroup", {"group_id": "$response.body#/id"})),
)
