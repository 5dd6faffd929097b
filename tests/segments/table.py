"""The one table of definitions: condition → who is in, and the sentence. Every entrance runs through it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from tests.segments.people import ACTIVE, AUTUMN, NOW, REGULARS, SPRING

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
    _row(
        "text not one of",
        ask("town", "is_not_one_of", ["Київ", "Lutsk"]),
        _but("olena", "taras"),
        "Town is not one of “Київ”, “Lutsk”.",
    ),
    _row("text contains", ask("town", "contains", "viv"), "bohdan ivan", "Town contains “viv”."),
    _row("text starts", ask("town", "starts_with", "L"), "bohdan taras", "Town starts with “L”."),
    _row("text ends", ask("town", "ends_with", "v"), "bohdan ivan", "Town ends with “v”."),
    _row(
        "text matches",
        ask("town", "matches", "^[Ll].*(?:v|sk)$"),
        "bohdan taras ivan",
        "Town matches the pattern “^[Ll].*(?:v|sk)$”.",
    ),
    _row("text matches other letters", ask("town", "matches", "^К.їв"), "olena", "Town matches the pattern “^К.їв”."),
    _row("text empty", ask("town", "is_empty"), "guest walkin", "Town is empty."),
    _row("text not empty", ask("town", "is_not_empty"), _but("guest", "walkin"), "Town is not empty."),
    _row("custom text is", ask("fields.nickname", "is", "50 off"), "bohdan", "Nickname is “50 off”."),
    _row("custom text is not", ask("fields.nickname", "is_not", "50 off"), _but("bohdan"), "Nickname is not “50 off”."),
    _row(
        "percent and low line are plain", ask("fields.nickname", "contains", "0%_"), "olena", "Nickname contains “0%_”."
    ),
    _row("backslash is plain", ask("fields.nickname", "contains", "f\\"), "olena", "Nickname contains “f\\”."),
    _row("backslash at the end", ask("fields.nickname", "ends_with", "f\\"), "olena", "Nickname ends with “f\\”."),
    _row("custom text empty", ask("fields.nickname", "is_empty"), _but("olena", "bohdan"), "Nickname is empty."),
    _row("source is", ask("source", "is", "api"), _but(), "Source is “api”."),
    _row(
        "the reason of a state",
        ask("email_state_reason", "starts_with", "conf"),
        "olena",
        "Email state's reason starts with “conf”.",
    ),
]

EXTERNAL_ID = [
    _row("external ID is", ask("external_id", "is", "C-1"), "olena", "External ID is “C-1”."),
    _row("external ID is not", ask("external_id", "is_not", "C-1"), _but("olena"), "External ID is not “C-1”."),
    _row(
        "external ID one of",
        ask("external_id", "is_one_of", ["C-1", "c-1", "C-2"]),
        "olena taras",
        "External ID is one of “C-1”, “c-1”, “C-2”.",
    ),
    _row(
        "external ID not one of",
        ask("external_id", "is_not_one_of", ["C-1", "C-2"]),
        _but("olena"),
        "External ID is not one of “C-1”, “C-2”.",
    ),
    _row("external ID contains", ask("external_id", "contains", "-"), "olena taras", "External ID contains “-”."),
    _row("external ID starts", ask("external_id", "starts_with", "c"), "taras", "External ID starts with “c”."),
    _row("external ID ends", ask("external_id", "ends_with", "-1"), "olena taras", "External ID ends with “-1”."),
    _row(
        "external ID matches",
        ask("external_id", "matches", "^C-\\d$"),
        "olena",
        "External ID matches the pattern “^C-\\d$”.",
    ),
    _row("external ID empty", ask("external_id", "is_empty"), _but("olena", "taras"), "External ID is empty."),
    _row("external ID not empty", ask("external_id", "is_not_empty"), "olena taras", "External ID is not empty."),
]

EMAIL = [
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
    _row(
        "email not one of",
        ask("email", "is_not_one_of", ["olena@example.com", "nobody@example.com"]),
        _but("olena"),
        "Email is not one of “olena@example.com”, “nobody@example.com”.",
    ),
    _row("email contains", ask("email", "contains", "@EXAMPLE"), "olena", "Email contains “@EXAMPLE”."),
    _row("email contains other letters", ask("email", "contains", "ван@пО"), "ivan", "Email contains “ван@пО”."),
    _row("email starts", ask("email", "starts_with", "o"), "olena", "Email starts with “o”."),
    _row("email starts with other letters", ask("email", "starts_with", "іВ"), "ivan", "Email starts with “іВ”."),
    _row("email ends", ask("email", "ends_with", ".COM"), "olena bohdan", "Email ends with “.COM”."),
    _row("email ends in other letters", ask("email", "ends_with", ".УКР"), "ivan", "Email ends with “.УКР”."),
    _row(
        "email matches, whatever its case",
        ask("email", "matches", "^[n-о]lena@.*\\.com$|^ІВ[а-г]"),
        "olena ivan",
        "Email matches the pattern “^[n-о]lena@.*\\.com$|^ІВ[а-г]”.",
    ),
    _row("email empty", ask("email", "is_empty"), "taras guest walkin", "Email is empty."),
    _row("email not empty", ask("email", "is_not_empty"), "olena bohdan ivan", "Email is not empty."),
]

PHONE = [
    _row("phone is, as people write it", ask("phone", "is", "050 111 22 33"), "olena", "Phone is “+380501112233”."),
    _row("phone is not", ask("phone", "is_not", "0501112233"), _but("olena"), "Phone is not “+380501112233”."),
    _row(
        "phone one of",
        ask("phone", "is_one_of", ["+380501112233", "067 999-88-77"]),
        "olena taras",
        "Phone is one of “+380501112233”, “+380679998877”.",
    ),
    _row(
        "phone not one of",
        ask("phone", "is_not_one_of", ["+380501112233"]),
        _but("olena"),
        "Phone is not one of “+380501112233”.",
    ),
    _row("phone contains", ask("phone", "contains", "67999"), "taras", "Phone contains “67999”."),
    _row("phone starts", ask("phone", "starts_with", "+38050"), "olena", "Phone starts with “+38050”."),
    _row("phone ends", ask("phone", "ends_with", "77"), "taras", "Phone ends with “77”."),
    _row(
        "phone matches",
        ask("phone", "matches", "^\\+38(?:050|066)"),
        "olena",
        "Phone matches the pattern “^\\+38(?:050|066)”.",
    ),
    _row("phone empty", ask("phone", "is_empty"), _but("olena", "taras"), "Phone is empty."),
    _row("phone not empty", ask("phone", "is_not_empty"), "olena taras", "Phone is not empty."),
]

KINDS = [
    _row("has a device", ask("identifiers.device", "has"), "olena", "Has Device ID."),
    _row("has no device", ask("identifiers.device", "has_none"), _but("olena"), "Has no Device ID."),
    _row("has a phone", ask("identifiers.phone", "has"), "olena taras", "Has Phone (identifier)."),
    _row("has duplicates", ask("duplicates", "has"), "taras ivan", "Has Possible duplicates."),
    _row("has no duplicates", ask("duplicates", "has_none"), _but("taras", "ivan"), "Has no Possible duplicates."),
    _row("anonymous", ask("anonymous", "is_yes"), "guest", "Anonymous is yes."),
    _row("not anonymous", ask("anonymous", "is_no"), _but("guest"), "Anonymous is no."),
]

NUMBERS = [
    _row("number =", ask("fields.visits", "is", 12), "olena", "Visits = 12."),
    _row("number ≠", ask("fields.visits", "is_not", 12), _but("olena"), "Visits ≠ 12."),
    _row("number <", ask("fields.visits", "less_than", 12), "bohdan", "Visits < 12."),
    _row("number ≤", ask("fields.visits", "at_most", 12), "olena bohdan", "Visits ≤ 12."),
    _row("number >", ask("fields.score", "more_than", -1.25), "olena", "Score > -1.25."),
    _row("number ≥", ask("fields.score", "at_least", -1.25), "olena bohdan", "Score ≥ -1.25."),
    _row("number between", ask("fields.score", "between", [-2, 3.5]), "olena bohdan", "Score is between -2 and 3.5."),
    _row("number that is none", ask("fields.visits", "is_empty"), _but("olena", "bohdan"), "Visits is empty."),
    _row("number not empty", ask("fields.score", "is_not_empty"), "olena bohdan", "Score is not empty."),
]

BOOLEANS = [
    _row("yes", ask("fields.newsletter", "is_yes"), "olena", "Newsletter is yes."),
    _row("no", ask("fields.newsletter", "is_no"), "bohdan", "Newsletter is no."),
    _row("not set", ask("fields.newsletter", "is_not_set"), _but("olena", "bohdan"), "Newsletter is not set."),
]

DATES = [
    _row("day on", ask("fields.birthday", "on", "1990-05-01"), "olena", "Birthday is on 1990-05-01."),
    _row("day before", ask("fields.birthday", "before", TODAY), "olena", f"Birthday is before {TODAY}."),
    _row("day after", ask("fields.birthday", "after", "1990-05-01"), "taras", "Birthday is after 1990-05-01."),
    _row(
        "day between, both days in it",
        ask("fields.birthday", "between", ["1990-05-01", TODAY]),
        "olena taras",
        f"Birthday is between 1990-05-01 and {TODAY}.",
    ),
    _row("day in the last", ask("fields.birthday", "in_last", [1, "days"]), "taras", "Birthday is in the last 1 day."),
    _row("day in the next", ask("fields.due", "in_next", [4, "days"]), "olena taras", "Due is in the next 4 days."),
    _row("today is in the next day", ask("fields.due", "in_next", [1, "days"]), "olena", "Due is in the next 1 day."),
    _row("day long ago", ask("fields.due", "more_than_ago", [39, "years"]), "bohdan", "Due is more than 39 years ago."),
    _row("day today", ask("fields.due", "today"), "olena", "Due is today."),
    *(
        row
        for unit in ("week", "month", "quarter", "year")
        for field in (f"fields.{unit}ly",)
        for name in (f"{unit.capitalize()}ly",)
        for row in (
            _row(f"day this {unit}", ask(field, f"this_{unit}"), "olena", f"{name} is this {unit}."),
            _row(f"day last {unit}", ask(field, f"last_{unit}"), "bohdan", f"{name} is last {unit}."),
            _row(f"day next {unit}", ask(field, f"next_{unit}"), "taras", f"{name} is next {unit}."),
        )
    ),
    _row("anniversary today", ask("fields.due", "anniversary", 0), "bohdan", "Due has its anniversary today."),
    _row(
        "anniversary near",
        ask("fields.due", "anniversary", 2),
        "bohdan",
        "Due has its anniversary within 2 days of today.",
    ),
    _row(
        "day of a month",
        ask("fields.birthday", "day_of_month", 1),
        "olena taras" if NOW.day == 1 else "olena",
        "Birthday is on day 1 of a month.",
    ),
    _row("day empty", ask("fields.birthday", "is_empty"), _but("olena", "taras"), "Birthday is empty."),
    _row(
        "moment in the last", ask("fields.renewed", "in_last", [2, "days"]), "taras", "Renewed is in the last 2 days."
    ),
    _row(
        "moment in the last hours",
        ask("fields.renewed", "in_last", [23, "hours"]),
        "taras",
        "Renewed is in the last 23 hours.",
    ),
    _row("moment before", ask("fields.renewed", "before", TOMORROW), "olena taras", f"Renewed is before {TOMORROW}."),
    _row("moment not empty", ask("fields.renewed", "is_not_empty"), "olena taras", "Renewed is not empty."),
    _row("created in the last", ask("created_at", "in_last", [3, "days"]), "olena", "Created is in the last 3 days."),
    _row(
        "created long ago",
        ask("created_at", "more_than_ago", [2, "quarters"]),
        "bohdan",
        "Created is more than 2 quarters ago.",
    ),
    _row(
        "created before", ask("created_at", "before", MONTH_AGO), "bohdan taras ivan", f"Created is before {MONTH_AGO}."
    ),
    _row("never seen", ask("last_seen_at", "is_empty"), _but("olena"), "Last seen is empty."),
    _row(
        "since when a state holds",
        ask("email_state_at", "in_last", [2, "weeks"]),
        "olena",
        "Email state since is in the last 2 weeks.",
    ),
]

CHOICES = [
    _row("choice is", ask("fields.tier", "is", "gold"), "olena", "Tier is “gold”."),
    _row("choice is not", ask("fields.tier", "is_not", "gold"), _but("olena"), "Tier is not “gold”."),
    _row("choice one of", ask("fields.tier", "is_one_of", ["gold"]), "olena", "Tier is one of “gold”."),
    _row(
        "choice not one of", ask("fields.tier", "is_not_one_of", ["gold"]), _but("olena"), "Tier is not one of “gold”."
    ),
    _row("choice empty", ask("fields.tier", "is_empty"), _but("olena", "bohdan"), "Tier is empty."),
    _row("choice not empty", ask("fields.tier", "is_not_empty"), "olena bohdan", "Tier is not empty."),
    _row("state is", ask("email_state", "is", "unsubscribed"), "bohdan", "Email state is “unsubscribed”."),
    _row(
        "state is one of",
        ask("email_state", "is_one_of", ["active", "unsubscribed"]),
        "olena bohdan",
        "Email state is one of “active”, “unsubscribed”.",
    ),
    _row("state is not", ask("email_state", "is_not", "active"), _but("olena"), "Email state is not “active”."),
]

LISTS = [
    _row("list any", ask("fields.tags", "contains_any", ["a"]), "olena", "Tags contains any of “a”."),
    _row(
        "list any of two",
        ask("fields.tags", "contains_any", ["a", "b"]),
        "olena bohdan",
        "Tags contains any of “a”, “b”.",
    ),
    _row("list all", ask("fields.tags", "contains_all", ["a", "b"]), "olena", "Tags contains all of “a”, “b”."),
    _row("list none", ask("fields.tags", "contains_none", ["a"]), _but("olena"), "Tags contains none of “a”."),
    _row("list that is none", ask("fields.tags", "is_empty"), _but("olena", "bohdan"), "Tags is empty."),
    _row("list not empty", ask("fields.tags", "is_not_empty"), "olena bohdan", "Tags is not empty."),
]

CONSENTS = [
    _row("consent given", ask("consent.news", "granted"), "olena", "Consent to news was given."),
    _row("consent refused", ask("consent.news", "refused"), "bohdan", "Consent to news was refused."),
    _row("consent unknown", ask("consent.news", "none"), _but("olena", "bohdan"), "Consent to news is unknown."),
    _row("consent nobody was asked for", ask("consent.calls", "none"), _but(), "Consent to calls is unknown."),
]

SEGMENTS = [
    _row("in a segment", ask("segment", "in", REGULARS), "olena bohdan", "Is in segment “Regulars”."),
    _row(
        "not in a segment", ask("segment", "not_in", REGULARS), _but("olena", "bohdan"), "Is not in segment “Regulars”."
    ),
]

RANDOM = [
    _row(
        "a share of all",
        ask("random", "in_percent", [100, "autumn"]),
        _but(),
        "Is among 100 % of all, drawn at random.",
    ),
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

TABLE = [
    *TEXT,
    *EXTERNAL_ID,
    *EMAIL,
    *PHONE,
    *KINDS,
    *NUMBERS,
    *BOOLEANS,
    *DATES,
    *CHOICES,
    *LISTS,
    *CONSENTS,
    *SEGMENTS,
    *RANDOM,
    *IMPORTS,
    *GROUPS,
]


def define(match: dict[str, Any]) -> dict[str, Any]:
    """The whole definition around a match."""
    return {"version": 1, "match": match}
