"""The members page: the list of contacts for one segment."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, ContactExport, ContactState, ExportStatus
from segments.catalogue import save_segment
from segments.membership import add_members, list_members
from segments.models import Segment, SegmentType
from segments.pages import members
from tests.segments.people import NOW
from tests.segments.table import ask, define

People = dict[str, Contact]
EXPORTS = reverse("admin:contacts_contactexport_changelist")


@pytest.fixture
def friends(people: People) -> Segment:
    segment = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(segment, [people[name].pk for name in ("olena", "bohdan", "ivan", "guest")], by="import:41")
    return segment


def page_of(segment: Segment, place: str = "members", *more: int) -> str:
    return reverse(f"admin:segments_segment_{place}", args=[segment.pk, *more])


def shown(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer
    return {str(contact) for contact in answer.context["contacts"]}


def clerk_with(*codenames: str) -> Client:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(clerk)
    return client


# Searching and filtering


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Olena", "Bohdan", "Іван", "guest"}),
        ({"q": "olena@example.com"}, {"Olena"}),
        ({"q": "Boh"}, {"Bohdan"}),
        ({"q": "Taras"}, set()),
        ({"has_email": "no"}, {"guest"}),
        ({"has_email": "yes", "q": "extid:C-1"}, {"Olena"}),
        ({"has_external_id": "yes"}, {"Olena"}),
        ({"import": "42"}, {"Olena", "Bohdan"}),
        ({"source": "web"}, set()),
    ],
)
def test_the_list_is_searched_and_filtered_as_that_of_contacts(
    admin_client: Client, people: People, friends: Segment, query: dict[str, str], names: set[str]
) -> None:
    answer = admin_client.get(page_of(friends), query)

    assert shown(answer) == {str(people["guest"]) if name == "guest" else name for name in names}
    assert answer.context["count"] == 4


def test_a_filter_that_does_not_exist_leads_back_to_all(admin_client: Client, friends: Segment) -> None:
    answer = admin_client.get(page_of(friends), {"shoe__exact": "1"})

    assert answer.status_code == 302
    assert answer.url.startswith(page_of(friends))


def test_a_filter_begins_at_the_first_page_and_stays_on_the_next(admin_client: Client, db: None) -> None:
    Contact.objects.bulk_create(
        Contact(first_name=f"N {at}", email=f"n{at}@example.com", created_at=NOW, updated_at=NOW) for at in range(60)
    )
    everybody = save_segment(Segment(name="All", definition=define(ask("id", "at_least", 0))))

    first = admin_client.get(page_of(everybody), {"has_email": "yes"})
    second = admin_client.get(page_of(everybody), {"has_email": "yes", "after": first.context["next_after"]})

    assert len(shown(first) | shown(second)) == 60
    text = second.content.decode()
    assert f"has_email=yes&amp;after={first.context['next_after']}" in first.content.decode()
    assert 'name="after"' not in text
    assert 'name="has_email" value="yes"' in text


def test_members_have_the_columns_of_contacts_and_why(admin_client: Client, people: People, friends: Segment) -> None:
    text = admin_client.get(page_of(friends)).content.decode()

    for piece in ("Olena@Example.com", "+380501112233", "C-1", "Import of spring.csv", "Why Olena is in it"):
        assert piece in text
    assert page_of(friends, "explain", people["olena"].pk) in text
    assert reverse("admin:contacts_contact_change", args=[people["olena"].pk]) in text
    assert "Add contact" not in text


def test_who_uses_the_segment_stands_on_both_of_its_pages(admin_client: Client, friends: Segment) -> None:
    user = save_segment(Segment(name="User", definition=define(ask("segment", "in", friends.pk))))

    for address in (page_of(friends), page_of(friends, "change")):
        text = admin_client.get(address).content.decode()
        assert "Used by" in text
        assert page_of(user, "change") in text


def test_a_count_that_takes_too_long_is_left_out_and_says_so(
    admin_client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has all the time it needs, and the count of a crowd a millisecond."""
    monkeypatch.setattr(members, "COUNT_MILLISECONDS", 1)
    Contact.objects.bulk_create(Contact(town="Kyiv", created_at=NOW, updated_at=NOW) for _number in range(20_000))
    segment = save_segment(Segment(name="Slow", definition=define(ask("town", "contains", "yiv"))))

    answer = admin_client.get(page_of(segment))

    assert len(answer.context["contacts"]) == 50
    assert "The count took too long and was stopped. The list below is complete." in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_page_that_takes_too_long_is_stopped_and_says_so(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members.MembersList, "milliseconds", 50)
    monkeypatch.setattr(members, "COUNT_MILLISECONDS", 50)
    segment = save_segment(Segment(name="Buyers", definition=define({"field": "orders", "op": "did"})))
    Contact.objects.create(first_name="Olena", created_at=NOW, updated_at=NOW)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE contacts_order IN ACCESS EXCLUSIVE MODE")
        answer = admin_client.get(page_of(segment))
    finally:
        other.close()

    text = answer.content.decode()
    assert "This takes too long over so many contacts. Narrow the search or the filters." in text
    assert "The count took too long and was stopped." in text
    assert shown(answer) == set()


