"""One contact through the API: what integrators' clients send, and the answers they compare with."""

import base64
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.identity import merge_contacts
from contacts.models import Change, Contact, ContactState, CustomField, Identifier, Policy
from crm.api.keys import create_api_key

pytestmark = pytest.mark.django_db

OLENA = {"externalCustomerId": "C-1", "channels": [{"type": "email", "value": "olena@example.com"}]}
BOHDAN = {"externalCustomerId": "C-2", "channels": [{"type": "email", "value": "bohdan@example.com"}]}
TARAS = {"channels": [{"type": "sms", "value": "+380501234567"}]}


@pytest.fixture
def send(call_api):
    """Sends a contact; answers its id."""

    def send(body: dict[str, Any]) -> int:
        answer = call_api("post", "/api/v1/contact", body)
        assert answer.status_code == 200, answer.content
        return answer.json()["id"]

    return send


@pytest.fixture
def show(call_api):
    """Reads a contact by id."""
    return lambda contact_id: call_api("get", f"/api/v1/contact/{contact_id}").json()


@pytest.fixture
def tier(db):
    return CustomField.objects.create(key="tier", label="Tier")


def paths_of(answer) -> dict[str, str]:
    return {error["path"]: error["code"] for error in answer.json()["errors"]}


# Adding and updating


def test_a_new_contact_is_answered_by_its_id_alone(call_api):
    answer = call_api("post", "/api/v1/contact", OLENA)

    contact = Contact.objects.get()
    assert answer.content == b'{"id":%d}' % contact.pk
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert (contact.external_id, contact.email) == ("C-1", "olena@example.com")


def test_the_same_person_again_is_the_same_contact(send):
    assert send(OLENA) == send({**OLENA, "firstName": "Olena"})
    assert Contact.objects.get().first_name == "Olena"


def test_the_journal_names_the_key_that_wrote(send):
    send(OLENA)

    assert Change.objects.get().by.startswith("key:")


def test_everything_that_is_sent_is_shown_again(send, show, tier):
    sent = {
        "externalCustomerId": "C-1",
        "contactKey": "K-1",
        "firstName": "Олена",
        "lastName": "Коваль",
        "channels": [
            {"type": "email", "value": "Olena@Example.com"},
            {"type": "sms", "value": "+380501234567"},
            {
                "type": "mobilepush",
                "value": "token-1",
                "device": {"appId": "shop", "deviceModel": "iPhone 16", "os": "iOS", "active": True},
            },
            {"type": "webpush", "value": "web-1", "webPushSubscription": {"appId": 5, "userAgent": "Firefox"}},
            {"type": "telegram", "value": "tg-1"},
        ],
        "address": {"region": "Kyiv", "town": "Kyiv", "address": "Khreshchatyk, 1", "postcode": "01001"},
        "fields": [{"id": tier.pk, "value": "gold"}],
        "identifiers": [
            {"kind": "device", "value": "device-1"},
            {"kind": "app_instance", "app": "shop", "value": "instance-1"},
            {"kind": "cookie", "value": "cookie-1"},
            {"kind": "advertising", "value": "ad-1"},
        ],
        "languageCode": "uk",
        "timeZone": "Europe/Kyiv",
    }

    contact_id = send(sent)

    assert show(contact_id) == {"id": contact_id, **sent}


def test_what_a_contact_does_not_have_is_left_out(send, show):
    contact_id = send(TARAS)

    assert show(contact_id) == {"id": contact_id, "channels": [{"type": "sms", "value": "+380501234567"}]}


