"""Many contacts in one call: what real clients send, what is refused and where, and what became of each."""

import csv
import io
import json
from typing import Any

import pytest

from contacts import identity
from contacts.api.translate_bulk import DEDUPE_NAMES
from contacts.bulk import calls
from contacts.identity.types import API
from contacts.models import BulkCall, BulkRow, Contact, CustomField, Event, EventType, Identifier
from segments.models import Membership, Segment

pytestmark = pytest.mark.django_db

CONTACTS = "/api/v1/contacts"
OLENA = {"firstName": "Olena", "channels": [{"type": "email", "value": "olena@example.com"}]}
BOHDAN = {"firstName": "Bohdan", "channels": [{"type": "email", "value": "bohdan@example.com"}]}
TARAS = {"firstName": "Taras", "channels": [{"type": "sms", "value": "380501234567"}]}
NO_EMAIL = {"firstName": "Taras", "channels": [{"type": "email", "value": "taras"}]}


@pytest.fixture
def send(call_api):
    """Sends a bulk call and answers what it answered."""

    def send(contacts: Any, **choices: Any) -> dict[str, Any]:
        body = json.dumps({"contacts": contacts, "dedupeOn": "email", **choices})
        answer = call_api("post", CONTACTS, body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return send


@pytest.fixture
def status_of(call_api):
    def status_of(answer: dict[str, Any], query: str = "") -> dict[str, Any]:
        told = call_api("get", f"/api/v1/importstatus/{answer['asyncSessionId']}{query}")
        assert told.status_code == 200, told.content
        return told.json()

    return status_of


@pytest.fixture
def tier(db):
    return CustomField.objects.create(key="tier", label="Tier")


def paths_of(answer) -> dict[str, str]:
    return {error["path"]: error["code"] for error in answer.json()["errors"]}


def have(**record: Any) -> int:
    return identity.resolve_one(record, API, by="user:1").contact_id


# Taking


def test_a_call_is_answered_by_a_session_at_once(send):
    answer = send([OLENA, BOHDAN])

    assert answer == {
        "asyncSessionId": BulkCall.objects.get().session.hex,
        "failedContacts": [],
        "errorMessage": "",
        "id": 0,
    }
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Olena", "Bohdan"}


def test_the_status_maps_what_was_sent_to_contacts(send, status_of):
    bohdan = have(email="bohdan@example.com", first_name="Bohdan")

    told = status_of(send([OLENA, BOHDAN]))

    olena = Contact.objects.get(first_name="Olena").pk
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "status": "FINISHED",
        "description": "",
        "mapping": [
            {"dedupeValue": "olena@example.com", "contactId": olena},
            {"dedupeValue": "bohdan@example.com", "contactId": bohdan},
        ],
        "counts": {"created": 1, "updated": 0, "unchanged": 1, "restored": 0, "skipped": 0, "failed": 0},
        "progress": {"done": 2, "total": 2},
        "errorFileUrl": None,
    }


def test_the_mapping_has_the_value_as_it_was_sent(send, status_of):
    told = status_of(send([TARAS], dedupeOn="sms"))

    assert [entry["dedupeValue"] for entry in told["mapping"]] == ["380501234567"]


def test_who_has_no_value_of_the_field_is_mapped_by_the_external_id(send, status_of):
    told = status_of(send([{"externalCustomerId": 42, "channels": []}]))

    assert [entry["dedupeValue"] for entry in told["mapping"]] == ["42"]


def test_what_validation_refuses_is_named_at_once_and_the_others_go_on(send, status_of):
    answer = send([OLENA, NO_EMAIL, {"channels": []}, "Taras"])

    message = "channels[0].value: This is not an email address; write it as name@example.com."
    assert answer["failedContacts"][0] == {**NO_EMAIL, "index": 1, "error": message}
    assert [failed["index"] for failed in answer["failedContacts"]] == [1, 2, 3]
    assert all(failed["error"].endswith(".") for failed in answer["failedContacts"])
    assert answer["errorMessage"] == "3 contacts were refused."
    told = status_of(answer)
    assert (told["counts"]["created"], told["counts"]["failed"]) == (1, 3)
    assert told["progress"] == {"done": 4, "total": 4}


