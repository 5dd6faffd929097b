"""The condition language once more, the naive way: a Python function over one contact's facts.

Written from what the operators promise, without their code, so that both can be compared. A contact's facts are what
``tests.segments.people.make_contact`` takes, and its ``id``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import re2
from dateutil.relativedelta import relativedelta

from contacts.keys import Kind
from contacts.models import ChannelState
from contacts.normalize import clean_email
from contacts.phones import parse_phone

Facts = dict[str, Any]
ZONES = available_timezones() - {"localtime"}


@dataclass(frozen=True)
class Moment:
    """When is asked, and in which zone the days are those of somebody."""

    now: datetime
    zone: ZoneInfo
    account: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


def is_member(definition: dict[str, Any], facts: Facts, now: datetime, account: ZoneInfo) -> bool:
    """Whether a contact with these facts is in the segment that the JSON defines."""
    zone = account
    if definition.get("time_zone") == "contact" and facts.get("time_zone") in ZONES:
        zone = ZoneInfo(facts["time_zone"])
    moment = Moment(now, zone, account)
    excluded = "exclude" in definition and holds(definition["exclude"], facts, moment)
    return holds(definition["match"], facts, moment) and not excluded


def holds(node: dict[str, Any], facts: Facts, at: Moment) -> bool:
    """Whether a JSON node of the language holds for a contact with these facts."""
    return _holds(node, facts, at) is not node.get("not", False)


def _holds(node: dict[str, Any], facts: Facts, at: Moment) -> bool:
    if "all" in node:
        return all(holds(child, facts, at) for child in node["all"])
    if "any" in node:
        return any(holds(child, facts, at) for child in node["any"])
    if "none" in node:
        return not any(holds(child, facts, at) for child in node["none"])
    actual, op, given = read(node["field"], facts), node["op"], node.get("value")
    if op in IS_SET:
        return IS_SET[op] is (actual is not None)
    if actual is None:
        return op in {"is_not", "is_not_one_of", "contains_none", "not_in"}
    return compare(node["field"], actual, op, given, at)


IS_SET = {
    "is_empty": False,
    "is_not_empty": True,
    "is_not_set": False,
    "has": True,
    "has_none": False,
    "none": False,
}


# What a contact has


def read(field: str, facts: Facts) -> Any:
    """The contact's value, None where it has none or one of another shape."""
    group, _dot, key = field.partition(".")
    return READERS[group](facts, key) if group in READERS else facts.get(field)


def _read_imports(facts: Facts, _key: str) -> Any:
    merged = ((None, number) for _kind, number in facts.get("merged_changes", ()))
    return tuple(one for one in (*facts.get("changes", ()), *merged) if one[1] is not None) or None


def _is_anonymous(facts: Facts, _key: str) -> bool:
    known = {Kind.EXTERNAL_ID, Kind.EMAIL, Kind.PHONE} & _kinds(facts)
    return not known and not facts.get("made_deliberately", False)


READERS: dict[str, Callable[[Facts, str], Any]] = {
    "fields": lambda facts, key: _read_custom(facts["attributes"].get(key), CUSTOM[key]),
    "identifiers": lambda facts, key: True if Kind[key.upper()] in _kinds(facts) else None,
    "consent": lambda facts, key: facts.get("consents", {}).get(key),
    "segment": lambda facts, _key: facts.get("segments") or None,
    "import": _read_imports,
    "email_state": lambda facts, _key: (state := facts.get("email_state")) and ChannelState(state).name.lower(),
    "source": lambda facts, _key: facts.get("source", "api"),
    "duplicates": lambda facts, _key: facts.get("has_duplicates") or None,
    "anonymous": _is_anonymous,
    "random": lambda facts, _key: facts["id"],
}


def _kinds(facts: Facts) -> set[Kind]:
    own = {kind for kind in (Kind.EXTERNAL_ID, Kind.EMAIL, Kind.PHONE) if facts.get(kind.slug)}
    return own | set(facts.get("kinds", ()))


