"""From a change to the shop through the queue, as it runs."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from contacts import identity
from contacts.identity.settled import settled_change
from contacts.identity.types import API
from contacts.models import Webhook
from contacts.webhooks import replay_dead_letters
from contacts.webhooks.bell import forget_targets
from contacts.webhooks.jobs import look_for_waiting
from contacts.webhooks.journal import ContactChanges

pytestmark = pytest.mark.django_db(transaction=True)


def make(external_id: str) -> int:
    [outcome] = identity.resolve([{"external_id": external_id}], API, by="key:1")
    assert outcome.contact_id is not None
    return outcome.contact_id


def in_thread(work: Any) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_change_reaches_the_shop_at_once(shop, listen, run_jobs):
    listen()

    olena = make("A-1")
    run_jobs()

    assert shop.told == [("created", olena)]


def test_changes_of_a_moment_make_no_more_than_two_jobs(shop, listen, run_jobs):
    listen()
    run_jobs()
    forget_targets()

    ids = [make(f"A-{number}") for number in range(10)]

    assert ProcrastinateJob.objects.filter(task_name="contacts.webhooks.deliver", status="todo").count() <= 2
    run_jobs()
    look_for_waiting()
    run_jobs()
    assert shop.told == [("created", contact_id) for contact_id in ids]


def test_without_a_target_nothing_is_enqueued(stage, run_jobs):
    make("A-1")

    assert not ProcrastinateJob.objects.exists()


def test_what_was_rolled_back_is_not_told(shop, listen, run_jobs):
    listen()

    with transaction.atomic():
        make("A-1")
        transaction.set_rollback(True)
    bohdan = make("B-1")
    run_jobs()

    assert shop.told == [("created", bohdan)]


def test_a_failed_delivery_is_enqueued_for_later(shop, listen, run_jobs):
    webhook = listen()
    run_jobs()
    forget_targets()
    shop.answers = [500]
    make("A-1")

    run_jobs()

    webhook.refresh_from_db()
    [job] = ProcrastinateJob.objects.filter(task_name="contacts.webhooks.deliver", status="todo")
    assert job.scheduled_at >= webhook.next_try_at
    assert job.args == {"webhook_id": webhook.pk}


def test_what_was_missed_is_found_by_the_clock(shop, listen, run_jobs):
    listen()
    run_jobs()
    olena = make("A-1")
    ProcrastinateJob.objects.all().delete()

    look_for_waiting()
    run_jobs()

    assert shop.told == [("created", olena)]


def test_a_replay_is_enqueued(shop, listen, run_jobs):
    webhook = listen()
    run_jobs()
    olena = make("A-1")
    ProcrastinateJob.objects.all().delete()
    source = ContactChanges()
    webhook.dead_letters.create(
        source="contacts", number=source.last(), contact_id=olena, kind="created", at="2026-11-01T00:00Z",
        failed_at="2026-11-01T00:00Z", attempts=4, error="The server answered 400.",
    )  # fmt: skip
    Webhook.objects.update(positions={"contacts": source.last()})

    forget_targets()
    replay_dead_letters([webhook.dead_letters.get().pk])
    run_jobs()

    assert shop.told == [("created", olena)]
    assert not webhook.dead_letters.exists()


def test_a_change_that_is_not_committed_yet_holds_back_those_after_it(shop, listen, run_jobs):
    """Numbers are given before the commit: a greater one may be there first, and must not leave the other out."""
    webhook = listen()
    run_jobs()
    began, go_on = threading.Event(), threading.Event()
    ids: list[int] = []

    def write_slowly() -> None:
        with transaction.atomic():
            ids.append(make("A-1"))
            began.set()
            go_on.wait(10)

    writer = in_thread(write_slowly)
    assert began.wait(10)
    assert settled_change() is None
    ids.append(make("B-1"))
    run_jobs()
    assert shop.told == []
    go_on.set()
    writer.join()
    look_for_waiting()
    run_jobs()

    assert shop.told == [("created", contact_id) for contact_id in ids]
    webhook.refresh_from_db()
    assert webhook.positions["contacts"] == settled_change()


def test_two_workers_deliver_nothing_twice(shop, listen, bring):
    from contacts.webhooks import deliver

    webhook = listen()
    ids = [outcome.contact_id for outcome in identity.resolve(
        [{"external_id": f"A-{number}"} for number in range(450)], API, by="key:1")]  # fmt: skip

    threads = [in_thread(lambda: deliver(webhook.pk)) for _ in range(4)]
    for thread in threads:
        thread.join()
    bring(webhook)

    assert shop.told == [("created", contact_id) for contact_id in ids]


def count_open() -> int:
    """Transactions of others that are open and wait for nothing in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%%' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_nothing_leaves_the_house_inside_a_transaction(shop, listen, run_jobs):
    """While the shop has the request, no transaction of ours stays open; other jobs' own come and go."""
    seen: list[bool] = []
    answer = shop.answer

    def look(body: Any) -> int:
        deadline = time.monotonic() + 5
        while (is_open := count_open() > 0) and time.monotonic() < deadline:
            time.sleep(0.02)
        seen.append(is_open)
        connections.close_all()
        return int(answer(body))

    shop.answer = look
    listen()
    make("A-1")
    run_jobs()

    assert seen == [False]
