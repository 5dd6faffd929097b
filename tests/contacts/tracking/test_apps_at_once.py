"""An app makes several calls at once: it is one device, one contact and one token all the same."""

from __future__ import annotations

from functools import partial

import pytest

from contacts.identity.integrity import find_problems
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Event, Identifier
from tests.contacts.tracking.apps import ANDROID, DEVICE, call_app, make_app, owner_of, tokens_of_app
from tests.together import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)

OLENA = {"deviceId": DEVICE, "externalUserId": "C-1"}
EVENTS = {"events": [{"eventTypeKey": "appOpened", "occurred": "2026-11-20T10:00:00Z"}]}


def test_the_first_calls_of_an_app_at_once_make_one_contact():
    call = call_app(make_app())
    works = [
        partial(call, "device", ANDROID),
        partial(call, "device", ANDROID | OLENA),
        partial(call, "user", OLENA),
        partial(call, "events", OLENA | EVENTS),
        partial(call, "events", OLENA | EVENTS),
    ]

    answers = all_at_once(works)

    assert {answer.status_code for answer in answers} == {200}
    contact = Contact.objects.get(state=ContactState.ACTIVE)
    assert (contact.external_id, owner_of(DEVICE), owner_of("push-1", Kind.MOBILE_PUSH)) == ("C-1", *[contact.pk] * 2)
    assert [event.contact_id for event in Event.objects.all()] == [contact.pk]
    assert list(find_problems()) == []


def test_tokens_that_come_at_once_leave_one_when_the_device_calls_again():
    call = call_app(make_app())
    tokens = [f"push-{number}" for number in range(4)]

    answers = all_at_once(partial(call, "device", ANDROID | {"pushToken": token}) for token in tokens)
    call("device", ANDROID | {"pushToken": "push-last"})

    assert {answer.status_code for answer in answers} == {200}
    assert list(tokens_of_app()) == ["push-last"]


def test_a_token_that_is_replaced_while_somebody_signs_in_does_not_come_back():
    call = call_app(make_app())
    for number in range(5):
        call("device", ANDROID | {"pushToken": f"old-{number}"})

        all_at_once(
            [
                partial(call, "device", ANDROID | {"pushToken": f"new-{number}", "externalUserId": f"C-{number}"}),
                partial(call, "user", OLENA | {"externalUserId": f"C-{number}"}),
            ]
        )

        assert list(tokens_of_app()) == [f"new-{number}"]
        assert Identifier.objects.get(value=f"new-{number}").contact_id == owner_of(DEVICE)
