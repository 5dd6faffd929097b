"""The table of definitions about events, orders and identifiers; it is run with ``tests.segments.table``.

Every operator of every measure has a row, and each is asked about people with rows and people without.
"""

from __future__ import annotations

from typing import Any

from tests.segments.deeds import INSIDE_AND_OUTSIDE, ago
from tests.segments.people import ACTIVE
from tests.segments.table import Row, ask


def _row(name: str, match: dict[str, Any], expected: str, sentence: str, **more: Any) -> Row:
    return Row(name, match, frozenset(expected.split()), sentence, more)


def _but(*names: str) -> str:
    return " ".join(ACTIVE - set(names))


def _day(days_ago: float) -> str:
    return ago(days_ago).date().isoformat()


def period(op: str, *value: Any) -> dict[str, Any]:
    return {"op": op, **({"value": value[0]} if value else {})}


NOBODY, EVERYBODY = "", _but()
WITHOUT_BUYS = "ivan guest walkin"


# Any


def _did(expected: str, words: str, **more: Any) -> list[Row]:
    """Both operators, and both turned round."""
    others = " ".join(ACTIVE - set(expected.split()))
    did, did_not = ask("events", "did", **more), ask("events", "did_not", **more)
    return [
        _row(f"did: {words}", did, expected, f"Has {words}."),
        _row(f"did not: {words}", did_not, others, f"Has no {words}."),
        _row(f"negated: {words}", did | {"not": True}, others, f"Not (has {words})."),
        _row(f"twice negated: {words}", did_not | {"not": True}, expected, f"Not (has no {words})."),
    ]


ANY = [
    *_did("olena bohdan taras", "events “Purchase”", type="buy"),
    *_did("olena bohdan taras ivan guest", "events"),
    *_did(NOBODY, "events “Never seen”", type="never"),
    *_did(
        "olena",
        "events “Page visit” (Occurred is in the last 30 days; tag is “in_last”)",
        type="visit",
        period=period("in_last", [30, "days"]),
        where=ask("params.tag", "is", "in_last"),
    ),
    *_did(
        "olena bohdan",
        "events “view” (not (name is empty) and (price = 12.5 or is_new is no))",
        type="view",
        where={
            "all": [
                ask("params.name", "is_empty", **{"not": True}),
                {"any": [ask("params.price", "is", 12.5), ask("params.is_new", "is_no")]},
            ]
        },
    ),
]


# Count, sum and average of prices: Olena 3 × (20, 6.67), Bohdan 1 × (0, not set), Taras 1 × (-20, -20), others none


def _measured(measure: str, words: str, op: str, value: Any, expected: str) -> Row:
    of = {} if measure == "count" else {"of": "params.price"}
    match = ask("events", op, *([] if value is None else [value]), measure=measure, type="buy", **of)
    noun = {"count": "number of", "sum": "sum of price of", "average": "average of price of"}[measure]
    text = f"{noun} events “Purchase” {words}"
    return _row(f"{measure} {op} {value}", match, expected, f"{text[0].upper()}{text[1:]}.")


