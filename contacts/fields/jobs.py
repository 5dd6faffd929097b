"""Works on the values of custom fields as jobs."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

from django.db import transaction
from procrastinate import JobContext
from procrastinate.exceptions import AlreadyEnqueued

from contacts.fields.carry_out import carry_out, give_up
from contacts.fields.works import JOB, OPEN
from contacts.models import FieldWork
from crm.jobs import app, at_start, connection_let_go, failures_told, periodic

__all__ = ["take_up_left", "work_job"]

logger = logging.getLogger(__name__)


@app.task(name=JOB, queue="fields", pass_context=True)
@connection_let_go()
def work_job(context: JobContext, work_id: int) -> None:
    """Go through the contacts; a worker that is to stop leaves the rest to the next one."""
    work = FieldWork.objects.filter(pk=work_id, status__in=OPEN).first()
    if work is not None and not attend(work, context):
        enqueue(work_id)


def attend(work: FieldWork, context: JobContext) -> bool:
    """What the database dropped is taken up again; all else is given up, and taken back where it can be."""
    with failures_told(partial(give_up, work), logger=logger, name=f"Field work {work.pk}"):
        return carry_out(work, may_go_on=lambda: not context.should_abort())
    return work.status not in OPEN


def enqueue(work_id: int) -> None:
    with suppress(AlreadyEnqueued), transaction.atomic():
        work_job.configure(lock=f"{JOB}:{work_id}", queueing_lock=f"{JOB}:{work_id}").defer(work_id=work_id)


@at_start
@periodic(cron="*/2 * * * *")
def take_up_left() -> None:
    """Works whose worker was killed, and those that are taken back; one that is under way is waited for."""
    for work_id in FieldWork.objects.filter(status__in=OPEN).values_list("pk", flat=True):
        enqueue(work_id)
