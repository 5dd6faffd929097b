"""The compiled SQL and the naive evaluator agree on random contacts and random trees."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import ChannelState, Contact
from segments.conditions import compile_tree, parse
from segments.conditions.dates import Clock
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.matching import ContactSQL
from tests.segments.naive import holds
from tests.segments.people import make_contact, make_people

CLOCK = Clock(datetime(2026, 3, 29, 12, 30, tzinfo=UTC), ZoneInfo("Europe/Kyiv"))  # the day the clocks go forward
DAYS = [date(2026, 3, 29) + timedelta(days=days) for days in (-7, -2, -1, 0, 1)]
MOMENTS = [CLOCK.start_of(day) + timedelta(microseconds=step) for day in DAYS for step in (-1, 0, 1)]
MOMENTS += [CLOCK.now, CLOCK.now - timedelta(days=2), CLOCK.now + timedelta(microseconds=1)]
TEXTS = ["a", "A", "ab", "b%", "b_", "b\\", "%", "ї", "Її", "'", '"; --', "@contact", "%s", "{}"]
EMAILS = ["A@x.ua", "a@X.ua", "b.a@x.ua", "Є@x.ua", "є@x.ua", "a_b@x.ua"]
NUMBERS = [-1, 0, 1, 0.1, 2.5, 10**15]

contacts = st.fixed_dictionaries(
    {
        "town": st.sampled_from([*TEXTS, None]),
        "external_id": st.sampled_from(["x", "X", "xy", None]),
        "email": st.sampled_from([*EMAILS, None]),
        "email_state": st.sampled_from([*ChannelState, None]),
        "created_at": st.sampled_from(MOMENTS),
        "last_seen_at": st.sampled_from([*MOMENTS, None]),
        "attributes": st.fixed_dictionaries(
            {},
            optional={
                "nickname": st.sampled_from([*TEXTS, None]),
                "visits": st.sampled_from([*NUMBERS, "5", None, True]),
                "newsletter": st.sampled_from([True, False, None]),
                "birthday": st.sampled_from([*(day.isoformat() for day in DAYS), "2026-03", None]),
                "renewed": st.sampled_from([*(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for at in MOMENTS), None]),
                "tier": st.sampled_from(["gold", "silver", None]),
            },
        ),
    }
)


def _conditions(fields: list[str], values: dict[str, st.SearchStrategy[Any] | None]) -> st.SearchStrategy[Any]:
    def build(op: str) -> st.SearchStrategy[dict[str, Any]]:
        value = values[op]
        parts = {"field": st.sampled_from(fields), "op": st.just(op), "not": st.booleans()}
        return st.fixed_dictionaries(parts if value is None else {**parts, "value": value})

    return st.sampled_from(list(values)).flatmap(build)


def _texts(whole: st.SearchStrategy[str], piece: st.SearchStrategy[str]) -> dict[str, st.SearchStrategy[Any] | None]:
    return {
        "is": whole,
        "is_not": whole,
        "is_one_of": st.lists(whole, min_size=1, max_size=3),
        "contains": piece,
        "starts_with": piece,
        "is_empty": None,
        "is_not_empty": None,
    }


texts, numbers, days = st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from([d.isoformat() for d in DAYS])
tiers, states = st.sampled_from(["gold", "silver"]), st.sampled_from(["active", "unsubscribed"])
leaves = st.one_of(
    _conditions(["town", "fields.nickname"], _texts(texts, texts)),
    _conditions(["external_id"], _texts(st.sampled_from(["x", "X", "z"]), st.sampled_from(["x", "y"]))),
    _conditions(
        ["email"], _texts(st.sampled_from(EMAILS), st.sampled_from(["A", "@X", "є", "Є", "Є@", "є@X.", "_", "."]))
    ),
    _conditions(
        ["fields.visits"],
        dict.fromkeys(["is", "is_not", "less_than", "at_most", "more_than", "at_least"], numbers)
        | {"between": st.lists(numbers, min_size=2, max_size=2), "is_empty": None, "is_not_empty": None},
    ),
    _conditions(["fields.newsletter"], dict.fromkeys(["is_yes", "is_no", "is_not_set"])),
    _conditions(
        ["fields.birthday", "fields.renewed", "created_at", "last_seen_at"],
        dict.fromkeys(["on", "before", "after"], days)
        | {"in_last_days": st.integers(1, 3), "is_empty": None, "is_not_empty": None},
    ),
    *(
        _conditions(
            [field],
            dict.fromkeys(["is", "is_not"], options)
            | {"is_one_of": st.lists(options, min_size=1, max_size=2), "is_empty": None, "is_not_empty": None},
        )
        for field, options in (("fields.tier", tiers), ("email_state", states))
    ),
)
trees = st.recursive(
    leaves,
    lambda children: st.tuples(
        st.sampled_from(["all", "any", "none"]), st.lists(children, min_size=1, max_size=3), st.booleans()
    ).map(lambda group: {group[0]: group[1], "not": group[2]}),
    max_leaves=8,
)


@pytest.mark.django_db
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(people=st.lists(contacts, min_size=1, max_size=6), asked=st.lists(trees, min_size=1, max_size=6))
def test_the_compiled_condition_agrees_with_the_naive_evaluator(
    people: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    with transaction.atomic():
        make_people()
        Contact.objects.all().delete()
        made = {make_contact(**facts).pk: facts for facts in _with_own_external_ids(people)}
        lookups = DatabaseLookups()

        for match in asked:
            tree = parse({"version": 1, "match": match}, lookups.registry)
            clause = compile_tree(tree, lookups.registry, CLOCK, lookups)
            found = set(Contact.objects.filter(ContactSQL(clause)).values_list("pk", flat=True))
            assert found == {pk for pk, facts in made.items() if holds(match, facts, CLOCK)}, match

        transaction.set_rollback(True)


def _with_own_external_ids(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An external ID is one contact's alone."""
    seen: set[str] = set()
    own = []
    for facts in people:
        external_id = facts["external_id"]
        own.append(facts | {"external_id": None if external_id in seen else external_id})
        seen.add(external_id)
    return own
