"""How merging describes itself at /api/schema/. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, CONTACT_ID, DRY_RUN, FAILURES, UNKNOWN, ContactUpdate, failure
from contacts.wire import LARGEST_ID
from crm.api.links import Link, leads_to

__all__ = ["merge", "undo"]

TAG: Final = "Merging"


class MergeRequest(serializers.Serializer):
    loserId = serializers.IntegerField(help_text="The contact that goes into the one of the address.")
    choices = serializers.DictField(
        child=serializers.ChoiceField(choices=["survivor", "loser"]),
        required=False,
        help_text="By field whose value is kept; else the survivor's, and the loser's where it has none.",
    )


class MergeResult(serializers.Serializer):
    mergeId = serializers.IntegerField(help_text="By which the merge can be undone.")
    survivorId = serializers.IntegerField()
    loserId = serializers.IntegerField()


class MergeRehearsal(serializers.Serializer):
    dryRun = serializers.BooleanField()
    survivorId = serializers.IntegerField()
    loserId = serializers.IntegerField()
    before = ContactUpdate(help_text="Of what would change on the survivor, how it is.")
    after = ContactUpdate(help_text="Of what would change on the survivor, how it would be.")


class LeftBehind(serializers.Serializer):
    what = serializers.CharField()
    value = serializers.CharField()
    why = serializers.CharField()


class UndoReport(MergeResult):
    left = LeftBehind(many=True, help_text="What could not go back, and why.")


MERGE_ID: Final = OpenApiParameter(
    "merge_id",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID},
    OpenApiParameter.PATH,
    description="The merge's id, as the merging call answered it.",
)
DONE: Final = {"mergeId": 5, "survivorId": 1, "loserId": 2}

merge = extend_schema(
    operation_id="mergeContacts",
    summary="Merge a contact into this one",
    description=(
        "Identifiers, events, orders and static segments of the loser move to the survivor, whose blanks are filled;"
        " the loser's id answers as the survivor from then on. It takes a key that may delete."
    ),
    tags=[TAG],
    parameters=[CONTACT_ID, DRY_RUN],
    request=MergeRequest,
    responses={
        200: OpenApiResponse(
            PolymorphicProxySerializer("MergeResultOrRehearsal", [MergeResult, MergeRehearsal], None),
            "The merge, or with `dryRun` what would change.",
        ),
        400: failure(
            400,
            "invalid",
            "Some values were refused.",
            ("loserId", "required", "Send the id of the contact that goes into it."),
        ),
        409: failure(409, "merge_refused", "These two are one contact already."),
        413: BODY_FAILURES[413],
        415: BODY_FAILURES[415],
        **FAILURES,
        **UNKNOWN,
    },
    examples=[
        OpenApiExample("a merge", {"loserId": 2, "choices": {"firstName": "loser"}}, request_only=True),
        OpenApiExample("its ids", DONE, response_only=True, status_codes=[200]),
    ],
    extensions=leads_to(
        Link("undoMerge", {"merge_id": "$response.body#/mergeId"}),
        *to_contact("$response.body#/survivorId"),
        *to_contact("$response.body#/loserId"),
    ),
)
undo = extend_schema(
    operation_id="undoMerge",
    summary="Take a merge back",
    description=(
        "The loser is restored and what came from it goes back; what changed since stays with the survivor and is"
        " reported. It takes a key that may delete."
    ),
    tags=[TAG],
    parameters=[MERGE_ID],
    request=None,
    responses={
        200: OpenApiResponse(UndoReport, "It is undone."),
        409: failure(409, "merge_refused", "This merge was undone already."),
        404: failure(404, "contact_not_found", "Merge with id='5' not found."),
        **FAILURES,
    },
    examples=[
        OpenApiExample(
            "a report",
            {**DONE, "left": [{"what": "email", "value": "olena@example.com", "why": "Contact 3 has it by now."}]},
            response_only=True,
            status_codes=[200],
        )
    ],
    extensions=leads_to(
        *to_contact("$response.body#/loserId"),
        Link("mergeContacts", {"contact_id": "$response.body#/survivorId"}, {"loserId": "$response.body#/loserId"}),
    ),
)
