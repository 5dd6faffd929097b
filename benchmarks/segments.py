"""Segments at full size, each definition against the best SQL that we can write by hand for it.

``python -m benchmarks.segments --contacts 1000000 --json`` fills a database of its own with contacts, three events and
one order a contact, then counts 20 definitions in turn with the SQL of ``segments_hand.sql`` (any index that exists,
the same session). ``ratios`` are ours ÷ hand by name, from the parsed definition to the count: compiling, whatever is
looked up for it, and the statement. ``ms`` are medians of the whole, as a door asks: the settings read anew, the
definition parsed, the time limit set. Both must count the same. With ``--upkeep``, what it costs to keep histories of
the members of 50 segments is measured in the same database (``benchmarks.watching``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.frame import own_database

HAND: Final = Path(__file__).with_name("segments_hand.sql")


def ask(field: str, op: str, *value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, **({"value": value[0]} if value else {}), **more}


def period(op: str, *value: Any) -> dict[str, Any]:
    return {"op": op, "value": value[0]}


DAYS_30, DAYS_90, YEAR = (period("in_last", [days, "days"]) for days in (30, 90, 365))


def definitions(emails: list[str], static: int) -> Mapping[str, dict[str, Any]]:
    """What ``match`` is, by the name in ``segments_hand.sql``."""
    return {
        "external_id_empty": ask("external_id", "is_empty"),
        "anonymous": ask("anonymous", "is_yes"),
        "no_email": ask("email", "is_empty"),
        "town_is": ask("town", "is", "Lviv"),
        "name_starts": ask("last_name", "starts_with", "Шев"),
        "email_contains": ask("email", "contains", "@mail7."),
        "thousand_emails": ask("email", "is_one_of", emails),
        "created_lately": ask("created_at", "in_last", [7, "days"]),
        "number_at_least": ask("fields.visits", "at_least", 40),
        "choice_and_yes": {"all": [ask("fields.tier", "is", "gold"), ask("fields.newsletter", "is_yes")]},
        "birthday_soon": ask("fields.birthday", "anniversary", 7),
        "tags_any": ask("fields.tags", "contains_any", ["vip", "new"]),
        "nested": {
            "all": [
                {
                    "any": [
                        {"all": [ask("town", "is_one_of", ["Lviv", "Odesa"]), ask("language_code", "is", "uk")]},
                        ask("last_name", "is", "Smith"),
                    ]
                },
                {"none": [ask("phone", "is_empty"), ask("email_state", "is", "unsubscribed")]},
            ]
        },
        "static_but_not_dynamic": {
            "all": [ask("segment", "in", static), ask("external_id", "is_empty", **{"not": True})]
        },
        "did_lately": ask("events", "did", type="viewed", period=DAYS_30),
        "did_once_but_not_lately": {
            "all": [ask("events", "did", type="paid"), ask("events", "did_not", type="paid", period=DAYS_90)]
        },
        "three_views_of_shoes": ask(
            "events",
            "at_least",
            3,
            measure="count",
            type="viewed",
            period=DAYS_90,
            where=ask("params.category", "is", "shoes"),
        ),
        "spent_much": ask("orders", "at_least", 1500, measure="sum", of="total_cost", period=YEAR),
        "bought_lately": ask("orders", "did", period=DAYS_30),
        "last_order_long_ago": ask("orders", "more_than_ago", [180, "days"], measure="last_at"),
    }


# The data

CONTACTS = """
INSERT INTO contacts_contact (external_id, email, email_state, email_state_at, phone, phone_state, phone_state_at,
    first_name, last_name, town, language_code, attributes, state, identifier_kinds, made_deliberately, order_count,
    source, created_at, updated_at)
