"""Contacts as resources: addressed by an external ID or an email, and changed only in what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_resource as schema
from contacts.api.naming import find_active, find_by_external_ids
from contacts.api.refusals import check_readable, no_such_contact, refused, told_on_the_wire
from contacts.api.translate_resource import customs_of, read_resource, show_resource
from contacts.api.views import name_of_caller, read_flag
from contacts.columns import Column
from contacts.identity import Mode, Outcome, Status, delete_contacts, erase_contacts, resolve_one
from contacts.identity.errors import ExternalIdTaken, RecordSkipped
from contacts.identity.settings import current_settings, read_settings
from contacts.identity.types import API
from contacts.models import Account, Contact
from contacts.normalize import normalize
from contacts.records import Problem
from contacts.wire import WireContact
from crm.api.errors import RESOURCE
from crm.api.views import ApiView

__all__ = ["ByEmailView", "ByExternalIdView"]

PATCH: Final = replace(API, empty_values_clear=True)
BY_EMAIL: Final = replace(API, key="email", mode=Mode.UPDATE)


def custom_columns() -> Mapping[str, Column]:
    """The custom fields by key, as they are at this moment: what they are called decides what a body means."""
    settings = current_settings()
    version = Account.objects.order_by("pk").values_list("settings_version", flat=True).first()
    if version != settings.version:
        settings = read_settings()
    return customs_of(settings.schema.columns.values())


class ResourceView(ApiView):
    """What the address names, by ``column``: read, upserted, removed."""

    area = "contacts"
    error_shape = RESOURCE
    column: str
    name: str

    def find(self, value: str) -> int | None:
        """The contact that is named, a deleted one too."""
        raise NotImplementedError

    def show(self, value: str) -> Response:
        contact_id = self.find(value) if self.can_name(value) else None
        active = find_active(contact_id) if contact_id else None
        values = Contact.objects.filter(pk=active).values().first() if active else None
        if values is None:
            raise no_such_contact(self.name, value)
        return Response(show_resource(values))

    def upsert(self, request: Request, value: str) -> Response:
        wire = read_resource(request.data, custom_columns())
        check_readable(wire)
        self.check_name(value)
        contact_id = self.find(value)
        outcome = self.change(wire, contact_id, request) if contact_id else self.add(wire, value, request)
        self.about = [outcome.contact_id] if outcome.contact_id else None
        status = 201 if outcome.status == Status.CREATED else 200
        return Response({"id": outcome.contact_id}, status=status)

    def remove(self, request: Request, value: str) -> Response:
        """Removing again is fine (L12)."""
        verb = erase_contacts if read_flag(request, "erase") else delete_contacts
        contact_id = self.find(value) if self.can_name(value) else None
        outcomes = verb([contact_id], by=name_of_caller(request)) if contact_id else []
        if not outcomes or outcomes[0].code == "contact_not_found":
            raise no_such_contact(self.name, value)
        return Response(status=204)

    def can_name(self, value: str) -> bool:
        """Whether anybody could have this value at all."""
        record = normalize({self.column: value}, current_settings().schema)
        return bool(record.identifiers)

    def check_name(self, value: str) -> None:
        record = normalize({self.column: value}, current_settings().schema)
        if record.problems:
            raise refused(problem._replace(column=self.name) for problem in record.problems)
        if not record.identifiers:
            raise refused([Problem(self.name, "names_nobody", _("This value names nobody. Send a real one."))])

    def change(self, wire: WireContact, contact_id: int, request: Request) -> Outcome:
        """Whoever is named in the address is written to (L10-L13)."""
        wire.put("id", contact_id, self.name)
        return self.resolve(wire, request)

    def add(self, wire: WireContact, value: str, request: Request) -> Outcome:
        """Nobody has the value of the address: the identity rules say whether somebody is meant all the same (L4)."""
        if wire.record.get(self.column) is not None and not self.is_same(wire.record[self.column], value):
            message = _("Nobody has the value in the address, so it cannot be replaced. Send the same value, or none.")
            raise refused([Problem(wire.path_of(self.column), "differs_from_address", message)])
        wire.put(self.column, value, wire.paths.get(self.column, self.name))
        return self.resolve(wire, request)

    def is_same(self, given: object, value: str) -> bool:
        schema = current_settings().schema
        sides = [normalize({self.column: side}, schema).identifiers for side in (given, value)]
        return sides[0] == sides[1]

    def resolve(self, wire: WireContact, request: Request) -> Outcome:
        with told_on_the_wire(wire):
            return resolve_one(wire.record, PATCH, by=name_of_caller(request))


class ByExternalIdView(ResourceView):
    """``/v1/contacts/external-id/{id}``."""

    column = "external_id"
    name = "externalId"

    def find(self, value: str) -> int | None:
        return next(iter(find_by_external_ids([value])), None)

    @schema.get_by_external_id
    def get(self, request: Request, external_id: str) -> Response:
        return self.show(external_id)

    @schema.change_by_external_id
    def patch(self, request: Request, external_id: str) -> Response:
        return self.upsert(request, external_id)

    @schema.remove_by_external_id
    def delete(self, request: Request, external_id: str) -> Response:
        return self.remove(request, external_id)


class ByEmailView(ResourceView):
    """``/v1/contacts/email/{email}``: of several who share it the one updated last (L7)."""

    column = "email"
    name = "email"

    def find(self, value: str) -> int | None:
        try:
            return resolve_one({"email": value}, BY_EMAIL, by=name_of_caller(self.request), dry_run=True).contact_id
        except RecordSkipped:
            return None

    def add(self, wire: WireContact, value: str, request: Request) -> Outcome:
        """A contact that the body names by its external ID is not the one that the address names (L10)."""
        given = wire.record.get("external_id")
        owners = find_by_external_ids([str(given)]) if isinstance(given, str | int) else []
        if owners:
            message = _("Contact {id} has this external ID. Write to that contact, or merge the two.")
            path = wire.path_of("external_id")
            raise ExternalIdTaken(message.format(id=owners[0]), path=path, other_id=owners[0])
        return super().add(wire, value, request)

    @schema.get_by_email
    def get(self, request: Request, email: str) -> Response:
        return self.show(email)

    @schema.change_by_email
    def patch(self, request: Request, email: str) -> Response:
        return self.upsert(request, email)

    @schema.remove_by_email
    def delete(self, request: Request, email: str) -> Response:
        return self.remove(request, email)