def test_conflicts_and_skips_stand_in_the_status(send, status_of):
    deleted = have(email="olena@example.com")
    identity.delete_contacts([deleted], by="user:1")

    answer = send([OLENA, BOHDAN])

    assert answer["failedContacts"] == []
    told = status_of(answer)
    assert (told["counts"]["created"], told["counts"]["skipped"]) == (1, 1)
    assert [entry["dedupeValue"] for entry in told["mapping"]] == ["bohdan@example.com"]


def test_the_error_file_needs_no_key_and_says_what_was_wrong(send, status_of, client):
    told = status_of(send([NO_EMAIL, OLENA, {"externalCustomerId": "=1+1", "channels": NO_EMAIL["channels"]}]))

    answer = client.get(told["errorFileUrl"])

    assert answer["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(line["index"], line["code"]) for line in lines] == [("0", "invalid_email"), ("2", "invalid_email")]
    assert [line["field"] for line in lines] == ["channels.email", "channels.email"]
    assert lines[0]["dedupeValue"] == "taras"


@pytest.mark.parametrize("token", ["x", "eyJraW5kIjoiYnVsayJ9:abc", "%00"])
def test_a_link_that_we_did_not_give_leads_nowhere(client, token):
    assert client.get(f"/api/v1/files/{token}").status_code == 404


def test_a_large_call_waits_for_the_queue(call_api, run_jobs, status_of, send):
    people = [{"externalCustomerId": f"C-{number}", "channels": []} for number in range(calls.INLINE)]

    answer = send(people)

    assert status_of(answer)["status"] == "STARTED"
    assert Contact.objects.count() == 0
    run_jobs()
    told = status_of(answer)
    assert (told["status"], told["counts"]["created"]) == ("FINISHED", calls.INLINE)
    assert len(told["mapping"]) == calls.INLINE
    assert BulkCall.objects.get().records is None


def test_the_mapping_comes_in_parts_where_that_is_wished(send, status_of):
    answer = send([OLENA, BOHDAN])

    assert [one["dedupeValue"] for one in status_of(answer, "?startindex=2")["mapping"]] == ["bohdan@example.com"]
    assert [one["dedupeValue"] for one in status_of(answer, "?maxrows=1")["mapping"]] == ["olena@example.com"]


# What real clients send


@pytest.mark.parametrize("path", ["/api/v1/contacts", "/api/v1/contacts/"])
def test_a_slash_at_the_end_makes_no_difference(call_api, path):
    assert call_api("post", path, {"contacts": [OLENA], "dedupeOn": "email"}).status_code == 200


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"contactFields": [], "customFieldsIDs": None, "groupNames": "", "groupNamesExclude": [" "]},
        {"contactFields": "firstName"},
        {"contactFields": ["FIRSTNAME", "email", "ordersInfo", None, ""]},
        {"restoreDeleted": "true", "replaceExternalId": 0, "mode": " Upsert "},
        {"restoreDeleted": " ", "eventKeyForNewContacts": " ", "fieldId": None},
        {"dedupeOn": "EMAIL"},
        {"dedupeOn": "email_or_sms"},
        {"unheardOf": {"a": [1]}, "id": 7},
        {"eventKeyForNewContacts": 42},
        {"groupNames": 42},
    ],
)
def test_what_real_clients_send_is_taken(send, choices):
    assert send([OLENA], **choices)["failedContacts"] == []
    assert Contact.objects.get().first_name == "Olena"


def test_one_object_counts_as_a_list_of_one(send):
    assert send(OLENA)["failedContacts"] == []
    assert Contact.objects.get().email == "olena@example.com"


