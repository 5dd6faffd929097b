"""How contacts as resources describe themselves at /api/schema/. The shapes are for readers: any body is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import ERASE, FAILURES, ContactId
from crm.api.links import Link, leads_to

__all__ = [
    "RESOURCE_BODY_FAILURES",
    "RESOURCE_FAILURES",
    "change_by_email",
    "change_by_external_id",
    "get_by_email",
    "get_by_external_id",
    "remove_by_email",
    "remove_by_external_id",
    "resource_failure",
]

TAG: Final = "Contacts as resources"


# Shapes


class ValidationEntry(serializers.Serializer):
    path = serializers.CharField()
    reason = serializers.CharField()


class ResourceError(serializers.Serializer):
    status = serializers.IntegerField()
    title = serializers.CharField()
    detail = serializers.CharField()
    code = serializers.CharField()
    validationErrors = ValidationEntry(many=True, required=False, help_text="With status 422.")


class ResourceChange(serializers.Serializer):
    """Further keys are those of the account's custom fields."""

    externalId = serializers.CharField(required=False, help_text="Also as _externalId.")
    email = serializers.CharField(required=False, allow_null=True, help_text="Also as _email.")
    phone = serializers.CharField(required=False, allow_null=True, help_text="Also as _mobilePhone.")
    contactKey = serializers.CharField(required=False, allow_null=True)
    firstName = serializers.CharField(required=False, allow_null=True, help_text="Also as _name.")
    lastName = serializers.CharField(required=False, allow_null=True, help_text="Also as _surname.")
    region = serializers.CharField(required=False, allow_null=True)
    town = serializers.CharField(required=False, allow_null=True)
    address = serializers.CharField(required=False, allow_null=True)
    postcode = serializers.CharField(required=False, allow_null=True)
    languageCode = serializers.CharField(required=False, allow_null=True)
    timeZone = serializers.CharField(required=False, allow_null=True)


class Resource(serializers.Serializer):
    """What the contact does not have is left out. Further keys are those of the account's custom fields."""

    id = serializers.IntegerField()
    externalId = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    phone = serializers.CharField(required=False)
    contactKey = serializers.CharField(required=False)
    firstName = serializers.CharField(required=False)
    lastName = serializers.CharField(required=False)
    region = serializers.CharField(required=False)
    town = serializers.CharField(required=False)
    address = serializers.CharField(required=False)
    postcode = serializers.CharField(required=False)
    languageCode = serializers.CharField(required=False)
    timeZone = serializers.CharField(required=False)
    createdDate = serializers.DateTimeField()
    updatedDate = serializers.DateTimeField()


# Failures


TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
}


def resource_failure(status: int, code: str, detail: str, *errors: tuple[str, str]) -> OpenApiResponse:
    value: dict[str, Any] = {"status": status, "title": TITLES[status], "detail": detail, "code": code}
    if errors:
        value["validationErrors"] = [{"path": path, "reason": reason} for path, reason in errors]
    return OpenApiResponse(ResourceError, detail, [OpenApiExample(code, value, response_only=True)])


RESOURCE_FAILURES: Final[dict[int, Any]] = {
    401: resource_failure(401, "not_authenticated", FAILURES[401].description),
    403: resource_failure(403, "scope_too_narrow", FAILURES[403].description),
}
RESOURCE_BODY_FAILURES: Final[dict[int, Any]] = {
    400: resource_failure(400, "malformed", "The body is not valid JSON."),
    413: resource_failure(413, "body_too_large", "The body is too large. Send less at a time."),
    415: resource_failure(415, "unsupported_media_type", 'Unsupported media type "text/xml" in request.'),
    422: resource_failure(
        422,
        "invalid",
        "Some values were refused.",
        ("_mobilePhone", "This is not a phone number; write it with its country code, such as +380501234567."),
    ),
}
UNKNOWN: Final = {
    404: resource_failure(
        404,
        "contact_not_found",
        "Contact with externalId='TV12790' not found. Check it, or create the contact first.",
    )
}
TAKEN: Final = {
    409: resource_failure(
        409, "external_id_taken", "Contact 2 has this external ID. Write to that contact, or merge the two."
    )
}
BAD_PARAMETER: Final = {
    422: resource_failure(422, "invalid", "Some values were refused.", ("erase", "Write true or false.")),
}


