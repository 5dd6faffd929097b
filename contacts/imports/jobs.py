"""Previews, runs and undos of imports as jobs: each is taken up where it stopped, whoever or whatever stopped it.

A job holds the claim of its import, so that a second job for it finds nothing to do. When a worker dies, its claims go
with its connections; ``take_up_left`` looks twice a minute for imports that should be worked on and are claimed by
nobody, and enqueues them again. So many run at once as there are slots; the others wait.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from procrastinate import JobContext

from contacts.imports import files
from contacts.imports.errors import ImportRunning, WorkerDied
from contacts.imports.links import fetch_file
from contacts.imports.orders.preview import preview_orders
from contacts.imports.orders.run import carry_out_orders
from contacts.imports.preview import preview_import
from contacts.imports.run import carry_out, wait_for_claim
from contacts.imports.undo import undo_import
from contacts.models import Import, ImportContent, ImportStatus, ImportWish, Policy, PreviewRow
from crm.claims import claiming, is_claimed, may_claim
from crm.jobs import (
    WorkerStopping,
    app,
    at_start,
    connection_let_go,
    enqueue_once,
    failures_told,
    periodic,
    stop_when_told,
)

__all__ = [
    "ACTIVE",
    "empty_preview",
    "fetch_import_job",
    "preview_import_job",
    "run_import_job",
    "take_up_left",
    "undo_import_job",
]

logger = logging.getLogger(__name__)

ACTIVE: Final = frozenset(
    {ImportStatus.FETCHING, ImportStatus.PREVIEWING, ImportStatus.QUEUED, ImportStatus.RUNNING, ImportStatus.UNDOING}
)
"""Where somebody has to work on an import."""
MOST_ATTEMPTS: Final = 5
"""Of an import whose worker keeps dying without coming any further: perhaps the import is what kills it."""
PREVIEWS_KEPT: Final = timedelta(days=14)

Tell = Callable[[Any], None]
Work = Callable[[Import, Tell], None]


@app.task(name="contacts.imports.preview", queue="imports", pass_context=True)
def preview_import_job(context: JobContext, import_id: int) -> None:
    """Look at every row of an import."""
    attend(import_id, {ImportStatus.PREVIEWING}, preview, context)


@app.task(name="contacts.imports.fetch", queue="imports", pass_context=True)
def fetch_import_job(context: JobContext, import_id: int) -> None:
    """Bring the file of an import here; it is run next."""
    attend(import_id, {ImportStatus.FETCHING}, fetch, context)


@app.task(name="contacts.imports.run", queue="imports", pass_context=True)
def run_import_job(context: JobContext, import_id: int) -> None:
    """Apply the rows of an import that are not done yet."""
    attend(import_id, {ImportStatus.QUEUED, ImportStatus.RUNNING}, run, context)


@app.task(name="contacts.imports.undo", queue="imports", pass_context=True)
def undo_import_job(context: JobContext, import_id: int) -> None:
    """Take back what an import did."""
    attend(import_id, {ImportStatus.UNDOING}, undo, context)


JOBS: Final = {
    ImportStatus.FETCHING: fetch_import_job,
    ImportStatus.PREVIEWING: preview_import_job,
    ImportStatus.QUEUED: run_import_job,
    ImportStatus.RUNNING: run_import_job,
    ImportStatus.UNDOING: undo_import_job,
}


# What each of them does, with the claim in hand


def fetch(import_run: Import, tell: Tell) -> None:
    """What was fetched waits for its run, unless somebody cancelled it meanwhile."""
    fetch_file(import_run)
    with transaction.atomic():
        import_run.status = ImportStatus.QUEUED
        held = Import.objects.select_for_update().filter(pk=import_run.pk, status=ImportStatus.FETCHING)
        if held.exists():
            import_run.attempts, import_run.taken_up_at = 0, None
            import_run.save()
            return
    files.remove(import_run.stored_name)


def preview(import_run: Import, tell: Tell) -> None:
    if import_run.wish != ImportWish.CANCEL:
        look = preview_orders if import_run.content == ImportContent.ORDERS else preview_import
        look(import_run, tell=tell)
    with transaction.atomic():
        held = Import.objects.select_for_update().get(pk=import_run.pk)
        if held.wish == ImportWish.CANCEL:
            empty_preview(held.pk)
            stands = {"status": ImportStatus.UPLOADED, "preview_counts": None, "preview_rows_done": 0}
        else:
            stands = {"status": ImportStatus.PREVIEWED}
        Import.objects.filter(pk=held.pk).update(**stands, wish="")


def run(import_run: Import, tell: Tell) -> None:
    work = carry_out_orders if import_run.content == ImportContent.ORDERS else carry_out
    if work(import_run, tell=tell) != ImportWish.PAUSE:
        empty_preview(import_run.pk)


def undo(import_run: Import, tell: Tell) -> None:
    undo_import(import_run, by=import_run.undo_by or import_run.by, tell=tell)
    undoing = Import.objects.filter(pk=import_run.pk, status=ImportStatus.UNDOING)
    undoing.update(status=ImportStatus.UNDONE, finished_at=datetime.now(UTC))


# Taking up


@connection_let_go()
def attend(import_id: int, statuses: set[ImportStatus], work: Work, context: JobContext) -> None:
    """Do ``work`` on an import that stands in one of ``statuses``, unless somebody else does, or no slot is free."""
    slots = [f"import slot {number}" for number in range(settings.IMPORTS_AT_ONCE)]
    try:
        with claiming() as own:
            if not any(may_claim(own, slot) for slot in slots):
                return  # whoever gives one back will call it
            wait_for_claim(own, claim_of(import_id))
            import_run = Import.objects.filter(pk=import_id, status__in=statuses).first()
            if import_run is not None:
                work_on(import_run, work, lambda _: stop_when_told(context))
        take_up_left()  # the slot is free for the next
    except (ImportRunning, WorkerStopping):
        return  # another job is at it, or will be


def claim_of(import_id: int) -> str:
    return f"import number {import_id}"


def work_on(import_run: Import, work: Work, tell: Tell) -> None:
    note, name = partial(note_failure, import_run), f"Import {import_run.pk}"
    with failures_told(note, passing=(ImportRunning, WorkerStopping), logger=logger, name=name):
        count_attempt(import_run)
        work(import_run, tell)


def count_attempt(import_run: Import) -> None:
    """Raises WorkerDied when it was taken up too often at the same place."""
    place = place_of(import_run)
    is_same = import_run.taken_up_at is not None and import_run.taken_up_rows == place
    attempts = import_run.attempts + 1 if is_same else 1
    if attempts > MOST_ATTEMPTS:
        raise WorkerDied
    import_run.attempts, import_run.taken_up_rows, import_run.taken_up_at = attempts, place, datetime.now(UTC)
    import_run.save(update_fields=["attempts", "taken_up_rows", "taken_up_at"])


def place_of(import_run: Import) -> int:
    if import_run.status == ImportStatus.PREVIEWING:
        return import_run.preview_rows_done
    return import_run.undo_done if import_run.status == ImportStatus.UNDOING else import_run.rows_done


def note_failure(import_run: Import, message: str) -> None:
    Import.objects.filter(pk=import_run.pk, status__in=ACTIVE).update(
        status=ImportStatus.FAILED, error=message, wish="", finished_at=datetime.now(UTC)
    )


@at_start
@app.periodic(cron="* * * * * */30")
@app.task(name="contacts.imports.take_up_left", queueing_lock="contacts.imports.take_up_left")
def take_up_left_job(timestamp: int) -> None:
    """Twice a minute: imports whose worker was killed go on, and so do those that waited for a slot."""
    take_up_left()


def take_up_left() -> None:
    """Enqueue every import that should be worked on and that nobody has claimed."""
    # What the command imports it goes on with itself; of such imports only the undo is ours.
    ours = Import.objects.filter(status__in=ACTIVE).exclude(stored_name="", status=ImportStatus.RUNNING)
    for import_id, status in ours.order_by("pk").values_list("pk", "status"):
        if not is_claimed(claim_of(import_id)):
            enqueue_once(JOBS[ImportStatus(status)], import_id=import_id)


# Keeping house


def empty_preview(import_id: int) -> None:
    """Empty the preview of an import."""
    rows = PreviewRow.objects.filter(import_run_id=import_id)
    rows._raw_delete(rows.db)


def files_kept_for() -> timedelta:
    """As the account wants it."""
    policy = Policy.objects.order_by("pk").first() or Policy()
    return timedelta(days=policy.import_files_kept_days)


@periodic(cron="40 2 * * *")
def forget_old_files() -> None:
    """Files that were imported long ago, uploads that nobody went on with, and previews of two weeks ago."""
    now, kept_for = datetime.now(UTC), files_kept_for()
    stale = Import.objects.filter(status=ImportStatus.PREVIEWED, created_at__lt=now - PREVIEWS_KEPT)
    for import_run in stale:
        with transaction.atomic():
            empty_preview(import_run.pk)
            stale.filter(pk=import_run.pk).update(
                status=ImportStatus.UPLOADED, preview_counts=None, preview_rows_done=0
            )
    wanted = Q(created_at__gte=now - kept_for) | Q(status__in=(*ACTIVE, ImportStatus.PAUSED))
    kept = Import.objects.exclude(stored_name="").filter(wanted)
    files.remove_old(older_than=kept_for, keep=set(kept.values_list("stored_name", flat=True)))
