"""What the head of the sheet tells: who this is, how they are reached, where they belong, what they come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from contacts import populations
from contacts.activity import NewOrder, record_orders
from contacts.admin.panels import read_summary
from contacts.models import ChannelState, Contact
from tests.people import anonymous, browsed, device, have, push, suppressed

pytestmark = pytest.mark.django_db

OLENA = have(
    "olena", {"external_id": "A-1", "email": "olena@example.com", "phone": "+380501112233", "identifiers": [push()]}
)


def summary_of(stage, name):
    return read_summary(Contact.objects.get(pk=stage.ids[name]), with_segments=True)


def test_channels_have_their_state_since_when_and_why(play):
    stage = play(OLENA, suppressed("olena@example.com", ChannelState.UNSUBSCRIBED))

    channels = summary_of(stage, "olena").channels

    assert [(channel.label, channel.state) for channel in channels] == [
        ("Email", "unsubscribed"),
        ("Phone", "active"),
        ("Mobile push token", ""),
    ]
    assert channels[0].since == stage.now
    assert all(channel.since for channel in channels)


def test_orders_revenue_by_currency_and_events_are_summed_up(play):
    stage = play(OLENA, browsed("olena"), browsed("olena"))
    moment = datetime.now(UTC) - timedelta(days=1)
    orders = [
        NewOrder(f"N-{number}", {"external_id": "A-1"}, "DELIVERED", total, currency, moment)
        for number, (total, currency) in enumerate([("1200", "UAH"), ("34.5", "UAH"), ("20", "EUR")])
    ]
    record_orders(orders, by="key:1")

    figures = [(figure.label, figure.value) for figure in summary_of(stage, "olena").figures]

    assert figures == [("Orders", "3"), ("Revenue", "1,234.50 UAH"), ("Revenue", "20.00 EUR"), ("Events", "5")]


@pytest.mark.parametrize(
    ("who", "says"),
    [
        (have("someone", {"external_id": "A-1"}), ""),
        (have("someone", {"email": "olena@example.com"}), "no external ID"),
        (anonymous("someone", device()), "anonymous"),
    ],
    ids=["known", "without external ID", "anonymous"],
)
def test_who_has_no_external_id_is_called_what_they_are(play, who, says):
    assert summary_of(play(who), "someone").standing == says


def test_lists_stand_at_once_and_the_other_segments_are_asked_afterwards(play, admin_client):
    stage = play(OLENA)
    populations.current().add("Friends", [stage.ids["olena"]], by="user:1")
    sheet = reverse("admin:contacts_contact_change", args=[stage.ids["olena"]])
    segments = reverse("admin:contacts_contact_segments", args=[stage.ids["olena"]])

    page = admin_client.get(sheet).content.decode()
    chips = admin_client.get(segments, {"chips": "1"}).content.decode()

    assert f'data-after-page="{segments}?chips=1"' in page
    assert "Friends" in page
    assert "Friends" in chips
    assert "asking the others" not in chips
