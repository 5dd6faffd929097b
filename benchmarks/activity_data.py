"""What people do, as senders tell it: the events of the activity benchmark, and what is there before they come."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from benchmarks.resolve import plain_connection

WEB_OF_TEN: Final = 2
"""So many batches of ten are the web tracker's, the others are past events of the company's own systems."""
TYPES: Final = (
    "productViewed", "categoryViewed", "cartUpdated", "checkoutStarted", "searched", "loggedIn", "wishListed",
    "reviewed", "subscribed", "couponUsed", "storeVisited", "paid",
)  # fmt: skip
PAGES: Final = ("/", "/boots", "/coats", "/sale", "/cart", "/blog/how-to-choose", "/boots/42", "/coats/warm")
KEPT_COOKIES: Final = 4
"""Of so many preloaded contacts one has a cookie; there are as many visitors."""


class Batch(NamedTuple):
    """Five hundred events or so that are stored in one go; ``is_web``: by the web tracker."""

    events: list[Any]
    is_web: bool


def batches(count: int, *, size: int, contacts: int, now: datetime, seed: int) -> Iterator[Batch]:
    """Batches as production sees them: known people for the most part, some of them several times in a batch."""
    choose = random.Random(seed)
    for number in range(count):
        is_web = number % 10 < WEB_OF_TEN
        tell = _web_event if is_web else _past_event
        sessions = _sessions(choose, size, contacts, is_web=is_web, seed=seed)
        yield Batch([tell(choose, who, now, f"{seed}-{number}-{place}") for place, who in sessions], is_web)


def past_events(count: int, *, contacts: int, now: datetime, seed: int) -> Iterator[Any]:
    """Past events alone, one after the other."""
    choose = random.Random(seed)
    for place, who in _sessions(choose, count, contacts, is_web=False, seed=seed):
        yield _past_event(choose, who, now, f"{seed}-{place}")


def _sessions(
    choose: random.Random, size: int, contacts: int, *, is_web: bool, seed: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Whose event each is. What somebody does within some minutes comes together, others' events in between."""
    name = _visitor if is_web else _person
    open_sessions: list[dict[str, Any]] = []
    for place in range(size):
        if len(open_sessions) < 8 or choose.random() < 0.6:
            open_sessions.append(name(choose, contacts, seed))
        if len(open_sessions) > 12:
            open_sessions.pop(0)
        yield place, open_sessions[-1] if choose.random() < 0.6 else choose.choice(open_sessions)


def _person(choose: random.Random, contacts: int, seed: int) -> dict[str, Any]:
    """Whom a company's own system names: 3 in 100 are new."""
    number, lot = choose.randrange(1, contacts + 1), choose.random()
    if lot < 0.03:
        fresh = choose.randrange(10**9)
        return {"external_id": f"E-{seed}-{fresh}", "email": f"e{fresh}.{seed}@example.com"}
    if lot < 0.55:
        return {"external_id": kept_external_id(number)}
    if lot < 0.85:
        return {"email": kept_email(number)}
    if lot < 0.95:
        return {"external_id": kept_external_id(number), "email": kept_email(number)}
    return {"phone": kept_phone(number)}


