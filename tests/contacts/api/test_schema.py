"""The API is as it is described: schemathesis invents right and wrong calls from that, and judges.

What it does not judge stands, with its reason, in ``schemathesis.toml``. ``make fuzz`` does the same for as long as one
likes, on the production server.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from contacts.models import CustomField, ExportTarget
from crm.api.keys import create_api_key

NOT_PACKED = {"Accept-Encoding": "identity"}  # schemathesis does not unpack what it gets in its own process
DESCRIBED = [
    ("POST", "/api/v1/contact"),
    ("DELETE", "/api/v1/contact"),
    ("GET", "/api/v1/contact/{contact_id}"),
    ("PUT", "/api/v1/contact/{contact_id}"),
    ("DELETE", "/api/v1/contact/{contact_id}"),
    ("GET", "/api/v1/contact/{contact_id}/confirmation"),
    ("POST", "/api/v1/contact/subscribe"),
    ("GET", "/api/v1/contacts"),
    ("GET", "/api/v1/contacts/email"),
    ("POST", "/api/v1/emails/unsubscribed/add"),
    ("POST", "/api/v1/emails/unsubscribed/delete"),
    ("GET", "/api/v1/addressbooks"),
    ("GET", "/api/v1/account/info"),
    ("GET", "/api/v1/version"),
    ("GET", "/api/v1/workflows"),
    ("POST", "/api/v1/contacts"),
    ("GET", "/api/v1/importstatus/{session_id}"),
    ("POST", "/api/v1/contacts/upload"),
    ("GET", "/api/v1/imports"),
    ("GET", "/api/v1/imports/{import_id}"),
    ("POST", "/api/v1/exports"),
    ("GET", "/api/v1/exports"),
    ("GET", "/api/v1/exports/{export_id}"),
    ("POST", "/api/v1/exports/{export_id}/cancel"),
    ("POST", "/api/v1/orders"),
    ("POST", "/api/v1/event"),
    ("POST", "/api/v2/event"),
    ("POST", "/api/v1/past_events"),
    ("POST", "/api/v2/past_events"),
    ("GET", "/api/v1/contact/token/activated/{app}/{token}"),
    ("PUT", "/api/v1/contact/token/activated/{app}/{token}"),
    ("GET", "/api/v1/contact/token/{app}/{token}/contactId"),
    ("POST", "/api/v1/apps/{app}/tokens"),
    ("POST", "/api/v1/apps/{app}/token/mute"),
    ("POST", "/api/v1/apps/{app}/token/unmute"),
    ("GET", "/api/v1/groups"),
    ("GET", "/api/v1/group/{group_id}"),
    ("POST", "/api/v1/group/{group_id}/snapshot"),
    ("GET", "/api/v1/group/{group_id}/contacts"),
    ("GET", "/api/v1/group/{group_id}/contacts/{contact_id}/explain"),
    ("POST", "/api/v1/group/{group_id}/contacts/attach"),
    ("POST", "/api/v1/group/{group_id}/contacts/detach"),
    ("GET", "/api/v1/subscriptions"),
    ("GET", "/api/v1/contact/{contact_id}/subscriptions"),
    ("PUT", "/api/v1/contact/{contact_id}/subscriptions"),
    ("GET", "/api/v1/contacts/external-id/{external_id}"),
    ("PATCH", "/api/v1/contacts/external-id/{external_id}"),
    ("DELETE", "/api/v1/contacts/external-id/{external_id}"),
    ("GET", "/api/v1/contacts/email/{email}"),
    ("PATCH", "/api/v1/contacts/email/{email}"),
    ("DELETE", "/api/v1/contacts/email/{email}"),
    ("POST", "/api/v1/purchases"),
    ("GET", "/api/v1/resolve"),
    ("POST", "/api/v1/contact/{contact_id}/merge"),
    ("POST", "/api/v1/merges/{merge_id}/undo"),
    ("GET", "/api/v1/contact/{contact_id}/history"),
    ("GET", "/api/v1/contact/{contact_id}/totals"),
    ("GET", "/api/v1/warehouses"),
    ("POST", "/api/v1/warehouses"),
    ("GET", "/api/v1/warehouses/{warehouse_id}"),
    ("PATCH", "/api/v1/warehouses/{warehouse_id}"),
    ("DELETE", "/api/v1/warehouses/{warehouse_id}"),
    ("POST", "/api/v1/warehouses/{warehouse_id}/test"),
    ("GET", "/api/v1/warehouses/{warehouse_id}/runs"),
    ("POST", "/api/v1/warehouses/{warehouse_id}/runs"),
    ("POST", "/api/v1/warehouses/{warehouse_id}/cancel"),
]


@pytest.fixture
def with_key(db) -> dict[str, str]:
    _key, secret = create_api_key("Shop", scope="full")
    return {"Authorization": "Basic " + base64.b64encode(f":{secret}".encode()).decode()}


@pytest.fixture(scope="module")
def described_api() -> Any:
    config = SchemathesisConfig.from_path(Path(__file__).parent / "schemathesis.toml")
    description = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True))
    described = schemathesis.openapi.from_dict(json.loads(description), config=config)
    described.app = get_wsgi_application()
    return described


@pytest.fixture
def api_schema(transactional_db, described_api) -> Any:
    """In this process, through the whole WSGI application, which gives its connection back after every call."""
    return described_api


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), DESCRIBED)
def test_no_call_breaks_the_api_or_is_answered_otherwise_than_described(
    api_schema, call_api, with_key, method, path, mode
):
    token = {"type": "telegram", "value": "t-1"}
    push = {"type": "mobilepush", "value": "t-1", "device": {"appId": "shop"}}
    contact = {"externalCustomerId": "C-1", "channels": [token, push]}
    named = {"contact_id": call_api("post", "/api/v1/contact", contact).json()["id"], "app": "shop", "token": "t-1"}
    named["warehouse_id"] = ExportTarget.objects.create(name="Company", kind="postgresql").pk

    @given(
        case=api_schema[path][method].as_strategy(generation_mode=mode),
        means_somebody=strategies.booleans(),
    )
    @settings(
        max_examples=int(os.environ.get("API_EXAMPLES", "6")),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any, means_somebody: bool) -> None:
        if means_somebody:
            case.path_parameters.update({name: value for name, value in named.items() if f"{{{name}}}" in path})
        case.call_and_validate(headers=with_key | NOT_PACKED)

    call()


def test_no_chain_of_calls_breaks_the_api_or_is_answered_otherwise_than_described(api_schema, with_key):
    headers = with_key | NOT_PACKED

    class Chain(api_schema.as_state_machine()):
        """Each call takes an id from the answer of one before."""

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def validate_response(self, response: Any, case: Any, *_more: Any, **sent: Any) -> None:
            case.validate_response(response, headers=headers, transport_kwargs=sent, recorder=self.recorder)

    Chain.run(
        settings=settings(
            max_examples=int(os.environ.get("API_CHAINS", "25")),
            stateful_step_count=8,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_example_is_taken_and_answered_as_described(api_schema, with_key, dry_run):
    CustomField.objects.create(pk=7, key="tier", label="Tier")
    operation = api_schema["/api/v1/contact"]["POST"]
    ((_name, example),) = operation.definition.raw["requestBody"]["content"]["application/json"]["examples"].items()

    case = operation.Case(body=example["value"], query={"dryRun": dry_run}, media_type="application/json")
    answer = case.call_and_validate(headers=with_key | NOT_PACKED)

    assert answer.status_code == 200
    assert answer.json().keys() >= ({"rule", "after"} if dry_run else {"id"})


def test_every_call_is_described_with_its_errors_and_an_example(client, with_key):
    answer = client.get("/api/schema/", headers=with_key)

    described = answer.json()["paths"]
    operations = {(method.upper(), path): told for path, item in described.items() for method, told in item.items()}
    assert operations.keys() >= set(DESCRIBED)
    for call in DESCRIBED:
        told = operations[call]
        assert told["responses"].keys() >= {"401", "403"}
        assert told["responses"].keys() & {"200", "201", "204"}
        for status, response in told["responses"].items():
            assert response["description"]
            is_sentence = "plain sentence" in response["description"]
            assert status.startswith("2") or is_sentence or response["content"]["application/json"]["examples"]
        body = told.get("requestBody", {"content": {"application/json": {"examples": True}}})
        assert body["content"]["application/json"]["examples"]


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_description_is_shown_to_whoever_has_a_key_or_is_signed_in(client, admin_client, with_key, path):
    assert client.get(path).status_code == 401
    assert client.get(path, headers=with_key).status_code == 200
    assert admin_client.get(path).status_code == 200
