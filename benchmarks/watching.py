"""What it costs to keep histories of members.

``python -m benchmarks.watching --contacts 1000000 --json`` fills a database of its own as ``benchmarks.segments`` does
and watches 50 segments: its 20 definitions and variants of them. Measured are the first look at everybody (``fill_s``,
all 50), 1,000 changed contacts against all 50 (``changed_ms``), a step of the clock that takes about 200 contacts out
of one segment (``clock_ms``, by what the segment is about), the clock of all 50 when hardly anybody moves
(``clock_all_ms``), and what an import of new contacts costs with and without watched segments (``import_s``).
``measure_upkeep`` does the same, the import left out, in a database that is filled already.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.frame import own_database, timed
from benchmarks.segments import ask, definitions, fill, make_settings, period

WATCHED: Final = 50
CHANGED: Final = 1_000
LEAVERS: Final = 200
ROUNDS: Final = 5

CLOCKS: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "created_lately": (
        ask("created_at", "in_last", [7, "days"]),
        (
            "SELECT created_at + interval '7 days' FROM contacts_contact WHERE created_at > %(now)s - interval '7 days'"
            " AND state = 1 ORDER BY created_at OFFSET %(leavers)s LIMIT 1"
        ),
    ),
    "bought_lately": (
        ask("orders", "did", period=period("in_last", [30, "days"])),
        (
            "SELECT ordered_at + interval '30 days' FROM contacts_order WHERE ordered_at > %(now)s - interval '30 days'"
            " AND status = 'DELIVERED' ORDER BY ordered_at OFFSET %(leavers)s LIMIT 1"
        ),
    ),
    "viewed_lately": (
        ask("events", "did", type="viewed", period=period("in_last", [30, "days"])),
        (
            "SELECT occurred_at + interval '30 days' FROM contacts_event WHERE type_id = %(viewed)s"
            " AND occurred_at > %(now)s - interval '30 days' ORDER BY occurred_at OFFSET %(leavers)s LIMIT 1"
        ),
    ),
}
"""What a segment asks, and the moment at which so many contacts, orders or events have left its period."""


def list_watched(emails: list[str], static: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """50 names and what they ask: every definition, then one of two with another, turned round now and then."""
    chosen = definitions(emails, static)
    yield from chosen.items()
    yield from ((f"clock of {name}", match) for name, (match, _) in CLOCKS.items())
    names = list(chosen)
    for number in range(WATCHED - len(chosen) - len(CLOCKS)):
        one, other = names[number % len(names)], names[(7 * number + 3) % len(names)]
        parts = [chosen[one], {**chosen[other], "not": True} if number % 3 else chosen[other]]
        yield f"{one} and {other} {number}", {"any" if number % 2 else "all": parts}


def watch_all(values: Mapping[str, Any]) -> dict[str, int]:
    """The ids of the watched segments by name; nobody was looked at yet."""
    from segments.catalogue import save_segment
    from segments.models import Segment
    from segments.watching import watch_segment
    from segments.watching.upkeep import start_new

    ids = {}
    for name, match in list_watched(values["emails"], values["static"]):
        segment = save_segment(Segment(name=f"Watched {name}", definition={"version": 1, "match": match}))
        watch_segment(segment)
        ids[name] = segment.pk
    start_new(now=values["now"], waits=False)
    return ids


def look_at_everybody(now: datetime) -> None:
    from segments.watching import advance

    while advance(now=now, seconds=600):
        pass


# What is measured


def measure_upkeep(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values``: contacts, emails, now, and the ids of ``make_settings``."""
    ids = watch_all(values)
    figures: dict[str, Any] = {"fill_s": round(timed(lambda: look_at_everybody(values["now"])), 1)}
    show(figures)
    figures["changed_ms"] = measure_changes(values)
    show(figures)
    figures["clock_all_ms"], now = measure_quiet_clock(values)
    figures["clock_ms"] = {
        name: measure_clock(ids[f"clock of {name}"], sql, {**values, "now": now}) for name, (_, sql) in CLOCKS.items()
    }
    show(figures)
    return figures


def measure_changes(values: Mapping[str, Any]) -> float:
    """The median of some rounds, each with other contacts; some of them enter and leave."""
    from segments.models import ChangedContacts
    from segments.watching.upkeep import move_changed

    choose, taken = random.Random(11), []
    for number in range(ROUNDS + 1):
        ids = choose.sample(range(1, values["contacts"] + 1), CHANGED)
        change_contacts(ids, number)
        ChangedContacts.objects.create(contact_ids=ids, at=values["now"], what="contact")
        milliseconds = measured(lambda: move_changed(now=values["now"]))
        if number:
            taken.append(milliseconds)
    return round(statistics.median(taken), 1)


