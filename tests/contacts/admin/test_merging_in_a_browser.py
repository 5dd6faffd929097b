"""From the inbox of duplicates to one contact and back, in a real browser.

With ``PICTURES_INTO=docs/images`` the pictures of docs/merging.md are taken on the way.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from contacts.identity.namesakes import look_for_namesakes
from contacts.identity.types import SHEET
from contacts.models import Contact, ContactState, CustomField, DuplicateCase, Merge, Policy
from tests.barriers import find_in_both_themes
from tests.people import change, have, ordered, push

pytestmark = pytest.mark.django_db(transaction=True)

INTO = os.environ.get("PICTURES_INTO", "")
INBOX = "/admin/contacts/duplicatecase/"
KOVAL = {"first_name": "Olena", "last_name": "Koval", "fields.birthday": "1990-05-01"}
PEOPLE = (
    have("olena", {"external_id": "A-1042", "email": "olena.koval@example.com", "town": "Lviv", **KOVAL}),
    have("shop", {"phone": "+380501112233", "identifiers": [push("fG5xQ0-APA91b")]}),
    change("shop", {**KOVAL, "email": "Olena.Koval@example.com", "town": "Kyiv", "address": "Sadova 7"}, SHEET),
    ordered("shop"),
    have("taras", {"external_id": "B-7", "email": "family@example.com", "first_name": "Taras", "last_name": "Melnyk"}),
    have(
        "oksana", {"external_id": "B-8", "email": "family@example.com", "first_name": "Oksana", "last_name": "Melnyk"}
    ),
    have("nina", {"external_id": "C-1", "email": "nina@example.com", "first_name": "Nina", "last_name": "Rudenko"}),
    have("nina2", {"email": "nina.r@example.com"}),
    change("nina2", {"email": "nina@example.com", "first_name": "Nina", "last_name": "Rudenko"}, SHEET),
    have("ihor", {"external_id": "D-4", "first_name": "Ihor", "last_name": "Bondar", "fields.birthday": "1984-02-29"}),
    have("ihor2", {"phone": "+380671234567", "first_name": "IHOR", "last_name": "BONDAR"}),
    change("ihor2", {"fields.birthday": "1984-02-29"}, SHEET),
)


@pytest.fixture
def stage(play: Any) -> Any:
    field = CustomField.objects.create(key="birthday", label="Birthday", type="date")
    Policy.objects.update_or_create(pk=1, defaults={"birthday_field": field})
    played = play(*PEOPLE)
    look_for_namesakes(at=timezone.now() + timedelta(minutes=1))
    return played


def take(page: Any, name: str) -> None:
    """For docs/images, and to look at."""
    if not INTO:
        return
    for suffix, width, height, dark in (
        ("", 1280, 1150, False),
        ("-dark", 1280, 1150, True),
        ("-narrow", 390, 1400, False),
    ):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", dark)
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)
        page.screenshot(path=Path(INTO) / f"{name}{suffix}.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.documentElement.classList.remove('dark')")


def check(page: Any, name: str) -> None:
    """It is as wide as the screen, on a phone too, and nothing stands in anybody's way."""
    take(page, name)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    page.set_viewport_size({"width": 1280, "height": 900})
    assert find_in_both_themes(page, "#content") == [], name


def test_a_person_goes_through_the_inbox_merges_and_undoes(admin_page: Any, stage: Any) -> None:
    page = admin_page

    # 1. The inbox: the clear one, and why.
    page.goto(INBOX)
    card = page.get_by_role("article", name="olena.koval@example.com")
    card.get_by_text("Clearly one person").wait_for()
    card.get_by_text("the same name", exact=True).wait_for()
    check(page, "duplicates")

    # 2. Compare it: the external ID decides who stays; values are picked by keyboard.
    card.get_by_role("link", name="Compare and merge").click()
    page.get_by_role("heading", name="differ").wait_for()
    assert page.get_by_role("radio", name="A-1042").first.is_visible()
    check(page, "merge-compare")
    town = page.get_by_role("group", name="Town")
    assert town.get_by_role("radio", name="Lviv").is_checked()
    town.get_by_role("radio", name="Lviv").focus()
    page.keyboard.press("ArrowRight")
    assert town.get_by_role("radio", name="Kyiv").is_checked()
    page.get_by_role("button", name="the newest").click()
    page.get_by_role("group", name="Address").get_by_role("radio", name="no value").check()

    # 3. Look at the result, go back for one more choice, merge.
    page.get_by_role("button", name="Look at the result first").click()
    page.get_by_text("Nothing is merged yet.").wait_for()
    check(page, "merge-preview")
    page.get_by_role("button", name="Back to the choices").click()
    assert page.get_by_role("group", name="Address").get_by_role("radio", name="no value").is_checked()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Done: Olena Koval").wait_for()
    check(page, "merge-done")
    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.town, olena.address, olena.phone, olena.order_count) == ("Kyiv", None, "+380501112233", 1)

    # 4. Undo at once: both are as before, and the case waits again.
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The merge was undone.").wait_for()
    olena.refresh_from_db()
    assert (olena.town, olena.phone, olena.order_count) == ("Lviv", None, 0)
    assert Contact.objects.get(pk=stage.ids["shop"]).state == ContactState.ACTIVE

    # 5. Back in the inbox: not the same, later, and all clear ones at once.
    page.goto(INBOX)
    page.get_by_role("article", name="family@example.com").get_by_role("button", name="Not the same").click()
    page.get_by_text("Remembered: these are not the same person.").wait_for()
    namesakes = page.get_by_role("article", name="bondar ihor 1984-02-29")
    namesakes.get_by_text("Later", exact=True).click()
    namesakes.get_by_role("button", name="In a week").click()
    page.get_by_text("It comes back by itself.").wait_for()
    assert page.get_by_role("article").count() == 2
    look_for_namesakes(at=timezone.now() + timedelta(minutes=1))
    page.reload()
    page.get_by_role("link", name="Merge all clear ones").click()
    check(page, "duplicates-clear")
    page.get_by_role("button", name="Merge them").click()
    page.get_by_text("2 contacts were merged.").wait_for()
    check(page, "duplicates-cleared")
    page.get_by_role("button", name="Undo all of them").click()
    page.get_by_text("2 merges were undone.").wait_for()
    assert not Merge.objects.filter(undone_at=None).exists()
    assert DuplicateCase.objects.filter(status="dismissed").get().value == "family@example.com"

    # 6. Filters go by themselves.
    page.goto(INBOX)
    page.get_by_label("Status").select_option("Put off until later")
    page.get_by_text("Put off until", exact=False).last.wait_for()
    assert page.get_by_role("article").count() == 1


def test_the_other_contact_is_looked_for(admin_page: Any, stage: Any) -> None:
    page = admin_page
    page.goto(f"/admin/contacts/merge/compare/?left={stage.ids['nina']}")
    page.get_by_role("heading", name="Possible duplicates").wait_for()
    check(page, "merge-find")

    page.get_by_role("searchbox").last.fill("B-7")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Taras Melnyk").click()

    page.get_by_text("They have different external IDs").wait_for()
    check(page, "merge-two-ids")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Done: Nina Rudenko is part of Taras Melnyk now.").wait_for()
    assert Contact.objects.get(pk=stage.ids["taras"]).external_id == "B-7"
