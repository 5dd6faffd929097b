"""Contacts as resources: addressed by external ID or email, in the flat form, with errors in their own shape."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from contacts.identity import delete_contacts, erase_contacts, merge_contacts
from contacts.models import Account, Change, Contact, ContactState, CustomField, Policy
from crm.api.keys import create_api_key

pytestmark = pytest.mark.django_db

BY_ID = "/api/v1/contacts/external-id"
BY_EMAIL = "/api/v1/contacts/email"


@pytest.fixture
def patch(call_api):
    """Patches a resource; answers its id."""

    def patch(path: str, body: dict[str, Any]) -> int:
        answer = call_api("patch", path, body)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()["id"]

    return patch


@pytest.fixture
def tier(db) -> CustomField:
    return CustomField.objects.create(key="tier", label="Tier", type="choices", options=["gold", "silver"])


def reasons_of(answer: Any) -> list[str]:
    return [error["path"] for error in answer.json()["validationErrors"]]


# Reading


def test_a_contact_is_shown_flat(call_api, patch, tier):
    contact_id = patch(f"{BY_ID}/C-1", {"_email": "olena@example.com", "_name": "Olena", "tier": ["gold"]})

    contact = Contact.objects.get()
    for path in (f"{BY_ID}/C-1", f"{BY_ID}/C-1/", f"{BY_EMAIL}/OLENA@example.com", f"{BY_EMAIL}/olena@example.com/"):
        answer = call_api("get", path)
        assert answer["Content-Type"] == "application/json; charset=UTF-8"
        assert answer.json() == {
            "id": contact_id,
            "externalId": "C-1",
            "email": "olena@example.com",
            "firstName": "Olena",
            "createdDate": contact.created_at.isoformat(),
            "updatedDate": contact.updated_at.isoformat(),
            "tier": ["gold"],
        }


def test_what_was_read_can_be_sent_back(call_api, patch, tier):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com", "phone": "+380501234567", "tier": ["gold", "silver"]})
    shown = call_api("get", f"{BY_ID}/C-1").json()

    assert call_api("patch", f"{BY_ID}/C-1", shown).status_code == 200
    assert call_api("get", f"{BY_ID}/C-1").json() == shown


@pytest.mark.parametrize("external_id", ["C/1", "C 1", "Ц-1", "a@b.c", "1%2", "?x=1"])
def test_any_external_id_can_stand_in_the_address(call_api, patch, external_id):
    path = f"{BY_ID}/{quote(external_id, safe='')}"
    patch(path, {"firstName": "Olena"})

    assert Contact.objects.get().external_id == external_id
    assert call_api("get", path).json()["externalId"] == external_id


def test_a_merged_contact_answers_as_its_survivor(call_api, patch):
    olena, other = patch(f"{BY_ID}/C-1", {"email": "olena@example.com"}), patch(f"{BY_ID}/C-2", {})
    merge_contacts(olena, other, by="user:1")

    assert call_api("get", f"{BY_ID}/C-2").json()["id"] == olena


@pytest.mark.parametrize(
    "path", [f"{BY_ID}/C-9", f"{BY_ID}/null", f"{BY_ID}/{'x' * 3_000}", f"{BY_ID}/a%00", f"{BY_ID}/a%0Ab"]
)
@pytest.mark.parametrize("method", ["get", "delete"])
def test_whom_nobody_knows_is_not_found(call_api, method, path):
    answer = call_api(method, path)

    assert answer.status_code == 404
    assert answer.json().keys() == {"status", "title", "detail", "code"}
    assert answer.json()["code"] == "contact_not_found"
    assert "not found" in answer.json()["detail"]


@pytest.mark.parametrize(
    "email", ["nobody@example.com", "olena", "@", "null", "a%00@example.com", "a%0Ab", "x" * 3_000]
)
@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_email_that_nobody_has_is_not_found(call_api, method, email):
    answer = call_api(method, f"{BY_EMAIL}/{email}")

    assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")


def test_of_several_with_one_email_the_one_updated_last_is_meant(call_api, patch):
    patch(f"{BY_ID}/C-1", {"email": "family@example.com"})
    later = patch(f"{BY_ID}/C-2", {"email": "family@example.com"})

    assert call_api("get", f"{BY_EMAIL}/family@example.com").json()["id"] == later


# Adding and changing


@pytest.mark.parametrize(("path", "column"), [(f"{BY_ID}/C-1", "external_id"), (f"{BY_EMAIL}/c-1@a.io", "email")])
def test_a_new_contact_is_created_and_then_changed(call_api, path, column):
    first = call_api("patch", path, {"name": "Olena"})
    again = call_api("patch", f"{path}/", {"surname": "Koval"})

    contact = Contact.objects.get()
    assert (first.status_code, first.json()) == (201, {"id": contact.pk})
    assert (again.status_code, again.json()) == (200, {"id": contact.pk})
    assert (contact.first_name, contact.last_name) == ("Olena", "Koval")
    assert getattr(contact, column) == path.rpartition("/")[2]
    assert Change.objects.order_by("pk").first().by.startswith("key:")


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ({"_email": "o@example.com", "_name": "Olena", "_surname": "Koval"}, {"email": "o@example.com"}),
        ({"_mobilePhone": 380501234567}, {"phone": "+380501234567"}),
        ({"first_name": "Olena", "lastName": "Koval"}, {"first_name": "Olena", "last_name": "Koval"}),
        ({"name": 7}, {"first_name": "7"}),
        ({"City": "Kyiv", "zip": 1001}, {"town": "Kyiv", "postcode": "1001"}),
        ({"_externalId": "C-1", "externalCustomerId": "C-1"}, {"external_id": "C-1"}),
        ({"unheardOf": {"a": [1]}, "_birthdate": "1990-05-01", "id": 7, "state": 3, "x" * 10_000: 1}, {}),
        ({"createdDate": "2020-01-01", "source": "elsewhere", "emailStatus": 5}, {"source": "api"}),
    ],
)
def test_what_real_clients_send_is_taken(patch, body, columns):
    patch(f"{BY_ID}/C-1", body)

    contact = Contact.objects.get()
    assert {column: getattr(contact, column) for column in columns} == columns


def test_a_custom_field_goes_by_its_key(patch):
    CustomField.objects.create(key="birthdate", label="Birthday", type="date")
    CustomField.objects.create(key="name", label="Nickname")

    patch(f"{BY_ID}/C-1", {"_birthdate": "1990-05-01", "name": "Olenka", "_name": "Olena"})

    contact = Contact.objects.get()
    assert contact.attributes == {"birthdate": "1990-05-01", "name": "Olenka"}
    assert contact.first_name == "Olena"


def test_a_field_that_another_process_just_added_is_known(patch, tier):
    patch(f"{BY_ID}/C-1", {"name": "Olena"})
    CustomField.objects.bulk_create([CustomField(key="size", label="Size")])
    Account.objects.update(settings_version=7)

    patch(f"{BY_ID}/C-1", {"size": "M"})

    assert Contact.objects.get().attributes == {"size": "M"}


def test_only_what_is_sent_changes(patch, tier):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com", "name": "Olena", "town": "Kyiv", "tier": ["gold"]})

    patch(f"{BY_ID}/C-1", {"town": "Lviv", "name": " ", "email": ""})

    contact = Contact.objects.get()
    assert (contact.first_name, contact.town, contact.email) == ("Olena", "Lviv", "olena@example.com")
    assert contact.attributes == {"tier": ["gold"]}


def test_null_clears(patch, tier):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com", "name": "Olena", "tier": ["gold"]})

    patch(f"{BY_ID}/C-1", {"email": None, "name": None, "tier": None, "externalId": None})

    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.attributes) == (None, None, {})
    assert contact.external_id == "C-1"


def test_a_contact_without_an_external_id_that_the_body_finds_gets_it(call_api, patch):
    olena = patch(f"{BY_EMAIL}/olena@example.com", {"name": "Olena"})

    answer = call_api("patch", f"{BY_ID}/C-1", {"_email": "olena@example.com"})

    assert (answer.status_code, answer.json()) == (200, {"id": olena})
    assert Contact.objects.get().external_id == "C-1"


@pytest.mark.parametrize("path", [f"{BY_ID}/C-1", f"{BY_EMAIL}/olena@example.com"])
def test_whoever_is_named_gets_a_free_external_id(patch, path):
    olena = patch(f"{BY_ID}/C-1", {"email": "olena@example.com"})

    assert patch(path, {"externalId": "C-7", "email": "new@example.com"}) == olena
    assert Contact.objects.values_list("external_id", "email").get() == ("C-7", "new@example.com")


@pytest.mark.parametrize("path", [f"{BY_ID}/C-1", f"{BY_EMAIL}/olena@example.com", f"{BY_EMAIL}/new@example.com"])
def test_an_external_id_that_another_has_is_a_conflict(call_api, patch, path):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com"})
    bohdan = patch(f"{BY_ID}/C-2", {"email": "bohdan@example.com"})

    answer = call_api("patch", path, {"_externalId": "C-2", "name": "Nobody"})

    assert answer.status_code == 409
    assert answer.json() == {
        "status": 409,
        "title": "Conflict",
        "detail": f"Contact {bohdan} has this external ID. Write to that contact, or merge the two.",
        "code": "external_id_taken",
    }
    assert not Contact.objects.filter(first_name="Nobody").exists()


@pytest.mark.parametrize("path", [f"{BY_ID}/C-1", f"{BY_EMAIL}/olena@example.com"])
def test_a_deleted_contact_is_not_shown_and_comes_back_when_it_is_changed(call_api, patch, path):
    olena = patch(f"{BY_ID}/C-1", {"email": "olena@example.com"})
    delete_contacts([olena], by="user:1")

    assert call_api("get", path).status_code == 404
    assert patch(path, {"name": "Olena"}) == olena
    assert Contact.objects.get().state == ContactState.ACTIVE


REFUSED = {
    "no email": ({"_email": "olena"}, ["_email"]),
    "no phone": ({"mobilePhone": "12"}, ["mobilePhone"]),
    "several": ({"_email": "@", "phone": "12", "firstName": "x" * 41}, ["_email", "phone", "firstName"]),
    "a name that is an object": ({"name": {"a": 1}}, ["name"]),
    "a NUL": ({"town": "a\0b"}, ["town"]),
    "an unknown option": ({"tier": ["bronze"]}, ["tier"]),
    "a huge number": ({"_externalId": 10**400}, ["_externalId"]),
    "an external ID that is yes": ({"externalId": True}, ["externalId"]),
    "a list": ([1], [""]),
    "a text": ("contact", [""]),
    "nothing": (None, [""]),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("known", [True, False])
def test_what_cannot_be_taken_is_a_422_that_names_it(call_api, patch, tier, body, paths, known):
    if known:
        patch(f"{BY_ID}/C-1", {"town": "Kyiv"})

    answer = call_api("patch", f"{BY_ID}/C-1", json.dumps(body), content_type="application/json")

    assert answer.status_code == 422
    assert answer.json().keys() == {"status", "title", "detail", "code", "validationErrors"}
    assert sorted(reasons_of(answer)) == sorted(paths)
    assert Contact.objects.count() == known


@pytest.mark.parametrize(
    "path",
    [
        f"{BY_ID}/null",
        f"{BY_ID}/%20",
        f"{BY_ID}/{'x' * 101}",
        f"{BY_ID}/a%00",
        f"{BY_EMAIL}/olena",
        f"{BY_EMAIL}/guest",
        f"{BY_EMAIL}/%20",
    ],
)
def test_an_address_that_can_name_nobody_makes_nobody(call_api, path):
    answer = call_api("patch", path, {"_mobilePhone": "+380501234567"})

    assert answer.status_code == 422
    assert reasons_of(answer) in (["externalId"], ["email"])
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [(f"{BY_ID}/C-1", {"externalId": "C-2"}), (f"{BY_EMAIL}/olena@example.com", {"_email": "other@example.com"})],
)
def test_a_new_contact_has_the_value_of_its_address(call_api, path, body):
    answer = call_api("patch", path, body)

    assert answer.status_code == 422
    assert reasons_of(answer) == list(body)
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"), [(f"{BY_ID}/42", {"externalId": 42}), (f"{BY_EMAIL}/O@a.io", {"email": "o@A.io"})]
)
def test_the_same_value_in_the_body_may_be_written_otherwise(call_api, path, body):
    assert call_api("patch", path, body).status_code == 201


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"name": "\\ud800"}', b"[" * 1_000, b"NaN"])
def test_a_body_that_cannot_be_read_is_refused_in_this_shape_too(call_api, body):
    answer = call_api("patch", f"{BY_ID}/C-1", body, content_type="application/json")

    assert answer.status_code in (400, 422)
    assert answer.json().keys() >= {"status", "title", "detail", "code"}


def test_a_strict_policy_is_a_conflict(call_api, patch):
    patch(f"{BY_EMAIL}/olena@example.com", {})
    Policy.objects.create(external_id_attaches_to_found=False)

    answer = call_api("patch", f"{BY_ID}/C-1", {"email": "olena@example.com"})

    assert (answer.status_code, answer.json()["code"]) == (409, "external_id_conflict")


# Removing


@pytest.mark.parametrize("path", [f"{BY_ID}/C-1", f"{BY_EMAIL}/olena@example.com/"])
def test_a_contact_is_deleted_and_deleting_again_is_fine(call_api, patch, path):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com"})

    for _time in range(2):
        answer = call_api("delete", path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert Contact.objects.get().state == ContactState.DELETED


def test_a_contact_is_erased_where_that_is_said(call_api, patch):
    patch(f"{BY_ID}/C-1", {"email": "olena@example.com"})

    assert call_api("delete", f"{BY_ID}/C-1?erase=true").status_code == 204
    assert Contact.objects.get().state == ContactState.ERASED
    assert call_api("delete", f"{BY_ID}/C-1?erase=true").status_code == 404


def test_a_flag_that_is_neither_yes_nor_no_is_refused(call_api, patch):
    patch(f"{BY_ID}/C-1", {})

    answer = call_api("delete", f"{BY_ID}/C-1?erase=perhaps")

    assert (answer.status_code, reasons_of(answer)) == (422, ["erase"])
    assert Contact.objects.get().state == ContactState.ACTIVE


def test_who_was_erased_is_new_again(call_api, patch):
    olena = patch(f"{BY_ID}/C-1", {})
    erase_contacts([olena], by="user:1")

    assert patch(f"{BY_ID}/C-1", {}) != olena


# Who calls, and how


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_body_where_none_belongs_is_ignored(call_api, patch, method):
    patch(f"{BY_ID}/C-1", {})

    answer = call_api("generic", method.upper(), f"{BY_ID}/C-1", data=b"{", content_type="text/xml")

    assert answer.status_code in (200, 204)


def test_an_api_key_header_is_taken_as_well(client):
    key, secret = create_api_key("Shop", scope="full")

    answer = client.get(f"{BY_ID}/C-1", headers={"Authorization": f"apiKey {key.pk}:{secret}"})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("read", "get", 200),
        ("read", "patch", 403),
        ("read", "delete", 403),
        ("contacts_and_events_write", "get", 403),
        ("contacts_and_events_write", "patch", 200),
        ("contacts_and_events_write", "delete", 403),
        ("contacts_and_events", "delete", 204),
        ("events", "patch", 403),
    ],
)
def test_a_key_does_what_its_scope_allows(call_api, patch, scope, method, status):
    patch(f"{BY_ID}/C-1", {})

    answer = call_api(method, f"{BY_ID}/C-1", scope=scope)

    assert answer.status_code == status
    if status == 403:
        assert answer.json().keys() == {"status", "title", "detail", "code"}


def test_without_a_key_the_answer_has_this_shape_too(client):
    answer = client.get(f"{BY_ID}/C-1")

    assert answer.status_code == 401
    assert answer.json().keys() == {"status", "title", "detail", "code"}


def test_another_method_is_told_so(call_api):
    assert call_api("post", f"{BY_ID}/C-1", {}).json()["code"] == "method_not_allowed"
