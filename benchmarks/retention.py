"""Does anybody wait while the retention works? A writer beside it, alone and then with it: p50, p99 and the longest.

    python -m benchmarks.retention --visitors 20000 --events 20 --months 2

It makes a database of its own, in a temporary folder unless VAR_DIR is set. The writer records a visitor's event a
call, as a web process would; the retention erases so many visitors with so many events each, and drops so many months.
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.contacts.imports.kills import own_installation

SECONDS_ALONE = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=20, help="a visitor")
    parser.add_argument("--months", type=int, default=2)
    given = parser.parse_args()
    with own_installation():
        fill(given)
        say(alone=measure(lambda: time.sleep(SECONDS_ALONE)))
        said: dict[str, Any] = {}
        said["beside"] = measure(lambda: said.update(retention()))
        say(**said)


def fill(given: argparse.Namespace) -> None:
    """Visitors of long ago, and months that the account keeps no longer."""
    from django.db import connection

    from contacts.models import EventType, Policy

    now = datetime.now(UTC)
    Policy.objects.create(visitors_erased_after_days=90, events_kept_months=24 - given.months)
    kind = EventType.objects.create(key="pageView").pk
    seen = now - timedelta(days=100)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH visitors AS (SELECT nextval('contacts_contact_id_seq') AS id FROM generate_series(1, %s))"
            " INSERT INTO contacts_identifier (contact_id, kind, app, value, source, first_seen_at, last_seen_at)"
            " SELECT id, 10, '', md5(id::text), 'web', %s, %s FROM visitors",
            [given.visitors, seen, seen],
        )
        cursor.execute(
            "INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)"
            " SELECT i.contact_id, %s, '', '{\"page\": \"/boots\"}', 'web', at, at FROM contacts_identifier i,"
            " generate_series(1, %s) n, LATERAL (SELECT %s - n * interval '1 day' AS at) t",
            [kind, given.events, seen],
        )
        cursor.execute(
            "INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)"
            " SELECT n, %s, '', '{}', 'api', at, at FROM generate_series(1, 200000) n,"
            " LATERAL (SELECT %s - interval '23 months' AS at) t",
            [kind, now],
        )
        cursor.execute("ANALYZE")


def retention() -> dict[str, Any]:
    from contacts.retention import apply_retention

    began = time.perf_counter()
    run = apply_retention(by="command:benchmark")
    assert run is not None
    took = round(time.perf_counter() - began, 1)
    return {"seconds": took, "went": {rule: [line["gone"], line["months"]] for rule, line in run.lines.items()}}


def measure(beside: Any) -> dict[str, float]:
    """Milliseconds that a call of the writer takes while ``beside`` goes on."""
    stop, taken = threading.Event(), list[float]()
    writer = threading.Thread(target=write, args=(stop, taken))
    writer.start()
    try:
        beside()
    finally:
        stop.set()
        writer.join()
    taken.sort()
    at = {"p50": 0.5, "p99": 0.99}
    shown = {name: round(taken[int(len(taken) * share)] * 1_000, 1) for name, share in at.items()}
    return {"calls": len(taken), **shown, "longest": round(taken[-1] * 1_000, 1)}


def write(stop: threading.Event, taken: list[float]) -> None:
    from django.db import connections

    from contacts.activity import WEB_EVENT, NewEvent, record_events

    for number in itertools.count():
        if stop.is_set():
            break
        cookie = {"identifiers": [{"kind": "cookie", "value": f"new-{number % 500}"}]}
        began = time.perf_counter()
        record_events([NewEvent("pageView", cookie, occurred_at=datetime.now(UTC))], by="tracker:web", plan=WEB_EVENT)
        taken.append(time.perf_counter() - began)
    connections.close_all()


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
