"""The frame of every door for servers: keys, scopes, errors, bodies."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from crm import urls
from crm.api.errors import flatten
from crm.api.keys import create_api_key, find_api_key, forget_found_keys
from crm.api.parsers import parse_json
from crm.api.permissions import may
from crm.api.renderers import Sentence
from crm.errors import CardfileError, Refused
from crm.models import ApiKey, AuditEntry


class TakenTwice(CardfileError):
    """Two contacts want it. Decide for one."""

    code = "external_id_taken"


class Channel(serializers.Serializer):
    value = serializers.CharField(max_length=3)


class Body(serializers.Serializer):
    name = serializers.CharField()
    channels = Channel(many=True)


class Echo(APIView):
    area = "contacts"

    def get(self, request):
        return Response(Sentence("Contact with id='1' has been updated"))

    def post(self, request):
        return Response(request.data)

    def put(self, request):
        Body(data=request.data).is_valid(raise_exception=True)

    def delete(self, request):
        if request.query_params.get("several"):
            raise Refused([TakenTwice(path="contacts[0]"), TakenTwice("Again.", path="contacts[3].externalCustomerId")])
        raise TakenTwice(contact_id=7)


class Open(APIView):
    area = None

    def get(self, request):
        return Response({"key": request.user.key.name})


urlpatterns = [path("api/echo", Echo.as_view()), path("api/open", Open.as_view()), *urls.urlpatterns]
handler404 = urls.handler404
handler400 = urls.handler400
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


def basic(secret: str, user: str = "") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture
def secret() -> str:
    return create_api_key("Shop", scope="full")[1]


@pytest.mark.parametrize("user", ["", "anybody", "a:b", "üser"])
def test_the_user_name_is_ignored(client, secret, user):
    assert client.get("/api/open", **basic(secret, user)).json() == {"key": "Shop"}


def test_the_other_spelling_of_the_header_is_accepted(client, secret):
    assert client.get("/api/open", HTTP_AUTHORIZATION=f"apiKey 12:{secret}").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff:\x00").decode(),
        "Bearer x",
        "Basic " + base64.b64encode(b"a:cf_00000000_" + b"x" * 43).decode(),
    ],
)
def test_without_a_right_key_the_answer_is_401_in_json(client, header):
    answer = client.get("/api/open", **({"HTTP_AUTHORIZATION": header} if header else {}))

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert answer.json()["code"] == "not_authenticated"


def test_a_key_expires_and_can_be_disabled():
    now = timezone.now()
    assert find_api_key(create_api_key("a", scope="full", expires_at=now + timedelta(hours=1))[1])
    assert not find_api_key(create_api_key("b", scope="full", expires_at=now)[1])
    key, secret = create_api_key("c", scope="full")
    ApiKey.objects.filter(pk=key.pk).update(disabled_at=now)
    assert not find_api_key(secret)


def test_only_a_hash_of_the_key_is_kept():
    key, secret = create_api_key("Shop", scope="full")

    kept = ApiKey.objects.values_list().get(pk=key.pk)

    assert not any(secret[12:] in str(value) or secret.encode() in bytes(str(value), "utf-8") for value in kept)
    assert not find_api_key(secret[:-1] + ("a" if secret[-1] != "a" else "b"))


def test_it_is_looked_up_once_and_its_use_noted_once_a_minute(client, secret, django_assert_num_queries):
    with django_assert_num_queries(4):  # two of them for the audit log, which has the first use of each day
        client.get("/api/open", **basic(secret))
    used = ApiKey.objects.get().last_used_at
    assert used
    assert AuditEntry.objects.get().who == "Shop"

    with django_assert_num_queries(0):
        client.get("/api/open", **basic(secret))
    ApiKey.objects.update(last_used_at=used - timedelta(seconds=61))
    forget_found_keys()
    client.get("/api/open", **basic(secret))

    assert ApiKey.objects.get().last_used_at > used


SCOPES = {
    # scope: what it may do with contacts, with events, with anything else (r read, w write, d delete)
    "full": ("rwd", "rwd", "rwd"),
    "contacts_and_events": ("rwd", "rwd", ""),
    "contacts_and_events_write": ("w", "w", ""),
    "events": ("", "rwd", ""),
    "read": ("r", "r", "r"),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_what_its_name_says(scope):
    key, _ = create_api_key("Shop", scope=scope)

    for area, allowed in zip(["contacts", "events", "segments"], SCOPES[scope], strict=True):
        assert {
            letter for letter in "rwd" if may(key, {"r": "read", "w": "write", "d": "delete"}[letter], area=area)
        } == set(allowed)


def test_a_scope_too_narrow_is_403(call_api):
    answer = call_api("post", "/api/echo", {}, scope="read")

    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_too_narrow"
    assert "Read only" in answer.json()["message"]


def test_an_error_of_a_room_becomes_its_status_with_code_and_message(call_api):
    answer = call_api("delete", "/api/echo")

    assert answer.status_code == 409
    assert answer.json() == {
        "status": 409,
        "code": "external_id_taken",
        "message": "Two contacts want it. Decide for one.",
        "errors": [],
    }


def test_several_errors_are_listed_with_their_paths(call_api):
    answer = call_api("delete", "/api/echo?several=1")

    assert [entry["path"] for entry in answer.json()["errors"]] == ["contacts[0]", "contacts[3].externalCustomerId"]
    assert answer.json()["errors"][1]["message"] == "Again."


def test_a_serializers_errors_have_paths(call_api):
    answer = call_api("put", "/api/echo", {"channels": [{"value": "ok"}, {"value": "long"}]})

    assert answer.status_code == 400
    assert {(entry["path"], entry["code"]) for entry in answer.json()["errors"]} == {
        ("name", "required"),
        ("channels[1].value", "max_length"),
    }


def test_errors_of_a_whole_object_stand_at_its_path():
    assert flatten({"a": {"non_field_errors": ["x"]}, "non_field_errors": ["y"]}) == [
        {"path": "a", "code": "invalid", "message": "x"},
        {"path": "", "code": "invalid", "message": "y"},
    ]


@pytest.mark.parametrize("address", ["/api/echo", "/api/echo/", "/api/echo//"])
def test_a_slash_at_the_end_makes_no_difference(call_api, address):
    assert call_api("post", address, {"a": 1}).json() == {"a": 1}


def test_a_sentence_stays_plain_under_the_same_content_type(call_api):
    answer = call_api("get", "/api/echo")

    assert answer.content == b"Contact with id='1' has been updated"
    assert answer["Content-Type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize(
    ("method", "address", "content_type", "body", "status", "code"),
    [
        ("POST", "/api/nowhere/", "application/json", "{}", 404, "not_found"),
        ("PATCH", "/api/echo", "application/json", "{}", 405, "method_not_allowed"),
        ("POST", "/api/echo", "text/csv", "a,b", 415, "unsupported_media_type"),
        ("POST", "/api/echo", "application/json", "{", 400, "malformed"),
        ("POST", "/api/echo", "application/json", "NaN", 400, "malformed"),
        ("POST", "/api/echo", "application/json", "[" * 100_000, 400, "malformed"),
        ("POST", "/api/echo", "application/json", '"' + "x" * 11_000_000 + '"', 413, "body_too_large"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_json(secret, method, address, content_type, body, status, code):
    answer = Client(raise_request_exception=False).generic(method, address, body, content_type, **basic(secret))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/json; charset=UTF-8"


@pytest.mark.parametrize(
    "content_type", ["application/json", "", "application/json; charset=utf-8", "application/merge-patch+json"]
)
def test_bodies_are_read_leniently(secret, content_type):
    body = b'\xef\xbb\xbf{"id": 123456789012345678901234567890}'

    answer = Client().generic("POST", "/api/echo", body, content_type, HTTP_ACCEPT="text/plain", **basic(secret))

    assert answer.content == b'{"id": 123456789012345678901234567890}'


def test_a_body_where_none_is_expected_is_ignored(secret):
    answer = Client().generic("GET", "/api/echo", b"{broken", "text/csv", **basic(secret))

    assert answer.status_code == 200


@pytest.mark.parametrize("empty", [b"", b"  ", b"\xef\xbb\xbf"])
def test_an_empty_body_counts_as_an_empty_object(empty):
    assert parse_json(empty) == {}


def test_the_schema_is_shown_to_whoever_has_a_key(client, secret):
    assert client.get("/api/schema/").status_code == 401
    assert client.get("/api/schema/", **basic(secret)).status_code == 200


def test_the_command_prints_a_key_that_works(capsys):
    from django.core.management import call_command

    call_command("create_api_key", "Shop", scope="events")

    key = find_api_key(capsys.readouterr().out.strip())
    assert key
    assert key.scope == "events"


def test_factories_need_no_server():
    assert Echo.as_view()(APIRequestFactory().get("/")).status_code == 401
