"""Searching, subscribing and the account as real clients ask: slashes, no user name, bodies where none belong."""

import base64
import json

import pytest

from crm.api.keys import create_api_key

pytestmark = pytest.mark.django_db

SUBSCRIBE = {"contact": {"channels": {"type": "email", "value": "olena@example.com"}}, "addressBookId": "7200"}
CALLS = [
    ("GET", "/api/v1/contacts", None),
    ("GET", "/api/v1/contacts?externalCustomerId=42", None),
    ("GET", "/api/v1/contacts?email=%20&startindex=1&maxrows=500&sortBy=contactId&unheardOf=1", None),
    ("GET", "/api/v1/contacts/email?ids=1,%202", None),
    ("GET", "/api/v1/addressbooks", None),
    ("GET", "/api/v1/account/info", None),
    ("GET", "/api/v1/version", None),
    ("GET", "/api/v1/workflows?name=x&startindex=1&maxrows=500", None),
    ("POST", "/api/v1/contact/subscribe", SUBSCRIBE),
    ("POST", "/api/v1/emails/unsubscribed/add", {"emails": "olena@example.com"}),
    ("POST", "/api/v1/emails/unsubscribed/delete", {"emails": ["olena@example.com"], "groups": 1}),
]
UNREAD = [b"", b"{", b'{"ids": [9]}', b"\0\xff", b"[" * 5_000]


@pytest.fixture
def call(client):
    _key, secret = create_api_key("Shop", scope="full")

    def call(method, path, body=b"", *, user="", scheme="Basic", content_type="application/json", **headers):
        text = f"{user}:{secret}"
        credentials = base64.b64encode(text.encode()).decode() if scheme.lower() == "basic" else text
        headers = {"Authorization": f"{scheme} {credentials}", **headers}
        return client.generic(method, path, body, content_type, headers=headers)

    return call


def with_slash(path):
    place, question, query = path.partition("?")
    return f"{place}/{question}{query}"


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
def test_a_call_is_answered_however_it_is_dressed(call, method, path, body):
    sent = b"" if body is None else json.dumps(body).encode()

    answers = [
        call(method, path, sent),
        call(method, with_slash(path), sent, user="anybody"),
        call(method, path, sent, scheme="apiKey", user="7"),
        call(method, path, sent, scheme="basic", content_type=""),
        call(method, path, b"\xef\xbb\xbf" + sent, content_type="application/json;charset=utf8", Accept="text/html"),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert {answer["Content-Type"] for answer in answers} == {"application/json; charset=UTF-8"}


@pytest.mark.parametrize("body", UNREAD)
@pytest.mark.parametrize("path", [path for method, path, _ in CALLS if method == "GET"])
def test_a_body_that_comes_with_a_question_is_not_looked_at(call, path, body):
    plain = call("GET", path).content

    for content_type in ("application/json", "text/csv", ""):
        answer = call("GET", path, body, content_type=content_type)
        assert (answer.status_code, answer.content) == (200, plain)


@pytest.mark.parametrize("path", ["/api/v1/contact/subscribe", "/api/v1/emails/unsubscribed/add"])
@pytest.mark.parametrize(("content_type", "status"), [("text/xml", 415), ("application/x-www-form-urlencoded", 415)])
def test_a_body_of_another_kind_is_told_so(call, path, content_type, status):
    answer = call("POST", path, b"a=1", content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (status, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/api/v1/contact/subscribe", "/api/v1/emails/unsubscribed/add"])
def test_a_body_too_large_is_told_so(call, path, settings):
    settings.MOST_BODY_BYTES = 1_000

    answer = call("POST", path, json.dumps({"emails": ["olena@example.com"] * 100}).encode())

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
def test_every_answer_says_how_many_calls_are_left(call, method, path, body):
    answer = call(method, path, b"" if body is None else json.dumps(body).encode())

    assert answer["X-RateLimit-Limit"] == ("50" if "/v1/contacts" in path else "200")
