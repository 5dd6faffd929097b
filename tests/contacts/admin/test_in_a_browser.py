"""What a person does with contacts, in a real browser."""

import pytest

from contacts.models import Contact, ContactState
from tests.people import have

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_finds_edits_meets_taken_merges_undoes_groups_deletes_and_restores(admin_page, play):
    stage = play(
        have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena"}),
        have("bohdan", {"external_id": "B-1", "email": "bohdan@example.com", "first_name": "Bohdan"}),
    )
    page = admin_page
    page.on("dialog", lambda dialog: dialog.accept())  # leaving a sheet with changes is asked about

    # 1. Find by external ID, and edit.
    page.goto("/admin/contacts/contact/")
    page.get_by_role("textbox").first.fill("A-1")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Olena", exact=True).click()
    page.get_by_label("Town").fill("Lviv")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The contact was saved.").wait_for()

    # 2. Meet somebody who has the external ID; what was typed stays, and the ways out are named.
    page.get_by_label("External ID").fill("B-1")
    page.get_by_label("First name").fill("Olenka")
    page.get_by_role("button", name="Save", exact=True).click()
    taken = page.locator(".errorlist", has_text="Taken")
    taken.wait_for()
    bohdans = f"/admin/contacts/contact/{stage.ids['bohdan']}/change/"
    assert taken.get_by_role("link", name="Bohdan").get_attribute("href") == bohdans
    assert page.get_by_label("First name").input_value() == "Olenka"

    # 3. Merge the two, look at what came of it, and take it back.
    taken.get_by_role("link", name="merge the two").click()
    page.get_by_role("button", name="Look at the result first").click()
    page.get_by_text("Nothing is merged yet.").wait_for()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("is part of Olena now.").wait_for()
    page.goto(bohdans)
    page.get_by_text("was merged into this one.").first.wait_for()
    page.get_by_role("tab", name="History").click()
    merge = page.get_by_role("tabpanel", name="History")
    merge.get_by_text("Merged into this contact").wait_for()
    merge.get_by_role("button", name="Undo").click()
    page.get_by_text("The merge was undone.").wait_for()
    assert Contact.objects.get(pk=stage.ids["bohdan"]).state == ContactState.ACTIVE

    # 4. Put her into a segment that is made on the way.
    page.goto(f"/admin/contacts/contact/{stage.ids['olena']}/change/#segments")
    page.get_by_label("Or a new one, by the name").fill("Regulars")
    page.get_by_role("button", name="Put in").click()
    page.get_by_text("The contact was put into the segment.").wait_for()
    page.get_by_role("tabpanel", name="Segments").get_by_role("link", name="Regulars", exact=True).wait_for()

    # 5. Delete her, look for her again, restore her: all is as it was.
    page.get_by_label("More to do with this contact").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("was deleted successfully").wait_for()
    page.get_by_role("textbox").first.fill("olena@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Olena").click()
    page.get_by_text("This contact was deleted").wait_for()
    assert not page.get_by_role("button", name="Save", exact=True).is_visible()
    page.get_by_role("button", name="Restore").click()
    page.get_by_text("The contact was restored.").wait_for()
    page.locator(".cs-chips").get_by_role("link", name="Regulars").wait_for()

    # 6. The history tells it all.
    page.get_by_role("tab", name="History").click()
    told = page.get_by_role("tabpanel", name="History")
    told.get_by_role("article").first.wait_for()
    for word in ("Restored", "Deleted", "Unmerged", "Merged", "Updated", "Created"):
        told.get_by_role("article").get_by_text(word, exact=True).first.wait_for()
    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.external_id, olena.town, olena.state) == ("A-1", "Lviv", ContactState.ACTIVE)


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
