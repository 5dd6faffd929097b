"""The compiled SQL and the naive evaluator agree on random contacts and random trees.

``NAIVE_EXAMPLES=2000`` looks harder than every run does.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.keys import Kind
from contacts.models import ChannelState, Contact
from segments.conditions import compile_tree, parse
from segments.conditions.dates import Clock, Unit
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.matching import ContactSQL
from segments.conditions.operators import OPERATORS, Arity, Operator, Reads
from tests.segments.naive import is_member
from tests.segments.people import ACTIVE, AUTUMN, PEOPLE, REGULARS, SPRING, make_contact, make_people
from tests.segments.table import TABLE, Row

EXAMPLES = int(os.environ.get("NAIVE_EXAMPLES", "60"))

KYIV = ZoneInfo("Europe/Kyiv")
NOWS = [
    datetime(2026, 3, 29, 12, 30, tzinfo=UTC),  # the day the clocks go forward in Kyiv
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # and the hour that is there twice
    datetime(2027, 12, 31, 23, 30, tzinfo=UTC),  # tomorrow in Kyiv, today in London
    datetime(2028, 2, 29, 10, 30, tzinfo=UTC),  # three days at once on Earth, one of them a leap day
    datetime(2026, 2, 28, 9, 0, tzinfo=UTC),  # the day when leap people celebrate
]
ZONES = [
    "Europe/Kyiv",
    "UTC",
    "America/Havana",  # its days begin at one in spring and twice in autumn
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "nonsense",
    "europe/kyiv",
    "'; DROP TABLE contacts_contact; --",
    None,
]
TEXTS = ["a", "A", "ab", "b%", "b_", "b\\", "%", "ї", "Її", "'", '"; --', "@contact", "%s", "{}", "a\nb"]
PATTERNS = [
    "^a",
    "b$",
    "[ab%]",
    "\\d",
    "a|Ї",
    "^.$",
    "(ab)+",
    "\\W",
    "a{1,2}b?",
    "^[^a]",
    "[а-яї]",
    "\\s",
    ".b",
    "$^",
]
EMAILS = ["A@x.ua", "a@X.ua", "b.a@x.ua", "Є@x.ua", "є@x.ua", "a_b@x.ua"]
PIECES = ["A", "@X", "є", "Є", "Є@", "є@X.", "_", ".", ".UA"]
PHONES = ["+380501112233", "+380501112244", "+380679998877"]
NUMBERS = [-1, 0, 1, 0.1, 2.5, 10**15]
DAYS_AWAY = [-366, -365, -92, -91, -31, -30, -8, -7, -2, -1, 0, 1, 2, 6, 7, 30, 31, 91, 365]


def _days(now: datetime) -> list[date]:
    today = now.astimezone(KYIV).date()
    days = [today + timedelta(days=away) for away in DAYS_AWAY]
    return [*days, date(2024, 2, 29), date(2020, 2, 28), date(2021, 3, 1), date(1999, 12, 31), date(2000, 1, 1)]


def _moments(now: datetime) -> list[datetime]:
    starts = [datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) for day in _days(now) for zone in ZONES[:3]]
    edges = [now, now - timedelta(days=2), now - timedelta(minutes=90), now + timedelta(hours=3)]
    return [(at + timedelta(microseconds=step)).astimezone(UTC) for at in [*starts, *edges] for step in (-1, 0, 1)]


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# Contacts


@cache
def _contacts(now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    days, moments = _days(now), _moments(now)
    maybe_moment = st.sampled_from([*moments, None])
    attributes = {
        "nickname": st.sampled_from([*TEXTS, None, "", 5]),
        "visits": st.sampled_from([*NUMBERS, "5", None, True, [1], {"a": 1}, "NaN"]),
        "score": st.sampled_from([*NUMBERS, None]),
        "newsletter": st.sampled_from([True, False, None, "yes", 1]),
        "birthday": st.sampled_from([*(day.isoformat() for day in days), "2026-03", None, "soon", 20260301]),
        "renewed": st.sampled_from([*map(_iso, moments), None, "2026-03-01", 5]),
        "tier": st.sampled_from(["gold", "silver", None]),
        "tags": st.sampled_from([["a"], ["b"], ["a", "b"], [], None, "a", {"a": 1}, ["c"], [1]]),
    }
    return st.fixed_dictionaries(
        {
            "town": st.sampled_from([*TEXTS, None]),
            "time_zone": st.sampled_from(ZONES),
            "external_id": st.sampled_from(["x", "X", "xy", None]),
            "email": st.sampled_from([*EMAILS, None]),
            "phone": st.sampled_from([*PHONES, None]),
            "email_state": st.sampled_from([*ChannelState, None]),
            "email_state_at": maybe_moment,
            "created_at": st.sampled_from(moments),
            "last_seen_at": maybe_moment,
            "made_deliberately": st.booleans(),
            "attributes": st.fixed_dictionaries({}, optional=attributes),
            "kinds": st.sampled_from([(), (Kind.COOKIE,), (Kind.DEVICE, Kind.COOKIE)]),
            "consents": st.dictionaries(st.sampled_from(["news", "offers"]), st.booleans()),
            "segments": st.sampled_from([(), (REGULARS,)]),
            "changes": st.sampled_from([(), (("created", SPRING),), (("updated", AUTUMN), ("updated", None))]),
            "merged_changes": st.sampled_from([(), (("created", AUTUMN),)]),
        }
    )


# Conditions

FIELDS: dict[FieldType, list[str]] = {
    FieldType.TEXT: ["town", "fields.nickname"],
    FieldType.EXTERNAL_ID: ["external_id"],
    FieldType.EMAIL: ["email"],
    FieldType.PHONE: ["phone"],
    FieldType.NUMBER: ["fields.visits", "fields.score"],
    FieldType.BOOLEAN: ["fields.newsletter", "anonymous"],
    FieldType.DATE: ["fields.birthday", "fields.renewed", "created_at", "last_seen_at", "email_state_at"],
    FieldType.CHOICE: ["fields.tier", "email_state"],
    FieldType.CHOICES: ["fields.tags"],
    FieldType.IDENTIFIER: ["identifiers.device", "identifiers.email", "identifiers.cookie"],
    FieldType.CONSENT: ["consent.news", "consent.calls"],
    FieldType.SEGMENT: ["segment"],
    FieldType.IMPORT: ["import"],
    FieldType.RANDOM: ["random"],
}
"""Those of rows are compared in ``tests.segments.test_relations_against_naive``."""

OPTIONS = {"fields.tier": ["gold", "silver"], "email_state": ["active", "unsubscribed"], "fields.tags": ["a", "b"]}


def _whole(field_type: FieldType, field: str, now: datetime) -> st.SearchStrategy[Any]:
    """A value of the field itself."""
    return {
        FieldType.TEXT: st.sampled_from(TEXTS),
        FieldType.EXTERNAL_ID: st.sampled_from(["x", "X", "z"]),
        FieldType.EMAIL: st.sampled_from(EMAILS),
        FieldType.PHONE: st.sampled_from(PHONES),
        FieldType.NUMBER: st.sampled_from(NUMBERS),
        FieldType.DATE: st.sampled_from([day.isoformat() for day in _days(now)]),
        FieldType.CHOICE: st.sampled_from(OPTIONS.get(field, [""])),
        FieldType.CHOICES: st.sampled_from(OPTIONS.get(field, [""])),
        FieldType.SEGMENT: st.just(REGULARS),
        FieldType.IMPORT: st.sampled_from([SPRING, AUTUMN]),
        FieldType.RANDOM: st.tuples(st.sampled_from([0.5, 10, 50, 99.5, 100]), st.sampled_from(["a", "b"])).map(list),
    }.get(field_type, st.nothing())


def _read(operator: Operator, field_type: FieldType, field: str, now: datetime) -> st.SearchStrategy[Any]:
    units = [unit.value for unit in Unit if not (field == "fields.birthday" and unit.is_within_a_day)]
    pieces = PIECES if field_type is FieldType.EMAIL else ["x", "y", *TEXTS, "+38", "44"]
    if operator.reads is Reads.FIELD:
        return _whole(field_type, field, now)
    return {
        Reads.TEXT: st.sampled_from(pieces),
        Reads.PATTERN: st.sampled_from(PATTERNS),
        Reads.DURATION: st.tuples(st.sampled_from([1, 2, 3, 30, 100]), st.sampled_from(units)).map(list),
        Reads.NEARNESS: st.sampled_from([0, 1, 2, 7, 182]),
        Reads.DAY_OF_MONTH: st.sampled_from([1, 2, 28, 29, 30, 31]),
    }[operator.reads]


@cache
def _leaves(now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        _leaf(field, operator, field_type, now)
        for field_type, fields in FIELDS.items()
        for field in fields
        for operator in OPERATORS[field_type].values()
    )


def _leaf(field: str, operator: Operator, field_type: FieldType, now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    parts = {"field": st.just(field), "op": st.just(operator.key), "not": st.booleans()}
    value = _read(operator, field_type, field, now)
    match operator.arity:
        case Arity.ONE:
            parts["value"] = value
        case Arity.TWO:
            parts["value"] = st.lists(value, min_size=2, max_size=2)
        case Arity.MANY:
            parts["value"] = st.lists(value, min_size=1, max_size=3)
    return st.fixed_dictionaries(parts)


@cache
def _trees(now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        _leaves(now),
        lambda children: st.tuples(
            st.sampled_from(["all", "any", "none"]), st.lists(children, min_size=1, max_size=3), st.booleans()
        ).map(lambda group: {group[0]: group[1], "not": group[2]}),
        max_leaves=8,
    )


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[datetime, list[dict[str, Any]], list[dict[str, Any]]]:
    now = draw(st.sampled_from(NOWS))
    trees = st.one_of(_leaves(now), _trees(now))
    definitions = st.fixed_dictionaries({"version": st.just(1), "match": trees}, optional={"exclude": trees})
    people = draw(st.lists(_contacts(now), min_size=5, max_size=8))
    return now, people, draw(st.lists(definitions, min_size=8, max_size=12))


def test_every_type_of_contacts_fields_is_asked_about() -> None:
    assert set(FIELDS) == set(OPERATORS) - {FieldType.ROWS, FieldType.AMOUNT}


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=_worlds())
def test_the_compiled_condition_agrees_with_the_naive_evaluator(
    world: tuple[datetime, list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    now, people, definitions = world
    with transaction.atomic():
        make_people()
        Contact.objects.all().delete()
        made = {make_contact(**facts).pk: facts for facts in _with_own_external_ids(people)}
        lookups = DatabaseLookups()

        for asked, zone in product(definitions, ("account", "contact")):
            definition = asked | {"time_zone": zone}
            tree = parse(definition, lookups.registry)
            clause = compile_tree(tree, lookups.registry, Clock(now, KYIV), lookups)
            found = set(Contact.objects.filter(ContactSQL(clause), pk__in=made).values_list("pk", flat=True))
            expected = {pk for pk, facts in made.items() if is_member(definition, facts | {"id": pk}, now, KYIV)}
            assert found == expected, definition

        transaction.set_rollback(True)


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_the_naive_evaluator_agrees_with_the_table(row: Row) -> None:
    facts = {name: {"attributes": {}, "id": 1} | PEOPLE[name] for name in ACTIVE}

    members = {name for name in ACTIVE if is_member(row.definition, facts[name], datetime.now(UTC), ZoneInfo("UTC"))}

    assert members == row.expected


def _with_own_external_ids(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An external ID is one contact's alone."""
    seen: set[str] = set()
    own = []
    for facts in people:
        external_id = facts["external_id"]
        own.append(facts | {"external_id": None if external_id in seen else external_id})
        seen.add(external_id)
    return own
