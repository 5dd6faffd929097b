"""Days are those of the account, or of each contact; whatever stands as a contact's zone, the question is answered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contacts.models import Account, Contact, ContactState, CustomField
from segments.catalogue import save_segment
from segments.conditions import compile_tree, parse
from segments.conditions.dates import Clock, Duration, Unit, add_months, shift_moment, start_of_period
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.matching import ContactSQL
from segments.conditions.sql import Clause
from segments.membership import count_members
from segments.models import Segment
from tests.segments.people import make_contact
from tests.segments.table import ask

KYIV = ZoneInfo("Europe/Kyiv")
NONSENSE = [
    "Mars/Olympus",
    "",
    "europe/kyiv",
    "localtime",
    "UTC'; DROP TABLE contacts_contact; --",
    "@contact",
    "%s",
    "{}",
]


def members(match: dict[str, Any], now: datetime, **more: Any) -> set[int]:
    lookups = DatabaseLookups()
    definition = parse({"version": 1, "match": match, **more}, lookups.registry)
    clause = compile_tree(definition, lookups.registry, Clock(now, KYIV), lookups)
    return set(Contact.objects.filter(ContactSQL(clause), state=ContactState.ACTIVE).values_list("pk", flat=True))


@pytest.mark.django_db
def test_the_same_moment_is_of_another_day_elsewhere() -> None:
    at = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the 22nd in Kyiv, the 21st in London and New York
    kyiv, london, nowhere = (
        make_contact(created_at=at, time_zone=zone).pk for zone in ("Europe/Kyiv", "Europe/London", None)
    )
    asked = ask("created_at", "on", "2026-11-22")

    assert members(asked, at) == {kyiv, london, nowhere}
    assert members(asked, at, time_zone="contact") == {kyiv, nowhere}


@pytest.mark.django_db
def test_today_is_up_to_three_days_at_once() -> None:
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    CustomField(key="due", label="Due", type="date").save()
    people = {
        zone: make_contact(time_zone=zone, attributes={"due": day}).pk
        for zone, day in (
            ("Pacific/Kiritimati", "2026-11-23"),
            ("Europe/Kyiv", "2026-11-22"),
            ("Pacific/Pago_Pago", "2026-11-21"),
        )
    }

    assert members(ask("fields.due", "today"), now, time_zone="contact") == set(people.values())
    assert members(ask("fields.due", "today"), now) == {people["Europe/Kyiv"]}
    assert members(ask("fields.due", "in_last", [1, "days"]), now, time_zone="contact") == set(people.values())


@pytest.mark.django_db
@pytest.mark.parametrize("zone", NONSENSE)
@pytest.mark.parametrize("op", ["on", "today", "this_week", "anniversary", "day_of_month", "in_last"])
def test_nonsense_as_a_contacts_zone_means_the_accounts(zone: str, op: str) -> None:
    now = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    then = now.replace(year=2025) if op == "anniversary" else now
    contact = make_contact(created_at=then, time_zone=zone).pk
    value = {"on": "2026-11-22", "anniversary": 0, "day_of_month": 22, "in_last": [1, "hours"]}

    assert members(ask("created_at", op, *([value[op]] if op in value else [])), now, time_zone="contact") == {contact}


@pytest.mark.django_db
def test_nonsense_as_the_accounts_zone_means_utc() -> None:
    Account(time_zone="Mars/Olympus").save()
    make_contact(created_at=datetime.now(UTC))
    asked = {"any": [ask("created_at", "this_year"), ask("created_at", "day_of_month", 1)]}

    for zone in ("account", "contact"):
        segment = Segment(name=f"Of this year ({zone})", definition={"version": 1, "match": asked, "time_zone": zone})
        assert count_members(save_segment(segment)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "moment",
    [
        "2026-02-31T10:00:00.000000Z",
        "2026-99-99T99:99:99.999999Z",
        "0000-00-00T00:00:00.000000Z",
        "abcd-ef-ghTij:kl:mn.opqrstZ",
    ],
)
def test_a_moment_that_never_was_fails_no_question(moment: str) -> None:
    CustomField(key="renewed", label="Renewed", type="datetime").save()
    make_contact(attributes={"renewed": moment}, time_zone="Europe/London")

    for zone in ("account", "contact"):
        for op, value in (
            ("anniversary", 182),
            ("day_of_month", 3),
            ("before", "2026-01-01"),
            ("in_last", [1, "weeks"]),
        ):
            members(ask("fields.renewed", op, value), datetime.now(UTC), time_zone=zone)


@pytest.mark.django_db
def test_spans_of_the_accounts_zone_are_plain_bounds_that_an_index_serves() -> None:
    lookups = DatabaseLookups()
    definition = parse({"version": 1, "match": ask("created_at", "on", "2026-03-29")}, lookups.registry)

    clause = compile_tree(definition, lookups.registry, Clock(datetime(2026, 6, 1, tzinfo=UTC), KYIV), lookups)

    assert _bare(clause) == "@contact.created_at >= %s AND @contact.created_at < %s"
    assert clause.params == (datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC))


@pytest.mark.django_db
def test_in_contacts_zones_spans_have_plain_bounds_around_those_of_all_zones() -> None:
    lookups = DatabaseLookups()
    asked = {"version": 1, "match": ask("created_at", "on", "2026-03-29"), "time_zone": "contact"}

    clause = compile_tree(
        parse(asked, lookups.registry), lookups.registry, Clock(datetime(2026, 6, 1, tzinfo=UTC), KYIV), lookups
    )

    assert _bare(clause).startswith("@contact.created_at >= %s AND @contact.created_at < %s AND ")
    low, high = clause.params[:2]
    assert low <= datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert high >= datetime(2026, 3, 30, 11, tzinfo=UTC)


def _bare(clause: Clause) -> str:
    return clause.text.replace("(", "").replace(")", "")


def test_months_end_with_their_last_day() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2028, 3, 31), -1) == date(2028, 2, 29)
    assert add_months(date(2026, 11, 22), 14) == date(2028, 1, 22)


def test_a_day_has_24_hours_and_a_month_keeps_the_time_on_the_wall() -> None:
    clock = Clock(datetime(2026, 3, 29, 12, tzinfo=UTC), KYIV)  # 15:00, the day the clocks went forward

    assert shift_moment(clock, Duration(1, Unit.DAYS), -1) == clock.now - timedelta(hours=24)
    assert shift_moment(clock, Duration(1, Unit.MONTHS), -1) == datetime(2026, 2, 28, 13, tzinfo=UTC)
    assert shift_moment(clock, Duration(1, Unit.YEARS), 1) == datetime(2027, 3, 29, 12, tzinfo=UTC)


def test_periods_begin_where_people_think_they_do() -> None:
    day = date(2026, 11, 22)  # a Sunday

    assert start_of_period(day, Unit.WEEKS, 0) == date(2026, 11, 16)
    assert start_of_period(day, Unit.WEEKS, 1) == date(2026, 11, 23)
    assert start_of_period(day, Unit.MONTHS, -1) == date(2026, 10, 1)
    assert start_of_period(day, Unit.QUARTERS, 0) == date(2026, 10, 1)
    assert start_of_period(day, Unit.QUARTERS, 1) == date(2027, 1, 1)
    assert start_of_period(day, Unit.YEARS, -1) == date(2025, 1, 1)