CUSTOM = {
    "nickname": str,
    "visits": float,
    "score": float,
    "newsletter": bool,
    "birthday": date,
    "weekly": date,
    "monthly": date,
    "quarterly": date,
    "yearly": date,
    "due": date,
    "renewed": datetime,
    "tier": str,
    "tags": list,
}


def _read_custom(value: Any, kind: type) -> Any:
    if kind is float:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind is date:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-01-01") else None
    if kind is datetime:
        return datetime.fromisoformat(value) if isinstance(value, str) and value.endswith("Z") else None
    if kind is str and isinstance(value, int):
        return str(value)  # a text that is kept as a number reads as it is written
    return (value or None) if kind is list and isinstance(value, list) else value if isinstance(value, kind) else None


# Comparing


def compare(field: str, actual: Any, op: str, given: Any, at: Moment) -> bool:
    """Whether the operator holds of a value that is set."""
    if isinstance(actual, date):
        return _compare_dates(actual, op, given, at)
    if field == "email":
        return EMAILS[op](actual, given)
    if field == "phone" and op.startswith("is"):
        given = [parse_phone(one, "UA") for one in given] if isinstance(given, list) else parse_phone(given, "UA")
    return OPERATORS[op](actual, given)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda actual, given: actual == given,
    "is_not": lambda actual, given: actual != given,
    "is_one_of": lambda actual, given: actual in given,
    "is_not_one_of": lambda actual, given: actual not in given,
    "contains": lambda actual, given: given in actual,
    "starts_with": lambda actual, given: actual.startswith(given),
    "ends_with": lambda actual, given: actual.endswith(given),
    "matches": lambda actual, given: re2.search(given, actual) is not None,
    "less_than": lambda actual, given: actual < given,
    "at_most": lambda actual, given: actual <= given,
    "more_than": lambda actual, given: actual > given,
    "at_least": lambda actual, given: actual >= given,
    "between": lambda actual, given: given[0] <= actual <= given[1],
    "is_yes": lambda actual, given: actual is True,
    "is_no": lambda actual, given: actual is False,
    "granted": lambda actual, given: actual is True,
    "refused": lambda actual, given: actual is False,
    "contains_any": lambda actual, given: bool(set(given) & set(actual)),
    "contains_all": lambda actual, given: set(given) <= set(actual),
    "contains_none": lambda actual, given: not set(given) & set(actual),
    "in": lambda actual, given: given in actual,
    "not_in": lambda actual, given: given not in actual,
    "touched_by": lambda actual, given: given in {number for _kind, number in actual},
    "touched_by_any": lambda actual, given: bool(actual),
    "created_by": lambda actual, given: ("created", given) in actual,
    "in_percent": lambda actual, given: (draw(actual, given[1]) + 2**63) / 2**64 < given[0] / 100,
}


def _fold(value: Any) -> Any:
    return [clean_email(one)[1] for one in value] if isinstance(value, list) else clean_email(value)[1]


EMAILS: dict[str, Callable[[str, Any], bool]] = {
    **{
        op: lambda actual, given, op=op: OPERATORS[op](_fold(actual), _fold(given))  # type: ignore[misc]
        for op in ("is", "is_not", "is_one_of", "is_not_one_of")
    },
    **{
        op: lambda actual, given, op=op: OPERATORS[op](actual.lower(), given.lower())  # type: ignore[misc]
        for op in ("contains", "starts_with", "ends_with")
    },
    "matches": lambda actual, given: re2.search(f"(?i){given}", actual) is not None,
}


# Dates


def _compare_dates(actual: date, op: str, given: Any, at: Moment) -> bool:
    if op in {"in_last", "in_next", "more_than_ago"}:
        near = _is_near(actual, op, given[0], given[1], at) if isinstance(actual, datetime) else None
        return _is_near_day(actual, op, given[0], given[1], at.today) if near is None else near
    day = actual.astimezone(at.zone).date() if isinstance(actual, datetime) else actual
    if op in DAYS:
        return DAYS[op](day, given)
    if op == "today":
        return day == at.today
    if op == "anniversary":
        near = [at.today + timedelta(days=step) for step in range(-given, given + 1)]
        return any(_celebrate(day, other.year) == other and day.year < other.year for other in near)
    step, unit = op.split("_")
    return PERIODS[unit](day) - PERIODS[unit](at.today) == {"last": -1, "this": 0, "next": 1}[step]


