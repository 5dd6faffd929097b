"""The back office's pages of segments, as requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, CustomField
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import Segment, SegmentType
from tests.segments.people import NOW
from tests.segments.table import ask, define

People = dict[str, Contact]
LIST = reverse("admin:segments_segment_changelist")
ADD = reverse("admin:segments_segment_add")


def form(name: str = "Lviv", definition: Any = None, **more: str) -> dict[str, str]:
    text = definition if isinstance(definition, str) else json.dumps(definition or define(ask("town", "is", "Lviv")))
    return {"name": name, "type": "dynamic", "description": "", "definition": text} | more


def test_the_list_shows_type_sentence_and_live_count(admin_client: Client, people: People) -> None:
    save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv"))))

    page = admin_client.get(LIST)

    for text in ("External ID is empty", "Town is “Lviv”.", "dynamic"):
        assert text in page.content.decode()
    shown = {segment.name: segment.shown_count for segment in page.context["cl"].result_list}
    wanted = {"Anonymous": "1", "External ID is empty": "4", "Lviv": "1", "No email": "3"}
    assert {name: shown[name] for name in wanted} == wanted


def test_a_segment_is_made_and_described(admin_client: Client, people: People) -> None:
    saved = admin_client.post(ADD, form())

    assert saved.status_code == 302
    segment = Segment.objects.get(name="Lviv")
    page = admin_client.get(reverse("admin:segments_segment_change", args=[segment.pk]))
    assert "Town is “Lviv”." in page.content.decode()
    assert "&quot;field&quot;: &quot;town&quot;" in page.content.decode()


@pytest.mark.parametrize(
    ("definition", "error"),
    [
        ("{", "This is not JSON. Check its brackets, commas and quotes."),
        (define({"all": []}), "match.all: A group without conditions would mean everybody."),
        (define(ask("shoe", "is", "x")), "match.field: There is no such field. Choose a field that exists."),
        ("  ", "Write the conditions, or make the segment static."),
    ],
)
def test_a_broken_definition_is_refused_at_the_field(admin_client: Client, definition: Any, error: str) -> None:
    page = admin_client.post(ADD, form(definition=definition))

    assert [message.startswith(error) for message in page.context["adminform"].form.errors["definition"]] == [True]
    assert not Segment.objects.filter(name="Lviv").exists()


def test_a_name_that_is_taken_is_refused_at_the_form(admin_client: Client) -> None:
    page = admin_client.post(ADD, form(name="no EMAIL"))

    assert "There is a segment of this name. Choose another name." in page.content.decode()


def test_a_static_segment_keeps_no_definition_and_its_type_stays(admin_client: Client) -> None:
    admin_client.post(ADD, form(name="Guests", type="static"))
    segment = Segment.objects.get(name="Guests")
    assert segment.definition is None

    admin_client.post(reverse("admin:segments_segment_change", args=[segment.pk]), form(name="Friends"))

    segment.refresh_from_db()
    assert (segment.name, segment.type, segment.definition) == ("Friends", SegmentType.STATIC, None)


def test_the_members_page_goes_on_where_it_ended(admin_client: Client, db: None) -> None:
    Contact.objects.bulk_create(
        Contact(first_name=f"Number {number}", created_at=NOW, updated_at=NOW) for number in range(60)
    )
    segment = Segment.objects.get(builtin="no_email")
    address = reverse("admin:segments_segment_members", args=[segment.pk])

    first = admin_client.get(address)
    second = admin_client.get(address, {"after": first.context["next_after"]})

    names = [contact.first_name for page in (first, second) for contact in page.context["contacts"]]
    assert names == [f"Number {number}" for number in range(60)]
    assert (first.context["count"], second.context["next_after"]) == (60, None)
    assert f"?after={first.context['next_after']}" in first.content.decode()


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "٣", "1 OR 1=1"])
def test_a_made_up_place_in_the_list_is_the_beginning(admin_client: Client, after: str) -> None:
    segment = Segment.objects.get(builtin="no_email")

    page = admin_client.get(reverse("admin:segments_segment_members", args=[segment.pk]), {"after": after})

    assert page.context["is_first_page"]


def test_a_segment_whose_field_is_gone_says_so_everywhere(admin_client: Client, people: People) -> None:
    segment = save_segment(Segment(name="Gold", definition=define(ask("fields.tier", "is", "gold"))))
    CustomField.objects.filter(key="tier").delete()

    for address in (
        LIST,
        reverse("admin:segments_segment_change", args=[segment.pk]),
        reverse("admin:segments_segment_members", args=[segment.pk]),
    ):
        text = admin_client.get(address).content.decode()
        assert "The conditions are broken, so nobody is in it. match.field: There is no such field." in text


def test_the_members_page_is_for_those_who_may_see_segments_and_contacts(client: Client, db: None) -> None:
    segment = Segment.objects.get(builtin="no_email")
    address = reverse("admin:segments_segment_members", args=[segment.pk])
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    assert client.get(address).status_code == 403

    clerk.user_permissions.add(Permission.objects.get(codename="view_segment"))
    assert client.get(address).status_code == 403

    clerk.user_permissions.add(Permission.objects.get(codename="view_contact"))
    assert client.get(address).status_code == 200
    assert client.get(reverse("admin:segments_segment_members", args=[10**9])).status_code == 404


def test_a_segment_is_deleted_but_not_one_in_use_or_ready_made(admin_client: Client, people: People) -> None:
    regulars = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(regulars, [people["olena"].pk], by="user:1")
    user = save_segment(Segment(name="User", definition=define(ask("segment", "in", regulars.pk))))
    builtin = Segment.objects.get(builtin="no_email")

    def delete(segment: Segment) -> Any:
        return admin_client.post(reverse("admin:segments_segment_delete", args=[segment.pk]), {"post": "yes"})

    delete(regulars)
    assert delete(builtin).status_code == 403
    assert Segment.objects.filter(pk__in=[regulars.pk, builtin.pk]).count() == 2
    page = admin_client.get(reverse("admin:segments_segment_delete", args=[regulars.pk]))
    assert "“User” uses “Friends”." in page.content.decode()

    delete(user)
    delete(regulars)
    assert not Segment.objects.filter(pk__in=[regulars.pk, user.pk]).exists()


def test_deleting_a_selection_spares_what_may_not_go(admin_client: Client) -> None:
    builtin = Segment.objects.get(builtin="no_email")
    plain = save_segment(Segment(name="Plain", type=SegmentType.STATIC))
    action = {"action": "delete_selected", "_selected_action": [builtin.pk, plain.pk], "post": "yes"}

    admin_client.post(LIST, action)
    assert Segment.objects.filter(pk__in=[builtin.pk, plain.pk]).count() == 2

    admin_client.post(LIST, action | {"_selected_action": [plain.pk]})
    assert not Segment.objects.filter(pk=plain.pk).exists()
