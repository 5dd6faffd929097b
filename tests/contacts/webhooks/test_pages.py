"""The pages of webhooks: making a target, testing it, looking at what failed, sending it again."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.models import Webhook, WebhookDeadLetter
from contacts.webhooks import secret_of
from tests.people import have

LIST = reverse("admin:contacts_webhook_changelist")
ADD = reverse("admin:contacts_webhook_add")
LETTERS = reverse("admin:contacts_webhookdeadletter_changelist")

pytestmark = pytest.mark.django_db


def written(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Shop",
        "url": "https://1.1.1.1/hook",
        "kinds": ["created", "updated"],
        "columns": ["email"],
        "is_active": "on",
        **changed,
    }


def page_of(webhook: Webhook) -> str:
    return reverse("admin:contacts_webhook_change", args=[webhook.pk])


def press(client: Client, webhook: Webhook, verb: str) -> Any:
    return client.post(reverse("admin:contacts_webhook_do", args=[webhook.pk, verb]), follow=True)


def messages_of(answer: Any) -> str:
    return " ".join(map(str, answer.context["messages"]))


def put_aside(webhook: Webhook, contact_id: int, number: int = 1) -> WebhookDeadLetter:
    return WebhookDeadLetter.objects.create(
        webhook=webhook,
        source="contacts",
        number=number,
        contact_id=contact_id,
        kind="created",
        at="2026-11-01T10:00Z",
        failed_at="2026-11-02T10:00Z",
        attempts=18,
        error="The server answered 500. Look into its log.",
    )


def test_a_new_target_shows_its_secret_once(admin_client):
    answer = admin_client.post(ADD, written(), follow=True)

    webhook = Webhook.objects.get()
    assert answer.redirect_chain[-1][0] == page_of(webhook)
    assert secret_of(webhook.salt) in messages_of(answer)
    assert (webhook.kinds, webhook.columns, webhook.is_active) == (["created", "updated"], ["email"], True)
    again = admin_client.get(page_of(webhook)).content.decode()
    assert secret_of(webhook.salt) not in again


REFUSED = [
    ({"url": "https://127.0.0.1/"}, "url", "private network"),
    ({"url": "shop"}, "url", "no address"),
    ({"url": ""}, "url", "required"),
    ({"kinds": []}, "kinds", "required"),
    ({"columns": ["shoe_size"]}, "columns", "not one of the available"),
]


@pytest.mark.parametrize(("changed", "field", "says"), REFUSED)
def test_what_is_wrong_is_said_beside_its_field(admin_client, changed, field, says):
    answer = admin_client.post(ADD, written(**changed))

    assert says in str(answer.context["adminform"].form.errors[field])
    assert not Webhook.objects.exists()


def test_saving_again_keeps_where_it_stands(admin_client, listen, play, bring):
    webhook = listen()
    play(have("olena", {"external_id": "A-1"}))
    bring(webhook)

    admin_client.post(page_of(webhook), written(name="Warehouse"))

    kept = Webhook.objects.get()
    assert (kept.name, kept.positions, kept.salt) == ("Warehouse", webhook.positions, webhook.salt)


def test_the_list_names_hosts_states_and_errors(admin_client, listen, play, bring, shop):
    failing = listen(name="Failing")
    listen(name="Off", is_active=False)
    shop.answers = [500]
    play(have("olena", {"external_id": "A-1"}))
    bring(failing)
    put_aside(failing, 7)

    text = admin_client.get(LIST).content.decode()

    assert shop.url.split("/")[2] in text
    assert "/hook" not in text
    assert "Failing" in text
    assert "The server answered 500" in text
    assert f"{LETTERS}?webhook__id__exact={failing.pk}" in text


def test_the_buttons_test_try_skip_and_make_a_secret(admin_client, listen, play, bring, shop):
    webhook = listen()
    assert "The test arrived" in messages_of(press(admin_client, webhook, "test"))
    shop.answers = [404]
    assert "Check the path" in messages_of(press(admin_client, webhook, "test"))
    play(have("olena", {"external_id": "A-1"}))
    bring(webhook)

    press(admin_client, webhook, "try")
    webhook.refresh_from_db()
    assert webhook.next_try_at is None
    assert "at most 1" in admin_client.get(page_of(webhook)).content.decode()
    answer = press(admin_client, webhook, "skip")
    assert "at most" not in answer.content.decode()
    before = webhook.salt
    answer = press(admin_client, webhook, "secret")
    webhook.refresh_from_db()
    assert webhook.salt != before
    assert secret_of(webhook.salt) in messages_of(answer)


def test_what_was_put_aside_is_sent_again_or_forgotten(admin_client, listen):
    webhook = listen()
    again, never = put_aside(webhook, 7, 1), put_aside(webhook, 8, 2)

    answer = admin_client.post(LETTERS, {"action": "replay", "_selected_action": [again.pk]}, follow=True)
    assert "1 change is sent again." in messages_of(answer)
    admin_client.post(LETTERS, {"action": "discard", "_selected_action": [never.pk]})

    [left] = WebhookDeadLetter.objects.all()
    assert left.pk == again.pk
    assert left.replay_at is not None


def clerk_with(*codenames: str) -> Client:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(clerk)
    return client


def test_who_may_only_look_presses_no_button(listen):
    webhook = listen()
    put_aside(webhook, 7)
    clerk = clerk_with("view_webhook", "view_webhookdeadletter")

    page = clerk.get(page_of(webhook))

    assert page.status_code == clerk.get(LETTERS).status_code == 200
    assert "/do/" not in page.content.decode()
    for verb in ("test", "try", "skip", "secret"):
        assert press(clerk, webhook, verb).status_code == 403
    clerk.post(LETTERS, {"action": "discard", "_selected_action": [1]})
    assert WebhookDeadLetter.objects.exists()
    assert clerk_without_rights().get(LIST).status_code == 403


def clerk_without_rights() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    return client


@pytest.mark.parametrize("verb", ["test", "skip", "explode"])
def test_a_link_presses_no_button(admin_client, listen, verb):
    webhook = listen()

    assert admin_client.get(reverse("admin:contacts_webhook_do", args=[webhook.pk, verb])).status_code == 403


@pytest.mark.parametrize("place", ["0", "999", "nobody"])
def test_a_target_that_is_not_there_is_said_to_be_gone(admin_client, place):
    assert admin_client.get(f"{LIST}{place}/change/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_person_makes_a_target_and_tests_it(admin_page, shop):
    page = admin_page
    page.goto(ADD)
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Address").fill("https://10.0.0.1/hook")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("lies within a private network").wait_for()

    page.get_by_label("Address").fill(shop.url)
    page.get_by_label("Erased").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Copy the secret now").wait_for()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("The test arrived").wait_for()
    page.get_by_role("cell", name="Delivered").wait_for()

    assert shop.received[0]["test"] is True
    assert "erased" not in Webhook.objects.get().kinds
