"""Nudges to the queue from whoever writes: that something may be to do, no more.

A process nudges at once when it was quiet, and else at most once more at the end of the second; a job that is to come
already is not enqueued again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import connection
from procrastinate.tasks import Task

__all__ = ["Turns", "enqueue_once"]

QUIET: Final = 1.0
"""Seconds between two nudges of a process."""


class Turns:
    """Until when this process need not nudge."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """The next nudge is without delay."""
        self.quiet_until = self.rings_again_at = 0.0

    def take(self) -> float | None:
        """In how many seconds to nudge; None where a nudge that is to come covers this."""
        now = monotonic()
        if now >= self.quiet_until:
            self.quiet_until = now + QUIET
            return 0
        if self.rings_again_at < now:
            self.rings_again_at = self.quiet_until
            return self.quiet_until - now
        return None


def enqueue_once(task: Task[..., Any, Any], lock: str, *, seconds: float = 0, **given: Any) -> None:
    """One job of ``lock`` that is to come, and one that is to come later; ``given`` are the task's arguments."""
    lock = f"{lock}{':later' if seconds else ''}"
    if _is_enqueued(lock):
        return
    at = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
    task.configure(queueing_lock=lock, schedule_at=at).defer(**given)


def _is_enqueued(lock: str) -> bool:
    """Asked first: the queue would refuse a second one with an error in the server's log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo')", [lock]
        )
        return bool(cursor.fetchone()[0])
