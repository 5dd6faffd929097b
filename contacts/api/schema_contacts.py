"""How searching, subscribing and unsubscribing describe themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.links import to_contact
from contacts.api.schema import BODY_FAILURES, CONTACT_ID, FAILURES, OLENA, UNKNOWN, Contact, failure
from crm.api.links import Link, leads_to
from crm.api.pagination import PAGE_PARAMETERS

__all__ = [
    "add_to_unsubscribed",
    "delete_from_unsubscribed",
    "get_confirmation",
    "get_emails",
    "search_contacts",
    "subscribe_contact",
]

STATUSES: Final = ["NEED_CONFIRMATION", "SUBSCRIBED", "ALREADY_SUBSCRIBED", "BLACKLISTED"]
LINK: Final = "https://crm.example.com/confirm/eyJj…"


# Shapes


class ContactEmail(serializers.Serializer):
    contactId = serializers.IntegerField()
    email = serializers.CharField()


class ContactEmails(serializers.Serializer):
    results = ContactEmail(many=True)


class Subscribe(serializers.Serializer):
    contact = Contact()
    groups = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Names of static segments; one that does not exist is made.",
    )
    subscriptions = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Keys of subscription categories."
    )
    formType = serializers.CharField(
        required=False, help_text="The form's name; at most 70 characters, none of < > ; ' ’ ` \" \\ / | ^ ? ! ,"
    )


class Subscribed(serializers.Serializer):
    id = serializers.IntegerField()
    emailStatus = serializers.ChoiceField(choices=STATUSES)
    new = serializers.BooleanField(help_text="Whether the contact was made by this call.")


class Confirmation(serializers.Serializer):
    email = serializers.CharField(required=False)
    emailStatus = serializers.ChoiceField(choices=STATUSES)
    confirmationLink = serializers.CharField(required=False, help_text="Left out where there is nothing to confirm.")
    expiresAt = serializers.DateTimeField(required=False)


class Emails(serializers.Serializer):
    emails = serializers.ListField(child=serializers.CharField())


class FailedEmail(serializers.Serializer):
    email = serializers.CharField()
    error = serializers.CharField()


class FailedEmails(serializers.Serializer):
    failedEmails = FailedEmail(many=True)


# Parameters and refusals


def condition(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string"}, description=description)


CONDITIONS: Final = [
    condition("externalCustomerId", "Your own system's ID. It goes with no other condition."),
    condition("email", "The whole address. It finds whoever has it, by a merge too."),
    condition("sms", "The whole number."),
    condition("firstname", "How the first name begins."),
    condition("lastname", "How the last name begins."),
    OpenApiParameter(
        "sortBy",
        {"type": "string"},
        description="contactId: by id, which is fastest for reading all. Else whoever changed last comes first.",
    ),
]
IDS: Final = OpenApiParameter(
    "ids", {"type": "string"}, required=True, description="Contact IDs, separated by commas, at most 1,000."
)
EXCLUSIVE: Final = "Search by externalCustomerId alone, or by the others: email."
SEARCH_REFUSED: Final = {
    400: failure(400, "invalid", "Some values were refused.", ("externalCustomerId", "exclusive_parameter", EXCLUSIVE))
}
IDS_REFUSED: Final = {
    400: failure(400, "invalid", "Some values were refused.", ("ids", "required", "Say whose emails: ids=1,2."))
}
SUBSCRIBE_REFUSED: Final[dict[int, Any]] = {
    **BODY_FAILURES,
    400: failure(
        400,
        "invalid",
        "Some values were refused.",
        ("contact.channels[0].value", "invalid_email", "This is not an email address; write it as name@example.com."),
    ),
}
EMAILS_REFUSED: Final = {
    400: failure(
        400, "invalid", "Some values were refused.", ("emails", "required", "Send the addresses as a list: emails.")
    ),
    **{status: BODY_FAILURES[status] for status in (413, 415)},
}
WRITTEN: Final = {200: OpenApiResponse(FailedEmails, "Done, but for texts that are no address, which are listed.")}


def shown(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[200])


ONE_EMAIL: Final = OpenApiExample("one email", {"emails": ["olena@example.com"]}, request_only=True)


# Operations

search_contacts = extend_schema(
    operation_id="searchContacts",
    summary="Search for contacts",
    description="Active contacts, at most 500 at a time. Addresses and numbers match exactly, whoever writes them how.",
    tags=["Contacts"],
    parameters=[*CONDITIONS, *PAGE_PARAMETERS],
    responses={200: OpenApiResponse(Contact(many=True), "A page of contacts."), **SEARCH_REFUSED, **FAILURES},
    examples=[shown("one contact", [{"id": 1, **OLENA}])],
    extensions=leads_to(
        *to_contact("$response.body#/0/id"),
        Link("mergeContacts", {"contact_id": "$response.body#/0/id"}, {"loserId": "$response.body#/1/id"}),
        Link("getContactEmails", {"ids": "$response.body#/0/id"}),
    ),
)
get_emails = extend_schema(
    operation_id="getContactEmails",
    summary="Get emails by contact ID",
    description="Who is unknown, deleted, or has no email is left out. A merged contact has its survivor's.",
    tags=["Contacts"],
    parameters=[IDS],
    responses={200: OpenApiResponse(ContactEmails, "The emails."), **IDS_REFUSED, **FAILURES},
    examples=[shown("two emails", {"results": [{"contactId": 1, "email": "olena@example.com"}]})],
)
subscribe_contact = extend_schema(
    operation_id="subscribeContact",
    summary="Subscribe a contact",
    description=(
        "For subscription forms, with double opt-in. Finds the contact by external ID, else email, else phone, or makes"
        " one; emails and phones that it has stay. A new email is unconfirmed until the link is opened that we mail to"
        " it and that stands in the event `subscribeFromApi` (`subscribeUpdateFromApi` for a known contact)."
    ),
    tags=["Contacts"],
    request=Subscribe,
    responses={200: OpenApiResponse(Subscribed, "Subscribed."), **SUBSCRIBE_REFUSED, **FAILURES},
    examples=[
        OpenApiExample(
            "a subscription",
            {"contact": OLENA, "groups": ["Newsletter"], "subscriptions": ["news"], "formType": "footer"},
            request_only=True,
        ),
        shown("a new contact", {"id": 1, "emailStatus": "NEED_CONFIRMATION", "new": True}),
    ],
    extensions=leads_to(*to_contact()),
)
get_confirmation = extend_schema(
    operation_id="getConfirmation",
    summary="Get the confirmation link of a contact's email",
    description="For a mailer of your own. It takes the right to write: whoever has the link can confirm.",
    tags=["Contacts"],
    parameters=[CONTACT_ID],
    responses={200: OpenApiResponse(Confirmation, "Where the email stands."), **FAILURES, **UNKNOWN},
    examples=[
        shown(
            "an email to be confirmed",
            {
                "email": "olena@example.com",
                "emailStatus": "NEED_CONFIRMATION",
                "confirmationLink": LINK,
                "expiresAt": "2026-12-24T10:00:00Z",
            },
        )
    ],
)
add_to_unsubscribed = extend_schema(
    operation_id="addToUnsubscribed",
    summary="Unsubscribe emails",
    description="Over all contacts that have them, now or later. A bare list is taken for `emails`.",
    tags=["Contacts"],
    request=Emails,
    responses={**WRITTEN, **EMAILS_REFUSED, **FAILURES},
    examples=[ONE_EMAIL, shown("done", {"failedEmails": []})],
)
delete_from_unsubscribed = extend_schema(
    operation_id="deleteFromUnsubscribed",
    summary="Take emails back from the unsubscribed ones",
    description=(
        "Blacklisted addresses stay; only a person in the back office lifts these. A bare list is taken for `emails`."
    ),
    tags=["Contacts"],
    request=Emails,
    responses={**WRITTEN, **EMAILS_REFUSED, **FAILURES},
    examples=[ONE_EMAIL, shown("done", {"failedEmails": []})],
)