def test_what_was_read_can_be_sent_back(send, show, call_api):
    contact_id = send({**OLENA, "address": {"town": "Lviv"}, "identifiers": [{"kind": "cookie", "value": "cookie-1"}]})
    shown = show(contact_id)

    assert call_api("put", f"/api/v1/contact/{contact_id}", shown).status_code == 200
    assert show(contact_id) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"externalCustomerId": 42}, {"externalCustomerId": "42"}),
        ({"channels": {"type": "email", "value": "olena@example.com"}}, {}),
        ({"channels": [{"type": "sms", "value": 380501234567}]}, {}),
        ({"channels": [{"type": "viber", "value": "+380501234567"}]}, {}),
        ({"channels": [{"type": "EMAIL", "value": " olena@example.com "}]}, {}),
        ({"externalCustomerId": "C-1", "channels": None, "address": None, "fields": None}, {}),
        ({"externalCustomerId": "C-1", "channels": " ", "address": "", "fields": []}, {}),
        ({"externalCustomerId": "C-1", "firstName": 7}, {"firstName": "7"}),
        ({"externalCustomerId": "C-1", "unheardOf": {"a": [1]}, "addressBookId": 7200, "groups": [{}]}, {}),
        ({"externalCustomerId": "C-1", "id": 999_999}, {}),
        ({"externalCustomerId": "C-1", "channels": [{"type": "email"}]}, {}),
    ],
)
def test_what_real_clients_send_is_taken(send, show, body, shown):
    assert show(send(body)).items() >= shown.items()


def test_an_empty_value_changes_nothing(send, show, tier):
    contact_id = send({**OLENA, "firstName": "Olena", "fields": [{"id": tier.pk, "value": "gold"}]})

    send({**OLENA, "firstName": " ", "fields": [{"id": tier.pk, "value": ""}], "lastName": None})

    assert show(contact_id)["firstName"] == "Olena"
    assert show(contact_id)["fields"] == [{"id": tier.pk, "value": "gold"}]


def test_a_field_is_named_by_its_id_also_as_text(send, show, tier):
    contact_id = send({**OLENA, "fields": {"id": str(tier.pk), "value": 5}})

    assert show(contact_id)["fields"] == [{"id": tier.pk, "value": "5"}]


@pytest.mark.parametrize(
    ("kind", "sent", "shown"),
    [
        ("number", 12, "12"),
        ("decimal", "12.0", "12"),
        ("decimal", 12.5, "12.5"),
        ("boolean", "yes", "true"),
        ("date", "1990-05-01", "1990-05-01"),
        ("choices", ["a", "b"], "a,b"),
        ("choices", "a;b", "a,b"),
    ],
)
def test_a_custom_value_is_shown_as_text_and_can_be_sent_back(send, show, kind, sent, shown):
    field = CustomField.objects.create(key="extra", label="Extra", type=kind, options=["a", "b"])
    contact_id = send({**OLENA, "fields": [{"id": field.pk, "value": sent}]})

    send({**OLENA, "languageCode": "uk", "fields": show(contact_id)["fields"]})

    assert show(contact_id)["fields"] == [{"id": field.pk, "value": shown}]


def test_the_same_number_for_sms_and_viber_is_one(send, show):
    channels = [{"type": "sms", "value": "+380501234567"}, {"type": "viber", "value": "+380501234567"}]

    assert show(send({"channels": channels}))["channels"] == channels[:1]


def test_a_web_push_subscription_is_known_by_its_endpoint(send):
    send({"channels": [{"type": "webpush", "webPushSubscription": {"endpoint": "https://push.example.com/1"}}]})

    assert Identifier.objects.get().value == "https://push.example.com/1"


def test_a_token_longer_than_what_is_compared_is_shown_whole(send, show):
    token = "t" * 2_000

    assert show(send({"channels": [{"type": "webpush", "value": token}]}))["channels"][0]["value"] == token


# The named contact


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_update_answers_with_a_plain_sentence(call_api, send, slash):
    contact_id = send(OLENA)

    answer = call_api("put", f"/api/v1/contact/{contact_id}{slash}", {"firstName": "Olena"})

    assert answer.content == f"Contact with id='{contact_id}' has been updated".encode()
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert Contact.objects.get().first_name == "Olena"


def test_older_clients_wrap_the_contact(call_api, send, show):
    contact_id = send(OLENA)

    call_api("put", f"/api/v1/contact/{contact_id}", {"contact": {"firstName": "Olena", "externalCustomerId": "C-9"}})

    assert show(contact_id)["firstName"] == "Olena"
    assert show(contact_id)["externalCustomerId"] == "C-9"


