"""Policy, junk list, retention, landing page: what would change is said before, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from contacts.identity import resolve
from contacts.identity.settings import forget_settings, read_policy
from contacts.identity.types import API, STANDARD
from contacts.models import Account, CustomField, JunkValue, Policy
from crm.models import AuditEntry
from tests.contacts.admin.test_settings import policy_form

pytestmark = pytest.mark.django_db

POLICY = "/admin/contacts/policy/"


@pytest.fixture(autouse=True)
def fresh_settings() -> Any:
    forget_settings()
    yield
    forget_settings()


def come(**record: Any) -> int:
    [outcome] = resolve([record], API, by="user:1")
    assert outcome.contact_id is not None, outcome
    return outcome.contact_id


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_a_look_says_what_would_change_and_saves_nothing(admin_client):
    olena = come(external_id="A" * 40)

    said = text_of(admin_client.post(POLICY, policy_form(_look="form")))

    assert "One contact has a longer external ID." in said
    assert f"/admin/contacts/contact/{olena}/change/" in said
    assert "Nothing was saved." in said
    assert read_policy() == STANDARD
    assert not Policy.objects.exists()


def test_a_look_at_a_preset_and_at_nothing(admin_client):
    come(external_id="A" * 60)

    assert "What would change under the Strict preset" in text_of(admin_client.post(POLICY, {"_look": "strict"}))
    assert "Nothing: this is what is in force." in text_of(admin_client.post(POLICY, {"_look": "standard"}))
    assert "In force: Standard." in text_of(admin_client.get(POLICY))


def test_what_was_saved_stands_in_the_audit_log_with_old_and_new(admin_client):
    Policy.objects.create()

    admin_client.post(POLICY, policy_form(external_id_max_length=30))

    assert read_policy().external_id_max_length == 30
    assert AuditEntry.objects.latest("pk").details["external_id_max_length →"] == [100, 30]
    assert "Standard, but for" in text_of(admin_client.get(POLICY))


def test_the_birthday_is_a_date(admin_client):
    born = CustomField.objects.create(key="born", label="Born", type="date")
    note = CustomField.objects.create(key="note", label="Note")

    admin_client.post(POLICY, policy_form(birthday_field=born.pk))
    assert Policy.objects.get().birthday_field == born
    answer = admin_client.post(POLICY, policy_form(birthday_field=note.pk))
    assert "birthday_field" in answer.context["form"].errors


def test_a_policy_that_could_not_work_is_refused(admin_client):
    assert (
        "external_id_max_length"
        in admin_client.post(POLICY, policy_form(external_id_max_length=0)).context["form"].errors
    )
    looked = admin_client.post(POLICY, policy_form(external_id_max_length="x", _look="form"))
    assert "external_id_max_length" in looked.context["form"].errors


def test_an_auditor_looks_and_changes_nothing(auditor):
    assert "See what Strict would change" in text_of(auditor.get(POLICY))
    assert text_of(auditor.post(POLICY, {"_look": "strict"}))

    for form in (policy_form(), {"contacts_policy_set_strict": "1"}):
        assert auditor.post(POLICY, form).status_code == 403
    assert auditor.post(reverse("admin:contacts_retention"), {"import_files_kept_days": 1}).status_code == 403
    assert auditor.post("/admin/contacts/account/", {"name": "Mine"}).status_code == 403
    assert not Policy.objects.exists()
    assert not Account.objects.filter(name="Mine").exists()


# Junk


def test_a_junk_value_that_somebody_has_is_asked_about(admin_client):
    olena = come(external_id="Shop-7")
    add, form = reverse("admin:contacts_junkvalue_add"), {"value": "shop-7"}

    asked = admin_client.post(add, form)
    said = text_of(asked)
    assert "1 identifier has it now." in said
    assert f"/admin/contacts/contact/{olena}/change/" in said
    assert not JunkValue.objects.exists()

    admin_client.post(add, {**form, "_touched": "1"})
    assert JunkValue.objects.get().value == "shop-7"


def test_a_pattern_is_searched_in_all_values(admin_client):
    come(external_id="tmp-1", email="olena@example.com")
    come(external_id="tmp-2")

    said = text_of(admin_client.post(reverse("admin:contacts_junkvalue_add"), {"value": "^tmp-", "is_pattern": "on"}))

    assert "2 identifiers have it now." in said


# Retention


def test_what_would_go_tonight_is_counted_when_asked(admin_client):
    page = reverse("admin:contacts_retention")
    assert "Count what would go tonight" in text_of(admin_client.get(page))
    form = {"anonymous_erased_after_days": "30", "events_kept_months": "12", "journal_kept_days": "90"}

    admin_client.post(page, {**form, "import_files_kept_days": "7", "visitors_erased_after_days": ""})

    policy = Policy.objects.get()
    assert (policy.journal_kept_days, policy.events_kept_months, policy.visitors_erased_after_days) == (90, 12, None)
    said = text_of(admin_client.get(page, {"count": "1"}))
    assert "This would go tonight:" in said
    assert "cannot be taken back any more" in said
    refused = admin_client.post(page, {**form, "journal_kept_days": "3", "import_files_kept_days": "0"})
    assert set(refused.context["form"].errors) == {"journal_kept_days", "import_files_kept_days"}


# The landing page


def test_every_group_says_how_it_stands(admin_client, django_assert_max_num_queries):
    CustomField.objects.create(key="card", label="Card", can_be_key=True)
    JunkValue.objects.create(value="shop")

    with django_assert_max_num_queries(15):
        said = text_of(admin_client.get(reverse("admin:contacts_settings")))

    for line in (
        "1 field, 1 is a key",
        "Standard",
        "1 value and 0 patterns of your own",
        "Kept: anonymous contacts for ever",
    ):
        assert line in said


def test_the_landing_page_shows_what_one_may_see(client, auditor):
    assert client.get(reverse("admin:contacts_settings")).status_code == 302
    nobody = get_user_model().objects.create_user("nobody", is_staff=True)
    stranger = Client()
    stranger.force_login(nobody)

    assert stranger.get(reverse("admin:contacts_settings")).status_code == 403
    assert "Identity policy" in text_of(auditor.get(reverse("admin:contacts_settings")))
