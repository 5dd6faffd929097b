"""The pages of apps: registering one, its keys, how to connect it, and the devices that were seen last."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.identity import erase_contacts, merge_contacts
from contacts.mobile.seen import DEVICES_KEPT, forget_what_was_noted, note_seen_device
from contacts.models import App, AppKey, SeenApp, SeenDevice
from crm.models import AuditEntry
from crm.roles import set_role
from tests.contacts.tracking.apps import ANDROID, DEVICE, call_app, make_app, owner_of
from tests.people import have

pytestmark = pytest.mark.django_db

LIST = reverse("admin:contacts_app_changelist")
ADD = reverse("admin:contacts_app_add")


@pytest.fixture(autouse=True)
def _nothing_noted():
    forget_what_was_noted()


@pytest.fixture
def shop(db) -> App:
    return App.objects.create(name="Shop", app_id="com.example.shop")


def page_of(app: App) -> str:
    return reverse("admin:contacts_app_change", args=[app.pk])


def make_key(client: Client, app: App, name: str = "Android 3.2") -> str:
    """The key as the page shows it, once."""
    answer = client.post(reverse("admin:contacts_app_key", args=[app.pk]), {"name": name}, follow=True)
    found = re.search(r"ca_[0-9a-f]{8}_[\w-]{43}", said(answer)[-1])
    assert found
    return found[0]


def press(client: Client, app: App, key: AppKey, verb: str) -> Any:
    return client.post(reverse("admin:contacts_app_key_do", args=[app.pk, key.pk, verb]), follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_an_app_is_registered_and_keeps_its_id(admin_client):
    answer = admin_client.post(ADD, {"name": "Shop", "app_id": "com.example.shop"})

    app = App.objects.get()
    assert answer.url == page_of(app)
    admin_client.post(page_of(app), {"name": "The shop", "app_id": "other"})
    app.refresh_from_db()
    assert (app.name, app.app_id) == ("The shop", "com.example.shop")


@pytest.mark.parametrize("app_id", ["", "with space", "x" * 101, "com.example.shop"])
def test_an_app_id_is_one_word_that_no_other_app_has(admin_client, shop, app_id):
    answer = admin_client.post(ADD, {"name": "Another", "app_id": app_id})

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["app_id"]
    assert App.objects.count() == 1


def test_a_key_is_shown_once_and_opens_the_door(admin_client, shop):
    key = make_key(admin_client, shop)

    assert key.startswith("ca_")
    assert call_app(key)("device", ANDROID).status_code == 200
    page = admin_client.get(page_of(shop)).content.decode()
    assert AppKey.objects.get().prefix in page
    assert key not in page
    assert key.encode() not in bytes(AppKey.objects.get().digest)
    assert AppKey.objects.get().last_used_at is not None


def test_several_keys_are_valid_at_once_and_each_can_be_disabled(admin_client, shop):
    old, new = make_key(admin_client, shop, "Android 3.1"), make_key(admin_client, shop)
    row = AppKey.objects.get(name="Android 3.1")
    assert {call_app(key)("device", ANDROID).status_code for key in (old, new)} == {200}

    press(admin_client, shop, row, "disable")

    assert [call_app(key)("device", ANDROID).status_code for key in (old, new)] == [401, 200]
    press(admin_client, shop, row, "enable")
    assert call_app(old)("device", ANDROID).status_code == 200


def test_who_made_and_disabled_a_key_stands_in_the_audit_log(admin_client, shop):
    make_key(admin_client, shop)
    key = AppKey.objects.get()
    press(admin_client, shop, key, "disable")
    press(admin_client, shop, key, "disable")

    entries = AuditEntry.objects.filter(about=f"contacts.appkey:{key.pk}").order_by("pk")
    assert [entry.action for entry in entries] == ["key_made", "key_disabled"]


def test_a_key_needs_a_name(admin_client, shop):
    answer = admin_client.post(reverse("admin:contacts_app_key", args=[shop.pk]), {"name": " "}, follow=True)

    assert said(answer) == ["Give the key a name of at most 100 characters, such as the build that has it."]
    assert not AppKey.objects.exists()


def test_a_marketer_sees_apps_and_makes_no_key(client, django_user_model, shop):
    user = django_user_model.objects.create_user("iryna", "iryna@example.com")
    set_role(user, "marketer")
    client.force_login(user)
    key = AppKey.objects.create(app=shop, name="Android", prefix="ca_00000000", digest=b"x")

    assert client.get(page_of(shop)).status_code == 200
    assert client.post(reverse("admin:contacts_app_key", args=[shop.pk]), {"name": "Mine"}).status_code == 403
    assert press(client, shop, key, "disable").status_code == 403
    assert AppKey.objects.get().disabled_at is None


def test_the_key_of_one_app_is_not_another_apps(admin_client, shop):
    other = App.objects.create(name="Courier", app_id="courier")
    key = AppKey.objects.create(app=other, name="Android", prefix="ca_00000000", digest=b"x")

    assert press(admin_client, shop, key, "disable").status_code == 404


def test_an_app_that_is_deleted_takes_its_keys_along_and_leaves_its_tokens(admin_client, shop):
    key = make_key(admin_client, shop)
    call_app(key)("device", ANDROID)

    admin_client.post(reverse("admin:contacts_app_delete", args=[shop.pk]), {"post": "yes"})

    assert not App.objects.exists()
    assert call_app(key)("device", ANDROID).status_code == 401
    assert owner_of(DEVICE) is not None


def test_how_to_connect_says_address_and_header_and_whether_a_device_called(admin_client, shop):
    address = reverse("admin:contacts_app_connect", args=[shop.pk])
    check = reverse("admin:contacts_app_connected", args=[shop.pk])

    page = admin_client.get(address).content.decode()
    assert "http://testserver/api/v1/device" in page
    assert "X-Reteno-Access-Key" in page
    assert "Waiting for the first device." in admin_client.get(check).content.decode()

    call_app(make_key(admin_client, shop))("device", ANDROID)

    told = admin_client.get(check).content.decode()
    assert "A device called" in told
    assert "It is a Pixel 8." in told


def test_devices_seen_last_are_shown_with_whose_they_are(admin_client, shop, play):
    stage = play(have("olena", {"external_id": "C-1", "first_name": "Olena"}))
    call_app(make_key(admin_client, shop))("device", ANDROID | {"externalUserId": "C-1"})

    [seen] = admin_client.get(page_of(shop)).context["devices"]

    assert seen.contact.pk == stage.ids["olena"]
    assert (seen.model, seen.system, seen.version, seen.is_active) == ("Pixel 8", "Android 14", "3.2.0", True)


def test_of_a_contact_that_was_merged_or_erased_nothing_old_is_shown(admin_client, shop, play):
    call = call_app(make_key(admin_client, shop))
    stage = play(have("olena", {"external_id": "C-1"}))
    call("device", ANDROID)
    anonymous = owner_of(DEVICE)
    merge_contacts(stage.ids["olena"], anonymous, by="user:1")

    [seen] = admin_client.get(page_of(shop)).context["devices"]
    assert (seen.contact.pk, seen.model) == (stage.ids["olena"], "Pixel 8")

    erase_contacts([stage.ids["olena"]], by="user:1")
    [seen] = admin_client.get(page_of(shop)).context["devices"]
    assert (seen.model, seen.system, seen.version) == ("", "", "")


def test_only_the_newest_devices_are_kept(shop):
    for number in range(1, DEVICES_KEPT + 6):
        forget_what_was_noted()
        note_seen_device(shop, number)

    assert SeenDevice.objects.count() == DEVICES_KEPT
    assert not SeenDevice.objects.filter(contact_id__lte=5).exists()


def test_a_busy_app_is_noted_now_and_then(shop):
    note_seen_device(shop, 1)
    note_seen_device(shop, 2)

    assert [row.contact_id for row in SeenDevice.objects.all()] == [1]


def test_an_app_id_that_servers_name_and_nobody_registered_is_listed(admin_client, call_api, shop):
    tokens = {"tokens": [{"token": "push-1", "externalCustomerId": "C-1"}]}
    for app in ("courier", "com.example.shop"):
        assert call_api("post", f"/api/v1/apps/{app}/tokens", tokens).status_code == 200

    answer = admin_client.get(LIST)

    assert [seen.app_id for seen in answer.context["unregistered"]] == ["courier"]
    assert f"{ADD}?app_id=courier" in answer.content.decode()
    assert 'value="courier"' in admin_client.get(f"{ADD}?app_id=courier").content.decode()
    admin_client.post(ADD, {"name": "Courier", "app_id": "courier"})
    assert admin_client.get(LIST).context["unregistered"] == []
    assert SeenApp.objects.count() == 1


def test_the_sheet_shows_a_device_readably(admin_client):
    call_app(make_app("shop"))("device", ANDROID | {"externalUserId": "C-1", "pushSubscribed": False})
    address = reverse("admin:contacts_contact_identifiers", args=[owner_of(DEVICE)])

    groups = admin_client.get(address).context["groups"]

    device, token = groups[1].rows
    assert (device.kind, device.value, dict(device.details)) == (
        "Device ID",
        DEVICE,
        {
            "Device": "Pixel 8",
            "Kind of device": "PHONE",
            "System": "Android 14",
            "Language": "uk",
            "Time zone": "Europe/Kyiv",
            "App version": "3.2.0",
            "Takes messages": "no",
            "App": "Shop (shop)",
        },
    )
    assert (token.kind, token.app, token.value) == ("Mobile push token", "Shop (shop)", "push-1")
    assert dict(token.details)["Device ID"] == DEVICE


def test_the_pages_of_apps_need_few_statements(admin_client, shop, django_assert_max_num_queries):
    call = call_app(make_key(admin_client, shop))
    for number in range(12):
        forget_what_was_noted()
        call("device", ANDROID | {"deviceId": f"device-{number}", "pushToken": f"push-{number}"})

    for address in (LIST, page_of(shop), reverse("admin:contacts_app_connect", args=[shop.pk])):
        with django_assert_max_num_queries(15):
            assert admin_client.get(address).status_code == 200
