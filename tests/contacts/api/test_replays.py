"""Every operation of the API, sent as real clients send it, and its refusals: one table over all of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from contacts.identity import delete_contacts, erase_contacts, merge_contacts, resolve_one
from contacts.identity.types import API
from contacts.models import Account, Contact
from crm.api.keys import create_api_key
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import Segment, SegmentType

pytestmark = pytest.mark.django_db

JSON = "application/json; charset=UTF-8"
FORM = "multipart/form-data; boundary=x"
RESOURCES = re.compile(r"/api/v1/(contacts/(external-id|email)/|purchases|(im|ex)ports(/|$)|warehouses(/|$))")
"""Addresses whose errors have the other shape."""
HOST = "1.1.1.1"
"""A public one that needs no looking up; nothing is fetched, since no worker runs."""
EMAIL = {"type": "email", "value": "olena@example.com"}
ORDER = {
    "externalOrderId": 17,
    "externalCustomerId": 42,
    "totalCost": "99.50",
    "status": "DELIVERED",
    "date": "2026-11-20T10:00:00.1234567",
    "currency": "UAH",
}
EVENT = {"eventTypeKey": "cartViewed", "params": [{"name": "externalCustomerId", "value": 42}]}
PAST = {"events": [{**EVENT, "occurred": "2026-11-20T10:00:00Z"}]}
PURCHASE = {"contactExternalId": 42, "purchaseId": 18, "purchaseDate": "2026-11-20", "totalPrice": 99}
DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="contacts.csv"'
WAREHOUSE = {
    "name": "Company",
    "kind": "postgresql",
    "secret": "postgresql://writer:secret@127.0.0.1:1/company",
    "settings": {"schema": "cardfile"},
    "everyMinutes": 30,
}
CSV = b"--x\r\n" + DISPOSITION + b"\r\n\r\nemail\nolha@example.com\n\r\n--x--\r\n"


class Operation(NamedTuple):
    """A call that is right; ``says`` is the whole text of an answer whose text is fixed."""

    method: str
    path: str
    body: Any = None
    query: str = ""
    status: int = 200
    says: str | None = None
    scope: str = ""
    """One that is too narrow, where the method does not tell."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_read(self) -> bool:
        return self.method in ("GET", "DELETE")

    @property
    def takes_json(self) -> bool:
        return isinstance(self.body, dict)


V1 = "/api/v1/"
ONE = V1 + "contact/{contact_id}"
GROUP = V1 + "group/{group_id}/contacts"
ACTIVATED = V1 + "contact/token/activated/{app}/{token}"
BY_ID = V1 + "contacts/external-id/{external_id}"
BY_EMAIL = V1 + "contacts/email/{email}"
HOUSE = V1 + "warehouses/{warehouse_id}"

