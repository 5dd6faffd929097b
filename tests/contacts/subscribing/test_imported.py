"""Who came with a file is asked to confirm: each once, so many a minute, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from contacts.identity import (
    confirm_email,
    delete_contacts,
    erase_contacts,
    merge_contacts,
    resolve_one,
    suppress_addresses,
)
from contacts.identity.types import API, SHEET, SUBSCRIBE
from contacts.imports import flow
from contacts.imports.plan import Options
from contacts.models import ChannelState, Confirmation, Contact, Import, ImportStatus
from contacts.subscribing.jobs import send_confirmations
from contacts.subscribing.sending import forget_old_confirmations, send_waiting
from crm.claims import claiming, may_claim
from crm.errors import Refused
from tests.contacts.imports.flowing import map_columns, upload
from tests.contacts.subscribing.mailbox import Mailbox, link_in, part_of

pytestmark = pytest.mark.django_db(transaction=True)

OLENA, BOHDAN, TARAS = "olena@example.com", "bohdan@example.com", "taras@example.com"
ASKING = Options(key="email", confirm_emails=True)


@pytest.fixture(autouse=True)
def site(settings: Any, tmp_path: Any) -> None:
    settings.PUBLIC_URL = "https://crm.example.com"
    settings.IMPORTS_DIR = tmp_path


@pytest.fixture
def run_import(run_jobs: Any, settings: Any) -> Callable[[], None]:
    """Works the queue off, but for the mails, which the clock may bring in at any moment."""

    def run() -> None:
        settings.CONFIRMATION_MAIL = False
        run_jobs()
        settings.CONFIRMATION_MAIL = True

    return run


def prepare(*emails: str, options: Options = ASKING) -> Import:
    return flow.start(map_columns(upload("email", *emails), options))


def state_of(email: str) -> int | None:
    return Contact.objects.get(email=email).email_state


def statuses() -> list[str]:
    return list(Confirmation.objects.order_by("pk").values_list("status", flat=True))


def make_due() -> None:
    """As if the pause after a refusal, and the minute of the limit, were over."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    Confirmation.objects.update(next_try_at=long_ago)
    Confirmation.objects.exclude(tried_at=None).update(tried_at=long_ago)


def test_whoever_came_with_a_file_confirms_by_the_link_in_a_mail(
    mailbox: Mailbox, run_import: Any, run_jobs: Any, client: Any
) -> None:
    prepare(OLENA, BOHDAN)
    run_import()
    assert {state_of(OLENA), state_of(BOHDAN)} == {ChannelState.UNCONFIRMED}
    assert mailbox.mails == []

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")
    send_confirmations.defer(timestamp=0)  # as the clock does every minute
    run_jobs()

    assert len(mailbox.mails) == 2
    mail = next(mail for mail in mailbox.mails if mail["To"] == OLENA)
    assert link_in(part_of(mail, "plain")) == link_in(part_of(mail, "html"))
    assert mail["List-Unsubscribe"].strip().startswith("<https://crm.example.com/unsubscribe/")
    assert client.get(link_in(part_of(mail, "plain"))).status_code == 200
    assert client.post(link_in(part_of(mail, "plain"))).status_code == 200
    assert state_of(OLENA) == ChannelState.ACTIVE
    assert state_of(BOHDAN) == ChannelState.UNCONFIRMED


def test_only_those_are_asked_whose_own_address_waits_to_be_confirmed(mailbox: Mailbox, run_import: Any) -> None:
    resolve_one({"email": OLENA}, API, by="key:1")
    resolve_one({"email": BOHDAN}, API, by="key:1")
    suppress_addresses([BOHDAN], ChannelState.UNSUBSCRIBED, by="user:1")
    suppress_addresses(["nina@example.com"], ChannelState.BLACKLISTED, by="user:1")
    resolve_one({"email": TARAS, "phone": "0501112233"}, SUBSCRIBE, by="key:1")
    options = replace(ASKING, key="phone")

    run = upload("email,phone", f"{OLENA},0671112233", f"{BOHDAN},0681112233", "nina@example.com,0691112233")
    flow.start(map_columns(run, replace(ASKING, key="email")))
    flow.start(
        map_columns(upload("phone,town", "0501112233,Lviv", name="phones.csv"), replace(options, confirm_emails=False))
    )
    run_import()

    assert send_waiting() == 0
    assert statuses() == []

    prepare(TARAS)  # who subscribed and did not confirm yet is asked by the file that names the address
    run_import()
    assert send_waiting() == 1


