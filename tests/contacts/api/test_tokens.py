"""Tokens of apps through the API: whose they are, whether they are active, muted; and new ones."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from contacts.api.tokens import MOST_TOKENS
from contacts.api.translate_tokens import LONGEST_MUTE
from contacts.identity import delete_contacts, erase_contacts, merge_contacts, resolve_one
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import Contact, Identifier
from crm.api.keys import create_api_key

pytestmark = pytest.mark.django_db

ACTIVATED = "/api/v1/contact/token/activated/shop/push-1"
CONTACT_ID = "/api/v1/contact/token/shop/push-1/contactId"
TOKENS = "/api/v1/apps/shop/tokens"
MUTE = "/api/v1/apps/shop/token/mute"
UNMUTE = "/api/v1/apps/shop/token/unmute"
JSON = "application/json; charset=UTF-8"


def make_contact(external_id, *tokens, **record):
    record = {"external_id": external_id, "identifiers": list(tokens), **record}
    return resolve_one(record, API, by="user:1").contact_id


def token(value="push-1", kind="mobile_push", app="shop", **details):
    return {"kind": kind, "app": app, "value": value, "details": details}


@pytest.fixture
def olena(db):
    return make_contact("C-1", token(deviceModel="iPhone 16"), email="olena@example.com", first_name="Олена")


def details_of(value="push-1"):
    return Identifier.objects.get(value=value).details


def owner_of(value, app="shop"):
    return Identifier.objects.get(value=value, app=app).contact_id


# One token


def test_the_contact_of_a_token_is_told_by_its_id(call_api, olena):
    answer = call_api("get", CONTACT_ID)

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b'{"id":%d}' % olena, JSON)


@pytest.mark.parametrize("kind", ["mobile_push", "web_push", "telegram"])
@pytest.mark.parametrize("value", ["a:b", "https://push.example.com/a/b?c=1", "ё 1", "x" * 600])
def test_a_token_may_look_like_anything(call_api, kind, value):
    bohdan = make_contact("C-2", token(value, kind, "83b77a49-fc28"))

    answer = call_api("get", f"/api/v1/contact/token/83b77a49-fc28/{quote(value, safe='')}/contactId")

    assert answer.json() == {"id": bohdan}


def test_the_token_of_another_app_is_another_token(call_api, olena):
    bohdan = make_contact("C-2", token(app="other"))

    assert call_api("get", CONTACT_ID).json() == {"id": olena}
    assert call_api("get", CONTACT_ID.replace("shop", "other")).json() == {"id": bohdan}


def test_a_token_is_active_until_somebody_says_otherwise(call_api, olena):
    assert call_api("get", ACTIVATED).content == b'{"active":true}'

    answer = call_api("put", ACTIVATED, {"active": False})

    assert (answer.status_code, answer.content) == (200, b'{"active":false}')
    assert call_api("get", ACTIVATED).content == b'{"active":false}'
    assert details_of() == {"deviceModel": "iPhone 16", "active": False}


@pytest.mark.parametrize(
    ("sent", "active"),
    [
        (True, True),
        ("true", True),
        (1, True),
        ("1", True),
        (False, False),
        (" FALSE ", False),
        (0, False),
        ("no", False),
    ],
)
def test_whether_it_is_active_may_be_said_in_many_ways(call_api, olena, sent, active):
    assert call_api("put", ACTIVATED, {"active": sent, "more": [1]}).json() == {"active": active}
    assert call_api("get", ACTIVATED).json() == {"active": active}


@pytest.mark.parametrize("sent", [{}, {"active": None}, {"active": " "}, {"active": "perhaps"}, {"active": []}, []])
def test_what_is_neither_yes_nor_no_is_refused(call_api, olena, sent):
    answer = call_api("put", ACTIVATED, sent)

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("active", "invalid_boolean")]


def test_what_is_known_of_a_token_is_no_change_of_the_sheet(call_api, olena):
    before = Contact.objects.get(pk=olena)

    call_api("put", ACTIVATED, {"active": False})
    call_api("post", MUTE, {"token": "push-1"})

    after = Contact.objects.get(pk=olena)
    assert (after.updated_at, after.identifier_kinds) == (before.updated_at, before.identifier_kinds)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", CONTACT_ID, None),
        ("get", ACTIVATED, None),
        ("put", ACTIVATED, {"active": True}),
        ("post", MUTE, {"token": "push-1"}),
        ("post", UNMUTE, {"token": "push-1"}),
    ],
)
class TestATokenThatNobodyHas:
    def test_is_not_found(self, call_api, method, path, body):
        make_contact("C-2", token(app="other"))

        self.is_told_so(call_api(method, path, body))

    @pytest.mark.parametrize("verb", [delete_contacts, erase_contacts])
    def test_nor_is_that_of_a_contact_that_is_gone(self, call_api, olena, method, path, body, verb):
        verb([olena], by="user:1")

        self.is_told_so(call_api(method, path, body))

    def is_told_so(self, answer):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "not found" in answer.json()["message"]


def test_the_token_of_a_merged_contact_is_its_survivors(call_api, olena):
    bohdan = make_contact("C-2")
    merge_contacts(bohdan, olena, by="user:1")

    assert call_api("get", CONTACT_ID).json() == {"id": bohdan}


@pytest.mark.parametrize(
    "path", ["%00/x", "shop/%00", "shop/%ed%a0%80", "null/null", "%20/%20", "shop/t%0A1", "x" * 200 + "/y"]
)
def test_no_address_breaks_it(call_api, path):
    assert call_api("get", f"/api/v1/contact/token/{path}/contactId").status_code == 404
    assert call_api("get", f"/api/v1/contact/token/activated/{path}").status_code == 404
    assert call_api("put", f"/api/v1/contact/token/activated/{path}", {"active": 1}).status_code == 404


# Muting


@pytest.mark.parametrize("duration", [5, "5", 3_600, LONGEST_MUTE])
def test_a_token_is_muted_for_a_while(call_api, olena, duration):
    answer = call_api("post", MUTE, {"token": "push-1", "duration": duration})

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"Token has been muted", JSON)
    until = datetime.fromisoformat(details_of()["mutedUntil"])
    assert abs(until - datetime.now(UTC) - timedelta(seconds=int(duration))) < timedelta(minutes=1)


@pytest.mark.parametrize("body", [{}, {"duration": None}, {"duration": " "}])
def test_a_token_is_muted_for_ever_and_unmuted(call_api, olena, body):
    call_api("post", MUTE, {"token": " push-1", **body})
    assert details_of() == {"deviceModel": "iPhone 16", "muted": True, "mutedUntil": None}

    answer = call_api("post", UNMUTE, {"token": "push-1"})

    assert (answer.status_code, answer.content) == (200, b"Token has been unmuted")
    assert details_of() == {"deviceModel": "iPhone 16", "muted": False, "mutedUntil": None}


REFUSED = {
    "no token": ({}, {"token": "required"}),
    "an empty token": ({"token": " "}, {"token": "required"}),
    "a token that is a list": ({"token": ["push-1"]}, {"token": "not_text"}),
    "a body that is a list": ([], {"token": "required"}),
    "no time": ({"token": "push-1", "duration": "long"}, {"duration": "invalid_duration"}),
    "a time below zero": ({"token": "push-1", "duration": -5}, {"duration": "invalid_duration"}),
    "a time of nothing": ({"token": "push-1", "duration": 0}, {"duration": "invalid_duration"}),
    "a time too short": ({"token": "push-1", "duration": 4}, {"duration": "invalid_duration"}),
    "a time too long": ({"token": "push-1", "duration": LONGEST_MUTE + 1}, {"duration": "invalid_duration"}),
    "a time without end": ({"token": "push-1", "duration": 10**4_000}, {"duration": "invalid_duration"}),
    "half a second": ({"token": "push-1", "duration": 5.5}, {"duration": "invalid_duration"}),
    "a time that is yes": ({"token": "push-1", "duration": True}, {"duration": "invalid_duration"}),
    "neither": ({"duration": {}}, {"token": "required", "duration": "invalid_duration"}),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_muted_is_named(call_api, olena, body, paths):
    answer = call_api("post", MUTE, body)

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == paths


@pytest.mark.parametrize(("path", "body"), [(TOKENS, {"tokens": []}), (MUTE, {"token": "t"}), (UNMUTE, {"token": "t"})])
@pytest.mark.parametrize("app", ["x" * 101, "a%00b"])
def test_a_wrong_app_is_told_so(call_api, path, body, app):
    answer = call_api("post", path.replace("shop", app), body)

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("app", "invalid_app")]


# Adding


def test_tokens_are_hung_on_whom_they_name(call_api, olena):
    named = [
        {"contactId": olena},
        {"contactId": str(olena)},
        {"externalCustomerId": "C-1"},
        {"email": "OLENA@example.com", "phone": " ", "contactId": None},
    ]

    answer = call_api("post", TOKENS, {"tokens": [{"token": f"t-{n}", **each} for n, each in enumerate(named)]})

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"Tokens have been added", JSON)
    assert {owner_of(f"t-{n}") for n in range(4)} == {olena}
    assert set(Identifier.objects.filter(value__startswith="t-").values_list("kind", flat=True)) == {Kind.MOBILE_PUSH}


def test_a_missing_contact_is_made_and_one_that_is_there_keeps_its_fields(call_api, olena):
    call_api("post", TOKENS, {"tokens": [{"token": "t-1", "externalCustomerId": "C-1", "email": "other@example.com"}]})
    call_api("post", TOKENS, {"tokens": {"token": "t-2", "phone": 380671112233}})

    assert Contact.objects.get(pk=olena).email == "olena@example.com"
    assert Contact.objects.get(pk=owner_of("t-2")).phone == "+380671112233"


def test_a_token_may_name_nobody(call_api):
    assert call_api("post", TOKENS, [{"token": 42}]).status_code == 200

    assert call_api("get", "/api/v1/contact/token/shop/42/contactId").json() == {"id": Contact.objects.get().pk}


def test_a_token_that_another_contact_has_migrates(call_api, olena):
    bohdan = make_contact("C-2")

    call_api("post", TOKENS, {"tokens": [{"token": "push-1", "contactId": bohdan}]})

    assert call_api("get", CONTACT_ID).json() == {"id": bohdan}


def test_a_new_token_is_of_the_type_that_is_said_and_a_known_one_stays_what_it_is(call_api):
    bohdan = make_contact("C-2", token("tg-1", "telegram"))

    call_api("post", TOKENS, {"tokens": [{"token": "tg-2", "type": "Telegram", "contactId": bohdan}]})
    call_api("post", TOKENS, {"tokens": [{"token": "tg-1", "contactId": bohdan}]})

    kinds = Identifier.objects.filter(contact_id=bohdan, app="shop").values_list("value", "kind")
    assert sorted(kinds) == [("tg-1", Kind.TELEGRAM), ("tg-2", Kind.TELEGRAM)]


REFUSED_TOKENS = {
    "no token": ({"email": "olena@example.com"}, {"tokens[1].token": "required"}),
    "a token that is an object": ({"token": {"a": 1}}, {"tokens[1].token": "not_text"}),
    "a token with a NUL": ({"token": "a\0"}, {"tokens[1].token": "invalid_character"}),
    "a junk token": ({"token": "null"}, {"tokens[1].token": "identifier_missing"}),
    "a text": ("t-9", {"tokens[1]": "not_an_object"}),
    "no email": ({"token": "t-9", "email": "olena"}, {"tokens[1].email": "invalid_email"}),
    "no phone": ({"token": "t-9", "phone": [1]}, {"tokens[1].phone": "invalid_phone"}),
    "no id": ({"token": "t-9", "contactId": "x"}, {"tokens[1].contactId": "invalid_id"}),
    "an unknown id": ({"token": "t-9", "contactId": 999_999}, {"tokens[1].contactId": "contact_not_found"}),
    "an external ID that is a list": (
        {"token": "t-9", "externalCustomerId": [1]},
        {"tokens[1].externalCustomerId": "not_text"},
    ),
    "an unheard-of type": ({"token": "t-9", "type": "fax"}, {"tokens[1].type": "unknown_channel"}),
    "a strange type": ({"token": "t-9", "type": ["telegram"]}, {"tokens[1].type": "unknown_channel"}),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED_TOKENS.values(), ids=REFUSED_TOKENS)
def test_a_token_that_cannot_be_added_is_named_and_keeps_no_other_back(call_api, olena, body, paths):
    answer = call_api("post", TOKENS, {"tokens": [{"token": "t-1", "contactId": olena}, body]})

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == paths
    assert owner_of("t-1") == olena
    assert not Identifier.objects.filter(value="t-9").exists()


def test_a_body_without_tokens_and_one_with_too_many_are_refused(call_api):
    missing = call_api("post", TOKENS, {})
    many = call_api("post", TOKENS, {"tokens": [{"token": "t-1"}] * (MOST_TOKENS + 1)})

    assert [answer.json()["errors"][0]["code"] for answer in (missing, many)] == ["required", "too_many"]
    assert not Identifier.objects.exists()


# The frame

CALLS = [
    ("GET", CONTACT_ID, ""),
    ("GET", ACTIVATED, ""),
    ("PUT", ACTIVATED, '{"active": "true"}'),
    ("POST", TOKENS, '{"tokens": {"token": "t-1"}}'),
    ("POST", MUTE, '{"token": "push-1"}'),
    ("POST", UNMUTE, '{"token": "push-1"}'),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_a_slash_at_the_end_an_empty_user_name_and_a_body_where_none_belongs_are_fine(olena, method, path, body):
    _key, secret = create_api_key("Shop", scope="full")
    credentials = base64.b64encode(f":{secret}".encode()).decode()

    answer = Client().generic(
        method, f"{path}/", body or "{broken", "application/json", HTTP_AUTHORIZATION=f"Basic {credentials}"
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
@pytest.mark.parametrize("scope", ["full", "contacts_and_events", "contacts_and_events_write", "events", "read"])
def test_a_key_may_do_what_its_scope_says_of_contacts(call_api, olena, method, path, body, scope):
    allowed = {"contacts_and_events_write": ["PUT", "POST"], "events": [], "read": ["GET"]}

    answer = call_api(method.lower(), path, body or None, scope=scope, content_type="application/json")

    assert answer.status_code == (200 if method in allowed.get(scope, [method]) else 403)
