"""The contacts of an import: a page that shows them, and a button that makes a segment of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, Import
from segments.catalogue import save_segment
from segments.membership import list_members
from segments.models import Segment, SegmentType
from segments.of_imports import keep_segment
from tests.segments.people import AUTUMN, SPRING, make_contact

People = dict[str, Contact]


def address(number: int = AUTUMN) -> str:
    return reverse("admin:segments_segment_of_import", args=[number])


def names(people: People, contacts: Any) -> set[str]:
    listed = {contact.pk for contact in contacts}
    return {name for name, contact in people.items() if contact.pk in listed}


def test_the_page_lists_whom_the_import_touched_or_created(admin_client: Client, people: People) -> None:
    touched = admin_client.get(address())
    created = admin_client.get(address(SPRING), {"only": "created"})

    assert names(people, touched.context["contacts"]) == {"olena", "bohdan", "taras"}
    assert touched.context["count"] == 3
    assert "Was touched by import 42 (“autumn.csv”)." in touched.content.decode()
    assert names(people, created.context["contacts"]) == {"olena"}
    assert "Was created by import 41 (“spring.csv”)." in created.content.decode()


def test_looking_saves_nothing(admin_client: Client, people: People) -> None:
    before = Segment.objects.count()

    admin_client.get(address())

    assert Segment.objects.count() == before


def test_the_button_keeps_them_as_one_segment_however_often_it_is_pressed(admin_client: Client, people: People) -> None:
    first = admin_client.post(address())
    second = admin_client.post(address())
    only_created = admin_client.post(f"{address()}?only=created")

    segment = Segment.objects.get(name="Touched by autumn.csv (import 42)")
    assert first.url == second.url == reverse("admin:segments_segment_members", args=[segment.pk])
    assert names(people, list_members(segment)) == {"olena", "bohdan", "taras"}
    assert only_created.url != first.url
    assert "Kept as the segment “Touched by autumn.csv (import 42)”" in admin_client.get(address()).content.decode()


def test_a_name_that_is_taken_gets_a_number(people: People) -> None:
    run = Import.objects.get(pk=AUTUMN)
    for name in ("touched by autumn.csv (import 42)", "Touched by autumn.csv (import 42) 2"):
        save_segment(Segment(name=name, type=SegmentType.STATIC))

    assert keep_segment(run).name == "Touched by autumn.csv (import 42) 3"


def test_the_segment_is_right_after_more_was_touched(people: People) -> None:
    segment = keep_segment(Import.objects.get(pk=AUTUMN))

    newcomer = make_contact(first_name="Oksana", changes=(("created", AUTUMN),))

    assert newcomer in list_members(segment)


def test_pages_go_on_with_the_same_choice(admin_client: Client, people: People) -> None:
    for number in range(60):
        make_contact(first_name=f"Number {number}", changes=(("created", AUTUMN),))

    page = admin_client.get(address(), {"only": "created"})
    rest = admin_client.get(address(), {"only": "created", "after": page.context["next_after"]})

    assert f"?only=created&amp;after={page.context['next_after']}" in page.content.decode()
    assert (len(page.context["contacts"]), len(rest.context["contacts"])) == (50, 10)


def test_the_page_is_for_those_who_may_see_segments_and_contacts(client: Client, people: People) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    answers = [client.get(address()).status_code]
    for codename in ("view_segment", "view_contact", "add_segment"):
        clerk.user_permissions.add(Permission.objects.get(codename=codename))
        answers += [client.get(address()).status_code, client.post(address()).status_code]

    assert answers == [403, 403, 403, 200, 403, 200, 302]
    assert client.get(address(10**6)).status_code == 404


@pytest.mark.parametrize("length", [255])
def test_a_very_long_file_name_still_makes_a_name(people: People, length: int) -> None:
    run = Import.objects.get(pk=AUTUMN)
    run.file_name = "x" * (length - 4) + ".csv"
    run.save()

    assert keep_segment(run).name.endswith(".csv (import 42)")
