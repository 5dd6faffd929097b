"""Our answers beside those of the contract that clients were built for: each property of theirs is in ours.

``contract.json`` has the answers of the contract as JSON Schema, without a word of explanation. A client that reads by
it must be able to read ours: nothing may be missing, be of another type, or have values that it never heard of.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

Schema = Mapping[str, Any]

CONTRACT = json.loads((Path(__file__).parent / "contract.json").read_text())
NOT_OFFERED = {"DELETE /api/v1/past_events", "POST /api/v1/auth/token"}
"""Until somebody asks for them; they are answered 404."""

ONE_BOOK = "There is one address book, whose id nobody has to be told."
OUR_CHANNELS = "Telegram is a channel too; clients that do not know it leave it out."
SITES = "A site's id is a text where a text was sent."
SENTENCE = "A bare sentence, which is no JSON text, though it comes under that content type."
NO_RANGE = "Custom fields have no least and no greatest value."
NO_GROUP = "A category of subscription is no segment."
DIFFERENT = {
    "[].addressBookId is missing": ONE_BOOK,
    ".addressBookId is missing": ONE_BOOK,
    "[].channels[].type has other values: telegram": OUR_CHANNELS,
    ".channels[].type has other values: telegram": OUR_CHANNELS,
    "[].channels[].webPushSubscription.appId is integer or string": SITES,
    ".channels[].webPushSubscription.appId is integer or string": SITES,
    ".id is missing where it is an explanation": "With `dryRun`, which is ours, there is no id yet.",
    ".addressBook is object": "An object where there is exactly one, as real answers have it; there is always one.",
    ".addressBook.fieldGroups[].fields is array or object": "An object where there is exactly one, else a list.",
    ".addressBook.fieldGroups[].fields[].description.allowedValues.minValue is missing": NO_RANGE,
    ".addressBook.fieldGroups[].fields[].description.allowedValues.maxValue is missing": NO_RANGE,
    ".addressBook.fieldGroups[].fields.description.allowedValues.minValue is missing": NO_RANGE,
    ".addressBook.fieldGroups[].fields.description.allowedValues.maxValue is missing": NO_RANGE,
    " is array": "A contact agrees to several categories.",
    "[].groupId is missing": NO_GROUP,
    " is a sentence": SENTENCE,
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


class Walk:
    """Both schemas at once, ``theirs`` and ours; every difference is told once, with its place."""

    def __init__(self, ours: Mapping[str, Any]) -> None:
        self.ours = ours

    def find(self, schema: Schema, *, among: Mapping[str, Any]) -> Schema:
        """What a reference, or the one part of an ``allOf``, stands for."""
        while "$ref" in schema or "allOf" in schema:
            schema = among[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["allOf"][0]
        return schema

    def differences(self, theirs: Schema, ours: Schema, place: str = "") -> Iterator[str]:
        theirs, ours = self.find(theirs, among=CONTRACT["schemas"]), self.find(ours, among=self.ours)
        kinds = sorted({one["type"] for one in self.each(ours) if "type" in one})
        if not kinds:
            return  # as it was sent
        if kinds != [theirs["type"]] and (*kinds, theirs["type"]) != ("integer", "number"):
            yield f"{place} is {' or '.join(kinds)}"
        if ours.get("nullable"):
            yield f"{place} may be null"
        if unknown := set(ours.get("enum", ())) - set(theirs.get("enum", ours.get("enum", ()))):
            yield f"{place} has other values: {', '.join(sorted(unknown))}"
        for one in self.each(ours):
            yield from self.inner(theirs, one, place)

    def inner(self, theirs: Schema, ours: Schema, place: str) -> Iterator[str]:
        """One object where they have a list is compared with what is in the list."""
        if ours["type"] == "array":
            yield from self.differences(theirs.get("items", theirs), ours["items"], f"{place}[]")
        elif ours["type"] == "object":
            one = self.find(theirs.get("items", theirs), among=CONTRACT["schemas"])
            yield from self.missing(one, ours, place)

    def each(self, ours: Schema) -> list[Schema]:
        return [self.find(one, among=self.ours) for one in ours.get("oneOf", [ours])]

    def missing(self, theirs: Schema, ours: Schema, place: str) -> Iterator[str]:
        known = ours.get("properties", {})
        for name, schema in theirs.get("properties", {}).items():
            if name in known:
                yield from self.differences(schema, known[name], f"{place}.{name}")
            elif not ours.get("additionalProperties"):
                where = " where it is an explanation" if "steps" in known else ""
                yield f"{place}.{name} is missing{where}"
        for name in set(theirs.get("required", ())) - set(ours.get("required", ())):
            yield f"{place}.{name} may be left out"


def answer_of(operation: Mapping[str, Any]) -> Schema | None:
    """The schema of its 200; None for a sentence."""
    content = operation["responses"]["200"].get("content")
    return content["application/json"]["schema"] if content else None


def told_differences(described: Mapping[str, Any]) -> dict[str, list[str]]:
    ours = {
        f"{method.upper()} {nameless(path)}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    walk = Walk(described["components"]["schemas"])
    told = {}
    for name, theirs in CONTRACT["answers"].items():
        if theirs is None or name in NOT_OFFERED:
            continue  # nothing is said of the answer
        answer = answer_of(ours[nameless(name)])
        told[name] = [" is a sentence"] if answer is None else list(walk.differences(theirs, answer))
    return told


def test_each_operation_of_the_contract_is_offered(described):
    ours = {f"{method.upper()} {nameless(path)}" for path, methods in described["paths"].items() for method in methods}

    assert {name for name in CONTRACT["answers"] if nameless(name) not in ours} == NOT_OFFERED


def test_what_differs_from_the_contract_differs_for_a_reason(described):
    told = told_differences(described)

    assert {name: found for name, found in told.items() if set(found) - DIFFERENT.keys()} == {}
    assert DIFFERENT.keys() == {one for found in told.values() for one in found}


def test_only_what_is_no_json_in_the_contract_either_is_a_sentence(described):
    sentences = {name for name, found in told_differences(described).items() if " is a sentence" in found}

    assert (
        sentences
        == {name for name, theirs in CONTRACT["answers"].items() if theirs == {"type": "string"}} - NOT_OFFERED
    )
