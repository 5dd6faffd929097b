"""What people do with an action, from confirming it to taking it back: each verb looks at how it stands, and moves it.

The work is done by a job, enqueued in the transaction that says so; a few contacts are done at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from contacts.actions.errors import TakenOver, WrongMoment
from contacts.actions.gathering import highest_id
from contacts.actions.outcomes import COUNTED
from contacts.actions.run import carry_out
from contacts.actions.verbs import Verb, choices_of
from contacts.models import ActionBatch, ActionRow, ActionStatus, ActionWish, ContactAction
from contacts.selections import Selection
from crm.errors import CardfileError
from crm.jobs import app

__all__ = ["AT_ONCE", "JOB", "Progress", "begin", "cancel", "enter", "fail", "forget_old", "pause", "resume", "undo"]

S: Final = ActionStatus
AT_ONCE: Final = 100
"""So many contacts are done while the person waits."""
JOB: Final = "contacts.actions.work"
KEPT_FOR: Final = timedelta(days=90)
"""So long an action can be taken back."""
FORGOTTEN_AT_ONCE: Final = 50


def begin(verb: Verb, selection: Selection, *, by: str, count: int | None) -> ContactAction:
    """Do it to whoever the selection means now: at once where ``count`` is known to be small, else in the background.

    Raises ``ActionRefused`` where it cannot be done.
    """
    verb.check()
    is_small = count is not None and count <= AT_ONCE
    with transaction.atomic():
        action = ContactAction.objects.create(
            verb=verb.name,
            choices=choices_of(verb),
            selection=selection.as_json(),
            until_id=highest_id(),
            counts=dict.fromkeys(COUNTED, 0),
            status=S.RUNNING if is_small else S.QUEUED,
            taken_up_at=datetime.now(UTC) if is_small else None,
            by=by,
        )
        if not is_small:
            enter(action)
    if is_small:
        _do_now(action)
    return action


def _do_now(action: ContactAction) -> None:
    """What cannot be done is said on the action, as a job would; what this process does not finish, one does."""
    try:
        carry_out(action)
    except TakenOver:
        action.refresh_from_db()
    except CardfileError as error:
        fail(action.pk, error.message)
        action.refresh_from_db()


def enter(action: ContactAction) -> None:
    """Hand it to the queue, in this transaction."""
    app.configure_task(JOB, allow_unknown=True, queue="actions").defer(action_id=action.pk)


def fail(action_id: int, message: str) -> None:
    under_way = ContactAction.objects.filter(pk=action_id, status__in=(S.QUEUED, S.RUNNING, S.UNDOING))
    under_way.update(status=S.FAILED, error=message, wish="", finished_at=datetime.now(UTC))


# While it is under way


def pause(action: ContactAction) -> ContactAction:
    """Stop after the batch that is under way, until somebody resumes."""
    with _moving(action, {S.QUEUED, S.RUNNING}):
        if action.status == S.QUEUED:
            action.status = S.PAUSED
        elif action.wish != ActionWish.CANCEL:
            action.wish = ActionWish.PAUSE
    return action


def resume(action: ContactAction) -> ContactAction:
    """Go on where it stopped: after a pause, or after something failed."""
    with _moving(action, {S.PAUSED, S.RUNNING, S.FAILED}):
        if action.status == S.RUNNING and action.wish != ActionWish.PAUSE:
            raise WrongMoment
        if action.status != S.RUNNING:
            action.status = S.UNDOING if action.undo_by else S.QUEUED if action.total is None else S.RUNNING
            _start_anew(action)
        action.wish = ""
    return action


def cancel(action: ContactAction) -> ContactAction:
    """Stop for good after the batch that is under way; what is done stays."""
    with _moving(action, {S.QUEUED, S.RUNNING, S.PAUSED}):
        if action.status == S.RUNNING:
            action.wish = ActionWish.CANCEL
        else:
            action.status, action.finished_at = S.CANCELLED, datetime.now(UTC)
    return action


def undo(action: ContactAction, *, by: str) -> ContactAction:
    """Take back in the background what it did; after a failure it goes on where it stopped."""
    with _moving(action, {S.FINISHED, S.CANCELLED, S.FAILED, S.PAUSED}):
        if not action.done or not action.batches.exists():
            raise WrongMoment
        action.undo_by = action.undo_by or by
        action.status = S.UNDOING
        _start_anew(action)
    return action


def _start_anew(action: ContactAction) -> None:
    action.error, action.finished_at, action.attempts, action.taken_up_at = "", None, 0, None
    enter(action)


@contextmanager
def _moving(action: ContactAction, allowed: Collection[str]) -> Iterator[None]:
    """Holds the action's row while a verb looks at it and changes it, so that two verbs do not meet."""
    with transaction.atomic():
        ContactAction.objects.select_for_update().get(pk=action.pk)
        action.refresh_from_db()
        if action.status not in allowed:
            raise WrongMoment
        yield
        action.save(update_fields=MOVED)


MOVED: Final = ("status", "wish", "error", "finished_at", "attempts", "taken_up_at", "undo_by")


# How far it is


@dataclass(frozen=True, slots=True)
class Progress:
    """``total`` is None until it is known whom it means; ``per_second`` 0 and ``seconds_left`` None where unknown."""

    done: int
    total: int | None
    per_second: float
    seconds_left: float | None

    @classmethod
    def of(cls, action: ContactAction, *, now: datetime | None = None) -> Progress:
        is_undo = action.status in (S.UNDOING, S.UNDONE)
        done, total = (action.undo_done, action.done) if is_undo else (action.done, action.total)
        speed, left = 0.0, None
        if action.taken_up_at is not None and action.status in (S.RUNNING, S.UNDOING):
            seconds = ((now or datetime.now(UTC)) - action.taken_up_at).total_seconds()
            speed = max(0.0, (done - action.taken_up_done) / seconds) if seconds > 0 else 0.0
            left = (total - done) / speed if total is not None and speed else None
        return cls(done, total, speed, left)


# Keeping house


def forget_old(*, now: datetime | None = None) -> int:
    """Whom old actions meant, and whom they refused; that they were, and their counts, stay."""
    before = (now or datetime.now(UTC)) - KEPT_FOR
    old = ContactAction.objects.filter(finished_at__lt=before, batches__isnull=False).distinct()
    gone = 0
    for action_id in list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        for model in (ActionBatch, ActionRow):
            rows: Any = model.objects.filter(action_id=action_id)
            rows._raw_delete(rows.db)
        gone += 1
    return gone
