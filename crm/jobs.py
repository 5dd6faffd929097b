"""The queue: PostgreSQL itself, by procrastinate.

A room keeps its jobs in a module ``jobs.py`` of its Django app, which is found by that name:

    from crm.jobs import app, periodic

    @app.task(queue="imports", retry=3)
    def run_import(import_id: int) -> None: ...

    run_import.defer(import_id=1)  # in the caller's transaction: a rollback drops the job

    @periodic(cron="30 3 * * *")
    def erase_inactive_contacts() -> None: ...

A job is a batch, never one contact, and may run twice: a job whose worker died is run again.
"""

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from procrastinate import JobContext, PsycopgConnector, exceptions, jobs
from procrastinate.connector import BaseConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.tasks import Task

from crm import audit
from crm.api import answers
from crm.errors import CardfileError
from crm.login import attempts, sessions

__all__ = [
    "WorkerStopping",
    "app",
    "at_start",
    "connection_let_go",
    "enqueue_once",
    "failures_told",
    "periodic",
    "run_worker",
    "stop_when_told",
]

MOST_ATTEMPTS = 5  # of a job whose worker keeps dying: perhaps the job is what kills it
SHUTDOWN_SECONDS = 10  # for jobs that are under way when the worker is told to stop


class WorkerConnector(PsycopgConnector):
    """The worker's own pool, but a job that enqueues another one does so in its own Django transaction."""

    def get_sync_connector(self) -> BaseConnector:
        return DjangoConnector()


def periodic(*, cron: str, **options: Any) -> Callable[[Callable[[], object]], Task[..., Any, Any]]:
    """A job by the clock (UTC), never queued twice at a time. ``options`` are those of ``app.task``."""

    def register(function: Callable[[], object]) -> Task[..., Any, Any]:
        @functools.wraps(function)
        def run(timestamp: int) -> None:  # the queue sends the moment at which it was due
            function()

        name = f"{function.__module__}.{function.__qualname__}"
        register_task: Any = app.task  # its overloads do not see through the options
        task: Task[..., Any, Any] = register_task(name=name, **{"queueing_lock": name, **options})(run)
        return app.periodic(cron=cron)(task)

    return register


_at_start: list[Task[..., Any, Any]] = []


def at_start(task: Task[..., Any, Any]) -> Task[..., Any, Any]:
    """A job by the clock that every worker begins with too: what a killed one left waits for no clock."""
    _at_start.append(task)
    return task


def queue_first_jobs() -> None:
    for task in _at_start:
        with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
            task.defer(timestamp=int(time.time()))


def enqueue_once(task: Task[..., Any, Any], **given: Any) -> None:
    """Enqueue it, unless it waits with what is given already."""
    lock = ":".join([task.name, *map(str, given.values())])
    with suppress(exceptions.AlreadyEnqueued), transaction.atomic():
        task.configure(queueing_lock=lock).defer(**given)


@contextmanager
def connection_let_go() -> Iterator[None]:
    """After the job its database connection is closed: the worker's thread may not come back to it for long."""
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()


class WorkerStopping(Exception):
    """The worker was told to stop; the next one goes on."""


def stop_when_told(context: JobContext) -> None:
    """Between two batches: a worker that is to stop waits for nobody for long. Raises WorkerStopping."""
    if context.should_abort():
        raise WorkerStopping


@contextmanager
def failures_told(
    tell: Callable[[str], object],
    *,
    gone: str = "",
    passing: tuple[type[Exception], ...] = (),
    logger: logging.Logger,
    name: str,
) -> Iterator[None]:
    """What ends a job's work is told to whoever waits for it, and given on to the queue unless it is theirs to mend.

    ``gone`` is what they read where the database went away, which is not told where the work is taken up again when it
    is back. ``passing`` ends no work. ``name`` is what the log calls it.
    """
    try:
        yield
    except passing:
        raise
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError):
        if gone:
            tell(gone)
        raise
    except CardfileError as error:
        tell(error.message)
    except Exception:
        logger.exception("%s failed.", name)
        tell(_("Something went wrong. Tell the administrator, who finds it in the log."))
        raise


def run_worker(*, concurrency: int | None = None, wait: bool = True) -> None:
    """Work until told to stop; with ``wait=False``, until the queue is empty and its last jobs are done."""
    if wait:
        queue_first_jobs()
    connector = WorkerConnector(kwargs=connector_params(), min_size=1, max_size=settings.WORKER_POOL_SIZE)
    with app.replace_connector(connector):
        app.run_worker(
            concurrency=concurrency or settings.WORKER_CONCURRENCY,
            wait=wait,
            shutdown_graceful_timeout=SHUTDOWN_SECONDS if wait else None,
        )


@app.periodic(cron="* * * * *")
@app.task(name="crm.jobs.retry_stalled_jobs", queueing_lock="crm.jobs.retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """A worker that was killed cannot say so; its heartbeat stops. It takes no lock that it might leave behind."""
    for job in await context.app.job_manager.get_stalled_jobs():
        if job.attempts < MOST_ATTEMPTS:
            try:
                await context.app.job_manager.retry_job(job)
                continue
            except exceptions.UniqueViolation:
                pass  # the same work is queued again already
        await context.app.job_manager.finish_job_by_id_async(job.id or 0, jobs.Status.FAILED, delete_job=False)


@app.periodic(cron="17 2 * * *")
@app.task(name="crm.jobs.forget_old_jobs", queueing_lock="crm.jobs.forget_old_jobs", pass_context=True)
async def forget_old_jobs(context: JobContext, timestamp: int) -> None:
    """Finished jobs are kept for three days, so that somebody can look; failed ones for thirty."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(nb_hours=24 * 3)
    await manager.delete_old_jobs(nb_hours=24 * 30, include_failed=True, include_cancelled=True, include_aborted=True)


@periodic(cron="23 * * * *")
def forget_old_answers() -> None:
    answers.forget_old_answers()


@periodic(cron="41 2 * * *")
def forget_old_logins() -> None:
    """Sessions that ended, failures of long ago, and entries of the audit log past their time."""
    sessions.forget_old_sessions()
    attempts.forget_old_attempts()
    audit.forget_old_entries()
