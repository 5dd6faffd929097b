"""The tab of identifiers and its two verbs, request by request."""

import pytest
from django.urls import reverse

from contacts.identity.types import STANDARD
from contacts.keys import Kind
from contacts.models import Change, Contact, Identifier
from crm.roles import set_role
from tests.people import BOHDAN, OLENA, OLENAS_PHONE, TARAS, device, erased, have, merged, ordered, set_up_account

pytestmark = pytest.mark.django_db


def address_of(verb, contact_id, kind):
    row = Identifier.objects.get(contact_id=contact_id, kind=kind)
    return reverse(f"admin:contacts_contact_{verb}", args=[contact_id, row.pk])


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def test_identifiers_stand_in_two_groups_with_what_is_known_of_them(admin_client, play):
    set_up_account(STANDARD)
    phone = {"details": {"deviceModel": "Pixel 9", "active": True}}
    stage = play(
        have(
            "olena",
            {
                "external_id": "A-1",
                "email": OLENA,
                "fields.loyalty": "L-7",
                "identifiers": [device("d-1", "shop") | phone],
            },
        ),
        have("other", {"email": BOHDAN}),
        merged("olena", "other"),
        ordered("olena"),
    )

    answer = admin_client.get(reverse("admin:contacts_contact_identifiers", args=[stage.ids["olena"]]))

    lasting, passing = answer.context["groups"]
    assert [(held.kind, held.value, held.is_primary, held.is_further) for held in lasting.rows] == [
        ("External ID", "A-1", True, False),
        ("Email", OLENA, True, False),
        ("Email", BOHDAN, False, True),
        ("Loyalty card", "L-7", False, False),
    ]
    [held] = passing.rows
    assert (held.kind, held.app, held.source) == ("Device ID", "shop", "API")
    assert held.details == [("Device", "Pixel 9"), ("Takes messages", "yes")]


def test_the_page_says_what_detaching_does_before_it_is_done(admin_client, play):
    stage = play(have("olena", {"external_id": "A-1"}))
    address = address_of("detach", stage.ids["olena"], Kind.EXTERNAL_ID)

    asked = admin_client.get(address)

    assert asked.context["consequences"] == [
        "The field External ID will be empty.",
        "The external ID is free: the next record that carries it makes a contact, or gives it to another one.",
        "The contact has no other identifier, so no record will find it any more.",
    ]
    assert Contact.objects.get(pk=stage.ids["olena"]).external_id == "A-1"
    done = admin_client.post(address, follow=True)
    assert said(done) == ["The identifier was detached. The history can take it back."]
    assert Contact.objects.get(pk=stage.ids["olena"]).external_id is None
    again = admin_client.post(address, follow=True)
    assert said(again) == ["The contact does not have this identifier any more."]


def test_the_other_contact_is_found_as_in_the_search_box(admin_client, play):
    stage = play(
        have("olena", {"email": OLENA, "identifiers": [device()]}),
        have("bohdan", {"external_id": "B-1", "phone": OLENAS_PHONE, "first_name": "Bohdan", "last_name": "Melnyk"}),
    )
    address = address_of("move", stage.ids["olena"], Kind.DEVICE)

    for text in ("extid:B-1", f"id:{stage.ids['bohdan']}", "050 111 22 33", "B-1", "melnyk boh"):
        found = admin_client.get(address, {"q": text}).context["found"]
        assert [contact.pk for contact in found] == [stage.ids["bohdan"]], text
    itself = admin_client.get(address, {"q": OLENA})
    assert (itself.context["found"], itself.context["is_itself"]) == ([], True)
    asked = admin_client.get(address, {"to": stage.ids["bohdan"]})
    assert asked.context["taker"].pk == stage.ids["bohdan"]
    done = admin_client.post(address, {"to": stage.ids["bohdan"]}, follow=True)
    assert "was moved to" in said(done)[0]
    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == stage.ids["bohdan"]


def test_what_collides_is_shown_with_whom_to_open_or_merge(admin_client, play):
    stage = play(have("olena", {"email": OLENA}), have("bohdan", {"email": BOHDAN}))

    answer = admin_client.post(address_of("move", stage.ids["olena"], Kind.EMAIL), {"to": stage.ids["bohdan"]})

    assert (answer.context["obstacle"].pk, answer.context["obstacle_value"]) == (
        stage.ids["bohdan"],
        f"Email: {BOHDAN}",
    )
    assert Contact.objects.get(pk=stage.ids["olena"]).email == OLENA


@pytest.mark.parametrize("to", ["", "0", "nobody", "9" * 30, str(2**62)])
def test_nonsense_moves_nothing(admin_client, play, to):
    stage = play(have("olena", {"email": OLENA}), have("taras", {"email": TARAS}), erased("taras"))
    address = address_of("move", stage.ids["olena"], Kind.EMAIL)

    for answer in (admin_client.post(address, {"to": to}), admin_client.get(address, {"to": to, "q": to})):
        assert answer.status_code == 200
    for number in (2**60, 2**70):  # a small one may be there, in a database that is new
        address = reverse("admin:contacts_contact_move", args=[stage.ids["olena"], number])
        assert admin_client.get(address).status_code == 302
    assert Contact.objects.get(pk=stage.ids["olena"]).email == OLENA


def test_an_auditor_sees_them_and_changes_nothing(client, django_user_model, play):
    stage = play(have("olena", {"email": OLENA, "town": "Lviv"}), have("bohdan", {"phone": OLENAS_PHONE}))
    auditor = django_user_model.objects.create_user("auditor", is_staff=True)
    set_role(auditor, "auditor")
    client.force_login(auditor)
    olena, changes = stage.ids["olena"], Change.objects.count()

    tab = client.get(reverse("admin:contacts_contact_identifiers", args=[olena]))
    assert tab.status_code == 200
    assert b"Detach" not in tab.content
    history = client.get(reverse("admin:contacts_contact_journal", args=[olena]))
    assert history.status_code == 200
    assert b"Take back" not in history.content
    change = Change.objects.get(contact_id=olena)
    addresses = [
        address_of("detach", olena, Kind.EMAIL),
        address_of("move", olena, Kind.EMAIL),
        reverse("admin:contacts_contact_take_back", args=[olena, change.pk]),
    ]
    for address in addresses:
        assert client.get(address).status_code == 403
        assert client.post(address, {"to": stage.ids["bohdan"]}).status_code == 403
    assert Change.objects.count() == changes


def test_no_page_needs_many_statements(admin_client, play, django_assert_max_num_queries):
    tokens = [device(f"d-{number}") for number in range(2)]
    stage = play(
        have("olena", {"email": OLENA, "identifiers": tokens}),
        have("bohdan", {"first_name": "Bohdan", "phone": OLENAS_PHONE}),
    )
    olena, email = stage.ids["olena"], address_of("move", stage.ids["olena"], Kind.EMAIL)

    for address in (
        reverse("admin:contacts_contact_identifiers", args=[olena]),
        address_of("detach", olena, Kind.EMAIL),
        f"{email}?q=Bohdan",
        f"{email}?to={stage.ids['bohdan']}",
        reverse("admin:contacts_contact_journal", args=[olena]),
    ):
        with django_assert_max_num_queries(15):
            assert admin_client.get(address).status_code == 200