@pytest.mark.parametrize("choices", ["dedupeOn=email", "dedupeOn=EMAIL&mode=upsert&restoreDeleted=true&unheardOf=1"])
def test_a_bare_list_is_the_contacts_and_the_choices_stand_in_the_address(call_api, choices):
    answer = call_api("post", f"/api/v1/contacts?{choices}", [OLENA, BOHDAN])

    assert (answer.status_code, answer.json()["failedContacts"]) == (200, [])
    assert Contact.objects.count() == 2


def test_in_an_object_the_address_chooses_nothing(call_api):
    answer = call_api("post", "/api/v1/contacts?dedupeOn=email", {"contacts": [OLENA]})

    assert paths_of(answer) == {"dedupeOn": "required"}


REFUSED = {
    "an empty bare list": ([], {"contacts": "required", "dedupeOn": "required"}),
    "a bare list without a dedupeOn": ([OLENA], {"dedupeOn": "required"}),
    "a text": ("olena@example.com", {"": "not_an_object"}),
    "no contacts": ({"dedupeOn": "email"}, {"contacts": "required"}),
    "an empty list": ({"contacts": [], "dedupeOn": "email"}, {"contacts": "required"}),
    "3,001 contacts": ({"contacts": [OLENA] * 3_001, "dedupeOn": "email"}, {"contacts": "too_many_contacts"}),
    "no dedupeOn": ({"contacts": [OLENA]}, {"dedupeOn": "required"}),
    "an empty dedupeOn": ({"contacts": [OLENA], "dedupeOn": " "}, {"dedupeOn": "required"}),
    "an unknown dedupeOn": ({"contacts": [OLENA], "dedupeOn": "fax"}, {"dedupeOn": "unknown_dedupe"}),
    "a dedupeOn that is a list": ({"contacts": [OLENA], "dedupeOn": ["email"]}, {"dedupeOn": "unknown_dedupe"}),
    "no field": ({"contacts": [OLENA], "dedupeOn": "fieldId"}, {"fieldId": "unknown_field"}),
    "an unknown field": ({"contacts": [OLENA], "dedupeOn": "fieldId", "fieldId": 9}, {"fieldId": "unknown_field"}),
    "a huge field": (
        {"contacts": [OLENA], "dedupeOn": "fieldId", "fieldId": 10**40},
        {"fieldId": "unknown_field"},
    ),
    "an unknown contact field": (
        {"contacts": [OLENA], "dedupeOn": "email", "contactFields": ["email", "shoeSize"]},
        {"contactFields[1]": "unknown_contact_field"},
    ),
    "a contact field that is an object": (
        {"contacts": [OLENA], "dedupeOn": "email", "contactFields": [{}]},
        {"contactFields[0]": "not_text"},
    ),
    "an unknown custom field": (
        {"contacts": [OLENA], "dedupeOn": "email", "customFieldsIDs": [9]},
        {"customFieldsIDs[0]": "unknown_field"},
    ),
    "a strange mode": ({"contacts": [OLENA], "dedupeOn": "email", "mode": "delete"}, {"mode": "unknown_mode"}),
    "neither yes nor no": (
        {"contacts": [OLENA], "dedupeOn": "email", "restoreDeleted": "perhaps", "replaceExternalId": []},
        {"restoreDeleted": "invalid_boolean", "replaceExternalId": "invalid_boolean"},
    ),
    "a long event": (
        {"contacts": [OLENA], "dedupeOn": "email", "eventKeyForNewContacts": "x" * 101},
        {"eventKeyForNewContacts": "too_long"},
    ),
    "an event with a NUL": (
        {"contacts": [OLENA], "dedupeOn": "email", "eventKeyForNewContacts": "a\0b"},
        {"eventKeyForNewContacts": "invalid_value"},
    ),
    "an event that is an object": (
        {"contacts": [OLENA], "dedupeOn": "email", "eventKeyForNewContacts": {}},
        {"eventKeyForNewContacts": "not_text"},
    ),
    "a long segment": (
        {"contacts": [OLENA], "dedupeOn": "email", "groupNames": ["x" * 201]},
        {"groupNames": "invalid_segment_name"},
    ),
    "a segment that is a list": (
        {"contacts": [OLENA], "dedupeOn": "email", "groupNames": [["a"]]},
        {"groupNames[0]": "not_text"},
    ),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_the_call_is_named_by_its_path_and_nothing_is_written(call_api, body, paths):
    answer = call_api("post", CONTACTS, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert paths_of(answer) == paths
    assert not Contact.objects.exists()
    assert not BulkCall.objects.exists()


def test_a_field_that_is_no_key_finds_nobody(call_api, tier):
    answer = call_api("post", CONTACTS, {"contacts": [OLENA], "dedupeOn": "fieldId", "fieldId": tier.pk})

    assert (answer.status_code, paths_of(answer)) == (400, {"fieldId": "not_a_key"})


def test_a_dynamic_segment_takes_nobody_by_name(call_api):
    Segment.objects.create(name="Kyiv", definition={"match": "all", "conditions": []})

    for name in ("groupNames", "groupNamesExclude"):
        answer = call_api("post", CONTACTS, {"contacts": [OLENA], "dedupeOn": "email", name: ["Kyiv"]})
        assert (answer.status_code, paths_of(answer)) == (400, {name: "segment_not_static"})


@pytest.mark.parametrize(
    "contact",
    [
        None,
        7,
        [],
        {},
        {"channels": 5},
        {"channels": [{"type": "fax", "value": 1}]},
        {"channels": [{"type": "email", "value": {}}]},
        {"externalCustomerId": {"a": 1}},
        {"externalCustomerId": 10**400},
        {"externalCustomerId": "C-1\0", "firstName": "\0"},
        {"externalCustomerId": "x" * 10_000},
        {"externalCustomerId": "C-1", "fields": [{"id": 9, "value": 1}]},
        {"externalCustomerId": "C-1", "address": "Kyiv"},
        {"externalCustomerId": "C-1", "firstName": "x" * 41},
        {"externalCustomerId": "C-1", "timeZone": "Mars"},
        {"id": "seven", "channels": []},
        {"id": -1, "channels": []},
        {"id": 2**64, "channels": []},
    ],
)
@pytest.mark.parametrize("dedupe_on", ["email", "id"])
def test_a_contact_that_cannot_be_read_fails_for_itself(send, contact, dedupe_on):
    answer = send([{"externalCustomerId": "C-9", "channels": []}, contact], dedupeOn=dedupe_on)

    assert [failed["index"] for failed in answer["failedContacts"]] == [1]
    assert Contact.objects.get().external_id == "C-9"


@pytest.mark.parametrize(
    ("scope", "status"),
    [("full", 200), ("contacts_and_events", 200), ("contacts_and_events_write", 200), ("events", 403), ("read", 403)],
)
def test_who_may_send_contacts(call_api, scope, status):
    answer = call_api("post", CONTACTS, {"contacts": [OLENA], "dedupeOn": "email"}, scope=scope)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("scope", "status"),
    [("full", 200), ("contacts_and_events", 200), ("contacts_and_events_write", 200), ("events", 403), ("read", 200)],
)
def test_who_may_ask_for_the_status(call_api, send, scope, status):
    answer = send([OLENA])

    told = call_api("get", f"/api/v1/importstatus/{answer['asyncSessionId']}/", scope=scope)

    assert told.status_code == status


@pytest.mark.parametrize("session", ["abc23456789", "1", "9" * 40, "0" * 32, "%00", "é"])
def test_an_unknown_session_is_not_found(call_api, session):
    answer = call_api("get", f"/api/v1/importstatus/{session}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# What contacts are found by


@pytest.mark.parametrize(
    ("dedupe_on", "contact"),
    [
        ("email", {"channels": [{"type": "email", "value": "Olena@Example.com"}]}),
        ("sms", {"channels": [{"type": "sms", "value": "+380501112233"}]}),
        ("email_or_sms", {"channels": [{"type": "sms", "value": "+380501112233"}]}),
        ("email_or_sms", {"channels": [{"type": "email", "value": "olena@example.com"}]}),
        ("push", {"channels": [{"type": "mobilepush", "value": "push-1", "device": {"appId": "shop"}}]}),
        ("webpush", {"channels": [{"type": "webpush", "value": "web-1"}]}),
        ("externalCustomerId", {"externalCustomerId": "C-1", "channels": []}),
        ("fieldId", {"fields": [{"id": 7, "value": "L-1"}], "channels": []}),
        ("id", {"channels": []}),
    ],
)
def test_a_contact_is_found_by_what_was_chosen(send, status_of, dedupe_on, contact):
    CustomField.objects.create(pk=7, key="loyalty", label="Loyalty", can_be_key=True)
    olena = have(
        external_id="C-1",
        email="olena@example.com",
        phone="+380501112233",
        identifiers=[
            {"kind": "mobile_push", "app": "shop", "value": "push-1"},
            {"kind": "web_push", "value": "web-1"},
        ],
        **{"fields.loyalty": "L-1"},
    )
    contact = {**contact, "id": str(olena)} if dedupe_on == "id" else contact

    told = status_of(send([{**contact, "lastName": "Koval"}], dedupeOn=dedupe_on, fieldId="7"))

    assert [entry["contactId"] for entry in told["mapping"]] == [olena]
    assert all(entry["dedupeValue"] for entry in told["mapping"])
    assert Contact.objects.get().last_name == "Koval"


def test_every_way_to_find_is_tried_above():
    assert set(DEDUPE_NAMES) == {
        "email", "sms", "email_or_sms", "push", "webpush", "externalCustomerId", "fieldId", "id",
    }  # fmt: skip


def test_an_external_id_that_another_has_is_a_conflict_of_this_contact_alone(send, status_of):
    olena, _bohdan = have(external_id="C-1"), have(external_id="C-2")

    answer = send([{"id": olena, "externalCustomerId": "C-2", "channels": []}], dedupeOn="id")

    assert answer["failedContacts"] == []
    told = status_of(answer)
    assert told["counts"]["failed"] == 1
    assert BulkRow.objects.get().code == "external_id_taken"


@pytest.mark.parametrize(("choice", "kept"), [({}, "C-1"), ({"replaceExternalId": True}, "C-2")])
def test_an_external_id_is_replaced_only_where_that_is_wished(send, choice, kept):
    olena = have(external_id="C-1", email="olena@example.com")

    send([{**OLENA, "externalCustomerId": "C-2"}], **choice)

    assert Contact.objects.get(pk=olena).external_id == kept


@pytest.mark.parametrize(
    ("mode", "counts"),
    [
        ("upsert", {"created": 1, "updated": 1}),
        ("create", {"created": 1, "skipped": 1}),
        ("update", {"updated": 1, "skipped": 1}),
    ],
)
def test_the_mode_says_who_is_made_and_who_is_changed(send, status_of, mode, counts):
    have(email="olena@example.com")

    told = status_of(send([OLENA, BOHDAN], mode=mode))

    assert {name: count for name, count in told["counts"].items() if count} == counts


@pytest.mark.parametrize(("restore", "outcome"), [(True, "restored"), (False, "skipped")])
def test_a_deleted_contact_comes_back_only_where_that_is_wished(send, status_of, restore, outcome):
    identity.delete_contacts([have(email="olena@example.com")], by="user:1")

    assert status_of(send([OLENA], restoreDeleted=restore))["counts"][outcome] == 1


# Which fields are written


@pytest.fixture
def olena(tier) -> int:
    return have(
        email="olena@example.com",
        phone="+380501112233",
        first_name="Olena",
        last_name="Koval",
        town="Kyiv",
        **{"fields.tier": "gold"},
    )


NEW = {
    "firstName": "Lena",
    "lastName": " ",
    "channels": [{"type": "email", "value": "olena@example.com"}],
    "address": {"town": "Lviv"},
}
WRITTEN = {
    "everything that is sent": ({}, {"first_name": "Lena", "town": "Lviv"}),
    "only what is listed": ({"contactFields": ["firstName"]}, {"first_name": "Lena"}),
    "listed and empty is cleared": ({"contactFields": ["lastName"]}, {"last_name": None}),
    "listed and not sent is cleared": (
        {"contactFields": ["firstName", "sms"]},
        {"first_name": "Lena", "phone": None},
    ),
    "what contacts are found by stays": ({"contactFields": ["email", "town"]}, {"town": "Lviv"}),
    "a custom field that is listed is cleared": (
        {"customFieldsIDs": "tier"},
        {"first_name": "Lena", "town": "Lviv", "tier": None},
    ),
    "both lists": ({"contactFields": ["town"], "customFieldsIDs": "tier"}, {"town": "Lviv", "tier": None}),
    "an external ID is not cleared": ({"contactFields": ["externalCustomerId"]}, {}),
}


@pytest.mark.parametrize(("choices", "changed"), WRITTEN.values(), ids=WRITTEN)
def test_which_fields_are_written(send, olena, tier, choices, changed):
    choices = choices | ({"customFieldsIDs": [str(tier.pk)]} if "customFieldsIDs" in choices else {})
    before = {"first_name": "Olena", "last_name": "Koval", "phone": "+380501112233", "town": "Kyiv", "tier": "gold"}

    send([NEW], **choices)

    contact = Contact.objects.get(pk=olena)
    after = {name: getattr(contact, name, contact.attributes.get("tier")) for name in before}
    assert after == before | changed


def test_custom_fields_are_written_without_being_listed(send, olena, tier):
    send([{**NEW, "fields": [{"id": tier.pk, "value": "silver"}]}], contactFields=["firstName"])

    assert Contact.objects.get(pk=olena).attributes == {"tier": "silver"}


def test_tokens_that_are_not_listed_are_left_out(send, olena):
    tokens = [{"type": "mobilepush", "value": "push-1"}, {"type": "webpush", "value": "web-1"}]

    send([{**OLENA, "channels": [*OLENA["channels"], *tokens]}], contactFields=["firstName", "webpush"])

    values = set(Identifier.objects.filter(contact_id=olena).values_list("value", flat=True))
    assert "web-1" in values
    assert "push-1" not in values


# Segments and events


def test_contacts_join_and_leave_segments_by_name(send):
    olena = have(email="olena@example.com")
    left = Segment.objects.create(name="Left", type="static")
    Membership.objects.create(segment=left, contact_id=olena, added_at="2026-01-01T00:00Z", by="user:1")

    send([OLENA, BOHDAN], groupNames=["Newsletter", " newsletter "], groupNamesExclude=["left", "nobody knows"])

    joined = Segment.objects.get(name="Newsletter")
    assert Membership.objects.filter(segment=joined).count() == 2
    assert not Membership.objects.filter(segment=left).exists()
    assert not Segment.objects.filter(name="nobody knows").exists()


def test_a_segment_that_is_deleted_before_the_queue_comes_to_it_keeps_nobody_back(send, run_jobs, status_of):
    people = [{"externalCustomerId": f"C-{number}", "channels": []} for number in range(calls.INLINE)]
    answer = send(people, groupNames=["Newsletter"])
    Segment.objects.get(name="Newsletter").delete()

    run_jobs()

    assert status_of(answer)["counts"]["created"] == calls.INLINE


def test_an_event_is_recorded_on_new_contacts_alone(send):
    have(email="olena@example.com")

    send([OLENA, BOHDAN], eventKeyForNewContacts="welcome")

    event = Event.objects.get()
    assert EventType.objects.get(pk=event.type_id).key == "welcome"
    assert event.contact_id == Contact.objects.get(first_name="Bohdan").pk


# Erasing and forgetting


def test_who_is_erased_leaves_no_trace_in_a_session(send, status_of):
    answer = send([OLENA, BOHDAN])

    identity.erase_contacts([Contact.objects.get(first_name="Olena").pk], by="user:1")

    assert [entry["dedupeValue"] for entry in status_of(answer)["mapping"]] == ["bohdan@example.com"]
    assert not BulkRow.objects.filter(value="olena@example.com").exists()
