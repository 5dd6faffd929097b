"""The page behind the confirmation link, as a person, a mail scanner and an old link see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.signing import TimestampSigner
from django.test import Client

from contacts.identity import (
    delete_contacts,
    erase_contacts,
    lift_suppressions,
    merge_contacts,
    resolve,
    resolve_one,
    suppress_addresses,
)
from contacts.identity.types import API, SHEET, SUBSCRIBE
from contacts.models import Account, Change, ChannelState, Contact, Suppression
from contacts.subscribing import invite
from contacts.subscribing.links import SALT

pytestmark = pytest.mark.django_db

OLENA = "olena@example.com"
SITE = "http://testserver"


@pytest.fixture
def olena() -> int:
    """She has subscribed, and not confirmed yet."""
    return resolve_one({"email": OLENA, "first_name": "Olena"}, SUBSCRIBE, by="key:1").contact_id or 0


@pytest.fixture
def link(olena: int) -> str:
    return link_for(olena)


def link_for(contact_id: int, email: str = OLENA) -> str:
    return invite(contact_id, email, site=SITE).url.removeprefix(SITE)


def state_of(contact_id: int) -> int | None:
    return Contact.objects.get(pk=contact_id).email_state


def test_opening_the_link_shows_one_button_and_changes_nothing(client, olena, link):
    for method in (client.get, client.head):
        assert method(link).status_code == 200
    page = client.get(link).content.decode()

    assert page.count("<button") == 1
    assert '<form method="post">' in page
    assert "<script" not in page
    assert OLENA in page
    assert state_of(olena) == ChannelState.UNCONFIRMED
    assert Change.objects.count() == 1


def test_the_button_confirms(client, olena, link):
    answer = client.post(link)

    assert answer.status_code == 200
    assert OLENA in answer.content.decode()
    assert state_of(olena) == ChannelState.ACTIVE
    assert Change.objects.latest("pk").by == "page:confirm"


def test_no_cookie_and_no_secret_of_a_form_is_needed(olena, link):
    client = Client(enforce_csrf_checks=True)

    assert client.post(link).status_code == 200
    assert not client.cookies
    assert state_of(olena) == ChannelState.ACTIVE


def test_pressing_twice_or_opening_it_later_says_that_it_is_confirmed(client, olena, link):
    client.post(link)
    before = Change.objects.count()

    assert "it is confirmed" in client.post(link).content.decode()
    page = client.get(link).content.decode()
    assert "it is confirmed" in page
    assert "<button" not in page
    assert Change.objects.count() == before


@pytest.mark.parametrize("state", [ChannelState.UNSUBSCRIBED, ChannelState.BOUNCED])
def test_confirming_lifts_what_the_address_was(client, olena, link, state):
    suppress_addresses([OLENA], state, by="user:1")
    other = resolve_one({"external_id": "C-2", "email": OLENA}, API, by="key:1").contact_id

    assert client.post(link).status_code == 200
    assert (state_of(olena), state_of(other or 0)) == (ChannelState.ACTIVE, ChannelState.ACTIVE)
    assert not Suppression.objects.exists()


def test_confirming_one_contact_leaves_another_unconfirmed(client, olena, link):
    record = {"external_id": "C-2", "email": OLENA}
    resolve_one({"external_id": "C-1", "id": olena}, API, by="key:1")
    other = resolve_one(record, SUBSCRIBE, by="key:1").contact_id

    client.post(link)

    assert (state_of(olena), state_of(other or 0)) == (ChannelState.ACTIVE, ChannelState.UNCONFIRMED)


def test_a_blacklisted_address_is_for_a_person_to_lift(client, olena, link):
    suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:1")

    for method in (client.get, client.post):
        assert method(link).status_code == 403
    assert state_of(olena) == ChannelState.BLACKLISTED

    lift_suppressions([OLENA], by="user:1")
    assert client.post(link).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("spoiled", ["/confirm/x", f"/confirm/1-{'0' * 32}.1a2b3c.x", "/confirm/%00", "/confirm/é"])
def test_a_spoiled_link_is_not_found(client, method, spoiled):
    answer = getattr(client, method)(spoiled)

    assert answer.status_code == 404
    assert "This link is not complete" in answer.content.decode()


@pytest.mark.parametrize("signed", ["1", "x-y", "-1-" + "0" * 32, "9" * 30 + "-" + "0" * 32])
def test_what_was_signed_for_something_else_is_not_found(client, signed):
    token = TimestampSigner(salt=SALT, sep=".").sign(signed)

    assert client.get(f"/confirm/{token}").status_code == 404


def test_a_changed_link_is_not_found(client, olena, link):
    for spoiled in (link[:-1], link.replace(f"{olena}-", f"{olena + 1}-", 1), link + "x"):
        assert client.post(spoiled).status_code == 404
    assert state_of(olena) == ChannelState.UNCONFIRMED


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_old_link_has_expired(client, olena, link, settings, method):
    settings.CONFIRMATION_LINK_DAYS = 0

    answer = getattr(client, method)(link)

    assert answer.status_code == 410
    assert "Subscribe again" in answer.content.decode()
    assert state_of(olena) == ChannelState.UNCONFIRMED


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("what", ["changed", "deleted", "erased", "merged"])
def test_a_link_for_an_address_that_the_contact_has_no_longer_is_void(client, olena, link, method, what):
    match what:
        case "changed":
            resolve([{"id": olena, "email": "new@example.com"}], SHEET, by="user:1")
        case "deleted":
            delete_contacts([olena], by="user:1")
        case "erased":
            erase_contacts([olena], by="user:1")
        case "merged":
            bohdan = resolve_one({"email": "bohdan@example.com"}, API, by="key:1").contact_id or 0
            merge_contacts(bohdan, olena, by="user:1")

    answer = getattr(client, method)(link)

    assert answer.status_code == 410
    assert state_of(olena) != ChannelState.ACTIVE or what == "changed"


def test_the_address_may_be_written_otherwise_by_now(client, olena, link):
    resolve([{"id": olena, "email": "Olena@Example.com"}], SHEET, by="user:1")

    assert client.post(link).status_code == 200


def test_the_page_is_kept_nowhere_and_its_address_is_told_to_nobody(client, link):
    answer = client.get(link)

    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_the_page_says_whose_it_is_and_runs_no_markup(client, olena):
    Account.objects.all().delete()
    Account.objects.create(name="<b>Tea</b>")

    page = client.get(link_for(olena)).content.decode()

    assert "&lt;b&gt;Tea&lt;/b&gt;" in page


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_there_is_nothing_else_to_do_here(client, link, method):
    assert getattr(client, method)(link).status_code == 405


def test_a_link_says_when_it_expires(olena):
    link = invite(olena, OLENA, site=SITE)

    assert timedelta(days=13) < link.expires_at - datetime.now(UTC) <= timedelta(days=14)
