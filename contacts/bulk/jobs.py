"""Bulk calls as jobs: one after the other, in the order in which they came."""

from __future__ import annotations

from django.db import connection, transaction
from procrastinate.exceptions import AlreadyEnqueued

from contacts.bulk.calls import IN_ORDER, JOB, forget_old_calls, run_call, take_up_left
from crm.jobs import app, periodic

__all__ = ["forget_calls", "take_up_calls", "work_off_job"]


@app.task(name=JOB, queue="bulk", lock=IN_ORDER)
def work_off_job(call_id: int) -> None:
    """Resolve the contacts of a bulk call."""
    try:
        run_call(call_id)
    finally:
        connection.close()  # the worker's thread may not come back to it for long


@periodic(cron="* * * * *")
def take_up_calls() -> None:
    """Every minute: calls whose process was killed go on."""
    for call_id in take_up_left():
        try:
            with transaction.atomic():
                work_off_job.configure(queueing_lock=f"{JOB}:{call_id}").defer(call_id=call_id)
        except AlreadyEnqueued:
            pass


@periodic(cron="50 2 * * *")
def forget_calls() -> None:
    """Calls of more than a week ago."""
    forget_old_calls()
