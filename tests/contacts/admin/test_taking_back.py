"""The tab of the history, and one change taken back, request by request."""

import pytest
from django.urls import reverse

from contacts.identity import merge_contacts, resolve, undo_merge
from contacts.identity.types import API
from contacts.models import Change, Contact
from tests.people import BOHDAN, OLENA, change, deleted, have

pytestmark = pytest.mark.django_db


@pytest.fixture
def by(admin_user):
    return f"user:{admin_user.pk}"


def journal(client, contact_id, **query):
    return client.get(reverse("admin:contacts_contact_journal", args=[contact_id]), query)


def last(contact_id):
    return Change.objects.filter(contact_id=contact_id).order_by("-pk")[0].pk


def address_of(contact_id, change_id=None):
    return reverse("admin:contacts_contact_take_back", args=[contact_id, change_id or last(contact_id)])


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def test_the_history_is_narrowed_to_one_kind_and_grows_by_it(admin_client, play):
    stage = play(have("olena", {"email": OLENA}))
    olena = stage.ids["olena"]
    resolve([{"id": olena, "town": f"Town {number}"} for number in range(30)], API, by="key:1")
    deleted("olena")(stage)

    assert [entry.kind for entry in journal(admin_client, olena, kind="deleted").context["entries"]] == ["deleted"]
    first = journal(admin_client, olena, kind="updated", rows="1")
    assert {entry.kind for entry in first.context["entries"]} == {"updated"}
    rest = journal(admin_client, olena, kind="updated", before=first.context["older"])
    assert len(first.context["entries"]) + len(rest.context["entries"]) == 30
    assert "kind=updated" in first.content.decode()
    assert len(journal(admin_client, olena, kind="nonsense").context["entries"]) == 25


def test_a_change_is_shown_taken_back_and_said_to_be_so(admin_client, play, by):
    stage = play(have("olena", {"email": OLENA, "town": "Lviv"}), change("olena", {"town": "Kyiv", "email": BOHDAN}))
    olena = stage.ids["olena"]
    address = address_of(olena)

    asked = admin_client.get(address)

    [back] = asked.context["backs"]
    assert {(line.label, line.before, line.after) for line in back.lines} >= {
        ("Town", "Kyiv", "Lviv"),
        ("Email", BOHDAN, OLENA),
    }
    assert Contact.objects.get(pk=olena).town == "Kyiv"
    assert said(admin_client.post(address, follow=True)) == ["The change was taken back."]
    assert (Contact.objects.get(pk=olena).town, Contact.objects.get(pk=olena).email) == ("Lviv", OLENA)
    newest, undone, _ = journal(admin_client, olena).context["entries"]
    assert (newest.title, undone.undone.is_whole) == ("Change taken back", True)
    assert "identifiers" not in {line.label.lower() for line in newest.lines}
    assert Change.objects.get(pk=last(olena)).by == by


def test_what_stands_in_the_way_is_said_and_goes_back_where_it_is_ticked(admin_client, play):
    stage = play(
        have("olena", {"email": OLENA, "town": "Lviv", "region": "West"}),
        change("olena", {"town": "Kyiv", "region": "North"}),
    )
    olena, mine = stage.ids["olena"], last(stage.ids["olena"])
    change("olena", {"town": "Odesa"})(stage)

    [kept] = admin_client.get(address_of(olena, mine)).context["kept"]
    assert (kept.label, kept.current, kept.column) == ("Town", "Odesa", "town")
    assert "changed it on" in kept.why
    first = admin_client.post(address_of(olena, mine), follow=True)
    assert said(first)[0] == "The change was taken back in part."
    assert "Town stays as it is." in said(first)[1]
    entries = {entry.id: entry for entry in journal(admin_client, olena).context["entries"]}
    assert entries[mine].undone.is_whole is False
    admin_client.post(address_of(olena, mine), {"anyway": ["town", "nonsense"]})
    assert (Contact.objects.get(pk=olena).town, Contact.objects.get(pk=olena).region) == ("Lviv", "West")
    entries = {entry.id: entry for entry in journal(admin_client, olena).context["entries"]}
    assert entries[mine].undone.is_whole is True


def test_what_cannot_be_taken_back_leads_to_what_can_be_done(admin_client, play, by):
    stage = play(have("olena", {"email": OLENA}), have("other", {"phone": "+380501112233"}))
    olena, other = stage.ids["olena"], stage.ids["other"]

    made = admin_client.get(address_of(olena))
    assert made.context["delete_instead"] is True
    assert reverse("admin:contacts_contact_delete", args=[olena]) in made.content.decode()
    merge = merge_contacts(olena, other, by=by)
    assert admin_client.get(address_of(olena)).url == reverse("admin:contacts_merge_undo", args=[merge])
    undo_merge(merge, by=by)
    assert admin_client.get(address_of(olena)).context["merge_sides"] == (olena, other)
    for change_id in (1, 2**70):
        assert admin_client.get(address_of(olena, change_id)).status_code == 302
    assert admin_client.get(address_of(2**40, 1)).status_code == 404


def test_no_page_needs_many_statements(admin_client, play, django_assert_max_num_queries):
    stage = play(have("olena", {"email": OLENA}), change("olena", {"email": BOHDAN}), change("olena", {"town": "Kyiv"}))

    for address in (
        reverse("admin:contacts_contact_journal", args=[stage.ids["olena"]]),
        address_of(stage.ids["olena"]),
        address_of(stage.ids["olena"], last(stage.ids["olena"]) - 1),
    ):
        with django_assert_max_num_queries(15):
            assert admin_client.get(address).status_code == 200
