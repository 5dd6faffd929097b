"""The figures of the dashboard: what is counted, when it is counted again, and that the past stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.identity import delete_contacts, merge_contacts, resolve, suppress_addresses
from contacts.identity.types import IMPORT, MOBILE
from contacts.keys import Kind
from contacts.models import Account, ChannelState, Contact, ContactState, ContactTally, DailyFigure
from contacts.statistics import enqueue_refresh, list_days, read_latest, refresh_statistics
from contacts.statistics.tally import PART

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def make(number: int, **fields: Any) -> Contact:
    given = {"email": f"olena{number}@example.com", "identifier_kinds": 1 << Kind.EMAIL, "email_state": 1}
    at = fields.pop("at", NOW - timedelta(days=1))
    return Contact.objects.create(**{"created_at": at, "updated_at": at, "source": "api", **given, **fields})


def test_an_installation_that_nobody_counted_has_no_figures(db: None) -> None:
    latest = read_latest()

    assert (latest.day, latest.taken_at, latest.contacts) == (None, None, 0)
    assert list_days(first=date(2026, 1, 1), last=date(2026, 12, 31)) == []


def test_contacts_are_counted_by_what_is_known_of_them() -> None:
    resolve([{"email": "olena@example.com", "external_id": "7"}, {"phone": "+380501112233"}], IMPORT, by="import:1")
    resolve([{"identifiers": [{"kind": "device", "app": "shop", "value": "d-1"}]}], MOBILE, by="tracker:mobile")
    suppress_addresses(["olena@example.com"], ChannelState.UNSUBSCRIBED, by="user:1", reason="asked for it")

    refresh_statistics()

    latest = read_latest()
    assert (latest.identified, latest.anonymous, latest.contacts) == (2, 1, 3)
    assert latest.by_source() == {"import": 2, "mobile": 1}
    assert {kind for kind, count in latest.by_kind().items() if count} == {
        Kind.EXTERNAL_ID,
        Kind.EMAIL,
        Kind.PHONE,
        Kind.DEVICE,
    }
    assert latest.by_state("email")[ChannelState.UNSUBSCRIBED] == 1
    assert sum(latest.by_state("phone").values()) == 1


def test_only_active_contacts_count() -> None:
    olena, taras, nina = (make(number) for number in range(3))
    delete_contacts([taras.pk], by="user:1")
    merge_contacts(olena.pk, nina.pk, by="user:1")

    refresh_statistics()

    assert read_latest().contacts == Contact.objects.filter(state=ContactState.ACTIVE).count() == 1


def test_somebody_with_an_order_or_made_by_a_person_is_not_anonymous() -> None:
    nothing = {"email": None, "identifier_kinds": 0, "email_state": None}
    make(1, **nothing)
    make(2, **nothing, made_deliberately=True)
    make(3, **nothing, order_count=1)

    refresh_statistics()

    assert (read_latest().identified, read_latest().anonymous) == (2, 1)


def test_only_ranges_with_a_change_are_counted_again() -> None:
    here, far = make(1, pk=10), make(2, pk=PART * 3 + 1)
    assert refresh_statistics(now=NOW) == (2, 0)
    Contact.objects.filter(pk=here.pk).update(source="import")  # behind everybody's back
    Contact.objects.filter(pk=far.pk).update(source="import", updated_at=NOW)

    assert refresh_statistics(now=NOW + timedelta(minutes=5)) == (1, 0)
    assert read_latest().by_source() == {"api": 1, "import": 1}

    assert refresh_statistics(now=NOW + timedelta(hours=12), complete=True) == (2, 0)
    assert read_latest().by_source() == {"import": 2}


def test_contacts_that_came_under_a_date_of_the_past_are_found_by_their_ids() -> None:
    make(1, pk=10)
    refresh_statistics(now=NOW)
    make(2, pk=11, at=NOW - timedelta(days=400))
    make(3, pk=PART * 2, at=NOW - timedelta(days=400))

    refresh_statistics(now=NOW + timedelta(minutes=5))

    assert read_latest().contacts == 3


def test_a_change_that_was_committed_late_is_found() -> None:
    make(1, pk=10)
    make(2, pk=PART * 2)
    refresh_statistics(now=NOW)
    Contact.objects.filter(pk=10).update(source="import", updated_at=NOW - timedelta(minutes=5))

    refresh_statistics(now=NOW + timedelta(minutes=5))

    assert read_latest().by_source() == {"api": 1, "import": 1}


def test_a_run_has_its_time_and_leaves_the_rest_to_the_next_ones_oldest_first() -> None:
    for number in range(3):
        make(number, pk=PART * number + 1)
    refresh_statistics(now=NOW)
    later = NOW + timedelta(hours=1)
    Contact.objects.update(source="import", updated_at=later)

    assert [refresh_statistics(now=later, seconds=-1) for _ in range(2)] == [(1, 2), (1, 2)]
    assert read_latest().by_source() == {"import": 2, "api": 1}
    assert read_latest().taken_at == NOW

    assert refresh_statistics(now=later) == (3, 0)
    assert read_latest().by_source() == {"import": 3}
    assert read_latest().taken_at == later


def test_what_nobody_counted_yet_is_never_left_for_later() -> None:
    for number in range(3):
        make(number, pk=PART * number + 1)

    assert refresh_statistics(now=NOW, seconds=-1) == (3, 0)


def test_a_range_that_is_empty_by_now_is_forgotten_when_all_are_counted() -> None:
    make(1, pk=10)
    refresh_statistics(now=NOW)
    Contact.objects.all().delete()

    refresh_statistics(now=NOW, complete=True)

    assert not ContactTally.objects.exists()
    assert (read_latest().contacts, read_latest().by_source()) == (0, {})


def test_the_past_stays_as_it_was() -> None:
    make(1, pk=10)
    refresh_statistics(now=NOW)
    make(2, pk=11, source="import")

    refresh_statistics(now=NOW + timedelta(days=1))

    days = list_days(first=date(2026, 11, 22), last=date(2026, 11, 23))
    assert [(day.day.day, day.identified) for day in days] == [(22, 1), (23, 2)]
    assert not DailyFigure.objects.filter(day=date(2026, 11, 22), name="source.import").exists()


def test_a_day_on_which_nobody_counted_is_as_the_one_before() -> None:
    make(1, pk=10)
    refresh_statistics(now=NOW)
    make(2, pk=11)
    refresh_statistics(now=NOW + timedelta(days=3))

    days = list_days(first=date(2026, 11, 22), last=date(2026, 11, 25))

    assert [day.identified for day in days] == [1, 1, 1, 2]


def test_the_first_run_reckons_the_days_before_from_when_contacts_were_created() -> None:
    make(1, at=NOW - timedelta(days=800))
    make(2, at=NOW - timedelta(days=2))
    make(3, at=NOW - timedelta(days=2), email=None, identifier_kinds=0, email_state=None)

    refresh_statistics(now=NOW)

    days = list_days(first=date(2026, 11, 18), last=date(2026, 11, 22))
    assert [(day.identified, day.anonymous, day.is_reckoned) for day in days] == [
        (1, 0, True),
        (1, 0, True),
        (2, 1, True),
        (2, 1, True),
        (2, 1, False),
    ]
    assert len(list_days(first=date(2000, 1, 1), last=date(2026, 11, 22))) == 367
    refresh_statistics(now=NOW + timedelta(days=1))
    assert DailyFigure.objects.filter(is_reckoned=True).values("day").distinct().count() == 366


def test_a_day_is_one_of_the_accounts_zone() -> None:
    Account.objects.update_or_create(pk=1, defaults={"time_zone": "Pacific/Auckland"})
    make(1)

    refresh_statistics(now=NOW)

    assert read_latest().day == date(2026, 11, 23)


def test_a_zone_that_nobody_knows_is_no_obstacle() -> None:
    Account.objects.update_or_create(pk=1, defaults={"time_zone": "Kyiv/Nowhere"})

    refresh_statistics(now=NOW)

    assert read_latest().day == date(2026, 11, 22)


def test_a_run_that_finds_nothing_new_asks_little_and_says_when_it_looked() -> None:
    for number in range(5):
        make(number, pk=PART * number + 1)
    refresh_statistics(now=NOW)

    with CaptureQueriesContext(connection) as asked:
        refresh_statistics(now=NOW + timedelta(hours=1))

    assert sum("identifier_kinds" in query["sql"] for query in asked) == 1
    assert read_latest().taken_at == NOW + timedelta(hours=1)


def test_somebody_who_asks_twice_has_it_done_once(run_jobs: Any, transactional_db: None) -> None:
    make(1)
    enqueue_refresh()
    enqueue_refresh()

    run_jobs()

    assert read_latest().contacts == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs WHERE task_name = 'contacts.statistics.refresh'")
        assert cursor.fetchall() == [("succeeded",)]


def test_the_command_counts_too(capsys: pytest.CaptureFixture[str]) -> None:
    make(1)

    call_command("refresh_statistics", complete=True)

    assert "Counted 1 ranges" in capsys.readouterr().out
    assert read_latest().contacts == 1