def _visitor(choose: random.Random, contacts: int, seed: int) -> dict[str, Any]:
    """Whom the tracker sees: visitors known and new, and contacts that left their cookie."""
    number, lot = choose.randrange(contacts // KEPT_COOKIES) * KEPT_COOKIES, choose.random()
    cookie = f"known-{number}" if lot < 0.3 else f"visitor-{number}" if lot < 0.8 else None
    return {"identifiers": [{"kind": "cookie", "value": cookie or f"new-{seed}-{choose.randrange(10**9)}"}]}


def _past_event(choose: random.Random, who: dict[str, Any], now: datetime, key: str) -> Any:
    from contacts.activity import NewEvent

    params = {
        "productId": str(choose.randrange(100_000)),
        "price": choose.randrange(100, 100_000) / 100,
        "category": choose.choice(("boots", "coats", "взуття")),
        "url": f"https://shop.example.com{choose.choice(PAGES)}?p={choose.randrange(10_000)}",
        "quantity": choose.randrange(1, 4),
        **dict(_wire_names(who)),
    }
    return NewEvent(choose.choice(TYPES), who, key, params, occurred_at=_moment(choose, now))


def _web_event(choose: random.Random, who: dict[str, Any], now: datetime, key: str) -> Any:
    from contacts.activity import NewEvent

    params = {"url": f"https://shop.example.com{choose.choice(PAGES)}", "title": "Boots", "referrer": ""}
    return NewEvent("pageView", who, key, params, now - timedelta(seconds=choose.randrange(60)), once=True)


def _wire_names(who: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """On the wire the parameters say whose event it is, and are all kept."""
    for column, name in (("external_id", "externalCustomerId"), ("email", "email"), ("phone", "phone")):
        if column in who:
            yield name, who[column]


def _moment(choose: random.Random, now: datetime) -> datetime:
    """Nine in ten within a day, the others within a quarter of a year."""
    span = timedelta(days=1) if choose.random() < 0.9 else timedelta(days=90)
    return now - choose.random() * span


# What is there before


def kept_external_id(number: int) -> str:
    return f"P-{number * 7919 % 100_000_007:09d}"


def kept_email(number: int) -> str:
    return f"kept.{number}@mail{number % 211}.example.com"


def kept_phone(number: int) -> str:
    return f"+38063{number * 7919 % 10_000_000:07d}"


_KEPT_COOKIES: Final = f"""
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT 10, '', 'known-' || n, c.id, 'web', created_at, created_at
FROM contacts_contact c JOIN generate_series(0, %(contacts)s::bigint, {KEPT_COOKIES}) n
    ON c.id = %(first)s + n - 1
"""
_COOKIE_BITS: Final = """
UPDATE contacts_contact c SET identifier_kinds = identifier_kinds | 1024
FROM contacts_identifier i WHERE i.kind = 10 AND i.contact_id = c.id
"""
_KEPT_VISITORS: Final = f"""
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT 10, '', 'visitor-' || n, nextval('contacts_contact_id_seq'), 'web', now() - interval '9 days',
    now() - interval '9 days'
FROM generate_series(0, %(contacts)s::bigint, {KEPT_COOKIES}) n
"""
_KEPT_EVENTS: Final = """
INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)
SELECT %(first)s + mod(n * 7919, %(contacts)s::bigint), type.id, '', jsonb_build_object('productId', n, 'url',
    'https://shop.example.com/boots?p=' || mod(n, 10000), 'price', mod(n, 1000), 'quantity', 1), 'event', moment, moment
FROM generate_series(1, %(events)s::bigint) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM contacts_eventtype) AS type
    ON type.place = mod(n / 7, (SELECT count(*) FROM contacts_eventtype)),
LATERAL (SELECT %(now)s::timestamptz - make_interval(secs => mod(n * 104729, 300 * 86400)) AS moment) AS long_ago
"""


def preload(contacts: int, events: int, now: datetime) -> None:
    """Contacts as an import left them, every fourth with a cookie, visitors, and events of ten months."""
    from benchmarks.imports import preload as preload_contacts
    from contacts.activity.event_types import known_types
    from contacts.models import Account

    Account.objects.get_or_create(name="Benchmark")
    preload_contacts(contacts)
    known_types([*TYPES, "pageView"])
    started = time.monotonic()
    values: dict[str, Any] = {"contacts": contacts, "events": events, "now": now}
    with plain_connection() as connection:
        values["first"] = connection.execute("SELECT min(id) FROM contacts_contact").fetchone()[0]  # type: ignore[index]
        for statement in (_KEPT_COOKIES, _COOKIE_BITS, _KEPT_VISITORS, _KEPT_EVENTS):
            connection.execute(statement, values)
    with plain_connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) contacts_contact, contacts_identifier, contacts_event")
    print(f"{events:,} events preloaded in {time.monotonic() - started:.0f} s", flush=True)


# The same table, for COPY


_PARTITIONS: Final = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'contacts_event'::regclass ORDER BY 1
"""
_INDEXES: Final = (
    "SELECT count(*) FROM pg_index WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)"
)


def copy_events_table(name: str) -> None:
    """Our own events table once more: its partitions, its indexes, its rows."""
    with plain_connection() as connection:
        connection.execute(f"CREATE TABLE {name} (LIKE contacts_event INCLUDING ALL) PARTITION BY RANGE (occurred_at)")  # type: ignore[arg-type]
        partitions = connection.execute(_PARTITIONS).fetchall()
        for partition, bounds in partitions:
            connection.execute(f"CREATE TABLE {name}_{partition} PARTITION OF {name} {bounds}")
        counts = [connection.execute(_INDEXES, [table]).fetchone() for table in ("contacts_event", name)]
        if counts[0] != counts[1]:
            raise SystemExit(f"The copy of the events table has other indexes: {counts}.")
        connection.execute(f"INSERT INTO {name} SELECT * FROM contacts_event")  # type: ignore[arg-type]
    with plain_connection() as connection:
        connection.autocommit = True
        connection.execute(f"VACUUM (ANALYZE) {name}")  # type: ignore[arg-type]