def test_a_row_that_names_another_address_mails_nobody(mailbox: Mailbox, run_import: Any) -> None:
    resolve_one({"external_id": "C-1", "email": OLENA}, SUBSCRIBE, by="key:1")
    options = Options(key="external_id", confirm_emails=True, fill_blanks_only=True)

    flow.start(map_columns(upload("external_id,email", f"C-1,{BOHDAN}"), options))
    run_import()

    assert statuses() == []


def test_without_the_option_nothing_is_different(mailbox: Mailbox, run_import: Any) -> None:
    prepare(OLENA, options=Options(key="email"))
    run_import()

    assert send_waiting() == 0
    assert state_of(OLENA) == ChannelState.ACTIVE


def test_no_more_than_the_limit_leave_in_a_minute(mailbox: Mailbox, run_import: Any, settings: Any) -> None:
    settings.CONFIRMATIONS_A_MINUTE = 2
    prepare(OLENA, BOHDAN, TARAS)
    run_import()

    assert [send_waiting(), send_waiting()] == [2, 0]
    make_due()
    assert [send_waiting(), send_waiting()] == [1, 0]
    assert sorted(str(mail["To"]) for mail in mailbox.mails) == [BOHDAN, OLENA, TARAS]


def test_nobody_is_asked_twice_by_the_same_file_or_the_next(mailbox: Mailbox, run_import: Any) -> None:
    prepare(OLENA, OLENA.upper())
    run_import()
    send_waiting()
    prepare(OLENA)
    run_import()
    send_waiting()

    assert len(mailbox.mails) == 1

    Confirmation.objects.update(asked_at=datetime.now(UTC) - timedelta(days=15))
    prepare(OLENA)
    run_import()
    assert send_waiting() == 1  # the first link is good no more


def test_mails_leave_only_once_the_import_is_finished(mailbox: Mailbox, run_import: Any) -> None:
    run = prepare(OLENA)
    run_import()
    for status in (ImportStatus.RUNNING, ImportStatus.PAUSED, ImportStatus.FAILED, ImportStatus.CANCELLED):
        Import.objects.filter(pk=run.pk).update(status=status)
        assert send_waiting() == 0

    Import.objects.filter(pk=run.pk).update(status=ImportStatus.FINISHED)
    assert send_waiting() == 1


def test_a_cancelled_import_asks_nobody(mailbox: Mailbox, run_import: Any) -> None:
    run = prepare(OLENA, BOHDAN)
    run_import()
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.PAUSED)

    flow.cancel(run)

    assert send_waiting() == 0
    assert statuses() == ["stopped", "stopped"]


def test_mails_of_a_finished_import_can_be_stopped_on_the_way(mailbox: Mailbox, run_import: Any, settings: Any) -> None:
    settings.CONFIRMATIONS_A_MINUTE = 1
    run = prepare(OLENA, BOHDAN)
    run_import()
    send_waiting()

    flow.stop_mails(run)
    make_due()

    assert send_waiting() == 0
    assert statuses() == ["sent", "stopped"]


def test_an_import_that_is_taken_back_asks_nobody_any_more(mailbox: Mailbox, run_import: Any) -> None:
    run = prepare(OLENA)
    run_import()

    flow.start_undo(run, by="user:1")
    assert statuses() == ["stopped"]
    run_import()

    assert send_waiting() == 0
    assert not Contact.objects.filter(email=OLENA).exists()


@pytest.mark.parametrize("what", ["confirmed", "deleted", "erased", "changed", "unsubscribed"])
def test_nobody_is_asked_where_nothing_is_to_be_confirmed_any_more(
    mailbox: Mailbox, run_import: Any, what: str
) -> None:
    prepare(OLENA)
    run_import()
    contact_id = Contact.objects.get().pk
    match what:
        case "confirmed":
            confirm_email(contact_id, OLENA, by="user:1")
        case "deleted":
            delete_contacts([contact_id], by="user:1")
        case "erased":
            erase_contacts([contact_id], by="user:1")
        case "changed":
            resolve_one({"id": contact_id, "email": BOHDAN}, SHEET, by="user:1")
        case "unsubscribed":
            suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by="user:1")

    assert send_waiting() == 0

    assert mailbox.mails == []
    assert statuses() == ([] if what == "erased" else ["not_needed"])


