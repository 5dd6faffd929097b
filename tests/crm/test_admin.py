"""The admin's frame: navigation, policy, users and keys."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.api.keys import create_api_key, find_api_key
from crm.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", ["index", "auth_user_changelist", "crm_role_changelist", "crm_apikey_changelist"])
def test_pages_open_for_an_administrator(admin_client, page):
    assert admin_client.get(reverse(f"admin:{page}")).status_code == 200


def test_the_queue_can_be_looked_at(admin_client):
    from crm.jobs import retry_stalled_jobs

    job = retry_stalled_jobs.defer(timestamp=0)

    assert admin_client.get(reverse("admin:procrastinate_procrastinatejob_changelist")).status_code == 200
    assert admin_client.get(reverse("admin:procrastinate_procrastinatejob_change", args=[job])).status_code == 200


def test_navigation_shows_what_the_user_may_see(admin_client, client, django_user_model):
    assert "API keys" in admin_client.get(reverse("admin:index")).content.decode()

    client.force_login(django_user_model.objects.create_user("ayşe", is_staff=True))
    assert "API keys" not in client.get(reverse("admin:index")).content.decode()


def test_a_new_key_is_shown_once_and_works(admin_client):
    answer = admin_client.post(
        reverse("admin:crm_apikey_add"),
        {"name": "Shop", "scope": "events", "expires_at_0": "", "expires_at_1": "", "calls_a_second": "7"},
        follow=True,
    )

    key = ApiKey.objects.get()
    [message] = [str(message) for message in answer.context["messages"] if "not shown again" in str(message)]
    assert find_api_key(message.split(": ")[1]) == key
    assert key.calls_a_second == 7
    change = admin_client.get(reverse("admin:crm_apikey_change", args=[key.pk])).content.decode()
    assert key.prefix in change
    assert message.split(": ")[1] not in change


def test_keys_are_disabled_and_enabled_at_once_not_deleted(admin_client):
    key, secret = create_api_key("Shop", scope="full")
    assert find_api_key(secret)

    admin_client.post(reverse("admin:crm_apikey_changelist"), {"action": "disable", "_selected_action": [key.pk]})
    assert find_api_key(secret) is None

    admin_client.post(reverse("admin:crm_apikey_changelist"), {"action": "enable", "_selected_action": [key.pk]})
    assert find_api_key(secret) == key
    assert admin_client.get(reverse("admin:crm_apikey_delete", args=[key.pk])).status_code == 403


def test_a_key_that_is_changed_is_changed_for_the_next_call(admin_client):
    key, secret = create_api_key("Shop", scope="full")
    assert find_api_key(secret)

    admin_client.post(
        reverse("admin:crm_apikey_change", args=[key.pk]),
        {"name": "Shop", "scope": "read", "expires_at_0": "", "expires_at_1": "", "calls_a_second": ""},
    )

    found = find_api_key(secret)
    assert found
    assert found.scope == "read"


CONDITIONS = {
    # condition: days since it was made, used, expires in, disabled (None: never)
    "valid": (100, 89, None, None),
    "forgotten": (100, 91, None, None),
    "expired": (100, 91, 0, None),
    "disabled": (100, 1, None, 1),
}


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("used", [True, False])
def test_a_key_shows_its_condition_and_is_found_by_it(admin_client, condition, used):
    made, last, expires, disabled = (
        None if days is None else timezone.now() - timedelta(days=days) for days in CONDITIONS[condition]
    )
    key, _ = create_api_key("Shop", scope="full", expires_at=expires)
    if not used:
        made, last = last, None
    ApiKey.objects.filter(pk=key.pk).update(created_at=made, last_used_at=last, disabled_at=disabled)

    pages = {name: admin_client.get(reverse("admin:crm_apikey_changelist"), {"condition": name}) for name in CONDITIONS}

    assert {name for name, page in pages.items() if key.prefix in page.content.decode()} == {condition}
    warned = [str(message) for message in pages[condition].context["messages"] if "90 days" in str(message)]
    assert warned == (
        ["This key has not been used for 90 days. Disable it if nobody needs it: Shop."]
        if condition == "forgotten"
        else []
    )
    assert ApiKey.objects.get().disabled_at == disabled


def test_only_the_admin_relaxes_the_security_policy(admin_client, client):
    assert "'unsafe-eval'" in admin_client.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "unsafe" not in client.get("/nowhere/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/api/v1/nowhere")["Content-Security-Policy"]


def test_a_person_signs_in_and_finds_the_pages(page, admin_user):
    page.goto("/admin/")
    page.get_by_label("Username").fill(admin_user.username)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="API keys").first.click()

    page.get_by_role("link", name="Add API key").first.wait_for()


def test_the_page_to_try_the_api_loads(admin_page):
    admin_page.goto("/api/docs/")

    admin_page.get_by_text("Cardfile API").first.wait_for()
