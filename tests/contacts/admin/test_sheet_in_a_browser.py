"""The sheet as somebody lives in it all day, in a real browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts import populations
from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.models import Contact, CustomField, FieldType
from tests.barriers import find_in_both_themes
from tests.people import change, have

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
OLENA = have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena", "town": "Kyiv"})


def open_sheet(page: Any, stage: Any, tab: str = "") -> None:
    page.goto(f"/admin/contacts/contact/{stage.ids['olena']}/change/{tab}")
    page.get_by_role("tab", name="General").wait_for()


def test_the_timeline_is_read_narrowed_and_grows_as_one_scrolls(admin_page, play):
    stage = play(OLENA)
    visits = [
        NewEvent("pageView", {"external_id": "A-1"}, params={"page": f"/p{number:02}", "seconds": number})
        for number in range(80)
    ]
    record_events(visits, by="key:1", plan=WEB_EVENT)
    record_orders(
        [NewOrder("N-1", {"external_id": "A-1"}, "DELIVERED", 90, "UAH", NOW - timedelta(days=40))], by="key:1"
    )
    page = admin_page
    page.set_viewport_size({"width": 1280, "height": 700})

    # 1. The tab is opened by its address, entries are words, and what is technical is folded away.
    open_sheet(page, stage, "#activity")
    panel = page.get_by_role("tabpanel", name="Activity")
    panel.get_by_text("Page view /p79").wait_for()
    first = panel.get_by_role("article").first
    assert not first.get_by_text("Seconds").is_visible()
    first.get_by_text("1 parameter").click()
    first.get_by_text("Seconds").wait_for()
    assert find_in_both_themes(page) == []

    # 2. It grows by scrolling, to its beginning, each entry once.
    for wanted in ("Page view /p40", "Page view /p00", "This is where it begins."):
        page.mouse.wheel(0, 20_000)
        panel.get_by_text(wanted).wait_for()
    told = panel.get_by_role("article").all_inner_texts()
    assert len(told) == len(visits) + 2
    assert len(set(told)) == len(told)

    # 3. By kind, and by period.
    panel.get_by_role("checkbox", name="Orders").check()
    panel.get_by_text("Order N-1 · delivered · 90.00 UAH").wait_for()
    panel.get_by_text("Page view").first.wait_for(state="detached")
    panel.get_by_label("Period").select_option("In the last 7 days")
    panel.get_by_text("Choose other kinds or a longer period.").wait_for()

    # 4. Where a page does not come, the button stays.
    panel.get_by_label("Period").select_option("At any time")
    panel.get_by_role("checkbox", name="Orders").uncheck()
    panel.get_by_text("Page view /p79").wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.context.set_offline(True)
    panel.get_by_role("checkbox", name="Web visits").check()
    panel.get_by_text("This could not be loaded.").wait_for()
    page.context.set_offline(False)
    panel.get_by_role("button", name="Try again").click()
    panel.get_by_text("Page view /p79").wait_for()


def test_tabs_go_by_the_keyboard_and_the_address_and_changes_are_kept_in_sight(admin_page, play):
    for number in range(12):
        CustomField.objects.create(key=f"field{number}", label=f"Field {number}", group="Shop")
    CustomField.objects.create(key="tags", label="Tags", type=FieldType.CHOICES, options=["a", "b"])
    stage = play(OLENA, change("olena", {"fields.field7": "seven"}))
    populations.current().add("Friends", [stage.ids["olena"]], by="user:1")
    page = admin_page
    open_sheet(page, stage)
    bar = page.locator("[data-save-bar]")

    # 1. What was changed is counted, by field, over both tabs of the form, and can be put back.
    bar.get_by_text("Nothing is changed yet.").wait_for()
    page.get_by_label("Town").fill("Lviv")
    page.get_by_role("tab", name="General").press("ArrowRight")
    assert page.url.endswith("#custom")
    page.get_by_label("Find a custom field").fill("field 7")
    assert page.get_by_label("Field 1", exact=True).is_hidden()
    assert page.get_by_label("Field 7").input_value() == "seven"
    page.get_by_label("Find a custom field").fill("")
    page.get_by_label("a", exact=True).check()
    bar.get_by_text("2 fields are changed and not saved yet.").wait_for()
    page.get_by_label("Only fields that have a value").check()
    assert page.get_by_label("Field 1", exact=True).is_hidden()
    assert page.get_by_label("a", exact=True).is_visible()
    assert find_in_both_themes(page) == []
    bar.get_by_role("button", name="Discard").click()
    bar.get_by_text("Nothing is changed yet.").wait_for()

    # 2. To the ends by one key, and back by the browser.
    page.get_by_role("tab", name="Custom fields").press("End")
    history = page.get_by_role("tabpanel", name="History")
    history.get_by_text("seven").wait_for()
    assert bar.is_hidden()
    assert find_in_both_themes(page) == []
    page.go_back()
    page.get_by_role("tabpanel", name="Custom fields").wait_for()
    for tab in ("Identifiers", "Segments"):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("tabpanel", name=tab).get_by_role("heading").first.wait_for()
        assert find_in_both_themes(page) == []
    page.locator(".cs-chips").get_by_role("link", name="Friends").wait_for()
    page.locator("[data-asking]").wait_for(state="detached")

    # 3. Saved by a key, from the tab where one is, and one stays there.
    page.get_by_role("tab", name="Custom fields").click()
    page.get_by_label("Only fields that have a value").uncheck()
    page.get_by_label("Field 1", exact=True).fill("one")
    page.keyboard.press("Control+s")
    page.get_by_text("The contact was saved.").wait_for()
    page.get_by_role("tabpanel", name="Custom fields").wait_for()
    assert Contact.objects.get(pk=stage.ids["olena"]).attributes == {"field1": "one", "field7": "seven"}


def test_of_two_people_the_second_sees_what_the_first_changed_and_chooses(admin_page, play):
    stage = play(OLENA)
    page = admin_page
    open_sheet(page, stage)
    page.get_by_label("Town").fill("Odesa")
    page.get_by_label("Postcode").fill("65000")
    page.get_by_label("First name").fill("Olenka")
    change("olena", {"town": "Lviv", "region": "Galicia", "first_name": "Olha"})(stage)
    page.get_by_role("button", name="Save", exact=True).click()

    # 1. Field by field: what it was, theirs, mine; nothing was overwritten.
    table = page.get_by_role("table")
    table.wait_for()
    rows = {row.get_by_role("rowheader").inner_text(): row.inner_text() for row in table.locator("tbody tr").all()}
    assert set(rows) == {"First name", "Town", "Region"}
    assert all(word in rows["Town"] for word in ("Kyiv", "Lviv", "Odesa"))
    assert "theirs stands" in rows["Region"]
    assert page.get_by_label("Region").input_value() == "Galicia"
    assert Contact.objects.get(pk=stage.ids["olena"]).town == "Lviv"
    page.get_by_text("3 fields are changed and not saved yet.").wait_for()
    assert find_in_both_themes(page) == []

    # 2. Theirs for one, mine for the other; the name of a field leads to it.
    page.get_by_role("button", name="Take theirs for Town").click()
    page.get_by_text("Theirs will stand.").wait_for()
    assert page.locator("#id_town").input_value() == "Lviv"
    page.get_by_role("button", name="Keep mine for First name").click()
    table.get_by_role("link", name="Region").click()
    assert page.evaluate("document.activeElement.name") == "region"
    page.get_by_text("2 fields are changed and not saved yet.").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The contact was saved.").wait_for()

    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.town, olena.first_name, olena.region, olena.postcode) == ("Lviv", "Olenka", "Galicia", "65000")