SELECT CASE WHEN n %% 3 > 0 THEN 'C-' || lpad(mod(n * 7919, 100000007)::text, 9, '0') END,
    CASE WHEN n %% 10 > 0 THEN 'person.' || n || '@mail' || mod(n, 211) || '.example.com' END,
    CASE WHEN n %% 10 > 0 THEN (ARRAY[1, 1, 1, 3, 1])[1 + n %% 5] END, %(now)s,
    CASE WHEN n %% 4 > 0 THEN '+38067' || lpad(mod(n, 10000000)::text, 7, '0') END, CASE WHEN n %% 4 > 0 THEN 1 END,
    %(now)s, (ARRAY['Олена', 'Łukasz', 'Zoë', 'Anna', 'José', 'Дмитро', 'Chloé'])[1 + n %% 7],
    (ARRAY['Шевченко', 'Müller', 'O''Brien', 'Nguyễn', 'Smith', 'Іваненко', 'Åström', 'Шевчук'])[1 + n %% 8],
    (ARRAY['Kyiv', 'Lviv', 'Odesa', 'Łódź', 'Zürich', 'Malmö', 'Paris', 'Wien', 'Dnipro', 'Lutsk'])[1 + n %% 10],
    CASE WHEN n %% 3 = 0 THEN 'en' ELSE 'uk' END,
    jsonb_build_object('visits', n %% 50, 'tier', (ARRAY['gold', 'silver', 'none'])[1 + n %% 3], 'newsletter',
        n %% 2 = 0, 'birthday', to_char(date '1950-01-01' + (n * 37 %% 20000)::int, 'YYYY-MM-DD'), 'tags',
        (ARRAY['["vip"]', '["new", "b2b"]', '["b2b"]', '[]'])[1 + n %% 4]::jsonb, 'nickname', 'nick ' || n),
    1, CASE WHEN n %% 3 > 0 THEN 2 ELSE 0 END + CASE WHEN n %% 10 > 0 THEN 4 ELSE 0 END
        + CASE WHEN n %% 4 > 0 THEN 8 ELSE 0 END, n %% 5 > 0, CASE WHEN n %% 2 = 1 THEN 2 ELSE 0 END, 'import',
    %(now)s - interval '700 days' * (1 - n / %(contacts)s::float), %(now)s - interval '1 day' * (n %% 400)
FROM generate_series(1, %(contacts)s::bigint) n
"""
IDENTIFIERS = """
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT i.kind, '', i.value, c.id, c.source, c.created_at, c.created_at
FROM contacts_contact c, LATERAL (VALUES (1, c.external_id), (2, c.email), (3, c.phone)) AS i (kind, value)
WHERE i.value IS NOT NULL
"""
EVENTS = """
INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)
SELECT 1 + floor(%(contacts)s * (((n * 7919) %% %(contacts)s) / %(contacts)s::float) ^ 2),
    CASE WHEN n %% 4 = 0 THEN %(paid)s ELSE %(viewed)s END, '',
    jsonb_build_object('category', (ARRAY['shoes', 'coats', 'hats'])[1 + n %% 3], 'price', n %% 500),
    'web', moment, moment
FROM generate_series(1, %(events)s::bigint) n,
    LATERAL (SELECT %(now)s - interval '1 second' * ((n * 104729) %% (500 * 86400)) AS moment) AS at
"""
ORDERS = """
INSERT INTO contacts_order (contact_id, external_order_id, status, total_cost, currency, ordered_at, items, details,
    source, updated_at)
SELECT 1 + 2 * ((n * 7919) %% (%(contacts)s / 2)), 'O-' || n,
    (ARRAY['DELIVERED', 'DELIVERED', 'DELIVERED', 'CANCELLED', 'IN_PROGRESS'])[1 + n %% 5], (n %% 2000)::numeric, 'UAH',
    moment, '[{"externalItemId": "A-1", "cost": 10, "quantity": 1}]', '{}', 'api', moment
FROM generate_series(1, %(orders)s::bigint) n,
    LATERAL (SELECT %(now)s - interval '1 second' * ((n * 104729) %% (500 * 86400)) AS moment) AS at