AMOUNTS = [
    _measured(measure, words, op, value, expected)
    for measure, words, op, value, expected in (
        ("count", "= 3", "is", 3, "olena"),
        ("count", "= 0", "is", 0, WITHOUT_BUYS),
        ("count", "= 0.5", "is", 0.5, NOBODY),
        ("count", "≠ 1", "is_not", 1, f"olena {WITHOUT_BUYS}"),
        ("count", "≠ 0", "is_not", 0, "olena bohdan taras"),
        ("count", "< 1", "less_than", 1, WITHOUT_BUYS),
        ("count", "< 2", "less_than", 2, _but("olena")),
        ("count", "< 0", "less_than", 0, NOBODY),
        ("count", "≤ 0", "at_most", 0, WITHOUT_BUYS),
        ("count", "≤ 1", "at_most", 1, _but("olena")),
        ("count", "> 0", "more_than", 0, "olena bohdan taras"),
        ("count", "> 1", "more_than", 1, "olena"),
        ("count", "> -1", "more_than", -1, EVERYBODY),
        ("count", "≥ 1", "at_least", 1, "olena bohdan taras"),
        ("count", "≥ 2", "at_least", 2, "olena"),
        ("count", "≥ 0", "at_least", 0, EVERYBODY),
        ("count", "is between 1 and 2", "between", [1, 2], "bohdan taras"),
        ("count", "is between 0 and 1", "between", [0, 1], _but("olena")),
        ("count", "is between 2 and 1", "between", [2, 1], NOBODY),
        ("sum", "= 20", "is", 20, "olena"),
        ("sum", "= 0", "is", 0, f"bohdan {WITHOUT_BUYS}"),
        ("sum", "≠ 0", "is_not", 0, "olena taras"),
        ("sum", "≠ 20", "is_not", 20, _but("olena")),
        ("sum", "< 0", "less_than", 0, "taras"),
        ("sum", "< 1", "less_than", 1, _but("olena")),
        ("sum", "≤ 0", "at_most", 0, _but("olena")),
        ("sum", "≤ -20", "at_most", -20, "taras"),
        ("sum", "> 0", "more_than", 0, "olena"),
        ("sum", "> -1", "more_than", -1, _but("taras")),
        ("sum", "≥ 20", "at_least", 20, "olena"),
        ("sum", "≥ 0", "at_least", 0, _but("taras")),
        ("sum", "is between -20 and 0", "between", [-20, 0], _but("olena")),
        ("sum", "is between 1 and 20", "between", [1, 20], "olena"),
        ("average", "= -20", "is", -20, "taras"),
        ("average", "≠ -20", "is_not", -20, _but("taras")),
        ("average", "< 6", "less_than", 6, "taras"),
        ("average", "≤ 7", "at_most", 7, "olena taras"),
        ("average", "> 6", "more_than", 6, "olena"),
        ("average", "≥ -20", "at_least", -20, "olena taras"),
        ("average", "is between 6 and 7", "between", [6, 7], "olena"),
        ("average", "is empty", "is_empty", None, f"bohdan {WITHOUT_BUYS}"),
        ("average", "is not empty", "is_not_empty", None, "olena taras"),
    )
]


# First and last


VALUES_OF_DATES: dict[str, tuple[list[Any], str]] = {
    "on": ([_day(10)], f"is on {_day(10)}"),
    "before": ([_day(30)], f"is before {_day(30)}"),
    "after": ([_day(30)], f"is after {_day(30)}"),
    "between": ([[_day(30), _day(10)]], f"is between {_day(30)} and {_day(10)}"),
    "in_last": ([[7, "days"]], "is in the last 7 days"),
    "in_next": ([[7, "days"]], "is in the next 7 days"),
    "more_than_ago": ([[7, "days"]], "is more than 7 days ago"),
    "anniversary": ([2], "has its anniversary within 2 days of today"),
    "day_of_month": ([15], "is on day 15 of a month"),
}


def _first_or_last(measure: str, op: str) -> Row:
    value, words = VALUES_OF_DATES.get(op, ([], f"is {op.removeprefix('is_').replace('_', ' ')}"))
    match = ask("events", op, *value, measure=measure, type="visit", where=ask("params.tag", "is", op))
    expected = {"is_empty": _but("olena", "bohdan"), "is_not_empty": "olena bohdan"}.get(op, "olena")
    noun = f"Date of the {measure.removesuffix('_at')} event “Page visit” (tag is “{op}”)"
    return _row(f"{measure} {op}", match, expected, f"{noun} {words}.")


MOMENTS = [_first_or_last(measure, op) for op in INSIDE_AND_OUTSIDE for measure in ("first_at", "last_at")]
MOMENTS += [
    _row(
        "the first of several",
        ask("orders", "before", _day(200), measure="first_at"),
        "olena",
        f"Date of the first delivered order is before {_day(200)}.",
    ),
    _row(
        "the last of several",
        ask("orders", "before", _day(4), measure="last_at"),
        "olena taras ivan",
        f"Date of the last delivered order is before {_day(4)}.",
    ),
    _row(
        "the last of several, long ago",
        ask("orders", "more_than_ago", [15, "days"], measure="last_at"),
        "taras ivan",
        "Date of the last delivered order is more than 15 days ago.",
    ),
    _row(
        "the first of several, lately",
        ask("orders", "in_last", [30, "days"], measure="first_at"),
        "ivan",
        "Date of the first delivered order is in the last 30 days.",
    ),
]


# The rows' own fields


def _view(name: str, where: dict[str, Any], expected: str, words: str) -> Row:
    return _row(name, ask("events", "did", type="view", where=where), expected, f"Has events “view” ({words}).")


