"""Several workers at once, changes meanwhile, a worker that dies: in the end every stay is right."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction

from contacts import identity
from contacts.identity.types import API
from segments.catalogue import save_segment
from segments.models import ChangedContacts, Segment, Stay, Watch
from segments.watching import advance, forget_watched, watch_segment
from segments.watching.upkeep import move_changed, start_new
from tests.people import BY, have
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher, member_ids

TOWNS = ["Lviv", "Kyiv"]
WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"


@pytest.fixture
def lviv(transactional_db: None) -> Segment:
    segment = save_segment(Segment(name="Lviv", definition={"version": 1, "match": ask("town", "is", "Lviv")}))
    watch_segment(segment)
    forget_watched()
    start_new(waits=False)
    while advance():
        pass
    return segment


def in_a_thread(verb: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return verb()
        finally:
            connections.close_all()

    return run


def test_two_workers_and_changes_meanwhile_leave_every_stay_right(lviv: Segment) -> None:
    records = [{"external_id": f"C-{number}", "town": TOWNS[number % 2]} for number in range(12)]
    identity.resolve(records, API, by=BY)

    def write(seed: int) -> None:
        choose = random.Random(seed)
        for _round in range(25):
            town, number = choose.choice(TOWNS), choose.randrange(12)
            identity.resolve([{"external_id": f"C-{number}", "town": town}], API, by=BY)

    def work() -> None:
        for _round in range(25):
            move_changed()

    verbs = [lambda: write(1), lambda: write(2), work, work, work]
    with ThreadPoolExecutor(len(verbs)) as pool:
        for done in [pool.submit(in_a_thread(verb)) for verb in verbs]:
            done.result()
    while advance():
        pass

    stays = Stay.objects.filter(segment=lviv, left_at=None).values_list("contact_id", flat=True)
    assert set(stays) == member_ids(lviv, datetime.now(UTC))
    assert Watch.objects.get().size == len(stays)
    assert not ChangedContacts.objects.exists()


def test_a_worker_that_dies_leaves_its_notes_to_the_next(watcher: Watcher) -> None:
    watcher.watch("Lviv", ask("town", "is", "Lviv"))
    have("olena", {"email": "olena@example.com", "town": "Lviv"})(watcher.stage)
    with transaction.atomic():
        assert move_changed(now=watcher.stage.now) == 1
        transaction.set_rollback(True)
    assert watcher.inside("Lviv") == set()

    watcher.catch_up()
    assert watcher.inside("Lviv") == {"olena"}
    assert watcher.stays("Lviv", "olena") == [("contact", "")]


def test_what_is_changed_behind_a_step_is_looked_at_by_the_next(lviv: Segment) -> None:
    """The step has taken its note and waits for the watch; meanwhile the contact changes once more."""
    [outcome] = identity.resolve([{"external_id": "C-1", "town": "Lviv"}], API, by=BY)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM segments_watch FOR UPDATE")
            step = pool.submit(in_a_thread(move_changed))
            wait_for_waiter(cursor)
            in_another_transaction(lambda: identity.resolve([{"external_id": "C-1", "town": "Kyiv"}], API, by=BY))
        assert step.result() == 1
    assert not Stay.objects.filter(left_at=None).exists()
    while advance():
        pass
    assert not Stay.objects.filter(contact_id=outcome.contact_id, left_at=None).exists()


def in_another_transaction(verb: Callable[[], Any]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(in_a_thread(verb)).result()


def wait_for_waiter(cursor: Any) -> None:
    """Until somebody waits for the watch's row."""
    for _round in range(500):
        cursor.execute(WAITERS)
        if cursor.fetchone()[0]:
            return
        cursor.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("Nobody waits.")


def test_the_queue_is_nudged_by_a_change_and_works_it_off(lviv: Segment, run_jobs: Callable[[], None]) -> None:
    [outcome] = identity.resolve([{"external_id": "C-1", "town": "Lviv"}], API, by=BY)
    run_jobs()

    assert Stay.objects.get().contact_id == outcome.contact_id
