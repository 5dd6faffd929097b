"""How a contact's history describes itself at /api/schema/."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema import CONTACT_ID, FAILURES, UNKNOWN, ContactUpdate, failure
from contacts.models import ChangeKind, ChannelState
from crm.api.links import Link, leads_to
from crm.api.pagination import PAGE_PARAMETERS

__all__ = ["list_changes"]

STATES: Final = [state.name.lower() for state in ChannelState]


class Side(ContactUpdate):
    emailState = serializers.ChoiceField(choices=STATES, required=False)
    phoneState = serializers.ChoiceField(choices=STATES, required=False)
    erased = serializers.BooleanField(
        required=False, help_text="True where a value was erased together with another contact that had it."
    )


class Change(serializers.Serializer):
    id = serializers.IntegerField()
    contactId = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField(help_text="user:1, key:3, import:7, tracker:web, rule:retention …")
    kind = serializers.ChoiceField(choices=ChangeKind.values)
    matchedBy = serializers.CharField(required=False)
    rule = serializers.CharField(required=False, help_text="The identity rule that decided.")
    importId = serializers.IntegerField(required=False)
    mergeId = serializers.IntegerField(required=False)
    loserId = serializers.IntegerField(required=False)
    survivorId = serializers.IntegerField(required=False)
    migratedTo = serializers.IntegerField(required=False)
    migratedFrom = serializers.ListField(child=serializers.IntegerField(), required=False)
    before = Side(help_text="Of what changed, how it was.")
    after = Side(help_text="Of what changed, how it is.")


PARAMETERS: Final = [
    OpenApiParameter("kind", OpenApiTypes.STR, enum=ChangeKind.values, description="What happened."),
    OpenApiParameter("by", OpenApiTypes.STR, description="Who did it, as user:1 or key:3."),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="From this moment on."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Before this moment."),
]
RENAMED: Final = {
    "id": 12,
    "contactId": 1,
    "at": "2026-05-14T10:11:10+00:00",
    "by": "key:3",
    "kind": "updated",
    "matchedBy": "external_id",
    "rule": "L1",
    "before": {"firstName": "Olha"},
    "after": {"firstName": "Olena"},
}

list_changes = extend_schema(
    operation_id="getContactHistory",
    summary="List what changed on a contact",
    description="The newest first. A merged contact answers as its survivor; a deleted one has a history too.",
    tags=["Contacts"],
    parameters=[CONTACT_ID, *PARAMETERS, *PAGE_PARAMETERS],
    responses={
        200: OpenApiResponse(Change(many=True), "The changes."),
        400: failure(
            400,
            "invalid",
            "Some values were refused.",
            ("maxrows", "invalid_number", "Write a whole number that is not negative."),
        ),
        **FAILURES,
        **UNKNOWN,
    },
    examples=[OpenApiExample("a change", RENAMED, response_only=True, status_codes=[200])],
    extensions=leads_to(Link("undoMerge", {"merge_id": "$response.body#/0/mergeId"})),
)