PARAMS = [
    _view("param is", ask("params.name", "is", "Shoes"), "olena", "name is “Shoes”"),
    _view("param is a number's text", ask("params.name", "is", "5"), "taras", "name is “5”"),
    _view("param contains", ask("params.name", "contains", "0%_"), "bohdan", "name contains “0%_”"),
    _view("param empty", ask("params.name", "is_empty"), "ivan guest", "name is empty"),
    _view("param that is null", ask("params.gone", "is_not_empty"), NOBODY, "gone is not empty"),
    _view("param matches", ask("params.name", "matches", "^S.*s$"), "olena", "name matches the pattern “^S.*s$”"),
    _view("param in an object", ask("params.price.uah", "is", 5), "ivan", "price.uah = 5"),
    _view("param =", ask("params.price", "is", 12.5), "olena bohdan", "price = 12.5"),
    _view("param >", ask("params.price", "more_than", 12), "olena bohdan", "price > 12"),
    _view("param between", ask("params.price", "between", [0, 12.5]), "olena bohdan", "price is between 0 and 12.5"),
    _view("param yes", ask("params.is_new", "is_yes"), "olena", "is_new is yes"),
    _view("param no", ask("params.is_new", "is_no"), "bohdan", "is_new is no"),
    _view("param not set", ask("params.is_new", "is_not_set"), "taras ivan guest", "is_new is not set"),
    _view("param on", ask("params.sent", "on", "2026-01-31"), "olena", "sent is on 2026-01-31"),
    _view("param after", ask("params.sent", "after", "2026-01-31"), "bohdan", "sent is after 2026-01-31"),
    _view(
        "param between days",
        ask("params.sent", "between", ["2026-01-01", "2026-03-01"]),
        "olena bohdan",
        "sent is between 2026-01-01 and 2026-03-01",
    ),
    _view("param with a quote", ask("params.o'clock\"", "is", "x"), NOBODY, "o'clock\" is “x”"),
]

ORDERS = [
    _row("bought", ask("orders", "did"), "olena taras ivan", "Has delivered orders."),
    _row("never bought", ask("orders", "did_not"), "bohdan guest walkin", "Has no delivered orders."),
    _row(
        "bought lately",
        ask("orders", "did", period=period("in_last", [30, "days"])),
        "olena ivan",
        "Has delivered orders (Date is in the last 30 days).",
    ),
    _row(
        "cancelled, since the status is named",
        ask("orders", "did", where=ask("status", "is", "cancelled")),
        "olena bohdan",
        "Has orders (Status is “cancelled”).",
    ),
    _row(
        "whatever the status",
        ask("orders", "at_least", 2, measure="count", where={"none": [ask("status", "is_empty")]}),
        "olena",
        "Number of orders (none of these holds: Status is empty) ≥ 2.",
    ),
    _row(
        "spent",
        ask("orders", "at_least", 150.5, measure="sum", of="total_cost"),
        "olena",
        "Sum of Total of delivered orders ≥ 150.5.",
    ),
    _row(
        "spent nothing",
        ask("orders", "is", 0, measure="sum", of="total_cost"),
        "bohdan taras guest walkin",
        "Sum of Total of delivered orders = 0.",
    ),
    _row(
        "average of the total",
        ask("orders", "more_than", 70.5, measure="average", of="total_cost"),
        "olena",
        "Average of Total of delivered orders > 70.5.",
    ),
    _row(
        "sum of a detail, numbers and texts of numbers",
        ask("orders", "is", 10, measure="sum", of="details.points"),
        "olena",
        "Sum of points of delivered orders = 10.",
    ),
    _row(
        "total of one order",
        ask("orders", "did", where=ask("total_cost", "between", [50, 80])),
        "olena ivan",
        "Has delivered orders (Total is between 50 and 80).",
    ),
    _row(
        "currency",
        ask("orders", "did", where=ask("currency", "is", "EUR")),
        "taras",
        "Has delivered orders (Currency is “EUR”).",
    ),
    _row(
        "source",
        ask("orders", "did", where=ask("source", "is_empty")),
        "olena taras ivan",
        "Has delivered orders (Source is empty).",
    ),
    _row(
        "any item is",
        ask("orders", "did", where=ask("items.sku", "is", "A-1")),
        "olena",
        "Has delivered orders (sku is “A-1”).",
    ),
    _row(
        "any item is, a number or its text",
        ask("orders", "did", where={"all": [ask("items.sku", "is", "5"), ask("status", "is_not_empty")]}),
        "olena bohdan",
        "Has orders (sku is “5” and Status is not empty).",
    ),
    _row(
        "any item one of",
        ask("orders", "did", where=ask("items.sku", "is_one_of", ["A-1", "B-2"])),
        "olena ivan",
        "Has delivered orders (sku is one of “A-1”, “B-2”).",
    ),
    _row(
        "any item =",
        ask("orders", "did", where=ask("items.quantity", "at_least", 2)),
        "olena ivan",
        "Has delivered orders (quantity ≥ 2).",
    ),
    _row(
        "no item is",
        ask("orders", "did", where=ask("items.sku", "is", "A-1", **{"not": True})),
        "olena taras ivan",
        "Has delivered orders (not (sku is “A-1”)).",
    ),
    _row(
        "any item is something else",
        ask("orders", "did", where=ask("items.sku", "is_not", "A-1")),
        "olena ivan",
        "Has delivered orders (sku is not “A-1”).",
    ),
    _row(
        "detail",
        ask("orders", "did", where=ask("details.channel", "is", "web")),
        "olena",
        "Has delivered orders (channel is “web”).",
    ),
]

