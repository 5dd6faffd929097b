"""Every operator says what it does with "not set", and its negation says the opposite."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.conditions.fields import FieldType
from segments.conditions.operators import OPERATORS, Arity, Operator, Reads
from segments.membership import explain_member, is_member
from segments.models import Segment
from tests.segments.table import ask, define

FIELDS: dict[FieldType, tuple[list[str], Any]] = {
    FieldType.TEXT: (["town", "fields.nickname"], "a"),
    FieldType.EXTERNAL_ID: (["external_id"], "a"),
    FieldType.EMAIL: (["email"], "a@example.com"),
    FieldType.PHONE: (["phone"], "+380501112233"),
    FieldType.NUMBER: (["fields.visits", "fields.score"], 1),
    FieldType.BOOLEAN: (["fields.newsletter"], None),
    FieldType.DATE: (["last_seen_at", "fields.birthday", "fields.renewed"], "2026-01-31"),
    FieldType.CHOICE: (["fields.tier"], "gold"),
    FieldType.CHOICES: (["fields.tags"], None),
    FieldType.IDENTIFIER: (["identifiers.device", "identifiers.email"], None),
}


def _value(operator: Operator, value: Any) -> list[Any]:
    if operator.reads is Reads.DAYS:
        return [7]
    return {Arity.NONE: [], Arity.ONE: [value], Arity.TWO: [[value, value]], Arity.MANY: [[value]]}[operator.arity]


CASES = [
    (field, operator, ask(field, operator.key, *_value(operator, value)))
    for field_type, (fields, value) in FIELDS.items()
    for field in fields
    for operator in OPERATORS[field_type].values()
]


def test_every_type_of_field_has_its_rows_here() -> None:
    assert set(FIELDS) == set(FieldType) - {FieldType.SEGMENT, FieldType.IMPORT}


@pytest.mark.parametrize(("field", "operator", "condition"), CASES, ids=[f"{case[0]}-{case[1].key}" for case in CASES])
def test_an_operator_keeps_its_word_about_not_set(
    field: str, operator: Operator, condition: dict[str, Any], people: dict[str, Contact]
) -> None:
    walkin = people["walkin"]
    plain = save_segment(Segment(name="Plain", definition=define(condition)))
    negated = save_segment(Segment(name="Negated", definition=define(condition | {"not": True})))

    assert is_member(plain, walkin.pk) is operator.holds_when_not_set, field
    assert is_member(negated, walkin.pk) is not operator.holds_when_not_set, field
    assert explain_member(plain, walkin.pk).is_member is operator.holds_when_not_set, field
