"""A person changes on the sheet how somebody may be reached: the state belongs to the address, whoever has it (T12)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contacts.models import Change, ChannelState, Contact
from tests.people import deleted, have, suppressed

pytestmark = pytest.mark.django_db

FAMILY = "family@example.com"
OLENA = have("olena", {"external_id": "A-1", "email": FAMILY, "phone": "+380501112233"})
BOHDAN = have("bohdan", {"external_id": "B-1", "email": FAMILY})


@pytest.fixture
def wish(admin_client, stage):
    """``wish("block", "olena")``: press that button beside the email; what the page says then."""

    def press(what, name, *, column="email", value=FAMILY):
        url = reverse("admin:contacts_contact_channel", args=[stage.ids[name]])
        answer = admin_client.post(url, {"wish": what, "column": column, "value": value}, follow=True)
        return [str(message) for message in answer.context["messages"]]

    return press


def states(stage, *names):
    return [Contact.objects.get(pk=stage.ids[name]).email_state for name in names]


@pytest.mark.parametrize(
    ("before", "what", "after"),
    [
        (ChannelState.ACTIVE, "unsubscribe", ChannelState.UNSUBSCRIBED),
        (ChannelState.ACTIVE, "block", ChannelState.BLACKLISTED),
        (ChannelState.UNSUBSCRIBED, "lift", ChannelState.ACTIVE),
        (ChannelState.BLACKLISTED, "lift", ChannelState.ACTIVE),
    ],
)
def test_a_state_changes_for_everybody_who_has_the_address(play, wish, admin_user, before, what, after):
    steps = [] if before == ChannelState.ACTIVE else [suppressed(FAMILY, before)]
    stage = play(OLENA, BOHDAN, *steps)

    [said] = wish(what, "olena")

    assert FAMILY in said
    assert states(stage, "olena", "bohdan") == [after, after]
    assert Change.objects.filter(contact_id=stage.ids["bohdan"]).latest("pk").by == f"user:{admin_user.pk}"


@pytest.mark.parametrize(
    "given", [{"value": "olena@example.com"}, {"column": "town"}, {"what": "bless"}, {"column": "phone"}]
)
def test_what_was_not_on_the_sheet_changes_nothing(play, wish, given):
    stage = play(OLENA)

    [said] = wish(given.pop("what", "block"), "olena", **given)

    assert "nothing was done" in said
    assert states(stage, "olena") == [ChannelState.ACTIVE]


def test_of_a_deleted_contact_nothing_is_changed(play, wish):
    stage = play(OLENA, deleted("olena"))

    wish("block", "olena")

    assert states(stage, "olena") == [ChannelState.ACTIVE]