DAYS: dict[str, Callable[[date, Any], bool]] = {
    "on": lambda day, given: day.isoformat() == given,
    "before": lambda day, given: day.isoformat() < given,
    "after": lambda day, given: day.isoformat() > given,
    "between": lambda day, given: given[0] <= day.isoformat() <= given[1],
    "day_of_month": lambda day, given: day.day == given,
}

PERIODS: dict[str, Callable[[date], int]] = {
    "week": lambda day: (day.toordinal() - 1) // 7,
    "month": lambda day: day.year * 12 + day.month,
    "quarter": lambda day: day.year * 4 + (day.month - 1) // 3,
    "year": lambda day: day.year,
}


def _celebrate(day: date, year: int) -> date:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 28) if (day.month, day.day) == (2, 29) and not leap else day.replace(year=year)


def _is_near(actual: datetime, op: str, count: int, unit: str, at: Moment) -> bool:
    """Lengths of time are those of the account, months as its wall clock shows them."""
    sign = 1 if op == "in_next" else -1
    if unit in {"minutes", "hours", "days", "weeks"}:
        other = at.now + sign * timedelta(**{unit: count})
    else:
        local = at.now.astimezone(at.account)
        naive = local.replace(tzinfo=None) + sign * _length(count, unit)
        other = naive.replace(tzinfo=at.account, fold=local.fold).astimezone(UTC)
    if op == "more_than_ago":
        return actual < other
    return other <= actual <= at.now if op == "in_last" else at.now <= actual <= other


def _is_near_day(actual: date, op: str, count: int, unit: str, today: date) -> bool:
    """A day is near as long as its distance from today, today counted in, is not longer."""
    if op == "in_next":
        return today <= actual < today + _length(count, unit)
    first = today + timedelta(days=1) - _length(count, unit)
    return actual < first if op == "more_than_ago" else first <= actual <= today


def _length(count: int, unit: str) -> relativedelta:
    return relativedelta(months=3 * count) if unit == "quarters" else relativedelta(**{unit: count})


# Drawing lots: PostgreSQL's hash of a number of 64 bits, after Bob Jenkins


def draw(contact_id: int, seed: str) -> int:
    """The lot of a contact, a number of 64 bits with its sign."""
    salt = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest())
    mixed = (0x9E3779B9 + 4 + 3923095) & 0xFFFFFFFF
    a, b, c = _mix(mixed + (salt >> 32), mixed + salt, mixed) if salt else (mixed, mixed, mixed)
    _a, high, low = _finish(a + ((contact_id & 0xFFFFFFFF) ^ (contact_id >> 32)), b, c)
    lot = high << 32 | low
    return lot - 2**64 if lot >= 2**63 else lot


def _turn(value: int, bits: int) -> int:
    value &= 0xFFFFFFFF
    return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    """Each in turn: take the one before away, mix in its bits, and add the one after to it."""
    values = [a, b, c]
    for step, bits in enumerate((4, 6, 8, 16, 19, 4)):
        one, before, after = step % 3, (step + 2) % 3, (step + 1) % 3
        values[one] = ((values[one] - values[before]) & 0xFFFFFFFF) ^ _turn(values[before], bits)
        values[before] = (values[before] + values[after]) & 0xFFFFFFFF
    return values[0] & 0xFFFFFFFF, values[1] & 0xFFFFFFFF, values[2] & 0xFFFFFFFF


def _finish(a: int, b: int, c: int) -> tuple[int, int, int]:
    values = [a & 0xFFFFFFFF, b & 0xFFFFFFFF, c & 0xFFFFFFFF]
    for one, other, bits in ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)):
        values[one] = ((values[one] ^ values[other]) - _turn(values[other], bits)) & 0xFFFFFFFF
    return values[0], values[1], values[2]
