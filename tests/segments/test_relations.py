"""Conditions on rows: what is refused and where, what the database makes of them, and what stays fast."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from contacts.columns import SYSTEM_COLUMNS
from contacts.models import Contact, EventType
from segments.catalogue import save_segment
from segments.conditions import Definition, build_registry, compile_tree, parse
from segments.conditions.errors import DefinitionRefused
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.operators import OPERATORS
from segments.conditions.relations import RowKind, write_relation
from segments.conditions.relations.measures import MEASURES, holds_of_none
from segments.conditions.sql import Clause
from segments.conditions.tree import MAX_CONDITIONS, MAX_DEPTH, Condition
from segments.explaining import explain_member
from segments.membership import count_members, members
from segments.models import Segment
from tests.segments.deeds import ago, make_deeds, make_event
from tests.segments.people import make_contact, make_people
from tests.segments.table import ask, define
from tests.segments.table_relations import period

REGISTRY = build_registry(SYSTEM_COLUMNS, event_types={"buy": RowKind("Purchase", Clause("r.type_id = 1"))})
CHEAP = ask("params.price", "less_than", 5)


def bought(**more: Any) -> dict[str, Any]:
    return define(ask("events", "did", type="buy", **more))


def counted(op: str = "at_least", value: Any = 2, **more: Any) -> dict[str, Any]:
    return define(ask("events", op, value, **({"measure": "count"} | more)))


def _nested(depth: int) -> dict[str, Any]:
    node = CHEAP
    for _level in range(depth):
        node = {"all": [node]}
    return node


BROKEN = [
    ("an unknown measure", counted(measure="median"), "match.measure", "unknown_measure"),
    ("a measure that is a list", counted(measure=["count"]), "match.measure", "unknown_measure"),
    (
        "a measure of something else",
        define(ask("identifiers", "is", 1, measure="sum")),
        "match.measure",
        "unknown_measure",
    ),
    ("an operator of another measure", define(ask("events", "at_least", 2)), "match.op", "unknown_operator"),
    ("did, counted", define(ask("events", "did", measure="count")), "match.op", "unknown_operator"),
    (
        "an amount that would be empty",
        define(ask("events", "is_empty", measure="count")),
        "match.op",
        "unknown_operator",
    ),
    ("no number", counted(value="2"), "match.value", "invalid_value"),
    ("a number that is true", counted(value=True), "match.value", "invalid_value"),
    ("a value that did takes none of", bought(value=1), "match.value", "unknown_key"),
    ("an unknown type", define(ask("events", "did", type="buy'; --")), "match.type", "unknown_type"),
    ("a type that is a number", define(ask("events", "did", type=1)), "match.type", "unknown_type"),
    ("a type that is null", define(ask("events", "did", type=None)), "match.type", "unknown_type"),
    ("a type of orders", define(ask("orders", "did", type="buy")), "match.type", "unknown_key"),
    ("the kind of orders' numbers", define(ask("identifiers", "did", type="order")), "match.type", "unknown_type"),
    ("a sum of nothing", counted(measure="sum"), "match.of", "unknown_field"),
    ("a sum of a text", define(ask("orders", "is", 1, measure="sum", of="currency")), "match.of", "unknown_field"),
    ("a sum of items", define(ask("orders", "is", 1, measure="sum", of="items.cost")), "match.of", "unknown_field"),
    ("a sum of a number", counted(measure="sum", of=5), "match.of", "unknown_field"),
    ("a sum of a NUL", counted(measure="sum", of="params.a\0"), "match.of", "unknown_field"),
    ("a count of something", counted(of="params.price"), "match.of", "unknown_key"),
    ("a period that is a number", bought(period=30), "match.period", "wrong_shape"),
    ("a period without an operator", bought(period={}), "match.period.op", "unknown_operator"),
    ("a period of texts", bought(period=period("contains", "2026")), "match.period.op", "unknown_operator"),
    ("a period that is empty", bought(period=period("is_empty")), "match.period.op", "unknown_operator"),
    ("a period without a value", bought(period=period("in_last")), "match.period.value", "invalid_value"),
    (
        "a period of a year's eternity",
        bought(period=period("in_last", [10**9, "years"])),
        "match.period.value[0]",
        "invalid_value",
    ),
    (
        "a period of another field",
        bought(period=period("today") | {"field": "at"}),
        "match.period.field",
        "unknown_key",
    ),
    ("a period turned round", bought(period=period("today") | {"not": True}), "match.period.not", "unknown_key"),
    ("where that is a text", bought(where="price > 5"), "match.where", "wrong_shape"),
    ("where that is null", bought(where=None), "match.where", "wrong_shape"),
    ("where that is empty", bought(where={"all": []}), "match.where.all", "empty_group"),
    ("where of no group", bought(where={}), "match.where", "broken_group"),
    (
        "where of the contact",
        bought(where={"any": [ask("town", "is", "Lviv")]}),
        "match.where.any[0].field",
        "unknown_field",
    ),
    ("where of other rows", bought(where=ask("orders", "did")), "match.where.field", "unknown_field"),
    ("where of the rows' own rows", bought(where=ask("events", "did")), "match.where.field", "unknown_field"),
    ("a segment of rows", bought(where=ask("segment", "in", 1)), "match.where.field", "unknown_field"),
    ("a parameter without a name", bought(where=ask("params.", "is", "x")), "match.where.field", "unknown_field"),
    ("a parameter with a NUL", bought(where=ask("params.a\0", "is", "x")), "match.where.field", "unknown_field"),
    (
        "a parameter with half a character",
        bought(where=ask("params.\ud800", "is", "x")),
        "match.where.field",
        "unknown_field",
    ),
    (
        "a parameter without end",
        bought(where=ask("params." + "a" * 201, "is", "x")),
        "match.where.field",
        "unknown_field",
    ),
    ("parameters of orders", define(ask("orders", "did", where=CHEAP)), "match.where.field", "unknown_field"),
    ("a parameter's unknown operator", bought(where=ask("params.a", "did", "x")), "match.where.op", "unknown_operator"),
    (
        "a parameter's operator that is a list",
        bought(where=ask("params.a", ["is"], "x")),
        "match.where.op",
        "unknown_operator",
    ),
    ("a parameter that is a list", bought(where=ask("params.a", "is", ["x"])), "match.where.value", "invalid_value"),
    ("a parameter that is true", bought(where=ask("params.a", "is", True)), "match.where.value", "invalid_value"),
    (
        "between a number and a text",
        bought(where=ask("params.a", "between", [1, "2"])),
        "match.where.value[1]",
        "invalid_value",
    ),
    (
        "a catastrophic pattern",
        bought(where=ask("params.a", "matches", "(a+)+\\1")),
        "match.where.value",
        "invalid_value",
    ),
    (
        "an unknown status",
        define(ask("orders", "did", where=ask("status", "is", "lost"))),
        "match.where.value",
        "invalid_value",
    ),
    ("a measure in where", bought(where=CHEAP | {"measure": "count"}), "match.where.measure", "unknown_key"),
    ("another key", bought(table="contacts_contact"), "match.table", "unknown_key"),
    (
        "a period of a contact's field",
        define(ask("town", "is", "x", period=period("today"))),
        "match.period",
        "unknown_key",
    ),
    ("where of a contact's field", define(ask("town", "is", "x", where=CHEAP)), "match.where", "unknown_key"),
    ("the bare relation as a field", define(ask("params.price", "is", 1)), "match.field", "unknown_field"),
    ("too deep in where", bought(where=_nested(MAX_DEPTH)), "match.where" + ".all[0]" * (MAX_DEPTH - 1), "too_deep"),
    (
        "too much in where",
        bought(where={"any": [CHEAP] * MAX_CONDITIONS}),
        f"match.where.any[{MAX_CONDITIONS - 1}]",
        "too_large",
    ),
    (
        "an empty exclude",
        define(CHEAP) | {"match": ask("town", "is", "x"), "exclude": {"any": []}},
        "exclude.any",
        "empty_group",
    ),
    ("an exclude that is null", define(ask("town", "is", "x")) | {"exclude": None}, "exclude", "wrong_shape"),
    (
        "a broken exclude",
        define(ask("town", "is", "x")) | {"exclude": ask("shoe", "is", "x")},
        "exclude.field",
        "unknown_field",
    ),
    (
        "an unknown time zone",
        define(ask("town", "is", "x")) | {"time_zone": "Europe/Kyiv"},
        "time_zone",
        "invalid_value",
    ),
    (
        "a time zone that is a list",
        define(ask("town", "is", "x")) | {"time_zone": ["account"]},
        "time_zone",
        "invalid_value",
    ),
]


@pytest.mark.parametrize(("data", "path", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_condition_on_rows_is_refused_with_path_and_code(data: Any, path: str, code: str) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse(data, REGISTRY)

    assert [(error.path, error.code) for error in refused.value.errors] == [(path, code)]


def test_every_error_of_a_relation_is_reported() -> None:
    broken = ask(
        "events", "did", type="x", period=period("in_last"), where={"all": [ask("shoe", "is", 1), {"any": []}]}
    )

    with pytest.raises(DefinitionRefused) as refused:
        parse(define(broken) | {"exclude": {}}, REGISTRY)

    assert [error.path for error in refused.value.errors] == [
        "match.type",
        "match.period.value",
        "match.where.all[0].field",
        "match.where.all[1].any",
        "exclude",
    ]


def test_exclude_is_as_deep_and_counts_as_much_as_match() -> None:
    many = {"any": [ask("town", "is", "x")] * MAX_CONDITIONS}

    with pytest.raises(DefinitionRefused) as refused:
        parse(define(ask("town", "is", "x")) | {"exclude": many}, REGISTRY)

    assert [error.code for error in refused.value.errors] == ["too_large"]
    assert isinstance(parse(define(_wrapped(MAX_DEPTH)) | {"exclude": _wrapped(MAX_DEPTH)}, REGISTRY), Definition)


def _wrapped(depth: int) -> dict[str, Any]:
    node = ask("town", "is", "x")
    for _level in range(depth):
        node = {"none": [node]}
    return node


# What the measures say of no rows


@pytest.mark.parametrize("measure", ["count", "sum"])
@pytest.mark.parametrize("operator", OPERATORS[FieldType.AMOUNT].values(), ids=lambda operator: operator.key)
def test_every_operator_of_an_amount_knows_what_it_says_of_zero(measure: str, operator: Any) -> None:
    for low, high in ((-1, 1), (0, 0), (1, 2), (-2, -1)):
        values = (low, high) if operator.arity.name == "TWO" else (low,)
        wanted = {
            "is": low == 0,
            "is_not": low != 0,
            "less_than": low > 0,
            "at_most": low >= 0,
            "more_than": low < 0,
            "at_least": low <= 0,
            "between": low <= 0 <= high,
        }
        assert holds_of_none(MEASURES[measure], operator, values) is wanted[operator.key]


# What people send


NASTY = [
    "'; DROP TABLE contacts_event; --",
    '"',
    "%s",
    "%(x)s",
    "{}",
    "{0}",
    "@contact",
    "r.params",
    "\\",
    "$$",
    "a.b",
    "’ї",
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY)
def test_names_and_values_are_only_ever_compared(text: str) -> None:
    make_people()
    olena = make_contact(first_name="Olena")
    make_event(olena.pk, text, ago(1), {text: text, "price": 3})
    asked = {
        "all": [
            ask("events", "did", type=text, where=ask(f"params.{text}", "is", text)),
            ask("events", "did", where=ask(f"params.{text}", "contains", text)),
            ask(
                "events",
                "at_least",
                3,
                measure="sum",
                of="params.price",
                where=ask(f"params.{text}", "is_one_of", [text]),
            ),
            ask("events", "is", 0, measure="sum", of=f"params.{text}"),
            ask(
                "orders",
                "did_not",
                where={"any": [ask(f"items.{text}", "is", text), ask(f"details.{text}", "is", text)]},
            ),
        ]
    }
    segment = save_segment(Segment(name="Nasty", definition=define(asked)))

    assert [contact.pk for contact in members(segment)] == [olena.pk]
    assert explain_member(segment, olena.pk).is_member


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [{}, [], "A-1", 5, [["A-1"]], [None, True, {"sku": ["A-1"]}, {"sku": {}}]])
def test_items_of_any_shape_are_read_without_an_error(stored: Any) -> None:
    from contacts.models import Order
    from tests.segments.deeds import make_order

    olena = make_contact(first_name="Olena")
    Order.objects.bulk_create(
        [make_order(olena.pk, number="1", total_cost="5", ordered_at=ago(1), items=stored, details=stored)]
    )
    for op, value in (("is", "A-1"), ("more_than", 3), ("on", "2026-01-31"), ("matches", "^A.1")):
        where = {"any": [ask("items.sku", op, value), ask("details.sku", op, value)]}
        segment = Segment(name="Items", definition=define(ask("orders", "did", where=where)))
        assert count_members(segment) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent",
    ["0000-01-01", "2026-02-29", "2026-04-31", "2026-13-01", "2026-01-31T24:00:00Z", "2026-01-31T10:00:60Z", "9" * 50,
     "2026-01-31T10:00+15:00", "2026-01-31T10:00:00.1234567Z", "Infinity", "now", "2026-01-31 ", {"a": 1}, [1], 1e300],
)  # fmt: skip
def test_parameters_that_are_no_dates_or_numbers_are_just_not_set(sent: Any) -> None:
    olena = make_contact(first_name="Olena")
    make_event(olena.pk, "sent", ago(1), {"at": sent, "nan": "NaN", "huge": "1" * 400, "words": "1e5"})
    after = ask("events", "did", where=ask("params.at", "after", "1990-01-01"))
    summed = ask("events", "is", 0, measure="sum", of="params.nan")
    others = [ask("events", "did", where=ask(f"params.{name}", "more_than", 0)) for name in ("nan", "huge", "words")]

    assert count_members(Segment(name="After", definition=define(after))) == 0
    assert count_members(Segment(name="Sum", definition=define(summed))) == 1
    assert count_members(Segment(name="Others", definition=define({"any": others}))) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "day"),
    [("2024-02-29", "2024-02-29"), ("2026-01-31T23:30:00-01:00", "2026-02-01"), ("2026-01-31 10:00", "2026-01-31"),
     ("2026-01-31T10:00:00.123456+0200", "2026-01-31"), ("2000-02-29T00:00Z", "2000-02-29")],
)  # fmt: skip
def test_parameters_that_are_dates_are_read_in_all_their_forms(sent: str, day: str) -> None:
    make_event(make_contact(first_name="Olena").pk, "sent", ago(1), {"at": sent})
    asked = ask("events", "did", where=ask("params.at", "on", day))

    assert count_members(Segment(name="On", definition=define(asked))) == 1


# Who is asked about


@pytest.mark.django_db
def test_a_definition_can_be_asked_about_few_contacts_with_the_same_answer(people: dict[str, Contact]) -> None:
    make_deeds(people)
    lookups = DatabaseLookups()
    match = {"any": [ask("orders", "did"), ask("town", "is", "Lviv"), {"none": [ask("events", "did")]}]}
    definition = parse(define(match), lookups.registry)
    wide, few = (compile_tree(definition, lookups.registry, lookups.clock, lookups, few=few) for few in (False, True))

    assert " OR " not in wide.text
    assert " OR " in few.text
    assert _ids(wide) == _ids(few) == {people[name].pk for name in ("olena", "bohdan", "taras", "ivan", "walkin")}


def _ids(clause: Clause) -> set[int]:
    text, params = clause.over("c")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT c.id FROM contacts_contact c WHERE c.state = 1 AND ({text})", params)
        return {row[0] for row in cursor.fetchall()}


def test_types_that_are_gone_are_an_error_with_a_path(people: dict[str, Contact]) -> None:
    EventType.objects.create(key="buy")
    segment = save_segment(Segment(name="Buyers", definition=bought()))
    EventType.objects.filter(key="buy").delete()

    with pytest.raises(DefinitionRefused) as refused:
        count_members(segment)

    assert [(error.path, error.code) for error in refused.value.errors] == [("match.type", "unknown_type")]


def test_a_ring_through_exclude_is_refused_where_it_begins(db: None) -> None:
    first = save_segment(Segment(name="First", definition=define(ask("town", "is", "Lviv"))))
    second = save_segment(
        Segment(
            name="Second", definition=define(ask("town", "is", "Lviv")) | {"exclude": ask("segment", "in", first.pk)}
        )
    )
    first.definition = define({"any": [ask("town", "is", "x"), ask("segment", "not_in", second.pk)]})

    with pytest.raises(DefinitionRefused) as refused:
        save_segment(first)

    assert [(error.path, error.code) for error in refused.value.errors] == [("match.any[1].value", "segment_cycle")]


def test_naming_a_segment_brings_its_exclude_and_its_time_zone_along(people: dict[str, Contact]) -> None:
    inner = save_segment(
        Segment(
            name="Inner",
            definition=define(ask("email", "is_not_empty"))
            | {"exclude": ask("town", "is", "Lviv"), "time_zone": "contact"},
        )
    )
    inside = Segment(name="In", definition=define(ask("segment", "in", inner.pk)))
    outside = Segment(name="Out", definition=define(ask("segment", "in", inner.pk, **{"not": True})))

    assert {contact.pk for contact in members(inside)} == {people[name].pk for name in ("olena", "ivan")}
    assert {contact.pk for contact in members(outside)} == {
        people[n].pk for n in ("bohdan", "taras", "guest", "walkin")
    }


# What the database makes of it


def plan_of(match: dict[str, Any], **more: Any) -> str:
    lookups = DatabaseLookups()
    definition = parse(define(match) | more, lookups.registry)
    text, params = compile_tree(definition, lookups.registry, lookups.clock, lookups).over("c")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN SELECT count(*) FROM contacts_contact c WHERE c.state = 1 AND ({text})", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["account", "contact"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"measure": "count", "value": 2, "op": "at_least"},
        {"op": "did_not"},
        {"measure": "first_at", "op": "is_empty"},
    ],
)
def test_a_period_reads_only_its_months(more: dict[str, Any], zone: str) -> None:
    lately = ask("events", "did", period=period("between", ["2026-03-10", "2026-03-20"])) | more

    assert months_in(plan_of(lately, time_zone=zone)) == {"2026_03"}


def months_in(plan: str) -> set[str]:
    """The partitions that a plan reads, but for the default one."""
    words = plan.replace("(", " ").split()
    named = {word.removeprefix("contacts_event_")[:7] for word in words if word.startswith("contacts_event_")}
    return {name for name in named if name[:4].isdigit()}


@pytest.mark.django_db
def test_the_first_and_the_last_are_looked_for_in_no_months_where_they_cannot_be() -> None:
    day = ago(60).date()

    after_the_last = months_in(plan_of(ask("events", "after", day.isoformat(), measure="last_at")))
    before_the_first = months_in(plan_of(ask("events", "before", day.isoformat(), measure="first_at")))

    assert min(after_the_last) == max(before_the_first) == f"{day:%Y_%m}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "match",
    [
        ask("orders", "did"),
        ask("orders", "did_not"),
        ask("orders", "at_least", 3, measure="count"),
        ask("orders", "at_most", 3, measure="count"),
        ask("orders", "less_than", 1, measure="count"),
        ask("orders", "at_least", 100, measure="sum", of="total_cost"),
        ask("orders", "is_empty", measure="last_at"),
        {"any": [ask("orders", "did"), ask("town", "is", "Lviv")]},
        {"not": True, "any": [ask("orders", "did"), ask("town", "is", "Lviv")]},
        {"not": True, "all": [ask("orders", "did"), {"none": [ask("events", "did")]}]},
        {"all": [ask("orders", "did", **{"not": True}), {"any": [ask("events", "did"), ask("events", "did_not")]}]},
    ],
    ids=str,
)
def test_rows_are_joined_and_never_looked_up_contact_by_contact(match: dict[str, Any]) -> None:
    assert "SubPlan" not in plan_of(match)


# For whoever builds conditions


@pytest.mark.django_db
def test_a_relation_tells_all_there_is_to_choose_from() -> None:
    EventType.objects.create(key="buy", name="Purchase")
    relations = DatabaseLookups().registry.relations

    with translation.override("en"):
        events, orders = (json.loads(json.dumps(write_relation(relations[key]))) for key in ("events", "orders"))

    assert {"key": "buy", "label": "Purchase"} in events["types"]
    assert orders["types"] is None
    assert [measure["key"] for measure in orders["measures"]] == [
        "any",
        "count",
        "first_at",
        "last_at",
        "sum",
        "average",
    ]
    assert events["period"]["type"] == "date"
    assert {"prefix": "params.", "label": "Parameters", "of": True} in events["members"]
    assert [field["key"] for field in orders["fields"] if field["of"]] == ["total_cost"]


@pytest.mark.django_db
def test_a_type_that_is_not_for_segments_goes_on_and_is_not_offered() -> None:
    EventType.objects.create(key="buy", name="Purchase", is_for_segments=False)
    lookups = DatabaseLookups()

    with translation.override("en"):
        events = write_relation(lookups.registry.relations["events"])

    assert {"key": "buy", "label": "Purchase", "is_offered": False} in events["types"]
    assert parse(bought(), lookups.registry)


def test_a_condition_on_rows_is_one_condition_of_the_definition() -> None:
    definition = parse(bought(where={"any": [CHEAP, CHEAP]}), REGISTRY)

    assert isinstance(definition.match, Condition)
    assert definition.match.rows is not None
    assert definition.match.rows.type == "buy"


@pytest.mark.django_db
def test_parameters_and_items_that_were_seen_are_proposed_with_their_types() -> None:
    make_deeds(make_people())
    lookups = DatabaseLookups()

    seen = {member.name: [each.value for each in member.types] for member in lookups.find_members("events", "view")}
    of_orders = {member.field for member in lookups.find_members("orders")}

    assert seen.keys() == {"name", "price", "price.uah", "is_new", "sent"}
    assert set(seen["sent"]) == {"date", "number"}
    assert seen["is_new"][0] in {"boolean", "number", "text"}
    assert set(seen["price"]) == {"text", "number"}
    assert of_orders == {"items.sku", "items.quantity", "items.gift", "details.channel", "details.points"}
    assert [member.field for member in lookups.find_members("events", "buy")] == ["params.price"]
    assert lookups.find_members("events", "never") == lookups.find_members("events", "gone") == []
    assert lookups.find_members("identifiers") == lookups.find_members("pets") == []
