"""A run of the retention: its report is true and stays, it goes on where it was killed, and it keeps nobody waiting."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from contacts.activity import WEB_EVENT, NewEvent, record_events
from contacts.activity.old_events import drop_old_events
from contacts.activity.partitions import ensure_partitions
from contacts.identity import delete_contacts, merge_contacts, resolve_one, restore_contacts, undo_merge
from contacts.identity.integrity import find_problems
from contacts.identity.pieces import Piece
from contacts.identity.retention import erase_visitors
from contacts.identity.settings import forget_settings
from contacts.identity.types import API, DEVICE, SHEET
from contacts.keys import Kind
from contacts.models import (
    Contact,
    ContactState,
    Event,
    EventReceipt,
    EventType,
    Identifier,
    Import,
    ImportStatus,
    Merge,
    NumberToEmpty,
    Policy,
    RetentionRun,
    UnmatchedEvent,
)
from contacts.retention import apply_retention, foresee_tonight
from crm.admin.waiting import forget_counts
from crm.claims import claiming, may_claim
from crm.errors import CardfileError
from tests.together import Other, wait_until_waiting

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=200)


@pytest.fixture(autouse=True)
def policy(db: None) -> Policy:
    forget_settings()
    return Policy.objects.create(anonymous_erased_after_days=90, visitors_erased_after_days=90)


def device(name: str, *, at: datetime = LONG_AGO, **record: Any) -> int:
    plan = API if record else DEVICE
    return _id(resolve_one({**record, "identifiers": [{"kind": "device", "value": name}]}, plan, by="key:1", at=at))


def visit(cookie: str, *, count: int = 1, at: datetime = LONG_AGO) -> int:
    page = NewEvent("pageView", {"identifiers": [{"kind": "cookie", "value": cookie}]}, occurred_at=at)
    return _id(record_events([page] * count, by="tracker:web", at=at, plan=WEB_EVENT)[0])


def _id(outcome: Any) -> int:
    assert outcome.contact_id is not None
    return int(outcome.contact_id)


def run(**options: Any) -> RetentionRun:
    done = apply_retention(by="rule:retention", **options)
    assert done is not None
    return done


# The report


@pytest.mark.django_db
def test_the_report_says_what_went_and_why_and_stays():
    device("d1")
    visit("c1", count=3)
    visit("c2", at=NOW)

    report = run(at=NOW)

    line = report.lines["visitors"]
    assert line["gone"] == {"visitors": 1, "contacts_identifier": 1, "contacts_event": 3}
    assert (line["kept"], line["unit"]) == (90, "days")
    assert datetime.fromisoformat(line["before"]) == NOW - timedelta(days=90)
    assert line["began_at"] <= line["ended_at"]
    assert report.lines["contacts"]["gone"]["contacts"] == 1
    assert report.finished_at is not None
    assert RetentionRun.objects.get() == report
    assert "events" not in report.lines, "they are kept for ever"


@pytest.mark.django_db
def test_a_month_that_went_is_named_with_its_events(policy):
    policy.events_kept_months = 3
    policy.save()
    record_events(
        [NewEvent("pageView", {"email": "olena@example.com"}, occurred_at=datetime(2026, 3, 5, tzinfo=UTC))] * 2,
        by="key:1",
    )

    line = run(at=datetime(2026, 11, 22, tzinfo=UTC), only=["events"]).lines["events"]

    assert line["gone"] == {"contacts_event": 2}
    assert "2026-03" in line["months"]
    assert max(line["months"]) == "2026-07"


@pytest.mark.django_db
def test_events_that_nobody_came_for_go_as_visitors_do_and_receipts_as_events(policy):
    policy.events_kept_months = 3
    policy.save()
    EventType.objects.create(key="signedUp", when_nobody="keep")
    for at, email in ((LONG_AGO, "olena@example.com"), (NOW, "bohdan@example.com")):
        unmatched = NewEvent("signedUp", {"email": email}, occurred_at=at)
        bought = NewEvent("bought", {"email": email}, key=email, occurred_at=NOW, once=True)
        record_events([unmatched, bought], by="key:1", at=at)

    assert [(one.rule, one.total) for one in foresee_tonight(at=NOW)][2:] == [
        ("unmatched", 1), ("events", 0), ("receipts", 1)
    ]  # fmt: skip
    report = run(at=NOW)

    assert report.lines["unmatched"]["gone"] == {"contacts_unmatchedevent": 1}
    assert report.lines["receipts"]["gone"] == {"contacts_eventreceipt": 1}
    assert UnmatchedEvent.objects.count() == EventReceipt.objects.count() == 1


@pytest.mark.django_db
def test_what_an_import_may_take_back_stays_and_the_report_says_so(policy):
    policy.journal_kept_days = 90
    policy.save()
    taken_back = Import.objects.create(file_name="people.csv", status=ImportStatus.FINISHED, finished_at=NOW)
    device("d1", external_id="C-1")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE contacts_change SET import_id = %s", [taken_back.pk])
    device("d2", external_id="C-2")

    line = run(at=NOW).lines["changes"]

    assert line["gone"] == {"contacts_change": 1}
    assert line["left"] == {"import": 1}


@pytest.mark.django_db
def test_a_run_that_was_killed_goes_on_in_the_same_report():
    """It had erased a visitor, and was about to remove what they did."""
    number = visit("c1", count=3)
    Identifier.objects.filter(contact_id=number).delete()
    NumberToEmpty.objects.create(id=number, rule="visitors")
    killed = RetentionRun.objects.create(
        by="rule:retention",
        started_at=NOW - timedelta(minutes=5),
        lines={
            "visitors": {
                "kept": 90, "unit": "days", "before": LONG_AGO.isoformat(), "began_at": LONG_AGO.isoformat(),
                "ended_at": None, "gone": {"visitors": 1}, "left": {"busy": 1}, "months": [], "months_left": [],
            }
        },
    )  # fmt: skip

    report = run()

    assert report.pk == killed.pk
    assert report.lines["visitors"]["gone"] == {"visitors": 1, "contacts_event": 3}
    assert report.lines["visitors"]["left"] == {}
    assert not Event.objects.exists()
    assert not NumberToEmpty.objects.exists()
    assert run().pk != killed.pk


@pytest.mark.django_db
def test_only_one_is_at_it():
    with claiming() as other:
        assert may_claim(other, "retention")
        assert apply_retention(by="rule:retention") is None
    assert not RetentionRun.objects.exists()


@pytest.mark.django_db
def test_a_visitor_with_many_events_is_emptied_in_pieces():
    pieces: list[Piece] = []
    number = visit("c1")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_event (contact_id, type_id, key, params, source, occurred_at, received_at)"
            " SELECT %s, 1, '', '{}', '', %s, %s FROM generate_series(1, 12000)",
            [number, LONG_AGO, LONG_AGO],
        )
    erase_visitors(NOW - timedelta(days=90), note=pieces.append)

    assert [piece.gone.get("contacts_event") for piece in pieces[1:]] == [5_000, 5_000, 2_001]
    assert not Event.objects.exists()


# An external ID


@pytest.mark.django_db
def test_whoever_has_an_external_id_stays_whatever_happened_before():
    """Merged, deleted, restored, unmerged, in every order: none of them goes, nor is their ID let go."""
    chance = random.Random(7)
    for history in range(25):
        ids = [device(f"{history}-{number}", **chance.choice(KNOWN)(f"{history}-{number}")) for number in range(4)]
        for _ in range(6):
            attempt(chance.choice(DEEDS), chance, ids)
    contacts = Contact.objects.filter(external_id__isnull=False).values_list("pk", "external_id", "state")
    names = Identifier.objects.filter(kind=Kind.EXTERNAL_ID).values_list("value", "contact_id")
    identified, named = set(contacts.all()), set(names.all())
    anonymous = Contact.objects.filter(state=ContactState.ACTIVE, identifier_kinds=1 << Kind.DEVICE).count()

    report = run(at=NOW + timedelta(days=5_000))

    assert (
        set(Contact.objects.filter(external_id__isnull=False).values_list("pk", "external_id", "state")) == identified
    )
    assert set(names.all()) == named
    assert 0 < report.lines["contacts"]["gone"]["contacts"] <= anonymous
    assert find_problems() == []


KNOWN: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda name: {},
    lambda name: {},
    lambda name: {"external_id": f"C-{name}"},
    lambda name: {"email": f"olena-{name}@example.com"},
)


def attempt(deed: Callable[..., Any], chance: random.Random, ids: list[int]) -> None:
    with suppress(CardfileError):  # it is refused at this moment
        deed(chance, ids)


def merge_two(chance: random.Random, ids: list[int]) -> None:
    survivor, loser = chance.sample(ids, 2)
    merge_contacts(survivor, loser, by="user:1", at=LONG_AGO)


def clear_external_id(chance: random.Random, ids: list[int]) -> None:
    resolve_one({"id": chance.choice(ids), "external_id": ""}, SHEET, by="user:1", at=LONG_AGO)


def unmerge_one(chance: random.Random, ids: list[int]) -> None:
    merge = Merge.objects.filter(contact_id__in=ids).order_by("-id").first()
    if merge is not None:
        undo_merge(merge.pk, by="user:1", at=LONG_AGO)


DEEDS: tuple[Callable[[random.Random, list[int]], Any], ...] = (
    merge_two,
    merge_two,
    unmerge_one,
    clear_external_id,
    lambda chance, ids: delete_contacts([chance.choice(ids)], by="user:1", at=LONG_AGO),
    lambda chance, ids: restore_contacts([chance.choice(ids)], by="user:1", at=LONG_AGO),
)


@pytest.mark.django_db(transaction=True)
def test_an_external_id_that_comes_while_the_rule_is_at_work_is_in_time():
    contact_id = device("d1")

    with transaction.atomic():
        device("d1", external_id="C-1")
        erasing = Other(run)
        wait_until_waiting()

    left = erasing.finish().lines["contacts"]
    assert left["gone"] == {}
    assert Contact.objects.get(pk=contact_id).external_id == "C-1"


# Nobody waits


@pytest.mark.django_db(transaction=True)
def test_whoever_is_held_on_to_stays_and_the_others_go():
    held, free = device("d1"), device("d2")

    with transaction.atomic():
        resolve_one({"identifiers": [{"kind": "device", "value": "d1"}]}, DEVICE, by="tracker:mobile", at=LONG_AGO)
        report = Other(run).finish()

    assert report.lines["contacts"]["left"] == {"busy": 1}
    assert Contact.objects.get(pk=free).state == ContactState.ERASED
    assert Contact.objects.get(pk=held).state == ContactState.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_a_month_that_is_read_all_the_time_is_left_and_nobody_waits_behind_it():
    ensure_partitions(0, 0, today=date(2001, 1, 1))
    pieces: list[Piece] = []

    def drop() -> list[str]:
        return drop_old_events(date(2001, 2, 1), note=pieces.append, seconds=0.5)

    with transaction.atomic():
        assert not Event.objects.exists()  # a reader who takes long
        assert Other(drop).finish() == []
        Other(lambda: visit("c1")).finish()

    assert pieces[0] == Piece(left={"busy": 1}, months_left=["2001-01"])
    assert Other(drop).finish() == ["2001-01"]


@pytest.mark.django_db(transaction=True)
def test_a_month_that_was_taken_out_by_a_run_that_was_killed_is_dropped():
    ensure_partitions(0, 0, today=date(2001, 1, 1))
    visit("c1", count=2, at=datetime(2001, 1, 5, tzinfo=UTC))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_event DETACH PARTITION contacts_event_2001_01")
        cursor.execute("ALTER TABLE contacts_event_2001_01 RENAME TO contacts_goingevent_2001_01")
    pieces: list[Piece] = []

    assert drop_old_events(date(2001, 2, 1), note=pieces.append) == ["2001-01"]
    assert pieces[0] == Piece({"contacts_event": 2}, months=["2001-01"])


# The page and the dashboard


@pytest.mark.django_db
def test_the_page_shows_the_reports(admin_client, django_assert_max_num_queries):
    page = reverse("admin:contacts_retention")
    assert "There was none yet." in admin_client.get(page).content.decode()
    visit("c1", count=3)
    run()
    run()

    with django_assert_max_num_queries(15):
        said = admin_client.get(page).content.decode()

    assert "visitors: 1, events: 3, identifiers: 1" in said
    assert "The retention rule" in said
    assert "nothing was old enough" in said


@pytest.mark.django_db
def test_a_run_that_broke_off_and_events_without_a_month_wait_on_the_dashboard(admin_client):
    RetentionRun.objects.create(by="rule:retention", started_at=NOW, error="The database went away.")
    visit("c1", at=datetime(1999, 1, 1, tzinfo=UTC))

    forget_counts()
    said = admin_client.get(reverse("admin:index")).content.decode()
    page = admin_client.get(reverse("admin:contacts_retention")).content.decode()

    assert "1 run of the retention broke off" in said
    assert "1 event lies outside the months that have a table" in said
    assert "The database went away." in page
    assert "Events outside the months that have a table: 1, from" in page
