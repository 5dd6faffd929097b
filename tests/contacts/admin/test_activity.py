"""The Activity tab: what happened to a contact, in words, narrowed by kind and period, a page at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import resolve
from contacts.identity.types import API, EVENT, IMPORT
from contacts.models import CustomField, EventType, Import, ImportStatus
from tests.people import change, deleted, have, merged

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
OLENA = have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena"})
BOHDAN = have("bohdan", {"external_id": "B-1", "email": "bohdan@example.com"})


@pytest.fixture
def read(admin_client: Any, stage: Any) -> Any:
    """``read("olena", period="7")``: the text of the tab, a line each entry, and the answer."""

    def read_tab(name: str, **query: Any) -> Any:
        url = reverse("admin:contacts_contact_activity", args=[stage.ids[name]])
        answer = admin_client.get(url, query)
        answer.lines = [
            " ".join(strip_tags(entry).split()) for entry in re.findall("<p>(.*?)</p>", answer.content.decode(), re.S)
        ]
        return answer

    return read_tab


def viewed(page: str, *, days_ago: float, plan: Any = WEB_EVENT, external_id: str = "A-1", **params: Any) -> None:
    event = NewEvent(
        "pageView", {"external_id": external_id}, params={"page": page, **params}, occurred_at=NOW - timedelta(days_ago)
    )
    record_events([event], by="key:1", plan=plan)


def test_each_entry_is_told_in_words(play, read, admin_user):
    CustomField.objects.create(key="tier", label="Tier")
    EventType.objects.create(key="pageView", name="Page view")
    stage = play(OLENA, BOHDAN, merged("olena", "bohdan"))
    olena = stage.ids["olena"]
    viewed("/boots", days_ago=3, seconds=12, colour="<b>")
    items = [{"externalItemId": "7", "name": "Boots", "quantity": 2, "cost": 1200.5}]
    order = NewOrder("N-1", {"external_id": "A-1"}, "DELIVERED", "2401", "UAH", NOW - timedelta(days=2), items)
    record_orders([replace(order, status="INITIALIZED")], by="key:1", at=NOW - timedelta(days=2))
    record_orders([order], by="key:1", at=NOW - timedelta(days=1))
    run = Import.objects.create(file_name="autumn.csv", by="user:1", status=ImportStatus.FINISHED, started_at=NOW)
    resolve([{"external_id": "A-1", "fields.tier": "gold"}], replace(IMPORT, import_id=run.pk), by=f"import:{run.pk}")
    resolve([{"id": olena, "first_name": "Olenka", "town": "Lviv"}], API, by=f"user:{admin_user.pk}")
    change("olena", {"town": "Odesa"})(stage)

    told = read("olena")

    assert told.status_code == 200
    text = " | ".join(told.lines)
    for said in (
        "Page view /boots",
        "Order N-1 · delivered · 2,401.00 UAH",
        "Order N-1 is now: delivered",
        "Tier: — → gold Import of autumn.csv",
        f"Changed First name, Town {admin_user.get_username()}",
        "Town: Lviv → Odesa",
        f"Contact {stage.ids['bohdan']} was merged into this one",
        f"at contact {stage.ids['bohdan']}, merged into this one",
    ):
        assert said in text
    page = told.content.decode()
    assert "&lt;b&gt;" in page
    for folded in ("2 parameters", "1 item", "1,200.50 UAH", "Colour"):
        assert folded in page
    assert "is now: initialized" not in page


def test_it_is_narrowed_by_kind_and_period(play, read):
    play(OLENA)
    for days in (1, 20, 60):
        viewed(f"/day-{days}", days_ago=days)
    viewed("/app", days_ago=1, plan=EVENT)

    def pages(**query: Any) -> list[str]:
        return re.findall(r"/(?:day-\d+|app)", " ".join(read("olena", kinds=["visit"], **query).lines))

    first, last = ((NOW - timedelta(days=days)).date().isoformat() for days in (70, 10))
    assert pages() == ["/day-1", "/day-20", "/day-60"]
    assert pages(period="30") == ["/day-1", "/day-20"]
    assert pages(period="own", since=first, until=last) == ["/day-20", "/day-60"]
    assert "/app" in " ".join(read("olena", kinds=["event", "edit"]).lines)
    assert "Choose other kinds or a longer period." in read("olena", kinds=["merge"], period="7").content.decode()


def test_pages_follow_one_another_and_a_day_is_headed_once(play, read, admin_client):
    play(OLENA)
    events = [
        NewEvent("pageView", {"external_id": "A-1"}, params={"page": f"/p{number:02}"}, occurred_at=NOW)
        for number in range(70)
    ]
    record_events(events, by="key:1", at=NOW, plan=WEB_EVENT)

    found, heads, answer = [], 0, read("olena", kinds=["visit"])
    while True:
        page = answer.content.decode()
        found += re.findall(r"/p\d\d", page)
        heads += page.count("<h2>")
        if not answer.context["older"]:
            break
        answer = admin_client.get(answer.context["older"])

    assert found == [f"/p{number:02}" for number in reversed(range(70))]
    assert heads == 1
    assert "This is where it begins." in page


@pytest.mark.parametrize(
    "query",
    [
        {"kinds": "gossip"},
        {"period": "yesterday"},
        {"since": "soon", "period": "own"},
        {"before": "x"},
        {"before": f"{NOW.isoformat()}/event/{'9' * 30}"},
    ],
)
def test_what_cannot_be_asked_is_said(play, read, query):
    play(OLENA)

    answer = read("olena", **query)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [{"period": "own", "until": "9999-12-31"}, {"period": "own", "since": "0001-01-01"}, {"kinds": ["event", "order"]}],
)
def test_the_ends_of_the_calendar_are_no_trouble(play, read, query):
    play(OLENA, deleted("olena"))

    assert read("olena", **query).status_code == 200


@pytest.mark.parametrize("number", [999_999, 0, 10**40])
def test_nobody_has_no_activity(admin_client, number):
    answer = admin_client.get(reverse("admin:contacts_contact_activity", args=[number]))

    assert answer.status_code == 404
    assert "is not there any more" in answer.content.decode()


def test_a_page_of_it_takes_a_bounded_number_of_statements(play, read, django_assert_max_num_queries):
    stage = play(OLENA, BOHDAN, merged("olena", "bohdan"))
    for number in range(20):
        viewed(f"/p{number}", days_ago=number)
        change("olena", {"town": f"Town {number}"})(stage)
    read("olena")

    with django_assert_max_num_queries(15):
        read("olena")
