"""The settings' forms: one row each, presets, and what would break matching is refused."""

import pytest
from django.urls import reverse

from contacts.identity import resolve
from contacts.identity.settings import read_policy
from contacts.identity.types import API, STANDARD, STRICT
from contacts.models import Account, CustomField, EventType, JunkValue, Policy

pytestmark = pytest.mark.django_db


def url(model, page, *args):
    return reverse(f"admin:contacts_{model}_{page}", args=args)


def errors_of(answer):
    assert answer.status_code == 200
    shown = answer.context.get("adminform")
    return (shown.form if shown else answer.context["form"]).errors


@pytest.mark.parametrize("model", [Account, Policy])
def test_a_single_row_has_one_page_whether_it_is_there_or_not(admin_client, model):
    model.objects.all().delete()
    name = model._meta.model_name
    assert admin_client.get(url(name, "changelist")).status_code == 200
    assert not model.objects.exists()

    row = model.objects.create()

    assert admin_client.get(url(name, "change", row.pk)).context["form"].instance == row
    assert admin_client.get(url(name, "add")).status_code == 403
    assert admin_client.get(url(name, "delete", row.pk)).status_code == 403


def test_the_account_decides_how_national_numbers_are_read(admin_client):
    form = {"name": "Bookshop", "default_phone_country": "PL", "time_zone": "Europe/Warsaw", "languages": "pl, uk,pl"}
    admin_client.post(url("account", "changelist"), form)

    [outcome] = resolve([{"phone": "512 345 678"}], API, by="user:1")
    assert outcome.after["phone"] == "+48512345678"
    assert Account.objects.get().languages == ["pl", "uk"]


@pytest.mark.parametrize(
    "changes", [{"time_zone": "Mars/Base"}, {"languages": "pl; <b>"}, {"upload_hosts": "not a host"}]
)
def test_an_account_that_could_not_work_is_refused(admin_client, changes):
    form = {"name": "Bookshop", "default_phone_country": "PL", "time_zone": "Europe/Warsaw"}

    assert list(errors_of(admin_client.post(url("account", "changelist"), {**form, **changes}))) == list(changes)


def policy_form(**changes):
    return {"external_id_max_length": 30, "visitors_erased_after_days": 7, **changes}


def test_the_policy_is_saved_and_its_presets_are_a_button_each(admin_client):
    policy = Policy.objects.create()
    page = url("policy", "change", policy.pk)

    admin_client.post(page, policy_form())
    assert (read_policy().external_id_max_length, read_policy().merge_anonymous) == (30, False)

    admin_client.post(page, policy_form(contacts_policy_set_strict="1"))
    assert read_policy() == STRICT

    admin_client.post(page, policy_form(contacts_policy_set_standard="1"))
    assert read_policy() == STANDARD
    assert "Set to Strict" in admin_client.get(page).content.decode()


def test_a_junk_value_is_refused_as_an_identifier_at_once(admin_client):
    admin_client.post(url("junkvalue", "add"), {"value": "^shop-", "is_pattern": "on"})
    admin_client.post(url("junkvalue", "add"), {"value": "noreply@example.com"})

    [outcome] = resolve(
        [{"external_id": "shop-7", "email": "NoReply@example.com", "phone": "+380501112233"}], API, by="user:1"
    )

    assert {warning.column for warning in outcome.warnings} == {"external_id", "email"}


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("(", "missing"), (r"(a)\1", "escape"), ("(?=x)", "perl"), ("[z-a]", "range"), ("", "required")]
    + [(pattern, "matches everything") for pattern in (".*", "^", ".", "[^!]", "x?")],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(admin_client, pattern, says):
    answer = admin_client.post(url("junkvalue", "add"), {"value": pattern, "is_pattern": "on"})

    [error] = errors_of(answer)["value"]
    assert says in error
    assert error.endswith(".")
    assert not JunkValue.objects.exists()


def test_deleting_junk_values_is_in_force_at_once(admin_client):
    junk = JunkValue.objects.create(value="shop-7")
    resolve([{"external_id": "shop-7", "email": "olena@example.com"}], API, by="user:1")

    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": [junk.pk]}
    admin_client.post(url("junkvalue", "changelist"), chosen)

    [outcome] = resolve([{"external_id": "shop-7", "email": "olena@example.com"}], API, by="user:1")
    assert outcome.after["external_id"] == "shop-7"


FIELD = {"label": "Loyalty card", "key": "card", "type": "text", "group": "Loyalty", "options": ""}


def test_a_custom_field_keeps_its_key_and_type(admin_client):
    admin_client.post(url("customfield", "add"), {**FIELD, "can_be_key": "on"})
    field = CustomField.objects.get()
    assert (field.key, field.can_be_key) == ("card", True)

    changed = {**FIELD, "label": "Card", "key": "other", "type": "number"}
    admin_client.post(url("customfield", "change", field.pk), changed)

    field.refresh_from_db()
    assert (field.label, field.key, field.type, field.can_be_key) == ("Card", "card", "text", True)
    assert admin_client.get(url("customfield", "delete", field.pk)).status_code == 403


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"key": "email"}, "key"),
        ({"key": "email_or_phone"}, "key"),
        ({"key": "with space"}, "key"),
        ({"type": "choice"}, "options"),
        ({"type": "choices", "options": "Gold\ngold"}, "options"),
        ({"type": "decimal", "can_be_key": "on"}, "can_be_key"),
    ],
)
def test_a_custom_field_that_could_not_work_is_refused(admin_client, changes, column):
    assert column in errors_of(admin_client.post(url("customfield", "add"), {**FIELD, **changes}))


def test_options_are_written_one_a_line(admin_client):
    admin_client.post(url("customfield", "add"), {**FIELD, "type": "choice", "options": " Silver \r\n\r\nGold"})

    field = CustomField.objects.get()
    assert field.options == ["Silver", "Gold"]


def test_an_event_type_keeps_its_key(admin_client):
    admin_client.post(url("eventtype", "add"), {"key": "seen", "name": "Seen", "when_nobody": "create"})
    kind = EventType.objects.get(key="seen")

    admin_client.post(
        url("eventtype", "change", kind.pk), {"key": "other", "name": "Page seen", "when_nobody": "refuse"}
    )

    kind.refresh_from_db()
    assert (kind.key, kind.name, kind.when_nobody) == ("seen", "Page seen", "refuse")
    assert admin_client.get(url("eventtype", "delete", kind.pk)).status_code == 403
