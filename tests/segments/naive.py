"""The condition language once more, the naive way: a Python function over one contact's facts.

Written from what the operators promise, without their code, so that both can be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from contacts.models import ChannelState
from contacts.normalize import clean_email
from segments.conditions.dates import Clock

Facts = dict[str, Any]


def holds(node: dict[str, Any], facts: Facts, clock: Clock) -> bool:
    """Whether a JSON node of the language holds for a contact with these facts."""
    return _holds(node, facts, clock) is not node.get("not", False)


def _holds(node: dict[str, Any], facts: Facts, clock: Clock) -> bool:
    if "all" in node:
        return all(holds(child, facts, clock) for child in node["all"])
    if "any" in node:
        return any(holds(child, facts, clock) for child in node["any"])
    if "none" in node:
        return not any(holds(child, facts, clock) for child in node["none"])
    actual, op, given = read(node["field"], facts), node["op"], node.get("value")
    if op in {"is_empty", "is_not_set"}:
        return actual is None
    if op == "is_not_empty":
        return actual is not None
    if actual is None:
        return op == "is_not"
    return _compare(node["field"], actual, op, given, clock)


def read(field: str, facts: Facts) -> Any:
    """The contact's value, None where it has none or one of another shape."""
    if not field.startswith("fields."):
        value = facts.get(field)
        return ChannelState(value).name.lower() if field == "email_state" and value else value
    value = facts["attributes"].get(field.removeprefix("fields."))
    match field:
        case "fields.visits":
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "fields.newsletter":
            return value if isinstance(value, bool) else None
        case "fields.birthday":
            return date.fromisoformat(value) if value and len(value) == len("2026-01-01") else None
        case "fields.renewed":
            return datetime.fromisoformat(value) if value else None
        case _:
            return value


def _compare(field: str, actual: Any, op: str, given: Any, clock: Clock) -> bool:
    if isinstance(actual, date):
        return _compare_dates(actual, op, given, clock)
    if field == "email":
        actual, given = _fold_email(actual, op, given)
    return OPERATORS[op](actual, given)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda actual, given: actual == given,
    "is_not": lambda actual, given: actual != given,
    "is_one_of": lambda actual, given: actual in given,
    "contains": lambda actual, given: given in actual,
    "starts_with": lambda actual, given: actual.startswith(given),
    "less_than": lambda actual, given: actual < given,
    "at_most": lambda actual, given: actual <= given,
    "more_than": lambda actual, given: actual > given,
    "at_least": lambda actual, given: actual >= given,
    "between": lambda actual, given: given[0] <= actual <= given[1],
    "is_yes": lambda actual, given: actual is True,
    "is_no": lambda actual, given: actual is False,
}


def _fold_email(actual: str, op: str, given: Any) -> tuple[str, Any]:
    if op in {"contains", "starts_with"}:
        return actual.lower(), given.lower()
    folded = [clean_email(one)[1] for one in given] if isinstance(given, list) else clean_email(given)[1]
    return clean_email(actual)[1], folded


def _compare_dates(actual: date, op: str, given: Any, clock: Clock) -> bool:
    if op == "in_last_days":
        if isinstance(actual, datetime):
            return clock.now - timedelta(days=given) <= actual <= clock.now
        return clock.today - timedelta(days=given) < actual <= clock.today
    day = actual.astimezone(clock.zone).date() if isinstance(actual, datetime) else actual
    wanted = date.fromisoformat(given)
    return {"on": day == wanted, "before": day < wanted, "after": day > wanted}[op]
