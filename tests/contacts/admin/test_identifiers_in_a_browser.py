"""Identifiers and history as a person works with them, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from contacts.identity import move_identifier, resolve, suppress_addresses
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import ChannelState, Contact, Identifier
from tests.barriers import find_in_both_themes
from tests.people import change, have, merged

pytestmark = pytest.mark.django_db(transaction=True)

INTO = os.environ.get("PICTURES_INTO", "")
PIXEL = {
    "kind": "mobile_push",
    "app": "shop",
    "value": "fG5xQ0:APA91bHun4",
    "details": {"deviceModel": "Pixel 9", "os": "Android 16", "appVersion": "4.2", "active": True},
}
TABLET = {"kind": "device", "app": "shop", "value": "ipad-0041", "details": {"deviceModel": "iPad Air"}}
OLENA = {
    "external_id": "A-1",
    "email": "Olena@Example.com",
    "phone": "+380501112233",
    "first_name": "Olena",
    "last_name": "Kovalenko",
    "identifiers": [PIXEL, TABLET],
}
BOHDAN = {"external_id": "B-1", "email": "bohdan@example.com", "first_name": "Bohdan", "last_name": "Melnyk"}


def open_tab(page: Any, contact_id: int, name: str) -> Any:
    page.goto("about:blank")
    page.goto(f"/admin/contacts/contact/{contact_id}/change/#{name.lower()}")
    panel = page.get_by_role("tabpanel", name=name)
    panel.locator(".cf-card").first.wait_for()
    return panel


def take_picture(page: Any, name: str) -> None:
    """For docs/images."""
    if INTO:
        page.screenshot(path=Path(INTO) / f"{name}.png")


def test_an_identifier_is_detached_moved_and_brought_back(admin_page: Any, play: Any) -> None:
    stage = play(
        have("olena", OLENA), have("bohdan", BOHDAN), have("old", {"email": "o.k@example.com"}), merged("olena", "old")
    )
    olena, bohdan, page = stage.ids["olena"], stage.ids["bohdan"], admin_page

    # 1. What there is, by kind, with what is known of the device.
    panel = open_tab(page, olena, "Identifiers")
    panel.get_by_text("Pixel 9").wait_for()
    assert find_in_both_themes(page, "#content") == []
    take_picture(page, "identifiers")

    # 2. The email collides with Bohdan's own: he is named, and can be merged with.
    panel.get_by_role("link", name="Move Email Olena@Example.com").click()
    page.get_by_label("The other contact").fill("melnyk")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Bohdan Melnyk").click()
    page.get_by_role("alert").get_by_text("bohdan@example.com").wait_for()
    assert find_in_both_themes(page, "#content") == []
    page.get_by_role("link", name="Back to the contact").click()

    # 3. The device moves, found by an external ID, once it was said what that does.
    panel.get_by_role("link", name="Move Device ID ipad-0041").click()
    page.get_by_label("The other contact").fill("extid:B-1")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Bohdan Melnyk").click()
    page.get_by_text("records with this value find the other contact").wait_for()
    page.get_by_role("button", name="Move").click()
    page.get_by_text("The identifier was moved to Bohdan Melnyk.").wait_for()
    assert Identifier.objects.get(value="ipad-0041").contact_id == bohdan

    # 4. The email is detached; the one that a merge had brought takes its place.
    panel.get_by_role("link", name="Detach Email Olena@Example.com").click()
    page.get_by_text("will stand o.k@example.com, which came by a merge").wait_for()
    assert find_in_both_themes(page, "#content") == []
    page.get_by_role("button", name="Detach").click()
    page.get_by_text("The identifier was detached.").wait_for()
    assert Contact.objects.get(pk=olena).email == "o.k@example.com"

    # 5. The history takes it back.
    panel = open_tab(page, olena, "History")
    newest = panel.get_by_role("article").first
    newest.get_by_text("Identifier detached", exact=True).wait_for()
    newest.get_by_role("link", name="Take back").click()
    page.get_by_role("heading", name="This goes back").wait_for()
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("The change was taken back.").wait_for()
    assert Contact.objects.get(pk=olena).email == "Olena@Example.com"


def test_a_change_is_taken_back_as_far_as_nobody_touched_it_since(
    admin_page: Any, admin_user: Any, django_user_model: Any, play: Any
) -> None:
    stage = play(have("olena", OLENA | {"town": "Lviv", "region": "West"}), have("bohdan", {"external_id": "B-1"}))
    olena, page = stage.ids["olena"], admin_page
    iryna = django_user_model.objects.create_user("iryna", first_name="Iryna", last_name="Bondar")
    mine, hers = f"user:{admin_user.pk}", f"user:{iryna.pk}"
    resolve([{"id": olena, "town": "Kyiv", "region": "North", "first_name": "Olha"}], API, by=mine)
    move_identifier(olena, Kind.DEVICE, "shop", "ipad-0041", stage.ids["bohdan"], by=hers)
    suppress_addresses(["olena@example.com"], ChannelState.UNSUBSCRIBED, by=hers, reason="asked on the phone")
    resolve([{"id": olena, "town": "Odesa"}], API, by=hers)
    for number in range(25):
        resolve([{"id": olena, "postcode": f"790{number:02}"}], API, by=mine)

    # 1. The history is narrowed to a kind, and grows.
    panel = open_tab(page, olena, "History")
    panel.get_by_text("79024").first.wait_for()
    assert find_in_both_themes(page, "#content") == []
    panel.get_by_label("Kind of change").select_option("Identifier migrated")
    panel.get_by_text("An identifier went to contact").wait_for()
    panel.get_by_text("79024").first.wait_for(state="detached")
    panel.get_by_label("Kind of change").select_option("All changes")
    panel.get_by_role("button", name="Show older changes").click()
    entry = panel.get_by_role("article").filter(has_text="Olha")
    entry.get_by_role("link", name="Take back").click()

    # 2. What goes back, and what somebody changed since.
    page.get_by_role("heading", name="This stays as it is").wait_for()
    page.get_by_text("changed it on").wait_for()
    assert find_in_both_themes(page, "#content") == []
    take_picture(page, "take-back")

    # 3. The person insists.
    page.get_by_label("Take it back anyway (Town)").check()
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("The change was taken back.").wait_for()
    found = Contact.objects.get(pk=olena)
    assert (found.town, found.region, found.first_name) == ("Lviv", "West", "Olena")
    panel.get_by_role("article").first.get_by_text("Change taken back", exact=True).wait_for()
    page.evaluate("document.documentElement.classList.add('dark')")
    take_picture(page, "history-dark")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_them_is_wider_than_the_screen(admin_page: Any, play: Any, width: int) -> None:
    long = {"kind": "web_push", "app": "site-1", "value": "t" * 400}
    stage = play(have("olena", OLENA | {"external_id": "A" * 90, "identifiers": [PIXEL, long]}))
    olena, page = stage.ids["olena"], admin_page
    page.set_viewport_size({"width": width, "height": 800})
    change("olena", {"town": "T" * 90})(stage)
    row = Identifier.objects.get(kind=Kind.EXTERNAL_ID)

    for name in ("Identifiers", "History"):
        open_tab(page, olena, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    last = f"journal/{olena_change(olena)}/take-back/"
    for address in (f"identifiers/{row.pk}/detach/", f"identifiers/{row.pk}/move/?q=Olena", last):
        page.goto(f"/admin/contacts/contact/{olena}/{address}")
        page.locator(".cf-card").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def olena_change(contact_id: int) -> int:
    from contacts.models import Change

    return Change.objects.filter(contact_id=contact_id).order_by("-pk")[0].pk
