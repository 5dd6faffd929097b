"""Whose turn it is: calls that wait are worked off one after the other, in the order in which they came.

Of two calls that say something of the same contact, the later one shall have the last word. The queue's own locks would
see to that too, but what one of them holds back is found by polling only. So a single job works off whatever waits, and
the others, which find it at work, have nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q

from contacts.bulk.calls import run_call
from contacts.models import BulkCall, BulkRow, CallStatus

__all__ = ["forget_old_calls", "take_up_left", "work_off_waiting"]

TURN: Final = 0x62756C6B
"""The advisory lock of whoever works calls off."""
LEFT_AFTER: Final = timedelta(minutes=2)
"""So long nothing happened to a call that was begun: its process was killed."""
KEPT_FOR: Final = timedelta(days=7)
AT_ONCE: Final = 10_000


def work_off_waiting(must_stop: Callable[[], bool] = lambda: False) -> bool:
    """Work off every call that waits, unless somebody else does; whether nothing is left to do.

    After the turn was given back it is asked once more: a call may have come whose job found us at work.
    """
    while _next_waiting() is not None:
        with _turn() as is_ours:
            if not is_ours:
                return True
            while (call_id := _next_waiting()) is not None:
                if must_stop():
                    return False
                run_call(call_id)
    return True


def _next_waiting() -> int | None:
    waiting = BulkCall.objects.filter(status=CallStatus.WAITING).order_by("pk")
    return waiting.values_list("pk", flat=True).first()


@contextmanager
def _turn() -> Iterator[bool]:
    """Held by the connection: with a process that is killed it goes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [TURN])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [TURN])


def take_up_left(*, now: datetime | None = None) -> bool:
    """Calls whose process was killed wait again; whether anything waits for long."""
    before = (now or datetime.now(UTC)) - LEFT_AFTER
    BulkCall.objects.filter(status=CallStatus.RUNNING, changed_at__lt=before).update(status=CallStatus.WAITING)
    return BulkCall.objects.filter(status=CallStatus.WAITING, changed_at__lt=before).exists()


def forget_old_calls(*, now: datetime | None = None) -> int:
    """Calls of more than a week ago, with what became of each contact; how many calls went."""
    ended = Q(created_at__lt=(now or datetime.now(UTC)) - KEPT_FOR, status__in=(CallStatus.FINISHED, CallStatus.FAILED))
    old = list(BulkCall.objects.filter(ended).values_list("pk", flat=True)[:AT_ONCE])
    rows = BulkRow.objects.filter(call_id__in=old)
    rows._raw_delete(rows.db)
    BulkCall.objects.filter(pk__in=old).delete()
    return len(old)
