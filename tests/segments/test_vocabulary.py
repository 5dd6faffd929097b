"""The vocabulary says everything that a builder of conditions may offer, and nothing that would be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import translation

from contacts.models import Contact
from segments.conditions import parse
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.operators import OPERATORS
from segments.conditions.vocabulary import write_vocabulary
from tests.segments.people import AUTUMN

pytestmark = pytest.mark.django_db

VALUES: dict[str, Any] = {
    "text": "a",
    "number": 1,
    "day": "2026-01-31",
    "duration": [1, "weeks"],
    "days": 3,
    "day_of_month": 31,
    "percent": [10, "autumn"],
    "import": AUTUMN,
}
OF_TYPE = {"email": "a@example.com", "phone": "+380501112233"}


@pytest.fixture
def lookups(people: dict[str, Contact]) -> DatabaseLookups:
    return DatabaseLookups()


def test_it_is_plain_json_and_names_every_field_once(lookups: DatabaseLookups) -> None:
    vocabulary = write_vocabulary(lookups.registry)

    assert json.loads(json.dumps(vocabulary)) == vocabulary
    keys = [field["key"] for field in vocabulary["fields"]]
    assert len(keys) == len(set(keys))
    assert {field["group"] for field in vocabulary["fields"]} == {group["key"] for group in vocabulary["groups"]}
    assert set(vocabulary["operators"]) == {field_type.value for field_type in OPERATORS}
    assert {"consent.news", "duplicates", "email_state_at", "fields.tags", "random", "events", "orders"} <= set(keys)


def test_whatever_it_offers_is_accepted(lookups: DatabaseLookups) -> None:
    vocabulary = write_vocabulary(lookups.registry)
    plain = [field for field in vocabulary["fields"] if not field["relation"] and field["type"] != "segment"]

    for field in plain:
        for operator in vocabulary["operators"][field["type"]]:
            condition = {"field": field["key"], "op": operator["key"], **_value(field, operator)}
            assert parse({"version": 1, "match": condition}, lookups.registry), condition


def _value(field: dict[str, Any], operator: dict[str, Any]) -> dict[str, Any]:
    options = field.get("options", [{"key": ""}])
    whole = OF_TYPE.get(field["type"], VALUES["text"]) if operator["key"].startswith("is") else VALUES["text"]
    one = {**VALUES, "text": whole, "option": options[0]["key"]}.get(operator["input"])
    return {"none": {}, "one": {"value": one}, "two": {"value": [one, one]}, "many": {"value": [one]}}[
        operator["arity"]
    ]


def test_an_operator_says_what_it_does_with_not_set(lookups: DatabaseLookups) -> None:
    texts = {operator["key"]: operator for operator in write_vocabulary(lookups.registry)["operators"]["text"]}

    assert {key for key, operator in texts.items() if operator["when_not_set"]} == {
        "is_not",
        "is_not_one_of",
        "is_empty",
    }
    assert texts["is_one_of"] == {
        "key": "is_one_of",
        "label": "is one of",
        "arity": "many",
        "input": "text",
        "when_not_set": False,
        "hint": "One value a line, or separated by commas. A list may be pasted.",
    }


def test_labels_are_in_the_language_of_the_reader(lookups: DatabaseLookups) -> None:
    with translation.override("uk"):
        assert write_vocabulary(lookups.registry)["units"][2]["key"] == "days"