def change_contacts(ids: list[int], number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET town = (ARRAY['Lviv', 'Kyiv', 'Odesa'])[1 + (id + %s) %% 3],"
            " last_name = 'Шевчук', attributes = attributes || '{\"visits\": 41}' WHERE id = ANY(%s)",
            [number, ids],
        )


def measure_quiet_clock(values: Mapping[str, Any]) -> tuple[float, datetime]:
    """All watched segments, a second later each time."""
    from segments.watching.upkeep import follow_clocks

    now, taken = values["now"], []
    for _round in range(ROUNDS):
        now += timedelta(seconds=1)
        taken.append(measured(lambda: follow_clocks(now=now)))  # noqa: B023  # called at once
    return round(statistics.median(taken), 1), now


def measure_clock(segment_id: int, sql: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The median of some steps, each until about so many have left; how many these were on average."""
    from django.db import connection

    from segments.models import Stay
    from segments.watching.upkeep import follow_clock

    taken, left, now = [], 0, values["now"]
    for _round in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute(sql, {**values, "now": now, "leavers": LEAVERS})
            (now,) = cursor.fetchone() or (now + timedelta(hours=1),)
        before = Stay.objects.filter(segment_id=segment_id, left_at__isnull=False).count()
        taken.append(measured(lambda: follow_clock(segment_id, now=now)))  # noqa: B023  # called at once
        left += Stay.objects.filter(segment_id=segment_id, left_at__isnull=False).count() - before
    return {"ms": round(statistics.median(taken), 1), "leavers": left / ROUNDS}


def measured(leg: Callable[[], object]) -> float:
    started = time.perf_counter()
    leg()
    return (time.perf_counter() - started) * 1000


def measure_imports(rows: int) -> dict[str, float]:
    """The same number of new contacts, while nothing is watched and while something is; no worker runs meanwhile."""
    from benchmarks.resolve import run_ours, write_rows
    from contacts.models import CustomField
    from segments.catalogue import save_segment
    from segments.models import Segment
    from segments.watching import forget_watched, watch_segment

    CustomField.objects.create(key="shoe_size", label="Shoe size", type="text")
    seconds: dict[str, list[float]] = {"unwatched": [], "watched": []}
    segment = save_segment(Segment(name="Watched", definition={"version": 1, "match": ask("town", "is", "Lviv")}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_rows(path, rows, changed=False)
        for _round in range(3):
            for name in seconds:
                clear(segment.pk)
                if name == "watched":
                    watch_segment(segment)
                forget_watched()
                seconds[name].append(timed(lambda: run_ours(path)))
    clear(segment.pk)
    return {name: round(min(each), 2) for name, each in seconds.items()}


def clear(segment_id: int) -> None:
    from django.db import connection

    from segments.models import Watch

    Watch.objects.filter(pk=segment_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE contacts_contact, contacts_identifier, contacts_change, contacts_duplicatecase,"
            " segments_changedcontacts CASCADE"
        )


def show(figures: Mapping[str, Any]) -> None:
    print(json.dumps(figures), flush=True)


def main() -> None:
    from django.utils import timezone

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--contacts", type=int, default=1_000_000)
    arguments.add_argument("--import-rows", type=int, default=0, help="measure imports of so many rows as well")
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = arguments.parse_args()
    with own_database():
        imports = measure_imports(given.import_rows) if given.import_rows else None
        values: dict[str, Any] = {
            "now": timezone.now(),
            "contacts": given.contacts,
            "events": 3 * given.contacts,
            "orders": given.contacts,
            "emails": [f"person.{number}@mail{number % 211}.example.com" for number in range(1, 100_000, 97)][:1_000],
            **make_settings(),
        }
        restart_ids()
        print(f"filled in {timed(lambda: fill(values)):.0f} s", flush=True)
        figures = {"contacts": given.contacts, **measure_upkeep(values), "import_s": imports}
    if given.json:
        print(json.dumps(figures))


def restart_ids() -> None:
    """The data name contacts by number, from 1 on."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE contacts_contact RESTART IDENTITY CASCADE")


if __name__ == "__main__":
    main()
