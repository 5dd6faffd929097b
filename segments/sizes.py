"""How large segments were when they were counted last: a job counts, so that nobody who only looks has to wait.

A segment that is watched knows its size at any moment. The others are counted now and then, within a time limit, those
first that were counted longest ago.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple

from django.db.models import Case, F, Q, QuerySet, When

from crm.jobs import periodic
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.errors import CountTookTooLong
from segments.membership import count_members
from segments.models import KnownSize, Segment, SegmentSize, WatchStage

__all__ = ["ShownSize", "count_sizes", "largest_segments"]

RUN_SECONDS: Final = 10.0
MILLISECONDS: Final = 3_000
COUNTED_AGAIN: Final = timedelta(hours=1)
SLOW_COUNTED_AGAIN: Final = timedelta(hours=12)
WEEK: Final = timedelta(days=7)
IS_LIVE: Final = Q(watch__is_on=True, watch__stage=WatchStage.LIVE, watch__problem="")


class ShownSize(NamedTuple):
    """A segment and its size: of now (``counted_at`` is None), or of when it was counted; ``week`` is how many more
    than a week ago, where that is known."""

    segment: Segment
    size: int
    counted_at: datetime | None
    week: int | None


@periodic(cron="*/10 * * * *")
def count_sizes_by_clock() -> None:
    """Every ten minutes, for some seconds at most."""
    count_sizes()


def count_sizes(*, now: datetime | None = None, seconds: float = RUN_SECONDS) -> int:
    """Count the segments whose turn it is; how many were."""
    moment, ends_at = now or datetime.now(UTC), monotonic() + seconds
    lookups = DatabaseLookups()
    counted = 0
    for segment in _whose_turn(moment):
        if monotonic() > ends_at:
            break
        _keep(segment, moment, lookups)
        counted += 1
    return counted


def _whose_turn(moment: datetime) -> QuerySet[Segment]:
    new = Q(known_size=None)
    old = Q(known_size__counted_at__lte=moment - COUNTED_AGAIN, known_size__is_slow=False)
    slow = Q(known_size__counted_at__lte=moment - SLOW_COUNTED_AGAIN)
    due = Segment.objects.filter(new | old | slow).exclude(IS_LIVE)
    return due.order_by(F("known_size__counted_at").asc(nulls_first=True), "pk")


def _keep(segment: Segment, moment: datetime, lookups: DatabaseLookups) -> None:
    """What is known stays where counting takes too long; broken conditions have nobody."""
    found: dict[str, Any] = {"counted_at": moment, "is_slow": False}
    try:
        found["size"] = count_members(segment, milliseconds=MILLISECONDS, lookups=lookups)
    except CountTookTooLong:
        found["is_slow"] = True
    except DefinitionRefused:
        found["size"] = 0
    if "size" in found:
        found["sized_at"] = moment
    KnownSize.objects.update_or_create(segment=segment, defaults=found)


def largest_segments(limit: int, *, now: datetime | None = None) -> list[ShownSize]:
    """Those with the most members, as far as anybody counted; two statements."""
    segments = Segment.objects.select_related("watch", "known_size").annotate(
        shown_size=Case(When(IS_LIVE, then=F("watch__size")), default=F("known_size__size"))
    )
    known = segments.filter(IS_LIVE | Q(known_size__size__isnull=False))
    shown = list(known.order_by(F("shown_size").desc(nulls_last=True), "name")[:limit])
    week = _sizes_at([segment.pk for segment in shown], (now or datetime.now(UTC)) - WEEK)
    return [_show(segment, week.get(segment.pk)) for segment in shown]


def _sizes_at(segment_ids: list[int], moment: datetime) -> dict[int, int]:
    """What the days kept, the last one before the moment."""
    rows = SegmentSize.objects.filter(segment__in=segment_ids, day__lte=moment.date())
    newest = rows.order_by("segment", "-day").distinct("segment")
    return dict(newest.values_list("segment", "size"))


def _show(segment: Any, week_ago: int | None) -> ShownSize:
    watch = getattr(segment, "watch", None)
    if watch is not None and watch.is_on and watch.stage == WatchStage.LIVE and not watch.problem:
        return ShownSize(segment, watch.size, None, None if week_ago is None else watch.size - week_ago)
    return ShownSize(segment, segment.known_size.size, segment.known_size.sized_at, None)
