"""A file on its way through the wizard, in a real browser: from the upload to the undo.

With ``PICTURES_INTO=docs/images`` the pictures of the documentation are taken on the way, of a larger file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contacts.identity import resolve
from contacts.identity.types import SHEET
from contacts.models import Contact, ContactState, CustomField, Import, ImportStatus
from segments.catalogue import save_segment
from segments.models import Segment, SegmentType
from tests.people import have
from tests.together import Other

pytestmark = pytest.mark.django_db(transaction=True)

PICTURES = os.environ.get("PICTURES_INTO", "")
HEADER = "Customer ID,Email,Phone,First name,Last name,City,Shoe size"
PEOPLE = (
    "C-1001,olena@example.com,+380501112233,Olena,Kovalenko,Lviv,38",
    "C-1002,bohdan@example.com,067 222 33 44,Bohdan,Melnyk,Kyiv,43",
    "C-1003,taras@,+380933334455,Taras,Shevchuk,Odesa,44",
    "C-1004,oksana@example.com,+380445556677,Oksana,Bondar,Dnipro,",
)
CROWD = 60_000 if PICTURES else 0


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def picture(admin_page: Any) -> Callable[[str], None]:
    """``picture("map")``: as docs/images has it, where pictures are wanted."""

    def take(name: str) -> None:
        if PICTURES:
            admin_page.mouse.move(0, 0)
            admin_page.wait_for_timeout(300)
            admin_page.screenshot(path=str(Path(PICTURES) / f"import-{name}.png"))

    return take


def lines() -> Iterator[str]:
    yield HEADER
    yield from PEOPLE
    for number in range(CROWD):
        yield f"N-{number},nina{number}@example.com,,Nina,Number {number},Kharkiv,{36 + number % 6}"


def drop(page: Any, name: str, content: str) -> None:
    """A file that is let go over the page."""
    make = "([name, content]) => { const d = new DataTransfer(); d.items.add(new File([content], name)); return d }"
    page.locator("form.cf-scripted").wait_for()  # the page listens
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": page.evaluate_handle(make, [name, content])})


def choose(page: Any, header: str, wanted: str) -> None:
    """What a column becomes, by the keyboard: open, search, take the first; each step is seen before the next."""
    page.locator("form.cf-scripted select[data-target]").first.wait_for(state="attached")  # the page listens
    box = page.get_by_role("combobox", name=f"{header} ")
    box.focus()
    page.keyboard.press("Enter")
    page.locator(".select2-search__field:focus").wait_for()
    page.keyboard.type(wanted)
    page.locator(".select2-results__option--highlighted", has_text=wanted).wait_for()
    page.keyboard.press("Enter")
    box.filter(has_text=wanted).wait_for()


def tile(page: Any, name: str) -> str:
    return str(page.locator(f"[data-count={name}] b").inner_text())


def test_a_person_uploads_maps_previews_imports_and_undoes(admin_page, admin_user, play, run_jobs, picture):
    stage = play(
        have("olena", {"external_id": "C-1001", "first_name": "Olga", "email": "olena@example.com"}),
        have("bohdan", {"email": "bohdan@example.com", "first_name": "Bohdan"}),
    )
    before = dict(Contact.objects.values_list("pk", "first_name"))
    save_segment(Segment(name="Newsletter", type=SegmentType.STATIC))
    page = admin_page

    # 1. Upload: what is none of these files is said at once, and a good one goes on by itself.
    page.goto("/admin/contacts/import/")
    page.get_by_role("link", name="Import", exact=True).click()
    drop(page, "people.pdf", "%PDF-1.7")
    page.get_by_role("alert").get_by_text("This file cannot be imported.").wait_for()
    page.reload()
    picture("upload")
    drop(page, "spring.csv", "\n".join(lines()))
    page.wait_for_url("**/map/", timeout=60_000)

    # 2. Map: names are recognised; a field that is not there yet is made here, with the type of its values.
    page.get_by_role("combobox", name="Customer ID External ID").wait_for()
    page.locator("[name=key]").select_option("email")
    page.get_by_text("looked for first").wait_for()
    page.locator("[name=key]").select_option("external_id")
    choose(page, "Shoe size", "New custom")
    assert page.get_by_role("row", name="Shoe size").get_by_label("Type").input_value() == "number"
    picture("map")
    choose(page, "City", "Last name")
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("row", name="City").get_by_role("alert").wait_for()
    choose(page, "City", "Town")
    page.locator("select[name=add_to_segments]").select_option(label="Newsletter")
    page.get_by_role("button", name="Show what would happen").click()

    # 3. Preview: it is made in the background, and the page notices.
    page.get_by_text("The preview goes through the file").wait_for()
    run_jobs()
    page.get_by_role("button", name="Import now").wait_for()
    assert (tile(page, "created"), tile(page, "updated"), tile(page, "failed")) == (f"{CROWD + 1:,}", "2", "1")
    assert Contact.objects.count() == 2
    page.get_by_role("row", name="Olena").get_by_role("deletion").get_by_text("Olga").wait_for()
    picture("preview")
    page.locator("[data-count=failed]").click()
    page.get_by_label("Correct “Email”").fill("taras@example.com")
    picture("repair")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 cell was corrected here.").wait_for()
    page.get_by_role("button", name="Make the preview again").click()
    page.get_by_text("The preview goes through the file").wait_for()
    run_jobs()
    page.get_by_role("button", name="Import now").wait_for()
    assert (tile(page, "created"), tile(page, "failed")) == (f"{CROWD + 2:,}", "0")

    # 4. Run: paused, looked at again, and on to the end.
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("Waiting for the worker").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused after 0 rows.").wait_for()
    page.reload()
    page.get_by_role("button", name="Go on").click()
    worker = Other(run_jobs)
    if PICTURES:
        page.get_by_text("rows/s ·").wait_for(timeout=60_000)
        page.wait_for_timeout(4_000)
        picture("run")
    page.get_by_text("The import is done").wait_for(timeout=180_000)
    worker.finish()
    picture("done")
    assert Contact.objects.count() == CROWD + 4
    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.first_name, olena.town, olena.attributes) == ("Olena", "Lviv", {"shoe_size": 38})

    # 5. Afterwards: whom it touched; then somebody works on one of them, and the import is taken back.
    page.get_by_role("link", name="Those that it touched").click()
    page.get_by_role("link", name="Olena Kovalenko").wait_for()
    resolve([{"id": stage.ids["olena"], "town": "Ternopil"}], SHEET, by=f"user:{admin_user.pk}")
    page.goto(f"/admin/contacts/import/{Import.objects.get().pk}/change/")
    page.get_by_role("link", name="Undo this import…").click()
    page.get_by_text("They get their old values back.").wait_for()
    picture("undo")
    page.get_by_role("button", name="Undo the import").click()
    page.get_by_text("The import is being taken back").wait_for()
    run_jobs()
    page.get_by_text("Taken back:").wait_for(timeout=60_000)
    row = page.get_by_role("row", name="Somebody changed it since.")
    row.get_by_text("Town").wait_for()
    assert row.get_by_role("link").get_attribute("href") == f"/admin/contacts/contact/{stage.ids['olena']}/change/"
    picture("undone")
    assert dict(Contact.objects.filter(state=ContactState.ACTIVE).values_list("pk", "first_name")) == before
    assert Contact.objects.get(pk=stage.ids["olena"]).town == "Ternopil"
    assert Import.objects.get().status == ImportStatus.UNDONE
    assert CustomField.objects.get().key == "shoe_size"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_an_import_is_wider_than_the_screen(admin_page, run_jobs, admin_user, width):
    from contacts.imports import flow
    from tests.contacts.imports.flowing import map_columns, upload

    page = admin_page
    page.set_viewport_size({"width": width, "height": 800})
    wide = upload(
        "email,first name," + "x" * 90, f"{'olena' * 10}@example.com,Olena,{'y' * 300}", name="z" * 80 + ".csv"
    )
    map_columns(wide)
    for address in ("", "add/", f"{wide.pk}/map/"):
        check_width(page, address, width)
    flow.start_preview(wide)
    check_width(page, f"{wide.pk}/preview/", width)
    run_jobs()
    check_width(page, f"{wide.pk}/preview/", width)
    flow.start(wide)
    check_width(page, f"{wide.pk}/change/", width)
    run_jobs()
    for address in ("", f"{wide.pk}/change/", f"{wide.pk}/undo/"):
        check_width(page, address, width)


def check_width(page: Any, address: str, width: int) -> None:
    page.goto(f"/admin/contacts/import/{address}")
    page.locator("#content").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.goto("about:blank")  # a page that shows progress is read anew when its job ends, which may be as one leaves it


def test_without_scripts_a_file_is_uploaded_mapped_and_previewed(browser, live_server, admin_user, run_jobs, tmp_path):
    from django.test import Client

    client = Client()
    client.force_login(admin_user)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])
    page = context.new_page()
    file = tmp_path / "people.csv"
    file.write_text(f"{HEADER}\n{PEOPLE[0]}\n")
    try:
        page.goto("/admin/contacts/import/add/")
        page.set_input_files("#file", file)
        page.get_by_role("button", name="Upload").click()
        page.wait_for_url("**/map/")
        page.get_by_role("button", name="Show what would happen").click()
        page.wait_for_url("**/preview/")
        run_jobs()
        page.reload()
        page.get_by_role("button", name="Import now").wait_for()
    finally:
        context.close()
