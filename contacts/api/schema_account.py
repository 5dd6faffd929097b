"""How the doors to the account describe themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers

from contacts.api.schema import FAILURES

__all__ = ["get_account", "get_address_books", "get_version", "get_workflows"]

TYPES: Final = ["TEXTFIELD", "TEXTAREA", "NUMBER", "DECIMAL", "COMBOBOX", "DATE", "DATETIME", "CHECKBOXLIST"]
FIELD_DESCRIPTION: Final = {
    "type": "object",
    "required": ["type", "required", "readonly"],
    "properties": {
        "type": {"type": "string", "enum": TYPES},
        "required": {"type": "boolean"},
        "readonly": {"type": "boolean"},
        "allowedValues": {
            "type": "object",
            "properties": {"possibleValues": {"type": "array", "items": {"type": "string"}}},
        },
    },
}
FIELD_INFO: Final = {
    "type": "object",
    "required": ["id", "name", "fieldKey", "description"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "fieldKey": {"type": "string"},
        "description": FIELD_DESCRIPTION,
    },
}
TIER: Final = {
    "id": 7,
    "name": "Tier",
    "fieldKey": "tier",
    "description": {
        "type": "COMBOBOX",
        "required": False,
        "readonly": False,
        "allowedValues": {"possibleValues": ["gold", "silver"]},
    },
}
ADDRESS_BOOKS: Final = {
    "addressBook": {
        "addressBookId": 1,
        "name": "Cardfile",
        "fieldGroups": [{"name": "Loyalty", "profileKey": "loyalty", "fields": TIER}],
    }
}


@extend_schema_field({"oneOf": [FIELD_INFO, {"type": "array", "items": FIELD_INFO}]})
class OneFieldOrMany(serializers.Field):
    """An object where there is exactly one."""


class FieldGroup(serializers.Serializer):
    name = serializers.CharField()
    profileKey = serializers.CharField()
    fields = OneFieldOrMany()


class AddressBook(serializers.Serializer):
    addressBookId = serializers.IntegerField()
    name = serializers.CharField()
    fieldGroups = FieldGroup(many=True)


class AddressBooks(serializers.Serializer):
    addressBook = AddressBook(help_text="An object, since there is exactly one.")


class AccountInfo(serializers.Serializer):
    userEmail = serializers.CharField(help_text="The address that the account writes from.")
    organisationName = serializers.CharField()
    orgId = serializers.IntegerField()


class Version(serializers.Serializer):
    version = serializers.CharField()
    protocolVersion = serializers.CharField()


class Workflow(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())


def shown(name: str, value: Any) -> list[OpenApiExample]:
    return [OpenApiExample(name, value, response_only=True, status_codes=[200])]


get_address_books = extend_schema(
    operation_id="getAddressBooks",
    summary="List the custom fields",
    description="`fields` is an object where a group has exactly one field, a list otherwise; `fieldGroups` is a list.",
    tags=["Account"],
    responses={200: OpenApiResponse(AddressBooks, "The custom fields, by group."), **FAILURES},
    examples=shown("one group of one field", ADDRESS_BOOKS),
)
get_account = extend_schema(
    operation_id="getAccountInfo",
    summary="Ask whose account it is",
    description="Every valid key may ask: a first call to try a key with.",
    tags=["Account"],
    responses={200: OpenApiResponse(AccountInfo, "The account."), **FAILURES},
    examples=shown("an account", {"userEmail": "crm@example.com", "organisationName": "Cardfile", "orgId": 1}),
)
get_version = extend_schema(
    operation_id="getVersion",
    summary="Ask for the version",
    tags=["Account"],
    responses={200: OpenApiResponse(Version, "The version."), **FAILURES},
    examples=shown("a version", {"version": "0.1.0", "protocolVersion": "1"}),
)
get_workflows = extend_schema(
    operation_id="searchWorkflows",
    summary="List workflows",
    description="There are none yet; the list is empty.",
    tags=["Account"],
    responses={200: OpenApiResponse(Workflow(many=True), "The workflows."), **FAILURES},
    examples=shown("none", []),
)
