"""The list of contacts as a person works with it: filter, search, page; and rows that come once the page stands."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contacts.models import ChannelState, Contact, CustomField
from tests.barriers import find_in_both_themes
from tests.people import have, imported, suppressed

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INTO = os.environ.get("PICTURES_INTO")
NAMES = [("Олена", "Шевченко"), ("Łukasz", "Wójcik"), ("Zoë", "O’Brien"), ("Мар'яна", "Коваль"), ("José", "Muñoz")]


def person(number):
    first, last = NAMES[number % len(NAMES)]
    email = f"person.{number}@example.com" if number % 4 else None
    record = {"external_id": f"C-{1000 + number}", "first_name": first, "last_name": last}
    record |= {"phone": f"+3806722233{number:02}"} if number % 3 or email is None else {}
    return imported(f"person {number}", record | ({"email": email} if email else {}))


def take_picture(page, name, width=1280, *, is_dark=False):
    if INTO:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", is_dark)
        page.screenshot(path=str(Path(INTO) / f"{name}.png"))
        page.evaluate("document.documentElement.classList.remove('dark')")


def test_a_person_filters_by_keyboard_takes_it_out_again_searches_and_pages(admin_page, play):
    play(
        *(person(number) for number in range(30)),
        suppressed("person.1@example.com", ChannelState.BOUNCED),
        suppressed("person.2@example.com", ChannelState.UNSUBSCRIBED),
        have("amelie", {"email": "amelie@example.com", "first_name": "Amélie", "last_name": "van den Berg",
                        "identifiers": [{"kind": "mobile_push", "app": "shop", "value": "push-1"}]}),
    )  # fmt: skip
    page = admin_page

    # 1. Open the filters without a mouse, and ask for what bounced.
    page.goto("/admin/contacts/contact/")
    take_picture(page, "contacts")
    take_picture(page, "contacts-dark", is_dark=True)
    take_picture(page, "contacts-narrow", width=390)
    page.set_viewport_size({"width": 1280, "height": 900})
    assert find_in_both_themes(page) == []
    page.get_by_role("button", name="Filters", exact=True).press("Enter")
    page.locator("summary", has_text="Email state").press("Enter")
    page.get_by_role("checkbox", name="bounced").first.press("Space")
    take_picture(page, "contacts-filters")
    page.get_by_role("button", name="Apply Filters").press("Enter")
    page.wait_for_url("**email_state=bounced**")
    assert page.locator("#result_list tbody").count() == 1
    assert page.get_by_role("img", name="Email: bounced").is_visible()

    # 2. What narrows the list is said above it, and goes with one press.
    chips = page.get_by_role("list", name="What narrows the list")
    assert chips.get_by_text("Email state: bounced").is_visible()
    page.get_by_role("button", name="Filters", exact=True).click()
    assert find_in_both_themes(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Take out Email state").press("Enter")
    page.wait_for_url("**/contact/?")

    # 3. Older ones, and back.
    page.get_by_role("link", name="Older").click()
    page.get_by_text("6 on this page").wait_for()
    page.get_by_role("link", name="Newer").click()
    page.get_by_text("25 on this page").wait_for()

    # 4. A name in any order and without its accents.
    page.get_by_role("textbox").first.fill("berg amelie")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Amélie van den Berg", exact=True).wait_for()
    assert page.get_by_role("img", name="Mobile push").is_visible()


def test_rows_that_take_long_come_once_the_page_stands(admin_page, play):
    CustomField(key="notes", label="Notes", type="long_text").save()
    moments = [NOW - timedelta(seconds=number) for number in range(10_300)]
    Contact.objects.bulk_create(
        Contact(first_name="Somebody", attributes={"notes": os.urandom(900).hex()}, created_at=at, updated_at=at)
        for at in moments
    )
    long_ago = NOW - timedelta(days=9)
    Contact.objects.create(
        first_name="Olena", attributes={"notes": "she likes blue"}, created_at=long_ago, updated_at=long_ago
    )

    admin_page.goto("/admin/contacts/contact/?fields.notes=likes+blue")

    admin_page.get_by_role("link", name="Olena", exact=True).wait_for()
    admin_page.get_by_text("1 on this page").wait_for()
    assert not admin_page.locator("#contact-looking").is_visible()
