"""The queue: transactional, periodic, and forgiving to workers that die."""

from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.contrib.django.procrastinate_app import current_app

from crm.jobs import app, periodic, queue_first_jobs
from crm.models import ApiKey


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
