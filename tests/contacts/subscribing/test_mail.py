"""The mail with the link, caught by an SMTP server of our own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection

from contacts.identity import delete_contacts, resolve, suppress_addresses
from contacts.identity.types import SHEET
from contacts.models import Account, ChannelState, Contact, Event

pytestmark = pytest.mark.django_db(transaction=True)

SUBSCRIBE = "/api/v1/contact/subscribe"
OLENA = "olena@example.com"


class Mailbox:
    """Keeps whatever comes; refuses while it is closed."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.is_closed = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.is_closed:
            return "451 Come back later."
        self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """A mail server on a free port, and Cardfile set up to send through it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.DEFAULT_FROM_EMAIL = "crm@example.com"
    yield mailbox
    controller.stop()


@pytest.fixture
def subscribe(call_api):
    def subscribe(email: str = OLENA, **contact: Any) -> int:
        body = {"contact": {"channels": [{"type": "email", "value": email}], **contact}}
        answer = call_api("post", SUBSCRIBE, body)
        assert answer.status_code == 200, answer.content
        return answer.json()["id"]

    return subscribe


def part_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def link_in(text: str) -> str:
    [link] = set(re.findall(r"http://testserver(/confirm/[\w.-]+)", text))
    return link


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
    text, html = part_of(mail, "plain"), part_of(mail, "html")
    assert link_in(text) == link_in(html)
    assert "Tea & Co" in text
    assert "Tea &amp; Co" in html
    assert client.get(link_in(text)).status_code == 200
    assert client.post(link_in(text)).status_code == 200
    assert Contact.objects.get(pk=contact_id).email_state == ChannelState.ACTIVE


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
