"""The doors for apps are as they are described: schemathesis invents right and wrong calls from that, and judges."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.contacts.api.test_schema import NOT_PACKED, api_schema, described_api  # noqa: F401  # fixtures
from tests.contacts.tracking.apps import HEADER, make_app

PATHS = ["/api/v1/device", "/api/v1/user", "/api/v1/events"]


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", PATHS)
def test_no_call_breaks_a_door_for_apps_or_is_answered_otherwise_than_described(api_schema, path, mode):  # noqa: F811
    headers = {HEADER: make_app(), **NOT_PACKED}

    @given(case=api_schema[path]["POST"].as_strategy(generation_mode=mode))
    @settings(
        max_examples=int(os.environ.get("API_EXAMPLES", "6")),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any) -> None:
        case.call_and_validate(headers=headers)

    call()


def test_each_door_is_described_with_its_key_its_errors_and_an_example(client, admin_client):
    described = admin_client.get("/api/schema/").json()

    assert described["components"]["securitySchemes"]["appKey"]["name"] == HEADER
    for path in PATHS:
        told = described["paths"][path]["post"]
        assert told["security"] == [{"appKey": []}]
        assert told["responses"].keys() >= {"200", "400", "401", "413", "415", "429", "503"}
        assert told["requestBody"]["content"]["application/json"]["examples"]
        assert all(parameter["name"] != "Idempotency-Key" for parameter in told.get("parameters", []))