# Operations

OLENA: Final = {
    "id": 1,
    "externalId": "TV12790",
    "email": "olena@example.com",
    "firstName": "Olena",
    "createdDate": "2026-05-14T10:11:10+00:00",
    "updatedDate": "2026-05-14T10:11:10+00:00",
    "tier": "gold",
}
BY_EXTERNAL_ID: Final = OpenApiParameter(
    "external_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="Your own system's ID of this person."
)
BY_EMAIL: Final = OpenApiParameter(
    "email", OpenApiTypes.STR, OpenApiParameter.PATH, description="Of several who share it the one updated last."
)

Decorator = Callable[[Any], Any]


def describe_get(suffix: str, named: OpenApiParameter) -> Decorator:
    decorator: Decorator = extend_schema(
        operation_id=f"getResourceBy{suffix}",
        summary="Get a contact",
        description="In the flat form.",
        tags=[TAG],
        parameters=[named],
        responses={200: OpenApiResponse(Resource, "The contact."), **RESOURCE_FAILURES, **UNKNOWN},
        examples=[OpenApiExample("a contact", OLENA, response_only=True, status_codes=[200])],
        extensions=leads_to(*to_contact()),
    )
    return decorator


def describe_change(suffix: str, named: OpenApiParameter, example: dict[str, str]) -> Decorator:
    decorator: Decorator = extend_schema(
        operation_id=f"changeResourceBy{suffix}",
        summary="Add or change a contact",
        description=(
            "Changes only what is sent: null clears a value, a blank text counts as not sent, unknown keys are ignored."
            " A deleted contact is restored. The identity rules hold here too: where nobody has the value in the"
            " address, another identifier of the body may find the contact."
        ),
        tags=[TAG],
        parameters=[named],
        request=ResourceChange,
        responses={
            200: OpenApiResponse(ContactId, "It was changed."),
            201: OpenApiResponse(ContactId, "It was created."),
            **RESOURCE_BODY_FAILURES,
            **TAKEN,
            **RESOURCE_FAILURES,
        },
        examples=[
            OpenApiExample("a name and a custom field", example, request_only=True),
            OpenApiExample("its id", {"id": 1}, response_only=True, status_codes=[200, 201]),
        ],
        extensions=leads_to(*to_contact(), *to_itself(suffix, named), after=(200, 201)),
    )
    return decorator


def describe_remove(suffix: str, named: OpenApiParameter) -> Decorator:
    decorator: Decorator = extend_schema(
        operation_id=f"deleteResourceBy{suffix}",
        summary="Delete or erase a contact",
        description="Deleting a deleted contact again is fine.",
        tags=[TAG],
        parameters=[named, ERASE],
        responses={
            204: OpenApiResponse(description="It is deleted."),
            **BAD_PARAMETER,
            **RESOURCE_FAILURES,
            **UNKNOWN,
        },
        extensions=leads_to(*to_itself(suffix, named), after=(204,)),
    )
    return decorator


def to_itself(suffix: str, named: OpenApiParameter) -> list[Link]:
    """The same address again."""
    place = {named.name: f"$request.path.{named.name}"}
    return [Link(f"{verb}ResourceBy{suffix}", place) for verb in ("get", "change", "delete")]


get_by_external_id = describe_get("ExternalId", BY_EXTERNAL_ID)
change_by_external_id = describe_change(
    "ExternalId", BY_EXTERNAL_ID, {"_email": "olena@example.com", "_name": "Olena", "tier": "gold"}
)
remove_by_external_id = describe_remove("ExternalId", BY_EXTERNAL_ID)
get_by_email = describe_get("Email", BY_EMAIL)
change_by_email = describe_change("Email", BY_EMAIL, {"_externalId": "TV12790", "_name": "Olena", "tier": "gold"})
remove_by_email = describe_remove("Email", BY_EMAIL)
