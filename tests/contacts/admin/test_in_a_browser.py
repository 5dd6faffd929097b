"""What a person does with contacts, in a real browser."""

import pytest

from contacts.models import Contact, ContactState
from tests.people import have

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_finds_edits_meets_taken_saves_deletes_and_restores(admin_page, play):
    stage = play(
        have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena"}),
        have("bohdan", {"external_id": "B-1", "email": "bohdan@example.com", "first_name": "Bohdan"}),
    )
    page = admin_page

    # 1. Find by external ID.
    page.goto("/admin/contacts/contact/")
    page.get_by_role("textbox").first.fill("A-1")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Olena", exact=True).click()

    # 2. Edit, and meet somebody who has the external ID.
    page.get_by_label("Town").fill("Lviv")
    page.get_by_label("External ID").fill("B-1")
    page.get_by_role("button", name="Save", exact=True).click()
    taken = page.locator(".errorlist", has_text="Taken")
    taken.wait_for()
    assert (
        taken.get_by_role("link", name="Bohdan").get_attribute("href")
        == f"/admin/contacts/contact/{stage.ids['bohdan']}/change/"
    )
    assert page.get_by_label("Town").input_value() == "Lviv"

    # 3. Save what is possible, and read it in the history.
    page.get_by_label("External ID").fill("A-2")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The contact was saved.").wait_for()
    page.get_by_role("tab", name="History").click()
    page.get_by_role("article").first.get_by_text("Lviv").wait_for()
    page.get_by_role("tab", name="Identifiers").click()
    page.get_by_role("cell", name="A-2").wait_for()

    # 4. Delete, look for it again, restore.
    page.get_by_label("More to do with this contact").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("was deleted successfully").wait_for()
    page.get_by_role("textbox").first.fill("olena@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Olena").click()
    page.get_by_text("This contact was deleted").wait_for()
    page.get_by_role("button", name="Restore").click()
    page.get_by_text("The contact was restored.").wait_for()

    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.external_id, olena.town, olena.state) == ("A-2", "Lviv", ContactState.ACTIVE)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_screen(admin_page, play, width):
    stage = play(
        have("olena", {"external_id": "A" * 60, "email": f"{'olena' * 10}@example.com", "first_name": "Olena"})
    )
    admin_page.set_viewport_size({"width": width, "height": 800})

    sheet = f"/admin/contacts/contact/{stage.ids['olena']}/change/"
    for address in (
        "/admin/contacts/contact/",
        sheet,
        f"{sheet}#identifiers",
        f"{sheet}#activity",
        f"{sheet}#segments",
        f"{sheet}#history",
        "/admin/contacts/contact/add/",
    ):
        admin_page.goto("about:blank")
        admin_page.goto(address)
        admin_page.locator("#content").wait_for()
        assert admin_page.evaluate("document.documentElement.scrollWidth") <= width, address
