"""Forms that arrive at the same moment."""

from __future__ import annotations

import pytest

from contacts.models import Contact, Event
from contacts.subscribing import Subscribed, Wishes, subscribe
from segments.models import Membership, Segment
from tests.together import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_forms_that_name_the_same_new_group_all_get_into_it() -> None:
    def send(number: int) -> Subscribed:
        record = {"email": f"olena+{number}@example.com"}
        return subscribe(record, Wishes(groups=["News"]), by="key:1", site="http://testserver")

    done = all_at_once(lambda number=number: send(number) for number in range(4))

    assert {subscribed.is_new for subscribed in done} == {True}
    assert Segment.objects.filter(name="News").count() == 1
    assert Membership.objects.count() == Event.objects.count() == 4


def test_the_same_form_twice_at_once_makes_one_contact() -> None:
    def send() -> Subscribed:
        return subscribe({"email": "olena@example.com"}, Wishes(), by="key:1", site="http://testserver")

    done = all_at_once([send] * 4)

    assert sorted(subscribed.is_new for subscribed in done) == [False, False, False, True]
    assert Contact.objects.count() == 1
