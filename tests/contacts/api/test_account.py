"""What clients ask of the account before they do anything else."""

import tomllib
from pathlib import Path

import pytest

from contacts.models import Account, CustomField
from crm import VERSION

pytestmark = pytest.mark.django_db

BOOKS = "/api/v1/addressbooks"
FOR_EVERY_KEY = ["/api/v1/account/info", "/api/v1/version", "/api/v1/workflows"]
SCOPES = ["full", "contacts_and_events", "contacts_and_events_write", "events", "read"]


@pytest.fixture
def account(db):
    Account.objects.all().delete()
    return Account.objects.create(name="Tea & Co")


def field(label, group="", **more):
    return CustomField.objects.create(key=label.lower(), label=label, group=group, **more)


def test_an_account_without_custom_fields_has_an_empty_list_of_groups(call_api, account):
    assert call_api("get", BOOKS).json() == {"addressBook": {"addressBookId": 1, "name": "Tea & Co", "fieldGroups": []}}


def test_one_field_is_an_object_in_a_list_of_one_group(call_api, account):
    tier = field("Tier", "Loyalty", type="choice", options=["gold", "silver"], required=True)

    assert call_api("get", BOOKS).json()["addressBook"]["fieldGroups"] == [
        {
            "name": "Loyalty",
            "profileKey": "loyalty",
            "fields": {
                "id": tier.pk,
                "name": "Tier",
                "fieldKey": "tier",
                "description": {
                    "type": "COMBOBOX",
                    "required": True,
                    "readonly": False,
                    "allowedValues": {"possibleValues": ["gold", "silver"]},
                },
            },
        }
    ]


def test_several_fields_are_a_list_and_groups_come_by_name(call_api, account):
    field("Tier", "Loyalty")
    field("Points", "Loyalty", type="number")
    field("Note")

    groups = call_api("get", BOOKS).json()["addressBook"]["fieldGroups"]

    assert [(group["name"], group["profileKey"]) for group in groups] == [
        ("Custom fields", "custom"),
        ("Loyalty", "loyalty"),
    ]
    assert groups[0]["fields"]["name"] == "Note"
    assert [entry["name"] for entry in groups[1]["fields"]] == ["Points", "Tier"]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("text", "TEXTFIELD"),
        ("long_text", "TEXTAREA"),
        ("number", "NUMBER"),
        ("decimal", "DECIMAL"),
        ("boolean", "COMBOBOX"),
        ("date", "DATE"),
        ("datetime", "DATETIME"),
        ("choice", "COMBOBOX"),
        ("choices", "CHECKBOXLIST"),
    ],
)
def test_every_type_of_field_has_a_name_on_the_wire(call_api, account, kind, shown):
    field("Extra", type=kind)

    [group] = call_api("get", BOOKS).json()["addressBook"]["fieldGroups"]

    assert group["fields"]["description"]["type"] == shown


def test_the_id_of_a_field_is_the_one_that_contacts_are_sent_with(call_api, account):
    field("Tier", "Loyalty")
    number = call_api("get", BOOKS).json()["addressBook"]["fieldGroups"][0]["fields"]["id"]
    body = {"externalCustomerId": "C-1", "addressBookId": 1, "fields": {"id": number, "value": "gold"}}

    contact_id = call_api("post", "/api/v1/contact", body).json()["id"]

    assert call_api("get", f"/api/v1/contact/{contact_id}").json()["fields"] == [{"id": number, "value": "gold"}]


@pytest.mark.parametrize("path", [*FOR_EVERY_KEY, BOOKS])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_slash_at_the_end_makes_no_difference(call_api, path, end):
    assert call_api("get", path + end, {"name": "x", "startindex": "x"}).status_code == 200


def test_the_account_says_who_it_is(call_api, account, settings):
    settings.DEFAULT_FROM_EMAIL = "crm@example.com"

    assert call_api("get", "/api/v1/account/info").json() == {
        "userEmail": "crm@example.com",
        "organisationName": "Tea & Co",
        "orgId": account.pk,
    }


def test_the_account_says_who_it_is_before_it_was_set_up(call_api):
    Account.objects.all().delete()

    assert call_api("get", "/api/v1/account/info").json()["orgId"] == 1


def test_the_version_is_that_of_the_project(call_api):
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]

    assert call_api("get", "/api/v1/version").json() == {"version": VERSION, "protocolVersion": "1"}
    assert project["version"] == VERSION


def test_there_are_no_workflows(call_api):
    assert call_api("get", "/api/v1/workflows", {"name": "welcome", "maxrows": 10}).content == b"[]"


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("path", FOR_EVERY_KEY)
def test_every_key_may_ask_what_names_nobody(call_api, path, scope):
    assert call_api("get", path, scope=scope).status_code == 200


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("contacts_and_events", 200), ("events", 403)])
def test_the_custom_fields_are_for_keys_that_read_contacts(call_api, scope, status):
    assert call_api("get", BOOKS, scope=scope).status_code == status


@pytest.mark.parametrize("path", [*FOR_EVERY_KEY, BOOKS])
@pytest.mark.parametrize("credentials", [{}, {"Authorization": "Basic Og=="}, {"Authorization": "Basic x"}])
def test_without_a_key_the_answer_is_json(client, path, credentials):
    answer = client.get(path, headers=credentials)

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.json()["status"] == 401


@pytest.mark.parametrize("path", [*FOR_EVERY_KEY, BOOKS])
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_asking_is_all_that_can_be_done(call_api, path, method):
    answer = call_api(method, path, {})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("method", "path"),
    [("delete", "/api/v1/past_events"), ("delete", "/api/v1/past_events/"), ("post", "/api/v1/auth/token")],
)
def test_what_is_not_offered_is_not_found(call_api, method, path):
    answer = call_api(method, path, {})

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
