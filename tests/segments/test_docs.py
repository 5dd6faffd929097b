"""What docs/segments.md says of the language is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contacts.models import EventType
from segments.catalogue import check_definition
from segments.conditions.fields import FieldType
from segments.conditions.operators import OPERATORS, Arity
from segments.conditions.registry import build_registry
from segments.conditions.tree import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES
from tests.segments.table import define

PAGE = (Path(__file__).parents[2] / "docs" / "segments.md").read_text()
TITLES = {
    "Text": FieldType.TEXT,
    "Number": FieldType.NUMBER,
    "Yes or no": FieldType.BOOLEAN,
    "Date": FieldType.DATE,
    "Choice": FieldType.CHOICE,
    "Several choices": FieldType.CHOICES,
    "Identifier": FieldType.IDENTIFIER,
    "Consent": FieldType.CONSENT,
    "Segment": FieldType.SEGMENT,
    "Import": FieldType.IMPORT,
    "Random share": FieldType.RANDOM,
    "Rows: events, orders, identifiers": FieldType.ROWS,
}
SHARED = {FieldType.EXTERNAL_ID, FieldType.EMAIL, FieldType.PHONE}
"""They have the operators of text."""
VALUES = {Arity.NONE: "none", Arity.ONE: "one", Arity.TWO: "two", Arity.MANY: "a list"}
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def tables_of(text: str) -> list[set[tuple[str, ...]]]:
    """The rows of each table of operators in a chapter."""
    tables = re.findall(r"\| op \|.*\n\| ---.*\n((?:\|.*\n)+)", text)
    return [set(map(read_row, rows.splitlines())) for rows in tables]


def read_row(row: str) -> tuple[str, ...]:
    return tuple(cell.strip(" `") for cell in row.strip("|").split("|"))


def chapter(title: str) -> str:
    return PAGE.split(f"### {title}\n")[1].split("\n### ")[0]


def rows_of(field_type: FieldType) -> set[tuple[str, ...]]:
    return {
        (
            operator.key,
            operator.label,
            VALUES[operator.arity],
            "holds" if operator.holds_when_not_set else "does not hold",
        )
        for operator in OPERATORS[field_type].values()
    }


@pytest.mark.parametrize(("title", "field_type"), TITLES.items(), ids=TITLES)
def test_every_operator_stands_in_its_table_with_what_it_says_of_not_set(title: str, field_type: FieldType) -> None:
    assert tables_of(chapter(title))[0] == rows_of(field_type)


def test_no_type_is_missing() -> None:
    assert tables_of(chapter("Rows: events, orders, identifiers"))[1] == rows_of(FieldType.AMOUNT)
    assert {*TITLES.values(), FieldType.AMOUNT} | SHARED == set(OPERATORS)
    assert all(rows_of(field_type) == rows_of(FieldType.TEXT) for field_type in SHARED)


def test_every_field_is_named() -> None:
    from contacts.columns import SYSTEM_COLUMNS

    for key in build_registry(SYSTEM_COLUMNS).fields:
        name, _dot, kind = key.partition(".")
        assert f"`{name}" in chapter("Fields"), key
        assert f"`{kind or name}`" in chapter("Fields"), key


def test_limits_are_as_they_are_written() -> None:
    written = f"{MAX_DEPTH} groups within groups, {MAX_CONDITIONS} conditions, {MAX_VALUES:,} values in a list"

    assert written in " ".join(PAGE.split())


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_is_a_definition(example: dict[str, Any], db: None) -> None:
    EventType.objects.create(key="pageView")

    assert check_definition(example if "version" in example else define(example)).endswith(".")
