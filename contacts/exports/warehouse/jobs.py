"""Runs as jobs: each is taken up where it stopped, whoever or whatever stopped it.

A job holds the claim of its target, so that one run of a target goes on at a time. When a worker dies its claims go
with its connections; ``take_up_left`` looks twice a minute for runs that nobody works on.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Final

import psycopg
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from procrastinate import JobContext

from contacts.exports.warehouse.errors import RunCancelled, TooManyDeaths
from contacts.exports.warehouse.flow import JOB, OPEN, forget_old_runs, start_due_runs
from contacts.exports.warehouse.mail import tell_owner
from contacts.exports.warehouse.marks import forget_marks
from contacts.exports.warehouse.members import forget_members
from contacts.exports.warehouse.run import Tell, carry_out
from contacts.models import ExportRun, ExportTarget, RunStatus
from crm.claims import claiming, is_claimed, may_claim
from crm.errors import CardfileError
from crm.jobs import WorkerStopping, app, at_start, connection_let_go, enqueue_once, periodic, stop_when_told

__all__ = ["attend", "run_job", "start_by_the_clock", "take_up_left"]

logger = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 5
"""Of a run whose worker keeps dying without coming any further: perhaps the run is what kills it."""


@app.task(name=JOB, queue="exports", pass_context=True)
@connection_let_go()
def run_job(context: JobContext, run_id: int) -> None:
    """Do what is left of a run."""
    target_id = ExportRun.objects.filter(pk=run_id, status__in=OPEN).values_list("target_id", flat=True).first()
    if target_id is None:
        return
    with claiming() as own:
        if may_claim(own, claim_of(target_id)):
            attend(run_id, tell=partial(stop_when_told, context))


def attend(run_id: int, *, tell: Tell) -> None:
    """Work on a run, and keep how it ended."""
    run = ExportRun.objects.filter(pk=run_id, status__in=OPEN).select_related("target__owner").first()
    if run is None:
        return
    try:
        count_attempt(run)
        carry_out(run, tell=tell)
    except WorkerStopping:
        return  # another job will be at it
    except RunCancelled:
        end(run, RunStatus.CANCELLED)
    except CardfileError as error:
        fail(run, error.message, error.code)
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError):
        raise  # our database was gone; it is taken up again when it is back
    except Exception:
        logger.exception("Export run %s failed.", run.pk)
        fail(run, _("Something went wrong. Tell the administrator, who finds it in the log."), "error")
        raise


def claim_of(target_id: int) -> str:
    return f"warehouse number {target_id}"


def count_attempt(run: ExportRun) -> None:
    """Raises ``TooManyDeaths`` when it was taken up too often at the same place."""
    place = f"{run.progress.get('data_set', '')} {run.progress.get('done', 0)}"
    run.attempts = run.attempts + 1 if run.taken_up_place == place else 1
    if run.attempts > MOST_ATTEMPTS:
        raise TooManyDeaths
    run.taken_up_place = place
    run.save(update_fields=["attempts", "taken_up_place"])


def end(run: ExportRun, status: str, **more: str) -> bool:
    """Whether it was still under way."""
    under_way = ExportRun.objects.filter(pk=run.pk, status__in=OPEN)
    return bool(under_way.update(status=status, finished_at=datetime.now(UTC), wish="", **more))


def fail(run: ExportRun, message: str, code: str) -> None:
    """Keep why; the owner is told by the first failure of a row."""
    run.error = message
    if not end(run, RunStatus.FAILED, error=message, error_code=code):
        return
    if ExportTarget.objects.filter(pk=run.target_id, failed_at=None).update(failed_at=datetime.now(UTC)):
        tell_owner(run)


@at_start
@app.periodic(cron="* * * * * */30")
@app.task(name="contacts.exports.warehouse.take_up_left", queueing_lock="contacts.exports.warehouse.take_up_left")
def take_up_left_job(timestamp: int) -> None:
    """Twice a minute: runs whose worker was killed go on, and what is due by the clock begins."""
    take_up_left()
    start_by_the_clock()


def take_up_left() -> None:
    """Enqueue every run that should be worked on and whose target nobody has claimed."""
    for run_id, target_id in ExportRun.objects.filter(status__in=OPEN).order_by("pk").values_list("pk", "target_id"):
        if not is_claimed(claim_of(target_id)):
            enqueue_once(run_job, run_id=run_id)


def start_by_the_clock() -> None:
    started = start_due_runs()
    if started:
        logger.info("Started %d exports by the clock.", started)


@periodic(cron="35 2 * * *")
def forget_runs() -> None:
    """The history of three months ago."""
    forget_old_runs()


@periodic(cron="50 * * * *")
def forget_told() -> None:
    """What was noted for warehouses, once every one of them was told."""
    forget_marks()
    forget_members()
