"""An administrator registers an app, makes a key, and watches the first device come in; no barriers on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from contacts.identity.settings import forget_settings
from contacts.mobile.keys import forget_found_keys
from contacts.mobile.seen import forget_what_was_noted, note_app
from tests.barriers import find_in_both_themes
from tests.contacts.tracking.apps import ANDROID, DEVICE, call_app, owner_of

pytestmark = pytest.mark.django_db(transaction=True)

INTO = os.environ.get("PICTURES_INTO", "")
WHERE = "#content-main, #content"


@pytest.fixture(autouse=True)
def _nothing_noted():
    forget_settings()
    forget_found_keys()
    forget_what_was_noted()
    yield
    forget_settings()


def look(page: Any, name: str) -> None:
    """Axe finds nothing, in light and in dark; a picture of each and a narrow one, where they are asked for."""
    if INTO:
        for mode in ("", "-dark", "-narrow"):
            page.evaluate("is => document.documentElement.classList.toggle('dark', is)", mode == "-dark")
            page.set_viewport_size({"width": 390 if mode == "-narrow" else 1280, "height": 900})
            page.screenshot(path=Path(INTO) / f"apps-{name}{mode}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})
    assert find_in_both_themes(page, WHERE) == []


def test_an_app_is_registered_connected_and_seen(admin_page):
    page = admin_page
    note_app("com.example.courier")

    page.goto(reverse("admin:contacts_app_changelist"))
    look(page, "list-empty")
    page.get_by_role("link", name="Register com.example.courier").click()
    page.get_by_label("Name").fill("Courier")
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_label("Name of a new key").fill("Android 3.2")
    page.get_by_role("button", name="Make a key").click()
    said = page.get_by_text("Copy the key now, it is not shown again:")
    key = said.inner_text().rpartition(" ")[2].strip()
    look(page, "key")

    page.get_by_role("link", name="How to connect the app").click()
    page.get_by_text("Waiting for the first device.").wait_for()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    look(page, "connect")
    assert call_app(key)("device", ANDROID | {"externalUserId": "C-1"}).status_code == 200
    page.get_by_text("A device called").wait_for()
    page.get_by_text("It is a Pixel 8.").wait_for()
    look(page, "connected")

    page.get_by_role("link", name="the app's page").click()
    page.get_by_role("cell", name="Android 14").wait_for()
    look(page, "devices")
    page.get_by_role("button", name="Disable Android 3.2").click()
    page.get_by_role("button", name="Enable Android 3.2").wait_for()
    look(page, "disabled")

    page.goto(reverse("admin:contacts_contact_change", args=[owner_of(DEVICE)]) + "#identifiers")
    page.get_by_text("Pixel 8").first.wait_for()
    look(page, "sheet")
    page.goto(reverse("admin:contacts_app_changelist"))
    look(page, "list")
