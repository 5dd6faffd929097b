"""How purchases describe themselves at /api/schema/. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema_resource import RESOURCE_BODY_FAILURES, RESOURCE_FAILURES, resource_failure

__all__ = ["add_purchase"]


class Product(serializers.Serializer):
    externalItemId = serializers.CharField(required=False, help_text="Also as productId, id or sku.")
    name = serializers.CharField(required=False)
    quantity = serializers.FloatField(required=False, default=1)
    cost = serializers.FloatField(required=False, help_text="Of one. Also as price or unitPrice.")
    category = serializers.CharField(required=False)
    url = serializers.CharField(required=False)
    imageUrl = serializers.CharField(required=False)
    description = serializers.CharField(required=False)


class Purchase(serializers.Serializer):
    contactExternalId = serializers.CharField(required=False, help_text="This or contactEmail is needed.")
    contactEmail = serializers.CharField(required=False)
    purchaseId = serializers.CharField(help_text="At most 200 characters. Sent again, it updates that purchase.")
    purchaseDate = serializers.CharField(help_text="ISO 8601; without a zone it is in the account's time zone.")
    totalPrice = serializers.FloatField()
    currency = serializers.CharField(required=False, help_text="Three letters; XXX, which is none, unless given.")
    totalQuantity = serializers.FloatField(required=False)
    cartId = serializers.CharField(required=False)
    paymentMethod = serializers.CharField(required=False)
    products = Product(many=True, required=False)


class PurchaseResult(serializers.Serializer):
    purchaseId = serializers.CharField()
    status = serializers.ChoiceField(choices=["created", "updated", "unchanged"])


TEA: Final[dict[str, Any]] = {
    "contactExternalId": "TV12790",
    "purchaseId": "P-1",
    "purchaseDate": "2026-05-14T10:11:10Z",
    "totalPrice": 12.5,
    "currency": "EUR",
    "totalQuantity": 2,
    "cartId": "cart-7",
    "paymentMethod": "card",
    "products": [{"externalItemId": "tea", "name": "Tea", "quantity": 2, "cost": 6.25}],
}

RESULT: Final = {"purchaseId": "P-1", "status": "created"}

add_purchase = extend_schema(
    operation_id="addPurchase",
    summary="Add a purchase",
    description=(
        "Records it on a contact that is there, and never makes or changes one. It is also an event `orderDELIVERED`."
    ),
    tags=["Orders and events"],
    request=Purchase,
    responses={
        200: OpenApiResponse(PurchaseResult, "It was known."),
        201: OpenApiResponse(PurchaseResult, "It is new."),
        **RESOURCE_BODY_FAILURES,
        422: resource_failure(
            422, "invalid", "Some values were refused.", ("totalPrice", "This value is missing. Fill it in.")
        ),
        404: resource_failure(
            404,
            "contact_not_found",
            "Contact with contactExternalId='TV12790' not found. Check it, or create the contact first.",
        ),
        409: resource_failure(
            409,
            "write_conflict",
            "Others kept changing the same contacts. Nothing was written; send the record again.",
        ),
        **RESOURCE_FAILURES,
    },
    examples=[
        OpenApiExample("a purchase", TEA, request_only=True),
        OpenApiExample("new", RESULT, response_only=True, status_codes=[201]),
        OpenApiExample("known", {**RESULT, "status": "updated"}, response_only=True, status_codes=[200]),
    ],
)