IDENTIFIERS = [
    _row(
        "identifiers of a kind",
        ask("identifiers", "at_least", 1, measure="count", type="device"),
        "olena",
        "Number of identifiers “Device ID” ≥ 1.",
    ),
    _row(
        "all identifiers",
        ask("identifiers", "at_least", 3, measure="count"),
        "olena",
        "Number of identifiers ≥ 3.",
    ),
    _row("no identifiers", ask("identifiers", "did_not"), "walkin", "Has no identifiers."),
    _row(
        "identifiers by value",
        ask("identifiers", "did", type="phone", where=ask("value", "starts_with", "+38067")),
        "taras",
        "Has identifiers “Phone (identifier)” (Value starts with “+38067”).",
    ),
    _row(
        "identifiers since",
        ask("identifiers", "did", period=period("in_last", [1, "days"])),
        _but("walkin"),
        "Has identifiers (First seen is in the last 1 day).",
    ),
]


# Together


TOGETHER = [
    _row(
        "any of rows and fields",
        {
            "any": [
                ask("orders", "did"),
                ask("town", "is", "Lviv"),
                ask("events", "at_least", 2, measure="count", type="buy"),
            ]
        },
        "olena bohdan taras ivan",
        "Has delivered orders or Town is “Lviv” or number of events “Purchase” ≥ 2.",
    ),
    _row(
        "any of absences",
        {"any": [ask("orders", "did_not"), ask("events", "did_not", type="buy")]},
        "bohdan ivan guest walkin",
        "Has no delivered orders or has no events “Purchase”.",
    ),
    _row(
        "not all",
        {"not": True, "all": [ask("orders", "did"), ask("events", "did", type="buy"), ask("email", "is_empty")]},
        _but("taras"),
        "Not (has delivered orders and has events “Purchase” and Email is empty).",
    ),
    _row(
        "none",
        {"none": [ask("orders", "did"), ask("events", "less_than", 1, measure="count", type="buy")]},
        "bohdan",
        "None of these holds: has delivered orders; number of events “Purchase” < 1.",
    ),
    _row(
        "any within all within any",
        {
            "any": [
                {"all": [ask("orders", "did"), {"any": [ask("town", "is", "lviv"), ask("events", "did", type="buy")]}]},
                ask("anonymous", "is_yes"),
            ]
        },
        "olena taras ivan guest",
        "(Has delivered orders and (Town is “lviv” or has events “Purchase”)) or Anonymous is yes.",
    ),
    _row(
        "excluded",
        ask("events", "did", type="buy"),
        "olena bohdan",
        "Has events “Purchase”, except Town starts with “Lu”.",
        exclude=ask("town", "starts_with", "Lu"),
    ),
    _row(
        "excluded where not set",
        ask("email", "is_not_empty"),
        "olena ivan",
        "Email is not empty, except none of these holds: has delivered orders; Town is empty.",
        exclude={"none": [ask("orders", "did"), ask("town", "is_empty")]},
    ),
    _row(
        "in everybody's own time zone",
        ask("events", "did", type="visit", period=period("before", _day(700))),
        "bohdan",
        f"Has events “Page visit” (Occurred is before {_day(700)}), in the contact's time zone.",
        time_zone="contact",
    ),
    _row(
        "counted in everybody's own time zone",
        ask(
            "events",
            "at_most",
            0,
            measure="count",
            type="visit",
            period=period("on", _day(-3)),
            where=ask("params.tag", "is", "in_next"),
        ),
        _but("olena"),
        f"Number of events “Page visit” (Occurred is on {_day(-3)}; tag is “in_next”) ≤ 0, in the contact's time zone.",
        time_zone="contact",
    ),
]

RELATIONS = ANY + AMOUNTS + MOMENTS + PARAMS + ORDERS + IDENTIFIERS + TOGETHER
