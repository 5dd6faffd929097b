"""Purchases through the API: orders that are done, of contacts that are there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contacts.identity import delete_contacts
from contacts.models import Contact, Event, Order

pytestmark = pytest.mark.django_db

PURCHASES = "/api/v1/purchases"
TEA = {
    "contactExternalId": "C-1",
    "purchaseId": "P-1",
    "purchaseDate": "2026-05-14T10:11:10Z",
    "totalPrice": 12.5,
    "totalQuantity": "2",
    "cartId": "cart-7",
    "paymentMethod": "card",
    "products": [{"id": "tea", "name": "Tea", "quantity": 2, "price": "6.25"}],
}


@pytest.fixture
def olena(call_api) -> int:
    body = {"externalCustomerId": "C-1", "channels": [{"type": "email", "value": "olena@example.com"}]}
    return call_api("post", "/api/v1/contact", body).json()["id"]


def reasons_of(answer: Any) -> list[str]:
    return [error["path"] for error in answer.json()["validationErrors"]]


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in TEA.items() if name not in names} | more


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_purchase_is_an_order_that_is_done(call_api, olena, slash):
    answer = call_api("post", PURCHASES + slash, TEA)

    assert (answer.status_code, answer.json()) == (201, {"purchaseId": "P-1", "status": "created"})
    order = Order.objects.get()
    assert (order.contact_id, order.external_order_id, order.status) == (olena, "P-1", "DELIVERED")
    assert (str(order.total_cost), order.currency) == ("12.5000", "XXX")
    assert order.items == [{"externalItemId": "tea", "name": "Tea", "quantity": 2, "cost": 6.25}]
    assert order.details == {"cartId": "cart-7", "paymentMethod": "card", "totalQuantity": 2}
    assert Event.objects.get().key == "P-1"


def test_a_purchase_that_is_sent_again_updates_its_order(call_api, olena):
    call_api("post", PURCHASES, TEA)

    changed = call_api("post", PURCHASES, {**TEA, "totalPrice": "20"})
    same = call_api("post", PURCHASES, {**TEA, "totalPrice": 20})

    assert (changed.status_code, changed.json()["status"]) == (200, "updated")
    assert (same.status_code, same.json()["status"]) == (200, "unchanged")
    assert Order.objects.get().total_cost == 20


@pytest.mark.parametrize(
    "body",
    [
        without("contactExternalId", contactEmail="OLENA@example.com"),
        {**TEA, "contactEmail": " "},
        {**TEA, "purchaseId": 42, "totalPrice": "7"},
        {**TEA, "products": {"productId": 7, "unitPrice": 1}},
        {**TEA, "products": " ", "cartId": None, "unheardOf": {"a": [1]}},
        {**TEA, "purchaseDate": "2026-05-14"},
        {**TEA, "purchaseDate": "2026-05-14T10:11:10.1234567+02:00", "currency": "eur"},
    ],
)
def test_what_real_clients_send_is_taken(call_api, olena, body):
    assert call_api("post", PURCHASES, body).status_code == 201
    assert Order.objects.get().contact_id == olena


def test_a_purchase_changes_no_field_of_its_contact(call_api, olena):
    call_api("post", PURCHASES, {**TEA, "contactEmail": "other@example.com"})

    assert Contact.objects.get().email == "olena@example.com"


@pytest.mark.parametrize(
    "whose", [{"contactExternalId": "C-9"}, {"contactEmail": "nobody@example.com"}, {"contactExternalId": 9}]
)
def test_a_purchase_of_nobody_makes_nobody(call_api, olena, whose):
    answer = call_api("post", PURCHASES, without("contactExternalId", **whose))

    assert answer.status_code == 404
    assert answer.json().keys() == {"status", "title", "detail", "code"}
    assert answer.json()["code"] == "contact_not_found"
    assert Contact.objects.count() == 1
    assert not Order.objects.exists()


def test_a_deleted_contact_is_nobody_by_its_email_and_is_recorded_by_its_external_id(call_api, olena):
    delete_contacts([olena], by="user:1")

    by_email = call_api("post", PURCHASES, without("contactExternalId", contactEmail="olena@example.com"))
    assert (by_email.status_code, by_email.json()["code"]) == (404, "contact_not_found")

    assert call_api("post", PURCHASES, TEA).status_code == 201
    assert Contact.objects.get().deleted_at is not None


REFUSED = {
    "nobody named": (without("contactExternalId"), ["contactExternalId"]),
    "junk named": (without(contactExternalId="null"), None),
    "no number": (without("purchaseId"), ["purchaseId"]),
    "a number too long": (without(purchaseId="x" * 201), ["purchaseId"]),
    "a number that is an object": (without(purchaseId={}), ["purchaseId"]),
    "no price": (without("totalPrice"), ["totalPrice"]),
    "no price at all": (without(totalPrice="much"), ["totalPrice"]),
    "a price too large": (without(totalPrice=10**400), ["totalPrice"]),
    "no date": (without("purchaseDate"), ["purchaseDate"]),
    "a strange date": (without(purchaseDate="yesterday"), ["purchaseDate"]),
    "a date as a number": (without(purchaseDate=1_700_000_000), ["purchaseDate"]),
    "a strange currency": (without(currency="money"), ["currency"]),
    "no email": (without("contactExternalId", contactEmail="olena"), ["contactEmail"]),
    "an ID that is a list": (without(contactExternalId=[1]), ["contactExternalId"]),
    "an ID with a NUL": (without(contactExternalId="a\0"), ["contactExternalId"]),
    "products that are texts": (without(products=["tea"]), ["products[0]"]),
    "a strange price": (without(products=[{"id": "tea", "price": "cheap"}]), ["products[0].cost"]),
    "a cart that is a list": (without(cartId=[1]), ["cartId"]),
    "nothing": ({}, ["contactExternalId", "purchaseId", "totalPrice", "purchaseDate"]),
    "a list": ([TEA], [""]),
    "a text": ("tea", [""]),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_named(call_api, olena, body, paths):
    answer = call_api("post", PURCHASES, json.dumps(body), content_type="application/json")

    if paths is None:
        assert answer.status_code in (400, 404, 422)
    else:
        assert answer.status_code == 422
        assert reasons_of(answer) == paths
    assert answer.json().keys() >= {"status", "title", "detail", "code"}
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("scope", "status"), [("events", 201), ("contacts_and_events_write", 201), ("read", 403), ("full", 201)]
)
def test_a_key_does_what_its_scope_allows(call_api, olena, scope, status):
    assert call_api("post", PURCHASES, TEA, scope=scope).status_code == status
