"""What contacts agreed to, through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from contacts.activity.consents import replace_subscriptions, subscribe_contact
from contacts.identity import delete_contacts, erase_contacts, merge_contacts
from contacts.identity.errors import ContactNotFound
from contacts.models import Consent
from tests.together import Other, wait_until_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def olena(call_api) -> int:
    return call_api("post", "/api/v1/contact", {"externalCustomerId": "C-1"}).json()["id"]


@pytest.fixture
def bohdan(call_api) -> int:
    return call_api("post", "/api/v1/contact", {"externalCustomerId": "C-2"}).json()["id"]


def path_of(contact_id: int) -> str:
    return f"/api/v1/contact/{contact_id}/subscriptions"


def granted(contact_id: int) -> dict[str, bool]:
    return dict(Consent.objects.filter(contact_id=contact_id).values_list("category", "granted"))


def paths_of(answer: Any) -> dict[str, str]:
    return {error["path"]: error["code"] for error in answer.json()["errors"]}


def test_a_contact_agrees_to_what_is_sent_and_to_nothing_else(call_api, olena):
    call_api("put", path_of(olena), {"subscriptions": ["news", "offers"]})

    answer = call_api("put", path_of(olena) + "/", {"subscriptions": ["offers", "birthday"]})

    assert answer.content == f"Subscriptions of contact with id='{olena}' have been updated".encode()
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert granted(olena) == {"news": False, "offers": True, "birthday": True}
    assert {consent.by.partition(":")[0] for consent in Consent.objects.all()} == {"key"}


def test_a_contact_shows_what_it_agrees_to(call_api, olena):
    call_api("put", path_of(olena), {"subscriptions": ["news", "offers"]})
    call_api("put", path_of(olena), {"subscriptions": ["offers"]})

    (shown,) = call_api("get", path_of(olena)).json()

    assert shown.keys() == {"id", "key", "name"}
    assert shown["key"] == "offers"
    assert 0 <= shown["id"] < 2**31


def test_what_was_agreed_to_before_stays_as_it_was_agreed_to(call_api, olena):
    subscribe_contact(olena, ["news"], by="user:1", basis="a form")

    call_api("put", path_of(olena), {"subscriptions": ["news"]})

    assert Consent.objects.values_list("by", "basis").get() == ("user:1", "a form")


@pytest.mark.parametrize(
    ("body", "categories"),
    [
        ({"subscriptions": "news"}, {"news"}),
        ({"subscriptions": [" news ", "news", 7, " ", None]}, {"news", "7"}),
        ({"subscriptions": []}, set()),
        (["news"], {"news"}),
        ({"subscriptions": ['quoted "news"', "back\\slash", "{curly}", "новини"], "unheardOf": 1}, 4),
    ],
)
def test_what_real_clients_send_is_taken(call_api, olena, body, categories):
    answer = call_api("put", path_of(olena), json.dumps(body), content_type="application/json")

    assert answer.status_code == 200
    if isinstance(categories, int):
        categories = set(body["subscriptions"])
    assert granted(olena) == dict.fromkeys(categories, True)


REFUSED = {
    "nothing": ({}, {"subscriptions": "required"}),
    "null": ({"subscriptions": None}, {"subscriptions": "required"}),
    "blank": ({"subscriptions": " "}, {"subscriptions": "required"}),
    "objects": ({"subscriptions": [{"key": "news"}, ["news"]]}, "not_text"),
    "yes and a half": ({"subscriptions": [True, 1.5]}, "not_text"),
    "a NUL": ({"subscriptions": ["a\0"]}, {"subscriptions[0]": "invalid_character"}),
    "too long": ({"subscriptions": ["x" * 51, "y" * 501]}, "too_long"),
    "a huge number": ({"subscriptions": [10**400]}, {"subscriptions[0]": "too_long"}),
    "too many": ({"subscriptions": ["a"] * 501}, {"subscriptions": "too_many"}),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_named_and_nothing_is_withdrawn(call_api, olena, body, paths):
    subscribe_contact(olena, ["news"], by="user:1", basis="a form")

    answer = call_api("put", path_of(olena), json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    if isinstance(paths, str):
        paths = {f"subscriptions[{position}]": paths for position in range(2)}
    assert paths_of(answer) == paths
    assert granted(olena) == {"news": True}


@pytest.mark.parametrize("method", ["get", "put"])
def test_who_is_not_there_is_not_found(call_api, olena, bohdan, method):
    delete_contacts([olena], by="user:1")
    erase_contacts([bohdan], by="user:1")

    for contact_id in (olena, bohdan, 999_999, 2**63 - 1):
        answer = call_api(method, path_of(contact_id), {"subscriptions": ["news"]} if method == "put" else None)
        assert answer.status_code == 404
        assert "not found" in answer.json()["message"]
    assert not Consent.objects.exists()


def test_a_merged_contact_answers_as_its_survivor(call_api, olena, bohdan):
    merge_contacts(olena, bohdan, by="user:1")

    call_api("put", path_of(bohdan), {"subscriptions": ["news"]})

    assert granted(olena) == {"news": True}
    assert [entry["key"] for entry in call_api("get", path_of(bohdan)).json()] == ["news"]


def test_all_categories_are_listed_with_how_many_agree(call_api, olena, bohdan):
    call_api("put", path_of(olena), {"subscriptions": ["news", "offers"]})
    call_api("put", path_of(bohdan), {"subscriptions": ["news"]})
    call_api("put", path_of(olena), {"subscriptions": ["news"]})
    delete_contacts([bohdan], by="user:1")

    listed = call_api("get", "/api/v1/subscriptions/").json()

    assert [(entry["key"], entry["contactsCount"]) for entry in listed] == [("news", 1), ("offers", 0)]
    assert listed[0].keys() == {"id", "key", "name", "contactsCount", "createdDate", "updatedDate"}
    assert listed[0]["id"] == call_api("get", path_of(olena)).json()[0]["id"]


def test_to_subscribe_adds_to_what_was_agreed_to(olena, bohdan):
    subscribe_contact(olena, ["news"], by="key:1", basis="a form")
    merge_contacts(bohdan, olena, by="user:1")

    assert subscribe_contact(olena, ["offers"], by="key:1", basis="a form") == bohdan
    assert granted(bohdan) == {"news": True, "offers": True}
    with pytest.raises(ContactNotFound):
        subscribe_contact(999_999, ["news"], by="key:1", basis="a form")


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("read", "get", 200),
        ("read", "put", 403),
        ("contacts_and_events_write", "get", 403),
        ("contacts_and_events_write", "put", 200),
        ("events", "put", 403),
    ],
)
def test_a_key_does_what_its_scope_allows(call_api, olena, scope, method, status):
    body = {"subscriptions": ["news"]} if method == "put" else None

    assert call_api(method, path_of(olena), body, scope=scope).status_code == status


@pytest.mark.django_db(transaction=True)
def test_what_is_agreed_to_while_the_contact_is_merged_stands_on_its_survivor(call_api, olena, bohdan):
    with transaction.atomic():
        merge_contacts(bohdan, olena, by="user:1")
        other = Other(lambda: replace_subscriptions(olena, ["news"], by="key:1", basis="API"))
        wait_until_waiting()

    assert other.finish() == bohdan
    assert (granted(olena), granted(bohdan)) == ({}, {"news": True})