OPERATIONS = [
    Operation("POST", V1 + "contact", {"externalCustomerId": 42, "lastName": " ", "channels": [EMAIL], "fields": []}),
    Operation(
        "DELETE",
        V1 + "contact",
        query="externalCustomerId=42&erase=false",
        says="Contact with externalCustomerId='42' has been deleted",
    ),
    Operation("GET", ONE),
    Operation(
        "PUT",
        ONE,
        {"contact": {"firstName": "Olha", "lastName": " ", "channels": [EMAIL]}},
        says="Contact with id='{contact_id}' has been updated",
    ),
    Operation("DELETE", ONE, query="erase=true", says="Contact with id='{contact_id}' has been deleted"),
    Operation("POST", V1 + "contact/subscribe", {"contact": {"channels": [EMAIL]}, "groups": ["A"], "formType": " "}),
    Operation("GET", ONE + "/confirmation"),
    Operation("GET", V1 + "contacts", query="email=olena@example.com&sms=%20&startindex=1&sortBy=contactId"),
    Operation("POST", V1 + "contacts", {"contacts": [{"channels": [EMAIL]}], "dedupeOn": "email", "mode": " "}),
    Operation("POST", V1 + "contacts/upload", {"link": "https://{host}/a.csv", "dedupeOn": "email"}),
    Operation("GET", V1 + "importstatus/{session_id}"),
    Operation("GET", V1 + "contacts/email", query="ids={contact_id},%20"),
    Operation("POST", V1 + "emails/unsubscribed/add", {"emails": ["olena@example.com"]}),
    Operation("POST", V1 + "emails/unsubscribed/delete", {"emails": ["olena@example.com"]}),
    Operation("GET", V1 + "addressbooks"),
    Operation("GET", V1 + "account/info"),
    Operation("GET", V1 + "version"),
    Operation("GET", V1 + "workflows", says="[]"),
    Operation("GET", V1 + "groups", query="name=%20&maxrows=5"),
    Operation("GET", V1 + "group/{group_id}"),
    Operation("GET", GROUP, query="startindex=1&maxrows=5"),
    Operation("GET", GROUP + "/{contact_id}/explain"),
    Operation("POST", V1 + "group/{group_id}/snapshot", {"name": "Regulars of today"}),
    Operation(
        "POST",
        GROUP + "/attach",
        {"contactIds": ["{contact_id}"], "externalCustomerIds": " "},
        says="Contacts have been attached to group with id='{group_id}'",
    ),
    Operation(
        "POST",
        GROUP + "/detach",
        {"externalCustomerIds": ["42"]},
        says="Contacts have been detached from group with id='{group_id}'",
    ),
    Operation("GET", V1 + "subscriptions"),
    Operation("GET", ONE + "/subscriptions", says="[]"),
    Operation(
        "PUT",
        ONE + "/subscriptions",
        {"subscriptions": ["news"]},
        says="Subscriptions of contact with id='{contact_id}' have been updated",
    ),
    Operation("POST", V1 + "orders", {"orders": [{**ORDER, "restoreUrl": " "}]}, says='{{"failedOrders":[]}}'),
    Operation("POST", V1 + "event", {**EVENT, "keyValue": " "}, says=""),
    Operation("POST", "/api/v2/event", {**EVENT, "keyValue": 7}, says=""),
    *(
        Operation(
            "POST",
            f"/api/v{version}/past_events",
            PAST,
            says='{{"results":[{{"status":"ACCEPTED"}}],"successCount":1,"errorCount":0}}',
        )
        for version in (1, 2)
    ),
    Operation("GET", ACTIVATED, says='{{"active":true}}'),
    Operation("PUT", ACTIVATED, {"active": False}, says='{{"active":false}}'),
    Operation("GET", V1 + "contact/token/{app}/{token}/contactId", says='{{"id":{contact_id}}}'),
    Operation(
        "POST",
        V1 + "apps/{app}/tokens",
        {"tokens": [{"token": "t-1", "externalCustomerId": "42", "email": " "}]},
        says="Tokens have been added",
    ),
    Operation("POST", V1 + "apps/{app}/token/mute", {"token": "{token}", "duration": 60}, says="Token has been muted"),
    Operation("POST", V1 + "apps/{app}/token/unmute", {"token": "{token}"}, says="Token has been unmuted"),
    Operation("GET", BY_ID),
    Operation("PATCH", BY_ID, {"_name": "Olha", "_surname": " ", "_mobilePhone": 380501234567}),
    Operation("DELETE", BY_ID, status=204, says=""),
    Operation("GET", BY_EMAIL),
    Operation("PATCH", BY_EMAIL, {"firstName": "Olha", "_externalId": 42}),
    Operation("DELETE", BY_EMAIL, status=204, says=""),
    Operation("POST", V1 + "purchases", {**PURCHASE, "cartId": " ", "products": [{"id": 5}]}, status=201),
    Operation("GET", V1 + "imports", query="status=%20"),
    Operation("POST", V1 + "imports", CSV),
    Operation("GET", V1 + "imports/{import_id}"),
    Operation("GET", V1 + "exports", query="maxrows=5"),
    Operation("POST", V1 + "exports", {"format": " ", "columns": ["email"], "segment": "{group_id}"}, scope="events"),
    Operation("GET", V1 + "exports/{export_id}"),
    Operation("POST", V1 + "exports/{export_id}/cancel", {}, scope="events"),
    Operation("GET", V1 + "resolve", query="externalCustomerId=42&email=%20"),
    Operation("POST", ONE + "/merge", {"loserId": "{other_id}", "choices": " "}),
    Operation("POST", V1 + "merges/{merge_id}/undo", {}),
    Operation("GET", ONE + "/history", query="kind=%20"),
    Operation("GET", ONE + "/totals"),
    Operation("GET", V1 + "warehouses", query="maxrows=5"),
    Operation("POST", V1 + "warehouses", WAREHOUSE, status=201),
    Operation("GET", HOUSE),
    Operation("PATCH", HOUSE, {"name": "Company", "everyMinutes": 30}),
    Operation("DELETE", HOUSE, status=204, says=""),
    Operation("POST", HOUSE + "/test", {}),
    Operation("GET", HOUSE + "/runs", query="maxrows=5"),
    Operation("POST", HOUSE + "/runs", {"kind": "full"}, status=201),
    Operation("POST", HOUSE + "/cancel", {}, status=404),  # nothing is under way
]
NOT_BY_KEY = {
    "GET /api/v1/files/{token}",
    "POST /api/v1/device",
    "POST /api/v1/user",
    "POST /api/v1/events",
    "POST /api/v1/web/events",
    "POST /api/v1/web/identify",
}
"""A link to a file is signed; it is all one needs. Apps and pages have keys of their own: tests/contacts/tracking."""
FOR_EVERY_KEY = {"GET /api/v1/account/info", "GET /api/v1/version", "GET /api/v1/workflows"}
BY_NAME = {operation.name: operation for operation in OPERATIONS}


