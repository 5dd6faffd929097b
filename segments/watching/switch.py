"""Switching a history of members on and off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from segments.models import Cause, Segment, Watch, WatchStage
from segments.watching.notes import enqueue_upkeep, forget_watched
from segments.watching.watched import Moment, begin_sweep

__all__ = ["check_again", "stop_watching", "watch_segment"]


def watch_segment(
    segment: Segment, *, tells_webhooks: bool = False, records_events: bool = False, kept_days: int | None = None
) -> Watch:
    """Keep a history of the segment's members from now on, or tell of it otherwise than until now.

    One that was switched off begins anew: who is in then was in from its beginning.
    """
    chosen: dict[str, Any] = {"tells_webhooks": tells_webhooks, "records_events": records_events}
    if kept_days is not None:
        chosen["kept_days"] = kept_days
    with transaction.atomic():
        watch, _ = Watch.objects.select_for_update().get_or_create(segment=segment, defaults={"is_on": False})
        if not watch.is_on:
            anew = {"stage": WatchStage.NEW, "since": None, "ready_at": None, "waits_for": None, "problem": ""}
            chosen |= {"is_on": True, **anew}
        for name, value in chosen.items():
            setattr(watch, name, value)
        watch.save(update_fields=list(chosen))
    transaction.on_commit(_nudge)
    return watch


def stop_watching(segment: Segment) -> None:
    """Nobody enters or leaves any more; what was kept stays until it is old."""
    Watch.objects.filter(segment=segment).update(is_on=False)
    transaction.on_commit(_nudge)


def check_again(segment: Segment) -> None:
    """Look through all contacts once more."""
    with transaction.atomic():
        watch = Watch.objects.select_for_update().filter(segment=segment, is_on=True).first()
        if watch is not None and watch.stage == WatchStage.LIVE:
            begin_sweep(watch, Cause.CHECK, Moment(datetime.now(UTC)))
    transaction.on_commit(_nudge)


def _nudge() -> None:
    forget_watched()
    enqueue_upkeep()
