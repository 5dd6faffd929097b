"""The mail with the link, caught by an SMTP server of our own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from contacts.identity import delete_contacts, resolve, suppress_addresses
from contacts.identity.types import SHEET
from contacts.models import Account, ChannelState, ConfirmationText, Contact, Event, SubscriptionForm, Suppression
from tests.contacts.subscribing.mailbox import link_in, part_of

pytestmark = pytest.mark.django_db(transaction=True)

SUBSCRIBE = "/api/v1/contact/subscribe"
OLENA = "olena@example.com"


@pytest.fixture
def subscribe(call_api):
    def subscribe(email: str = OLENA, **contact: Any) -> int:
        body = {"contact": {"channels": [{"type": "email", "value": email}], **contact}}
        answer = call_api("post", SUBSCRIBE, body)
        assert answer.status_code == 200, answer.content
        return answer.json()["id"]

    return subscribe


def test_the_mail_brings_the_link_that_confirms(mailbox, subscribe, run_jobs, client):
    Account.objects.all().delete()
    Account.objects.create(name="Tea &\n Co")
    contact_id = subscribe()
    assert mailbox.mails == []  # it leaves with the worker, never within the call

    run_jobs()

    [mail] = mailbox.mails
    assert (mail["From"], mail["To"]) == ("crm@example.com", OLENA)
    assert mail["Subject"] == "Confirm your subscription to Tea & Co"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe-Post" not in mail  # one press takes a safe address
    text, html = part_of(mail, "plain"), part_of(mail, "html")
    assert link_in(text) == link_in(html)
    assert "Tea & Co" in text
    assert "Tea &amp; Co" in html
    assert client.get(link_in(text)).status_code == 200
    assert client.post(link_in(text)).status_code == 200
    assert Contact.objects.get(pk=contact_id).email_state == ChannelState.ACTIVE


def test_whoever_fills_in_a_form_gets_the_mail_and_its_link_confirms(mailbox, run_jobs, client):
    form = SubscriptionForm.objects.create(name="Footer", categories=["news"])
    client.post(f"/forms/{form.key}", {"email": OLENA}, headers={"accept-language": "uk"})
    assert Contact.objects.get().email_state == ChannelState.UNCONFIRMED

    run_jobs()

    [mail] = mailbox.mails
    assert mail["To"] == OLENA
    assert client.post(link_in(part_of(mail, "html"))).status_code == 200
    assert Contact.objects.get().email_state == ChannelState.ACTIVE


def test_nothing_that_a_form_was_sent_with_stands_in_the_mail(mailbox, run_jobs, client):
    asked = [{"column": name, "label": "", "is_required": False} for name in ("email", "first_name", "town")]
    form = SubscriptionForm.objects.create(name="Footer", fields=asked)
    client.post(f"/forms/{form.key}", {"email": OLENA, "first_name": "Win-at-shop", "town": "https://evil.example"})

    run_jobs()

    [mail] = mailbox.mails
    assert not any(word in str(mail) for word in ("Win-at-shop", "evil.example"))


def test_the_mail_speaks_in_the_words_of_the_account(mailbox, subscribe, run_jobs):
    ConfirmationText.objects.create(
        subject="{name}: one\n more step", text="Welcome to {name}!\n\n<b>Hi</b> {x}", button="I do", closing="Yours"
    )
    subscribe()

    run_jobs()

    [mail] = mailbox.mails
    text, html = part_of(mail, "plain"), part_of(mail, "html")
    assert mail["Subject"] == "Cardfile: one more step"
    assert "Welcome to Cardfile!\n\n<b>Hi</b> {x}" in text.replace("\r\n", "\n")
    assert "&lt;b&gt;Hi&lt;/b&gt;" in html
    assert ">I do</a>" in html
    assert "Yours" in text
    assert link_in(text) == link_in(html)


def test_a_mail_can_be_declined_for_good(mailbox, subscribe, run_jobs, client, settings):
    settings.PUBLIC_URL, settings.CONFIRMATION_LINK_DAYS = "https://crm.example.com", 14
    contact_id = subscribe()
    run_jobs()
    [mail] = mailbox.mails
    link = mail["List-Unsubscribe"].strip(" <>").removeprefix("https://crm.example.com")
    settings.CONFIRMATION_LINK_DAYS = 0  # the other link has expired by then; this one never does

    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Yes, unsubscribe" in client.get(link).content.decode()
    assert not Suppression.objects.exists()
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200

    contact = Contact.objects.get(pk=contact_id)
    assert contact.email_state == ChannelState.UNSUBSCRIBED
    assert contact.email_state_reason == "unsubscribed by the link in a mail"
    assert client.post(link).status_code == 200
    resolve([{"id": contact_id, "email": "new@example.com"}], SHEET, by="user:1")
    assert client.get(link).status_code == 410
    assert client.get("/unsubscribe/x").status_code == 404


def test_the_link_in_the_event_confirms_as_well(mailbox, subscribe, run_jobs, client):
    contact_id = subscribe()
    run_jobs()

    client.post(Event.objects.get().params["confirmationLink"])

    assert Contact.objects.get(pk=contact_id).email_state == ChannelState.ACTIVE


def test_the_jobs_carry_no_address(mailbox, subscribe):
    subscribe()

    with connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs WHERE queue_name = 'mail'")
        [(args,)] = cursor.fetchall()
    assert OLENA not in args


def test_an_address_of_any_letters_gets_its_mail(mailbox, subscribe, run_jobs):
    subscribe("olena@пошта.укр")
    run_jobs()

    assert [mail["To"] for mail in mailbox.mails] == ["olena@xn--80a1acn3a.xn--j1amh"]


def test_a_form_sent_over_and_over_mails_once(mailbox, subscribe, run_jobs):
    for _ in range(3):
        subscribe()
    run_jobs()

    assert len(mailbox.mails) == 1
    assert Event.objects.count() == 3


def test_whoever_unsubscribed_since_and_subscribes_again_is_asked_again(mailbox, subscribe, run_jobs, client):
    subscribe()
    run_jobs()
    client.post(link_in(part_of(mailbox.mails[0], "plain")))
    suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by="user:1")

    subscribe()
    run_jobs()

    client.post(link_in(part_of(mailbox.mails[1], "plain")))
    assert Contact.objects.get().email_state == ChannelState.ACTIVE


@pytest.mark.parametrize("what", ["confirmed", "deleted", "changed", "blacklisted"])
def test_nothing_is_sent_where_nothing_is_to_be_confirmed_any_more(mailbox, subscribe, run_jobs, client, what):
    contact_id = subscribe()
    match what:
        case "confirmed":
            client.post(Event.objects.get().params["confirmationLink"])
        case "deleted":
            delete_contacts([contact_id], by="user:1")
        case "changed":
            resolve([{"id": contact_id, "email": "new@example.com"}], SHEET, by="user:1")
        case "blacklisted":
            suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:1")

    run_jobs()

    assert mailbox.mails == []
    assert statuses() == ["succeeded"]


@pytest.mark.parametrize(
    "before",
    [
        lambda: resolve([{"email": OLENA}], SHEET, by="user:1"),
        lambda: suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:1"),
    ],
)
def test_whoever_is_confirmed_or_blacklisted_gets_no_mail(mailbox, subscribe, run_jobs, before):
    before()

    subscribe()
    run_jobs()

    assert mailbox.mails == []


def test_a_mailer_of_ones_own_does_it_alone_where_ours_is_switched_off(mailbox, subscribe, run_jobs, settings):
    settings.CONFIRMATION_MAIL = False

    subscribe()
    run_jobs()

    assert mailbox.mails == []
    assert "confirmationLink" in Event.objects.get().params


def test_a_call_that_is_refused_sends_nothing(mailbox, call_api, run_jobs):
    body = {"contact": {"channels": [{"type": "email", "value": OLENA}]}, "groups": ["Anonymous"]}

    assert call_api("post", SUBSCRIBE, body).status_code == 400
    run_jobs()

    assert mailbox.mails == []


@pytest.mark.parametrize("language", ["uk", "en", "xx", "../../etc"])
def test_a_language_that_we_do_not_speak_is_no_hindrance(mailbox, subscribe, run_jobs, language):
    subscribe(languageCode=language)
    run_jobs()

    assert len(mailbox.mails) == 1


def test_a_mail_server_that_is_away_is_asked_again_later(mailbox, subscribe, run_jobs):
    mailbox.is_closed = True
    subscribe()
    run_jobs()
    assert statuses() == ["todo"]

    mailbox.is_closed = False
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_jobs()

    assert len(mailbox.mails) == 1


def statuses() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs WHERE queue_name = 'mail'")
        return [row[0] for row in cursor.fetchall()]
