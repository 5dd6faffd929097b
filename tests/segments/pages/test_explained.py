"""Why a contact is in a segment, pasting and keeping, and the segments of a contact on its sheet, as pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from segments.catalogue import save_segment
from segments.membership import add_members, list_members
from segments.models import Segment, SegmentType, Snapshot
from tests.segments.pages.test_members import clerk_with, page_of
from tests.segments.people import make_contact
from tests.segments.table import ask, define

People = dict[str, Contact]
LVIV = {"all": [ask("town", "is", "Lviv"), ask("fields.visits", "more_than", 3, **{"not": True})]}


@pytest.fixture
def lviv(people: People) -> Segment:
    return save_segment(Segment(name="Lviv", definition=define(LVIV)))


@pytest.fixture
def friends(people: People) -> Segment:
    return save_segment(Segment(name="Friends", type=SegmentType.STATIC))


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def outline(explained: dict[str, Any]) -> Any:
    """(holds, what it says, what was found) and the children of each node."""

    def line(node: dict[str, Any]) -> Any:
        own = (node["holds"], str(node["text"]), node.get("actual", ""))
        return (*own, [line(child) for child in node["children"]]) if "children" in node else own

    return line(explained["match"])


# Explaining


def test_the_tree_has_a_mark_and_the_value_that_was_found(admin_client: Client, people: People, lviv: Segment) -> None:
    answer = admin_client.get(page_of(lviv, "explain", people["olena"].pk))

    assert outline(answer.context["explained"]) == (
        False,
        "All of these hold",
        "",
        [(False, "Town is “Lviv”", "Київ"), (False, "Not (Visits > 3)", "12")],
    )
    text = text_of(answer)
    assert "Olena is not in “Lviv”." in text
    assert text.count('aria-label="No"') == 4
    assert "Bohdan is in “Lviv”." in text_of(admin_client.get(page_of(lviv, "explain", people["bohdan"].pk)))


def test_values_are_shown_as_people_read_them(admin_client: Client, people: People) -> None:
    conditions = [
        ask("fields.newsletter", "is_yes"),
        ask("fields.tags", "is_empty"),
        ask("last_seen_at", "is_empty"),
        ask("created_at", "today"),
        ask("anonymous", "is_yes"),
    ]
    segment = save_segment(Segment(name="Values", definition=define({"any": conditions})))

    answer = admin_client.get(page_of(segment, "explain", people["bohdan"].pk))

    newsletter, tags, seen, created, anonymous = (line[2] for line in outline(answer.context["explained"])[3])
    assert (newsletter, tags, seen, anonymous) == ("no", "b", "not set", "no")
    assert f"{people['bohdan'].created_at:%Y}" in created
    assert "T" not in created


def test_a_named_segment_opens_in_its_place_and_who_is_left_out_is_told(
    admin_client: Client, people: People, lviv: Segment, friends: Segment
) -> None:
    add_members(friends, [people["bohdan"].pk], by="user:1")
    definition = {**define(ask("segment", "in", friends.pk)), "exclude": ask("segment", "in", lviv.pk)}
    segment = save_segment(Segment(name="Elsewhere", definition=definition))

    text = text_of(admin_client.get(page_of(segment, "explain", people["bohdan"].pk)))

    for piece in ("Bohdan is not in", "Why “Friends”", "Added on", "Left out is whoever:", "Why “Lviv”", "<details>"):
        assert piece in text


def test_a_merged_contact_leads_to_its_survivor_and_a_deleted_one_says_so(
    admin_client: Client, people: People, lviv: Segment
) -> None:
    merged = make_contact(state=3, merged_into=people["taras"])

    answer = admin_client.get(page_of(lviv, "explain", merged.pk))

    assert answer.url == page_of(lviv, "explain", people["taras"].pk)
    deleted = text_of(admin_client.get(page_of(lviv, "explain", people["deleted"].pk)))
    assert "This contact is deleted, so it is in no segment." in deleted
    for contact_id in (10**12, 10**30):
        assert admin_client.get(page_of(lviv, "explain", contact_id)).status_code == 404


def test_broken_conditions_are_named_in_place_of_a_tree(admin_client: Client, people: People, lviv: Segment) -> None:
    Segment.objects.filter(pk=lviv.pk).update(definition=define(ask("gone", "is", "1")))

    text = text_of(admin_client.get(page_of(lviv, "explain", people["olena"].pk)))

    assert "The conditions are broken, so nobody is in it. match.field: There is no such field." in text


@pytest.mark.parametrize(("q", "found"), [("olena@example.com", 1), ("extid:C-1", 1), ("nobody@example.com", 0)])
def test_the_contact_is_found_by_what_is_at_hand(
    admin_client: Client, people: People, lviv: Segment, q: str, found: int
) -> None:
    answer = admin_client.get(page_of(lviv, "find"), {"q": q})

    if found:
        assert answer.url == page_of(lviv, "explain", people["olena"].pk)
    else:
        assert "Nobody was found." in text_of(answer)
    assert "Whom do you ask about?" in text_of(admin_client.get(page_of(lviv, "find")))


# Pasting


def test_a_pasted_list_is_put_in_and_who_is_nobody_is_named(
    admin_client: Client, people: People, friends: Segment
) -> None:
    form = {"kind": "email", "text": "olena@example.com, <b>@example.com\nbohdan@gmail.com"}

    answer = admin_client.post(page_of(friends, "paste"), form)

    assert {contact.pk for contact in list_members(friends)} == {people["olena"].pk, people["bohdan"].pk}
    text = text_of(answer)
    assert "2 contacts were put in." in text
    assert "&lt;b&gt;@example.com" in text
    again = admin_client.post(page_of(friends, "paste"), {"kind": "id", "text": str(people["olena"].pk)})
    assert again.url == page_of(friends)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"kind": "email", "text": " ; "}, "Nobody is named here."),
        ({"kind": "email", "text": ""}, "This field is required."),
        ({"kind": "shoe", "text": "a"}, "Select a valid choice."),
        ({"kind": "id", "text": ",".join(map(str, range(10_001)))}, "These are too many at once."),
        ({"kind": "id", "text": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_at_its_field(
    admin_client: Client, friends: Segment, form: dict[str, str], says: str
) -> None:
    assert says in text_of(admin_client.post(page_of(friends, "paste"), form))


def test_nothing_is_pasted_into_a_dynamic_segment(admin_client: Client, people: People, lviv: Segment) -> None:
    form = {"kind": "id", "text": str(people["olena"].pk)}

    assert admin_client.get(page_of(lviv, "paste")).status_code == 403
    assert admin_client.post(page_of(lviv, "paste"), form).status_code == 403


# Keeping


def test_who_is_in_it_now_is_kept_under_a_name(admin_client: Client, people: People, lviv: Segment) -> None:
    page = admin_client.get(page_of(lviv, "snapshot"))
    name = page.context["form"]["name"].value()

    answer = admin_client.post(page_of(lviv, "snapshot"), {"name": name})

    kept = Segment.objects.get(name=name)
    assert name.startswith("Lviv, ")
    assert answer.url == page_of(kept)
    assert [str(contact) for contact in list_members(kept)] == ["Bohdan"]
    assert "Taken of “Lviv” on" in text_of(admin_client.get(page_of(kept)))


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "This field is required."), ("LVIV", "There is a segment of this name."), ("x" * 201, "200")],
)
def test_a_name_that_cannot_be_is_refused(admin_client: Client, lviv: Segment, name: str, says: str) -> None:
    assert says in text_of(admin_client.post(page_of(lviv, "snapshot"), {"name": name}))
    assert not Snapshot.objects.exists()


def test_a_snapshot_that_is_not_done_yet_says_so(admin_client: Client, lviv: Segment, friends: Segment) -> None:
    Snapshot.objects.create(segment=friends, source=lviv, source_name="Lviv", by="user:1")

    assert "Contacts are still being put in." in text_of(admin_client.get(page_of(friends)))


# On the sheet


def rows_of(client: Client, contact: Contact) -> Any:
    return client.get(reverse("admin:contacts_contact_segments", args=[contact.pk]))


def test_the_sheet_shows_every_segment_with_since_and_who(
    admin_client: Client, admin_user: User, people: People, lviv: Segment, friends: Segment
) -> None:
    add_members(friends, [people["bohdan"].pk], by=f"user:{admin_user.pk}")

    sheet = admin_client.get(reverse("admin:contacts_contact_change", args=[people["bohdan"].pk])).content.decode()
    answer = rows_of(admin_client, people["bohdan"])

    assert reverse("admin:contacts_contact_segments", args=[people["bohdan"].pk]) in sheet
    rows = {row["place"].population.name: (str(row["type"]), row["who"]) for row in answer.context["rows"]}
    assert rows["Lviv"] == ("dynamic", "")
    assert rows["Friends"] == ("static", "admin")
    text = text_of(answer)
    assert page_of(lviv, "explain", people["bohdan"].pk) in text
    assert "Take out of Friends" in text
    assert "Take out of Lviv" not in text


def test_a_contact_is_put_in_and_taken_out_on_its_sheet(admin_client: Client, people: People, friends: Segment) -> None:
    olena = people["olena"].pk
    join, leave = (reverse(f"admin:contacts_contact_{verb}", args=[olena]) for verb in ("join", "leave"))

    answer = admin_client.post(join, {"segment": friends.pk})
    admin_client.post(join, {"name": "Guests"})
    assert answer.url.endswith(f"/{olena}/change/#segments")
    assert [contact.pk for contact in list_members(friends)] == [olena]
    assert [contact.pk for contact in list_members(Segment.objects.get(name="Guests"))] == [olena]

    admin_client.post(leave, {"segment": friends.pk})
    assert list_members(friends) == []


@pytest.mark.parametrize("given", ["", "x", "-1", "9" * 30, "999999"])
def test_a_segment_that_is_none_is_left_as_it_is(admin_client: Client, people: People, given: str) -> None:
    for verb in ("join", "leave"):
        address = reverse(f"admin:contacts_contact_{verb}", args=[people["olena"].pk])
        assert admin_client.post(address, {"segment": given}).status_code == 302


def test_nobody_is_put_into_a_dynamic_segment_on_the_sheet(admin_client: Client, people: People, lviv: Segment) -> None:
    olena = people["olena"].pk

    for verb in ("join", "leave"):
        address = reverse(f"admin:contacts_contact_{verb}", args=[olena])
        answer = admin_client.post(address, {"segment": lviv.pk, "name": ""}, follow=True)
        assert any(str(message) for message in answer.context["messages"])

    assert [str(contact) for contact in list_members(lviv)] == ["Bohdan"]


def test_the_tab_is_for_those_who_may_see_segments_and_changing_for_those_who_may_change_them(
    people: People, friends: Segment
) -> None:
    looker = clerk_with("view_contact")
    olena = people["olena"]
    join = reverse("admin:contacts_contact_join", args=[olena.pk])

    assert rows_of(looker, olena).status_code == 403
    sheet = reverse("admin:contacts_contact_change", args=[olena.pk])
    assert "#segments" not in looker.get(sheet).content.decode()
    clerk = User.objects.get(username="clerk")
    clerk.user_permissions.add(Permission.objects.get(codename="view_segment"))
    assert "Put into a static segment" not in text_of(rows_of(looker, olena))
    assert looker.post(join, {"segment": friends.pk}).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="change_segment"))
    assert "Or a new one" not in text_of(rows_of(looker, olena))
    assert looker.post(join, {"segment": friends.pk}).status_code == 302
    assert looker.get(join).status_code == 403
    assert [contact.pk for contact in list_members(friends)] == [olena.pk]
