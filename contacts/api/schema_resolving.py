"""How the explanation of a decision describes itself at /api/schema/."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, FAILURES, UNKNOWN, Explanation, failure
from crm.api.links import leads_to

__all__ = ["resolve"]

NAMES: Final = {
    "id": "A contact's id; it decides alone.",
    "externalCustomerId": "Your own system's ID of this person.",
    "email": "An email address.",
    "sms": "A phone number.",
    "contactKey": "The contact key. Custom fields that can be a key go by their own keys.",
    "device": "A device ID.",
    "appInstance": "An app instance.",
    "mobilepush": "A token of an app.",
    "webpush": "A token of a site.",
    "telegram": "A Telegram token.",
    "cookie": "A web cookie.",
    "app": "The app or site that the tokens are of.",
}
FOUND: Final = {
    "dryRun": True,
    "contactId": 1,
    "status": "unchanged",
    "matchedBy": "email",
    "rule": "L7",
    "steps": [{"kind": "email", "value": "olena@example.com", "contactIds": [1], "verdict": "matched"}],
    "before": {},
    "after": {},
    "merged": [],
    "migrated": [],
    "warnings": [],
}

resolve = extend_schema(
    operation_id="resolveContact",
    summary="Explain whom identifiers mean",
    description=(
        "What a call with these identifiers would do, and why: which were looked up, which one decided, by which rule."
        " Nothing is written."
    ),
    tags=["Contacts"],
    parameters=[OpenApiParameter(name, OpenApiTypes.STR, description=told) for name, told in NAMES.items()],
    responses={
        200: OpenApiResponse(Explanation, "The decision."),
        400: failure(
            400,
            "identifier_missing",
            "The record names nobody. Send an external ID, an email, a phone or another identifier.",
        ),
        409: BODY_FAILURES[409],
        **FAILURES,
        **UNKNOWN,
    },
    examples=[OpenApiExample("found by email", FOUND, response_only=True, status_codes=[200])],
    extensions=leads_to(*to_contact("$response.body#/contactId")),
)
