"""When a warehouse is brought up to date by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contacts.exports.warehouse.errors import ScheduleRefused
from contacts.exports.warehouse.schedule import LONGEST, check_schedule, next_time

FRIDAY = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)


def test_an_interval_is_counted_from_when_it_ran() -> None:
    assert next_time(90, "", zone="Europe/Kyiv", after=FRIDAY) == datetime(2026, 3, 27, 13, 30, tzinfo=UTC)


def test_with_neither_it_runs_only_when_somebody_asks() -> None:
    assert next_time(None, "", zone="UTC", after=FRIDAY) is None


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("0 6 * * 1-5", "UTC", datetime(2026, 3, 30, 6, 0, tzinfo=UTC)),
        ("0 15 * * *", "Europe/Kyiv", datetime(2026, 3, 27, 13, 0, tzinfo=UTC)),  # two hours before UTC in winter
        ("0 15 29 3 *", "Europe/Kyiv", datetime(2026, 3, 29, 12, 0, tzinfo=UTC)),  # and three from that night on
        ("30 3 28,29 3 *", "America/New_York", datetime(2026, 3, 28, 7, 30, tzinfo=UTC)),
    ],
)
def test_times_are_those_of_the_accounts_clock(cron: str, zone: str, expected: datetime) -> None:
    assert next_time(None, cron, zone=zone, after=FRIDAY) == expected


def test_a_time_that_the_clock_leaves_out_comes_right_after_the_gap() -> None:
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)  # Kyiv's clock goes from 3 to 4 that night
    assert next_time(None, "30 3 * * *", zone="Europe/Kyiv", after=saturday) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("cron", ["* * *", "99 * * * *", "a b c d e", "0 0 31 2 *", "0 0 0 1 1 *", "@daily", "%s " * 5])
def test_times_that_mean_nothing_are_refused(cron: str) -> None:
    with pytest.raises(ScheduleRefused) as refused:
        check_schedule(None, cron)
    assert refused.value.path == "cron"


@pytest.mark.parametrize("minutes", [0, -5, LONGEST + 1])
def test_an_interval_is_between_a_minute_and_a_week(minutes: int) -> None:
    with pytest.raises(ScheduleRefused) as refused:
        check_schedule(minutes, "")
    assert refused.value.path == "every_minutes"


def test_interval_and_times_together_are_refused() -> None:
    with pytest.raises(ScheduleRefused):
        check_schedule(5, "0 6 * * *")


@pytest.mark.parametrize(("minutes", "cron"), [(None, ""), (1, ""), (LONGEST, ""), (None, "0 6 * * 1-5")])
def test_what_means_something_is_taken(minutes: int | None, cron: str) -> None:
    check_schedule(minutes, cron)
