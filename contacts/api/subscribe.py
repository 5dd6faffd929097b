"""Subscribing with double opt-in, and the list of unsubscribed emails."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_contacts as schema
from contacts.api.fields import keys_by_id
from contacts.api.refusals import check_readable, no_such_contact, refused, told_on_the_wire
from contacts.api.translate_subscribe import read_emails, read_subscription, show_unreadable
from contacts.api.views import name_of_caller
from contacts.identity import lift_suppressions, suppress_addresses
from contacts.models import ChannelState, Contact, ContactState
from contacts.subscribing import EmailStatus, Wishes, invite, status_of, subscribe
from crm.addresses import public_url
from crm.api.views import ApiView

__all__ = ["AddUnsubscribedView", "ConfirmationView", "DeleteUnsubscribedView", "SubscribeView"]

REASON = "unsubscribed by the API"


class SubscribeView(ApiView):
    """``POST /v1/contact/subscribe``."""

    area = "contacts"

    @schema.subscribe_contact
    def post(self, request: Request) -> Response:
        form = read_subscription(request.data, keys_by_id)
        check_readable(form.wire)
        wishes = Wishes(form.groups, form.categories, form.form_type)
        with told_on_the_wire(form.wire):
            done = subscribe(form.wire.record, wishes, by=name_of_caller(request), site=public_url(request))
        self.about = [done.contact_id]
        return Response({"id": done.contact_id, "emailStatus": done.status.value, "new": done.is_new})


class ConfirmationView(ApiView):
    """``GET /v1/contact/{id}/confirmation``: the link, for a mailer of the caller's own."""

    area = "contacts"
    actions = {"GET": "write"}

    @schema.get_confirmation
    def get(self, request: Request, contact_id: int) -> Response:
        contact = find_contact(contact_id)
        if contact is None:
            raise no_such_contact("id", contact_id)
        self.about = [contact.pk]
        return Response(show_confirmation(contact, public_url(request)))


class AddUnsubscribedView(ApiView):
    """``POST /v1/emails/unsubscribed/add``."""

    area = "contacts"

    @schema.add_to_unsubscribed
    def post(self, request: Request) -> Response:
        emails, answer = read_list(request)
        suppress_addresses(emails, ChannelState.UNSUBSCRIBED, by=name_of_caller(request), reason=REASON)
        return answer


class DeleteUnsubscribedView(ApiView):
    """``POST /v1/emails/unsubscribed/delete``: what a person blacklisted stays."""

    area = "contacts"

    @schema.delete_from_unsubscribed
    def post(self, request: Request) -> Response:
        emails, answer = read_list(request)
        lift_suppressions(emails, by=name_of_caller(request))
        return answer


def read_list(request: Request) -> tuple[list[str], Response]:
    """The addresses, and the answer when they are done: which texts were none."""
    read = read_emails(request.data)
    if read.problems:
        raise refused(read.problems)
    return read.emails, Response({"failedEmails": list(show_unreadable(read.unreadable))})


def find_contact(contact_id: int) -> Contact | None:
    """The active contact of this id, for a merged one its survivor (L13)."""
    contact = Contact.objects.filter(pk=contact_id).select_related("merged_into").first()
    contact = contact and (contact.merged_into or contact)
    return contact if contact and contact.state == ContactState.ACTIVE else None


def show_confirmation(contact: Contact, site: str) -> dict[str, Any]:
    status = status_of(contact.email_state)
    shown: dict[str, Any] = {"email": contact.email} if contact.email else {}
    shown["emailStatus"] = status.value
    if contact.email and status == EmailStatus.NEED_CONFIRMATION:
        link = invite(contact.pk, contact.email, site=site)
        shown |= {"confirmationLink": link.url, "expiresAt": link.expires_at}
    return shown
