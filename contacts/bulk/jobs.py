"""Bulk calls as jobs."""

from __future__ import annotations

from django.db import connection, transaction
from procrastinate import JobContext
from procrastinate.exceptions import AlreadyEnqueued

from contacts.bulk.calls import JOB
from contacts.bulk.turns import forget_old_calls, take_up_left, work_off_waiting
from crm.jobs import app, at_start, periodic

__all__ = ["forget_calls", "take_up_calls", "work_off_job"]


@app.task(name=JOB, queue="bulk", pass_context=True)
def work_off_job(context: JobContext) -> None:
    """Resolve the contacts of the bulk calls that wait."""
    try:
        if not work_off_waiting(context.should_abort):
            enqueue_once()  # the worker is told to stop; the next one goes on
    finally:
        connection.close()  # the worker's thread may not come back to it for long


def enqueue_once() -> None:
    try:
        with transaction.atomic():
            work_off_job.configure(queueing_lock=JOB).defer()
    except AlreadyEnqueued:
        pass


@at_start
@periodic(cron="* * * * *")
def take_up_calls() -> None:
    """Every minute: calls whose process was killed go on."""
    if take_up_left():
        enqueue_once()


@periodic(cron="50 2 * * *")
def forget_calls() -> None:
    """Calls of more than a week ago."""
    forget_old_calls()
