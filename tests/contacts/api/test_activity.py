"""Orders and events through the API: what integrators' clients send, and the answers they compare with."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from contacts.api.activity import MOST_ORDERS, MOST_PAST_EVENTS
from contacts.identity import delete_contacts, resolve_one
from contacts.identity.types import API
from contacts.models import Account, Contact, Event, EventType, Identifier, Order, UnmatchedEvent
from crm.api.keys import create_api_key

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"
EVENTS = ["/api/v1/event", "/api/v2/event"]
PAST_EVENTS = ["/api/v1/past_events", "/api/v2/past_events"]
ORDER = {
    "externalOrderId": "N-1",
    "email": "olena@example.com",
    "totalCost": 199.9,
    "status": "INITIALIZED",
    "date": "2026-05-14T10:11:10.7022176+03:00",
    "currency": "UAH",
}
VIEWED = {"eventTypeKey": "productViewed", "params": [{"name": "email", "value": "olena@example.com"}]}
PAST = {**VIEWED, "keyValue": "K-1", "occurred": "2026-03-22T14:30:00Z"}
JSON = "application/json; charset=UTF-8"
FAR_TOO_LONG = 10**4_000


@pytest.fixture
def olena(db):
    record = {
        "external_id": "C-1",
        "email": "olena@example.com",
        "phone": "+380501112233",
        "contact_key": "card-1",
        "first_name": "Олена",
        "identifiers": [{"kind": "mobile_push", "app": "shop", "value": "push-1"}],
    }
    return resolve_one(record, API, by="user:1").contact_id


@pytest.fixture
def send_order(call_api):
    """Sends one order; answers why it failed, empty if it did not."""

    def send_order(**change):
        body = {name: value for name, value in {**ORDER, **change}.items() if value is not ...}
        answer = call_api("post", ORDERS, {"orders": [body]})
        assert answer.status_code == 200, answer.content
        [failed] = answer.json()["failedOrders"] or [{"error": "", "order": body}]
        assert failed["order"] == body
        return failed["error"]

    return send_order


@pytest.fixture
def send_params(call_api):
    """Sends an event of these parameters."""

    def send_params(path="/api/v2/event", /, **params):
        body = {**VIEWED, "params": [{"name": name, "value": value} for name, value in params.items()]}
        return call_api("post", path, body)

    return send_params


def types_of(key):
    types = dict(EventType.objects.values_list("pk", "key"))
    return [types[pk] for pk in Event.objects.filter(key=key).order_by("id").values_list("type_id", flat=True)]


# Orders


def test_orders_are_answered_by_those_that_failed_alone(call_api, olena):
    answer = call_api("post", ORDERS, {"orders": [ORDER]})

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b'{"failedOrders":[]}', JSON)
    order = Order.objects.get()
    assert (order.contact_id, order.external_order_id, order.status) == (olena, "N-1", "INITIALIZED")
    assert (order.total_cost, order.currency, order.source) == (Decimal("199.9"), "UAH", "online")
    assert order.ordered_at == datetime(2026, 5, 14, 7, 11, 10, 702217, tzinfo=UTC)


def test_everything_an_order_says_is_kept(send_order, olena):
    details = {
        "shipping": 50,
        "discount": 10.5,
        "taxes": 0,
        "restoreUrl": "https://example.com/cart",
        "statusDescription": "paid",
        "storeId": "7",
        "deliveryMethod": "post",
        "paymentMethod": "card",
        "deliveryAddress": "Kyiv, Khreshchatyk 1",
        "additionalInfo": {"gift": "yes", "wrap": {"colour": "red"}},
    }
    items = [
        {
            "externalItemId": "B-1",
            "name": "Boots",
            "category": "Shoes",
            "quantity": 2,
            "cost": 99.95,
            "url": "https://example.com/b",
            "imageUrl": "https://example.com/b.png",
            "description": "red",
        }
    ]

    assert send_order(**details, items=items, source="offline") == ""

    order = Order.objects.get()
    assert (order.details, order.items, order.source) == (details, items, "offline")


@pytest.mark.parametrize(
    "named", [{"externalCustomerId": "C-1"}, {"phone": "380501112233"}, {"email": "OLENA@example.com"}]
)
def test_an_order_finds_its_contact_by_each_of_the_three(send_order, olena, named):
    assert send_order(**{"email": ..., **named}) == ""

    assert Order.objects.get().contact_id == olena


def test_an_order_makes_a_missing_contact_with_its_name(send_order):
    assert send_order(externalCustomerId="C-9", firstName="Bohdan", lastName="Melnyk") == ""

    contact = Contact.objects.get()
    assert (contact.external_id, contact.email, contact.first_name, contact.last_name) == (
        "C-9",
        "olena@example.com",
        "Bohdan",
        "Melnyk",
    )
    assert Order.objects.get().contact_id == contact.pk


def test_an_order_never_changes_the_fields_of_a_contact_that_is_there(send_order, olena):
    assert send_order(externalCustomerId="C-1", email="other@example.com", phone="+380671112233", firstName="X") == ""

    contact = Contact.objects.get()
    assert (contact.email, contact.phone, contact.first_name) == ("olena@example.com", "+380501112233", "Олена")


def test_an_order_sent_again_updates_what_it_says(send_order):
    send_order(items=[{"externalItemId": "B-1", "quantity": 1}], storeId="7")

    assert send_order(status="DELIVERED", totalCost="250") == ""

    order = Order.objects.get()
    assert (order.status, order.total_cost) == ("DELIVERED", 250)
    assert (order.items, order.details) == ([{"externalItemId": "B-1", "quantity": 1}], {"storeId": "7"})


def test_each_status_is_an_event_with_the_number_as_its_key(send_order):
    for status in ("INITIALIZED", "IN_PROGRESS", "IN_PROGRESS", "DELIVERED", "CANCELLED", "ABANDONED_SHOPPING_CART"):
        assert send_order(status=status) == ""

    statuses = ["INITIALIZED", "IN_PROGRESS", "DELIVERED", "CANCELLED", "ABANDONED_SHOPPING_CART"]
    assert types_of("N-1") == [f"order{status}" for status in statuses]


def test_an_order_of_a_deleted_contact_named_by_its_external_id_does_not_restore_it(send_order, olena):
    delete_contacts([olena], by="user:1")

    assert send_order(externalCustomerId="C-1", email=...) == ""

    assert Order.objects.get().contact_id == olena
    assert not Contact.objects.filter(state=1).exists()


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"externalOrderId": 42}, {"external_order_id": "42"}),
        ({"externalOrderId": 123456789012345678901234567890}, {"external_order_id": "123456789012345678901234567890"}),
        ({"totalCost": "199.90"}, {"total_cost": Decimal("199.9")}),
        ({"totalCost": 0}, {"total_cost": 0}),
        ({"status": "delivered "}, {"status": "DELIVERED"}),
        ({"currency": " uah"}, {"currency": "UAH"}),
        ({"externalCustomerId": 42}, {}),
        ({"externalCustomerId": " ", "phone": None}, {}),
        ({"phone": 380501112233}, {}),
        ({"firstName": " ", "lastName": 7}, {}),
        ({"source": "shop"}, {"source": "online"}),
        ({"source": "Offline"}, {"source": "offline"}),
        ({"storeId": 7, "shipping": "50.5", "taxes": " "}, {"details": {"storeId": "7", "shipping": 50.5}}),
        ({"additionalInfo": " ", "items": None}, {"details": {}, "items": []}),
        ({"items": []}, {"items": []}),
        (
            {"items": {"externalItemId": 7, "quantity": "2", "cost": None, "colour": "red"}},
            {"items": [{"externalItemId": "7", "quantity": 2}]},
        ),
        ({"unheardOf": {"a": [1]}, "groups": [{}]}, {}),
        ({"date": "2026-05-14"}, {"ordered_at": datetime(2026, 5, 14, tzinfo=UTC)}),
        ({"date": "2026-05-14 10:11"}, {"ordered_at": datetime(2026, 5, 14, 10, 11, tzinfo=UTC)}),
        ({"date": "2026-05-14t10:11:00.5z"}, {"ordered_at": datetime(2026, 5, 14, 10, 11, 0, 500_000, tzinfo=UTC)}),
        ({"date": "2026-05-14T10:11:00+0300"}, {"ordered_at": datetime(2026, 5, 14, 7, 11, tzinfo=UTC)}),
    ],
)
def test_orders_as_real_clients_send_them_are_taken(send_order, change, stored):
    assert send_order(**change) == ""

    order = Order.objects.get()
    assert {name: getattr(order, name) for name in stored} == stored


def test_a_date_without_a_zone_is_of_the_accounts(send_order):
    Account(time_zone="Europe/Kyiv").save()

    assert send_order(date="2026-05-14T10:11:10") == ""

    assert Order.objects.get().ordered_at == datetime(2026, 5, 14, 7, 11, 10, tzinfo=UTC)


REFUSED_ORDERS = {
    "no number": ({"externalOrderId": ...}, "externalOrderId: This value is missing."),
    "an empty number": ({"externalOrderId": " "}, "externalOrderId: This value is missing."),
    "a number too long": ({"externalOrderId": "x" * 201}, "externalOrderId: This value has at most 200"),
    "a number of many digits": ({"externalOrderId": FAR_TOO_LONG}, "externalOrderId: This value has at most 200"),
    "a number that is a list": ({"externalOrderId": ["1"]}, "externalOrderId: Write this value as text."),
    "a number that is yes": ({"externalOrderId": True}, "externalOrderId: Write this value as text."),
    "a number with a NUL": ({"externalOrderId": "a\0"}, "externalOrderId: Write this value as text."),
    "no total": ({"totalCost": None}, "totalCost: This value is missing."),
    "a total in words": ({"totalCost": "much"}, "totalCost: Write the total as a number"),
    "a total that is a list": ({"totalCost": [1]}, "totalCost: Write the total as a number"),
    "a total of many digits": ({"totalCost": FAR_TOO_LONG}, "totalCost: Write the total as a number"),
    "no status": ({"status": ""}, "status: This value is missing."),
    "an unheard-of status": ({"status": "LOST"}, "status: The status is one of: ABANDONED_SHOPPING_CART"),
    "a status that is an object": ({"status": {}}, "status: The status is one of"),
    "a status that is a list": ({"status": ["DELIVERED"]}, "status: The status is one of"),
    "no date": ({"date": " "}, "date: This value is missing."),
    "a date in words": ({"date": "yesterday"}, "date: Write date and time"),
    "a date of seconds": ({"date": 1679495400}, "date: Write date and time"),
    "a date of digits": ({"date": "20260514101110"}, "date: Write date and time"),
    "a date that is a list": ({"date": []}, "date: Write date and time"),
    "a date before all dates": ({"date": "0001-01-01T00:00:00+14:00"}, "date: Write date and time"),
    "a date that never was": ({"date": "2026-02-30"}, "date: Write date and time"),
    "no currency": ({"currency": ...}, "currency: This value is missing."),
    "a currency in a word": ({"currency": "money"}, "currency: Write the currency as three letters"),
    "a currency that is a number": ({"currency": 980}, "currency: Write the currency as three letters"),
    "nobody": ({"email": ...}, "The record names nobody; send an external ID"),
    "only junk": ({"email": " ", "externalCustomerId": "null"}, "The record names nobody; send an external ID"),
    "no email": ({"email": "olena"}, "email: This is not an email address"),
    "no phone": ({"phone": "12"}, "phone: This is not a phone number"),
    "an external ID too long": ({"externalCustomerId": "x" * 101}, "externalCustomerId: An external ID has at most"),
    "an external ID that is a list": ({"externalCustomerId": [1]}, "externalCustomerId: Write this value as text."),
    "a name too long": ({"firstName": "x" * 41}, "firstName: The value has at most 40"),
    "items that are texts": ({"items": ["boots"]}, "items[0]: Send “items” as a list of objects."),
    "an item without an id": ({"items": [{"quantity": 1}]}, "items[0].externalItemId: This value is missing."),
    "an item without a quantity": (
        {"items": [{"externalItemId": "1", "quantity": 1}, {"externalItemId": "1"}]},
        "items[1].quantity: This value is missing.",
    ),
    "an item of a strange quantity": (
        {"items": [{"externalItemId": "1", "quantity": "many"}]},
        "items[0].quantity: Write a number",
    ),
    "an item of a strange cost": (
        {"items": [{"externalItemId": "1", "quantity": 1, "cost": {}}]},
        "items[0].cost: Write a number",
    ),
    "an item of a strange name": (
        {"items": [{"externalItemId": "1", "quantity": 1, "name": [1]}]},
        "items[0].name: Write this value as text.",
    ),
    "an item with a NUL": ({"items": [{"externalItemId": "\0", "quantity": 1}]}, "items: Text may not contain NUL"),
    "items without end": (
        {"items": [{"externalItemId": "x" * 70_000, "quantity": 1}]},
        "items: This value is too large.",
    ),
    "a discount that is no number": ({"discount": True}, "discount: Write a number"),
    "taxes of many digits": ({"taxes": FAR_TOO_LONG}, "taxes: Write a number"),
    "a store that is an object": ({"storeId": {}}, "storeId: Write this value as text."),
    "information that is a text": ({"additionalInfo": "gift"}, "additionalInfo: Send further information"),
    "information with a NUL": ({"additionalInfo": {"a": "\0"}}, "additionalInfo: Text may not contain NUL"),
    "information that JSON cannot hold": ({"additionalInfo": {"a": 10**30}}, "additionalInfo: This value cannot"),
}


@pytest.mark.parametrize(("change", "error"), REFUSED_ORDERS.values(), ids=REFUSED_ORDERS)
def test_an_order_that_cannot_be_taken_says_why(send_order, change, error):
    assert send_order(**change).startswith(error)

    assert not Order.objects.exists()
    assert not Contact.objects.exists()


def test_what_is_missing_is_said_all_at_once(send_order):
    error = send_order(externalOrderId=None, date=None)

    assert error == ("externalOrderId: This value is missing. Fill it in. date: This value is missing. Fill it in.")


def test_an_order_that_fails_keeps_no_other_back(call_api):
    second = {**ORDER, "externalOrderId": "N-2", "currency": "money"}
    sent = [ORDER, "order", second, {**ORDER, "externalOrderId": "N-3"}]

    answer = call_api("post", ORDERS, {"orders": sent})

    failed = answer.json()["failedOrders"]
    assert [entry["order"] for entry in failed] == ["order", second]
    assert failed[0]["error"] == "Send one order as an object."
    assert sorted(Order.objects.values_list("external_order_id", flat=True)) == ["N-1", "N-3"]


def test_1000_orders_are_taken_and_1001_are_refused(call_api):
    orders = [{**ORDER, "externalOrderId": number} for number in range(MOST_ORDERS + 1)]

    refused = call_api("post", ORDERS, {"orders": orders})
    taken = call_api("post", ORDERS, {"orders": orders[1:]})

    assert refused.status_code == 400
    message = "Send at most 1000 at a time; these are 1001."
    assert refused.json()["errors"] == [{"path": "orders", "code": "too_many", "message": message}]
    assert taken.json() == {"failedOrders": []}
    assert Order.objects.count() == 1_000


@pytest.mark.parametrize("body", [{"orders": ORDER}, [ORDER], {"orders": [ORDER], "total": 1, "more": None}])
def test_one_order_counts_as_a_list_of_one(call_api, body):
    assert call_api("post", ORDERS, body).json() == {"failedOrders": []}
    assert Order.objects.count() == 1


# Single events


@pytest.mark.parametrize("path", EVENTS)
def test_an_event_is_answered_by_an_empty_body(call_api, olena, path):
    answer = call_api("post", path, {**VIEWED, "keyValue": "K-1"})

    assert (answer.status_code, answer.content) == (200, b"")
    event = Event.objects.get()
    assert (event.contact_id, event.key, event.params) == (olena, "K-1", {"email": "olena@example.com"})
    assert EventType.objects.get(pk=event.type_id).key == "productViewed"
    assert event.occurred_at == event.received_at


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ContactId", None),
        ("contactid", None),
        ("Contact_id", None),
        ("externalCustomerId", "C-1"),
        ("EXTERNALCUSTOMERID", "C-1"),
        ("Email", "Olena@example.com"),
        ("EmailAddress", "olena@example.com"),
        ("userEmail", "olena@example.com"),
        ("ContactEmail", "olena@example.com"),
        ("Phone", "380501112233"),
        ("SMS", 380501112233),
        ("phoneNumber", "+380501112233"),
        ("PushToken", "push-1"),
        ("pushtoken", " push-1 "),
        ("ContactKey", "card-1"),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_the_contact_is_found_by_the_parameters_names(send_params, olena, name, value, as_text):
    value = olena if value is None else value

    assert send_params(**{name: str(value) if as_text else value}).status_code == 200

    assert Event.objects.get().contact_id == olena
    assert Contact.objects.count() == 1


def test_a_push_token_stays_with_the_app_it_is_of(send_params, olena):
    send_params(PushToken="push-1", email="olena@example.com")

    tokens = Identifier.objects.filter(value="push-1").values_list("app", "contact_id")
    assert list(tokens) == [("shop", olena)]


def test_of_equal_push_tokens_the_one_seen_last_is_meant(send_params, olena):
    token = {"kind": "web_push", "app": "5", "value": "push-1"}
    bohdan = resolve_one(
        {"external_id": "C-2", "identifiers": [token]}, API, by="user:1", at=datetime.now(UTC) + timedelta(hours=1)
    ).contact_id

    assert send_params(pushToken="push-1").status_code == 200

    assert Event.objects.get().contact_id == bohdan
    assert set(Identifier.objects.filter(value="push-1").values_list("contact_id", flat=True)) == {olena, bohdan}


def test_a_token_that_nobody_has_is_hung_on_whom_the_event_names(send_params, olena):
    send_params(pushToken="push-2", email="olena@example.com")
    send_params(pushToken="push-2")

    assert list(Event.objects.values_list("contact_id", flat=True)) == [olena, olena]


def test_the_same_address_under_three_names_is_one(send_params, olena):
    answer = send_params(Email="olena@example.com", UserEmail=" olena@example.com", ContactEmail="olena@example.com")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "value"), [("externalCustomerId", "C-9"), ("email", "new@example.com"), ("phone", "+380671112233")]
)
def test_an_event_that_names_an_unknown_person_makes_the_contact(send_params, name, value):
    assert send_params(**{name: value}).status_code == 200

    assert Event.objects.get().contact_id == Contact.objects.get().pk


def test_an_event_changes_no_field(send_params, olena):
    send_params(externalCustomerId="C-1", email="other@example.com", phone="+380671112233", firstName="X")

    contact = Contact.objects.get()
    assert (contact.email, contact.phone, contact.first_name) == ("olena@example.com", "+380501112233", "Олена")


@pytest.mark.parametrize("path", EVENTS)
def test_values_may_be_nested(send_params, olena, path):
    params = {
        "email": "olena@example.com",
        "cart": {"items": [{"id": 1, "tags": []}], "sum": 10.5},
        "gift": None,
        "n": 7,
    }

    assert send_params(path, **params).status_code == 200

    assert Event.objects.get().params == params


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"eventTypeKey": 42}, {}),
        ({"eventTypeKey": " productViewed "}, {}),
        ({"keyValue": 42}, {"key": "42"}),
        ({"keyValue": " "}, {"key": ""}),
        ({"keyValue": None}, {"key": ""}),
        ({"params": VIEWED["params"][0]}, {"params": {"email": "olena@example.com"}}),
        (
            {"params": [*VIEWED["params"], None, {}, " ", {"name": 7, "value": "x"}, {"name": "page"}]},
            {"params": {"email": "olena@example.com", "7": "x", "page": None}},
        ),
        (
            {"params": [*VIEWED["params"], {"name": "phone", "value": " "}, {"name": "externalCustomerId"}]},
            {"params": {"email": "olena@example.com", "phone": " ", "externalCustomerId": None}},
        ),
        ({"unheardOf": [1], "occurred": "no time", "id": 7}, {}),
    ],
)
@pytest.mark.parametrize("path", EVENTS)
def test_events_as_real_clients_send_them_are_taken(call_api, path, change, stored):
    answer = call_api("post", path, {**VIEWED, **change})

    assert (answer.status_code, answer.content) == (200, b"")
    event = Event.objects.get()
    assert {name: getattr(event, name) for name in stored} == stored


MINE = VIEWED["params"]
REFUSED_EVENTS = {
    "once without a key": ({"once": True}, "invalid", {"keyValue": "required"}),
    "once in other words": ({"once": "perhaps"}, "invalid", {"once": "invalid_boolean"}),
    "once as a list": ({"once": [True]}, "invalid", {"once": "invalid_boolean"}),
    "no type": ({"eventTypeKey": ...}, "invalid", {"eventTypeKey": "required"}),
    "an empty type": ({"eventTypeKey": " "}, "invalid", {"eventTypeKey": "required"}),
    "a type too long": ({"eventTypeKey": "x" * 101}, "invalid", {"eventTypeKey": "too_long"}),
    "a type that is a list": ({"eventTypeKey": ["a"]}, "invalid", {"eventTypeKey": "invalid_value"}),
    "a type that is yes": ({"eventTypeKey": True}, "invalid", {"eventTypeKey": "invalid_value"}),
    "a type with a NUL": ({"eventTypeKey": "a\0"}, "invalid", {"eventTypeKey": "invalid_value"}),
    "a key too long": ({"keyValue": "x" * 301}, "invalid", {"keyValue": "too_long"}),
    "a key of many digits": ({"keyValue": FAR_TOO_LONG}, "invalid", {"keyValue": "too_long"}),
    "a key that is an object": ({"keyValue": {}}, "invalid", {"keyValue": "invalid_value"}),
    "nobody": ({"params": []}, "identifier_missing", {}),
    "no parameters": ({"params": ...}, "identifier_missing", {}),
    "only empty names": ({"params": [{"name": "email", "value": " "}]}, "identifier_missing", {}),
    "only junk": ({"params": [{"name": "email", "value": "null"}]}, "identifier_missing", {}),
    "an unknown id": (
        {"params": [{"name": "contactId", "value": 999_999}]},
        "contact_not_found",
        {"params[0].value": "contact_not_found"},
    ),
    "an unknown key": ({"params": [{"name": "contactKey", "value": "K-9"}]}, "contact_not_found", {}),
    "an unknown token": ({"params": [{"name": "pushToken", "value": "T-9"}]}, "contact_not_found", {}),
    "no id": ({"params": [{"name": "contactId", "value": "x"}]}, "invalid", {"params[0].value": "invalid_id"}),
    "an id that is a list": (
        {"params": [{"name": "contactId", "value": [1]}]},
        "invalid",
        {"params[0].value": "invalid_id"},
    ),
    "an id of many digits": (
        {"params": [{"name": "contactId", "value": FAR_TOO_LONG}]},
        "invalid",
        {"params": "invalid_value"},
    ),
    "no email": (
        {"params": [{"name": "page", "value": 1}, {"name": "Email", "value": "olena"}]},
        "invalid",
        {"params[1].value": "invalid_email"},
    ),
    "an email that is an object": (
        {"params": [{"name": "Email", "value": {}}]},
        "invalid",
        {"params[0].value": "invalid_email"},
    ),
    "no phone": ({"params": [*MINE, {"name": "SMS", "value": "12"}]}, "invalid", {"params[1].value": "invalid_phone"}),
    "three emails": (
        {"params": [{"name": name, "value": f"{name}@example.com"} for name in ("email", "userEmail", "contactEmail")]},
        "invalid",
        {"params": "too_many_values"},
    ),
    "a token that is an object": (
        {"params": [*MINE, {"name": "pushToken", "value": {"a": 1}}]},
        "invalid",
        {"params[1].value": "not_text"},
    ),
    "a token with a NUL": (
        {"params": [*MINE, {"name": "pushToken", "value": "t\0"}]},
        "invalid",
        {"params": "invalid_value"},
    ),
    "an external ID that is a list": (
        {"params": [{"name": "externalCustomerId", "value": [1]}]},
        "invalid",
        {"params[0].value": "not_text"},
    ),
    "an external ID too long": (
        {"params": [{"name": "externalCustomerId", "value": "x" * 101}]},
        "invalid",
        {"params[0].value": "external_id_too_long"},
    ),
    "parameters that are texts": (
        {"params": ["discount", "12%"]},
        "invalid",
        {
            "params[0]": "not_an_object",
            "params[1]": "not_an_object",
        },
    ),
    "parameters that are a number": ({"params": 5}, "invalid", {"params[0]": "not_an_object"}),
    "a parameter without a name": ({"params": [*MINE, {"value": 1}]}, "invalid", {"params[1].name": "required"}),
    "a parameter of a strange name": (
        {"params": [*MINE, {"name": {"a": 1}, "value": 1}]},
        "invalid",
        {"params[1].name": "required"},
    ),
    "a value with a NUL": ({"params": [*MINE, {"name": "a", "value": ["\0"]}]}, "invalid", {"params": "invalid_value"}),
    "a value that JSON cannot hold": (
        {"params": [*MINE, {"name": "a", "value": 10**30}]},
        "invalid",
        {"params": "invalid_value"},
    ),
}


@pytest.mark.parametrize(("change", "code", "paths"), REFUSED_EVENTS.values(), ids=REFUSED_EVENTS)
@pytest.mark.parametrize("path", EVENTS)
def test_an_event_that_cannot_be_taken_says_what_is_wrong_and_where(call_api, path, change, code, paths):
    body = {name: value for name, value in {**VIEWED, **change}.items() if value is not ...}

    answer = call_api("post", path, json.dumps(body), content_type="application/json")

    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (400, 400, code)
    assert {error["path"]: error["code"] for error in told["errors"]} == paths
    assert told["message"].endswith(".")
    assert not Event.objects.exists()
    assert not Contact.objects.exists()


def test_an_event_of_a_type_that_makes_no_contacts_finds_nobody(send_params):
    EventType(key="productViewed", when_nobody="refuse").save()

    answer = send_params(email="new@example.com")

    assert (answer.status_code, answer.json()["code"]) == (400, "contact_not_found")


def test_half_a_character_beside_a_long_number_is_refused_as_well(call_api):
    body = b'{"eventTypeKey": "a\\ud800", "params": [{"name": "externalCustomerId", "value": 12345678901234567890}]}'

    assert call_api("post", EVENTS[0], body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("body", [b"[]", b'"event"', b"7", b"null", b"true"])
@pytest.mark.parametrize("path", [ORDERS, *EVENTS, *PAST_EVENTS])
def test_a_body_of_another_shape_is_no_success(call_api, path, body):
    answer = call_api("post", path, body, content_type="application/json")

    if body == b"[]" and path not in EVENTS:
        assert answer.json() in ({"failedOrders": []}, {"results": [], "successCount": 0, "errorCount": 0})
    elif answer.status_code == 200:
        assert (answer.json().get("failedOrders") or answer.json().get("results")) != []
    else:
        assert answer.status_code == 400
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", EVENTS)
def test_an_event_has_at_most_20_kilobytes(call_api, path):
    large = {**VIEWED, "params": [*MINE, {"name": "text", "value": "x" * 20 * 1024}]}

    refused = call_api("post", path, large)
    taken = call_api("post", path, {**VIEWED, "params": [*MINE, {"name": "text", "value": "x" * 20_000}]})

    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert taken.status_code == 200


@pytest.mark.parametrize("once", [True, "true", 1])
@pytest.mark.parametrize("path", EVENTS)
def test_an_event_that_is_to_be_stored_once_is_accepted_again(call_api, olena, path, once):
    sent = {**VIEWED, "keyValue": "K-1", "once": once}

    answers = [call_api("post", path, sent) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]
    assert Event.objects.count() == 1


@pytest.mark.parametrize("once", [False, "false", None, " "])
def test_without_once_the_same_key_is_stored_again(call_api, olena, once):
    for _ in range(2):
        call_api("post", EVENTS[0], {**VIEWED, "keyValue": "K-1", "once": once})

    assert Event.objects.count() == 2


def test_an_event_of_nobody_is_accepted_where_its_type_keeps_it(send_params):
    EventType.objects.create(key="productViewed", when_nobody="keep")

    assert send_params(email="new@example.com").status_code == 200

    assert not Event.objects.exists()
    assert UnmatchedEvent.objects.get().by.startswith("key:")


# Past events


def test_past_events_may_be_sent_again_as_a_whole(call_api, olena):
    sent = [{**PAST, "keyValue": f"K-{number}", "once": True} for number in (1, 2, 2)]

    answers = [call_api("post", PAST_EVENTS[0], {"events": sent}).json() for _ in range(2)]

    assert [(answer["successCount"], answer["errorCount"]) for answer in answers] == [(3, 0), (3, 0)]
    assert sorted(Event.objects.values_list("key", flat=True)) == ["K-1", "K-2"]


@pytest.mark.parametrize("path", PAST_EVENTS)
def test_past_events_are_answered_one_by_one(call_api, olena, path):
    answer = call_api("post", path, {"events": [PAST, {**PAST, "keyValue": "K-2", "occurred": "2026-03-23"}]})

    assert answer.content == (
        b'{"results":[{"status":"ACCEPTED"},{"status":"ACCEPTED"}],"successCount":2,"errorCount":0}'
    )
    assert answer["Content-Type"] == JSON
    assert list(Event.objects.order_by("key").values_list("contact_id", "key", "occurred_at")) == [
        (olena, "K-1", datetime(2026, 3, 22, 14, 30, tzinfo=UTC)),
        (olena, "K-2", datetime(2026, 3, 23, tzinfo=UTC)),
    ]


REFUSED_PAST_EVENTS = {
    "once without a key": ({"once": True, "keyValue": " "}, "REQUIRED"),
    "no time": ({"occurred": ...}, "OCCURRED_DATE_IS_REQUIRED"),
    "an empty time": ({"occurred": " "}, "OCCURRED_DATE_IS_REQUIRED"),
    "a time in words": ({"occurred": "yesterday"}, "INCORRECT_OCCURRED_DATE_FORMAT"),
    "a time of milliseconds": ({"occurred": 1679495400000}, "INCORRECT_OCCURRED_DATE_FORMAT"),
    "a time that is a list": ({"occurred": ["2026-03-22"]}, "INCORRECT_OCCURRED_DATE_FORMAT"),
    "a time before all times": ({"occurred": "0001-01-01T00:00:00+14:00"}, "INCORRECT_OCCURRED_DATE_FORMAT"),
    "a time long ago": ({"occurred": "1969-12-31T23:59:59Z"}, "OCCURRED_TIME_TOO_DEPTH"),
    "a time to come": ({"occurred": "2999-01-01T00:00:00Z"}, "OCCURRED_TIME_IN_FUTURE"),
    "no type": ({"eventTypeKey": ""}, "REQUIRED"),
    "a key too long": ({"keyValue": "x" * 301}, "TOO_LONG"),
    "a strange parameter": ({"params": ["email"]}, "NOT_AN_OBJECT"),
    "no email": ({"params": [{"name": "email", "value": "olena"}]}, "INVALID_EMAIL"),
    "nobody": ({"params": None}, "IDENTIFIER_MISSING"),
    "an unknown id": ({"params": [{"name": "contactId", "value": 999_999}]}, "CONTACT_NOT_FOUND"),
}


@pytest.mark.parametrize(("change", "status"), REFUSED_PAST_EVENTS.values(), ids=REFUSED_PAST_EVENTS)
@pytest.mark.parametrize("path", PAST_EVENTS)
def test_a_past_event_that_cannot_be_taken_keeps_no_other_back(call_api, path, change, status):
    body = {name: value for name, value in {**PAST, **change}.items() if value is not ...}

    answer = call_api("post", path, {"events": [body, PAST, 7]})

    told = answer.json()
    assert [result["status"] for result in told["results"]] == [status, "ACCEPTED", "NOT_AN_OBJECT"]
    assert (answer.status_code, told["successCount"], told["errorCount"]) == (200, 1, 2)
    assert Event.objects.count() == 1


def test_a_time_without_a_zone_is_of_the_accounts(call_api):
    Account(time_zone="Europe/Kyiv").save()
    now = datetime.now(UTC)
    local = (now + timedelta(hours=1)).isoformat()[:19]  # an hour ago in Kyiv, or two

    answer = call_api("post", PAST_EVENTS[0], {"events": [{**PAST, "occurred": local}]})

    assert answer.json()["results"] == [{"status": "ACCEPTED"}]
    assert Event.objects.get().occurred_at < now


def test_500_past_events_are_taken_and_501_are_refused(call_api):
    events = [{**PAST, "keyValue": number} for number in range(MOST_PAST_EVENTS + 1)]

    refused = call_api("post", PAST_EVENTS[1], {"events": events})
    taken = call_api("post", PAST_EVENTS[1], {"events": events[1:]})

    message = "Send at most 500 at a time; these are 501."
    assert refused.status_code == 400
    assert refused.json()["errors"] == [{"path": "events", "code": "too_many", "message": message}]
    assert (taken.json()["successCount"], taken.json()["errorCount"]) == (500, 0)
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("body", [{"events": PAST}, [PAST], {"events": [PAST], "more": {}}])
def test_one_past_event_counts_as_a_list_of_one(call_api, body):
    assert call_api("post", PAST_EVENTS[0], body).json()["successCount"] == 1


@pytest.mark.parametrize("body", [{}, {"events": None}, {"events": " "}, {"orders": " "}])
@pytest.mark.parametrize("path", [ORDERS, *PAST_EVENTS])
def test_a_body_without_its_list_is_refused(call_api, path, body):
    answer = call_api("post", path, body)

    name = "orders" if path == ORDERS else "events"
    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [(name, "required")]


@pytest.mark.parametrize(("method", "path"), [("delete", PAST_EVENTS[0]), ("post", "/api/v1/auth/token")])
def test_what_is_not_offered_is_not_there(call_api, method, path):
    answer = call_api(method, path, {"from": "2026-01-01"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# The frame

CALLS = {
    ORDERS: {"orders": [ORDER]},
    **dict.fromkeys(EVENTS, VIEWED),
    **{path: {"events": [PAST]} for path in PAST_EVENTS},
}


@pytest.mark.parametrize("path", CALLS)
def test_a_slash_at_the_end_an_empty_user_name_and_a_packed_body_are_fine(path):
    _key, secret = create_api_key("Shop", scope="events")
    credentials = base64.b64encode(f":{secret}".encode()).decode()

    answer = Client().generic(
        "POST",
        f"{path}/",
        gzip.compress(json.dumps(CALLS[path]).encode()),
        "application/json",
        HTTP_CONTENT_ENCODING="gzip",
        HTTP_AUTHORIZATION=f"Basic {credentials}",
    )

    assert answer.status_code == 200
    assert Event.objects.count() == 1


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("scope", ["full", "contacts_and_events", "contacts_and_events_write", "events", "read"])
def test_a_key_that_may_write_events_may_send_them(call_api, path, scope):
    answer = call_api("post", path, CALLS[path], scope=scope)

    assert answer.status_code == (403 if scope == "read" else 200)
    assert scope != "read" or answer.json()["code"] == "scope_too_narrow"


@pytest.mark.parametrize("path", CALLS)
def test_events_have_a_rate_of_their_own(call_api, path):
    answer = call_api("post", path, CALLS[path])

    assert answer["X-RateLimit-Limit"] == ("200" if path == ORDERS else "350")


@pytest.mark.parametrize("path", CALLS)
def test_nothing_is_read_there(call_api, path):
    answer = call_api("get", path)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("body", [b"{", b"\0", b"{} {}", b'{"orders": NaN}', b'{"a":' * 50_000])
def test_a_body_that_is_no_json_is_refused(call_api, path, body):
    answer = call_api("post", path, body, content_type="application/json")

    assert answer.status_code in (400, 413)
    assert answer.json()["code"] in ("malformed", "body_too_large")


@pytest.mark.parametrize("path", CALLS)
def test_a_call_sent_again_under_its_key_is_answered_again_and_done_once(call_api, path):
    first, second = (call_api("post", path, CALLS[path], HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Event.objects.count() == 1
