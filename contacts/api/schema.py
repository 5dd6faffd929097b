"""How these doors describe themselves at /api/schema/. The shapes here are for readers: bodies are read leniently."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from contacts.api.links import IN_ANSWER, IN_PATH, to_contact, to_external_id
from contacts.api.translate import CHANGEABLE_CHANNELS, PERMANENT_CHANNELS, SHOWN_IDENTIFIERS
from contacts.wire import LARGEST_ID
from crm.api.links import Link, leads_to
from crm.api.schema import ErrorEntry, failure

__all__ = [
    "ErrorEntry",
    "add_contact",
    "delete_by_external_id",
    "delete_contact",
    "failure",
    "get_contact",
    "update_contact",
]


# Shapes


class Device(serializers.Serializer):
    appId = serializers.CharField(required=False)
    deviceModel = serializers.CharField(required=False)
    os = serializers.CharField(required=False)
    locale = serializers.CharField(required=False)
    clientVersion = serializers.CharField(required=False)
    appVersion = serializers.CharField(required=False)
    active = serializers.BooleanField(required=False)


@extend_schema_field({"oneOf": [{"type": "integer", "format": "int32"}, {"type": "string"}]})
class SiteId(serializers.Field):
    """A number; a text where a text was sent."""


class WebPushSubscription(serializers.Serializer):
    appId = SiteId(required=False)
    endpoint = serializers.CharField(required=False, write_only=True, help_text="The token, where no value is sent.")
    userAgent = serializers.CharField(required=False)
    userAgentVersion = serializers.CharField(required=False)
    userAgentLanguage = serializers.CharField(required=False)
    os = serializers.CharField(required=False)
    ip = serializers.CharField(required=False)
    subscriptionPage = serializers.CharField(required=False)
    swActiveVersion = serializers.CharField(required=False)


class Channel(serializers.Serializer):
    type = serializers.ChoiceField(choices=[*PERMANENT_CHANNELS, *CHANGEABLE_CHANNELS])
    value = serializers.CharField(required=False, help_text="Email address, phone number or token.")
    device = Device(required=False, help_text="Goes with mobilepush.")
    webPushSubscription = WebPushSubscription(required=False, help_text="Goes with webpush.")


class Address(serializers.Serializer):
    region = serializers.CharField(required=False)
    town = serializers.CharField(required=False)
    address = serializers.CharField(required=False)
    postcode = serializers.CharField(required=False)


class FieldValue(serializers.Serializer):
    id = serializers.IntegerField(help_text="The custom field's id.")
    value = serializers.CharField(required=False)


class FurtherIdentifier(serializers.Serializer):
    kind = serializers.ChoiceField(choices=sorted(kind.slug for kind in SHOWN_IDENTIFIERS))
    app = serializers.CharField(required=False)
    value = serializers.CharField()


class ContactUpdate(serializers.Serializer):
    externalCustomerId = serializers.CharField(required=False, help_text="Your own system's ID of this person.")
    contactKey = serializers.CharField(required=False)
    firstName = serializers.CharField(required=False, help_text="At most 40 characters.")
    lastName = serializers.CharField(required=False, help_text="At most 40 characters.")
    channels = Channel(many=True, required=False, help_text="At most two of a type.")
    address = Address(required=False)
    fields = FieldValue(many=True, required=False)
    identifiers = FurtherIdentifier(many=True, required=False, help_text="Devices, app instances, cookies and others.")
    languageCode = serializers.CharField(required=False)
    timeZone = serializers.CharField(required=False, help_text="By its name, such as Europe/Kyiv.")


class GroupOfContact(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["Static"])


class Contact(ContactUpdate):
    id = serializers.IntegerField(read_only=True)
    channels = Channel(many=True, help_text="At most two of a type.")
    groups = GroupOfContact(
        many=True, required=False, help_text="Static segments it is in: shown for one contact, never read."
    )


class ContactId(serializers.Serializer):
    id = serializers.IntegerField()


class Step(serializers.Serializer):
    kind = serializers.CharField()
    value = serializers.CharField()
    contactIds = serializers.ListField(child=serializers.IntegerField())
    verdict = serializers.CharField()


class Migrated(serializers.Serializer):
    kind = serializers.CharField()
    value = serializers.CharField()
    contactId = serializers.IntegerField()


class Explanation(serializers.Serializer):
    dryRun = serializers.BooleanField()
    contactId = serializers.IntegerField(
        allow_null=True, help_text="The contact that is meant; null if one would be made."
    )
    status = serializers.ChoiceField(choices=["created", "updated", "unchanged", "restored"])
    matchedBy = serializers.CharField()
    rule = serializers.CharField(help_text="The identity rule that decided.")
    steps = Step(many=True, help_text="What was looked up, in order, and what came of it.")
    before = ContactUpdate(help_text="Of what would change, how it is.")
    after = ContactUpdate(help_text="Of what would change, how it would be.")
    merged = serializers.ListField(child=serializers.IntegerField())
    migrated = Migrated(many=True)
    warnings = ErrorEntry(many=True)


# Examples

OLENA: Final = {
    "externalCustomerId": "TV12790",
    "firstName": "Olena",
    "lastName": "Koval",
    "channels": [{"type": "email", "value": "olena@example.com"}, {"type": "sms", "value": "380501234567"}],
    "address": {"town": "Kyiv", "postcode": "01001"},
    "fields": [{"id": 7, "value": "gold"}],
    "languageCode": "uk",
    "timeZone": "Europe/Kyiv",
}
TAKEN: Final = "Contact 2 has this external ID. Write to that contact, or merge the two."


def sentence(text: str) -> OpenApiResponse:
    """A bare sentence, which clients compare with; it is not JSON, so no shape is promised."""
    return OpenApiResponse(description=f"The plain sentence `{text}`.")


FAILURES: Final[dict[int, Any]] = {
    401: failure(401, "not_authenticated", "Send an API key: HTTP Basic, any user name, the key as the password."),
    403: failure(403, "scope_too_narrow", "This API key may not do that. Its scope is: Read only."),
}
UNKNOWN: Final = {
    404: failure(404, "contact_not_found", "Contact with id='1' not found. Check it, or create the contact first.")
}
BAD_PARAMETER: Final = {
    400: failure(400, "invalid", "Some values were refused.", ("erase", "invalid_boolean", "Write true or false.")),
}
BODY_FAILURES: Final[dict[int, Any]] = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("channels[0].value", "invalid_email", "This is not an email address; write it as name@example.com."),
    ),
    409: failure(409, "external_id_taken", TAKEN, ("externalCustomerId", "external_id_taken", TAKEN)),
    413: failure(413, "body_too_large", "The body is too large. Send less at a time."),
    415: failure(415, "unsupported_media_type", 'Unsupported media type "text/xml" in request.'),
}


# Parameters

CONTACT_ID: Final = OpenApiParameter(
    "contact_id",
    {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID},
    OpenApiParameter.PATH,
    description="The contact's id. That of a merged contact means its survivor.",
)
ERASE: Final = OpenApiParameter(
    "erase",
    OpenApiTypes.BOOL,
    description="Everything about the person is gone for good. It cannot be undone.",
    default=False,
)
DRY_RUN: Final = OpenApiParameter(
    "dryRun",
    OpenApiTypes.BOOL,
    description="Nothing is written; the answer says who would be meant, why, and what would change.",
    default=False,
)
EXTERNAL_ID: Final = OpenApiParameter(
    "externalCustomerId",
    OpenApiTypes.STR,
    required=True,
    description="Your own system's ID of this person.",
)


# Operations

add_contact = extend_schema(
    operation_id="addContact",
    summary="Add or update a contact",
    description=(
        "Finds the contact by external ID, else email, phone, contact key, then tokens and devices, and updates it, or"
        " makes one. A deleted contact is restored. What is not sent, or sent empty, stays as it is."
    ),
    tags=["Contacts"],
    parameters=[DRY_RUN],
    request=Contact,
    responses={
        200: OpenApiResponse(
            PolymorphicProxySerializer("ContactIdOrExplanation", [ContactId, Explanation], None),
            "The contact's id, or with `dryRun` the explanation.",
        ),
        **BODY_FAILURES,
        409: OpenApiResponse(
            description="The plain sentence `Duplicated request`, where the same body came within the last minute;"
            " else an error, such as `external_id_taken`."
        ),
        **FAILURES,
    },
    examples=[
        OpenApiExample("a contact", OLENA, request_only=True),
        OpenApiExample("its id", {"id": 1}, response_only=True, status_codes=[200]),
    ],
    extensions=leads_to(*to_contact(), *to_external_id("$request.body#/externalCustomerId")),
)
get_contact = extend_schema(
    operation_id="getContact",
    summary="Get a contact",
    description="What the contact does not have is left out. A merged contact answers as its survivor.",
    tags=["Contacts"],
    parameters=[CONTACT_ID],
    responses={200: OpenApiResponse(Contact, "The contact."), **FAILURES, **UNKNOWN},
    examples=[OpenApiExample("a contact", {"id": 1, **OLENA}, response_only=True, status_codes=[200])],
    extensions=leads_to(
        *to_external_id("$response.body#/externalCustomerId"),
        Link("getGroupContacts", {"group_id": "$response.body#/groups/0/id"}),
        Link("detachContactsFromGroup", {"group_id": "$response.body#/groups/0/id"}, {"contactIds": [IN_ANSWER]}),
    ),
)
update_contact = extend_schema(
    operation_id="updateContact",
    summary="Update a contact",
    description=(
        "Writes to the contact that the address names; a deleted one is restored."
        ' The body may be wrapped as `{"contact": {…}}`.'
    ),
    tags=["Contacts"],
    parameters=[CONTACT_ID],
    request=ContactUpdate,
    responses={200: sentence("Contact with id='1' has been updated"), **BODY_FAILURES, **FAILURES, **UNKNOWN},
    examples=[OpenApiExample("a new town", {"address": {"town": "Lviv"}}, request_only=True)],
    extensions=leads_to(*to_contact(IN_PATH)),
)
delete_contact = extend_schema(
    operation_id="deleteContact",
    summary="Delete or erase a contact",
    description="Deleting a deleted contact again is fine.",
    tags=["Contacts"],
    parameters=[CONTACT_ID, ERASE],
    responses={200: sentence("Contact with id='1' has been deleted"), **BAD_PARAMETER, **FAILURES, **UNKNOWN},
    extensions=leads_to(*to_contact(IN_PATH)),
)
delete_by_external_id = extend_schema(
    operation_id="deleteContactByExternalId",
    summary="Delete or erase a contact by its external ID",
    description="Deleting a deleted contact again is fine.",
    tags=["Contacts"],
    parameters=[EXTERNAL_ID, ERASE],
    responses={
        200: sentence("Contact with externalCustomerId='TV12790' has been deleted"),
        **BAD_PARAMETER,
        **FAILURES,
        **UNKNOWN,
    },
    extensions=leads_to(*to_external_id("$request.query.externalCustomerId")),
)
