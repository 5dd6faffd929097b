"""Taking today's figures anew, and the first time those of the days before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection, transaction

from contacts.keys import IDENTIFYING_MASK
from contacts.models import Account, ContactState, ContactTally, DailyFigure
from contacts.statistics.figures import ANONYMOUS, IDENTIFIED, total
from contacts.statistics.tally import count_part, find_changed, list_parts
from crm.nudges import enqueue_once

__all__ = ["enqueue_refresh", "refresh_statistics"]

DAYS_RECKONED: Final = 366
"""Before the first day that was counted."""

_CREATED: Final = f"""
SELECT (c.created_at AT TIME ZONE %s)::date,
       c.identifier_kinds & {IDENTIFYING_MASK} = 0 AND NOT c.made_deliberately AND c.order_count = 0, count(*)
FROM contacts_contact c WHERE c.state = {ContactState.ACTIVE.value} GROUP BY 1, 2
"""


def enqueue_refresh() -> None:
    """Soon, as a job; one that is to come already is enough."""
    from contacts.statistics.jobs import refresh_now

    enqueue_once(refresh_now, refresh_now.name)


def refresh_statistics(*, now: datetime | None = None, complete: bool = False) -> int:
    """Take today's figures; how many ranges of ids were counted for it. ``complete``: all of them.

    1. Find the ranges where something changed; 2. count each by a short statement of its own; 3. keep them and today's
    sums in one transaction, so that a run that is killed is as if it had not begun.
    """
    moment = now or datetime.now(UTC)
    known = {tally.part: tally for tally in ContactTally.objects.all()}
    parts = set(list_parts()) if complete else find_changed(list(known.values()))
    counted = [ContactTally(part=part, counts=count_part(part), counted_at=moment) for part in sorted(parts)]
    past = [] if DailyFigure.objects.exists() else list(_reckon_past(moment))
    with transaction.atomic():
        if complete:
            ContactTally.objects.exclude(part__in=parts).delete()
            known = {}
        _keep_tallies(counted)
        DailyFigure.objects.bulk_create(past, ignore_conflicts=True)
        _keep_today({**known, **{tally.part: tally for tally in counted}}, moment)
    return len(counted)


def _keep_tallies(tallies: list[ContactTally]) -> None:
    ContactTally.objects.bulk_create(
        tallies, update_conflicts=True, unique_fields=["part"], update_fields=["counts", "counted_at"]
    )


def _keep_today(tallies: Mapping[int, ContactTally], moment: datetime) -> None:
    day = moment.astimezone(_zone()).date()
    figures = total(tally.counts for tally in tallies.values())
    rows = [DailyFigure(day=day, name=name, value=figures[name], taken_at=moment) for name in sorted(figures)]
    DailyFigure.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["day", "name"],
        update_fields=["value", "taken_at", "is_reckoned"],
    )
    DailyFigure.objects.filter(day=day).exclude(name__in=figures).delete()


def _reckon_past(moment: datetime) -> Iterator[DailyFigure]:
    """How many of today's contacts were there on each day before: one pass, on the first run of an installation."""
    today = moment.astimezone(_zone()).date()
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
        cursor.execute(_CREATED, [_zone().key])
        return {(day, is_anonymous): count for day, is_anonymous, count in cursor.fetchall()}


def _zone() -> ZoneInfo:
    """The account's; a name that this machine does not know counts as UTC."""
    account = Account.objects.order_by("pk").first()
    try:
        return ZoneInfo(account.time_zone if account else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
