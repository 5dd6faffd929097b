"""The page of an event type: its choices, how many events wait, and the parameters that were seen."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.activity import NewEvent, record_events
from contacts.activity.parameters import MOST_NAMES, forget_noted
from contacts.identity.settings import forget_settings
from contacts.models import EventType
from crm.models import AuditEntry
from tests.barriers import find_in_both_themes

AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
LIST = reverse("admin:contacts_eventtype_changelist")
INTO = os.environ.get("PICTURES_INTO", "")


@pytest.fixture(autouse=True)
def _nothing_noted() -> None:
    forget_settings()
    forget_noted()


@pytest.fixture
def viewed(transactional_db: None) -> EventType:
    """A type whose events Olena's shop sends, one of them about somebody who is not there yet."""
    kind = EventType.objects.create(
        key="productViewed", name="Product viewed", when_nobody="keep", description="The shop, at each product's page."
    )
    product = {"id": 7, "title": "Boots", "tags": ["leather"]}
    params = {"page": "/boots", "price": 12.5, "isNew": True, "seenOn": "2026-11-20", "product": product}
    record_events(
        [NewEvent("productViewed", {"email": "olena@example.com"}, params=params, occurred_at=AT)], by="key:1"
    )
    kind.when_nobody = "create"
    kind.save()
    record_events([NewEvent("productViewed", {"email": "nina@example.com"}, occurred_at=AT)], by="key:1")
    kind.when_nobody = "keep"
    kind.save()
    return kind


def page_of(kind: EventType) -> str:
    return reverse("admin:contacts_eventtype_change", args=[kind.pk])


def test_the_page_tells_what_the_events_have(admin_client: Any, viewed: EventType) -> None:
    context = admin_client.get(page_of(viewed)).context

    assert [(shown.name, shown.kinds) for shown in context["parameters"]] == [
        ("isNew", "yes or no"),
        ("page", "text"),
        ("price", "number"),
        ("product", "object"),
        ("product.id", "number"),
        ("product.tags", "list"),
        ("product.title", "text"),
        ("seenOn", "date"),
    ]
    assert (context["waiting"], context["last_event"] != "") == ("1", True)


def test_it_asks_few_questions(admin_client: Any, viewed: EventType) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        admin_client.get(page_of(viewed))

    assert len(asked) <= 15


@pytest.mark.django_db
def test_a_type_without_events_says_what_comes(admin_client: Any) -> None:
    kind = EventType.objects.create(key="never")

    answer = admin_client.get(page_of(kind))

    assert "No parameter was seen yet." in answer.content.decode()
    assert "none yet" in answer.content.decode()


@pytest.mark.django_db
def test_that_there_are_more_than_are_listed_is_said(admin_client: Any) -> None:
    kind = EventType.objects.create(key="wild", has_more_parameters=True)

    assert f"more than {MOST_NAMES} parameters" in admin_client.get(page_of(kind)).content.decode()


@pytest.mark.django_db
def test_choices_are_saved_and_noted(admin_client: Any) -> None:
    kind = EventType.objects.create(key="seen")

    admin_client.post(page_of(kind), {"name": "Seen", "when_nobody": "keep", "is_once_per_key": "on"})

    kind.refresh_from_db()
    assert (kind.name, kind.when_nobody, kind.is_once_per_key, kind.is_for_segments) == ("Seen", "keep", True, False)
    assert AuditEntry.objects.latest("pk").details["when_nobody →"] == ["create", "keep"]


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["999999999", "0", "nonsense", "9" * 40])
def test_a_type_that_is_not_there_leads_back(admin_client: Any, number: str) -> None:
    assert admin_client.get(f"{LIST}{number}/change/").status_code in {302, 404}


def test_a_person_reads_it_without_barriers(admin_page: Any, live_server: Any, viewed: EventType) -> None:
    page = admin_page
    page.goto(live_server.url + page_of(viewed))
    page.get_by_role("heading", name="Parameters seen").wait_for()

    found = find_in_both_themes(page)
    if INTO:
        take_pictures(page)
    page.get_by_label("When nobody matches").select_option("refuse")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()

    viewed.refresh_from_db()
    assert viewed.when_nobody == "refuse"
    assert found == []


def take_pictures(page: Any) -> None:
    """``event-type.png`` of docs/events.md; with ``PICTURES=all`` dark and narrow too."""
    page.set_viewport_size({"width": 1280, "height": 1160})
    page.screenshot(path=f"{INTO}/event-type.png")
    if os.environ.get("PICTURES") == "all":
        page.evaluate("document.documentElement.classList.add('dark')")
        page.screenshot(path=f"{INTO}/event-type-dark.png", full_page=True)
        page.evaluate("document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=f"{INTO}/event-type-narrow.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
