"""Conditions on rows once more, the naive way: Python over lists of what one contact did, bought and is known by.

Written from what the language promises, without its code. A row is a dict of its fields, with ``type`` and ``at``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.segments import naive
from tests.segments.naive import OPERATORS, Facts, Moment, compare

Row = dict[str, Any]
RELATIONS = ("events", "orders", "identifiers")


def is_member(definition: dict[str, Any], facts: Facts, now: datetime, account: ZoneInfo) -> bool:
    """As ``naive.is_member``, for conditions on rows too."""
    zone = account
    if definition.get("time_zone") == "contact" and facts.get("time_zone") in naive.ZONES:
        zone = ZoneInfo(facts["time_zone"])
    at = Moment(now, zone, account)
    excluded = "exclude" in definition and holds(definition["exclude"], lambda node: _ask(node, facts, at))
    return holds(definition["match"], lambda node: _ask(node, facts, at)) and not excluded


def holds(node: dict[str, Any], ask: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether a node holds; ``ask`` answers a condition, its negation left out."""
    if "all" in node:
        held = all(holds(child, ask) for child in node["all"])
    elif "any" in node:
        held = any(holds(child, ask) for child in node["any"])
    elif "none" in node:
        held = not any(holds(child, ask) for child in node["none"])
    else:
        held = ask(node)
    return held is not node.get("not", False)


def _ask(node: dict[str, Any], facts: Facts, at: Moment) -> bool:
    if node["field"] not in RELATIONS:
        return naive.holds(node | {"not": False}, facts, at)
    rows = [row for row in facts[node["field"]] if _is_meant(row, node, at)]
    measured = _measure(rows, node)
    if node["op"] in {"did", "did_not"}:
        return bool(rows) is (node["op"] == "did")
    return _holds_of(measured, node, at)


def _holds_of(value: Any, node: dict[str, Any], at: Moment) -> bool:
    op = node["op"]
    if op in naive.IS_SET:
        return naive.IS_SET[op] is (value is not None)
    if value is None:
        return op in {"is_not", "is_not_one_of"}
    if isinstance(value, datetime):
        return compare("", value, op, node.get("value"), at)
    return OPERATORS[op](value, _exact(node.get("value")))


def _exact(given: Any) -> Any:
    if isinstance(given, list):
        return [_exact(one) for one in given]
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return Fraction(str(given)) if is_number else given


# Which rows


def _is_meant(row: Row, node: dict[str, Any], at: Moment) -> bool:
    if node.get("type") not in (None, row["type"]):
        return False
    if "period" in node and not compare("", row["at"], node["period"]["op"], node["period"].get("value"), at):
        return False
    where = node.get("where")
    if node["field"] == "orders" and row["status"] != "delivered" and "status" not in _fields_of(where):
        return False
    return where is None or holds(where, lambda condition: _ask_row(row, condition, at))


def _fields_of(where: Any) -> set[str]:
    if where is None:
        return set()
    children = next((where[key] for key in ("all", "any", "none") if key in where), None)
    return {where["field"]} if children is None else {name for child in children for name in _fields_of(child)}


def _ask_row(row: Row, condition: dict[str, Any], at: Moment) -> bool:
    group, _dot, name = condition["field"].partition(".")
    if group == "items":
        return any(
            _holds_of(_read_member(item if isinstance(item, dict) else {}, name, condition, at), condition, at)
            for item in row["items"]
        )
    outer, _dot, inner = name.partition(".")
    if group == "params" and name not in row["params"] and isinstance(row["params"].get(outer), dict) and inner:
        return _holds_of(_read_member(row["params"][outer], inner, condition, at), condition, at)
    if group in {"params", "details"}:
        return _holds_of(_read_member(row[group], name, condition, at), condition, at)
    value = row[group]
    return _holds_of(Fraction(value) if group == "total_cost" else value, condition, at)


# What is measured


def _measure(rows: list[Row], node: dict[str, Any]) -> Any:
    moments = [row["at"] for row in rows]
    match node.get("measure", "any"):
        case "first_at":
            return min(moments, default=None)
        case "last_at":
            return max(moments, default=None)
        case "sum":
            return sum(_numbers(rows, node["of"]), Fraction(0))
        case "average":
            numbers = _numbers(rows, node["of"])
            return sum(numbers, Fraction(0)) / len(numbers) if numbers else None
        case _:
            return Fraction(len(rows))


def _numbers(rows: list[Row], of: str) -> list[Fraction]:
    group, _dot, name = of.partition(".")
    values = [Fraction(row[group]) if not name else _read_number(row[group].get(name)) for row in rows]
    return [value for value in values if value is not None]


# Members of JSON objects


def _read_member(held: dict[str, Any], name: str, condition: dict[str, Any], at: Moment) -> Any:
    value, op, given = held.get(name), condition["op"], condition.get("value")
    first = given[0] if isinstance(given, list) else given
    if op in {"is_yes", "is_no", "is_not_set"}:
        return {True: True, "true": True, False: False, "false": False}.get(value) if _is_scalar(value) else None
    if op in {"less_than", "at_most", "more_than", "at_least"} or (
        op in {"is", "is_not", "between"} and isinstance(first, int | float)
    ):
        return _read_number(value)
    if op in OPERATORS or op in naive.IS_SET:
        return _read_text(value) if op != "between" else _read_moment(value, at)
    return _read_moment(value, at)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | str)


def _read_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _read_number(value: Any) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    return Fraction(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


def _read_moment(value: Any, at: Moment) -> datetime | None:
    """Without a zone it is the account's."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=at.account)
