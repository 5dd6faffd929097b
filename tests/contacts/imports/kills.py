"""kill -9 of the worker, or of the database, at random moments of an import: does it end as an undisturbed one?

By hand:  python -m tests.contacts.imports.kills --rows 100000 --kills 5 --imports 4 [--orders] [--database] [--seed N]
It makes a database of its own, in a temporary folder unless VAR_DIR is set, imports a file once undisturbed, and then
``--imports`` times with so many kills. The worker is the real one; whatever a supervisor would start again is started
again, no more.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[3]
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+Z?")
PATIENCE = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=5, help="for each import")
    parser.add_argument("--imports", type=int, default=4)
    parser.add_argument("--orders", action="store_true", help="a file of orders instead of contacts")
    parser.add_argument("--database", action="store_true", help="kill the database instead of the worker")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with own_installation():
        return try_all(given, random.Random(given.seed))


@contextmanager
def own_installation() -> Iterator[None]:
    """A database and files of its own, in a temporary folder unless VAR_DIR is set."""
    with tempfile.TemporaryDirectory(prefix="kills", dir=os.environ.get("TMPDIR")) as folder:
        os.environ.setdefault("VAR_DIR", folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "crm.settings"
        os.environ.pop("DATABASE_URL", None)
        Path(os.environ["VAR_DIR"]).mkdir(parents=True, exist_ok=True)
        set_up()
        try:
            yield
        finally:
            tear_down()


def set_up() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def tear_down() -> None:
    from django.conf import settings
    from django.db import connections

    from crm.database import release_server

    connections.close_all()
    release_server(settings.VAR_DIR / "postgresql")


def try_all(given: argparse.Namespace, chance: random.Random) -> int:
    with working() as worker:
        kill = kill_database if given.database else worker.kill
        arrange = arrange_orders if given.orders else arrange_contacts
        undisturbed, seconds = import_once(given.rows, worker, arrange)
        say(rows=given.rows, undisturbed_seconds=round(seconds, 1))
        for _ in range(given.imports):
            places = sorted(chance.randrange(given.rows) for _ in range(given.kills))
            moments = [Moment(row, chance.uniform(0, 0.2)) for row in places]
            found, took = import_once(given.rows, worker, arrange, kill=kill, moments=moments)
            different = [name for name in undisturbed if found[name] != undisturbed[name]]
            say(killed_at=[moment.found for moment in moments], seconds=round(took, 1), different=different)
            if different:
                say(import_undisturbed=undisturbed["import"], import_disturbed=found["import"])
                return 1
    return 0


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


# The worker, and who starts it again


class Worker:
    """``make run`` starts a worker that fell, and so does this."""

    def __init__(self) -> None:
        self.falls = -1
        self.start()

    def start(self) -> None:
        self.falls += 1
        command = [sys.executable, "manage.py", "run_worker"]
        self.process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def keep_up(self) -> None:
        if self.process.poll() is not None:
            self.start()


@contextmanager
def working() -> Iterator[Worker]:
    worker = Worker()
    try:
        yield worker
    finally:
        worker.process.terminate()
        try:
            worker.process.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()


def kill_database() -> None:
    from django.conf import settings

    from crm.database import find_server

    server = find_server(settings.VAR_DIR / "postgresql")
    assert server is not None
    os.kill(server, signal.SIGKILL)


# One import


@dataclass
class Moment:
    """So many seconds after so many rows; ``found`` is where the import then stood."""

    row: int
    seconds: float
    found: int = 0


def import_once(
    rows: int,
    worker: Worker,
    arrange: Callable[[int], Any],
    *,
    kill: Callable[[], None] | None = None,
    moments: Sequence[Moment] = (),
) -> tuple[dict[str, Any], float]:
    from contacts.imports import flow

    run = arrange(rows)
    wait_until(lambda: worker.process.poll() is None, worker)
    flow.start(run)
    wait_until(lambda: status_of(run.pk) != "queued", worker)
    started = time.monotonic()
    for moment in moments:
        wait_until(lambda: rows_done_of(run.pk) >= moment.row, worker)  # noqa: B023 (asked at once)
        time.sleep(moment.seconds)
        if kill is not None:
            kill()
        moment.found = patient(lambda: rows_done_of(run.pk))
    wait_until(lambda: status_of(run.pk) not in ("queued", "running"), worker)
    took = time.monotonic() - started
    return patient(tables), took


def wait_until(holds: Callable[[], bool], worker: Worker) -> None:
    deadline = time.monotonic() + PATIENCE
    while not patient(holds):
        worker.keep_up()
        assert time.monotonic() < deadline, "it does not go on"
        time.sleep(0.02)


def patient(ask: Callable[[], Any]) -> Any:
    """The answer, as soon as the database gives one."""
    from django.db import InterfaceError, OperationalError, connections

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            assert time.monotonic() < deadline, "the database does not come back"
            with suppress(Exception):
                connections.close_all()
            time.sleep(0.1)


def status_of(import_id: int) -> str:
    from contacts.models import Import

    return str(Import.objects.values_list("status", flat=True).get(pk=import_id))


def rows_done_of(import_id: int) -> int:
    from contacts.models import Import

    return int(Import.objects.values_list("rows_done", flat=True).get(pk=import_id))


def arrange_orders(rows: int) -> Any:
    """Who was there before, with orders, and the import of a file with orders of one and of several lines, some that
    are known, some that come twice, and rows that are wrong."""
    from contacts import identity
    from contacts.activity import NewOrder, record_orders
    from contacts.identity.types import API
    from contacts.imports import flow
    from contacts.imports.files import store
    from contacts.imports.orders.plan import OrderOptions
    from contacts.models import ImportContent

    empty_tables()
    known = [{"external_id": f"C{number}"} for number in range(0, rows // 5, 3)]
    identity.resolve(known, API, by="user:1")
    moment = datetime(2026, 5, 14, tzinfo=UTC)
    orders = [
        NewOrder(f"N-{number}", {"external_id": f"C{number}"}, "INITIALIZED", 1, "UAH", moment)
        for number in range(0, rows // 5, 5)
    ]
    record_orders(orders, by="user:1")
    stored = store(iter(orders_file(rows)), "orders.csv")
    run = flow.begin(stored, "orders.csv", by="user:1", content=ImportContent.ORDERS)
    return flow.choose_orders(run, run.mapping, OrderOptions(currency="UAH"))


def orders_file(rows: int) -> Iterator[bytes]:
    yield b"order number,status,total,date,external id,sku,quantity\n"
    for row in range(rows):
        number = row // 3 * 2 + (row % 3 > 0)  # one line, then two
        total = "much" if number % 97 == 0 else number % 500
        status = ("paid", "delivered", "cancelled")[number % 3]
        cells = [f"N-{number % (rows // 2)}", status, total, "2026-05-15", f"C{number % (rows // 4)}", f"B-{row}", 1]
        yield (",".join(map(str, cells)) + ",ragged" * (row % 500 == 499) + "\n").encode()


def arrange_contacts(rows: int) -> Any:
    """Who was there before, and the import of a file with people that come twice, share addresses, are deleted, and
    rows that are wrong in every way."""
    from contacts import identity, populations
    from contacts.identity.types import API
    from contacts.imports import flow
    from contacts.imports.files import store
    from contacts.imports.plan import Options
    from contacts.models import Contact
    from segments.models import Segment, SegmentType

    empty_tables()
    known = [
        {"external_id": f"C{number}", "email": f"family.{number // 2}@example.com"} for number in range(0, rows // 5, 3)
    ]
    identity.resolve(known, API, by="user:1")
    ids = list(Contact.objects.order_by("external_id").values_list("pk", flat=True))
    identity.delete_contacts(ids[::3], by="user:1")
    fair, cold = (Segment.objects.create(name=name, type=SegmentType.STATIC).pk for name in ("Fair", "Cold"))
    populations.current().add(cold, ids[1::2], by="user:1")
    run = flow.begin(store(iter(people_file(rows)), "people.csv"), "people.csv", by="user:1")
    options = Options(
        key="email_or_phone",
        empty_values_clear=True,
        add_to_segments=(fair,),
        remove_from_segments=(cold,),
        event_for_new="signed_up",
        consent={"category": "newsletter", "basis": "fair"},
    )
    mapping = [
        {**entry, "target": "consent" if entry["header"] == "agrees" else entry["target"]} for entry in run.mapping
    ]
    return flow.choose(run, mapping, options)


def people_file(rows: int) -> Iterator[bytes]:
    yield b"external_id,email,phone,first_name,device,agrees\n"
    for number in range(rows):
        person = number % (rows * 7 // 10)
        external_id = f"C{person}" if number % 3 else ""
        email = "bad@" if number % 211 == 0 else f"family.{person // 2}@example.com"
        device = f"tablet-{number % (rows // 70 + 1)}" if number % 25 == 0 else ""
        name = f"Олена {number}" if number % 7 else ""
        cells = [external_id, email, f"+38050{person:07d}", name, device, ("yes", "no", "")[number % 3]]
        yield (",".join(cells) + ",ragged" * (number % 500 == 499) + "\n").encode()


def empty_tables() -> None:
    from django.apps import apps
    from django.db import connection

    kept = {"contacts_account", "contacts_policy"}
    names = [
        model._meta.db_table
        for app in ("contacts", "segments")
        for model in apps.get_app_config(app).get_models()
        if model._meta.db_table not in kept
    ]
    with connection.cursor() as cursor:
        listed = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f"TRUNCATE {listed} RESTART IDENTITY CASCADE")


def tables() -> dict[str, Any]:
    """Everything but ids and times; a contact is known by what stands on it."""
    from contacts.models import (
        Change,
        Consent,
        Contact,
        DuplicateCase,
        Event,
        Identifier,
        Import,
        ImportedOrder,
        ImportEffect,
        ImportRow,
        Order,
        OrderTotal,
    )
    from segments.models import Membership

    columns = [
        field.attname
        for field in Contact._meta.concrete_fields
        if field.attname not in ("id", "merged_into_id") and not field.attname.endswith("_at")
    ]
    place = {row[0]: str(row[1:]) for row in Contact.objects.values_list("pk", *columns)}

    def hanging(model: Any, *names: str) -> list[tuple[str, str]]:
        rows = model.objects.values_list("contact_id", *names)
        return sorted((place[row[0]], TIME.sub("", str(row[1:]))) for row in rows)

    return {
        "contacts": sorted(place.values()),
        "identifiers": hanging(Identifier, "kind", "app", "value", "source", "details"),
        "journal": hanging(Change, "kind", "by", "matched_by", "import_id", "before", "after"),
        "events": hanging(Event, "type_id", "key", "source"),
        "consents": hanging(Consent, "category", "granted", "basis", "by"),
        "memberships": hanging(Membership, "segment_id", "by"),
        "effects": hanging(ImportEffect, "kind", "population", "category", "before__granted", "after__granted"),
        "orders": hanging(Order, "external_order_id", "status", "total_cost", "items"),
        "totals": hanging(OrderTotal, "currency", "count", "amount"),
        "written": hanging(ImportedOrder, "number", "before__status", "events"),
        "cases": sorted(
            (kind, value, sorted(place[pk] for pk in ids))
            for kind, value, ids in DuplicateCase.objects.values_list("kind", "value", "contact_ids")
        ),
        "rows": list(ImportRow.objects.order_by("row", "pk").values_list("row", "status", "column", "code", "message")),
        "import": list(Import.objects.values_list("status", "rows_done", "rows_total", "counts", "wish", "error")),
    }


if __name__ == "__main__":
    sys.exit(main())
