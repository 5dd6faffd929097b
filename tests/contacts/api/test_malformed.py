"""Whatever is sent, the answer says what is wrong with it and where, and nothing is half-written."""

import json

import pytest

from contacts.models import Contact, CustomField

pytestmark = pytest.mark.django_db

CONTACT = "/api/v1/contact"
DEEP = b'{"firstName":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NAMED = {"externalCustomerId": "C-1"}

UNREADABLE = {
    "not JSON": b"{",
    "two values": b"{} {}",
    "not UTF-8": b'{"firstName": "\xff"}',
    "UTF-16": '{"firstName": "Olena"}'.encode("utf-16"),
    "deep": DEEP,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "half a character": b'{"externalCustomerId": "\\ud800"}',
    "a number without end": b'{"externalCustomerId": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"externalCustomerId": NaN}',
    "endless": b'{"externalCustomerId": 12345678901234567890, "firstName": Infinity}',
    "a list": b"[]",
    "a text": b'"contact"',
    "a number": b"7",
    "nothing": b"null",
    "yes": b"true",
    "a NUL byte": b"\0",
}
REFUSED = {
    "nobody named": ({}, {}),
    "only a name": ({"firstName": "Olena"}, {}),
    "only empty values": ({"externalCustomerId": " ", "channels": [{"type": "email", "value": ""}]}, {}),
    "only junk": ({"externalCustomerId": "null"}, {}),
    "only an id": ({"id": 1}, {}),
    "only a link for advertisers": ({"identifiers": [{"kind": "advertising", "value": "ad-1"}]}, {}),
    "no email": ({"channels": [{"type": "email", "value": "olena"}]}, {"channels[0].value": "invalid_email"}),
    "no email, the second channel": (
        {"channels": [{"type": "sms", "value": "+380501234567"}, {"type": "email", "value": "@"}]},
        {"channels[1].value": "invalid_email"},
    ),
    "no phone": ({"channels": [{"type": "sms", "value": "12"}]}, {"channels[0].value": "invalid_phone"}),
    "a phone that is a half": ({"channels": [{"type": "sms", "value": 1.5}]}, {"channels[0].value": "invalid_phone"}),
    "an email that is yes": ({"channels": [{"type": "email", "value": True}]}, {"channels[0].value": "invalid_email"}),
    "an email that is a list": ({"channels": [{"type": "email", "value": ["a"]}]}, {"channels[0].value": "not_text"}),
    "an email that is an object": ({"channels": [{"type": "email", "value": {}}]}, {"channels[0].value": "not_text"}),
    "an email with a NUL": (
        {"channels": [{"type": "email", "value": "a\0@example.com"}]},
        {"channels[0].value": "invalid_email"},
    ),
    "three emails": (
        {"channels": [{"type": "email", "value": f"{name}@example.com"} for name in ("a", "b", "c")]},
        {"channels": "too_many_values"},
    ),
    "three tokens": (
        {"channels": [{"type": "telegram", "value": f"t-{n}"} for n in range(3)]},
        {"channels[2]": "too_many_values"},
    ),
    "an unheard-of channel": (
        {**NAMED, "channels": [{"type": "fax", "value": "1"}]},
        {"channels[0].type": "unknown_channel"},
    ),
    "a channel without a type": ({**NAMED, "channels": [{"value": "1"}]}, {"channels[0].type": "unknown_channel"}),
    "a channel of a strange type": (
        {**NAMED, "channels": [{"type": ["sms"]}]},
        {"channels[0].type": "unknown_channel"},
    ),
    "channels that are texts": (
        {**NAMED, "channels": ["a", {}]},
        {"channels[0]": "not_an_object", "channels[1].type": "unknown_channel"},
    ),
    "channels that are a number": ({**NAMED, "channels": 5}, {"channels[0]": "not_an_object"}),
    "a device that is a text": (
        {"channels": [{"type": "mobilepush", "value": "t-1", "device": "iPhone"}]},
        {"channels[0].device": "not_an_object"},
    ),
    "a device's strange model": (
        {
            "channels": [
                {
                    "type": "mobilepush",
                    "value": "t-1",
                    "device": {"deviceModel": [1], "os": "a\0b", "locale": "x" * 501},
                }
            ]
        },
        {
            "channels[0].device.deviceModel": "not_text",
            "channels[0].device.os": "invalid_character",
            "channels[0].device.locale": "too_long",
        },
    ),
    "a device's strange app": (
        {"channels": [{"type": "mobilepush", "value": "t-1", "device": {"appId": {}}}]},
        {"channels[0].value": "not_text"},
    ),
    "a token that is an object": ({"channels": [{"type": "telegram", "value": {}}]}, {"channels[0].value": "not_text"}),
    "a token with a NUL": (
        {"channels": [{"type": "telegram", "value": "t\0"}]},
        {"channels[0].value": "invalid_character"},
    ),
    "an unheard-of identifier": (
        {"channels": [{"type": "telegram", "value": "t"}], "identifiers": [{"kind": "email", "value": "a"}]},
        {"identifiers[0].kind": "unknown_kind"},
    ),
    "an identifier with a NUL": (
        {"channels": [{"type": "telegram", "value": "t"}], "identifiers": {"kind": "device", "value": "\0"}},
        {"identifiers[0].value": "invalid_character"},
    ),
    "identifiers that are texts": ({**NAMED, "identifiers": ["a"]}, {"identifiers[0]": "not_an_object"}),
    "an external ID that is a list": ({"externalCustomerId": [1]}, {"externalCustomerId": "not_text"}),
    "an external ID that is yes": ({"externalCustomerId": True}, {"externalCustomerId": "not_text"}),
    "an external ID with a NUL": ({"externalCustomerId": "a\0"}, {"externalCustomerId": "invalid_character"}),
    "an external ID too long": ({"externalCustomerId": "x" * 101}, {"externalCustomerId": "external_id_too_long"}),
    "an external ID of many digits": (
        {"externalCustomerId": 10**4_000},
        {"externalCustomerId": "external_id_too_long"},
    ),
    "a name too long": ({**NAMED, "firstName": "x" * 41}, {"firstName": "too_long"}),
    "a name that is an object": ({**NAMED, "lastName": {"a": 1}}, {"lastName": "not_text"}),
    "a name with a NUL": ({**NAMED, "lastName": "a\0b"}, {"lastName": "invalid_character"}),
    "a key too long": ({"contactKey": "x" * 101}, {"contactKey": "too_long"}),
    "an address that is a text": ({**NAMED, "address": "Kyiv"}, {"address": "not_an_object"}),
    "a town that is a list": ({**NAMED, "address": {"town": ["Kyiv"]}}, {"address.town": "not_text"}),
    "no time zone": ({**NAMED, "timeZone": "Mars/Olympus"}, {"timeZone": "unknown_time_zone"}),
    "an unknown field": ({**NAMED, "fields": [{"id": 999_999, "value": "1"}]}, {"fields[0].id": "unknown_field"}),
    "a field of a huge id": ({**NAMED, "fields": [{"id": 10**30}]}, {"fields[0].id": "unknown_field"}),
    "a field of no id": (
        {**NAMED, "fields": [{"value": "1"}, {"id": True}, {"id": "tier"}, {"id": -1}, {"id": 1.5}, 7]},
        {
            **{f"fields[{n}].id": "unknown_field" for n in range(5)},
            "fields[5]": "not_an_object",
        },
    ),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("method", ["post", "put"])
def test_a_body_that_cannot_be_read_is_refused(call_api, method, body):
    contact_id = call_api("post", CONTACT, NAMED).json()["id"]
    path = CONTACT if method == "post" else f"{CONTACT}/{contact_id}"

    answer = call_api(method, path, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["message"].endswith((".", ")"))
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_cannot_be_taken_is_named_by_its_path(call_api, body, paths):
    answer = call_api("post", CONTACT, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == paths
    assert not Contact.objects.exists()


def test_who_names_nobody_is_told_what_to_send(call_api):
    answer = call_api("post", CONTACT, {"firstName": "Olena"}).json()

    assert answer["code"] == "identifier_missing"


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("number", "many", "invalid_number"),
        ("number", {}, "not_text"),
        ("number", 10**30, "number_too_large"),
        ("decimal", "nan", "invalid_decimal"),
        ("decimal", "1e999", "number_too_large"),
        ("boolean", "perhaps", "invalid_boolean"),
        ("date", "yesterday", "invalid_date"),
        ("datetime", "0001-01-01T00:00:00+14:00", "invalid_datetime"),
        ("choice", "c", "unknown_option"),
        ("choice", ["a"], "not_text"),
        ("choices", ["a", ["b"]], "not_text"),
        ("text", "\0", "invalid_character"),
        ("text", "x" * 1_001, "too_long"),
    ],
)
def test_a_custom_value_that_does_not_fit_is_named_by_its_place(call_api, kind, value, code):
    field = CustomField.objects.create(key="extra", label="Extra", type=kind, options=["a", "b"])
    fields = [{"id": field.pk, "value": value}]

    answer = call_api("post", CONTACT, {**NAMED, "fields": fields})

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("fields[0].value", code)]


def test_half_a_character_beside_a_long_number_is_refused_as_well(call_api):
    body = b'{"externalCustomerId": 12345678901234567890, "channels": [{"type": "telegram", "value": "\\ud800"}]}'

    assert call_api("post", CONTACT, body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_body_of_another_kind_is_told_so(call_api, kind):
    answer = call_api("post", CONTACT, b"a=1", content_type=kind)

    assert answer.status_code == 415
    assert answer.json()["status"] == 415


def test_a_body_too_large_is_told_so(call_api, settings):
    settings.MOST_BODY_BYTES = 1_000

    answer = call_api("post", CONTACT, {**NAMED, "lastName": "x" * 1_000})

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
