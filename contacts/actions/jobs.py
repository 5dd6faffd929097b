"""Actions as jobs: each is taken up where it stopped, whoever or whatever stopped it.

A job holds the claim of its action, so that a second one for it finds nothing to do. When a worker dies its claims go
with its connections; ``take_up_left`` looks twice a minute for actions that nobody works on.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from django.db.models import Q
from procrastinate import JobContext

from contacts.actions.errors import TakenOver, TooManyDeaths
from contacts.actions.flow import JOB, fail, forget_old
from contacts.actions.run import carry_out, undo_all
from contacts.models import ActionStatus, ContactAction
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

__all__ = ["forget_actions", "take_up_left", "work_job"]

logger = logging.getLogger(__name__)

UNDER_WAY: Final = (ActionStatus.QUEUED, ActionStatus.RUNNING, ActionStatus.UNDOING)
MOST_ATTEMPTS: Final = 5
"""Of an action whose worker keeps dying without coming any further: perhaps the action is what kills it."""
AT_ONCE_SECONDS: Final = 60
"""A person's own request does a small one; it is left alone so long."""


@app.task(name=JOB, queue="actions", pass_context=True)
@connection_let_go()
def work_job(context: JobContext, action_id: int) -> None:
    """Do, or take back, what is left of an action."""
    with claiming() as own:
        if may_claim(own, claim_of(action_id)):
            attend(action_id, context)


def attend(action_id: int, context: JobContext) -> None:
    action = ContactAction.objects.filter(pk=action_id, status__in=UNDER_WAY).first()
    if action is None:
        return
    with (
        failures_told(partial(fail, action_id), logger=logger, name=f"Action {action_id}"),
        suppress(TakenOver, WorkerStopping),  # another job is at it, or will be
    ):
        work_on(action, context)


def work_on(action: ContactAction, context: JobContext) -> None:
    count_attempt(action)
    work = undo_all if action.status == ActionStatus.UNDOING else carry_out
    work(action, tell=partial(stop_when_told, context))


def claim_of(action_id: int) -> str:
    return f"contact action number {action_id}"


def count_attempt(action: ContactAction) -> None:
    """Raises ``TooManyDeaths`` when it was taken up too often at the same place."""
    place = action.undo_done if action.status == ActionStatus.UNDOING else action.done
    is_same = action.taken_up_at is not None and action.taken_up_done == place
    action.attempts = action.attempts + 1 if is_same else 1
    if action.attempts > MOST_ATTEMPTS:
        raise TooManyDeaths
    action.taken_up_done, action.taken_up_at = place, datetime.now(UTC)
    action.save(update_fields=["attempts", "taken_up_done", "taken_up_at"])


@at_start
@app.periodic(cron="* * * * * */30")
@app.task(name="contacts.actions.take_up_left", queueing_lock="contacts.actions.take_up_left")
def take_up_left_job(timestamp: int) -> None:
    """Twice a minute: actions whose worker was killed go on."""
    take_up_left()


def take_up_left(*, now: datetime | None = None) -> None:
    """Enqueue every action that should be worked on and that nobody has claimed."""
    before = (now or datetime.now(UTC)) - timedelta(seconds=AT_ONCE_SECONDS)
    left = ContactAction.objects.filter(Q(created_at__lt=before) | Q(total__isnull=False), status__in=UNDER_WAY)
    for action_id in left.order_by("pk").values_list("pk", flat=True):
        if not is_claimed(claim_of(action_id)):
            enqueue_once(work_job, action_id=action_id)


@periodic(cron="55 2 * * *")
def forget_actions() -> None:
    """Whom actions of three months ago meant."""
    forget_old()
