"""How the tokens of apps describe themselves at /api/schema/."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, FAILURES, failure, sentence
from contacts.api.translate import CHANGEABLE_CHANNELS
from crm.api.links import Link, leads_to

__all__ = ["add_tokens", "get_activated", "get_token_contact", "mute_token", "set_activated", "unmute_token"]


# Shapes


class TokenActive(serializers.Serializer):
    active = serializers.BooleanField()


class TokenContact(serializers.Serializer):
    id = serializers.IntegerField()


class AddedToken(serializers.Serializer):
    token = serializers.CharField()
    contactId = serializers.IntegerField(required=False)
    externalCustomerId = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    type = serializers.ChoiceField(
        choices=list(CHANGEABLE_CHANNELS),
        required=False,
        help_text="What a new token is of; mobilepush unless given. A known one stays what it is.",
    )


class AddedTokens(serializers.Serializer):
    tokens = AddedToken(many=True, help_text="At most 3,000.")


class NamedToken(serializers.Serializer):
    token = serializers.CharField()


class MutedToken(NamedToken):
    duration = serializers.IntegerField(
        required=False, min_value=5, max_value=31_536_000, help_text="In seconds; for ever unless given."
    )


# Examples and errors

TOKEN_TEXT: Final = "0373a4ab1c37447eb0b30bc47a4f492c"  # noqa: S105
UNKNOWN: Final = {
    404: failure(404, "not_found", "Token not found. Check the app and the token, or add the token first.")
}
CONFLICT: Final = "Others kept changing the same contacts. Nothing was written; send the record again."


def body_failures(path: str, code: str, message: str) -> dict[int, Any]:
    return {
        **BODY_FAILURES,
        400: failure(400, "invalid", "Some values were refused.", (path, code, message)),
        409: failure(409, "write_conflict", CONFLICT),
        **FAILURES,
    }


NO_TOKEN: Final = ("token", "required", "Say which token.")
APP: Final = OpenApiParameter("app", str, OpenApiParameter.PATH, description="The app's ID.")
TOKEN: Final = OpenApiParameter("token", str, OpenApiParameter.PATH, description="The token.")
FIRST_TOKEN: Final = "$request.body#/tokens/0/token"  # noqa: S105
THIS_APP: Final = {"app": "$request.path.app"}
THIS_TOKEN: Final = {**THIS_APP, "token": FIRST_TOKEN}
ACTIVE: Final = OpenApiExample("an active one", {"active": True})


# Operations

get_activated = extend_schema(
    operation_id="getTokenActivated",
    summary="Is a token active?",
    description="A token of which nobody said otherwise is active.",
    tags=["Mobile"],
    parameters=[APP, TOKEN],
    responses={200: OpenApiResponse(TokenActive, "Whether it is."), **FAILURES, **UNKNOWN},
    examples=[ACTIVE],
)
set_activated = extend_schema(
    operation_id="setTokenActivated",
    summary="Set whether a token is active",
    tags=["Mobile"],
    parameters=[APP, TOKEN],
    request=TokenActive,
    responses={
        200: OpenApiResponse(TokenActive, "Whether it is now."),
        **body_failures("active", "invalid_boolean", "Write true or false."),
        **UNKNOWN,
    },
    examples=[ACTIVE],
)
get_token_contact = extend_schema(
    operation_id="getContactIdByToken",
    summary="Get the contact of a token",
    tags=["Mobile"],
    parameters=[APP, TOKEN],
    responses={200: OpenApiResponse(TokenContact, "The contact's id."), **FAILURES, **UNKNOWN},
    examples=[OpenApiExample("its id", {"id": 1}, response_only=True, status_codes=[200])],
    extensions=leads_to(*to_contact()),
)
add_tokens = extend_schema(
    operation_id="addTokens",
    summary="Add tokens of an app",
    description=(
        "A token is hung on the contact that is named beside it, which is made if it is missing and else keeps its"
        " fields. Of a token that another contact has, the identity rules decide. Where some are refused, the others"
        " have been added."
    ),
    tags=["Mobile"],
    parameters=[APP],
    request=AddedTokens,
    responses={200: sentence("Tokens have been added"), **body_failures("tokens[0].token", *NO_TOKEN[1:])},
    examples=[
        OpenApiExample("a token", {"tokens": [{"token": TOKEN_TEXT, "email": "olena@example.com"}]}, request_only=True)
    ],
    extensions=leads_to(
        *(Link(name, THIS_TOKEN) for name in ("getTokenActivated", "setTokenActivated", "getContactIdByToken")),
        *(Link(name, THIS_APP, {"token": FIRST_TOKEN}) for name in ("muteToken", "unmuteToken")),
    ),
)
mute_token = extend_schema(
    operation_id="muteToken",
    summary="Mute a token",
    tags=["Mobile"],
    parameters=[APP],
    request=MutedToken,
    responses={200: sentence("Token has been muted"), **body_failures(*NO_TOKEN), **UNKNOWN},
    examples=[OpenApiExample("for an hour", {"token": TOKEN_TEXT, "duration": 3_600}, request_only=True)],
)
unmute_token = extend_schema(
    operation_id="unmuteToken",
    summary="Unmute a token",
    tags=["Mobile"],
    parameters=[APP],
    request=NamedToken,
    responses={200: sentence("Token has been unmuted"), **body_failures(*NO_TOKEN), **UNKNOWN},
    examples=[OpenApiExample("a token", {"token": TOKEN_TEXT}, request_only=True)],
)
