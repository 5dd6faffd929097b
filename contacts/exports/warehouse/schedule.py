"""When a target is brought up to date by itself (pure): every so many minutes, or at times such as cron writes them.

Times are those of the account's clock. Where it is put forward, a time that does not come that day comes right after
the gap; one in the hour that comes twice may come twice, and the second run has little to do.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from croniter import croniter
from django.utils.translation import gettext as _

from contacts.exports.warehouse.errors import ScheduleRefused

__all__ = ["LONGEST", "check_schedule", "next_time"]

LONGEST: Final = 7 * 24 * 60
"""Minutes: changes are not kept for ever."""
PARTS: Final = 5


def check_schedule(every_minutes: int | None, cron: str) -> None:
    """Raises ``ScheduleRefused`` where it means nothing, or two things."""
    if every_minutes is not None and cron:
        raise ScheduleRefused(_("Choose an interval or times, not both."), path="cron")
    if every_minutes is not None and not 1 <= every_minutes <= LONGEST:
        raise ScheduleRefused(
            _("Choose an interval between one minute and {count} minutes, which is a week.").format(count=LONGEST),
            path="every_minutes",
        )
    if cron:
        _check_cron(cron)


def next_time(every_minutes: int | None, cron: str, *, zone: str, after: datetime) -> datetime | None:
    """In UTC; None where it runs only when somebody asks."""
    if every_minutes is not None:
        return after + timedelta(minutes=every_minutes)
    if not cron:
        return None
    times = croniter(cron, after.astimezone(ZoneInfo(zone)))
    found: datetime = times.get_next(datetime)
    return found.astimezone(UTC)


def _check_cron(cron: str) -> None:
    if len(cron.split()) != PARTS:
        raise ScheduleRefused(path="cron")
    try:
        next_time(None, cron, zone="UTC", after=datetime(2026, 1, 1, tzinfo=UTC))
    except ValueError as error:
        raise ScheduleRefused(path="cron") from error
