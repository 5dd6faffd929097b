"""What every operation is described with."""

import json

import pytest

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


def test_a_writing_operation_takes_a_key_that_is_answered_once(operations):
    for name, operation in operations.items():
        headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (not name.startswith("GET")), name
        assert ("409" in operation["responses"]) or name.startswith("GET"), name