# Over a selection


def act(client: Client, segment: Segment, action: str, chosen: list[int], /, **more: Any) -> Any:
    return client.post(page_of(segment), {"action": action, "_selected_action": chosen, **more}, follow=True)


def confirm(client: Client, asked: Any, **given: Any) -> Any:
    return client.post(asked.wsgi_request.get_full_path(), {"seen": asked.context["seen"], **given}, follow=True)


def test_a_selection_is_taken_out_of_a_static_segment(admin_client: Client, people: People, friends: Segment) -> None:
    act(admin_client, friends, "take_out", [people["olena"].pk, people["bohdan"].pk, people["taras"].pk])

    assert {contact.pk for contact in list_members(friends)} == {people["ivan"].pk, people["guest"].pk}


def test_nobody_is_taken_out_of_a_dynamic_segment(admin_client: Client, people: People) -> None:
    segment = save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv"))))

    answer = act(admin_client, segment, "take_out", [people["bohdan"].pk])

    assert "No action selected." in answer.content.decode()
    assert shown(answer) == {"Bohdan"}


def test_a_selection_is_put_into_another_segment_or_a_new_one(
    admin_client: Client, people: People, friends: Segment
) -> None:
    chosen = [people["olena"].pk, people["bohdan"].pk]
    asked = act(admin_client, friends, "join_segment", chosen)
    assert "Put into a segment: 2 contacts" in asked.content.decode()

    answer = confirm(admin_client, asked, name="Guests")
    guests = Segment.objects.get(name="Guests")
    confirm(admin_client, act(admin_client, friends, "join_segment", [people["ivan"].pk]), segment=guests.pk)

    assert answer.redirect_chain[-1][0] == page_of(friends)
    assert {str(contact) for contact in list_members(guests)} == {"Olena", "Bohdan", "Іван"}


def test_all_members_whom_a_filter_leaves_are_chosen(admin_client: Client, people: People, friends: Segment) -> None:
    chosen = {"action": "edit_field", "_selected_action": [people["ivan"].pk], "select_across": "1"}
    asked = admin_client.post(f"{page_of(friends)}?q=Bohdan", chosen, follow=True)

    assert "Edit a field: 1 contact" in asked.content.decode()
    confirm(admin_client, asked, column="town", value="Odesa")

    assert [str(contact) for contact in Contact.objects.filter(town="Odesa")] == ["Bohdan"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Choose a segment, or write the name of a new one."),
        ({"name": "No email"}, "The members of this segment follow from its conditions."),
        ({"segment": "999999"}, "Select a valid choice."),
        ({"name": "x" * 201}, "at most 200 characters"),
    ],
)
def test_where_a_selection_cannot_go_is_said(
    admin_client: Client, people: People, friends: Segment, given: dict[str, str], says: str
) -> None:
    answer = confirm(admin_client, act(admin_client, friends, "join_segment", [people["olena"].pk]), **given)

    assert says in answer.content.decode()


def test_a_selection_is_deleted_so_that_it_can_be_restored(
    admin_client: Client, people: People, friends: Segment
) -> None:
    asked = act(admin_client, friends, "delete_selected", [people["olena"].pk])
    assert "Delete: 1 contact" in asked.content.decode()
    assert f'href="{page_of(friends)}"' in asked.content.decode()

    confirm(admin_client, asked)

    assert Contact.objects.get(pk=people["olena"].pk).state == ContactState.DELETED
    assert "Olena" not in shown(admin_client.get(page_of(friends)))