def test_a_merged_contact_is_asked_where_it_is_now(mailbox: Mailbox, run_import: Any, client: Any) -> None:
    survivor = resolve_one({"external_id": "C-1"}, API, by="key:1").contact_id or 0
    prepare(OLENA)
    run_import()
    merge_contacts(survivor, Contact.objects.get(email=OLENA).pk, by="user:1")

    assert send_waiting() == 1

    assert client.post(link_in(part_of(mailbox.mails[0], "plain"))).status_code == 200
    assert Contact.objects.get(pk=survivor).email_state == ChannelState.ACTIVE


def test_a_mail_server_that_is_away_is_asked_again_later(mailbox: Mailbox, run_import: Any, settings: Any) -> None:
    prepare(OLENA, BOHDAN)
    run_import()
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    assert send_waiting() == 0
    assert statuses() == ["waiting", "waiting"]

    settings.EMAIL_PORT = port
    assert send_waiting() == 1  # the other one waits for its next try
    make_due()
    assert send_waiting() == 1
    assert len(mailbox.mails) == 2


def test_what_the_server_refuses_for_now_is_tried_again_and_what_it_refuses_is_not(
    mailbox: Mailbox, run_import: Any
) -> None:
    prepare(OLENA, BOHDAN, TARAS)
    run_import()
    mailbox.answers = ["451 Later.", "550 No such mailbox."]

    assert send_waiting() == 1
    assert statuses() == ["waiting", "failed", "sent"]
    make_due()
    assert send_waiting() == 1
    assert statuses() == ["sent", "failed", "sent"]
    assert "550" in Confirmation.objects.get(status="failed").error


def test_what_is_refused_for_ever_is_given_up(mailbox: Mailbox, run_import: Any) -> None:
    prepare(OLENA)
    run_import()
    mailbox.is_closed = True
    for _ in range(9):
        send_waiting()
        make_due()

    one = Confirmation.objects.get()
    assert (one.status, one.attempts) == ("failed", 8)


def test_what_a_killed_worker_had_in_hand_is_not_sent_again(mailbox: Mailbox, run_import: Any) -> None:
    """It may have left: of sending twice and not at all, the latter is the lesser evil."""
    prepare(OLENA, BOHDAN)
    run_import()
    first = Confirmation.objects.order_by("pk").first()
    Confirmation.objects.filter(pk=first and first.pk).update(status="sending")

    assert send_waiting() == 1
    assert statuses() == ["failed", "sent"]


def test_two_workers_do_not_send_at_once(mailbox: Mailbox, run_import: Any) -> None:
    prepare(OLENA)
    run_import()

    with claiming() as other:
        assert may_claim(other, "confirmations")
        assert send_waiting() == 0
    assert send_waiting() == 1


@pytest.mark.parametrize(("setting", "value"), [("PUBLIC_URL", ""), ("CONFIRMATION_MAIL", False)])
def test_the_option_says_what_it_needs(settings: Any, setting: str, value: Any) -> None:
    setattr(settings, setting, value)

    with pytest.raises(Refused) as refused:
        map_columns(upload("email", OLENA), ASKING)

    assert [error.path for error in refused.value.errors] == ["options.confirm_emails"]


def test_the_option_needs_a_column_of_emails() -> None:
    with pytest.raises(Refused) as refused:
        map_columns(upload("external_id", "C-1"), Options(confirm_emails=True))

    assert "options.confirm_emails" in [error.path for error in refused.value.errors]


def test_people_see_how_many_were_sent_and_stop_the_rest(
    mailbox: Mailbox, run_import: Any, admin_client: Any, settings: Any
) -> None:
    settings.CONFIRMATIONS_A_MINUTE = 1
    run = map_columns(upload("email", OLENA, BOHDAN), ASKING)
    assert 'name="confirm_emails"' in admin_client.get(f"/admin/contacts/import/{run.pk}/map/").content.decode()
    flow.start(run)
    run_import()
    send_waiting()
    page = f"/admin/contacts/import/{run.pk}/change/"

    assert "1 sent, 1 waiting" in admin_client.get(page).content.decode()
    admin_client.post(f"/admin/contacts/import/{run.pk}/do/stop_mails/")

    shown = admin_client.get(page).content.decode()
    assert "1 sent, 1 stopped" in shown
    assert "Stop the mails that wait" not in shown


def test_mails_of_long_ago_are_forgotten(mailbox: Mailbox, run_import: Any) -> None:
    prepare(OLENA, BOHDAN)
    run_import()
    send_waiting()
    Confirmation.objects.filter(pk=Confirmation.objects.order_by("pk").values("pk")[:1]).update(
        asked_at=datetime.now(UTC) - timedelta(days=91)
    )

    assert forget_old_confirmations() == 1
    assert Confirmation.objects.count() == 1
