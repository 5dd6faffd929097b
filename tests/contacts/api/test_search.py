"""Searching for contacts, and emails by id: what clients ask, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.identity import delete_contacts, merge_contacts, resolve
from contacts.identity.types import API
from contacts.models import CustomField

pytestmark = pytest.mark.django_db

SEARCH = "/api/v1/contacts"
EMAILS = "/api/v1/contacts/email"
OLENA = {
    "external_id": "C-1",
    "email": "Olena@Example.com",
    "phone": "+380501112233",
    "first_name": "Олена",
    "last_name": "Koval",
}
BOHDAN = {"external_id": "C-2", "email": "bohdan@example.com", "first_name": "Bohdan", "last_name": "Koval"}
TARAS = {"external_id": "42", "email": "family@example.com", "first_name": "Taras"}
IRYNA = {"external_id": "C-4", "email": "family@example.com", "first_name": "Iryna"}


@pytest.fixture
def ids(db: None) -> dict[str, int]:
    """Four people, by first name; who comes later was changed later."""
    names = {"olena": OLENA, "bohdan": BOHDAN, "taras": TARAS, "iryna": IRYNA}
    made = {name: resolve([record], API, by="user:1")[0].contact_id for name, record in names.items()}
    return {name: contact_id for name, contact_id in made.items() if contact_id}


@pytest.fixture
def search(call_api, ids):
    """Names of those found, in order, and the header."""

    def search(query: Any = "", path: str = SEARCH) -> tuple[list[str], str]:
        answer = call_api("get", path, query) if isinstance(query, dict) else call_api("get", f"{path}?{query}")
        assert answer.status_code == 200, answer.content
        names = {number: name for name, number in ids.items()}
        return [names[contact["id"]] for contact in answer.json()], answer["TotalCount"]

    return search


@pytest.mark.parametrize("path", [SEARCH, f"{SEARCH}/"])
def test_with_no_condition_everybody_is_found_whoever_changed_last_first(search, path):
    assert search(path=path) == (["iryna", "taras", "bohdan", "olena"], "4")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"externalCustomerId": "C-1"}, ["olena"]),
        ({"externalCustomerId": " C-1 "}, ["olena"]),
        ({"externalCustomerId": 42}, ["taras"]),
        ({"externalCustomerId": "c-1"}, []),
        ({"externalCustomerId": "x" * 600}, []),
        ({"email": "olena@example.com"}, ["olena"]),
        ({"email": "OLENA@EXAMPLE.COM"}, ["olena"]),
        ({"email": "olena@example"}, []),
        ({"email": "olena"}, []),
        ({"email": "family@example.com"}, ["iryna", "taras"]),
        ({"email": "family@example.com", "firstname": "Taras"}, ["taras"]),
        ({"sms": "+380501112233"}, ["olena"]),
        ({"sms": "380501112233"}, ["olena"]),
        ({"sms": "050 111 22 33"}, ["olena"]),
        ({"sms": "501112233"}, ["olena"]),
        ({"sms": "1"}, []),
        ({"firstname": "оле"}, ["olena"]),
        ({"firstname": "len"}, []),
        ({"firstname": "%"}, []),
        ({"lastname": "KOVAL"}, ["bohdan", "olena"]),
        ({"lastname": "Koval", "firstname": "Bohdan"}, ["bohdan"]),
        ({"lastname": "Koval", "email": "family@example.com"}, []),
        ({"email": " ", "lastname": ""}, ["iryna", "taras", "bohdan", "olena"]),
        ({"externalCustomerId": "C-1", "email": " "}, ["olena"]),
        ({"unheardOf": "1", "groups": "2", "state": "all", "source": "sheet"}, ["iryna", "taras", "bohdan", "olena"]),
        ({"sortBy": "contactId"}, ["olena", "bohdan", "taras", "iryna"]),
        ({"sortBy": "name"}, ["iryna", "taras", "bohdan", "olena"]),
    ],
)
def test_contacts_are_found_by_what_is_asked(search, query, found):
    assert search(query) == (found, str(len(found)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("maxrows=1", ["olena"]),
        ("startindex=2&maxrows=2", ["bohdan", "taras"]),
        ("startindex=4", ["iryna"]),
        ("startindex=5", []),
        ("startindex=0&maxrows=1", ["olena"]),
        ("startindex=&maxrows=+", ["olena", "bohdan", "taras", "iryna"]),
        ("startindex=%2B2&maxrows=0001", ["bohdan"]),
        (f"startindex={'9' * 400}", []),
        (f"maxrows={'9' * 400}", ["olena", "bohdan", "taras", "iryna"]),
        ("maxrows=501", ["olena", "bohdan", "taras", "iryna"]),
    ],
)
def test_a_page_is_cut_out_and_the_count_is_that_of_all(search, query, found):
    assert search(f"sortBy=contactId&{query}") == (found, "4")


def test_no_page_is_longer_than_five_hundred(call_api):
    resolve([{"external_id": f"C-{number}"} for number in range(502)], API, by="user:1")

    answer = call_api("get", SEARCH, {"maxrows": 600, "sortBy": "contactId"})

    assert (len(answer.json()), answer["TotalCount"]) == (500, "502")


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("externalCustomerId=C-1&email=olena@example.com", {"externalCustomerId": "exclusive_parameter"}),
        ("externalCustomerId=C-1&sms=%2B380501112233", {"externalCustomerId": "exclusive_parameter"}),
        ("externalCustomerId=C-1&firstname=Olena&lastname=K", {"externalCustomerId": "exclusive_parameter"}),
        ("email=a%00@example.com", {"email": "invalid_value"}),
        ("firstname=%00", {"firstname": "invalid_value"}),
        ("startindex=-1", {"startindex": "invalid_number"}),
        ("startindex=one", {"startindex": "invalid_number"}),
        ("startindex=1.5", {"startindex": "invalid_number"}),
        ("startindex=%D9%A1", {"startindex": "invalid_number"}),
        ("maxrows=0", {"maxrows": "too_small"}),
        ("maxrows=many", {"maxrows": "invalid_number"}),
    ],
)
def test_what_cannot_be_searched_for_is_refused_by_its_name(call_api, ids, query, refused):
    answer = call_api("get", f"{SEARCH}?{query}")

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == refused


def test_a_found_contact_is_shown_whole(call_api, ids):
    tier = CustomField.objects.create(key="tier", label="Tier")
    resolve([{"id": ids["olena"], "fields.tier": "gold"}], API, by="user:1")

    [shown] = call_api("get", SEARCH, {"externalCustomerId": "C-1"}).json()

    assert shown == call_api("get", f"/api/v1/contact/{ids['olena']}").json()
    assert shown["fields"] == [{"id": tier.pk, "value": "gold"}]


def test_deleted_and_merged_contacts_are_not_found_but_old_addresses_find_the_survivor(search, ids):
    merge_contacts(ids["olena"], ids["bohdan"], by="user:1")
    delete_contacts([ids["taras"]], by="user:1")

    assert search({"email": "bohdan@example.com"}) == (["olena"], "1")
    assert search({"externalCustomerId": "C-2"}) == (["olena"], "1")
    assert search({"externalCustomerId": "42"}) == ([], "0")
    assert search({"sortBy": "contactId"}) == (["olena", "iryna"], "2")


def test_an_address_that_very_many_share_is_counted_right(call_api):
    records = [{"external_id": f"C-{number}", "email": "family@example.com"} for number in range(1_003)]
    resolve(records, API, by="user:1")

    answer = call_api("get", SEARCH, {"email": "family@example.com", "maxrows": 2})

    assert (len(answer.json()), answer["TotalCount"]) == (2, "1003")


def test_a_body_is_ignored(call_api, ids):
    answer = call_api("get", SEARCH, {"externalCustomerId": "C-1"}, content_type="text/csv", CONTENT_LENGTH="7")

    assert [contact["id"] for contact in answer.json()] == [ids["olena"]]


def test_a_page_costs_a_few_statements_whatever_its_length(call_api, ids):
    call_api("get", SEARCH)
    with CaptureQueriesContext(connection) as queries:
        call_api("get", SEARCH, {"email": "family@example.com"})

    assert len(queries) <= 5


# Emails by id


def emails_of(answer: Any) -> dict[int, str]:
    assert answer.status_code == 200, answer.content
    return {entry["contactId"]: entry["email"] for entry in answer.json()["results"]}


@pytest.mark.parametrize("path", [EMAILS, f"{EMAILS}/"])
def test_emails_are_told_by_id(call_api, ids, path):
    answer = call_api("get", path, {"ids": f" {ids['olena']}, {ids['bohdan']},,999999"})

    assert answer.json() == {
        "results": [
            {"contactId": ids["olena"], "email": "Olena@Example.com"},
            {"contactId": ids["bohdan"], "email": "bohdan@example.com"},
        ]
    }


def test_one_email_is_a_list_of_one(call_api, ids):
    assert call_api("get", EMAILS, {"ids": ids["olena"]}).json() == {
        "results": [{"contactId": ids["olena"], "email": "Olena@Example.com"}]
    }


def test_a_merged_contact_has_its_survivors_email_and_a_deleted_one_none(call_api, ids):
    merge_contacts(ids["olena"], ids["bohdan"], by="user:1")
    delete_contacts([ids["taras"]], by="user:1")

    asked = ",".join(str(contact_id) for contact_id in ids.values())

    assert emails_of(call_api("get", EMAILS, {"ids": asked})) == {
        ids["olena"]: "Olena@Example.com",
        ids["bohdan"]: "Olena@Example.com",
        ids["iryna"]: "family@example.com",
    }


def test_the_ids_may_be_repeated_or_stand_in_several_parameters(call_api, ids):
    answer = call_api("get", f"{EMAILS}?ids={ids['olena']},{ids['olena']}&ids={ids['iryna']}")

    assert list(emails_of(answer)) == [ids["olena"], ids["iryna"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "required"),
        ("ids=", "required"),
        ("ids=+,+", "required"),
        ("ids=one", "invalid_number"),
        ("ids=-1", "invalid_number"),
        ("ids=1;2", "invalid_number"),
        ("ids=%00", "invalid_number"),
        ("ids=" + ",".join(["1"] * 1_001), "too_many_values"),
    ],
)
def test_ids_that_are_none_are_refused(call_api, query, code):
    answer = call_api("get", f"{EMAILS}?{query}")

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("ids", code)]


@pytest.mark.parametrize("number", ["0", "9" * 18, str(2**63 - 1), str(2**63), "9" * 19, "9" * 400])
def test_an_id_that_nobody_has_is_left_out(call_api, number):
    assert call_api("get", EMAILS, {"ids": number}).json() == {"results": []}


@pytest.mark.parametrize("path", [SEARCH, f"{EMAILS}?ids=1"])
@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("contacts_and_events", 200), ("events", 403)])
def test_searching_takes_the_right_to_read(call_api, path, scope, status):
    assert call_api("get", path, scope=scope).status_code == status
