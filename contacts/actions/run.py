"""An action on its way: batch after batch, each done exactly once, whatever happens to the worker.

A batch, its outcomes, its refusals and the action's own progress are one transaction, and whoever finds the batch done
writes nothing. So a killed worker leaves whole batches, and the next one goes on with the first that is not done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection, transaction

from contacts.actions.errors import TakenOver
from contacts.actions.gathering import gather
from contacts.actions.outcomes import Done, Refusal
from contacts.actions.verbs import Verb, read_verb
from contacts.identity.errors import WriteConflict
from contacts.models import ActionBatch, ActionRow, ActionStatus, ActionWish, ContactAction

__all__ = ["LISTED_AT_MOST", "actor_of_action", "carry_out", "undo_all"]

LISTED_AT_MOST: Final = 10_000
"""Refusals that are kept of one action; beyond them only the number is."""
LONGEST_MESSAGE: Final = 500
STOPPED: Final = {ActionWish.PAUSE: ActionStatus.PAUSED, ActionWish.CANCEL: ActionStatus.CANCELLED}

_MOVE_ON: Final = """
UPDATE contacts_contactaction SET {done} = {done} + %(count)s, attempts = 0,
{counts} = {counts} || (
    SELECT jsonb_object_agg(new.key, coalesce(({counts} ->> new.key)::bigint, 0) + new.value::bigint)
    FROM jsonb_each_text(%(counts)s::jsonb) AS new
)
WHERE id = %(id)s RETURNING wish, coalesce(({counts} ->> 'refused')::bigint, 0)
"""

Tell = Callable[[], None]


def actor_of_action(action: ContactAction) -> str:
    """Who writes, as the journal, memberships and suppressions name it."""
    return f"action:{action.pk}"


def carry_out(action: ContactAction, *, tell: Tell | None = None) -> None:
    """Do what is left of an action, until its end or somebody's wish. ``tell`` is called before each batch.

    Raises ``TakenOver`` where another process is at it, and an ``ActionRefused`` where it cannot be done any more.
    """
    gather(action)
    verb = read_verb(action)
    wish, batch = action.wish, _next(action)
    while not wish and batch is not None:
        if tell is not None:
            tell()
        wish = _do(action, verb, batch)
        batch = _next(action, after=batch.number)
    _finish(action, STOPPED.get(ActionWish(wish)) if wish else ActionStatus.FINISHED)


def _next(action: ContactAction, after: int = -1) -> ActionBatch | None:
    return ActionBatch.objects.filter(action=action, number__gt=after, done_at__isnull=True).order_by("number").first()


def _do(action: ContactAction, verb: Verb, batch: ActionBatch) -> str:
    """One batch; what somebody wished meanwhile."""
    with transaction.atomic():
        done = _act(verb, batch.contact_ids, by=actor_of_action(action))
        moved = ActionBatch.objects.filter(pk=batch.pk, done_at__isnull=True)
        if not moved.update(done_at=datetime.now(UTC), effects=done.effects):
            raise TakenOver
        return _note(action, done, len(batch.contact_ids), of_undo=False)


def _act(verb: Verb, ids: Sequence[int], *, by: str) -> Done:
    """Where others kept changing the same contacts, by halves, down to the one that is refused alone."""
    try:
        with transaction.atomic():
            return verb.act(ids, by=by)
    except WriteConflict as conflict:
        if len(ids) == 1:
            return Done(refused=[Refusal(ids[0], conflict.code, conflict.message)])
    middle = len(ids) // 2
    first, second = (_act(verb, part, by=by) for part in (ids[:middle], ids[middle:]))
    effects = [*(first.effects or []), *(second.effects or [])] or None
    refused = [*first.refused, *second.refused]
    return Done(first.changed + second.changed, first.unchanged + second.unchanged, refused, effects)


def _note(action: ContactAction, done: Done, count: int, *, of_undo: bool) -> str:
    """How far it is now, and whom it refused; what somebody wished meanwhile."""
    names = {"done": "undo_done", "counts": "undo_counts"} if of_undo else {"done": "done", "counts": "counts"}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON.format(**names), {"count": count, "counts": json.dumps(done.counts), "id": action.pk})
        wish, refused = cursor.fetchone()
    room = max(0, LISTED_AT_MOST - (refused - len(done.refused)))
    ActionRow.objects.bulk_create(
        ActionRow(
            action=action, of_undo=of_undo, contact_id=one.contact_id, code=one.code, message=_storable(one.message)
        )
        for one in done.refused[:room]
    )
    return str(wish)


def _storable(message: str) -> str:
    return message.replace("\0", "\ufffd")[:LONGEST_MESSAGE]


def _finish(action: ContactAction, status: ActionStatus | None) -> None:
    """Where it stands when it stops; a wish that came after the last batch is void."""
    changed: dict[str, Any] = {"status": status, "wish": ""}
    if status != ActionStatus.PAUSED:
        changed["finished_at"] = datetime.now(UTC)
    ContactAction.objects.filter(pk=action.pk, status=ActionStatus.RUNNING).update(**changed)
    action.refresh_from_db()


# Taking back


def undo_all(action: ContactAction, *, tell: Tell | None = None) -> None:
    """Take back what an action did, the last batch first; what somebody changed since is kept, and listed."""
    verb, batch = read_verb(action), _last_done(action)
    while batch is not None:
        if tell is not None:
            tell()
        _undo(action, verb, batch)
        batch = _last_done(action, before=batch.number)
    undoing = ContactAction.objects.filter(pk=action.pk, status=ActionStatus.UNDOING)
    undoing.update(status=ActionStatus.UNDONE, finished_at=datetime.now(UTC))
    action.refresh_from_db()


def _last_done(action: ContactAction, before: int | None = None) -> ActionBatch | None:
    done = ActionBatch.objects.filter(action=action, done_at__isnull=False, undone_at__isnull=True)
    if before is not None:
        done = done.filter(number__lt=before)
    return done.order_by("-number").first()


def _undo(action: ContactAction, verb: Verb, batch: ActionBatch) -> None:
    with transaction.atomic():
        done = verb.take_back(batch.contact_ids, batch.effects, did=actor_of_action(action), by=action.undo_by)
        if not ActionBatch.objects.filter(pk=batch.pk, undone_at__isnull=True).update(undone_at=datetime.now(UTC)):
            raise TakenOver
        _note(action, done, len(batch.contact_ids), of_undo=True)
