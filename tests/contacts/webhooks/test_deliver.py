"""What a target is told of, in which order, and what becomes of what it does not take."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from contacts import identity
from contacts.identity.types import API, IMPORT
from contacts.models import Contact, Webhook, WebhookDeadLetter, WebhookDelivery
from contacts.webhooks import (
    change_secret,
    count_waiting,
    deliver,
    replay_dead_letters,
    save_webhook,
    secret_of,
    send_test,
    skip_waiting,
)
from contacts.webhooks.deliver import BATCH
from contacts.webhooks.schedule import MOST_ATTEMPTS
from tests.people import BOHDAN, OLENA, change, deleted, erased, have, merged

pytestmark = pytest.mark.django_db


def restored(name):
    return lambda stage: identity.restore_contacts([stage.ids[name]], by="user:1", at=stage.tick())


def unmerged(name):
    return lambda stage: identity.undo_merge(stage.merges[name], by="user:1", at=stage.tick())


def make_many(count):
    records = [{"external_id": f"A-{number}", "first_name": "Olena"} for number in range(count)]
    return [outcome.contact_id for outcome in identity.resolve(records, IMPORT, by="import:1")]


def test_every_kind_of_change_is_told_once_and_in_order(shop, listen, play, bring):
    webhook = listen()

    ids = play(
        have("olena", {"external_id": "A-1", "email": OLENA}),
        have("bohdan", {"external_id": "B-1", "email": BOHDAN}),
        change("olena", {"first_name": "Olena"}),
        deleted("olena"),
        restored("olena"),
        merged("olena", "bohdan"),
    ).ids
    bring(webhook)
    bring(webhook)

    olena, bohdan = ids["olena"], ids["bohdan"]
    assert shop.told == [
        ("created", olena),
        ("created", bohdan),
        ("updated", olena),
        ("deleted", olena),
        ("restored", olena),
        ("merged", olena),
    ]
    assert shop.changes[-1]["merged_id"] == bohdan
    assert shop.changes[2]["changed"] == ["first_name"]
    assert shop.changes[2]["by"] == "user:1"
    assert "contact" not in shop.changes[2]
    assert len({change["id"] for change in shop.changes}) == 6


def test_an_undone_merge_restores_one_and_updates_the_other(shop, listen, play, bring):
    stage = play(have("olena", {"external_id": "A-1"}), have("bohdan", {"external_id": "B-1"}))
    webhook = listen()

    play(merged("olena", "bohdan"), unmerged("bohdan"))
    bring(webhook)

    told = dict(reversed(pair) for pair in shop.told[1:])
    assert told == {stage.ids["olena"]: "updated", stage.ids["bohdan"]: "restored"}


def test_the_chosen_columns_are_sent_as_they_are_now(shop, listen, play, bring):
    webhook = listen(columns=["external_id", "email", "email_state", "state", "created_at", "fields.tier"])

    play(
        have("olena", {"external_id": "A-1", "email": OLENA, "first_name": "Olena"}), change("olena", {"email": BOHDAN})
    )
    bring(webhook)

    [created, updated] = shop.changes
    assert created["contact"] == updated["contact"]
    assert updated["changed"] == ["email"]
    assert created["contact"]["created_at"].endswith("Z")
    assert {
        key: created["contact"][key] for key in ("external_id", "email", "email_state", "state", "fields.tier")
    } == {
        "external_id": "A-1",
        "email": BOHDAN,
        "email_state": "active",
        "state": "active",
        "fields.tier": None,
    }


def test_a_change_of_other_columns_and_other_kinds_are_not_told(shop, listen, play, bring):
    webhook = listen(columns=["email"], kinds=["updated"])

    stage = play(
        have("olena", {"external_id": "A-1", "email": OLENA}),
        change("olena", {"town": "Lviv"}),
        change("olena", {"email": BOHDAN}),
        deleted("olena"),
    )
    bring(webhook)

    assert shop.told == [("updated", stage.ids["olena"])]
    assert count_waiting(webhook) == 0


def test_nothing_from_before_the_target_was_made_is_told(shop, listen, play, bring):
    play(have("olena", {"external_id": "A-1"}))

    bring(listen())

    assert shop.requests == []


def test_a_target_that_is_switched_off_goes_on_where_it_stood(shop, listen, play, bring):
    webhook = listen()
    webhook.is_active = False
    save_webhook(webhook)
    stage = play(have("olena", {"external_id": "A-1"}))
    assert bring(webhook)
    assert shop.requests == []

    webhook.is_active = True
    save_webhook(webhook)
    bring(webhook)

    assert shop.told == [("created", stage.ids["olena"])]


def test_what_waits_can_be_skipped(shop, listen, play, bring):
    webhook = listen()
    play(have("olena", {"external_id": "A-1"}))
    assert count_waiting(webhook) == 1

    skip_waiting(webhook)
    bring(webhook)

    assert shop.requests == []


def test_many_changes_travel_in_batches(shop, listen, bring):
    webhook = listen(columns=["first_name"])
    ids = make_many(BATCH * 2 + 5)

    bring(webhook)

    assert [len(body["changes"]) for body in shop.received] == [BATCH, BATCH, 5]
    assert shop.told == [("created", contact_id) for contact_id in ids]


def test_a_request_is_never_larger_than_a_megabyte(shop, listen, bring, play):
    webhook = listen(columns=["fields.tier"])
    texts = [{"external_id": f"A-{number}"} for number in range(12)]
    ids = [outcome.contact_id for outcome in identity.resolve(texts, API, by="key:1")]
    Contact.objects.filter(pk__in=ids).update(attributes={"tier": "ї" * 100_000})

    bring(webhook)

    assert [len(body["changes"]) for body in shop.received] == [4, 4, 4]
    assert all(len(body) < 1_000_100 for _, body in shop.requests)


def test_a_request_is_signed_with_moment_and_secret(shop, listen, play, bring):
    webhook = listen()
    play(have("olena", {"external_id": "A-1"}))

    bring(webhook)

    [(headers, body)] = shop.requests
    moment, signature = (part.split("=")[1] for part in headers["Cardfile-Signature"].split(","))
    expected = hmac.new(secret_of(webhook.salt).encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert abs(int(moment) - datetime.now(UTC).timestamp()) < 60
    assert shop.received[0]["delivery"] == headers["Cardfile-Delivery"]


def test_after_a_new_secret_both_sign_for_a_day(shop, listen, bring):
    webhook = listen()
    old = secret_of(webhook.salt)

    new = change_secret(webhook)
    send_test(webhook)
    Webhook.objects.update(salted_at=datetime.now(UTC) - timedelta(days=1, minutes=1))
    webhook.refresh_from_db()
    send_test(webhook)

    assert new != old
    assert [headers["Cardfile-Signature"].count("v1=") for headers, _ in shop.requests] == [2, 1]


def test_a_test_says_so_and_moves_nothing(shop, listen, play, bring):
    webhook = listen(columns=["email"], is_active=False)

    answer = send_test(webhook)

    assert answer.is_success
    [body] = shop.received
    assert body["test"] is True
    assert body["changes"][0]["kind"] == "test"
    webhook.refresh_from_db()
    assert webhook.positions == {}


def test_a_failure_is_retried_later_and_order_is_kept(shop, listen, play, bring):
    webhook = listen()
    shop.answers = [500, 503, 200]
    stage = play(have("olena", {"external_id": "A-1"}))

    for failures, seconds in ((1, 10), (2, 30)):
        bring(webhook)
        play(have(f"bohdan-{failures}", {"external_id": f"B-{failures}"}))
        assert webhook.failures == failures
        assert webhook.next_try_at - datetime.now(UTC) > timedelta(seconds=seconds - 5)
        assert deliver(webhook.pk) is None
    bring(webhook)

    assert [contact_id for _, contact_id in shop.told] == list(stage.ids.values())
    assert (webhook.failures, webhook.last_error, webhook.next_try_at) == (0, "", None)
    assert len(shop.requests) == 3


def test_a_server_that_asks_for_patience_gets_it(shop, listen, play, bring):
    webhook = listen()
    shop.answers, shop.headers = [429], {"Retry-After": "600"}
    play(have("olena", {"external_id": "A-1"}))

    bring(webhook)

    assert webhook.next_try_at - datetime.now(UTC) > timedelta(seconds=590)


def test_a_redirect_is_not_followed(shop, listen, play, bring):
    webhook = listen()
    shop.answers, shop.headers = [307], {"Location": shop.url + "/elsewhere"}
    play(have("olena", {"external_id": "A-1"}))

    bring(webhook)

    assert len(shop.requests) == 1
    assert "leads elsewhere" in webhook.last_error


def test_after_a_day_a_batch_is_put_aside_and_the_next_one_goes(shop, listen, play, bring):
    webhook = listen()
    shop.answers = [500]
    stage = play(have("olena", {"external_id": "A-1"}))
    for _attempt in range(MOST_ATTEMPTS):
        bring(webhook)
    play(have("bohdan", {"external_id": "B-1"}))
    shop.answers = [200]

    bring(webhook)

    [letter] = WebhookDeadLetter.objects.all()
    assert (letter.contact_id, letter.kind, letter.attempts) == (stage.ids["olena"], "created", MOST_ATTEMPTS)
    assert "500" in letter.error
    assert shop.told == [("created", stage.ids["bohdan"])]


def test_what_was_put_aside_is_sent_again_when_asked_for_with_todays_values(shop, listen, play, bring):
    webhook = listen(columns=["first_name"])
    shop.answers = [500]
    stage = play(have("olena", {"external_id": "A-1", "first_name": "Olena"}))
    for _attempt in range(MOST_ATTEMPTS):
        bring(webhook)
    play(change("olena", {"first_name": "Olenka"}))
    letters = list(WebhookDeadLetter.objects.values_list("pk", flat=True))

    replay_dead_letters(letters)
    bring(webhook)
    assert WebhookDeadLetter.objects.get().replay_at is None
    shop.answers = [200]
    replay_dead_letters(letters)
    bring(webhook)

    assert not WebhookDeadLetter.objects.exists()
    assert shop.told == [("created", stage.ids["olena"]), ("updated", stage.ids["olena"])]
    assert shop.changes[0]["contact"] == {"first_name": "Olenka"}


def test_a_batch_that_is_refused_is_halved_down_to_the_change_that_fails_alone(shop, listen, bring):
    webhook = listen()
    ids = make_many(20)
    shop.poison = ids[7]

    for _attempt in range(40):
        bring(webhook)

    assert [letter.contact_id for letter in WebhookDeadLetter.objects.all()] == [ids[7]]
    assert [contact_id for _, contact_id in shop.told] == ids[:7] + ids[8:]


def test_an_erased_contact_is_told_and_nothing_of_it_is_left_to_be_sent(shop, listen, play, bring):
    webhook = listen(columns=["email"])
    shop.answers = [500]
    stage = play(have("olena", {"external_id": "A-1", "email": OLENA}))
    for _attempt in range(MOST_ATTEMPTS):
        bring(webhook)
    play(change("olena", {"email": BOHDAN}), have("bohdan", {"external_id": "B-1"}))
    assert WebhookDeadLetter.objects.count() == 1
    shop.answers = [200]

    play(erased("olena"))
    bring(webhook)

    assert not WebhookDeadLetter.objects.exists()
    assert shop.told == [("created", stage.ids["bohdan"]), ("erased", stage.ids["olena"])]
    assert shop.changes[1]["contact"] is None


def test_one_delivers_at_a_time_and_a_dead_claim_ends(shop, listen, play):
    webhook = listen()
    play(have("olena", {"external_id": "A-1"}))

    Webhook.objects.update(claimed_until=datetime.now(UTC) + timedelta(seconds=30))
    assert deliver(webhook.pk) is None
    assert shop.requests == []
    Webhook.objects.update(claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    deliver(webhook.pk)

    assert len(shop.received) == 1


def test_the_last_hundred_deliveries_are_kept(shop, listen):
    webhook = listen()

    for _ in range(125):
        send_test(webhook)

    assert 100 <= WebhookDelivery.objects.count() <= 120


def test_no_value_of_a_contact_is_stored_for_delivery(shop, listen, play, bring):
    webhook = listen(columns=["email"])
    shop.answers = [500]
    play(have("olena", {"external_id": "A-1", "email": OLENA}))
    for _attempt in range(MOST_ATTEMPTS):
        bring(webhook)

    for model in (Webhook, WebhookDelivery, WebhookDeadLetter):
        assert OLENA not in str(list(model.objects.values()))