def test_the_address_decides_who_is_named_not_the_body(call_api, send, show):
    olena, bohdan = send(OLENA), send(BOHDAN)

    call_api("put", f"/api/v1/contact/{olena}", {"id": bohdan, "firstName": "Olena"})

    assert "firstName" not in show(bohdan)


def test_an_external_id_that_another_contact_has_is_refused_and_the_other_named(call_api, send, show):
    olena, bohdan = send(OLENA), send(BOHDAN)

    answer = call_api("put", f"/api/v1/contact/{bohdan}", {"externalCustomerId": "C-1", "firstName": "Bohdan"})

    message = f"Contact {olena} has this external ID. Write to that contact, or merge the two."
    assert answer.status_code == 409
    assert answer.json() == {
        "status": 409,
        "code": "external_id_taken",
        "message": message,
        "errors": [{"path": "externalCustomerId", "code": "external_id_taken", "message": message}],
    }
    assert show(bohdan) == {"id": bohdan, **BOHDAN}


def test_an_external_id_of_a_deleted_contact_is_taken_too(call_api, send):
    olena, bohdan = send(OLENA), send(BOHDAN)
    call_api("delete", f"/api/v1/contact/{olena}")

    assert call_api("put", f"/api/v1/contact/{bohdan}", {"externalCustomerId": "C-1"}).status_code == 409


def test_an_external_id_that_the_policy_does_not_attach_is_a_conflict(call_api, send):
    send(TARAS)
    Policy.objects.create(external_id_attaches_to_found=False)

    answer = call_api("post", "/api/v1/contact", {**TARAS, "externalCustomerId": "C-3"})

    assert answer.status_code == 409
    assert paths_of(answer) == {"externalCustomerId": "external_id_conflict"}


def test_an_update_restores_a_deleted_contact(call_api, send, show):
    contact_id = send(OLENA)
    call_api("delete", f"/api/v1/contact/{contact_id}")

    assert call_api("put", f"/api/v1/contact/{contact_id}", {}).status_code == 200
    assert show(contact_id) == {"id": contact_id, **OLENA}


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("contact_id", [999_999, 2**63 - 1, 2**63, 0, "9" * 5_000])
def test_an_unknown_contact_is_not_found(call_api, method, contact_id):
    answer = call_api(method, f"/api/v1/contact/{contact_id}", {})

    assert answer.status_code == 404
    assert (answer.json()["status"], answer.json()["errors"]) == (404, [])
    assert not Contact.objects.exists()


