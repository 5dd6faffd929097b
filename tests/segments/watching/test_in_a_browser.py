"""The page of a segment's history in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segments.models import SegmentSize, Watch
from tests.people import change, have
from tests.segments.pages.test_in_a_browser import find_barriers
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher
from tests.segments.watching.test_pages import page_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_history_is_switched_on_and_its_day_is_asked_for(admin_page: Any, watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", ask("town", "is", "Lviv"), is_watched=False)
    admin_page.goto(page_of(segment))
    admin_page.get_by_label("Keep a history of members").check()
    admin_page.get_by_label("Days that stays are kept").fill("90")
    admin_page.get_by_role("button", name="Save").click()
    admin_page.get_by_text("A history of the members is kept.").wait_for()
    assert (Watch.objects.get().is_on, Watch.objects.get().kept_days) == (True, 90)
    assert find_barriers(admin_page, ".cf-card") == []


def test_the_chart_and_who_was_in_are_read_without_barriers(admin_page: Any, watcher: Watcher) -> None:
    watcher.stage.now = datetime.now(UTC) - timedelta(seconds=30)
    segment = watcher.watch("Lviv", ask("town", "is", "Lviv"))
    watcher.play(have("olena", {"email": "olena@example.com", "first_name": "Olena", "town": "Lviv"}))
    watcher.play(have("taras", {"email": "taras@example.com", "first_name": "Taras", "town": "Lviv"}))
    watcher.play(change("taras", {"town": "Kyiv"}))
    for days in range(1, 40):
        day = (watcher.stage.now - timedelta(days=days)).date()
        SegmentSize.objects.create(segment=segment, day=day, size=900 + days)

    admin_page.goto(page_of(segment))
    admin_page.get_by_label("Day", exact=True).fill(datetime.now(UTC).date().isoformat())
    admin_page.get_by_role("button", name="Show").click()
    admin_page.get_by_role("link", name="Olena").wait_for()
    admin_page.get_by_text("The same as a table").click()
    assert admin_page.get_by_role("link", name="Taras").count() == 0
    assert find_barriers(admin_page, ".cf-card") == []

    admin_page.set_viewport_size({"width": 390, "height": 800})
    assert admin_page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
