"""How a contact's totals describe themselves at /api/schema/."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.schema import CONTACT_ID, FAILURES, UNKNOWN

__all__ = ["read_totals"]


class Bought(serializers.Serializer):
    currency = serializers.CharField(help_text="Three letters.")
    orders = serializers.IntegerField(help_text="Delivered orders.")
    sum = serializers.CharField(help_text="A decimal number as text, four places after the point.")
    average = serializers.CharField(help_text="The sum divided by the orders.")
    first = serializers.DateTimeField(help_text="When the first of them was made.")
    last = serializers.DateTimeField(help_text="When the last of them was made.")


class ContactTotals(serializers.Serializer):
    contactId = serializers.IntegerField()
    orders = serializers.IntegerField(help_text="All orders, whatever became of them.")
    bought = Bought(many=True, help_text="By currency, the largest sum first.")


TWO_ORDERS: Final = {
    "contactId": 1,
    "orders": 3,
    "bought": [
        {
            "currency": "UAH",
            "orders": 2,
            "sum": "1234.5000",
            "average": "617.2500",
            "first": "2026-05-14T10:11:10+00:00",
            "last": "2026-06-01T08:00:00+00:00",
        }
    ],
}

read_totals = extend_schema(
    operation_id="getContactTotals",
    summary="What a contact bought",
    description=(
        "Delivered orders by currency: how many, their sum and average, the first and the last. They are right as soon "
        "as an order is accepted. A merged contact answers as its survivor; a deleted one has totals too."
    ),
    tags=["Contacts"],
    parameters=[CONTACT_ID],
    responses={200: OpenApiResponse(ContactTotals, "The totals."), **FAILURES, **UNKNOWN},
    examples=[OpenApiExample("two orders", TWO_ORDERS, response_only=True, status_codes=[200])],
)
