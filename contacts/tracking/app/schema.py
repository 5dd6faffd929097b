"""How the doors for apps describe themselves at /api/schema/. The shapes are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers

from contacts.tracking.app.authentication import HEADER
from crm.api.schema import ErrorEntry, failure

__all__ = ["add_events", "note_device", "note_user"]


# Shapes


@extend_schema_field({})
class AnyAppValue(serializers.Field):
    """A text, a number, an object, a list: whatever was sent."""


class OfDevice(serializers.Serializer):
    deviceId = serializers.CharField(help_text="What the app calls this device; it stays while the app is installed.")
    externalUserId = serializers.CharField(
        required=False, allow_null=True, help_text="Your own ID of who is signed in; without it nobody is."
    )


class AppDevice(OfDevice):
    pushToken = serializers.CharField(required=False, allow_null=True, help_text="It replaces the one from before.")
    pushSubscribed = serializers.BooleanField(required=False, help_text="Whether messages may be shown.")
    category = serializers.CharField(required=False, help_text="Such as PHONE or TABLET.")
    osType = serializers.CharField(required=False, help_text="ANDROID or IOS.")
    osVersion = serializers.CharField(required=False)
    deviceModel = serializers.CharField(required=False)
    appVersion = serializers.CharField(required=False)
    languageCode = serializers.CharField(required=False)
    timeZone = serializers.CharField(required=False)
    advertisingId = serializers.CharField(required=False, allow_null=True)
    phone = serializers.CharField(required=False, allow_null=True, help_text="Counts beside externalUserId only.")
    email = serializers.CharField(required=False, allow_null=True, help_text="Counts beside externalUserId only.")


class AppAddress(serializers.Serializer):
    region = serializers.CharField(required=False, allow_null=True)
    town = serializers.CharField(required=False, allow_null=True)
    address = serializers.CharField(required=False, allow_null=True)
    postcode = serializers.CharField(required=False, allow_null=True)


class AppField(serializers.Serializer):
    key = serializers.CharField(help_text="The custom field's key.")
    value = AnyAppValue(required=False)


class UserAttributes(serializers.Serializer):
    phone = serializers.CharField(required=False, allow_null=True, help_text="Counts beside externalUserId only.")
    email = serializers.CharField(required=False, allow_null=True, help_text="Counts beside externalUserId only.")
    firstName = serializers.CharField(required=False, allow_null=True)
    lastName = serializers.CharField(required=False, allow_null=True)
    languageCode = serializers.CharField(required=False, allow_null=True)
    timeZone = serializers.CharField(required=False, allow_null=True)
    address = AppAddress(required=False, allow_null=True)
    fields = AppField(many=True, required=False, allow_null=True)


class AppUser(OfDevice):
    userAttributes = UserAttributes(required=False, allow_null=True)
    subscriptionKeys = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="What the person agrees to, beside what was before."
    )
    groupNamesInclude = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Static segments to join; missing ones are made.",
    )
    groupNamesExclude = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Static segments to be taken out of."
    )


class AppParameter(serializers.Serializer):
    name = serializers.CharField()
    value = AnyAppValue(required=False)


class AppEvent(serializers.Serializer):
    eventTypeKey = serializers.CharField(help_text="At most 100 characters.")
    occurred = serializers.CharField(required=False, help_text="ISO 8601; the moment of its arrival unless given.")
    params = AppParameter(many=True, required=False)
    keyValue = serializers.CharField(required=False, help_text="Your own key of the event.")


class AppEvents(OfDevice):
    events = AppEvent(many=True, help_text="At most 1,000.")


class AppAnswer(serializers.Serializer):
    warnings = ErrorEntry(many=True, help_text="What was odd and was left out; everything else is written.")


class AppEventsAnswer(AppAnswer):
    accepted = serializers.IntegerField(help_text="Events that are stored, or were stored before.")


# Examples

DEVICE: Final = {
    "deviceId": "6e1f6c5a-2f3b-4a41-9f0e-6f8f8d3c7d10",
    "externalUserId": "TV12790",
    "pushToken": "fGx3:APA91bH",
    "pushSubscribed": True,
    "category": "PHONE",
    "osType": "ANDROID",
    "osVersion": "14",
    "deviceModel": "Pixel 8",
    "appVersion": "3.2.0",
    "languageCode": "uk",
    "timeZone": "Europe/Kyiv",
}
USER: Final = {
    "deviceId": DEVICE["deviceId"],
    "externalUserId": "TV12790",
    "userAttributes": {
        "phone": "+380501234567",
        "firstName": "Olena",
        "fields": [{"key": "tier", "value": "gold"}],
    },
    "subscriptionKeys": ["news"],
    "groupNamesInclude": ["Beta testers"],
}
EVENTS: Final = {
    "deviceId": DEVICE["deviceId"],
    "events": [
        {
            "eventTypeKey": "productViewed",
            "occurred": "2026-05-14T10:11:10.702Z",
            "params": [{"name": "product", "value": "Boots"}],
        }
    ],
}
ODD: Final = {
    "path": "phone",
    "code": "invalid_phone",
    "message": "This is not a phone number; write it with its country code, such as +380501234567.",
}
WRONG_KEY: Final = f"The app key is wrong or disabled. Send a key of this app in the header {HEADER}."
TRY_AGAIN: Final = "Others kept changing the same contacts. Nothing was written; send it again in a moment."
FAILURES: Final[dict[int, Any]] = {
    400: failure(400, "required", "Send the device's ID as text: deviceId.", ("deviceId", "required", "Send it.")),
    401: failure(401, "not_authenticated", WRONG_KEY),
    413: failure(413, "body_too_large", "The body is too large. Send less at a time."),
    415: failure(415, "unsupported_media_type", 'Unsupported media type "text/xml" in request.'),
    503: failure(503, "try_again", TRY_AGAIN),
}


def describe(operation: str, summary: str, description: str, body: Any, answer: Any, sent: Any, told: Any) -> Any:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        description=(
            f"{description} The body may be packed by gzip. What is odd in one field is left out and told among the"
            " warnings; only 200 is success, and 429 or a 5xx ask to send it again."
        ),
        tags=["Apps"],
        request=body,
        responses={200: OpenApiResponse(answer, "Written."), **FAILURES},
        examples=[
            OpenApiExample("sent", sent, request_only=True),
            OpenApiExample("written", told, response_only=True, status_codes=[200]),
        ],
    )


# Operations

note_device = describe(
    "noteAppDevice",
    "Tell what a device is",
    "At the app's first start, and whenever token, versions or permission change.",
    AppDevice, AppAnswer, DEVICE, {"warnings": []},
)  # fmt: skip
note_user = describe(
    "noteAppUser",
    "Tell who holds the device",
    "After signing in or up, and whenever something of the person changes.",
    AppUser, AppAnswer, USER, {"warnings": [ODD]},
)  # fmt: skip
add_events = describe(
    "addAppEvents",
    "Add events of a device",
    "One that is sent again is known again: it is stored once.",
    AppEvents, AppEventsAnswer, EVENTS, {"accepted": 1, "warnings": []},
)  # fmt: skip
