"""The one table of definitions: condition → who is in, and the sentence. Every entrance runs through it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from tests.segments.people import ACTIVE, AUTUMN, NOW, SPRING

TODAY = NOW.date().isoformat()
TOMORROW = (NOW.date() + timedelta(days=1)).isoformat()
MONTH_AGO = (NOW.date() - timedelta(days=30)).isoformat()


class Row(NamedTuple):
    name: str
    match: dict[str, Any]
    expected: frozenset[str]
    sentence: str
    more: dict[str, Any] = {}
    """What stands beside ``match``: whom to exclude, whose time zone."""

    @property
    def definition(self) -> dict[str, Any]:
        return define(self.match) | self.more


def ask(field: str, op: str, *value: Any, **more: Any) -> dict[str, Any]:
    """A condition; a value that is not given is left out."""
    return {"field": field, "op": op, **({"value": value[0]} if value else {}), **more}


def _row(name: str, match: dict[str, Any], expected: str, sentence: str) -> Row:
    return Row(name, match, frozenset(expected.split()), sentence)


def _but(*names: str) -> str:
    return " ".join(ACTIVE - set(names))


TEXT = [
    _row("text is", ask("town", "is", "Lviv"), "bohdan", "Town is “Lviv”."),
    _row("text is not", ask("town", "is_not", "Lviv"), _but("bohdan"), "Town is not “Lviv”."),
    _row("text one of", ask("town", "is_one_of", ["Київ", "Lutsk"]), "olena taras", "Town is one of “Київ”, “Lutsk”."),
    _row("text contains", ask("town", "contains", "viv"), "bohdan ivan", "Town contains “viv”."),
    _row("text starts", ask("town", "starts_with", "L"), "bohdan taras", "Town starts with “L”."),
    _row("text empty", ask("town", "is_empty"), "guest walkin", "Town is empty."),
    _row("text not empty", ask("town", "is_not_empty"), _but("guest", "walkin"), "Town is not empty."),
    _row("custom text is", ask("fields.nickname", "is", "50 off"), "bohdan", "Nickname is “50 off”."),
    _row("custom text is not", ask("fields.nickname", "is_not", "50 off"), _but("bohdan"), "Nickname is not “50 off”."),
    _row(
        "percent and low line are plain", ask("fields.nickname", "contains", "0%_"), "olena", "Nickname contains “0%_”."
    ),
    _row("backslash is plain", ask("fields.nickname", "contains", "f\\"), "olena", "Nickname contains “f\\”."),
    _row("custom text empty", ask("fields.nickname", "is_empty"), _but("olena", "bohdan"), "Nickname is empty."),
]

IDENTIFYING = [
    _row("external ID is", ask("external_id", "is", "C-1"), "olena", "External ID is “C-1”."),
    _row("external ID is not", ask("external_id", "is_not", "C-1"), _but("olena"), "External ID is not “C-1”."),
    _row("external ID starts", ask("external_id", "starts_with", "c"), "taras", "External ID starts with “c”."),
    _row("external ID empty", ask("external_id", "is_empty"), _but("olena", "taras"), "External ID is empty."),
    _row(
        "email is, whatever its case", ask("email", "is", "OLENA@example.COM"), "olena", "Email is “olena@example.com”."
    ),
    _row(
        "email is, in other letters",
        ask("email", "is", "іван@пошта.укр"),
        "ivan",
        "Email is “іван@xn--80a1acn3a.xn--j1amh”.",
    ),
    _row(
        "email is not", ask("email", "is_not", "olena@example.com"), _but("olena"), "Email is not “olena@example.com”."
    ),
    _row(
        "email one of",
        ask("email", "is_one_of", ["olena@example.com", "bohdan@gmail.com", "nobody@example.com"]),
        "olena bohdan",
        "Email is one of “olena@example.com”, “bohdan@gmail.com”, “nobody@example.com”.",
    ),
    _row("email contains", ask("email", "contains", "@EXAMPLE"), "olena", "Email contains “@EXAMPLE”."),
    _row("email contains other letters", ask("email", "contains", "ван@пО"), "ivan", "Email contains “ван@пО”."),
    _row("email starts", ask("email", "starts_with", "o"), "olena", "Email starts with “o”."),
    _row("email starts with other letters", ask("email", "starts_with", "іВ"), "ivan", "Email starts with “іВ”."),
    _row("email empty", ask("email", "is_empty"), "taras guest walkin", "Email is empty."),
    _row("phone is, as people write it", ask("phone", "is", "050 111 22 33"), "olena", "Phone is “+380501112233”."),
    _row("phone contains", ask("phone", "contains", "67999"), "taras", "Phone contains “67999”."),
    _row("has a device", ask("identifiers.device", "has"), "olena", "Has Device ID."),
    _row("has no device", ask("identifiers.device", "has_none"), _but("olena"), "Has no Device ID."),
    _row("has a phone", ask("identifiers.phone", "has"), "olena taras", "Has Phone (identifier)."),
    _row("anonymous", ask("anonymous", "is_yes"), "guest", "Anonymous is yes."),
    _row("not anonymous", ask("anonymous", "is_no"), _but("guest"), "Anonymous is no."),
    _row("state is", ask("email_state", "is", "unsubscribed"), "bohdan", "Email state is “unsubscribed”."),
    _row(
        "state is one of",
        ask("email_state", "is_one_of", ["active", "unsubscribed"]),
        "olena bohdan",
        "Email state is one of “active”, “unsubscribed”.",
    ),
    _row("state is not", ask("email_state", "is_not", "active"), _but("olena"), "Email state is not “active”."),
    _row("source is", ask("source", "is", "api"), _but(), "Source is “api”."),
]

VALUES = [
    _row("number =", ask("fields.visits", "is", 12), "olena", "Visits = 12."),
    _row("number ≠", ask("fields.visits", "is_not", 12), _but("olena"), "Visits ≠ 12."),
    _row("number <", ask("fields.visits", "less_than", 12), "bohdan", "Visits < 12."),
    _row("number ≤", ask("fields.visits", "at_most", 12), "olena bohdan", "Visits ≤ 12."),
    _row("number >", ask("fields.score", "more_than", -1.25), "olena", "Score > -1.25."),
    _row("number ≥", ask("fields.score", "at_least", -1.25), "olena bohdan", "Score ≥ -1.25."),
    _row("number between", ask("fields.score", "between", [-2, 3.5]), "olena bohdan", "Score is between -2 and 3.5."),
    _row("number that is none", ask("fields.visits", "is_empty"), _but("olena", "bohdan"), "Visits is empty."),
    _row("yes", ask("fields.newsletter", "is_yes"), "olena", "Newsletter is yes."),
    _row("no", ask("fields.newsletter", "is_no"), "bohdan", "Newsletter is no."),
    _row("not set", ask("fields.newsletter", "is_not_set"), _but("olena", "bohdan"), "Newsletter is not set."),
    _row("day on", ask("fields.birthday", "on", "1990-05-01"), "olena", "Birthday is on 1990-05-01."),
    _row("day before", ask("fields.birthday", "before", TODAY), "olena", f"Birthday is before {TODAY}."),
    _row("day after", ask("fields.birthday", "after", "1990-05-01"), "taras", "Birthday is after 1990-05-01."),
    _row("day in the last", ask("fields.birthday", "in_last", [1, "days"]), "taras", "Birthday is in the last 1 day."),
    _row("day empty", ask("fields.birthday", "is_empty"), _but("olena", "taras"), "Birthday is empty."),
    _row("moment in the last", ask("fields.renewed", "in_last", [2, "days"]), "taras", "Renewed is in the last 2 days."),
    _row("moment before", ask("fields.renewed", "before", TOMORROW), "olena taras", f"Renewed is before {TOMORROW}."),
    _row("moment not empty", ask("fields.renewed", "is_not_empty"), "olena taras", "Renewed is not empty."),
    _row("created in the last", ask("created_at", "in_last", [3, "days"]), "olena", "Created is in the last 3 days."),
    _row(
        "created before", ask("created_at", "before", MONTH_AGO), "bohdan taras ivan", f"Created is before {MONTH_AGO}."
    ),
    _row("never seen", ask("last_seen_at", "is_empty"), _but("olena"), "Last seen is empty."),
    _row("choice is", ask("fields.tier", "is", "gold"), "olena", "Tier is “gold”."),
    _row("choice is not", ask("fields.tier", "is_not", "gold"), _but("olena"), "Tier is not “gold”."),
    _row("choice one of", ask("fields.tier", "is_one_of", ["gold"]), "olena", "Tier is one of “gold”."),
    _row("several empty", ask("fields.tags", "is_empty"), _but("olena"), "Tags is empty."),
]

IMPORTS = [
    _row(
        "touched by an import, who was merged since at the survivor",
        ask("import", "touched_by", AUTUMN),
        "olena bohdan taras",
        "Was touched by import 42 (“autumn.csv”).",
    ),
    _row(
        "created by an import", ask("import", "created_by", SPRING), "olena", "Was created by import 41 (“spring.csv”)."
    ),
    _row("touched by any import", ask("import", "touched_by_any"), "olena bohdan taras", "Was touched by an import."),
    _row(
        "not touched by an import",
        ask("import", "touched_by", SPRING, **{"not": True}),
        _but("olena"),
        "Not (was touched by import 41 (“spring.csv”)).",
    ),
]

GROUPS = [
    _row(
        "all",
        {"all": [ask("town", "contains", "viv"), ask("email", "contains", "gmail")]},
        "bohdan",
        "Town contains “viv” and Email contains “gmail”.",
    ),
    _row(
        "any",
        {"any": [ask("town", "is", "Lutsk"), ask("anonymous", "is_yes")]},
        "taras guest",
        "Town is “Lutsk” or Anonymous is yes.",
    ),
    _row(
        "none",
        {"none": [ask("email", "is_empty"), ask("town", "is", "Lviv")]},
        "olena ivan",
        "None of these holds: Email is empty; Town is “Lviv”.",
    ),
    _row(
        "none of one among others",
        {"all": [ask("town", "contains", "viv"), {"none": [ask("email", "contains", "gmail")]}]},
        "ivan",
        "Town contains “viv” and (none of these holds: Email contains “gmail”).",
    ),
    _row(
        "negated condition takes in those not set",
        ask("town", "is", "Lviv", **{"not": True}),
        _but("bohdan"),
        "Not (Town is “Lviv”).",
    ),
    _row(
        "negated contains takes in those not set",
        ask("fields.visits", "less_than", 5, **{"not": True}),
        _but("bohdan"),
        "Not (Visits < 5).",
    ),
    _row(
        "nested, and negated as a whole",
        {
            "all": [
                {"any": [ask("town", "is", "Lviv"), ask("town", "is", "lviv")]},
                {"not": True, "all": [ask("email", "contains", "gmail"), ask("fields.visits", "is", 0)]},
            ]
        },
        "ivan",
        "(Town is “Lviv” or Town is “lviv”) and not (Email contains “gmail” and Visits = 0).",
    ),
]

TABLE = TEXT + IDENTIFYING + VALUES + IMPORTS + GROUPS


def define(match: dict[str, Any]) -> dict[str, Any]:
    """The whole definition around a match."""
    return {"version": 1, "match": match}
