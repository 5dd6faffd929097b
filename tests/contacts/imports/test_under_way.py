"""Imports while they run: stopped and resumed between two batches, several at once, beside other writers."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
from django.db import connection
from procrastinate import JobContext
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.job_context import AbortReason

from contacts import identity
from contacts.identity.types import API
from contacts.imports import flow, jobs
from contacts.imports.batches import BATCH
from contacts.imports.plan import Options
from contacts.imports.run import SHORT_BATCH, run_import
from contacts.models import Change, Contact, Import
from crm.jobs import app
from tests.contacts.imports.files import HEADER
from tests.contacts.imports.flowing import upload

Jobs = Callable[[], None]

ROWS = 15_000


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


def upload_people(first: str, rows: int = ROWS) -> Import:
    return upload(HEADER, *(f"{first}{number},{first}{number}@example.com,Name {number}" for number in range(rows)))


@contextmanager
def working(run_jobs: Jobs) -> Iterator[None]:
    """Jobs are worked off meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(run_jobs)
        yield
        done.result()


def wait_for_rows(run: Import, rows: int) -> None:
    deadline = time.monotonic() + 120
    while not Import.objects.filter(pk=run.pk, rows_done__gte=rows).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_is_paused_after_a_batch_and_goes_on_there(run_jobs: Jobs):
    run = flow.start(upload_people("a"))
    with working(run_jobs):
        wait_for_rows(run, 1_000)
        assert flow.pause(run).wish == "pause"
    run.refresh_from_db()
    assert (run.status, run.wish, run.rows_done % BATCH) == ("paused", "", 0)
    assert 0 < run.rows_done < ROWS
    assert Contact.objects.count() == run.rows_done
    assert run.finished_at is None

    flow.resume(run)
    run_jobs()

    run.refresh_from_db()
    assert (run.status, run.rows_done, run.counts["created"]) == ("finished", ROWS, ROWS)
    assert Contact.objects.count() == Change.objects.count() == ROWS


def test_a_run_that_is_cancelled_keeps_what_is_done(run_jobs: Jobs):
    run = flow.start(upload_people("a"))
    with working(run_jobs):
        wait_for_rows(run, 1_000)
        view = flow.progress(Import.objects.get(pk=run.pk))
        flow.cancel(run)
    assert (view.total, view.status) == (ROWS, "running")
    assert view.rows_per_second > 0
    assert view.seconds_left is not None
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert 0 < run.rows_done < ROWS
    assert Contact.objects.count() == run.rows_done


def test_several_imports_and_other_writers_do_not_harm_each_other(run_jobs: Jobs):
    before = sys.getswitchinterval(), gc.get_threshold()
    runs = [flow.start(upload_people(first, 5_000)) for first in "abc"]
    with working(run_jobs):
        wait_for_rows(runs[0], 1)
        for number in range(20):
            identity.resolve_one({"email": f"a{number}@example.com", "town": "Lviv"}, API, by="key:1")
    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.rows_done) == ("finished", 5_000)
    assert Contact.objects.count() == 15_000
    assert Contact.objects.filter(town="Lviv").count() == 20
    assert (sys.getswitchinterval(), gc.get_threshold()) == before


@pytest.mark.django_db(transaction=True)
def test_an_import_writes_fewer_rows_at_a_time_while_others_wait_for_it(tmp_path: Path):
    lines = [HEADER, *(f"a{number},a{number}@example.com,Name {number}" for number in range(2 * ROWS))]
    (tmp_path / "people.csv").write_text("\n".join(lines), encoding="utf-8")
    done = [0]
    with others_calling():
        report = run_import(tmp_path / "people.csv", Options(), by="user:1", tell=lambda now: done.append(now.rows))
    assert report.counts["created"] == 2 * ROWS
    sizes = {after - before for before, after in pairwise(done)}
    assert SHORT_BATCH in sizes
    assert max(sizes) == BATCH
    assert Contact.objects.filter(first_name="Olena").count() == 1


@contextmanager
def others_calling() -> Iterator[None]:
    """Somebody changes one contact after the other, as often as may be."""
    stop = Event()

    def call() -> None:
        try:
            while not stop.is_set():
                person = {"external_id": "olena", "first_name": "Olena", "last_name": f"Name {time.monotonic()}"}
                identity.resolve_one(person, API, by="key:1")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        called = thread.submit(call)
        try:
            yield
        finally:
            stop.set()
        called.result()


def test_a_worker_that_is_to_stop_leaves_the_rest_to_the_next_one(run_jobs: Jobs):
    run = flow.start(upload_people("a"))
    stopping = JobContext(
        start_timestamp=0.0,
        app=app,
        job=ProcrastinateJob.objects.get().procrastinate_job,
        abort_reason=lambda: AbortReason.SHUTDOWN,
    )
    jobs.run_import_job(stopping, import_id=run.pk)
    run.refresh_from_db()
    assert run.status == "running"
    assert 0 < run.rows_done <= BATCH

    run_jobs()

    run.refresh_from_db()
    assert (run.status, run.rows_done, run.counts["created"]) == ("finished", ROWS, ROWS)
