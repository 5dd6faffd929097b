"""Where an id of a contact leads: to all that may be done with the contact."""

from __future__ import annotations

from typing import Final

from crm.api.links import Link

__all__ = ["IN_ANSWER", "IN_PATH", "to_contact", "to_external_id"]

IN_ANSWER: Final = "$response.body#/id"
IN_PATH: Final = "$request.path.contact_id"
OF_A_CONTACT: Final = (
    "getContact",
    "updateContact",
    "deleteContact",
    "getContactHistory",
    "getConfirmation",
    "getContactSubscriptionCategories",
    "changeContactSubscriptionCategories",
    "mergeContacts",
)


def to_contact(place: str = IN_ANSWER) -> list[Link]:
    """From where the id stands."""
    named = [Link(operation, {"contact_id": place}) for operation in OF_A_CONTACT]
    happened = {"eventTypeKey": "visited", "params": [{"name": "contactId", "value": place}]}
    return [*named, Link("addEventV2", body=happened)]


def to_external_id(place: str) -> list[Link]:
    """From where the external ID stands."""
    return [
        Link("getResourceByExternalId", {"external_id": place}),
        Link("changeResourceByExternalId", {"external_id": place}),
        Link("deleteContactByExternalId", {"externalCustomerId": place}),
        Link("resolveContact", {"externalCustomerId": place}),
        Link("addOrders", body={"orders": [{"externalCustomerId": place}]}),
        Link("addPurchase", body={"contactExternalId": place}),
    ]
