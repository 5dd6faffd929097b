"""The page of a segment's history, as requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from segments.models import Segment, Watch
from tests.people import change, have
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher

LVIV = ask("town", "is", "Lviv")
SWITCH = {"is_on": "on", "tells_webhooks": "on", "kept_days": "30"}


def page_of(segment: Segment) -> str:
    return reverse("admin:segments_segment_history", args=[segment.pk])


@pytest.fixture
def lviv(watcher: Watcher) -> Segment:
    """Olena is in, Taras was."""
    watcher.stage.now = datetime.now(UTC) - timedelta(seconds=30)
    segment = watcher.watch("Lviv", LVIV)
    watcher.play(have("olena", {"email": "olena@example.com", "first_name": "Olena", "town": "Lviv"}))
    watcher.play(have("taras", {"email": "taras@example.com", "first_name": "Taras", "town": "Lviv"}))
    watcher.play(change("taras", {"town": "Kyiv"}))
    return segment


def test_the_history_is_switched_on_and_off(admin_client: Client, watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV, is_watched=False)
    assert "No history of the members is kept." in admin_client.get(page_of(segment)).content.decode()

    assert admin_client.post(page_of(segment), SWITCH).status_code == 302
    watch = Watch.objects.get(segment=segment)
    assert (watch.is_on, watch.tells_webhooks, watch.records_events, watch.kept_days) == (True, True, False, 30)
    assert "The history is about to begin." in admin_client.get(page_of(segment)).content.decode()

    admin_client.post(page_of(segment), {"kept_days": "30"})
    assert not Watch.objects.get(segment=segment).is_on


@pytest.mark.parametrize("days", ["0", "x", "", "99999"])
def test_days_to_keep_that_make_no_sense_are_refused(admin_client: Client, watcher: Watcher, days: str) -> None:
    segment = watcher.watch("Lviv", LVIV, is_watched=False)
    page = admin_client.post(page_of(segment), SWITCH | {"kept_days": days})

    assert "kept_days" in page.context["form"].errors
    assert not Watch.objects.exists()


def test_the_sizes_are_drawn_and_told(admin_client: Client, lviv: Segment) -> None:
    text = admin_client.get(page_of(lviv), {"days": "90"}).content.decode()

    assert "<polyline" in text
    assert "The history is up to date." in text
    assert '<td data-label="Entered">2</td><td data-label="Left">1</td>' in text


def test_who_was_in_on_a_day_is_listed_with_why(admin_client: Client, lviv: Segment) -> None:
    text = admin_client.get(page_of(lviv), {"day": datetime.now(UTC).date().isoformat()}).content.decode()

    assert "Olena</a>" in text
    assert "Taras</a>" not in text
    assert "the contact changed" in text


@pytest.mark.parametrize(
    ("day", "said"),
    [("soon", "Write the day as YYYY-MM-DD."), ("1999-01-01", "The history reaches from"), ("9999-12-31", "reaches")],
)
def test_a_day_that_cannot_be_told_is_said_so(admin_client: Client, lviv: Segment, day: str, said: str) -> None:
    assert said in admin_client.get(page_of(lviv), {"day": day, "after": "x"}).content.decode()


def test_nobody_can_ask_for_a_day_before_there_is_a_history(admin_client: Client, watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV, is_watched=False)

    assert "There is no history yet." in admin_client.get(page_of(segment), {"day": "2026-01-01"}).content.decode()


def test_all_contacts_are_looked_through_again_on_demand(admin_client: Client, lviv: Segment) -> None:
    admin_client.post(page_of(lviv), {"check": "1"})

    assert (Watch.objects.get().stage, Watch.objects.get().sweep_cause) == ("sweeping", "check")


def test_who_may_only_look_changes_nothing(client: Client, django_user_model: type, lviv: Segment) -> None:
    from django.contrib.auth.models import Permission, User

    marta = User.objects.create_user("marta", is_staff=True)
    marta.user_permissions.set(Permission.objects.filter(codename__in=["view_segment", "view_contact"]))
    client.force_login(marta)

    page = client.get(page_of(lviv))
    assert (page.status_code, page.context["may_change"]) == (200, False)
    assert client.post(page_of(lviv), {"kept_days": "30"}).status_code in (302, 403)
    assert Watch.objects.get().is_on