"""
TOTALS = """
INSERT INTO contacts_ordertotal (contact_id, currency, count, amount, first_at, last_at)
SELECT contact_id, currency, count(*), sum(total_cost), min(ordered_at), max(ordered_at)
FROM contacts_order WHERE status = 'DELIVERED' GROUP BY contact_id, currency
"""
MEMBERS = """
INSERT INTO segments_membership (contact_id, segment_id, added_at, by)
SELECT n, %(static)s, %(now)s, 'user:1' FROM generate_series(1, %(contacts)s, 20) n
"""


def fill(values: dict[str, Any]) -> None:
    """The data, without the indexes that are made anew at the end."""
    from django.db import connection

    from benchmarks.imports import without_indexes

    tables = ["contacts_contact", "contacts_identifier", "contacts_order"]
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        with without_indexes(cursor, tables):
            for statement in (CONTACTS, IDENTIFIERS, ORDERS):
                cursor.execute(statement, values)
        for statement in (TOTALS, EVENTS, MEMBERS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("RESET maintenance_work_mem")


def make_settings() -> dict[str, int]:
    """Custom fields, event types and a static segment; their ids by the name that the SQL has for them."""
    from contacts.models import CustomField, EventType
    from segments.catalogue import save_segment
    from segments.models import Segment, SegmentType

    for key, field_type, options in (
        ("visits", "number", []),
        ("tier", "choice", ["gold", "silver", "none"]),
        ("newsletter", "boolean", []),
        ("birthday", "date", []),
        ("tags", "choices", ["vip", "new", "b2b"]),
        ("nickname", "text", []),
    ):
        CustomField.objects.create(key=key, label=key.title(), type=field_type, options=options)
    static = save_segment(Segment(name="By hand", type=SegmentType.STATIC))
    types = {key: EventType.objects.create(key=key).pk for key in ("viewed", "paid")}
    return {"static": static.pk, **types}


# Counting


def read_hand() -> dict[str, str]:
    """The statements by name."""
    blocks = HAND.read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): text.strip().rstrip(";") for name, text in (block.split("\n", 1) for block in blocks)}


def count_by_hand(statement: str, values: Mapping[str, Any]) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0])


def count_ours(match: dict[str, Any], now: Any) -> int:
    """As a door does, with everything read anew but the clock."""
    from segments.membership import count_members

    return count_members(_segment(match), milliseconds=600_000, lookups=_lookups(now))


def parse_ours(match: dict[str, Any], now: Any) -> Callable[[], int]:
    """What compiles and counts, once the definition is parsed."""
    from contacts.models import Contact, ContactState
    from segments.catalogue import read_definition
    from segments.conditions import compile_tree
    from segments.conditions.matching import ContactSQL

    lookups = _lookups(now)
    definition = read_definition(_segment(match), lookups)

    def count() -> int:
        clause = compile_tree(definition, lookups.registry, lookups.clock, lookups)
        return Contact.objects.filter(ContactSQL(clause), state=ContactState.ACTIVE).count()

    return count


def _segment(match: dict[str, Any]) -> Any:
    from segments.models import Segment, SegmentType

    return Segment(name="measured", type=SegmentType.DYNAMIC, definition={"version": 1, "match": match})


def _lookups(now: Any) -> Any:
    from segments.conditions.dates import Clock
    from segments.conditions.lookups import DatabaseLookups

    lookups = DatabaseLookups()
    lookups.__dict__["clock"] = Clock(now, lookups.clock.zone)
    return lookups


def measured(leg: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    found = leg()
    return (time.perf_counter() - started) * 1000, found


def compare(name: str, match: dict[str, Any], statement: str, values: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    """Medians in milliseconds of all three, in turn, after one of each that does not count."""
    legs = {
        "whole": lambda: count_ours(match, values["now"]),
        "ours": parse_ours(match, values["now"]),
        "hand": lambda: count_by_hand(statement, values),
    }
    taken: dict[str, list[float]] = defaultdict(list)
    counts = set()
    for number in range(rounds + 1):
        for leg, count_them in legs.items():
            milliseconds, count = measured(count_them)
            counts.add(count)
            taken[leg] += [milliseconds] if number else []
    if len(counts) > 1:
        raise SystemExit(f"{name} is counted differently by hand: {sorted(counts)}.")
    figures = {leg: statistics.median(found) for leg, found in taken.items()}
    ratio = figures["ours"] / figures["hand"]
    shown = " ".join(f"{leg} {milliseconds:8.1f} ms" for leg, milliseconds in figures.items())
    print(f"{name:26} {shown} {ratio:6.2f} {counts.pop():10,}", flush=True)
    return figures | {"ratio": ratio}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    values: dict[str, Any] = {
        "now": now,
        "contacts": given.contacts,
        "events": given.events or 3 * given.contacts,
        "orders": given.orders or given.contacts,
        "emails": [f"person.{number}@mail{number % 211}.example.com" for number in range(1, 100_000, 97)][:1_000],
        "month_days": [(now + timedelta(days=days)).strftime("%m-%d") for days in range(-7, 8)],
        **make_settings(),
    }
    started = time.monotonic()
    fill(values)
    print(f"filled in {time.monotonic() - started:.0f} s", flush=True)
    hand = read_hand()
    chosen = definitions(values["emails"], values["static"])
    if hand.keys() != chosen.keys():
        raise SystemExit(f"Only one side has {sorted(hand.keys() ^ chosen.keys())}.")
    names = given.only or list(chosen)
    figures = {name: compare(name, chosen[name], hand[name], values, given.rounds) for name in names}
    upkeep = None
    if given.upkeep:
        from benchmarks.watching import measure_upkeep

        upkeep = measure_upkeep(values)
    return {
        "contacts": given.contacts,
        "upkeep": upkeep,
        "ratios": {name: round(found["ratio"], 3) for name, found in figures.items()},
        "ms": {name: round(found["whole"], 1) for name, found in figures.items()},
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--contacts", type=int, default=1_000_000)
    arguments.add_argument("--events", type=int, help="three a contact unless given")
    arguments.add_argument("--orders", type=int, help="one a contact unless given")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", nargs="*", help="these definitions")
    arguments.add_argument("--upkeep", action="store_true", help="then what histories of members cost")
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = arguments.parse_args()
    with own_database():
        figures = measure(given)
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
