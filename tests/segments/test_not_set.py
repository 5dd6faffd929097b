"""Every operator of every type has a row in the one table, for those who have a value and for those who have none."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.models import Contact
from segments.catalogue import save_segment
from segments.conditions import build_registry
from segments.conditions.fields import FieldType, Option
from segments.conditions.operators import OPERATORS, Operator
from segments.membership import is_member
from segments.models import Segment
from tests.segments.naive import read
from tests.segments.people import ACTIVE, CUSTOM_FIELDS, PEOPLE
from tests.segments.table import TABLE, Row, define
from tests.segments.table_relations import RELATIONS

REGISTRY = build_registry(
    (
        *SYSTEM_COLUMNS,
        *(Column(f"fields.{key}", kind, key, options=tuple(options)) for key, kind, options in CUSTOM_FIELDS),
    ),
    channel_states=[Option("active", "active", 1)],
)
MEASURED = {"any": FieldType.ROWS, "count": FieldType.AMOUNT, "sum": FieldType.AMOUNT}
"""What the measures of a relation give, apart from plain numbers and dates."""
NOT_SET_BY_NATURE = {FieldType.RANDOM}
"""Everybody has a lot."""

Case = tuple[FieldType, Operator]
CASES: list[Case] = [
    (field_type, operator) for field_type, operators in OPERATORS.items() for operator in operators.values()
]


def _type_of(match: dict[str, Any]) -> FieldType | None:
    if match["field"] in REGISTRY.relations or match["field"] in {"events", "orders"}:
        return MEASURED.get(match.get("measure", "any"))
    return REGISTRY.fields[match["field"]].type


ROWS: dict[tuple[FieldType | None, str], list[Row]] = defaultdict(list)
for _row in (*TABLE, *RELATIONS):
    if "field" in _row.match and not _row.match.get("not") and not _row.more:
        ROWS[_type_of(_row.match), _row.match["op"]].append(_row)

each_operator = pytest.mark.parametrize(
    ("field_type", "operator"), CASES, ids=[f"{field_type}-{operator.key}" for field_type, operator in CASES]
)


@each_operator
def test_an_operator_has_a_row_for_who_has_a_value_and_who_has_none(field_type: FieldType, operator: Operator) -> None:
    rows = ROWS[field_type, operator.key]
    assert rows, "tests/segments/table.py lacks a row."
    if field_type in NOT_SET_BY_NATURE | {FieldType.ROWS, FieldType.AMOUNT}:
        return  # who has no rows is asked about in tests.segments.table_relations

    split = [row for row in rows if _with_value(row) and ACTIVE - _with_value(row)]

    assert split, "No row asks both about people with a value and people without."
    for row in split:
        without = ACTIVE - _with_value(row)
        assert without <= row.expected if operator.holds_when_not_set else not without & row.expected, row.name
    if operator.key not in {"is_empty", "is_not_set", "has_none", "none", "not_in"}:
        assert any(_with_value(row) & row.expected for row in split), "No row has anybody with a value in it."


@pytest.mark.parametrize("row", [rows[0] for rows in ROWS.values()], ids=[rows[0].name for rows in ROWS.values()])
def test_a_negated_operator_says_the_opposite_of_everybody(row: Row, everybody: dict[str, Contact], db: None) -> None:
    negated = save_segment(Segment(name="Negated", definition=define(row.match | {"not": True})))

    assert {name for name in ACTIVE if is_member(negated, everybody[name].pk)} == ACTIVE - row.expected


def _with_value(row: Row) -> frozenset[str]:
    facts = {name: {"attributes": {}, "id": 1} | PEOPLE[name] for name in ACTIVE}
    return frozenset(name for name in ACTIVE if read(row.match["field"], facts[name]) is not None)
