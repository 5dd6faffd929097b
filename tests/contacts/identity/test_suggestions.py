"""What is suggested for contacts that may be one person: a table, read from its top."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from contacts.identity.names import hash_name, is_full_name, read_birthday, read_name
from contacts.identity.suggestions import RULES, Facts, Level, Sign, advise, choose_survivor, find_signs, judge
from contacts.models import Suggestion

START = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2026, 11, 22)
KOVAL = read_name("Olena", "Koval")
MAY = date(1990, 5, 1)


def person(number: int = 1, **known: Any) -> Facts:
    """Somebody; plural values may be written alone."""
    for name in ("external_ids", "emails", "phones"):
        if isinstance(known.get(name), str):
            known[name] = frozenset({known[name]})
    return Facts(**{"id": number, "is_active": True, "created_at": START + timedelta(days=number), **known})


MAIL = {"emails": "olena@example.com"}
CALL = {"phones": "+380501112233"}
FULL = {"name": KOVAL}
BORN = {"birthday": MAY}

TABLE = {
    # what one and the other have: how sure it is that they are one
    "same email, same name": ({**MAIL, **FULL}, {**MAIL, **FULL}, Level.CLEAR),
    "same email, same name, one external ID": ({**MAIL, **FULL, "external_ids": "A"}, {**MAIL, **FULL}, Level.CLEAR),
    "same email, same name, other external IDs": (
        {**MAIL, **FULL, "external_ids": "A"},
        {**MAIL, **FULL, "external_ids": "B"},
        Level.LIKELY,
    ),
    "same email, same name, other birthdays": (
        {**MAIL, **FULL, **BORN},
        {**MAIL, **FULL, "birthday": date(1962, 1, 2)},
        Level.UNLIKELY,
    ),
    "same email, same name, one deleted": ({**MAIL, **FULL}, {**MAIL, **FULL, "is_active": False}, Level.UNSURE),
    "same email, the same first name alone": (
        {**MAIL, "name": read_name("Olena")},
        {**MAIL, "name": read_name("Olena")},
        Level.LIKELY,
    ),
    "same email, a name that fits": ({**MAIL, **FULL}, {**MAIL, "name": read_name("Olena")}, Level.LIKELY),
    "same email, a name that is missing": ({**MAIL, **FULL}, MAIL, Level.LIKELY),
    "same email, another name": ({**MAIL, **FULL}, {**MAIL, "name": read_name("Taras", "Koval")}, Level.UNLIKELY),
    "same email and phone, another name": (
        {**MAIL, **CALL, **FULL},
        {**MAIL, **CALL, "name": read_name("Taras", "Koval")},
        Level.UNSURE,
    ),
    "same email and phone, nothing else known": ({**MAIL, **CALL}, {**MAIL, **CALL}, Level.LIKELY),
    "same phone, same name": ({**CALL, **FULL}, {**CALL, **FULL}, Level.LIKELY),
    "same phone, same name and birthday": ({**CALL, **FULL, **BORN}, {**CALL, **FULL, **BORN}, Level.CLEAR),
    "same phone, nothing else known": (CALL, CALL, Level.UNSURE),
    "same phone, other external IDs": (
        {**CALL, "external_ids": "A"},
        {**CALL, "external_ids": "B"},
        Level.UNSURE,
    ),
    "same phone, another name, other external IDs": (
        {**CALL, **FULL, "external_ids": "A"},
        {**CALL, "name": read_name("Taras", "Koval"), "external_ids": "B"},
        Level.UNLIKELY,
    ),
    "same name and birthday": ({**FULL, **BORN}, {**FULL, **BORN}, Level.LIKELY),
    "same name and birthday, other external IDs": (
        {**FULL, **BORN, "external_ids": "A"},
        {**FULL, **BORN, "external_ids": "B"},
        Level.LIKELY,
    ),
    "the same name alone": (FULL, FULL, Level.UNLIKELY),
    "the same birthday alone": (BORN, BORN, Level.UNLIKELY),
    "nothing": ({}, {}, Level.UNLIKELY),
}


@pytest.mark.parametrize(("one", "other", "level"), TABLE.values(), ids=TABLE)
def test_two_contacts_are_judged_by_the_table(one: dict[str, Any], other: dict[str, Any], level: Level) -> None:
    first, second = person(1, **one), person(2, **other)

    assert advise([first, second]).level == advise([second, first]).level == level


def test_different_external_ids_are_never_clear() -> None:
    """Whatever else is the same."""
    signs = [sign for sign in Sign if sign is not Sign.OTHER_EXTERNAL_ID]
    for count in range(4):
        for some in combinations(signs, count):
            assert judge(frozenset({Sign.OTHER_EXTERNAL_ID, *some})) != Level.CLEAR


def test_the_table_has_an_answer_for_everything_and_no_row_in_vain() -> None:
    assert judge(frozenset()) == Level.UNSURE
    for number, rule in enumerate(RULES):
        assert not any(above.needs <= rule.needs for above in RULES[:number]), rule
    assert [int(level) for level in Level] == Suggestion.values


def test_the_least_sure_of_several_decides() -> None:
    known = {**MAIL, **FULL}
    three = [person(1, **known, external_ids="A"), person(2, **known), person(3, **MAIL)]

    assert advise(three[:2]).level == Level.CLEAR
    assert advise(three).level == Level.LIKELY


def test_a_crowd_is_nobody_and_one_alone_is_no_case() -> None:
    assert advise([person(number, **MAIL, **FULL) for number in range(11)]).signs == (Sign.TOO_MANY,)
    assert advise([person(1)]).signs == advise([]).signs == (Sign.ALONE,)


@pytest.mark.parametrize(
    ("stays", "goes"),
    [
        ({}, {"is_active": False, "external_ids": frozenset({"A"})}),
        ({"external_ids": frozenset({"A"})}, {"order_count": 9}),
        ({"order_count": 2}, {"order_count": 1}),
        ({"created_at": START}, {}),
    ],
)
def test_who_should_stay(stays: dict[str, Any], goes: dict[str, Any]) -> None:
    one, other = replace(person(7), **stays), replace(person(3), **goes)

    assert choose_survivor([one, other]) == choose_survivor([other, one]) == one


def test_further_values_of_an_earlier_merge_count_too() -> None:
    one, other = person(1, emails=frozenset({"a@x.io", "b@x.io"})), person(2, emails="b@x.io")

    assert Sign.SAME_EMAIL in find_signs(one, other)


# Names and birthdays


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Олена", "КОВАЛЬ"), ("Коваль", "олена")),
        (("Olena ", " Koval"), (None, "koval  OLENA")),
        (("Mar’yana", "O'Brien"), ("Maryana", "OBrien")),
        (("Anna", "Smith-Jones"), ("Anna", "Smith Jones")),
        (("Jürgen", "Müller"), ("Jurgen", "Muller")),
        (("İlker", "Şahin"), ("Ilker", "Sahin")),
        (("Käthe", "Weiß"), ("Kathe", "Weiss")),
    ],
)
def test_a_name_is_the_same_in_any_order_and_writing(one: Any, other: Any) -> None:
    assert read_name(*one) == read_name(*other)
    assert hash_name(read_name(*one)) == hash_name(read_name(*other))
    assert is_full_name(read_name(*one))


@pytest.mark.parametrize("written", [(), (None, None), ("",), ("Olena",), ("O.", "K."), ("...", "-")])
def test_less_than_a_first_and_a_last_name_tells_nobody_apart(written: Any) -> None:
    assert not is_full_name(read_name(*written))


def test_a_hash_is_the_same_in_every_process() -> None:
    assert hash_name(("koval", "olena")) == -408140717399700033


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1990-05-01", MAY),
        ("1990-05-01T00:00:00Z", MAY),
        ("1970-01-01", None),
        ("1900-01-01", None),
        ("1899-12-30", None),
        ("0001-01-01", None),
        ("2026-11-22", None),
        ("2999-01-01", None),
        ("01.05.1990", None),
        ("", None),
        (None, None),
        (19900501, None),
    ],
)
def test_a_birthday_is_a_day_on_which_somebody_was_born(value: Any, expected: date | None) -> None:
    assert read_birthday(value, TODAY) == expected
