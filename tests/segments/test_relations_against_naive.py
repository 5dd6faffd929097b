"""The SQL of conditions on rows and the naive evaluator agree on random rows and random trees.

``NAIVE_EXAMPLES=2000`` looks harder than every run does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.keys import Kind
from contacts.models import Event, EventType, Identifier, Order
from segments.conditions import compile_tree, parse
from segments.conditions.dates import Clock
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.operators import OPERATORS, Arity, Operator, Reads
from segments.conditions.relations.measures import MEASURES
from segments.conditions.sql import Clause
from tests.segments.deeds import keep_totals, make_order
from tests.segments.naive_relations import is_member
from tests.segments.people import make_contact
from tests.segments.test_against_naive import EXAMPLES

KYIV = ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)  # the day the clocks go forward in Kyiv
ZONES = ["Europe/Kyiv", "Pacific/Kiritimati", "Pacific/Pago_Pago", "nonsense", None]
TYPES = ("view", "buy")
DAYS_AWAY = (-400, -365, -91, -31, -30, -8, -7, -2, -1, 0, 1, 2, 7, 31)
MOMENTS = [
    at + timedelta(microseconds=step)
    for away in DAYS_AWAY
    for at in (
        NOW + timedelta(days=away),
        *(datetime(2026, 3, 29, tzinfo=ZoneInfo(zone)) + timedelta(days=away) for zone in ZONES[:3] if zone),
    )
    for step in (-1, 0, 1)
]
DAYS = [(NOW + timedelta(days=away)).date().isoformat() for away in DAYS_AWAY]
TEXTS = ["a", "A", "ab", "b%", "b\\", "'", '"', "@contact", "%s", "{}", "5", "true", "ї", '["a"]']
NUMBERS = [-1, 0, 0.5, 1, 2, 2.5, 5]
MEMBERS = [*TEXTS, *NUMBERS, None, "", True, False, " 2.5 ", "+5", "1e5", "NaN", ["a"], {"a": 1}, *DAYS[3:6]]
MEMBERS += ["2026-03-29T23:30:00+14:00", "2026-03-28T22:00:00.000001Z", "2026-02-30", "2026-03-29 02:30"]
STATUSES = ["delivered", "cancelled", "in_progress"]
NAMES = ["a", "b'\"%"]


# Rows

members = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(MEMBERS))
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(TYPES),
        "at": st.sampled_from(MOMENTS),
        "params": members,
        "source": st.sampled_from(["web", None]),
    }
)
orders = st.fixed_dictionaries(
    {
        "type": st.none(),
        "at": st.sampled_from(MOMENTS),
        "status": st.sampled_from(STATUSES),
        "total_cost": st.sampled_from(["0", "1", "2.5", "-1"]),
        "currency": st.sampled_from(["UAH", "EUR"]),
        "source": st.sampled_from(["shop", None]),
        "items": st.lists(members, max_size=2) | st.just(["a", 5]),
        "details": members,
    }
)
identifiers = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["device", "cookie"]),
        "at": st.sampled_from(MOMENTS),
        "app": st.sampled_from(["a", None]),
        "source": st.sampled_from(["web", None]),
        "last_seen_at": st.sampled_from(MOMENTS),
    }
)
people = st.fixed_dictionaries(
    {
        "town": st.sampled_from(["a", None]),
        "time_zone": st.sampled_from(ZONES),
        "events": st.lists(events, max_size=4),
        "orders": st.lists(orders, max_size=3),
        "identifiers": st.lists(identifiers, max_size=3),
    }
)


def make(facts: dict[str, Any], types: dict[str, int]) -> int:
    """The contact with its rows."""
    pk = make_contact(town=facts["town"], time_zone=facts["time_zone"]).pk
    Event.objects.bulk_create(
        Event(
            contact_id=pk,
            type_id=types[row["type"]],
            params=row["params"],
            source=row["source"] or "",
            occurred_at=row["at"],
            received_at=NOW,
        )
        for row in facts["events"]
    )
    Order.objects.bulk_create(
        make_order(
            pk,
            number="1",
            total_cost=row["total_cost"],
            ordered_at=row["at"],
            status=row["status"].upper(),
            source=row["source"] or "",
            **{key: row[key] for key in ("currency", "items", "details")},
        )
        for row in facts["orders"]
    )
    keep_totals()
    Identifier.objects.bulk_create(
        Identifier(
            kind=Kind[row["type"].upper()],
            value=f"{pk}-{number}",
            app=row["app"] or "",
            contact_id=pk,
            source=row["source"] or "",
            first_seen_at=row["at"],
            last_seen_at=row["last_seen_at"],
        )
        for number, row in enumerate(facts["identifiers"])
    )
    return pk


# Conditions


def _value(operator: Operator, field_type: FieldType, options: list[str]) -> st.SearchStrategy[Any]:
    one = {
        Reads.TEXT: st.sampled_from(TEXTS),
        Reads.PATTERN: st.sampled_from(["^a", "b$", "[ab%]", "\\d", "a|ї"]),
        Reads.DURATION: st.tuples(st.sampled_from([1, 2, 30]), st.sampled_from(["hours", "days", "months"])).map(list),
        Reads.NEARNESS: st.sampled_from([0, 1, 7]),
        Reads.DAY_OF_MONTH: st.sampled_from([1, 28, 29, 31]),
        Reads.FIELD: {
            FieldType.TEXT: st.sampled_from(TEXTS),
            FieldType.DATE: st.sampled_from(DAYS),
            FieldType.CHOICE: st.sampled_from(options or [""]),
        }.get(field_type, st.sampled_from(NUMBERS)),
    }[operator.reads]
    return {
        Arity.NONE: st.nothing(),
        Arity.ONE: one,
        Arity.TWO: st.lists(one, min_size=2, max_size=2),
        Arity.MANY: st.lists(one, min_size=1, max_size=2),
    }[operator.arity]


def _comparison(field_type: FieldType, options: list[str] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    def build(operator: Operator) -> st.SearchStrategy[dict[str, Any]]:
        parts: dict[str, st.SearchStrategy[Any]] = {"op": st.just(operator.key)}
        if operator.arity is not Arity.NONE:
            parts["value"] = _value(operator, field_type, options or [])
        return st.fixed_dictionaries(parts)

    return st.sampled_from(list(OPERATORS[field_type].values())).flatmap(build)


def _on(fields: list[str], field_type: FieldType, options: list[str] | None = None) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(fields), st.booleans(), _comparison(field_type, options)).map(
        lambda parts: {"field": parts[0], "not": parts[1], **parts[2]}
    )


def _of_members(prefix: str) -> st.SearchStrategy[Any]:
    fields = [prefix + name for name in NAMES]
    types = (FieldType.TEXT, FieldType.NUMBER, FieldType.BOOLEAN, FieldType.DATE)
    return st.one_of(_on(fields, field_type) for field_type in types)


def _tree(leaves: st.SearchStrategy[Any], max_leaves: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda children: st.tuples(
            st.sampled_from(["all", "any", "none"]), st.lists(children, min_size=1, max_size=3), st.booleans()
        ).map(lambda group: {group[0]: group[1], "not": group[2]}),
        max_leaves=max_leaves,
    )


ROWS: dict[str, tuple[list[str | None], list[str], st.SearchStrategy[Any]]] = {
    "events": ([None, *TYPES], ["params.a"], _of_members("params.") | _on(["source"], FieldType.TEXT)),
    "orders": (
        [None],
        ["total_cost", "details.a"],
        st.one_of(
            _of_members("items."),
            _of_members("details."),
            _on(["status"], FieldType.CHOICE, STATUSES),
            _on(["total_cost"], FieldType.NUMBER),
            _on(["currency", "source"], FieldType.TEXT),
        ),
    ),
    "identifiers": (
        [None, "device", "cookie"],
        [],
        _on(["app", "source"], FieldType.TEXT) | _on(["last_seen_at"], FieldType.DATE),
    ),
}
PERIODS = _comparison(FieldType.DATE).filter(lambda period: period["op"] not in {"is_empty", "is_not_empty"})


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    relation = draw(st.sampled_from(list(ROWS)))
    types, sums, where = ROWS[relation]
    measure = MEASURES[draw(st.sampled_from([key for key, each in MEASURES.items() if sums or not each.takes_of]))]
    condition = {"field": relation, "measure": measure.key, "not": draw(st.booleans())}
    condition |= draw(_comparison(measure.type))
    if measure.takes_of:
        condition["of"] = draw(st.sampled_from(sums))
    if (kind := draw(st.sampled_from(types))) is not None:
        condition["type"] = kind
    if draw(st.booleans()):
        condition["period"] = draw(PERIODS)
    if draw(st.booleans()):
        condition["where"] = draw(_tree(where, 3))
    return condition


@cache
def _definitions() -> st.SearchStrategy[dict[str, Any]]:
    trees = _tree(_rows() | _on(["town"], FieldType.TEXT), 5)
    return st.fixed_dictionaries(
        {"version": st.just(1), "match": trees},
        optional={"exclude": trees, "time_zone": st.sampled_from(["account", "contact"])},
    )


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(crowd=st.lists(people, min_size=1, max_size=5), definitions=st.lists(_definitions(), min_size=1, max_size=6))
def test_the_compiled_condition_agrees_with_the_naive_evaluator(
    crowd: list[dict[str, Any]], definitions: list[dict[str, Any]]
) -> None:
    with transaction.atomic():
        types = {key: EventType.objects.get_or_create(key=key)[0].pk for key in TYPES}
        made = {make(facts, types): facts for facts in crowd}
        lookups, clock = DatabaseLookups(), Clock(NOW, KYIV)

        for definition in definitions:
            parsed = parse(definition, lookups.registry)
            expected = {pk for pk, facts in made.items() if is_member(definition, facts, NOW, KYIV)}
            for few in (False, True):
                clause = compile_tree(parsed, lookups.registry, clock, lookups, few=few)
                assert _ids(clause, list(made)) == expected, f"{definition} of {crowd}, few: {few}"

        transaction.set_rollback(True)


def _ids(clause: Clause, among: list[int]) -> set[int]:
    text, params = clause.over("c")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id FROM contacts_contact c WHERE c.id = ANY(%s) AND ({text})", [among, *params])
        return {row[0] for row in cursor.fetchall()}
