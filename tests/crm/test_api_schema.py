"""What every operation is described with."""

import json

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def operations(call_api):
    paths = json.loads(call_api("get", "/api/schema/").content)["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, described in paths.items()
        for method, operation in described.items()
        if method in METHODS and "401" in operation["responses"]
    }


def test_every_operation_tells_its_rate(operations):
    assert operations
    for name, operation in operations.items():
        assert "Retry-After" in operation["responses"]["429"]["headers"], name


def test_an_error_has_the_shape_that_the_operation_has(operations):
    for name, operation in operations.items():
        shapes = {
            json.dumps(operation["responses"][code]["content"]["application/json"]["schema"]) for code in ("401", "429")
        }
        assert len(shapes) == 1, name


def test_a_writing_operation_of_the_servers_takes_a_key_that_is_answered_once(operations):
    for name, operation in operations.items():
        is_meant = not name.startswith("GET") and {"apiKey": []} in operation.get("security", ())
        headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) == is_meant, name
        assert ("409" in operation["responses"]) or not is_meant, name


def test_the_description_is_valid_and_made_without_a_warning(tmp_path):
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yml"))


def test_a_link_leads_to_an_operation_and_gives_it_what_it_takes(operations):
    by_id = {operation["operationId"]: operation for operation in operations.values()}
    links = [
        link
        for operation in operations.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]

    assert len(links) > 100
    for link in links:
        taken = {parameter["name"] for parameter in by_id[link["operationId"]].get("parameters", ())}
        assert link.get("parameters", {}).keys() <= taken, link
        assert link.get("parameters") or link.get("requestBody"), link
