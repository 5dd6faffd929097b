"""Taking today's figures anew, and the first time those of the days before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

from django.db import connection, transaction

from contacts.keys import IDENTIFYING_MASK
from contacts.models import ContactState, ContactTally, DailyFigure, read_account_zone
from contacts.statistics.figures import ANONYMOUS, IDENTIFIED, total
from contacts.statistics.tally import count_part, find_due, list_parts
from crm.nudges import enqueue_once

__all__ = ["Refreshed", "enqueue_refresh", "refresh_statistics"]

RUN_SECONDS: Final = 3.0
"""That a run of every five minutes may count for: a hundredth of one processor, whatever changes."""
DAYS_RECKONED: Final = 366
"""Before the first day that was counted."""

_CREATED: Final = f"""
SELECT (c.created_at AT TIME ZONE %s)::date,
       c.identifier_kinds & {IDENTIFYING_MASK} = 0 AND NOT c.made_deliberately AND c.order_count = 0, count(*)
FROM contacts_contact c WHERE c.state = {ContactState.ACTIVE.value} GROUP BY 1, 2
"""


class Refreshed(NamedTuple):
    """How many ranges of ids were counted, and how many are left for the next run."""

    counted: int
    left: int


def enqueue_refresh() -> None:
    """Soon, as a job; one that is to come already is enough."""
    from contacts.statistics.jobs import refresh_now

    enqueue_once(refresh_now, refresh_now.name)


def refresh_statistics(
    *, now: datetime | None = None, complete: bool = False, seconds: float = RUN_SECONDS
) -> Refreshed:
    """Take today's figures. ``complete``: count all ranges of ids; else those that are due, for about so many seconds.

    1. Find the ranges that are due; 2. count each by a short statement of its own, the others of them by the next run;
    3. keep them and today's sums in one transaction, so that a run that is killed is as if it had not begun. Figures
    are as old as the oldest range that is due. Ranges that were never counted are not left for later.
    """
    moment = now or datetime.now(UTC)
    known = {tally.part: tally for tally in ContactTally.objects.all()}
    due = list(list_parts()) if complete else find_due(known)
    ends_at = None if complete else monotonic() + seconds
    counted = list(_count(due, known, moment, ends_at))
    left = due[len(counted) :]
    past = [] if DailyFigure.objects.exists() else list(_reckon_past(moment))
    taken_at = min((known[part].counted_at for part in left), default=moment)
    with transaction.atomic():
        if complete:
            ContactTally.objects.exclude(part__in=due).delete()
            known = {}
        _keep_tallies(counted)
        ContactTally.objects.filter(counted_at__lt=moment).exclude(part__in=left).update(counted_at=moment)
        DailyFigure.objects.bulk_create(past, ignore_conflicts=True)
        _keep_today({**known, **{tally.part: tally for tally in counted}}, moment, taken_at)
    return Refreshed(len(counted), len(left))


def _count(
    due: Sequence[int], known: Mapping[int, ContactTally], moment: datetime, ends_at: float | None
) -> Iterator[ContactTally]:
    for number, part in enumerate(due):
        is_late = ends_at is not None and monotonic() > ends_at
        if is_late and number and part in known:
            return
        yield ContactTally(part=part, counts=count_part(part), counted_at=moment)


def _keep_tallies(tallies: list[ContactTally]) -> None:
    ContactTally.objects.bulk_create(
        sorted(tallies, key=lambda tally: tally.part),
        update_conflicts=True,
        unique_fields=["part"],
        update_fields=["counts", "counted_at"],
    )


def _keep_today(tallies: Mapping[int, ContactTally], moment: datetime, taken_at: datetime) -> None:
    day = moment.astimezone(read_account_zone()).date()
    figures = total(tally.counts for tally in tallies.values())
    rows = [DailyFigure(day=day, name=name, value=figures[name], taken_at=taken_at) for name in sorted(figures)]
    DailyFigure.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["day", "name"],
        update_fields=["value", "taken_at", "is_reckoned"],
    )
    DailyFigure.objects.filter(day=day).exclude(name__in=figures).delete()


def _reckon_past(moment: datetime) -> Iterator[DailyFigure]:
    """How many of today's contacts were there on each day before: one pass, on the first run of an installation."""
    today = moment.astimezone(read_account_zone()).date()
    created = _read_created()
    if not created:
        return
    first = max(min(day for day, _anonymous in created), today - timedelta(days=DAYS_RECKONED))
    there = Counter[bool]()
    for (day, is_anonymous), count in created.items():
        there[is_anonymous] += count if day < first else 0
    for number in range((today - first).days):
        day = first + timedelta(days=number)
        for is_anonymous, name in ((False, IDENTIFIED), (True, ANONYMOUS)):
            there[is_anonymous] += created.get((day, is_anonymous), 0)
            yield DailyFigure(day=day, name=name, value=there[is_anonymous], taken_at=moment, is_reckoned=True)


def _read_created() -> dict[tuple[date, bool], int]:
    with connection.cursor() as cursor:
        cursor.execute(_CREATED, [read_account_zone().key])
        return {(day, is_anonymous): count for day, is_anonymous, count in cursor.fetchall()}