@pytest.mark.parametrize("contact_id", ["abc", "-1", "1.5", "%00", "１"])
def test_what_is_no_id_is_no_address(call_api, contact_id):
    answer = call_api("get", f"/api/v1/contact/{contact_id}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_merged_contact_answers_as_its_survivor(call_api, send, show):
    olena, twin = send(OLENA), send(TARAS)
    merge_contacts(olena, twin, by="user:1")

    assert show(twin)["id"] == olena
    assert show(twin)["channels"] == [*OLENA["channels"], *TARAS["channels"]]
    updated = call_api("put", f"/api/v1/contact/{twin}", {"firstName": "Olena"})
    assert updated.content == f"Contact with id='{twin}' has been updated".encode()
    assert show(olena)["firstName"] == "Olena"


def test_further_addresses_of_a_merge_are_shown_after_the_primary_one(send, show):
    olena, twin = send(OLENA), send({"channels": [{"type": "email", "value": "olena@home.example.com"}]})
    merge_contacts(olena, twin, by="user:1")

    assert [channel["value"] for channel in show(olena)["channels"]] == ["olena@example.com", "olena@home.example.com"]


# Deleting


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_deleted_contact_is_gone_for_readers_and_can_be_deleted_again(call_api, send, slash):
    contact_id = send(OLENA)
    sentence = f"Contact with id='{contact_id}' has been deleted".encode()

    assert call_api("delete", f"/api/v1/contact/{contact_id}{slash}").content == sentence
    assert call_api("get", f"/api/v1/contact/{contact_id}").status_code == 404
    again = call_api("delete", f"/api/v1/contact/{contact_id}?erase=false")
    assert (again.status_code, again.content) == (200, sentence)
    assert Contact.objects.get().state == ContactState.DELETED


def test_erasing_leaves_nothing(call_api, send):
    contact_id = send(OLENA)

    answer = call_api("delete", f"/api/v1/contact/{contact_id}/?erase=true")

    assert answer.content == f"Contact with id='{contact_id}' has been deleted".encode()
    assert Contact.objects.get().email is None
    assert not Identifier.objects.exists()
    for method in ("get", "put", "delete"):
        assert call_api(method, f"/api/v1/contact/{contact_id}", {}).status_code == 404


def test_a_contact_is_deleted_by_its_external_id(call_api, send):
    contact_id = send(OLENA)

    answer = call_api("delete", "/api/v1/contact?externalCustomerId=C-1")

    assert answer.status_code == 200
    assert Contact.objects.get(pk=contact_id).state == ContactState.DELETED


def test_a_contact_is_erased_by_its_external_id(call_api, send):
    send(OLENA)

    assert call_api("delete", "/api/v1/contact/?externalCustomerId=C-1&erase=true").status_code == 200
    assert Contact.objects.get().state == ContactState.ERASED


@pytest.mark.parametrize("value", ["C-404", "c-1", "%00", "x" * 600, "%F0%9F%92%A9"])
def test_an_unknown_external_id_is_not_found_and_the_text_says_so(call_api, send, value):
    send(OLENA)

    answer = call_api("delete", f"/api/v1/contact?externalCustomerId={value}")

    assert answer.status_code == 404
    assert "not found" in answer.content.decode()
    assert Contact.objects.get().state == ContactState.ACTIVE


@pytest.mark.parametrize("query", ["", "?externalCustomerId=", "?externalCustomerId=%20", "?erase=true"])
def test_deleting_nobody_in_particular_is_refused(call_api, query):
    answer = call_api("delete", f"/api/v1/contact{query}")

    assert answer.status_code == 400
    assert paths_of(answer) == {"externalCustomerId": "required"}


def test_a_doubtful_erase_is_refused(call_api, send):
    contact_id = send(OLENA)

    answer = call_api("delete", f"/api/v1/contact/{contact_id}?erase=perhaps")

    assert (answer.status_code, paths_of(answer)) == (400, {"erase": "invalid_boolean"})
    assert Contact.objects.get().state == ContactState.ACTIVE


# Explaining


def test_a_dry_run_says_who_would_be_made_and_writes_nothing(call_api):
    answer = call_api("post", "/api/v1/contact?dryRun=true", {**OLENA, "firstName": "Olena"}).json()

    assert (answer["dryRun"], answer["contactId"], answer["status"], answer["rule"]) == (True, None, "created", "L9")
    assert answer["after"] == {**OLENA, "firstName": "Olena"}
    assert not Contact.objects.exists()


def test_a_dry_run_says_why_a_contact_is_meant_and_what_would_change(call_api, send, show, tier):
    olena = send({**OLENA, "firstName": "Olena", "fields": [{"id": tier.pk, "value": "silver"}]})
    before = show(olena)
    body = {
        "externalCustomerId": "C-77",
        "firstName": "Olha",
        "channels": [
            {"type": "email", "value": "null"},
            {"type": "sms", "value": "+380501234567"},
            {"type": "mobilepush", "value": "token-1", "device": {"appId": "shop"}},
        ],
        "fields": [{"id": tier.pk, "value": "gold"}],
    }
    send({"externalCustomerId": "C-1", "channels": [{"type": "sms", "value": "+380501234567"}]})

    answer = call_api("post", "/api/v1/contact?dryRun=1", {**body, "externalCustomerId": "C-1"}).json()

    assert (answer["contactId"], answer["status"], answer["matchedBy"]) == (olena, "updated", "external_id")
    assert answer["rule"] == "L1"
    assert answer["steps"] == [
        {"kind": "external_id", "value": "C-1", "contactIds": [olena], "verdict": "matched"},
    ]
    assert answer["before"] == {"firstName": "Olena", "fields": [{"id": tier.pk, "value": "silver"}]}
    assert answer["after"] == {
        "firstName": "Olha",
        "channels": [{"type": "mobilepush", "value": "token-1", "device": {"appId": "shop"}}],
        "fields": [{"id": tier.pk, "value": "gold"}],
    }
    assert [(entry["path"], entry["code"]) for entry in answer["warnings"]] == [("channels[0].value", "junk_value")]
    assert show(olena)["firstName"] == before["firstName"]


def test_a_dry_run_refuses_what_the_call_would_refuse(call_api):
    assert call_api("post", "/api/v1/contact?dryRun=true", {"firstName": "Olena"}).status_code == 400


def test_a_dry_run_takes_the_right_to_read(call_api, send):
    send(OLENA)

    assert call_api("post", "/api/v1/contact?dryRun=true", OLENA, scope="read").status_code == 200
    blind = call_api("post", "/api/v1/contact?dryRun=true", OLENA, scope="contacts_and_events_write")
    assert blind.status_code == 403


# Who may


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("full", {"post", "put", "get", "delete"}),
        ("contacts_and_events", {"post", "put", "get", "delete"}),
        ("contacts_and_events_write", {"post", "put"}),
        ("events", set()),
        ("read", {"get"}),
    ],
)
def test_a_key_may_do_what_its_scope_says(call_api, send, scope, allowed):
    contact_id = send({**OLENA, "languageCode": "uk"})
    calls = {"post": "/api/v1/contact"} | dict.fromkeys(("put", "get", "delete"), f"/api/v1/contact/{contact_id}")

    answers = {method: call_api(method, path, OLENA, scope=scope) for method, path in calls.items()}

    assert {method for method, answer in answers.items() if answer.status_code == 200} == allowed
    refused = {answer.json()["code"] for method, answer in answers.items() if method not in allowed}
    assert refused <= {"scope_too_narrow"}


