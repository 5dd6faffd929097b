"""The doors for pages answer as they are described, whatever they are sent: schemathesis invents the calls."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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

from contacts.identity.settings import forget_settings
from contacts.models import Site
from tests.contacts.tracking.web.conftest import BROWSER, OLENAS_COOKIE, SHOP

SETTINGS = Path(__file__).parents[2] / "api/schemathesis.toml"
PAGE = {"Origin": SHOP, "User-Agent": BROWSER, "Accept-Encoding": "identity"}
PATHS = ("/api/v1/web/events", "/api/v1/web/identify")

limited = settings(
    max_examples=int(os.environ.get("API_EXAMPLES", "12")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described_api() -> Any:
    description = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True))
    described = schemathesis.openapi.from_dict(json.loads(description), config=SchemathesisConfig.from_path(SETTINGS))
    described.app = get_wsgi_application()
    return described


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Site]:
    forget_settings()
    yield Site.objects.create(name="Shop", origins=[SHOP])
    forget_settings()


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_no_call_breaks_the_doors_or_is_answered_otherwise_than_described(
    described_api: Any, shop: Site, settings: Any, mode: GenerationMode
) -> None:
    settings.WEB_CALLS_OF_ADDRESS = settings.WEB_CALLS_A_SECOND = 10_000

    @given(
        case=strategies.one_of(described_api[path]["POST"].as_strategy(generation_mode=mode) for path in PATHS),
        is_ours=strategies.booleans(),
    )
    @limited
    def call(case: Any, is_ours: bool) -> None:
        if is_ours and isinstance(case.body, dict):
            case.body |= {"key": shop.key, "cookie": OLENAS_COOKIE}
            case.query = {}
        case.call_and_validate(headers=PAGE)

    call()


def test_the_examples_are_taken(described_api: Any, shop: Site) -> None:
    for path in PATHS:
        operation = described_api[path]["POST"]
        ((_name, example),) = operation.definition.raw["requestBody"]["content"]["application/json"]["examples"].items()
        body = example["value"] | {"key": shop.key}
        for event in body.get("events", ()):
            event["occurred"] = body["sent"]

        answer = operation.Case(body=body, media_type="application/json").call_and_validate(headers=PAGE)

        assert answer.status_code == 204
