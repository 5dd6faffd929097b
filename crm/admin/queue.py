"""How the queue is at this moment: what waits, since when, and whether somebody works it off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

__all__ = ["COUNTED", "ENDED_BADLY", "QueueState", "find_failed", "read_queue"]

COUNTED: Final = 999
"""Jobs that are counted at most, and one more."""
HEARD_WITHIN: Final = timedelta(seconds=45)
"""A worker says every ten seconds that it is there."""
ENDED_BADLY: Final = ("failed", "cancelled", "aborted")
LATELY: Final = timedelta(days=1)

_STATE: Final = f"""
WITH due AS (
    SELECT id, scheduled_at FROM procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
    ORDER BY priority DESC, id LIMIT {COUNTED + 1}
), oldest AS (SELECT id, scheduled_at FROM due ORDER BY id LIMIT 1)
SELECT (SELECT count(*) FROM due),
       (SELECT greatest(oldest.scheduled_at, (
            SELECT at FROM procrastinate_events WHERE job_id = oldest.id AND type = 'deferred' ORDER BY id LIMIT 1
        )) FROM oldest),
       (SELECT count(*) FROM (
            SELECT FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NOT NULL LIMIT {COUNTED + 1}
        ) AS doing),
       (SELECT max(last_heartbeat) FROM procrastinate_workers),
       now()
"""


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs that are due (at most ``COUNTED`` + 1), the moment since when the first of them waits, jobs under way, and
    when a worker was last heard of."""

    due: int
    oldest_at: datetime | None
    doing: int
    heard_at: datetime | None
    now: datetime

    @property
    def is_worked_off(self) -> bool:
        """A worker is running."""
        return self.heard_at is not None and self.heard_at > self.now - HEARD_WITHIN

    @property
    def due_shown(self) -> str:
        return f"{COUNTED}+" if self.due > COUNTED else str(self.due)


def read_queue() -> QueueState:
    """One statement, answered by the queue's own indexes."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        return QueueState(*cursor.fetchone())


def find_failed() -> QuerySet[Any]:
    """Jobs that failed within a day."""
    lately = ProcrastinateEvent.objects.filter(job=OuterRef("pk"), type="failed", at__gte=datetime.now(UTC) - LATELY)
    found: QuerySet[Any] = ProcrastinateJob.objects.filter(Exists(lately), status="failed")
    return found
