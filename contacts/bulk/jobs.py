"""Bulk calls as jobs."""

from __future__ import annotations

from procrastinate import JobContext

from contacts.bulk.calls import JOB
from contacts.bulk.turns import forget_old_calls, take_up_left, work_off_waiting
from crm.jobs import app, at_start, connection_let_go, enqueue_once, periodic

__all__ = ["forget_calls", "take_up_calls", "work_off_job"]


@app.task(name=JOB, queue="bulk", pass_context=True)
@connection_let_go()
def work_off_job(context: JobContext) -> None:
    """Resolve the contacts of the bulk calls that wait."""
    if not work_off_waiting(context.should_abort):
        enqueue_once(work_off_job)  # the worker is told to stop; the next one goes on


@at_start
@periodic(cron="* * * * *")
def take_up_calls() -> None:
    """Every minute: calls whose process was killed go on."""
    if take_up_left():
        enqueue_once(work_off_job)


@periodic(cron="50 2 * * *")
def forget_calls() -> None:
    """Calls of more than a week ago."""
    forget_old_calls()
