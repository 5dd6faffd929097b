"""What becomes of duplicates in the background."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _
from procrastinate import JobContext, RetryStrategy

from contacts.identity.clearing import CLEAR_JOB, TAKE_BACK_JOB, clear_cases, undo_clearing
from contacts.identity.namesakes import look_for_namesakes
from contacts.models import Clearing
from crm.jobs import app, failures_told, periodic

__all__ = ["clear_job", "look_for_namesakes_job", "take_back_job"]

logger = logging.getLogger(__name__)
GONE: Final = "The database was gone. It goes on by itself."
AGAIN: Final = RetryStrategy(max_attempts=10, wait=30)


@app.task(name=CLEAR_JOB, queue="bulk", pass_context=True, retry=AGAIN)
def clear_job(context: JobContext, clearing_id: int) -> None:
    """Merge the clear cases of one moment."""
    clearing = Clearing.objects.filter(pk=clearing_id, finished_at__isnull=True).first()
    _attend(clearing, clear_cases, clear_job, context)


@app.task(name=TAKE_BACK_JOB, queue="bulk", pass_context=True, retry=AGAIN)
def take_back_job(context: JobContext, clearing_id: int) -> None:
    """Take the merges of clear cases back."""
    clearing = Clearing.objects.filter(pk=clearing_id, undo_finished_at__isnull=True).first()
    _attend(clearing, undo_clearing, take_back_job, context)


def _attend(clearing: Clearing | None, work: Any, job: Any, context: JobContext) -> None:
    try:
        if clearing is None:
            return
        tell = partial(_tell, clearing.pk)
        with failures_told(tell, gone=_(GONE), logger=logger, name=f"Clearing {clearing.pk}"):
            if not work(clearing, context.should_abort):
                job.defer(clearing_id=clearing.pk)  # the worker is told to stop; the next one goes on
    finally:
        connection.close()  # the worker's thread may not come back to it for long


def _tell(clearing_id: int, error: str) -> None:
    Clearing.objects.filter(pk=clearing_id).update(error=error)


@periodic(cron="*/2 * * * *")
def look_for_namesakes_job() -> None:
    """Every other minute: whose name and birthday somebody else has, and what is suggested for new cases."""
    try:
        looked = look_for_namesakes()
        if looked.opened or looked.closed:
            told = (looked.contacts, looked.opened, looked.closed)
            logger.info("Looked at %d contacts: %d cases opened, %d closed.", *told)
    finally:
        if not connection.in_atomic_block:
            connection.close()
