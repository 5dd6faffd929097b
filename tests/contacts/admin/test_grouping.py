"""Putting a selection of the contact list into a segment, and all contacts into a file."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from contacts.models import ContactExport
from contacts.populations import current
from tests.people import deleted, have

LIST = reverse("admin:contacts_contact_changelist")
PEOPLE = (
    have("olena", {"external_id": "C-1", "first_name": "Olena"}),
    have("bohdan", {"external_id": "C-2", "first_name": "Bohdan"}),
    have("ivan", {"external_id": "C-3", "first_name": "Ivan"}),
    deleted("ivan"),
)


def act(client: Any, chosen: list[int], **more: str) -> Any:
    sent = {"action": "add_to_segment", "_selected_action": chosen, **more}
    return client.post(f"{LIST}?state=all", sent, follow=True)


def test_a_selection_is_put_into_a_segment_and_the_deleted_are_left_out(admin_client, play):
    stage = play(*PEOPLE)
    chosen = list(stage.ids.values())

    asked = act(admin_client, chosen)
    answer = act(admin_client, chosen, post="yes", name="Guests")

    assert "Put 3 contacts into a static segment" in asked.content.decode()
    assert [str(message) for message in answer.context["messages"]] == ["2 contacts are new in it."]
    guests = current().find("Guests")
    assert guests is not None
    assert {contact.first_name for contact in current().members(guests)} == {"Olena", "Bohdan"}
    again = act(admin_client, chosen, post="yes", segment=str(guests))
    assert [str(message) for message in again.context["messages"]] == ["0 contacts are new in it."]


def test_the_whole_list_becomes_a_file_in_the_background_and_a_part_of_it_does_not(admin_client, play):
    play(*PEOPLE)
    export = reverse("admin:contacts_contact_export")

    admin_client.post(f"{export}?state=deleted", {"format": "background-csv"})
    assert not ContactExport.objects.exists()
    answer = admin_client.post(export, {"format": "background-jsonl"})

    assert answer.url == reverse("admin:contacts_contactexport_changelist")
    written = ContactExport.objects.get()
    assert (written.population, written.format, written.by.startswith("user:")) == (None, "jsonl", True)
    assert "All contacts" in admin_client.get(answer.url).content.decode()