class World(dict[str, Any]):
    """What an address may name, made when it is first named."""

    def __init__(self, call: Callable[..., Any]) -> None:
        olena = {"external_id": "42", "email": EMAIL["value"], "first_name": "Olena"}
        token = {"kind": "mobile_push", "app": "7", "value": "push-1"}
        olena_id = resolve_one({**olena, "identifiers": [token]}, API, by="user:1").contact_id
        super().__init__(
            contact_id=olena_id, host=HOST, app="7", token="push-1", external_id="42", email=EMAIL["value"]
        )
        self.call = call

    def __missing__(self, name: str) -> Any:
        self[name] = getattr(self, f"make_{name}")()
        return self[name]

    def fill(self, given: Any) -> Any:
        """The same with the names in braces replaced."""
        if isinstance(given, dict):
            return {name: self.fill(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self.fill(value) for value in given]
        return given.format_map(self) if isinstance(given, str) else given

    def make_other_id(self) -> Any:
        return resolve_one({"external_id": "43", "first_name": "Olha"}, API, by="user:1").contact_id

    def make_group_id(self) -> Any:
        segment = save_segment(Segment(name="Regulars", type=SegmentType.STATIC))
        add_members(segment, [self["contact_id"]], by="user:1")
        return segment.pk

    def make_other_external_id(self) -> Any:
        return Contact.objects.get(pk=self["other_id"]).external_id

    def make_deleted_external_id(self) -> Any:
        delete_contacts([self["other_id"]], by="user:1")
        return self["other_external_id"]

    def make_erased_id(self) -> Any:
        erase_contacts([self["other_id"]], by="user:1")
        return self["other_id"]

    def make_dynamic_id(self) -> Any:
        everybody = {"version": 1, "match": {"all": [{"field": "email", "op": "is_not_empty"}]}}
        return save_segment(Segment(name="Everybody", type=SegmentType.DYNAMIC, definition=everybody)).pk

    def make_merge_id(self) -> Any:
        return merge_contacts(self["contact_id"], self["other_id"], by="user:1")

    def make_session_id(self) -> Any:
        body = {"contacts": [{"channels": [EMAIL]}], "dedupeOn": "email"}
        return self.call("POST", V1 + "contacts", body).json()["asyncSessionId"]

    def make_import_id(self) -> Any:
        return self.call("POST", V1 + "imports", CSV).json()["id"]

    def make_warehouse_id(self) -> Any:
        return self.call("POST", V1 + "warehouses", WAREHOUSE).json()["id"]

    def make_export_id(self) -> Any:
        return self.call("POST", V1 + "exports", {}).json()["id"]


@pytest.fixture
def secret(db: None) -> str:
    return create_api_key("Shop", scope="full")[1]


@pytest.fixture
def call(secret: str, settings: Any, tmp_path: Any) -> Callable[..., Any]:
    settings.IMPORTS_DIR, settings.EXPORTS_DIR = tmp_path / "imports", tmp_path / "exports"
    settings.SECRETS_KEY = [Fernet.generate_key().decode()]
    Account.objects.create(upload_hosts=HOST)

    def call(method: str, path: str, body: Any = None, *, user: str = "", key: str = secret, **headers: str) -> Any:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = FORM if sent is CSV else "application/json"
        if key:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()
        return Client().generic(method, path, sent, kind, headers=headers)

    return call


@pytest.fixture
def world(call: Callable[..., Any]) -> World:
    return World(call)


def address_of(operation: Operation, world: World, *, slash: str = "", query: str = "") -> str:
    parts = [part for part in (world.fill(operation.query), query) if part]
    return world.fill(operation.path) + slash + ("?" + "&".join(parts) if parts else "")


def turned(given: Any) -> Any:
    """Numbers as texts, and texts of digits as numbers."""
    if isinstance(given, dict):
        return {name: turned(value) for name, value in given.items()}
    if isinstance(given, list):
        return [turned(value) for value in given]
    if isinstance(given, str):
        return int(given) if given.isdigit() else given
    return str(given).lower() if isinstance(given, bool) else str(given) if isinstance(given, int) else given


def unlisted(given: Any) -> Any:
    """One object for a list of one."""
    if isinstance(given, dict):
        return {name: unlisted(value) for name, value in given.items()}
    return unlisted(given[0]) if isinstance(given, list) and len(given) == 1 else given


DRESSES: dict[str, Callable[[Any], Any]] = {
    "plain": lambda body: body,
    "with unknown properties": lambda body: {**body, "unheardOf": {"a": [1, None]}, "dryrun": True},
    "with numbers as texts and texts as numbers": turned,
    "with one object for a list": unlisted,
}


def check(operation: Operation, answer: Any, world: World) -> None:
    assert answer.status_code == operation.status, answer.content
    assert answer.get("Content-Type") == (None if operation.status == 204 else JSON)
    if operation.says is not None:
        assert answer.content.decode() == world.fill(operation.says)


def described() -> Iterator[str]:
    from drf_spectacular.generators import SchemaGenerator

    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return (f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


def test_every_operation_that_is_described_is_in_the_table():
    assert set(described()) == set(BY_NAME) | NOT_BY_KEY


def each(operations: list[Operation]) -> Any:
    return pytest.mark.parametrize("operation", operations, ids=[operation.name for operation in operations])


# As real clients send it


@each(OPERATIONS)
def test_a_slash_at_the_end_an_empty_user_name_and_unknown_parameters_are_fine(call, world, operation):
    address = address_of(operation, world, slash="/", query="unheardOf=1")

    check(operation, call(operation.method, address, world.fill(operation.body), user=""), world)


@each([operation for operation in OPERATIONS if operation.is_read])
def test_a_body_where_none_belongs_is_not_looked_at(call, world, operation):
    address = address_of(operation, world)

    check(operation, call(operation.method, address, b'{"id": [\0\xff', user="anybody"), world)


@each([operation for operation in OPERATIONS if operation.takes_json])
@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
def test_a_body_is_read_however_it_is_dressed(call, world, operation, dress):
    body = dress(world.fill(operation.body))

    check(operation, call(operation.method, address_of(operation, world), body), world)


# Refusals


def check_refusal(operation: Operation, answer: Any, *statuses: int) -> None:
    told = answer.json()
    assert answer["Content-Type"] == JSON
    assert (answer.status_code, told["status"]) == (statuses[0], statuses[0]), told
    if RESOURCES.match(operation.path):
        assert all(told[name] for name in ("title", "detail", "code"))
    else:
        assert all(told[name] for name in ("code", "message"))
        assert isinstance(told["errors"], list)


@each(OPERATIONS)
def test_without_a_valid_key_nothing_is_told(call, world, operation):
    address, body = address_of(operation, world), world.fill(operation.body)
    expired = create_api_key("Old", scope="full", expires_at=datetime.now(UTC))[1]

    for key in ("", "cf_wrong", expired):
        check_refusal(operation, call(operation.method, address, body, key=key), 401)


@each([operation for operation in OPERATIONS if operation.name not in FOR_EVERY_KEY])
def test_a_scope_too_narrow_is_told_so(call, world, operation):
    narrow = operation.scope or ("events" if operation.method == "GET" else "read")
    key = create_api_key("Narrow", scope=narrow)[1]

    answer = call(operation.method, address_of(operation, world), world.fill(operation.body), key=key)

    check_refusal(operation, answer, 403)


@each(OPERATIONS)
def test_a_method_that_is_not_offered_is_told_so(call, world, operation):
    check_refusal(operation, call("TRACE", address_of(operation, world)), 405)


UNREADABLE: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no JSON": (b'{"a": ', {}, 400),
    "65 levels": (b'{"a":' * 65 + b"1" + b"}" * 65, {}, 400),
    "broken gzip": (b"\x1f\x8b\x08 broken", {"Content-Encoding": "gzip"}, 400),
    "too much of it": (b'{"a": "' + b"x" * 3_000 + b'"}', {}, 413),
}


@each([operation for operation in OPERATIONS if operation.takes_json and operation.body])
@pytest.mark.parametrize(("body", "headers", "status"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_is_told_so(call, world, settings, operation, body, headers, status):
    address, settings.MOST_BODY_BYTES = address_of(operation, world), 2_000
    if "event" in operation.path and "past" not in operation.path and status == 413:
        body = b'{"a": "' + b"x" * 21_000 + b'"}'

    check_refusal(operation, call(operation.method, address, body, **headers), status)


class Refusal(NamedTuple):
    """What the contract refuses of one operation: a body or a query, and what is told."""

    operation: str
    code: str
    status: int = 400
    body: Any = None
    query: str = ""


REFUSALS = {
    "an external ID that another has (L10)": Refusal(
        "PUT " + ONE, "external_id_taken", 409, {"externalCustomerId": "{other_external_id}"}
    ),
    "an external ID that a deleted one has (L10)": Refusal(
        "PUT " + ONE, "external_id_taken", 409, {"externalCustomerId": "{deleted_external_id}"}
    ),
    "an unknown id (L12)": Refusal("GET " + V1 + "contact/999999", "contact_not_found", 404),
    "an unknown id to write to (L12)": Refusal(
        "PUT " + V1 + "contact/999999", "contact_not_found", 404, {"firstName": "Olena"}
    ),
    "an erased contact (L13)": Refusal("GET " + V1 + "contact/{erased_id}", "contact_not_found", 404),
    "three emails (T14)": Refusal(
        "POST " + V1 + "contact",
        "too_many_values",
        body={"channels": [{"type": "email", "value": f"olena{n}@example.com"} for n in range(3)]},
    ),
    "a name of 41 characters": Refusal(
        "POST " + V1 + "contact", "too_long", body={"externalCustomerId": "42", "firstName": "O" * 41}
    ),
    "an external ID of 101 characters": Refusal(
        "POST " + V1 + "contact", "external_id_too_long", body={"externalCustomerId": "x" * 101}
    ),
    "a custom field that there is not": Refusal(
        "POST " + V1 + "contact", "unknown_field", body={"externalCustomerId": "42", "fields": [{"id": 999}]}
    ),
    "neither true nor false": Refusal("DELETE " + ONE, "invalid_boolean", query="erase=perhaps"),
    "nobody to subscribe": Refusal("POST " + V1 + "contact/subscribe", "required", body={"formType": "footer"}),
    "a form's name that no event may have": Refusal(
        "POST " + V1 + "contact/subscribe",
        "invalid_character",
        body={"contact": {"channels": [EMAIL]}, "formType": "?"},
    ),
    "no ids": Refusal("GET " + V1 + "contacts/email", "required", query="ids=%20"),
    "a page that is no number": Refusal("GET " + V1 + "contacts", "invalid_number", query="maxrows=all"),
    "no emails": Refusal("POST " + V1 + "emails/unsubscribed/add", "required", body={"groups": 1}),
    "a session that there is not": Refusal("GET " + V1 + "importstatus/" + "0" * 32, "not_found", 404),
    "no dedupeOn": Refusal("POST " + V1 + "contacts", "required", body={"contacts": [{"id": 1}]}),
    "a contact field that there is not": Refusal(
        "POST " + V1 + "contacts",
        "unknown_contact_field",
        body={"contacts": [{"id": 1}], "dedupeOn": "id", "contactFields": ["shoeSize"]},
    ),
    "a link without TLS": Refusal(
        "POST " + V1 + "contacts/upload", "host_not_listed", body={"link": "http://{host}/a.csv", "dedupeOn": "email"}
    ),
    "nobody named": Refusal("POST " + V1 + "contact", "identifier_missing", body={"firstName": "Olena"}),
    "an unknown person": Refusal("DELETE " + V1 + "contact", "contact_not_found", 404, query="externalCustomerId=9"),
    "an exclusive parameter": Refusal(
        "GET " + V1 + "contacts", "exclusive_parameter", query="externalCustomerId=42&email=olena@example.com"
    ),
    "3,001 contacts": Refusal(
        "POST " + V1 + "contacts", "too_many_contacts", body={"contacts": [{"id": 1}] * 3_001, "dedupeOn": "id"}
    ),
    "an unknown dedupeOn": Refusal(
        "POST " + V1 + "contacts", "unknown_dedupe", body={"contacts": [{"id": 1}], "dedupeOn": "fax"}
    ),
    "a host that is not on the list": Refusal(
        "POST " + V1 + "contacts/upload",
        "host_not_listed",
        body={"link": "https://example.org/a.csv", "dedupeOn": "email"},
    ),
    "1,001 orders": Refusal("POST " + V1 + "orders", "too_many", body={"orders": [ORDER] * 1_001}),
    "501 past events": Refusal("POST " + V1 + "past_events", "too_many", body={"events": [{}] * 501}),
    "an event of nobody": Refusal(
        "POST " + V1 + "event", "identifier_missing", body={"eventTypeKey": "cartViewed", "params": []}
    ),
    "an event of a contact that there is not (L17)": Refusal(
        "POST " + V1 + "event",
        "contact_not_found",
        body={"eventTypeKey": "cartViewed", "params": [{"name": "contactId", "value": 999_999}]},
    ),
    "an event without a type": Refusal("POST /api/v2/event", "required", body={"params": EVENT["params"]}),
    "a token that nobody has": Refusal("POST " + V1 + "apps/{app}/token/mute", "not_found", 404, {"token": "t-9"}),
    "3,001 tokens": Refusal("POST " + V1 + "apps/{app}/tokens", "too_many", body={"tokens": [{}] * 3_001}),
    "a segment that there is not": Refusal("GET " + V1 + "group/999999/contacts", "not_found", 404),
    "members of a dynamic segment": Refusal(
        "POST " + V1 + "group/{dynamic_id}/contacts/detach", "segment_not_static", body={}
    ),
    "no members": Refusal("POST " + GROUP + "/attach", "required", body={}),
    "501 members": Refusal("POST " + GROUP + "/attach", "too_many", body={"contactIds": [1] * 501}),
    "two kinds of members": Refusal(
        "POST " + GROUP + "/detach", "one_kind", body={"contactIds": [1], "externalCustomerIds": ["42"]}
    ),
    "a purchase of nobody": Refusal(
        "POST " + V1 + "purchases", "contact_not_found", 404, {**PURCHASE, "contactExternalId": "9"}
    ),
    "a resource that there is not": Refusal("GET " + V1 + "contacts/external-id/9", "contact_not_found", 404),
    "an import that there is not": Refusal("GET " + V1 + "imports/999999", "not_found", 404),
    "a segment to export that there is not": Refusal("POST " + V1 + "exports", "invalid", 422, {"segment": 9}),
    "a merge into oneself": Refusal("POST " + ONE + "/merge", "merge_refused", 409, {"loserId": "{contact_id}"}),
    "a merge that there is not": Refusal("POST " + V1 + "merges/999999/undo", "contact_not_found", 404, {}),
    "nobody to explain": Refusal("GET " + V1 + "resolve", "identifier_missing"),
    "an email that is none": Refusal("PATCH " + BY_ID, "invalid", 422, {"_email": "olena"}),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_the_contract_refuses_is_refused(call, world, refusal):
    method, path = refusal.operation.split(" ")
    operation = Operation(method, path, query=refusal.query)

    answer = call(operation.method, address_of(operation, world), world.fill(refusal.body))

    check_refusal(operation, answer, refusal.status)
    told = answer.json()
    assert refusal.code in {told["code"], *(error["code"] for error in told.get("errors", ()))}


def test_the_same_contact_within_a_minute_is_told_in_a_fixed_sentence(call):
    answers = [call("POST", V1 + "contact", {"externalCustomerId": "42"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 409]
    assert (answers[1].content, answers[1]["Content-Type"]) == (b"Duplicated request", JSON)


@each(OPERATIONS)
def test_what_an_address_allows_is_what_is_described(call, world, operation):
    allowed = call("OPTIONS", address_of(operation, world))["Allow"].split(", ")

    assert set(allowed) - {"HEAD", "OPTIONS"} == {one.method for one in OPERATIONS if one.path == operation.path}


def test_what_is_not_offered_yet_is_not_found(call):
    asked = [call("DELETE", V1 + "past_events"), call("POST", V1 + "auth/token"), call("GET", V1 + "auth/token/")]

    assert [answer.status_code for answer in asked] == [404] * 3