def test_who_may_not_change_segments_sees_none_of_it(people: People, friends: Segment) -> None:
    looker = clerk_with("view_segment", "view_contact")
    chosen = [people["olena"].pk]

    text = looker.get(page_of(friends)).content.decode()
    for action in ("take_out", "join_segment", "delete_selected", "export_selected", "edit_field", "unsubscribe"):
        assert f'value="{action}"' not in text
        act(looker, friends, action, chosen)
    for place in ("paste", "snapshot", "export"):
        assert looker.get(page_of(friends, place)).status_code == 403

    assert len(list_members(friends)) == 4
    assert not Segment.objects.filter(name="Guests").exists()


# Exporting


def names_in(answer: Any) -> list[str]:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return [row["first_name"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]


def test_members_whom_filters_leave_and_selections_become_files(
    admin_client: Client, people: People, friends: Segment
) -> None:
    page = admin_client.get(page_of(friends), {"has_email": "yes"}).content.decode()
    assert f"{page_of(friends, 'export')}?has_email=yes" in page

    address = f"{page_of(friends, 'export')}?has_email=yes&after={people['olena'].pk}"
    assert set(names_in(admin_client.post(address, {"format": "csv"}))) == {"Olena", "Bohdan", "Іван"}
    asked = act(admin_client, friends, "export_selected", [people["bohdan"].pk])
    assert "Export: 1 contact" in asked.content.decode()
    assert names_in(admin_client.post(asked.redirect_chain[-1][0], {"format": "csv"})) == ["Bohdan"]


@pytest.mark.django_db(transaction=True)
def test_a_whole_segment_is_exported_in_the_background(
    admin_client: Client, run_jobs: Callable[[], None], settings: Any, tmp_path: Any
) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"
    for name, town in (("Olena", "Kyiv"), ("Bohdan", "Lviv")):
        Contact.objects.create(first_name=name, town=town, created_at=NOW, updated_at=NOW)
    segment = save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv"))))
    assert "In the background" in admin_client.get(page_of(segment, "export")).content.decode()
    answer = admin_client.post(page_of(segment, "export"), {"format": "csv", "when": "later"})
    run_jobs()

    export = ContactExport.objects.get()
    assert answer.url == reverse("admin:contacts_contactexport_change", args=[export.pk])
    assert (export.population, export.status) == (segment.pk, ExportStatus.FINISHED)
    listed = admin_client.get(EXPORTS).content.decode()
    file = reverse("admin:contacts_contactexport_file", args=[export.pk])
    assert "Lviv" in listed
    assert file in listed
    assert names_in(admin_client.get(file)) == ["Bohdan"]


def test_exports_are_for_those_who_may_export(admin_client: Client, db: None) -> None:
    looker = clerk_with("view_contact", "view_segment")
    export = ContactExport.objects.create(format="csv", by="user:1")
    file = reverse("admin:contacts_contactexport_file", args=[export.pk])

    assert [looker.get(address).status_code for address in (EXPORTS, file)] == [403, 403]
    assert admin_client.get(EXPORTS).status_code == 200
    assert admin_client.get(file).status_code == 404
    User.objects.get(username="clerk").user_permissions.add(Permission.objects.get(codename="export_contact"))
    assert looker.get(EXPORTS).status_code == 200


# Of an import


def test_the_contacts_of_an_import_have_the_same_list(admin_client: Client, people: People) -> None:
    address = reverse("admin:segments_segment_of_import", args=[42])

    assert shown(admin_client.get(address)) == {"Olena", "Bohdan", "Taras"}
    assert shown(admin_client.get(address, {"q": "Bohdan"})) == {"Bohdan"}
    assert shown(admin_client.get(address, {"only": "created", "has_email": "yes"})) == set()
    chosen = {"action": "join_segment", "_selected_action": [people["olena"].pk]}
    confirm(admin_client, admin_client.post(address, chosen, follow=True), name="Guests")
    assert {str(contact) for contact in list_members(Segment.objects.get(name="Guests"))} == {"Olena"}
