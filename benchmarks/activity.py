"""Events stored and accepted, visitors who become known, long timelines; partitions that a question touches.

``python -m benchmarks.activity --json`` fills a database with contacts, visitors and events, and measures in turn:

stored   ``record_events`` by 500: past events of known people for the most part, and a fifth of them the web
         tracker's (``benchmarks.activity_data``);
copy     COPY of these very rows, finished, into a copy of our own events table with its partitions and indexes that
         holds the same events, also 500 a transaction. ``ratios.stored``: stored ÷ copy, the median of the rounds.

Then the production web server on loopback with 8 connections: single events and past events by 500, in events a
second; a cookie with 10,000 events that is identified, by a new contact, which takes the visitor's number, and by one
that is there, to which the events move; the first page of a timeline of 100,000 events, whole and of kinds that it
does not have. ``partitions`` is what EXPLAIN says that a timeline and a segment with a period touch, of so many months.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.activity_data import TYPES, Batch, batches, copy_events_table, kept_email, past_events, preload
from benchmarks.frame import own_database
from benchmarks.resolve import plain_connection

BATCH: Final = 500
TURN: Final = 10
"""Batches before the other has its turn."""
CONNECTIONS: Final = 8
FLOOR: Final = "floor_event"
MONTHS: Final = 12
OFTEN: Final = 7
"""Identifications and timelines of each sort; the medians count."""
COOKIE_EVENTS: Final = 10_000
TIMELINE_EVENTS: Final = 100_000


def measure(*, contacts: int, preloaded: int, events: int, rounds: int, seconds: float, folder: Path) -> dict[str, Any]:
    from contacts.activity.partitions import ensure_partitions

    now = datetime.now(UTC)
    ensure_partitions(MONTHS)
    preload(contacts, preloaded, now)
    copy_events_table(FLOOR)
    figures: dict[str, Any] = {"contacts": contacts, "events": preloaded, "ratios": {}, "ms": {}}
    figures["per_second"], figures["ratios"]["stored"] = measure_stored(contacts, events, rounds, now)
    if seconds:
        figures["per_second"] |= measure_served(contacts, seconds, folder)
    figures["ms"] |= measure_identify(contacts) | measure_timelines(contacts)
    figures["partitions"] = measure_partitions(contacts)
    return figures


# Stored, beside COPY


def measure_stored(contacts: int, events: int, rounds: int, now: datetime) -> tuple[dict[str, int], float]:
    """Events a second of both, and the middle ratio; the first round warms up and does not count.

    Both take turns every few batches, so that checkpoints and whatever else the machine does meet both alike.
    """
    from crm.processes import keep_loaded

    speeds: dict[str, list[float]] = {"stored": [], "copy": []}
    with plain_connection() as connection:
        for number in range(rounds + 1):
            taken = {"stored": 0.0, "copy": 0.0}
            ready = list(batches(events // BATCH, size=BATCH, contacts=contacts, now=now, seed=number))
            keep_loaded()  # as the web server does, and the events that wait here would come one batch at a time
            for start in range(0, len(ready), TURN):
                last = last_event()
                taken["stored"] += seconds_of(partial(store, ready[start : start + TURN]))
                taken["copy"] += seconds_of(partial(copy_rows, connection, finished_rows(last)))
            if number:
                for name, needed in taken.items():
                    speeds[name].append(len(ready) * BATCH / needed)
                print(f"round {number}: " + ", ".join(f"{name} {found[-1]:,.0f}/s" for name, found in speeds.items()))
    ratio = statistics.median(ours / theirs for ours, theirs in zip(speeds["stored"], speeds["copy"], strict=True))
    return {name: round(statistics.median(found)) for name, found in speeds.items()}, round(ratio, 3)


def seconds_of(leg: Callable[[], object]) -> float:
    started = time.perf_counter()
    leg()
    return time.perf_counter() - started


def store(ready: Sequence[Batch]) -> None:
    from contacts.activity import WEB_EVENT, EventStatus, record_events
    from contacts.identity.types import EVENT

    for batch in ready:
        plan, by = (WEB_EVENT, "tracker:web") if batch.is_web else (EVENT, "key:1")
        for outcome in record_events(batch.events, by=by, plan=plan):
            if outcome.status != EventStatus.RECORDED:
                raise SystemExit(f"An event was not stored: {outcome}")


def last_event() -> int:
    with plain_connection() as connection:
        return int(connection.execute("SELECT last_value FROM contacts_event_id_seq").fetchone()[0])  # type: ignore[index]


def finished_rows(last: int) -> list[bytes]:
    """What was stored since, in its order, as COPY writes it: a list of bytes for each transaction."""
    with plain_connection() as connection, connection.cursor() as cursor:
        query = f"COPY (SELECT * FROM contacts_event WHERE id > {last:d} ORDER BY id) TO STDOUT"
        with cursor.copy(query) as copy:  # type: ignore[arg-type]
            rows = [bytes(row) for row in copy]
    return [b"".join(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]


def copy_rows(connection: psycopg.Connection[Any], pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        with connection.cursor() as cursor, cursor.copy(f"COPY {FLOOR} FROM STDIN") as copy:
            copy.write(piece)
        connection.commit()


# Accepted over HTTP


SCRIPT: Final = r"""
-- Single events are numbered, bodies of past events were written before.
local kind, bodies, number = os.getenv("KIND"), {}, 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, bodies[(number - 1) % #bodies + 1])
end

function done(summary, latency, requests)
  local errors = summary.errors
  local said = '{"calls": %d, "microseconds": %d, "p99": %f, "failed": %d}'
  io.write(string.format('\nRESULT ' .. said .. '\n', summary.requests, summary.duration, latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def measure_served(contacts: int, seconds: float, folder: Path) -> dict[str, int]:
    """Events a second that the web server takes, and that are there afterwards."""
    from benchmarks.api import authorization, find_wrk
    from benchmarks.imports import served
    from crm.api.keys import create_api_key

    wrk = find_wrk()
    script = folder / "events.lua"
    script.write_text(SCRIPT)
    secret = create_api_key("benchmark", scope="full", calls_a_second=1_000_000)[1]
    speeds = {}
    with served() as port:
        for kind, size, count in (("event", 1, 20_000), ("past_events", BATCH, 200)):
            bodies = folder / kind
            write_bodies(bodies, size=size, count=count, contacts=contacts)
            given = {"KIND": kind, "BODIES": str(bodies), "AUTHORIZATION": authorization(secret)}
            address = f"http://127.0.0.1:{port}/api/v1/{kind}"
            command = [wrk, "-t1", f"-c{CONNECTIONS}", "--timeout", "60s", "-s", str(script), address]
            for length in (1.0, seconds):  # code is loaded, connections are made
                before = last_event()
                calls, taken = drive([*command, f"-d{length:g}s"], given)
            if last_event() - before < calls * size:
                raise SystemExit(f"Of {calls * size} events there are {last_event() - before}.")
            speeds[f"accepted_{kind}"] = round(calls * size / taken)
    return speeds


def drive(command: Sequence[str], given: dict[str, str]) -> tuple[int, float]:
    """Calls that were answered well, and seconds."""
    said = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True).stdout
    found = json.loads(said.rpartition("RESULT ")[2])
    if found["failed"]:
        raise SystemExit(f"The server did not take every call: {said}")
    return found["calls"], found["microseconds"] / 1e6


def write_bodies(path: Path, *, size: int, count: int, contacts: int) -> None:
    """Lines of JSON: one event each, or many with their time."""
    told = past_events(count * size, contacts=contacts, now=datetime.now(UTC) - timedelta(minutes=1), seed=size)
    with path.open("w") as file:
        for _ in range(count):
            wires = [wire_of(next(told), occurred=size > 1) for _ in range(size)]
            file.write(json.dumps({"events": wires} if size > 1 else wires[0]) + "\n")


def wire_of(event: Any, *, occurred: bool) -> dict[str, Any]:
    params = [{"name": name, "value": value} for name, value in event.params.items()]
    wire = {"eventTypeKey": event.type, "keyValue": event.key, "params": params}
    return wire | ({"occurred": event.occurred_at.isoformat()} if occurred else {})


# Visitors who become known


def measure_identify(contacts: int) -> dict[str, float]:
    """Milliseconds until a cookie with many events is a contact's: a new one's, or one's that is there."""
    from contacts.identity import resolve_one
    from contacts.identity.types import WEB

    found = {}
    for kind in ("new", "known"):
        times = []
        for number in range(OFTEN):
            cookie = f"becomes-{kind}-{number}"
            visitor = visit(cookie, COOKIE_EVENTS)
            email = f"{cookie}.visitor@example.com" if kind == "new" else kept_email(number + 1)
            record = {"email": email, "identifiers": [{"kind": "cookie", "value": cookie}]}
            started = time.perf_counter()
            outcome = resolve_one(record, WEB, by="tracker:web")
            times.append((time.perf_counter() - started) * 1000)
            moved = (outcome.contact_id == visitor) != (kind == "known")
            if not moved or count_events(outcome.contact_id) < COOKIE_EVENTS:
                raise SystemExit(f"The visitor's events did not come to the contact: {outcome}")
        found |= {f"identify_{kind}": round(statistics.median(times), 1), f"identify_{kind}_max": round(max(times), 1)}
    return found


def visit(cookie: str, count: int) -> int:
    """So many events of a quarter of a year under a visitor's cookie; gives the visitor's number."""
    from contacts.activity import WEB_EVENT, NewEvent, record_events

    now = datetime.now(UTC)
    who = {"identifiers": [{"kind": "cookie", "value": cookie}]}
    events = [
        NewEvent("pageView", who, f"{cookie}-{place}", {"url": "/boots"}, now - place * timedelta(days=90) / count)
        for place in range(count)
    ]
    outcomes = record_events(events, by="tracker:web", plan=WEB_EVENT)
    return int(outcomes[0].contact_id or 0)


def count_events(contact_id: int | None) -> int:
    from contacts.models import Event

    return Event.objects.filter(contact_id=contact_id).count()


# Timelines


_MANY_EVENTS: Final = """
INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)
SELECT %(contact)s, (SELECT min(id) FROM contacts_eventtype), '', '{"url": "/boots", "price": 12}', 'event', moment,
    moment
FROM generate_series(1, %(events)s) n, LATERAL (SELECT now() - n * interval '300 days' / %(events)s AS moment) AS spread
"""


def measure_timelines(contacts: int) -> dict[str, float]:
    """Milliseconds that the first page takes, and the next; whole, and of kinds that are not there."""
    from contacts.activity import timeline

    contact = contacts // 2
    with plain_connection() as connection:
        connection.execute(_MANY_EVENTS, {"contact": contact, "events": TIMELINE_EVENTS})
    after = timeline(contact).next
    pages: dict[str, Callable[[], Any]] = {
        "timeline": lambda: timeline(contact),
        "timeline_next": lambda: timeline(contact, before=after),
        "timeline_visits": lambda: timeline(contact, kinds={"visit"}),
        "timeline_orders": lambda: timeline(contact, kinds={"order"}),
        "timeline_edits": lambda: timeline(contact, kinds={"edit", "merge", "import"}),
    }
    return {name: round(statistics.median(times_of(page)) * 1000, 1) for name, page in pages.items()}


def times_of(page: Callable[[], Any]) -> list[float]:
    page()
    return [seconds_of(page) for _ in range(OFTEN)]


# Partitions


def measure_partitions(contacts: int) -> dict[str, int]:
    """How many partitions each question reads, by EXPLAIN (ANALYZE)."""
    from contacts.activity import timeline
    from segments.catalogue import save_segment
    from segments.membership import count_members
    from segments.models import Segment, SegmentType

    now = datetime.now(UTC)
    did = {"field": "events", "op": "did", "type": TYPES[0], "period": {"op": "in_last", "value": [7, "days"]}}
    segment = Segment(name="Lately", type=SegmentType.DYNAMIC, definition={"version": 1, "match": did})
    save_segment(segment)
    week = now - timedelta(days=7)
    return {
        "of": len(partitions_read(["SELECT count(*) FROM contacts_event WHERE %s"], [[True]])),
        "timeline_week": count_partitions(lambda: timeline(contacts // 2, since=week, until=now)),
        "timeline_week_visits": count_partitions(
            lambda: timeline(contacts // 2, since=week, until=now, kinds={"visit"})
        ),
        "segment_week": count_partitions(lambda: count_members(segment)),
    }


def count_partitions(question: Callable[[], Any]) -> int:
    """The partitions of the events that a question reads."""
    from django.db import connection

    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        question()
    return len(partitions_read(*zip(*[query for query in asked if "contacts_event" in query[0]], strict=True)))


SETTINGS: Final = re.compile(r"\A(SET LOCAL [^;]*;\s*)*")
"""What a question may say of how it is to be planned."""


def partitions_read(queries: Iterable[str], params: Iterable[Any]) -> set[str]:
    from django.db import connection

    found: set[str] = set()
    with connection.cursor() as cursor:
        for query, given in zip(queries, params, strict=True):
            cursor.execute(SETTINGS.sub(r"\g<0>EXPLAIN (ANALYZE, FORMAT JSON) ", query, count=1), given)
            while cursor.description is None:
                cursor.nextset()
            plans = cursor.fetchone()[0]
            found |= set(relations_of((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]))
    return {name for name in found if name.startswith("contacts_event_")}


def relations_of(plan: Mapping[str, Any]) -> list[str]:
    """Tables that were really looked at."""
    own = [plan["Relation Name"]] if "Relation Name" in plan and plan["Actual Loops"] else []
    return own + [name for part in plan.get("Plans", ()) for name in relations_of(part)]


# The whole


def show(figures: Mapping[str, Any]) -> None:
    for group, unit in (("per_second", "/s"), ("ratios", "of COPY"), ("ms", "ms"), ("partitions", "partitions")):
        for name, figure in figures[group].items():
            print(f"{name:24} {figure:12,} {unit}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--contacts", type=int, default=200_000)
    arguments.add_argument("--preloaded", type=int, default=1_000_000, help="events that are there already")
    arguments.add_argument("--events", type=int, default=50_000, help="of each round")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=8, help="of each leg over HTTP; 0 for none")
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = vars(arguments.parse_args())
    as_json = given.pop("json")
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.api_settings"
    with own_database(), tempfile.TemporaryDirectory() as folder:
        from benchmarks.imports import share_database

        share_database()
        figures = measure(**given, folder=Path(folder))
    show(figures)
    if as_json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
