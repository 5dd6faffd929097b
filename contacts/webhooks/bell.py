"""Says to the queue that something may have happened: a nudge, no more, since the sources hold what did.

Without an active target it costs a comparison a transaction. With one, each process nudges once a second at most: at
once when it was quiet, and once more at the end of the second if something came meanwhile. What a nudge missed is found
twice a minute by ``look_for_waiting``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import connection, transaction

from contacts.models import Webhook

__all__ = ["enqueue_delivery", "forget_targets", "note_changes", "ring"]

logger = logging.getLogger(__name__)

TARGETS_KNOWN_FOR: Final = 10.0
QUIET: Final = 1.0


class Bell:
    """What this process knows: the active targets, and until when it need not nudge."""

    def __init__(self) -> None:
        self.targets: list[int] = []
        self.known_until = 0.0
        self.quiet_until = 0.0
        self.rings_again_at = 0.0

    def active_targets(self) -> list[int]:
        now = monotonic()
        if now >= self.known_until:
            self.targets = list(Webhook.objects.filter(is_active=True).values_list("pk", flat=True))
            self.known_until = now + TARGETS_KNOWN_FOR
        return self.targets

    def take_turn(self) -> float | None:
        """In how many seconds to nudge; None where a nudge that is to come covers this."""
        now = monotonic()
        if now >= self.quiet_until:
            self.quiet_until = now + QUIET
            return 0
        if self.rings_again_at < now:
            self.rings_again_at = self.quiet_until
            return self.quiet_until - now
        return None


_bell: Final = Bell()


def note_changes(**_: Any) -> None:
    """Contacts changed in this transaction: nudge once it is committed. Whatever fails then is only late."""
    transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Nudge the deliveries of every active target."""
    targets = _bell.active_targets()
    if not targets:
        return
    seconds = _bell.take_turn()
    if seconds is not None:
        for webhook_id in targets:
            enqueue_delivery(webhook_id, seconds=seconds)


def forget_targets() -> None:
    """A target was saved here: read them again, and nudge without delay."""
    _bell.known_until = _bell.quiet_until = _bell.rings_again_at = 0.0


def enqueue_delivery(webhook_id: int, *, seconds: float = 0) -> None:
    """One job that is to come for each target, and one that is to come later."""
    from contacts.webhooks.jobs import deliver_job

    lock = f"{deliver_job.name}:{webhook_id}{':later' if seconds else ''}"
    if _is_enqueued(lock):
        return
    at = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
    deliver_job.configure(queueing_lock=lock, schedule_at=at).defer(webhook_id=webhook_id)


def _is_enqueued(lock: str) -> bool:
    """Asked first: the queue would refuse a second one with an error in the server's log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo')", [lock]
        )
        return bool(cursor.fetchone()[0])
