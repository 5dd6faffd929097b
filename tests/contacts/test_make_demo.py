"""Demo data looks like an account in use, and every row of it agrees with the others."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from contacts.identity.integrity import find_problems
from contacts.identity.settings import forget_settings
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.models import (
    ChannelState,
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Event,
    Identifier,
    Merge,
    Order,
    OrderStatus,
)
from segments.models import Membership, Segment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_settings():
    forget_settings()


def make(contacts, **options):
    said = StringIO()
    call_command("make_demo", contacts=contacts, stdout=said, **options)
    return said.getvalue()


def active():
    return Contact.objects.filter(state=ContactState.ACTIVE)


def test_demo_data_has_something_of_everything():
    said = make(1_000)

    assert active().count() == 1_000
    assert "Made 1000 contacts" in said
    assert 300 < active().filter(external_id=None).count() < 450
    assert 30 < sum(not kinds & IDENTIFYING_MASK for kinds in active().values_list("identifier_kinds", flat=True)) < 100
    assert active().filter(email_state=ChannelState.UNSUBSCRIBED).count() > 10
    assert active().filter(email_state=ChannelState.UNCONFIRMED).count() > 50
    assert active().filter(attributes__favourite_category="boots").exists()
    assert active().filter(first_name="Олена").exists()
    assert CustomField.objects.values("type").distinct().count() >= 6
    assert set(Order.objects.values_list("status", flat=True)) == set(OrderStatus.values)
    assert DuplicateCase.objects.count() > 5
    assert Merge.objects.count() == 3
    assert Contact.objects.filter(state=ContactState.DELETED).count() > 3
    assert Event.objects.values("type_id").distinct().count() == 9
    visitors = Identifier.objects.filter(kind=Kind.COOKIE, value__startswith="visitor-")
    assert visitors.count() == 100
    assert not Contact.objects.filter(pk__in=visitors.values("contact_id")).exists()
    assert Membership.objects.filter(segment=Segment.objects.get(name="Newsletter")).count() > 200


def test_demo_data_agrees_with_itself():
    make(300)

    assert find_problems() == []


def test_events_lie_within_the_last_twelve_months_and_never_ahead():
    make(200)

    newest, oldest = (Event.objects.order_by(order).first().occurred_at for order in ("-occurred_at", "occurred_at"))
    made = Contact.objects.order_by("-updated_at").first().updated_at
    assert newest <= made
    assert oldest >= made - timedelta(days=367)


def test_the_same_seed_makes_the_same_people_and_another_one_others():
    def people():
        return list(active().order_by("external_id").values_list("external_id", "email", "first_name")[:50])

    make(100, seed=7)
    first = people()
    Contact.objects.all().delete()
    Identifier.objects.all().delete()
    make(100, seed=7)
    again = people()
    Contact.objects.all().delete()
    Identifier.objects.all().delete()
    make(100, seed=8)

    assert first == again
    assert people() != first


def test_a_second_run_adds_other_people():
    make(100)
    make(50)

    assert active().count() == 150
    shared = Identifier.objects.values("kind", "app", "value").annotate(count=Count("id")).filter(count__gt=2)
    assert shared.count() < 5
    assert find_problems() == []


@pytest.mark.parametrize("contacts", [1, 2, 7])
def test_a_handful_works_too(contacts):
    make(contacts)

    assert active().count() == contacts


def test_none_is_refused():
    with pytest.raises(CommandError, match="at least one"):
        make(0)
