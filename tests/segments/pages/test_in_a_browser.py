"""The pages about one segment, and the segments of a contact, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.membership import add_members, list_members
from segments.models import Segment, SegmentType
from tests.segments.people import make_people
from tests.segments.table import ask, define

AXE = Path(__file__).parents[3] / ".venv/node_modules/axe-core/axe.min.js"


@pytest.fixture
def people(transactional_db: None) -> dict[str, Contact]:
    return make_people()


@pytest.fixture
def friends(people: dict[str, Contact]) -> Segment:
    segment = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(segment, [people["bohdan"].pk], by="user:1")
    return segment


def find_barriers(page: Any, where: str = "#content-main") -> list[str]:
    """What axe finds, a line each; nothing is asked where axe is not installed."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text())
    found = page.evaluate("where => axe.run(where)", where)
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def test_the_segments_of_a_contact_are_shown_when_their_tab_is_opened(
    admin_page: Any, people: dict[str, Contact], friends: Segment
) -> None:
    admin_page.goto(f"/admin/contacts/contact/{people['bohdan'].pk}/change/")
    admin_page.get_by_role("tab", name="Segments").click()
    panel = admin_page.get_by_role("tabpanel", name="Segments")
    panel.get_by_role("link", name="Friends", exact=True).wait_for()
    assert find_barriers(admin_page, "#panel-segments") == []

    admin_page.get_by_role("button", name="Take out of Friends").click()
    admin_page.get_by_text("The contact was taken out of the segment.").wait_for()
    assert list_members(friends) == []

    admin_page.get_by_label("Put into a static segment").select_option("Friends")
    admin_page.get_by_role("button", name="Put in").click()
    admin_page.get_by_text("The contact was put into the segment.").wait_for()
    assert [str(contact) for contact in list_members(friends)] == ["Bohdan"]


def test_from_the_members_to_the_reason_and_into_a_named_segment(
    admin_page: Any, people: dict[str, Contact], friends: Segment
) -> None:
    definition = define({"all": [ask("segment", "in", friends.pk), ask("town", "is", "Lviv")]})
    segment = save_segment(Segment(name="Friends in Lviv", definition=definition))
    admin_page.goto(f"/admin/segments/segment/{segment.pk}/members/")
    admin_page.get_by_text("1 contact is in it now.").wait_for()

    admin_page.get_by_role("link", name="Why Bohdan is in it").click()
    admin_page.get_by_role("heading", name="Bohdan is in “Friends in Lviv”.").wait_for()
    admin_page.get_by_text("Why “Friends”").click()
    admin_page.get_by_text("Added on").wait_for()

    assert find_barriers(admin_page, ".cf-card") == []


def test_the_pages_have_no_barriers(admin_page: Any, people: dict[str, Contact], friends: Segment) -> None:
    lviv = save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv"))))
    found = {}
    for segment, place in (
        (friends, "members"),
        (lviv, "members"),
        (friends, "paste"),
        (lviv, "snapshot"),
        (lviv, "explain"),
    ):
        admin_page.goto(f"/admin/segments/segment/{segment.pk}/{place}/")
        for where in (".sg-links", ".cf-card"):
            found[place, where] = find_barriers(admin_page, where)

    assert {place: lines for place, lines in found.items() if lines} == {}
