"""The upkeep on the queue: a job is a nudge, and does nothing where nothing is due."""

from __future__ import annotations

from typing import Final

from crm.jobs import app, connection_let_go, periodic
from segments.watching.moves import forget_old_moves
from segments.watching.notes import enqueue_upkeep
from segments.watching.retention import forget_old_stays
from segments.watching.upkeep import advance

__all__ = ["follow_clock_job", "forget_old_job", "move_on_job"]

LOOK_AGAIN: Final = 1.0


@app.task(name="segments.watching.move_on", queue="segments")
@connection_let_go()
def move_on_job() -> None:
    """What changed, and who is still to be looked at first."""
    if advance(with_clock=False):
        enqueue_upkeep(seconds=LOOK_AGAIN)


@app.periodic(cron="* * * * * */20")
@app.task(name="segments.watching.follow_clock", queueing_lock="segments.watching.follow_clock", queue="segments")
@connection_let_go()
def follow_clock_job(timestamp: int) -> None:
    """Three times a minute: whom the clock moved, and whatever a nudge missed."""
    if advance():
        enqueue_upkeep(seconds=LOOK_AGAIN)


@periodic(cron="41 2 * * *")
def forget_old_job() -> None:
    """Once a night: stays and moves that are too old, and those of segments that are gone."""
    forget_old_stays()
    forget_old_moves()
