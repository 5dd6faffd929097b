"""What people write never becomes a part of the SQL, whatever it is and wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact
from segments.conditions import compile_tree, parse
from segments.conditions.errors import DefinitionRefused
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.matching import ContactSQL
from segments.conditions.operators import OPERATORS, Arity, Operator, Reads
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db

MARK = "zqx"
ATTEMPTS = [
    f"{MARK}'; DROP TABLE contacts_contact; --",
    f"{MARK}' OR '1'='1",
    f'{MARK}" OR 1=1 --',
    f"{MARK}\\' OR 1=1 --",
    f"{MARK}%s%(a)s%%",
    f"{MARK}{{}}{{0}}",
    f"{MARK}@contact.id",
    f"{MARK}$1$$;/*",
    f"{MARK}\n; SELECT 1",
]
TEXTS = {
    FieldType.TEXT: ["town", "fields.nickname", "source"],
    FieldType.EXTERNAL_ID: ["external_id"],
    FieldType.EMAIL: ["email"],
    FieldType.PHONE: ["phone"],
}
CASES = [
    (field, operator)
    for field_type, fields in TEXTS.items()
    for field in fields
    for operator in OPERATORS[field_type].values()
    if operator.arity is not Arity.NONE
]


@pytest.mark.parametrize(("field", "operator"), CASES, ids=[f"{field}-{operator.key}" for field, operator in CASES])
def test_a_text_travels_as_a_parameter_or_is_refused(
    people: dict[str, Contact], field: str, operator: Operator
) -> None:
    everybody = len(people) - 1 if operator.holds_when_not_set else 0

    for attempt in ATTEMPTS:
        try:
            text, found = run(ask(field, operator.key, [attempt] if operator.arity is Arity.MANY else attempt))
        except DefinitionRefused:
            assert field in {"email", "phone"} or operator.reads is Reads.PATTERN
        else:
            assert MARK not in text
            assert found == everybody


@pytest.mark.parametrize(
    "build",
    [
        lambda text: ask(f"consent.{text[:50]}", "granted"),
        lambda text: ask("random", "in_percent", [0.000001, text]),
        lambda text: ask("fields.tags", "contains_any", [text]),
        lambda text: ask("email_state", "is", text),
        lambda text: ask("created_at", "on", text),
        lambda text: ask("created_at", "in_last", [1, text]),
        lambda text: ask("created_at", "in_last", [text, "days"]),
        lambda text: ask("fields.visits", "at_least", text),
        lambda text: ask("segment", "in", text),
        lambda text: ask(text, "is", "a"),
        lambda text: ask("town", text, "a"),
        lambda text: ask(f"fields.{text}", "is", "a"),
        lambda text: ask(f"identifiers.{text}", "has"),
    ],
)
def test_so_does_whatever_is_no_text(people: dict[str, Contact], build: Any) -> None:
    for attempt in ATTEMPTS:
        try:
            text, found = run(build(attempt))
        except DefinitionRefused:
            continue
        assert MARK not in text
        assert found == 0


def run(match: dict[str, Any]) -> tuple[str, int]:
    """The SQL's text, and how many contacts it finds."""
    lookups = DatabaseLookups()
    clause = compile_tree(parse(define(match), lookups.registry), lookups.registry, lookups.clock, lookups)
    return clause.text, Contact.objects.filter(ContactSQL(clause), state=1).count()
