"""A person adds a website, copies its snippet, and sees the first event come; no barriers on the way."""

from __future__ import annotations

import os
from typing import Any

import pytest

from contacts.identity.settings import forget_settings
from contacts.models import Site
from tests.barriers import find_in_both_themes
from tests.contacts.tracking.web.shop import open_shop

pytestmark = pytest.mark.django_db(transaction=True)

INTO = os.environ.get("PICTURES_INTO", "")
KEPT = ("install-received",)
"""Pictures of docs/web-tracking.md; with ``PICTURES=all`` there is one of every page, light, dark and narrow."""


def snap(page: Any, name: str) -> None:
    if not INTO or (name not in KEPT and os.environ.get("PICTURES") != "all"):
        return
    page.screenshot(path=f"{INTO}/web-{name}.png", full_page=True)
    if os.environ.get("PICTURES") == "all":
        page.evaluate("document.documentElement.classList.add('dark')")
        page.screenshot(path=f"{INTO}/web-{name}-dark.png", full_page=True)
        page.evaluate("document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=f"{INTO}/web-{name}-narrow.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_person_installs_web_tracking_and_sees_the_first_event_come(
    admin_page: Any, live_server: Any, browser: Any
) -> None:
    forget_settings()
    page = admin_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    # 1. A website is added; what is no address is said at its field.
    page.goto("/admin/contacts/site/add/")
    page.get_by_label("Name").fill("Online shop")
    page.get_by_label("Addresses").fill("https://shop.example.com/boots")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("No address of a website: https://shop.example.com/boots.").wait_for()
    assert find_in_both_themes(page) == []
    snap(page, "form")
    with open_shop("") as shop:
        page.get_by_label("Addresses").fill(f"https://shop.example.com\n{shop.url}")
        page.get_by_role("button", name="Save", exact=True).click()

        # 2. Its snippet, which is copied.
        page.get_by_role("heading", name="1. Paste this into every page").wait_for()
        page.get_by_text("Waiting for the first event.").wait_for()
        assert find_in_both_themes(page, "#content") == []
        snap(page, "install-waiting")
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied.").wait_for()
        site = Site.objects.get()
        snippet = page.evaluate("navigator.clipboard.readText()")
        assert snippet == page.locator("#cf-snippet").input_value()
        assert snippet.endswith(f'<script async src="{live_server.url}/web/{site.key}.js"></script>')

        # 3. Pasted into the shop's page, which somebody opens; the page here says so by itself.
        shop.snippet = snippet
        context = browser.new_context()
        context.new_page().goto(f"{shop.url}/boots?size=38")
        page.mouse.move(0, 0)  # off the button, whose colours change under it
        page.get_by_text(f"from {shop.url}.").wait_for()
        page.get_by_role("cell", name="127.0.0.1/boots").wait_for()
        assert find_in_both_themes(page, "#content") == []
        snap(page, "install-received")
        context.close()

    # 4. The list, and the form with its state.
    page.goto("/admin/contacts/site/")
    page.get_by_role("cell", name="Receiving").wait_for()
    assert find_in_both_themes(page, "#changelist") == []
    snap(page, "list")
    page.get_by_role("link", name="Online shop").click()
    page.get_by_role("heading", name="What arrives").wait_for()
    assert find_in_both_themes(page) == []
    snap(page, "site")
    forget_settings()
