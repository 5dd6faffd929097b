"""Runs on the queue: done by a worker, and taken up by another one where it was left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection

from contacts.exports.warehouse.flow import choose_tables, save_target, start_run
from contacts.exports.warehouse.jobs import MOST_ATTEMPTS, attend, claim_of, take_up_left
from contacts.models import ExportRun, ExportTarget, RunStatus, TargetKind
from crm.claims import claiming, may_claim
from tests.contacts.exports.warehouse.conftest import Company
from tests.people import OLENA, Stage, have

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target(company: Company, stage: Stage) -> ExportTarget:
    have("Olena", {"external_id": "O-1", "email": OLENA})(stage)
    kept = ExportTarget(name="Company", kind=TargetKind.POSTGRESQL, settings={"schema": "cardfile"})
    save_target(kept, secret=company.dsn)
    choose_tables(kept, {"contacts": None})
    return kept


def forget_jobs() -> None:
    """As if the worker had been killed after it took them."""
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs cascade")


def test_a_worker_does_what_was_asked_for(target: ExportTarget, company: Company, run_jobs: Callable[[], None]) -> None:
    run = start_run(target, by="user:1")
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.error) == (RunStatus.FINISHED, "")
    assert [row["externalCustomerId"] for row in company.rows()] == ["O-1"]


def test_a_run_that_nobody_works_on_is_taken_up(
    target: ExportTarget, company: Company, run_jobs: Callable[[], None]
) -> None:
    run = start_run(target, by="user:1")
    ExportRun.objects.update(status=RunStatus.RUNNING, started_at=datetime.now(UTC))
    forget_jobs()
    take_up_left()
    run_jobs()
    run.refresh_from_db()
    assert run.status == RunStatus.FINISHED


def test_a_run_that_somebody_works_on_is_left_to_them(target: ExportTarget, run_jobs: Callable[[], None]) -> None:
    run = start_run(target, by="user:1")
    with claiming() as own:
        assert may_claim(own, claim_of(target.pk))
        take_up_left()
        run_jobs()
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED


def test_a_run_whose_worker_dies_again_and_again_is_given_up(target: ExportTarget) -> None:
    run = start_run(target, by="user:1")
    ExportRun.objects.update(status=RunStatus.RUNNING, attempts=MOST_ATTEMPTS, taken_up_place=" 0")
    attend(run.pk, tell=lambda: None)
    run.refresh_from_db()
    assert (run.status, run.error_code) == (RunStatus.FAILED, "worker_died")
