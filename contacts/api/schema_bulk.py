"""How bulk calls, their status and the files of links describe themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, FAILURES, OLENA, Contact, failure
from contacts.api.translate_bulk import DEDUPE_NAMES, FIELDS, MODES, MOST_CONTACTS
from crm.api.links import Link, leads_to

__all__ = ["STATUS_EXAMPLE", "SessionStatus", "add_contacts", "get_file", "get_import_status"]

FIELD_NAMES: Final = [
    "firstName", "lastName", "contactKey", "languageCode", "timeZone", "email", "sms", "mobilepush", "webpush",
    "address", "town", "region", "postcode", "externalCustomerId",
]  # fmt: skip
assert {name.lower() for name in FIELD_NAMES} >= FIELDS.keys()  # noqa: S101


class NumberedContact(Contact):
    id = serializers.IntegerField(required=False, help_text="The contact's id; read where dedupeOn is id.")


class Choices(serializers.Serializer):
    """What bulk calls and files by link choose alike."""

    dedupeOn = serializers.ChoiceField(
        choices=DEDUPE_NAMES, help_text="What contacts are found by. An external ID that is sent goes before it."
    )
    fieldId = serializers.IntegerField(required=False, help_text="With dedupeOn fieldId: a custom field that is a key.")
    groupNames = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Static segments to join; missing ones are made."
    )
    groupNamesExclude = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Static segments to leave."
    )
    restoreDeleted = serializers.BooleanField(required=False, help_text="Else deleted contacts are skipped.")
    eventKeyForNewContacts = serializers.CharField(
        required=False, help_text="The key of an event type, recorded on every new contact; at most 100 characters."
    )
    mode = serializers.ChoiceField(choices=MODES, required=False, help_text="upsert unless it is said.")
    replaceExternalId = serializers.BooleanField(
        required=False, help_text="The external ID of a contact that was found otherwise may be replaced."
    )


class ContactsBulk(Choices):
    contacts = NumberedContact(many=True, help_text=f"At most {MOST_CONTACTS}.")
    contactFields = serializers.ListField(
        child=serializers.ChoiceField(choices=FIELD_NAMES),
        required=False,
        help_text="Only these are written; listed and not sent, they are cleared. Without it all that is sent is.",
    )
    customFieldsIDs = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Cleared where nothing is sent of them."
    )


@extend_schema_field(
    {
        "type": "object",
        "required": ["channels", "index", "error"],
        "properties": {
            "channels": {"description": "As it was sent, like all other properties of the contact."},
            "index": {"type": "integer", "description": "The contact's place among those sent, from 0."},
            "error": {"type": "string"},
        },
        "additionalProperties": True,
    }
)
class FailedContact(serializers.Field):
    """A contact as it was sent, with what is wrong with it."""


class BulkResult(serializers.Serializer):
    asyncSessionId = serializers.CharField(help_text="Ask for the status by it.")
    failedContacts = serializers.ListField(child=FailedContact(), help_text="What was refused at once.")
    errorMessage = serializers.CharField(allow_blank=True)
    id = serializers.IntegerField()


class Mapped(serializers.Serializer):
    dedupeValue = serializers.CharField(allow_blank=True, help_text="What the contact was looked up by.")
    contactId = serializers.IntegerField()


class Counts(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    restored = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()


class Progress(serializers.Serializer):
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True, help_text="null until the file was counted.")


class SessionStatus(serializers.Serializer):
    status = serializers.ChoiceField(choices=["STARTED", "IMPORTING", "FINISHED", "ERROR"])
    timestamp = serializers.CharField(help_text="Since when.")
    description = serializers.CharField(allow_blank=True)
    mapping = Mapped(many=True, help_text="Whom the session made or found; of a file, whom it made or changed.")
    counts = Counts()
    progress = Progress()
    errorFileUrl = serializers.CharField(
        allow_null=True, help_text="A CSV of what failed, was skipped or warned of; the link holds for a day."
    )


# Examples

SESSION: Final = "7f1c6f0e5d0b4b0f9c3a2d1e8b7a6c5d"
BULK_EXAMPLE: Final = {"contacts": [OLENA], "dedupeOn": "email", "groupNames": ["Newsletter"]}
STATUS_EXAMPLE: Final = {
    "status": "FINISHED",
    "timestamp": "2026-05-14T10:11:10.000Z",
    "description": "",
    "mapping": [{"dedupeValue": "olena@example.com", "contactId": 1}],
    "counts": {"created": 1, "updated": 0, "unchanged": 0, "restored": 0, "skipped": 0, "failed": 0},
    "progress": {"done": 1, "total": 1},
    "errorFileUrl": None,
}
CALL_FAILURES: Final[dict[int, Any]] = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("contacts", "too_many_contacts", f"A call has at most {MOST_CONTACTS} contacts. Send several calls."),
    ),
    413: BODY_FAILURES[413],
    415: BODY_FAILURES[415],
}
NO_SESSION: Final = {
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("maxrows", "invalid_number", "Write a whole number that is not negative."),
    ),
    404: failure(404, "not_found", "There is no such session. They are kept for a week."),
}
MAPPING_PAGE: Final = [
    OpenApiParameter("startindex", {"type": "integer", "minimum": 0, "default": 1}, description="Of the mapping."),
    OpenApiParameter(
        "maxrows",
        {"type": "integer", "minimum": 1, "default": 10_000},
        description="How much of the mapping; never more than 10000.",
    ),
]


# Operations

add_contacts = extend_schema(
    operation_id="contactsBulkUpdate",
    summary="Add or update many contacts",
    description=(
        "Each contact is matched and written by the identity rules, for itself. What cannot be read is named at once;"
        " the rest is worked on in the background, where there is much of it, and conflicts and skips stand in the"
        " status of the session. A bare list is taken for `contacts`; all else that the call chooses then stands in the"
        " address, as in `?dedupeOn=email`."
    ),
    tags=["Contacts"],
    request=ContactsBulk,
    responses={200: OpenApiResponse(BulkResult, "The session, and what was refused."), **CALL_FAILURES, **FAILURES},
    examples=[
        OpenApiExample("contacts", BULK_EXAMPLE, request_only=True),
        OpenApiExample(
            "the session",
            {"asyncSessionId": SESSION, "failedContacts": [], "errorMessage": "", "id": 0},
            response_only=True,
            status_codes=[200],
        ),
    ],
    extensions=leads_to(Link("getImportSessionStatus", {"session_id": "$response.body#/asyncSessionId"})),
)
get_import_status = extend_schema(
    operation_id="getImportSessionStatus",
    summary="How far a bulk call or an import is",
    description="Bulk calls are kept for a week. A key that may only add and update contacts may ask this too.",
    tags=["Contacts"],
    parameters=[
        OpenApiParameter("session_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The `asyncSessionId`."),
        *MAPPING_PAGE,
    ],
    responses={200: OpenApiResponse(SessionStatus, "How far it is."), **FAILURES, **NO_SESSION},
    examples=[OpenApiExample("done", STATUS_EXAMPLE, response_only=True, status_codes=[200])],
    extensions=leads_to(*to_contact("$response.body#/mapping/0/contactId")),
)
get_file = extend_schema(
    operation_id="getFile",
    summary="A file by its link",
    description="Links stand in other answers and hold for a day. They need no key.",
    tags=["Jobs"],
    auth=[],
    parameters=[
        OpenApiParameter("token", OpenApiTypes.STR, OpenApiParameter.PATH, description="As the link has it."),
    ],
    responses={
        (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "A CSV file."),
        (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One JSON object a line."),
        404: failure(404, "not_found", "This link has expired. Ask for a new one where you got it."),
    },
)
