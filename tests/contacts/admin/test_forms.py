"""Subscription forms and the confirmation mail in the back office."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contacts.identity.settings import forget_settings
from contacts.models import ConfirmationText, CustomField, SubscriptionCategory, SubscriptionForm
from crm import roles
from crm.models import AuditEntry
from segments.models import Segment

pytestmark = pytest.mark.django_db

ADD = "/admin/contacts/subscriptionform/add/"
LIST = "/admin/contacts/subscriptionform/"
MAIL = "/admin/contacts/confirmationtext/"


def rows(*asked: tuple[str, str, str, str]) -> dict[str, list[str]]:
    """(column, how, label, place) as the page sends them."""
    parts = ("column", "how", "label", "place")
    return {f"fields-{part}": [row[at] for row in asked] for at, part in enumerate(parts)}


EMAIL = ("email", "required", "", "1")


def fill(**given: Any) -> dict[str, Any]:
    texts = dict.fromkeys(("title", "intro", "consent_text", "button", "thanks", "redirect_url"), "")
    return {"name": "Footer", "is_active": "on", **texts, **rows(EMAIL), **given}


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_form_is_made_and_its_page_shows_where_it_is(admin_client, settings):
    settings.PUBLIC_URL = "https://crm.example.com"
    letters = Segment.objects.create(name="Letters", type="static")
    SubscriptionCategory.objects.create(key="news", name="News")
    asked = rows(("first_name", "optional", "Your name", "2"), EMAIL, ("phone", "", "", ""))

    made = admin_client.post(ADD, fill(consent_text="I agree.", groups=[letters.pk], categories=["news"], **asked))

    form = SubscriptionForm.objects.get()
    page = reverse("admin:contacts_subscriptionform_change", args=[form.pk])
    assert (made.status_code, made.headers["Location"]) == (302, page)
    assert (form.groups, form.categories) == ([letters.pk], ["news"])
    assert form.fields == [
        {"column": "email", "label": "", "is_required": True},
        {"column": "first_name", "label": "Your name", "is_required": False},
    ]
    shown = text_of(admin_client.get(page))
    assert f"https://crm.example.com/forms/{form.key}" in shown
    assert "&lt;form method=&quot;post&quot;" in shown
    assert AuditEntry.objects.filter(about=f"contacts.subscriptionform:{form.pk}").exists()
    assert "Footer" in text_of(admin_client.get(LIST))


def test_what_is_copied_can_be_sent_as_it_is(admin_client, settings):
    """The snippet is a form of its own: the names in it are those that the page behind it reads."""
    settings.PUBLIC_URL = "https://crm.example.com"
    form = SubscriptionForm.objects.create(name="Footer", consent_text="I <b>agree</b>.")

    page = admin_client.get(reverse("admin:contacts_subscriptionform_change", args=[form.pk]))

    snippet = page.context["snippet"]
    assert f'action="https://crm.example.com/forms/{form.key}"' in snippet
    for name in ("email", "consent", "homepage", "visitor"):
        assert f'name="{name}"' in snippet
    assert "data-cardfile-visitor" in snippet
    assert not any(word in snippet for word in ("<script", "<style", "style=", "csrf", "<b>"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rows(("first_name", "required", "", "1")), "Ask for the email or the phone"),
        (rows(("email", "required", "x" * 201, "1")), "at most 200 characters"),
        (rows(("external_id", "required", "", "1")), "Ask for the email or the phone"),
        ({"redirect_url": "javascript:alert(1)"}, "Write the address as"),
        ({"redirect_url": "https://shop.example.com;x/thanks"}, "Write the address as"),
        ({"redirect_url": "https://a@shop.example.com/thanks"}, "Write the address as"),
        ({"redirect_url": "//shop.example.com"}, "Write the address as"),
        ({"groups": ["10000"]}, "Select a valid choice"),
        ({"groups": ["x"]}, "Select a valid choice"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(admin_client, given, said):
    answer = admin_client.post(ADD, fill(**given))

    assert answer.status_code == 200
    assert said in text_of(answer)
    assert not SubscriptionForm.objects.exists()


def test_custom_fields_can_be_asked_and_keys_cannot(admin_client):
    forget_settings()
    CustomField.objects.create(key="tier", label="Tier", type="choice", options=["Gold", "Silver"])
    CustomField.objects.create(key="card", label="Card", can_be_key=True)

    page = text_of(admin_client.get(ADD))

    assert 'value="fields.tier"' in page
    assert 'value="fields.card"' not in page
    forget_settings()


def test_fields_stand_in_the_order_of_their_numbers_and_keep_it(admin_client):
    asked = rows((*EMAIL[:3], "2"), ("phone", "optional", "", "1"), ("town", "optional", "", "later"))

    admin_client.post(ADD, fill(**asked))

    form = SubscriptionForm.objects.get()
    assert [one["column"] for one in form.fields] == ["phone", "email", "town"]
    page = text_of(admin_client.get(reverse("admin:contacts_subscriptionform_change", args=[form.pk])))
    places = [page.index(f'value="{column}"') for column in ("phone", "email", "town", "first_name")]
    assert places == sorted(places)


def test_a_form_is_closed_rather_than_deleted(admin_client):
    form = SubscriptionForm.objects.create(name="Footer")

    admin_client.post(reverse("admin:contacts_subscriptionform_change", args=[form.pk]), fill(is_active=""))

    form.refresh_from_db()
    assert not form.is_active
    assert admin_client.get(f"{LIST}{form.pk}/delete/").status_code == 403


# The mail


def test_own_words_are_looked_at_before_they_are_saved(admin_client):
    words = {"subject": "{name}: one more step", "text": "Hi!\n\n<b>Welcome</b>", "button": "Yes", "closing": ""}

    looked = admin_client.post(MAIL, {**words, "_look": "1"})

    page = text_of(looked)
    assert "Cardfile: one more step" in page
    assert "&lt;b&gt;Welcome&lt;/b&gt;" in page
    assert "<b>Welcome</b>" not in page
    assert not ConfirmationText.objects.exists()

    assert admin_client.post(MAIL, {**words, "_save": "1"}).status_code == 302
    assert ConfirmationText.objects.get().button == "Yes"
    assert "one more step" in text_of(admin_client.get(MAIL))


def test_who_may_only_see_the_settings_changes_no_words(db):
    marketer = User.objects.create_user("marta", "marta@example.com", "correct horse battery")
    roles.set_role(marketer, "marketer")
    client = Client()
    client.force_login(marketer)

    assert client.get(MAIL).status_code == 200
    for verb in ("_look", "_save"):
        assert (
            client.post(MAIL, {"subject": "x", "text": "", "button": "", "closing": "", verb: "1"}).status_code == 403
        )
    assert not ConfirmationText.objects.exists()
