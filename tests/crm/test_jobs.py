"""The queue: transactional, periodic, and forgiving to workers that die."""

import logging
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.contrib.django.procrastinate_app import current_app

from crm.errors import CardfileError
from crm.jobs import (
    WorkerStopping,
    app,
    connection_let_go,
    enqueue_once,
    failures_told,
    periodic,
    queue_first_jobs,
    stop_when_told,
)
from crm.models import ApiKey

logger = logging.getLogger(__name__)


@app.task(name="tests.note")
def note(name: str) -> None:
    ApiKey.objects.create(name=name, prefix=name, digest=b"")


@app.task(name="tests.note_and_roll_back")
def note_and_roll_back() -> None:
    with transaction.atomic():
        note.defer(name="from a rollback")
        transaction.set_rollback(True)


@periodic(cron="0 0 1 1 *")
def yearly() -> None:
    note(name="yearly")


class Unreadable(CardfileError):
    """The file cannot be read."""

    code = "unreadable"


def names() -> set[str]:
    return set(ApiKey.objects.values_list("name", flat=True))


def test_a_job_runs(run_jobs):
    note.defer(name="Ayşe")

    run_jobs()

    assert names() == {"Ayşe"}


def test_a_rollback_drops_the_job(run_jobs):
    with transaction.atomic():
        note.defer(name="Ayşe")
        transaction.set_rollback(True)

    assert not ProcrastinateJob.objects.exists()


def test_a_job_enqueues_within_its_own_transaction(run_jobs):
    note_and_roll_back.defer()

    run_jobs()

    assert names() == set()


def test_a_periodic_job_is_known_and_never_queued_twice(run_jobs):
    assert any(task.task.name.endswith("yearly") for task in current_app.periodic_registry.periodic_tasks.values())
    assert yearly.queueing_lock

    yearly.defer(timestamp=0)
    run_jobs()

    assert names() == {"yearly"}


def test_a_job_whose_worker_died_is_run_again(run_jobs):
    from crm.jobs import retry_stalled_jobs

    note.defer(name="Ayşe")
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_workers (last_heartbeat) values (now() - interval '5 minutes') returning id"
        )
        cursor.execute("update procrastinate_jobs set status = 'doing', worker_id = %s", [cursor.fetchone()[0]])

    retry_stalled_jobs.defer(timestamp=0)
    run_jobs()
    run_jobs()

    assert names() == {"Ayşe"}


def test_a_job_that_keeps_killing_its_worker_is_given_up(run_jobs):
    from crm.jobs import retry_stalled_jobs

    note.defer(name="Ayşe")
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into procrastinate_workers (last_heartbeat) values (now() - interval '5 minutes') returning id"
        )
        cursor.execute(
            "update procrastinate_jobs set status = 'doing', attempts = 5, worker_id = %s", [cursor.fetchone()[0]]
        )

    retry_stalled_jobs.defer(timestamp=0)
    run_jobs()
    run_jobs()

    assert names() == set()
    assert ProcrastinateJob.objects.get(task_name="tests.note").status == "failed"


def test_a_worker_begins_with_what_a_killed_one_may_have_left(run_jobs):
    queue_first_jobs()
    queue_first_jobs()

    waiting = list(ProcrastinateJob.objects.values_list("task_name", flat=True))
    assert len(waiting) == len(set(waiting))
    assert {"contacts.imports.take_up_left", "contacts.actions.take_up_left"} <= set(waiting)


# What jobs share


def test_what_waits_with_the_same_arguments_is_enqueued_once(run_jobs):
    enqueue_once(note, name="Ayşe")
    enqueue_once(note, name="Ayşe")
    enqueue_once(note, name="Olena")

    assert sorted(job.args["name"] for job in ProcrastinateJob.objects.all()) == ["Ayşe", "Olena"]


@pytest.mark.django_db(transaction=True)
def test_after_a_job_its_connection_is_closed_even_if_it_failed():
    @connection_let_go()
    def look_and_fail() -> None:
        assert not names()
        raise Unreadable

    with pytest.raises(Unreadable):
        look_and_fail()

    assert connection.connection is None


@pytest.mark.django_db
def test_the_connection_of_an_open_transaction_stays():
    with connection_let_go():
        assert not names()

    assert connection.connection is not None


@pytest.mark.parametrize(
    ("error", "told", "goes_on"),
    [
        (Unreadable(), ["The file cannot be read."], False),
        (OperationalError("the server closed the connection"), [], True),
        (KeyError("name"), ["Something went wrong. Tell the administrator, who finds it in the log."], True),
        (WorkerStopping(), [], True),
    ],
    ids=["a known one", "the database is gone", "an unknown one", "one that ends no work"],
)
def test_what_ends_a_work_is_told_and_given_on_where_the_queue_has_to_mend_it(error, told, goes_on):
    said: list[str] = []
    came_on = False
    try:
        with failures_told(said.append, passing=(WorkerStopping,), logger=logger, name="Import 1"):
            raise error
    except type(error):
        came_on = True

    assert (said, came_on) == (told, goes_on)


def test_that_the_database_is_gone_is_told_where_nobody_takes_the_work_up_again():
    said: list[str] = []

    with (
        pytest.raises(OperationalError),
        failures_told(said.append, gone="Export again.", logger=logger, name="Export 1"),
    ):
        raise OperationalError

    assert said == ["Export again."]


def test_a_worker_that_is_told_to_stop_stops_between_two_batches():
    told, untold = (SimpleNamespace(should_abort=lambda is_told=is_told: is_told) for is_told in (True, False))

    stop_when_told(untold)
    with pytest.raises(WorkerStopping):
        stop_when_told(told)
