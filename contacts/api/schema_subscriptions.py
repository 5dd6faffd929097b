"""How subscriptions describe themselves at /api/schema/. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema import BODY_FAILURES, CONTACT_ID, FAILURES, UNKNOWN, failure, sentence

__all__ = ["change_subscriptions", "get_subscriptions", "list_subscriptions"]

TAG: Final = "Subscriptions"
NEWS: Final = {"id": 1170563236, "key": "news", "name": "news"}


class SubscriptionCategory(serializers.Serializer):
    id = serializers.IntegerField(help_text="A number that belongs to the key.")
    key = serializers.CharField()
    name = serializers.CharField()


class CountedCategory(SubscriptionCategory):
    contactsCount = serializers.IntegerField(help_text="How many active contacts agree to it.")
    createdDate = serializers.DateTimeField(help_text="Of the first word about it that still stands.")
    updatedDate = serializers.DateTimeField()


class Subscriptions(serializers.Serializer):
    subscriptions = serializers.ListField(
        child=serializers.CharField(),
        help_text="The keys of all categories that the contact agrees to, at most 50 characters each.",
    )


REFUSED: Final[dict[int, Any]] = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        (
            "subscriptions",
            "required",
            "Send the keys of all categories that the contact agrees to, or an empty list.",
        ),
    ),
    413: BODY_FAILURES[413],
    415: BODY_FAILURES[415],
}

list_subscriptions = extend_schema(
    operation_id="getSubscriptionCategories",
    summary="List the categories of subscription",
    description="Every category that is offered, and every one that a contact agreed to or withdrew from.",
    tags=[TAG],
    responses={200: OpenApiResponse(CountedCategory(many=True), "The categories."), **FAILURES},
    examples=[
        OpenApiExample(
            "a category",
            {
                **NEWS,
                "contactsCount": 12,
                "createdDate": "2026-05-14T10:11:10+00:00",
                "updatedDate": "2026-05-14T10:11:10+00:00",
            },
            response_only=True,
            status_codes=[200],
        )
    ],
)
get_subscriptions = extend_schema(
    operation_id="getContactSubscriptionCategories",
    summary="Get what a contact agreed to",
    description="A merged contact answers as its survivor.",
    tags=[TAG],
    parameters=[CONTACT_ID],
    responses={200: OpenApiResponse(SubscriptionCategory(many=True), "The categories."), **FAILURES, **UNKNOWN},
    examples=[OpenApiExample("a category", NEWS, response_only=True, status_codes=[200])],
)
change_subscriptions = extend_schema(
    operation_id="changeContactSubscriptionCategories",
    summary="Set what a contact agrees to",
    description=(
        "From now on the contact agrees to these categories and to no others; an empty list withdraws all."
        " A category that is new is made."
    ),
    tags=[TAG],
    parameters=[CONTACT_ID],
    request=Subscriptions,
    responses={
        200: sentence("Subscriptions of contact with id='1' have been updated"),
        **REFUSED,
        **FAILURES,
        **UNKNOWN,
    },
    examples=[OpenApiExample("two categories", {"subscriptions": ["news", "offers"]}, request_only=True)],
)
