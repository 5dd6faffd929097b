"""The account as integrators' clients ask for it: who it is, which custom fields it has, which workflows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_account as schema
from contacts.models import Account, CustomField, FieldType
from crm import VERSION
from crm.api.views import ApiView

__all__ = ["AccountView", "AddressBooksView", "VersionView", "WorkflowsView"]

PROTOCOL_VERSION: Final = "1"
ADDRESS_BOOK_ID: Final = 1
"""There is one address book; clients that name it are understood."""
TYPES: Final = {
    FieldType.TEXT: "TEXTFIELD",
    FieldType.LONG_TEXT: "TEXTAREA",
    FieldType.NUMBER: "NUMBER",
    FieldType.DECIMAL: "DECIMAL",
    FieldType.BOOLEAN: "COMBOBOX",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "DATETIME",
    FieldType.CHOICE: "COMBOBOX",
    FieldType.CHOICES: "CHECKBOXLIST",
}
WITH_OPTIONS: Final = (FieldType.CHOICE, FieldType.CHOICES)


class AddressBooksView(ApiView):
    """``GET /v1/addressbooks``."""

    area = "contacts"

    @schema.get_address_books
    def get(self, request: Request) -> Response:
        fields = CustomField.objects.order_by("group", "label", "pk")
        return Response(show_address_books(read_account().name, fields))


class AccountView(ApiView):
    """``GET /v1/account/info``: every valid key may ask whose it is."""

    area = None

    @schema.get_account
    def get(self, request: Request) -> Response:
        account = read_account()
        return Response(
            {"userEmail": settings.DEFAULT_FROM_EMAIL, "organisationName": account.name, "orgId": account.pk or 1}
        )


class VersionView(ApiView):
    """``GET /v1/version``."""

    area = None

    @schema.get_version
    def get(self, request: Request) -> Response:
        return Response({"version": VERSION, "protocolVersion": PROTOCOL_VERSION})


class WorkflowsView(ApiView):
    """``GET /v1/workflows``: clients ask before they offer one to choose; there is none."""

    area = None

    @schema.get_workflows
    def get(self, request: Request) -> Response:
        return Response([])


def read_account() -> Account:
    return Account.objects.order_by("pk").first() or Account()


def show_address_books(name: str, fields: Iterable[CustomField]) -> dict[str, Any]:
    """Older clients read an object where there is one, and a list where there are several; groups are always a list."""
    groups = [show_group(group, list(members)) for group, members in groupby(fields, key=lambda field: field.group)]
    book = {"addressBookId": ADDRESS_BOOK_ID, "name": name, "fieldGroups": groups}
    return {"addressBook": collapsed([book])}


def show_group(name: str, fields: Sequence[CustomField]) -> dict[str, Any]:
    shown = name or _("Custom fields")
    key = slugify(name, allow_unicode=True) or "custom"
    return {"name": shown, "profileKey": key, "fields": collapsed([show_field(field) for field in fields])}


def show_field(field: CustomField) -> dict[str, Any]:
    description = {"type": TYPES[FieldType(field.type)], "required": field.required, "readonly": False}
    if values := allowed_values(field):
        description["allowedValues"] = {"possibleValues": values}
    return {"id": field.pk, "name": field.label, "fieldKey": field.key, "description": description}


def allowed_values(field: CustomField) -> list[str]:
    if field.type == FieldType.BOOLEAN:
        return ["true", "false"]
    return [str(option) for option in field.options] if field.type in WITH_OPTIONS else []


def collapsed(items: list[dict[str, Any]]) -> Any:
    return items[0] if len(items) == 1 else items
