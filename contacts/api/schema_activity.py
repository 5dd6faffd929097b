"""How orders and events describe themselves at /api/schema/. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers

from contacts.api.schema import BODY_FAILURES, FAILURES, failure
from contacts.models import OrderStatus

__all__ = ["add_orders", "describe_event", "describe_past_events"]


# Shapes


@extend_schema_field({})
class AnyValue(serializers.Field):
    """A text, a number, an object, a list: whatever was sent."""


class OrderItem(serializers.Serializer):
    externalItemId = serializers.CharField(help_text="The product's ID in your own system.")
    quantity = serializers.FloatField()
    name = serializers.CharField(required=False)
    category = serializers.CharField(required=False)
    cost = serializers.FloatField(required=False)
    url = serializers.CharField(required=False)
    imageUrl = serializers.CharField(required=False)
    description = serializers.CharField(required=False)


class Order(serializers.Serializer):
    externalOrderId = serializers.CharField(help_text="At most 200 characters. Sent again, it updates that order.")
    totalCost = serializers.FloatField()
    status = serializers.ChoiceField(choices=OrderStatus.values)
    date = serializers.CharField(help_text="ISO 8601; without a zone it is in the account's time zone.")
    currency = serializers.CharField(help_text="Three letters.")
    externalCustomerId = serializers.CharField(required=False, help_text="This, an email or a phone is needed.")
    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    firstName = serializers.CharField(
        required=False, help_text="Of a contact that is made; one that is there keeps its name."
    )
    lastName = serializers.CharField(required=False)
    shipping = serializers.FloatField(required=False)
    discount = serializers.FloatField(required=False)
    taxes = serializers.FloatField(required=False)
    restoreUrl = serializers.CharField(required=False)
    statusDescription = serializers.CharField(required=False)
    storeId = serializers.CharField(required=False)
    source = serializers.CharField(required=False, help_text="offline; everything else is online.")
    deliveryMethod = serializers.CharField(required=False)
    paymentMethod = serializers.CharField(required=False)
    deliveryAddress = serializers.CharField(required=False)
    additionalInfo = serializers.DictField(child=AnyValue(), required=False)
    items = OrderItem(many=True, required=False)


class Orders(serializers.Serializer):
    orders = Order(many=True, help_text="At most 1,000.")


class FailedOrder(serializers.Serializer):
    order = AnyValue(help_text="The order as it was sent.")
    error = serializers.CharField()


class FailedOrders(serializers.Serializer):
    failedOrders = FailedOrder(many=True)


class Parameter(serializers.Serializer):
    name = serializers.CharField()
    value = AnyValue(required=False)


class Event(serializers.Serializer):
    eventTypeKey = serializers.CharField(help_text="At most 100 characters. A type that is not known yet is made.")
    keyValue = serializers.CharField(required=False, help_text="Your own key of the event, at most 300 characters.")
    once = serializers.BooleanField(
        required=False,
        help_text=(
            "If true, an event whose type and keyValue came before, whoever it was about, is accepted and not stored"
            " again; it needs a keyValue. An event type may ask for that of all its events."
        ),
    )
    params = Parameter(
        many=True,
        required=False,
        help_text=(
            "One of them says whose event it is: contactId, externalCustomerId, email, phone, contactKey or pushToken."
        ),
    )


class PastEvent(Event):
    occurred = serializers.CharField(help_text="ISO 8601; without a zone it is in the account's time zone.")


class PastEvents(serializers.Serializer):
    events = PastEvent(many=True, help_text="At most 500.")


class PastEventResult(serializers.Serializer):
    status = serializers.CharField(
        help_text=(
            "ACCEPTED, OCCURRED_DATE_IS_REQUIRED, INCORRECT_OCCURRED_DATE_FORMAT, OCCURRED_TIME_IN_FUTURE,"
            " OCCURRED_TIME_TOO_DEPTH (before 1970), CONTACT_NOT_FOUND, IDENTIFIER_MISSING, or what else is wrong."
        )
    )
    message = serializers.CharField(required=False)


class PastEventResults(serializers.Serializer):
    results = PastEventResult(many=True)
    successCount = serializers.IntegerField()
    errorCount = serializers.IntegerField()


# Examples

BOOTS: Final = {
    "externalOrderId": "BC12345678",
    "externalCustomerId": "TV12790",
    "email": "olena@example.com",
    "totalCost": 2499.9,
    "status": "DELIVERED",
    "date": "2026-05-14T10:11:10.7022176+03:00",
    "currency": "UAH",
    "items": [{"externalItemId": "2345678", "name": "Boots", "quantity": 1, "cost": 2499.9}],
}
NO_CURRENCY: Final = {"externalOrderId": "BC12345679", "email": "olena@example.com", "totalCost": 10}
VIEWED: Final = {
    "eventTypeKey": "productViewed",
    "keyValue": "view-1",
    "params": [
        {"name": "email", "value": "olena@example.com"},
        {"name": "product", "value": {"id": 7, "name": "Boots"}},
    ],
}
OCCURRED: Final = {**VIEWED, "occurred": "2026-03-22T14:30:00Z"}
NOBODY: Final = "There is no such contact. Check the id, or create it first."
CONFLICT: Final = "Others kept changing the same contacts. Nothing was written; send the record again."


def list_failures(path: str, most: int) -> dict[int, Any]:
    message = f"Send at most {most} at a time; these are {most + 1}."
    return {
        **BODY_FAILURES,
        400: failure(400, "invalid", "Some values were refused.", (path, "too_many", message)),
        409: failure(409, "write_conflict", CONFLICT),
        **FAILURES,
    }


# Operations

add_orders = extend_schema(
    operation_id="addOrders",
    summary="Add or update orders",
    description=(
        "An order finds its contact by external ID, email or phone, and makes a missing one; it never changes the"
        " fields of one that is there. Each order is also an event `order` + its status, with its number as key."
    ),
    tags=["Orders"],
    request=Orders,
    responses={
        200: OpenApiResponse(FailedOrders, "The orders that failed; all others are stored."),
        **list_failures("orders", 1_000),
    },
    examples=[
        OpenApiExample("an order", {"orders": [BOOTS]}, request_only=True),
        OpenApiExample(
            "one that failed",
            {"failedOrders": [{"order": NO_CURRENCY, "error": "currency: This value is missing. Fill it in."}]},
            response_only=True,
            status_codes=[200],
        ),
    ],
)


def describe_event(version: int) -> Any:
    operation = extend_schema(
        operation_id=f"addEventV{version}",
        summary=f"Add an event, version {version}",
        description=(
            "The contact is found by the parameters that name it, whatever their case; an external ID, email or phone"
            " that nobody has makes a contact, or the event is kept until somebody gets it, as the event's type says."
            " The body has at most 20 KB."
        ),
        tags=["Events"],
        request=Event,
        responses={
            200: OpenApiResponse(description="Recorded, or kept until its contact comes. The body is empty."),
            **BODY_FAILURES,
            400: failure(400, "contact_not_found", NOBODY),
            409: failure(409, "write_conflict", CONFLICT),
            **FAILURES,
        },
        examples=[OpenApiExample("an event", VIEWED, request_only=True)],
    )
    return extend_schema_view(post=operation)


def describe_past_events(version: int) -> Any:
    operation = extend_schema(
        operation_id=f"addPastEventsV{version}",
        summary=f"Add past events, version {version}",
        description=(
            "Each event has its own result, in their order; one that fails keeps no other back. With `once` and a"
            " `keyValue` a list may be sent again after an answer that was lost: what is stored is accepted, and stays"
            " as it is."
        ),
        tags=["Events"],
        request=PastEvents,
        responses={200: OpenApiResponse(PastEventResults, "What became of each."), **list_failures("events", 500)},
        examples=[
            OpenApiExample("an event", {"events": [OCCURRED]}, request_only=True),
            OpenApiExample("an event that is stored once", {"events": [{**OCCURRED, "once": True}]}, request_only=True),
            OpenApiExample(
                "accepted",
                {"results": [{"status": "ACCEPTED"}], "successCount": 1, "errorCount": 0},
                response_only=True,
                status_codes=[200],
            ),
        ],
    )
    return extend_schema_view(post=operation)
