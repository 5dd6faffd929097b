"""A broken definition is refused with the place and the code; nothing broken ever means everybody."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.columns import SYSTEM_COLUMNS, Column
from segments.conditions import Group, build_registry, load_json, parse, write_json
from segments.conditions.errors import DefinitionRefused, EmptyGroup
from segments.conditions.fields import Option
from segments.conditions.tree import MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, Combine
from tests.segments.table import ask, define

REGISTRY = build_registry(
    (*SYSTEM_COLUMNS, Column("fields.visits", "number", "Visits"), Column("fields.birthday", "date", "Birthday")),
    channel_states=[Option("active", "active", 1)],
    segments={7: "Regulars"},
    imports={3: "spring.csv"},
)
TOWN = ask("town", "is", "Lviv")


def _nested(depth: int) -> dict[str, Any]:
    node = TOWN
    for _level in range(depth):
        node = {"all": [node]}
    return node


BROKEN = [
    ("no object", "everybody", "", "wrong_shape"),
    ("null", None, "", "wrong_shape"),
    ("an empty object", {}, "version", "unknown_version"),
    ("a version of tomorrow", {"version": 2, "match": TOWN}, "version", "unknown_version"),
    ("a version that is true", {"version": True, "match": TOWN}, "version", "unknown_version"),
    ("no match", {"version": 1}, "match", "wrong_shape"),
    ("another key at the top", {"version": 1, "match": TOWN, "else": 1}, "else", "unknown_key"),
    ("a match that is a list", define([TOWN]), "match", "wrong_shape"),  # type: ignore[arg-type]
    ("an empty match", define({}), "match", "broken_group"),
    ("an empty group", define({"all": []}), "match.all", "empty_group"),
    ("an empty group inside", define({"all": [TOWN, {"none": []}]}), "match.all[1].none", "empty_group"),
    ("two kinds of group", define({"all": [TOWN], "any": [TOWN]}), "match", "broken_group"),
    ("a group that is no list", define({"all": TOWN}), "match", "broken_group"),
    ("an unknown kind of group", define({"some": [TOWN]}), "match", "broken_group"),
    ("another key in a group", define({"all": [TOWN], "limit": 1}), "match.limit", "unknown_key"),
    ("a child that is no object", define({"all": ["town"]}), "match.all[0]", "wrong_shape"),
    ("not that is no yes or no", define({"all": [TOWN], "not": "yes"}), "match.not", "wrong_shape"),
    ("an unknown field", define({"any": [ask("shoe", "is", "x")]}), "match.any[0].field", "unknown_field"),
    ("a field that is a list", define({"field": ["town"], "op": "is"}), "match.field", "unknown_field"),
    ("the state of the sheet", define(ask("state", "is", "deleted")), "match.field", "unknown_field"),
    ("an unknown operator", define(ask("town", "sounds_like", "x")), "match.op", "unknown_operator"),
    ("an operator of another type", define(ask("town", "between", [1, 2])), "match.op", "unknown_operator"),
    ("no operator", define({"field": "town"}), "match.op", "unknown_operator"),
    ("another key in a condition", define(ask("town", "is", "x", sql="1=1")), "match.sql", "unknown_key"),
    ("a value too few", define(ask("town", "is")), "match.value", "invalid_value"),
    ("a value too many", define(ask("town", "is_empty", "x")), "match.value", "unknown_key"),
    ("a text that is a number", define(ask("town", "is", 5)), "match.value", "invalid_value"),
    ("a text that is null", define(ask("town", "is", None)), "match.value", "invalid_value"),
    ("an empty text", define(ask("town", "contains", "  ")), "match.value", "invalid_value"),
    ("a NUL", define(ask("town", "is", "a\0")), "match.value", "invalid_value"),
    ("half a character", define(ask("town", "is", "\ud800")), "match.value", "invalid_value"),
    ("a text without end", define(ask("town", "is", "a" * 1001)), "match.value", "invalid_value"),
    ("a list that is a text", define(ask("town", "is_one_of", "Lviv")), "match.value", "invalid_value"),
    ("an empty list", define(ask("town", "is_one_of", [])), "match.value", "invalid_value"),
    ("a list without end", define(ask("town", "is_one_of", ["a"] * (MAX_VALUES + 1))), "match.value", "invalid_value"),
    ("a bad value in a list", define(ask("town", "is_one_of", ["a", 1])), "match.value[1]", "invalid_value"),
    ("no email", define(ask("email", "is", "olena")), "match.value", "invalid_value"),
    ("no phone", define(ask("phone", "is", "12")), "match.value", "invalid_value"),
    ("a number in words", define(ask("fields.visits", "is", "5")), "match.value", "invalid_value"),
    ("a number that is true", define(ask("fields.visits", "is", True)), "match.value", "invalid_value"),
    ("a number without end", define(ask("fields.visits", "is", float("inf"))), "match.value", "invalid_value"),
    ("a number too large", define(ask("fields.visits", "is", 10**19)), "match.value", "invalid_value"),
    ("between one", define(ask("fields.visits", "between", [1])), "match.value", "invalid_value"),
    ("between and nothing", define(ask("fields.visits", "between", [1, None])), "match.value[1]", "invalid_value"),
    ("a day that never was", define(ask("fields.birthday", "on", "2026-02-30")), "match.value", "invalid_value"),
    ("a day out of range", define(ask("fields.birthday", "on", "9999-12-31")), "match.value", "invalid_value"),
    ("no days", define(ask("created_at", "in_last", [0, "days"])), "match.value[0]", "invalid_value"),
    ("half a day", define(ask("created_at", "in_last", [0.5, "days"])), "match.value[0]", "invalid_value"),
    ("a length without unit", define(ask("created_at", "in_last", [3])), "match.value", "invalid_value"),
    ("a length that is a number", define(ask("created_at", "in_last", 3)), "match.value", "invalid_value"),
    ("an unknown unit", define(ask("created_at", "in_next", [3, "fortnights"])), "match.value[1]", "invalid_value"),
    ("a unit that is a list", define(ask("created_at", "in_next", [3, ["days"]])), "match.value[1]", "invalid_value"),
    ("a length of ages", define(ask("created_at", "more_than_ago", [101, "years"])), "match.value[0]", "invalid_value"),
    ("hours of days", define(ask("fields.birthday", "in_last", [3, "hours"])), "match.value[1]", "invalid_value"),
    ("half a year and a day", define(ask("fields.birthday", "anniversary", 183)), "match.value", "invalid_value"),
    ("a day that no month has", define(ask("created_at", "day_of_month", 32)), "match.value", "invalid_value"),
    ("a day of a month in words", define(ask("created_at", "day_of_month", "last")), "match.value", "invalid_value"),
    ("a day for today", define(ask("created_at", "today", "2026-01-31")), "match.value", "unknown_key"),
    ("no share", define(ask("random", "in_percent", [0, "autumn"])), "match.value[0]", "invalid_value"),
    ("more than all", define(ask("random", "in_percent", [100.5, "autumn"])), "match.value[0]", "invalid_value"),
    ("a share without a word", define(ask("random", "in_percent", [10, " "])), "match.value[1]", "invalid_value"),
    ("a share that is a number", define(ask("random", "in_percent", 10)), "match.value", "invalid_value"),
    ("a pattern of nothing", define(ask("town", "matches", "")), "match.value", "invalid_value"),
    ("a broken pattern", define(ask("town", "matches", "(")), "match.value", "invalid_value"),
    ("a pattern that looks back", define(ask("town", "matches", "(a)\\1")), "match.value", "invalid_value"),
    ("a pattern that grows", define(ask("town", "matches", "((a{50}){50})")), "match.value", "invalid_value"),
    ("a pattern with half a character", define(ask("town", "matches", "\ud800")), "match.value", "invalid_value"),
    ("a consent to nothing", define(ask("consent.", "granted")), "match.field", "unknown_field"),
    ("a consent with a line break", define(ask("consent.a\nb", "granted")), "match.field", "unknown_field"),
    ("a consent without end", define(ask("consent." + "a" * 51, "none")), "match.field", "unknown_field"),
    ("an unknown option", define(ask("email_state", "is", "asleep")), "match.value", "invalid_value"),
    ("an option that is a number", define(ask("email_state", "is", 1)), "match.value", "invalid_value"),
    ("an unknown segment", define(ask("segment", "in", 8)), "match.value", "unknown_segment"),
    ("a segment by name", define(ask("segment", "in", "Regulars")), "match.value", "invalid_value"),
    ("an unknown import", define(ask("import", "touched_by", 4)), "match.value", "unknown_import"),
    ("an import by name", define(ask("import", "created_by", "spring.csv")), "match.value", "invalid_value"),
    ("an import that is true", define(ask("import", "created_by", True)), "match.value", "invalid_value"),
    ("an import too many", define(ask("import", "touched_by_any", 3)), "match.value", "unknown_key"),
    ("an import below none", define(ask("import", "touched_by", -(10**30))), "match.value", "unknown_import"),
    ("too deep", define(_nested(MAX_DEPTH + 1)), "match" + ".all[0]" * MAX_DEPTH, "too_deep"),
    ("too much", define({"any": [TOWN] * (MAX_CONDITIONS + 1)}), f"match.any[{MAX_CONDITIONS}]", "too_large"),
]


@pytest.mark.parametrize(("data", "path", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_definition_is_refused_with_path_and_code(data: Any, path: str, code: str) -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse(data, REGISTRY)

    assert [(error.path, error.code) for error in refused.value.errors] == [(path, code)]
    assert all(error.message.endswith(".") or ":" in error.message for error in refused.value.errors)


def test_every_error_is_reported_not_just_the_first() -> None:
    with pytest.raises(DefinitionRefused) as refused:
        parse(define({"all": [ask("shoe", "is", "x"), TOWN, {"any": []}]}), REGISTRY)

    assert [error.path for error in refused.value.errors] == ["match.all[0].field", "match.all[2].any"]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"version": NaN}', " " * 2_000_000, "9" * 5_000])
def test_text_that_is_no_usable_json_is_refused(text: str) -> None:
    with pytest.raises(DefinitionRefused):
        load_json(text)


def test_the_largest_allowed_definition_is_read() -> None:
    assert parse(define(_nested(MAX_DEPTH)), REGISTRY)
    assert parse(define({"any": [TOWN] * MAX_CONDITIONS}), REGISTRY)


def test_a_definition_is_written_a_line_for_each_condition() -> None:
    data = {
        "match": {"all": [{"op": "is", "value": "Lviv", "field": "town", "not": True}, {"any": [TOWN]}]},
        "version": 1,
    }

    text = write_json(data)

    assert load_json(text) == data
    assert text.splitlines()[:4] == [
        "{",
        '  "version": 1,',
        '  "match": {',
        '    "all": [',
    ]
    assert text.splitlines()[4] == '      {"not": true, "field": "town", "op": "is", "value": "Lviv"},'


def test_a_tree_cannot_hold_an_empty_group() -> None:
    with pytest.raises(EmptyGroup):
        Group(Combine.ALL, ())
