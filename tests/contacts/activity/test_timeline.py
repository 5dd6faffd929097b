"""A contact's timeline: events, orders and changes in one list, newest first, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contacts.activity import WEB_EVENT, record_events, record_orders, timeline
from contacts.activity.errors import InvalidPosition
from contacts.activity.timeline import KINDS
from contacts.identity import merge_contacts, resolve_one
from contacts.identity.types import API, IMPORT
from contacts.models import Import, ImportStatus
from tests.contacts.activity.conftest import BY, NOW, event, order

pytestmark = pytest.mark.django_db


def told(page):
    return [(entry.table, entry.title) for entry in page.entries]


def test_events_orders_and_changes_stand_in_one_list_newest_first(make_contact):
    olena = make_contact(email="olena@example.com", at=NOW - timedelta(days=40))
    record_events([event("pageView", email="olena@example.com", occurred_at=NOW - timedelta(days=3))], by=BY, at=NOW)
    record_orders([order("N-1", email="olena@example.com")], by=BY, at=NOW)
    resolve_one({"email": "olena@example.com", "first_name": "Олена"}, API, by=BY, at=NOW)

    page = timeline(olena)

    assert told(page) == [
        ("change", "updated"),
        ("order", "N-1"),
        ("event", "orderINITIALIZED"),
        ("event", "pageView"),
        ("change", "created"),
    ]
    assert page.next is None
    assert page.entries[0].data["after"] == {"first_name": "Олена"}
    assert page.entries[1].data["total_cost"] == "199.9000"
    assert page.entries[3].data["params"] == {"page": "/boots"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_of_any_size_tell_everything_once(make_contact, limit):
    olena = make_contact(email="olena@example.com", at=NOW)
    mine = {"email": "olena@example.com"}
    record_events(
        [event(key=str(number), occurred_at=NOW - timedelta(days=number // 3), **mine) for number in range(9)], by=BY
    )
    record_orders([order(f"N-{number}", **mine) for number in range(4)], by=BY, at=NOW)
    whole = timeline(olena, limit=100).entries

    pages, before = [], None
    while True:
        page = timeline(olena, before=before, limit=limit)
        pages += page.entries
        before = page.next
        if before is None:
            break

    assert len(whole) == 9 + 4 + 4 + 1
    assert pages == whole
    assert [entry.at for entry in whole] == sorted((entry.at for entry in whole), reverse=True)


def test_only_the_kinds_that_are_asked_for_are_told(make_contact):
    olena = make_contact(email="olena@example.com")
    record_orders([order("N-1", email="olena@example.com")], by=BY, at=NOW)

    assert told(timeline(olena, kinds=["order"])) == [("order", "N-1"), ("event", "orderINITIALIZED")]
    assert told(timeline(olena, kinds=["edit"])) == [("change", "created")]
    assert told(timeline(olena, kinds=[])) == []


def test_each_thing_that_happened_is_of_one_kind(make_contact):
    olena, oksana = make_contact(external_id="C-1", cookies=("c1",)), make_contact(external_id="C-2")
    mine = {"external_id": "C-1"}
    record_events([event("login", **mine)], by=BY, at=NOW)
    record_events([event("pageView", cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)
    record_orders([order("N-1", **mine)], by=BY, at=NOW)
    run = Import.objects.create(file_name="autumn.csv", by="user:1", status=ImportStatus.FINISHED, started_at=NOW)
    resolve_one({**mine, "town": "Lutsk"}, replace(IMPORT, import_id=run.pk), by=f"import:{run.pk}", at=NOW)
    resolve_one({**mine, "town": "Lviv"}, API, by=BY, at=NOW)
    merge_contacts(olena, oksana, by="user:1", at=NOW)

    kinds = {kind: [entry.title for entry in timeline(olena, kinds=[kind]).entries] for kind in KINDS}

    assert kinds == {
        "event": ["login"],
        "visit": ["pageView"],
        "order": ["N-1", "orderINITIALIZED"],
        "edit": ["updated", "created", "created"],
        "import": ["updated"],
        "merge": ["merged", "merged"],
    }
    assert {entry.kind for entry in timeline(olena).entries} == set(KINDS)


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(make_contact):
    olena = make_contact(email="olena@example.com", at=NOW - timedelta(days=40))
    days = [event(f"day{day}", email="olena@example.com", occurred_at=NOW - timedelta(days=day)) for day in range(6)]
    record_events(days, by=BY, at=NOW)

    page = timeline(olena, since=NOW - timedelta(days=4), until=NOW - timedelta(days=1), limit=2)

    assert told(page) == [("event", "day2"), ("event", "day3")]
    assert told(timeline(olena, since=NOW - timedelta(days=4), before=page.next)) == [("event", "day4")]


def test_what_happened_to_a_contact_that_was_merged_into_it_is_part_of_it(make_contact):
    survivor, loser = make_contact(external_id="C-1"), make_contact(external_id="C-2")
    record_events([event("pageView", external_id="C-2")], by=BY, at=NOW)
    merge_contacts(survivor, loser, by="user:1", at=NOW + timedelta(days=1))

    entries = timeline(survivor).entries

    assert {(entry.table, entry.title, entry.contact_id) for entry in entries} == {
        ("event", "pageView", survivor),
        ("change", "created", survivor),
        ("change", "merged", survivor),
        ("change", "created", loser),
        ("change", "merged", loser),
    }


def test_what_an_import_did_names_its_file_who_started_it_and_when(make_contact):
    olena = make_contact(email="olena@example.com", at=NOW - timedelta(days=1))
    run = Import.objects.create(file_name="autumn.csv", by="user:1", status=ImportStatus.FINISHED, started_at=NOW)
    row = {"email": "olena@example.com", "town": "Lutsk"}
    resolve_one(row, replace(IMPORT, key="email", import_id=run.pk), by=f"import:{run.pk}", at=NOW)

    updated, created = timeline(olena).entries

    assert (updated.title, updated.data["after"]) == ("updated", {"town": "Lutsk"})
    assert updated.data["import"] == {
        "id": run.pk,
        "file_name": "autumn.csv",
        "by": "user:1",
        "started_at": NOW.isoformat(),
    }
    assert created.data["import"] is None


def test_a_visitor_has_a_timeline_under_its_number():
    [outcome] = record_events([event("pageView", cookies=("c1",))], by=BY, at=NOW, plan=WEB_EVENT)

    assert told(timeline(outcome.contact_id)) == [("event", "pageView")]


@pytest.mark.parametrize(
    "before", ["x", "2026-01-01/event/1", "2026-01-01T00:00:00+00:00/visit/1", "2026-01-01T00:00:00+00:00/event/x"]
)
def test_a_position_that_is_none_is_refused(before):
    with pytest.raises(InvalidPosition, match="Start from the first page"):
        timeline(1, before=before)


def test_nobody_has_an_empty_timeline():
    assert timeline(404) == ([], None)
