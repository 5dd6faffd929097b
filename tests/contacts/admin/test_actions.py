"""Bulk actions as a person does them: chosen on the list, confirmed on a page of their own, followed, taken back."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.admin.actions.words import COUNTED_UP_TO
from contacts.admin.actors import name_actors
from contacts.models import ActionBatch, ActionStatus, Change, Contact, ContactAction, ContactState, CustomField
from contacts.populations import current
from crm.models import AuditEntry
from tests.people import deleted, have

LIST = reverse("admin:contacts_contact_changelist")
ACTIONS = reverse("admin:contacts_contactaction_changelist")
PEOPLE = (
    have("olena", {"external_id": "C-1", "first_name": "Olena", "email": "olena@example.com", "town": "Lviv"}),
    have("bohdan", {"external_id": "C-2", "first_name": "Bohdan"}),
    have("ivan", {"external_id": "C-3", "first_name": "Ivan"}),
    deleted("ivan"),
)


def choose(client: Client, action: str, chosen: list[int], query: str = "", **more: str) -> Any:
    """Rows are ticked and an action is chosen; the page that asks."""
    sent = {"action": action, "_selected_action": chosen, **more}
    return client.post(f"{LIST}{query}", sent, follow=True)


def confirm(client: Client, asked: Any, **given: Any) -> Any:
    """The page that asks is answered."""
    address = (
        asked.redirect_chain[-1][0] if getattr(asked, "redirect_chain", None) else asked.wsgi_request.get_full_path()
    )
    return client.post(address, {"seen": asked.context["seen"], **given}, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message).partition("<a")[0].strip().partition(" See it")[0] for message in answer.context["messages"]]


def page_of(action: ContactAction) -> str:
    return reverse("admin:contacts_contactaction_change", args=[action.pk])


def clerk_with(*codenames: str) -> Client:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(clerk)
    return client


# A few rows


def test_a_few_are_deleted_after_a_question_and_the_list_says_so(admin_client, play, admin_user):
    stage = play(*PEOPLE)
    chosen = [stage.ids["olena"], stage.ids["bohdan"]]

    asked = choose(admin_client, "delete_selected", chosen)

    assert "Delete: 2 contacts" in asked.content.decode()
    assert {str(contact) for contact in asked.context["some"]} == {"Olena", "Bohdan"}
    assert Contact.objects.filter(state=ContactState.ACTIVE).count() == 2

    answer = confirm(admin_client, asked)

    assert answer.redirect_chain[-1][0] == LIST
    assert said(answer) == ["2 contacts were deleted."]
    action = ContactAction.objects.get()
    assert (action.by, action.status) == (f"user:{admin_user.pk}", ActionStatus.FINISHED)
    assert Change.objects.filter(kind="deleted", by=f"action:{action.pk}").count() == 2
    entry = AuditEntry.objects.get(about=f"contacts.contactaction:{action.pk}")
    assert (entry.action, entry.details) == ("started", {"what": "Delete", "contacts": 2})


def test_the_history_of_a_contact_names_the_person_and_the_action(admin_client, play, admin_user):
    stage = play(*PEOPLE)
    confirm(admin_client, choose(admin_client, "delete_selected", [stage.ids["olena"]]))

    action = ContactAction.objects.get()
    [named] = name_actors([f"action:{action.pk}"]).values()

    assert named == ("admin, bulk action “Delete”", page_of(action))
    assert name_actors(["action:0"])["action:0"].label == "A former bulk action"


def test_deleted_contacts_are_restored_from_the_deleted_ones(admin_client, play):
    stage = play(*PEOPLE)

    asked = choose(admin_client, "restore_selected", [stage.ids["ivan"]], "?state=deleted")
    answer = confirm(admin_client, asked)

    assert said(answer) == ["1 contact was restored."]
    assert answer.redirect_chain[-1][0] == f"{LIST}?state=deleted"


def test_a_selection_is_put_into_a_new_segment_and_the_deleted_are_left_out(admin_client, play):
    stage = play(*PEOPLE)

    asked = choose(admin_client, "join_segment", list(stage.ids.values()), "?state=all")
    answer = confirm(admin_client, asked, name="Guests")

    assert said(answer) == ["2 contacts are new in it. 1 were left out."]
    guests = current().find("Guests")
    assert guests is not None
    assert {contact.first_name for contact in current().members(guests)} == {"Olena", "Bohdan"}
    again = confirm(admin_client, choose(admin_client, "join_segment", [stage.ids["olena"]]), segment=str(guests))
    assert said(again) == ["0 contacts are new in it. 1 were so already."]
    left = confirm(admin_client, choose(admin_client, "leave_segment", [stage.ids["olena"]]), segment=str(guests))
    assert said(left) == ["1 contact was taken out."]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "Choose a segment, or write the name of a new one."),
        ({"segment": "999999"}, "Select a valid choice."),
        ({"name": "x" * 201}, "at most 200 characters"),
    ],
)
def test_where_a_selection_cannot_go_is_said(admin_client, play, given, says):
    stage = play(*PEOPLE)

    answer = confirm(admin_client, choose(admin_client, "join_segment", [stage.ids["olena"]]), **given)

    assert says in answer.content.decode()
    assert not ContactAction.objects.exists()


def test_a_field_is_chosen_and_then_written_in_its_own_input(admin_client, play):
    CustomField.objects.create(key="tier", label="Tier", type="choice", options=["gold", "silver"])
    stage = play(*PEOPLE)
    asked = choose(admin_client, "edit_field", [stage.ids["olena"], stage.ids["bohdan"]])
    address = asked.redirect_chain[-1][0]
    assert "value" not in asked.context["form"].fields

    page = admin_client.get(f"{address}&column=fields.tier")
    assert [key for key, _label in page.context["form"].fields["value"].choices] == ["", "gold", "silver"]
    answer = confirm(admin_client, page, column="fields.tier", value="gold")

    assert said(answer) == ["2 contacts were changed."]
    assert Contact.objects.filter(attributes={"tier": "gold"}).count() == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"column": "town"}, "Write a value, or choose to empty the field."),
        ({"column": "town", "value": "Kyiv", "empty": "on"}, "Write a value, or choose to empty the field."),
        ({"column": "town", "empty": "on", "only_blank": "on"}, "What is empty cannot be emptied."),
        ({"column": "first_name", "value": "O" * 41}, "at most 40"),
    ],
)
def test_what_cannot_be_written_is_said_at_the_field(admin_client, play, given, says):
    stage = play(*PEOPLE)

    answer = confirm(admin_client, choose(admin_client, "edit_field", [stage.ids["olena"]]), **given)

    assert says in answer.content.decode()
    assert not ContactAction.objects.exists()


def test_a_field_is_emptied(admin_client, play):
    stage = play(*PEOPLE)

    asked = choose(admin_client, "edit_field", [stage.ids["olena"]])
    confirm(admin_client, asked, column="town", empty="on")

    assert Contact.objects.get(pk=stage.ids["olena"]).town is None


def test_a_channel_is_unsubscribed(admin_client, play):
    stage = play(*PEOPLE)

    asked = choose(admin_client, "unsubscribe", [stage.ids["olena"], stage.ids["bohdan"]])
    answer = confirm(admin_client, asked, channel="email", reason="fair")

    assert said(answer) == ["1 contact was unsubscribed. 1 were left out."]
    assert Contact.objects.get(pk=stage.ids["olena"]).email_state_reason == "fair"


# The whole result


def test_all_that_the_list_shows_is_chosen_with_its_filters(admin_client, play):
    stage = play(*PEOPLE)

    asked = choose(admin_client, "delete_selected", [stage.ids["olena"]], "?has_email=yes", select_across="1")

    assert "Delete: 1 contact" in asked.content.decode()
    confirm(admin_client, asked)
    assert ContactAction.objects.get().selection == {"conditions": {"has_email": "yes"}}
    assert Contact.objects.get(pk=stage.ids["bohdan"]).state == ContactState.ACTIVE


def test_an_address_that_says_nothing_never_means_everybody(admin_client, play):
    play(*PEOPLE)

    for query in ("", "?selected=", "?selected=x", "?state=all", "?whole=0", "?whole=1&fields.gone=1"):
        answer = admin_client.get(reverse("admin:contacts_contact_act", args=["delete"]) + query, follow=True)
        assert answer.redirect_chain[0][0] == LIST, query
        assert said(answer)


def test_whoever_came_since_the_page_was_read_is_said_before_anything_happens(admin_client, play):
    play(*PEOPLE)
    asked = admin_client.get(reverse("admin:contacts_contact_act", args=["delete"]) + "?whole=1")
    play(have("maryna", {"external_id": "C-9", "first_name": "Maryna"}))

    answer = confirm(admin_client, asked)

    assert "Meanwhile it is 3 contacts. Look again." in answer.content.decode()
    assert not ContactAction.objects.exists()
    confirm(admin_client, answer)
    assert ContactAction.objects.get().total == 3


@pytest.fixture
def crowd(db: None) -> list[int]:
    now = timezone.now()
    made = Contact.objects.bulk_create(
        Contact(first_name=f"P {number}", created_at=now, updated_at=now, made_deliberately=True)
        for number in range(130)
    )
    return [contact.pk for contact in made]


def test_to_delete_many_the_number_is_typed(admin_client, crowd):
    asked = admin_client.get(reverse("admin:contacts_contact_act", args=["delete"]) + "?whole=1")
    assert "Type 130 to say that you mean so many" in asked.content.decode()

    for typed in ("", "13", "all", "131"):
        assert "Type 130" in confirm(admin_client, asked, typed=typed).content.decode()
    assert not ContactAction.objects.exists()
    answer = confirm(admin_client, asked, typed="130")

    action = ContactAction.objects.get()
    assert answer.redirect_chain[-1][0] == page_of(action)
    assert (action.status, action.total) == (ActionStatus.QUEUED, None)
    assert "Waiting for the worker" in answer.content.decode()


def test_more_than_are_counted_are_said_to_be_more(admin_client, db):
    now = timezone.now()
    Contact.objects.bulk_create(
        Contact(first_name="Olena", created_at=now, updated_at=now) for _ in range(COUNTED_UP_TO + 1)
    )

    asked = admin_client.get(reverse("admin:contacts_contact_act", args=["edit"]) + "?whole=1&column=town")
    danger = admin_client.get(reverse("admin:contacts_contact_act", args=["delete"]) + "?whole=1")

    assert "Edit a field: more than 10,000 contacts" in asked.content.decode()
    assert danger.context["number"] == COUNTED_UP_TO
    confirm(admin_client, danger, typed="10,000")
    assert ContactAction.objects.get().verb == "delete"


# Following it


@pytest.fixture
def begun(admin_client: Client, crowd: list[int]) -> ContactAction:
    asked = admin_client.get(reverse("admin:contacts_contact_act", args=["edit"]) + "?whole=1&column=town")
    confirm(admin_client, asked, column="town", value="Kyiv")
    return ContactAction.objects.get()


@pytest.mark.django_db(transaction=True)
def test_it_is_worked_off_and_taken_back_in_the_background(admin_client, begun, run_jobs):
    run_jobs()
    page = admin_client.get(page_of(begun))
    assert "130 contacts were changed." in page.content.decode()
    assert admin_client.get(reverse("admin:contacts_contactaction_progress", args=[begun.pk])).json()["percent"] == 100

    admin_client.post(reverse("admin:contacts_contactaction_do", args=[begun.pk, "undo"]))
    run_jobs()

    assert "It was taken back." in admin_client.get(page_of(begun)).content.decode()
    assert not Contact.objects.filter(town="Kyiv").exists()


def test_it_is_paused_resumed_and_cancelled_by_its_buttons(admin_client, begun):
    def press(verb: str) -> str:
        admin_client.post(reverse("admin:contacts_contactaction_do", args=[begun.pk, verb]))
        return ContactAction.objects.get().status

    assert [press(verb) for verb in ("pause", "resume", "cancel")] == ["paused", "queued", "cancelled"]
    answer = admin_client.post(reverse("admin:contacts_contactaction_do", args=[begun.pk, "resume"]), follow=True)
    assert said(answer) == ["As it stands now, this cannot be done. Open the page again."]


def test_the_list_of_actions_names_what_was_done_by_whom(admin_client, begun):
    page = admin_client.get(ACTIONS).content.decode()

    assert "Edit a field: Town → Kyiv" in page
    assert page_of(begun) in page
    assert "admin" in page


def test_who_was_left_out_is_listed_and_handed_out_without_formulas(admin_client, play):
    stage = play(*PEOPLE)
    asked = choose(admin_client, "edit_field", [stage.ids["ivan"]], "?state=all")
    confirm(admin_client, asked, column="town", value="Kyiv")
    action = ContactAction.objects.get()
    action.rows.update(message="=1+1")

    page = admin_client.get(page_of(action)).content.decode()
    file = admin_client.get(reverse("admin:contacts_contactaction_rows", args=[action.pk]))

    assert "Ivan" in page
    [row] = csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig")))
    assert row == {
        "contact_id": str(stage.ids["ivan"]),
        "step": "action",
        "code": "contact_deleted",
        "reason": "'=1+1",
    }


def test_a_page_takes_few_statements(admin_client, begun, django_assert_max_num_queries):
    ask = reverse("admin:contacts_contact_act", args=["edit"]) + "?whole=1&column=town"
    for address in (ACTIONS, page_of(begun), ask):
        with django_assert_max_num_queries(15):
            assert admin_client.get(address).status_code == 200


# Who may

NEEDED = {
    "join": "change_segment",
    "leave": "change_segment",
    "edit": "change_contact",
    "unsubscribe": "change_contact",
    "delete": "delete_contact",
    "restore": "change_contact",
}


@pytest.mark.parametrize(("verb", "codename"), NEEDED.items())
def test_each_action_needs_the_permission_of_its_verb(play, verb, codename):
    stage = play(*PEOPLE)
    client = clerk_with("view_contact", "view_segment", "view_contactaction", *(set(NEEDED.values()) - {codename}))
    address = reverse("admin:contacts_contact_act", args=[verb]) + f"?selected={stage.ids['olena']}"

    refused = [client.get(address).status_code, client.post(address, {"seen": "1", "name": "Guests"}).status_code]
    User.objects.get(username="clerk").user_permissions.add(Permission.objects.get(codename=codename))

    assert refused == [403, 403]
    assert client.get(address).status_code == 200
    assert not ContactAction.objects.exists()
    assert current().find("Guests") is None


def test_an_auditor_sees_an_action_and_moves_nothing(begun):
    auditor = clerk_with("view_contact", "view_contactaction", "view_segment", "view_savedview")
    before = ContactAction.objects.values().get()

    assert auditor.get(page_of(begun)).status_code == 200
    for verb in ("pause", "resume", "cancel", "undo"):
        answer = auditor.post(reverse("admin:contacts_contactaction_do", args=[begun.pk, verb]))
        assert answer.status_code == 403
    for action in ("delete_selected", "edit_field", "unsubscribe", "join_segment", "restore_selected"):
        assert f'value="{action}"' not in auditor.get(LIST).content.decode()
    assert ContactAction.objects.values().get() == before
    assert not ActionBatch.objects.exists()


def test_who_sees_no_contacts_sees_no_actions(begun):
    stranger = clerk_with("view_segment")

    addresses = [ACTIONS, page_of(begun)]
    addresses += [reverse(f"admin:contacts_contactaction_{name}", args=[begun.pk]) for name in ("progress", "rows")]
    assert [stranger.get(address).status_code for address in addresses] == [403] * 4


@pytest.mark.parametrize("number", [0, 10**18 * 9, 10**19])
def test_an_action_that_is_none_is_not_found(admin_client, number):
    for name, extra in (("change", []), ("progress", []), ("rows", []), ("do", ["undo"])):
        address = reverse(f"admin:contacts_contactaction_{name}", args=[number, *extra])
        assert admin_client.post(address).status_code == 404
