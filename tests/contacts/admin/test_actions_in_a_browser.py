"""The contact list as people work on it: keys, columns, views, and something done to many at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.identity.settings import forget_settings
from contacts.models import ChannelState, Contact, ContactAction, CustomField

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parents[3] / ".venv/node_modules/axe-core/axe.min.js"
INTO = os.environ.get("PICTURES_INTO", "")
LIST = "/admin/contacts/contact/"
NAMES = ("Olena", "Bohdan", "Taras", "Oksana", "Nina", "Iryna", "Andriy", "Marta")
SURNAMES = ("Kovalenko", "Melnyk", "Shevchuk", "Bondar", "Tkachenko", "Lysenko", "Rudenko")
TOWNS = ("Lviv", "Kyiv", "Odesa")


@pytest.fixture
def crowd(transactional_db: None) -> list[Contact]:
    """A hundred and forty people of three towns, on six pages of the list."""
    forget_settings()
    CustomField.objects.create(key="tier", label="Tier", type="choice", options=["gold", "silver"])
    now = datetime.now(UTC)
    return Contact.objects.bulk_create(
        Contact(
            first_name=NAMES[number % 8],
            last_name=SURNAMES[number % 7],
            external_id=f"C-{1000 + number}",
            email=f"{NAMES[number % 8]}.{SURNAMES[number % 7]}@example.com".lower() if number % 3 else None,
            email_state=ChannelState.ACTIVE if number % 3 else None,
            phone=f"+38050111{number:04d}" if number % 2 else None,
            phone_state=ChannelState.ACTIVE if number % 2 else None,
            town=TOWNS[number % 3],
            attributes={"tier": "gold"} if number % 5 == 0 else {},
            made_deliberately=True,
            source="import",
            created_at=now - timedelta(days=number),
            updated_at=now - timedelta(minutes=number),
        )
        for number in range(140)
    )


@pytest.fixture
def find_barriers(admin_page: Any) -> Callable[[], list[str]]:
    """What axe finds on the page, a line each."""
    if not AXE.exists():
        pytest.skip("there is no axe here; `make setup-browser` installs it")

    def find() -> list[str]:
        admin_page.evaluate(AXE.read_text())
        found = admin_page.evaluate("axe.run('#content-main, #content')")
        return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

    return find


@pytest.fixture
def take(admin_page: Any) -> Callable[[str], None]:
    """Pictures for the documentation, where they are asked for."""

    def shoot(name: str) -> None:
        if INTO:
            admin_page.wait_for_timeout(300)
            admin_page.screenshot(path=f"{INTO}/{name}.png")

    return shoot


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent").strip())


def ticked(page: Any) -> int:
    return int(page.locator("input.action-select:checked").count())


def test_a_person_goes_through_the_list_by_keys(admin_page: Any, crowd: list[Contact], find_barriers: Any) -> None:
    page = admin_page
    page.goto(LIST)

    # 1. From row to row; there is no row before the first one.
    page.keyboard.press("j")
    assert focused(page) == "Olena Kovalenko"
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Taras Shevchuk"
    for _ in range(4):
        page.keyboard.press("k")
    assert focused(page) == "Olena Kovalenko"

    # 2. Choose rows.
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert ticked(page) == 2
    page.keyboard.press("x")
    assert ticked(page) == 1

    # 3. The keys are shown, and nothing moves behind them.
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys of this list").wait_for()
    page.keyboard.press("x")
    assert ticked(page) == 1
    assert find_barriers() == []
    page.keyboard.press("Escape")

    # 4. Who types, types.
    page.keyboard.press("/")
    page.keyboard.type("jxk?")
    assert page.locator("#searchbar").input_value() == "jxk?"
    assert ticked(page) == 1

    # 5. Enter opens the contact.
    page.locator("#searchbar").evaluate("box => box.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/contact/{crowd[0].pk}/change/**")


def test_a_person_edits_all_that_the_list_shows_and_takes_it_back(
    admin_page: Any, crowd: list[Contact], run_jobs: Any, find_barriers: Any, take: Any
) -> None:
    page = admin_page
    page.goto(f"{LIST}?has_phone=no&view=all")

    # 1. Every row of the page, then all that the list finds.
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Choose all that the list finds").click()
    page.get_by_text("All that the list finds, on all its pages, is chosen.").wait_for()
    page.locator("select[name=action]").select_option(label="Edit a field…")
    assert find_barriers() == []
    take("list-chosen")
    page.get_by_role("button", name="Run").click()

    # 2. Which field, and what.
    page.get_by_role("heading", name="Edit a field: 70 contacts").wait_for()
    assert find_barriers() == []
    page.get_by_label("Field", exact=True).select_option("Town")
    page.get_by_label("Town").fill("Dnipro")
    assert find_barriers() == []
    take("action-confirm")
    page.get_by_role("button", name="Edit a field").click()

    # 3. Few enough to be done at once.
    page.get_by_text("70 contacts were changed.").wait_for()
    assert Contact.objects.filter(town="Dnipro").count() == 70
    page.get_by_role("link", name="See it, or take it back").click()
    page.get_by_role("heading", name="Edit a field: Town → Dnipro").first.wait_for()
    assert find_barriers() == []

    # 4. Back again, in the background.
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("The action is being taken back").first.wait_for()
    assert find_barriers() == []
    run_jobs()
    page.get_by_text("It was taken back.").wait_for()
    assert not Contact.objects.filter(town="Dnipro").exists()
    assert find_barriers() == []
    take("action-taken-back")


def test_to_delete_many_a_person_types_how_many_and_follows_it(
    admin_page: Any, crowd: list[Contact], run_jobs: Any, find_barriers: Any, take: Any
) -> None:
    page = admin_page
    page.goto(f"{LIST}?view=all")
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Choose all that the list finds").click()
    page.locator("select[name=action]").select_option(label="Delete…")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("These are all contacts").wait_for()
    assert find_barriers() == []
    take("action-delete")

    page.get_by_label("Type 140").fill("14")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Type 140 to say that you mean so many.").wait_for()
    assert find_barriers() == []
    page.get_by_label("Type 140").fill("140")
    page.get_by_role("button", name="Delete", exact=True).click()

    page.get_by_text("Waiting for the worker").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("It is paused.").wait_for()
    page.get_by_role("button", name="Go on").click()
    run_jobs()
    page.get_by_text("140 contacts were deleted.").first.wait_for()
    assert ContactAction.objects.get().done == 140


def test_a_person_keeps_a_view_with_columns_and_begins_with_it(
    admin_page: Any, crowd: list[Contact], find_barriers: Any, take: Any
) -> None:
    page = admin_page
    page.goto(f"{LIST}?has_email=yes")

    # 1. Save what the list shows.
    page.get_by_role("link", name="Save as a view").click()
    page.get_by_label("Name").fill("Reached by email")
    page.get_by_label("Shared with everybody").check()
    page.get_by_label("What I see first").check()
    assert find_barriers() == []
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The view was saved.").wait_for()

    # 2. Its columns, in another order.
    page.get_by_role("link", name="Columns").click()
    page.get_by_label("Town", exact=True).check()
    page.get_by_label("Tier", exact=True).check()
    for _ in range(4):
        page.get_by_role("button", name="Move Tier up").click()
    assert find_barriers() == []
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Reached by email").wait_for()
    page.get_by_role("columnheader", name="Tier").wait_for()
    page.get_by_role("columnheader", name="Town").wait_for()
    assert find_barriers() == []
    take("list-views")

    # 3. It is what one sees first; everybody is one press away.
    page.goto(LIST)
    page.wait_for_url("**has_email=yes**")
    page.get_by_role("link", name="All contacts").click()
    page.wait_for_url("**view=all")
    assert page.get_by_role("columnheader", name="Tier").count() == 0

    # 4. It goes.
    page.get_by_role("link", name="Manage").click()
    assert find_barriers() == []
    page.get_by_role("button", name="Delete the view Reached by email").click()
    page.get_by_text("The view was deleted.").wait_for()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (1280, "dark")])
def test_every_page_fits_the_screen_and_has_no_barrier(
    admin_page: Any, crowd: list[Contact], find_barriers: Any, width: int, theme: str
) -> None:
    page = admin_page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{LIST}?view=all")
    page.evaluate(f"localStorage.setItem('_x_adminTheme', JSON.stringify('{theme}'))")

    for address in (
        f"{LIST}?view=all",
        f"{LIST}act/delete/?whole=1",
        f"{LIST}act/edit/?whole=1&column=town",
        f"{LIST}act/unsubscribe/?whole=1",
        f"{LIST}act/join/?selected={crowd[0].pk}",
        f"{LIST}views/add/",
        f"{LIST}columns/",
        f"{LIST}export/",
        "/admin/contacts/contactaction/",
    ):
        page.goto(address)
        page.locator("#content").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert find_barriers() == [], address