@pytest.mark.parametrize("path", ["/api/v1/contact", "/api/v1/contact/1", "/api/v1/contact/1/"])
def test_without_a_key_nothing_is_told(client, path):
    for method in ("post", "put", "get", "delete"):
        answer = getattr(client, method)(path)
        assert answer.status_code == 401
        assert answer.json()["status"] == 401
        assert answer["Content-Type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize("scheme", [b":wrong", b"wrong", b"a:b:c", b"\xff:\xff", b""])
def test_a_wrong_key_is_told_so(scheme):
    header = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(scheme).decode()}

    assert Client().get("/api/v1/contact/1", **header).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/api/v1/contact"), ("put", "/api/v1/contact"), ("post", "/api/v1/contact/1")]
)
def test_a_method_that_is_not_offered_is_told_so(call_api, method, path):
    answer = call_api(method, path)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert "Allow" in answer


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_on_reading_or_deleting_is_ignored(send, method):
    path = f"/api/v1/contact/{send(OLENA)}"
    _key, secret = create_api_key("Shop", scope="full")
    header = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f":{secret}".encode()).decode()}

    assert Client().generic(method, path, b"{broken", "text/csv", **header).status_code == 200


# What it costs


def test_beside_the_verb_a_call_costs_no_query(send, tier):
    """The verb has a cursor of its own, which is not counted here, but for the block of ids it takes now and then.

    The key is remembered for seconds, and calls are counted in shared memory."""
    body = {**OLENA, "fields": [{"id": tier.pk, "value": "gold"}]}
    send(body)

    with CaptureQueriesContext(connection) as queries:
        send({**body, "firstName": "Olena"})

    assert [
        query["sql"] for query in queries if query["sql"].startswith("SELECT") and "nextval" not in query["sql"]
    ] == []
