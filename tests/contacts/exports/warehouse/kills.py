"""kill -9 of the worker, or of our database, in the middle of a run: is the target what a fresh full export would be?

By hand:  python -m tests.contacts.exports.warehouse.kills --contacts 50000 --kills 10 [--database] [--remove]
          [--bigquery]
It makes a database of its own, in a temporary folder unless VAR_DIR is set, and starts a second server, the system's,
for the company, or the emulator of BigQuery, which stays up. Every run is killed once, now a full one and now one that
sends what changed, while life goes on; the worker is the real one, started again where it fell, no more.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

from tests.contacts.exports.warehouse.rounds import moved_in, prepare
from tests.contacts.imports.kills import Worker, kill_database, own_installation, patient, say, wait_until, working


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database", action="store_true", help="kill our database instead of the worker")
    parser.add_argument("--remove", action="store_true", help="deleted contacts are removed, not flagged")
    parser.add_argument("--bigquery", action="store_true", help="to the emulator of BigQuery")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    keep_secrets()
    with own_installation(), working() as worker:
        prepare()
        with moved_in(bigquery=given.bigquery, remove=given.remove) as company:
            return try_all(given, arrange(given, company, worker))


def keep_secrets() -> None:
    """With a key that the worker has too."""
    from cryptography.fernet import Fernet

    os.environ.setdefault("SECRETS_KEY", Fernet.generate_key().decode())


@dataclass
class Scene:
    """``seconds``: about what a run of each kind takes that nobody disturbs."""

    worker: Worker
    company: Any
    life: Any
    seconds: dict[str, float]


def arrange(given: argparse.Namespace, company: Any, worker: Worker) -> Scene:
    from tests.contacts.exports.warehouse.happenings import Life

    company.attend = lambda run: wait_until(lambda: status_of(run) not in ("queued", "running"), worker)
    scene = Scene(worker, company, Life(given.seed, given.contacts), {})
    fill(given.contacts)
    for kind in ("full", "incremental"):
        change_many(given.contacts, scene.life.chance)
        company.bring_up(kind)
        run = company.kept.runs.latest("pk")
        scene.seconds[kind] = (run.finished_at - run.started_at).total_seconds()
    return scene


def try_all(given: argparse.Namespace, scene: Scene) -> int:
    kill = kill_database if given.database else scene.worker.kill
    say(contacts=given.contacts, seconds={kind: round(took, 2) for kind, took in scene.seconds.items()})
    killed = 0
    while killed < given.kills:
        kind = ("full", "incremental")[killed % 2]
        change_many(given.contacts, scene.life.chance)
        scene.life.go_on(50)
        where = kill_once(scene, kind, kill)
        scene.company.bring_up()
        different = patient(scene.company.differences)
        say(kind=kind, killed_at=where, different=different[:5])
        if different:
            return 1
        killed += where is not None
        if where is None:
            scene.seconds[kind] /= 2  # it was over before
    return 0


def kill_once(scene: Scene, kind: str, kill: Any) -> dict[str, Any] | None:
    """Where the run stood when it was killed; None where it was over before."""
    from contacts.exports.warehouse.flow import start_run

    scene.worker.keep_up()
    run = start_run(scene.company.kept, kind, by="user:1")
    wait_until(lambda: status_of(run) != "queued", scene.worker)
    time.sleep(scene.life.chance.uniform(0, scene.seconds[kind] * 0.8))
    kill()
    patient(run.refresh_from_db)
    where = {"counts": run.counts, **run.progress} if run.status == "running" else None
    wait_until(lambda: has_ended_while_life_goes_on(run, scene.life), scene.worker)
    patient(run.refresh_from_db)
    assert run.status == "finished", run.error
    return where


def has_ended_while_life_goes_on(run: Any, life: Any) -> bool:
    life.go_on(1)
    return status_of(run) not in ("queued", "running")


def status_of(run: Any) -> str:
    from contacts.models import ExportRun

    return str(ExportRun.objects.values_list("status", flat=True).get(pk=run.pk))


def fill(contacts: int) -> None:
    """So many, half of them with an order and an event."""
    from contacts import identity
    from contacts.activity import NewEvent, NewOrder, record_events, record_orders
    from contacts.identity.types import API
    from tests.people import BY

    for start in range(0, contacts, 500):
        numbers = range(start, min(contacts, start + 500))
        identity.resolve(
            [{"external_id": f"C{number}", "email": f"olena.{number}@example.com"} for number in numbers], API, by=BY
        )
        buyers = [{"external_id": f"C{number}"} for number in numbers[::2]]
        record_events([NewEvent("teaBought", buyer, params={"much": 1}) for buyer in buyers], by=BY)
        items = [{"externalItemId": "tea", "quantity": 2}]
        record_orders(
            [
                NewOrder(f"N-{buyer['external_id']}", buyer, "DELIVERED", 10, "EUR", some_day(), items=items)
                for buyer in buyers
            ],
            by=BY,
        )


def some_day() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 5, 14, tzinfo=UTC)


def change_many(contacts: int, chance: random.Random) -> None:
    """A fifth of them move."""
    from contacts import identity
    from contacts.identity.types import API
    from tests.people import BY

    moved = chance.sample(range(contacts), contacts // 5)
    for start in range(0, len(moved), 1_000):
        records = [
            {"external_id": f"C{number}", "town": f"Town {chance.randrange(10**6)}"}
            for number in moved[start : start + 1_000]
        ]
        identity.resolve(records, API, by=BY)


if __name__ == "__main__":
    sys.exit(main())
