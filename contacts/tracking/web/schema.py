"""How the doors for websites describe themselves at /api/schema/. The shapes are for readers: bodies are read
leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers

from contacts.tracking.web.reading import ATTRIBUTES, MOST_EVENTS
from crm.api.schema import ErrorEntry, failure

__all__ = ["add_events", "identify"]


@extend_schema_field({})
class AnyWebValue(serializers.Field):
    """A text, a number, an object, a list: whatever was sent."""


class WebEvent(serializers.Serializer):
    eventTypeKey = serializers.CharField(help_text="At most 100 letters, digits, and “_.:-”. pageView for a page.")
    keyValue = serializers.CharField(required=False, help_text="The event's own key: with it, it is stored once.")
    occurred = serializers.CharField(required=False, help_text="ISO 8601, by the browser's clock. Now unless given.")
    params = serializers.DictField(child=AnyWebValue(), required=False)


class WebCall(serializers.Serializer):
    key = serializers.CharField(help_text="The site key. It may stand in the address too: ?key=")
    cookie = serializers.CharField(help_text="The visitor's own ID, 8 to 100 letters, digits, “-”, “_”, “.”.")
    consent = serializers.BooleanField(required=False, help_text="That the visitor agreed, where the site asks that.")


class WebEvents(WebCall):
    sent = serializers.CharField(required=False, help_text="What the browser's clock shows; ours corrects it.")
    events = WebEvent(many=True, help_text=f"At most {MOST_EVENTS}, of at most 20 KB each.")


class WebIdentify(WebCall):
    email = serializers.CharField(required=False, help_text="This, a phone or an external ID is needed.")
    phone = serializers.CharField(required=False)
    externalCustomerId = serializers.CharField(required=False, help_text="As the identity policy allows.")
    attributes = serializers.DictField(
        child=AnyWebValue(),
        required=False,
        help_text=f"{', '.join(ATTRIBUTES)}, and custom fields by their keys. They fill what is empty.",
    )


class Reasons(serializers.Serializer):
    reasons = ErrorEntry(many=True)


KEY: Final = "w_0f3c2a9b7d5e1f48"
COOKIE: Final = "5f2b8c0d9e7a4613b1c2d3e4f5a6b7c8"
VIEWED: Final = {
    "key": KEY,
    "cookie": COOKIE,
    "sent": "2026-05-14T10:11:12Z",
    "events": [
        {
            "eventTypeKey": "pageView",
            "keyValue": "0a1b2c3d",
            "occurred": "2026-05-14T10:11:10Z",
            "params": {"url": "https://shop.example.com/boots", "title": "Boots"},
        }
    ],
}
OLENA: Final = {
    "key": KEY,
    "cookie": COOKIE,
    "email": "olena@example.com",
    "attributes": {"firstName": "Olena", "languageCode": "uk"},
}
TOO_LONG_AGO: Final = (
    "events[1].occurred",
    "invalid_datetime",
    "Write date and time of the last 30 days, as ISO 8601.",
)
ADDRESS_KEY: Final = OpenApiParameter("key", str, required=False, description="The site key, instead of in the body.")
NO_BODY: Final = "All of it was taken, or nobody wants it: no consent, Do Not Track, a bot."


def describe(operation_id: str, summary: str, description: str, shape: Any, example: dict[str, Any]) -> Any:
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description,
        tags=["Web"],
        auth=[],
        parameters=[ADDRESS_KEY],
        request={"application/json": shape, "text/plain": shape},
        responses={
            200: OpenApiResponse(Reasons, "The rest was taken; this is what could not be, and why."),
            204: OpenApiResponse(description=NO_BODY),
            400: failure(400, "invalid", "Some values were refused.", TOO_LONG_AGO),
            403: failure(403, "origin_not_listed", "This page's address is not listed for this website."),
            413: failure(413, "body_too_large", "The body is too large. Send less at a time."),
            415: failure(415, "unsupported_encoding", "This content encoding is not understood."),
            429: failure(429, "too_many_requests", "Too many calls within a second. Wait a moment and send it again."),
            503: failure(503, "try_again", "Others kept changing the same contacts. Send it again in a moment."),
        },
        examples=[
            OpenApiExample("a call", example, request_only=True),
            OpenApiExample(
                "one was too old",
                {"reasons": [dict(zip(("path", "code", "message"), TOO_LONG_AGO, strict=True))]},
                response_only=True,
                status_codes=[200],
            ),
        ],
    )


add_events = describe(
    "addWebEvents",
    "Add events of a visitor of a website",
    "Called by the website's own script. The header Origin has to be one of the site's addresses. A visitor whom nobody"
    " knows has no contact; the events join the contact once the visitor is identified.",
    WebEvents,
    VIEWED,
)
identify = describe(
    "identifyWebVisitor",
    "Say who a visitor of a website is",
    "Finds or makes the contact, gives it the visitor's cookie and whatever the visitor did before, and fills what is"
    " empty. It overwrites nothing, and the answer does not say whether the contact was known.",
    WebIdentify,
    OLENA,
)
