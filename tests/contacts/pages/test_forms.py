"""A subscription form as whoever fills it in meets it, at its address and in a page of the company's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from contacts.activity import WEB_EVENT, NewEvent, record_events
from contacts.identity import delete_contacts, resolve_one, suppress_addresses
from contacts.identity.settings import forget_settings
from contacts.identity.types import API
from contacts.models import (
    Change,
    ChannelState,
    Consent,
    Contact,
    CustomField,
    Event,
    EventType,
    Identifier,
    SubscriptionCategory,
    SubscriptionForm,
    Suppression,
)
from segments.models import Membership, Segment

pytestmark = pytest.mark.django_db

OLENA = "olena@example.com"
BOHDAN = "bohdan@example.com"
COOKIE = "9f2c5a1e7b3d48f0a6c4e2d1b0a99887"


def ask(column: str, *, is_required: bool = False, label: str = "") -> dict[str, Any]:
    return {"column": column, "label": label, "is_required": is_required}


@pytest.fixture
def form(db: None) -> SubscriptionForm:
    asked = [ask("email", is_required=True), ask("first_name", label="What do we call you?"), ask("phone")]
    return SubscriptionForm.objects.create(name="Footer", title="Our letter", intro="Once a month.", fields=asked)


def send(form: SubscriptionForm, client: Client | None = None, **answers: Any) -> Any:
    extra = {name: answers.pop(name) for name in [*answers] if name.startswith(("HTTP_", "REMOTE_"))}
    return (client or Client()).post(f"/forms/{form.key}", answers, **extra)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def name_of(event: Event) -> str:
    return EventType.objects.get(pk=event.type_id).key


def test_the_page_shows_what_the_form_asks_and_sets_no_cookie(client, form):
    answer = client.get(f"/forms/{form.key}")

    page = text_of(answer)
    assert answer.status_code == 200
    assert not client.cookies
    assert "<h1>Our letter</h1>" in page
    assert "What do we call you?" in page
    assert page.index('name="email"') < page.index('name="first_name"') < page.index('name="phone"')
    assert "<script" not in page
    assert not Change.objects.exists()


def test_whoever_sends_it_is_made_a_contact_that_has_to_confirm(form):
    client = Client(enforce_csrf_checks=True)

    answer = send(form, client, email=OLENA, first_name="Olena", phone="0501112233", HTTP_ACCEPT_LANGUAGE="uk-UA,en")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/forms/{form.key}/thanks")
    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.phone) == (OLENA, "Olena", "+380501112233")
    assert (contact.email_state, contact.source, contact.language_code) == (ChannelState.UNCONFIRMED, "form", "uk")
    assert Change.objects.get().by == f"form:{form.pk}"
    event = Event.objects.get()
    assert (name_of(event), event.source, event.params["form"]) == ("subscribeFromForm", "form", "Footer")
    assert "Look into your mailbox" in text_of(client.get(answer.headers["Location"]))
    form.refresh_from_db()
    assert form.last_sent_at is not None


def test_it_puts_contacts_into_segments_and_keeps_what_they_agreed_to(form):
    letters = Segment.objects.create(name="Letters", type="static")
    gone = Segment.objects.create(name="Everybody", type="dynamic", definition={})
    SubscriptionCategory.objects.create(key="news", name="News")
    form.groups, form.categories = [letters.pk, gone.pk, 10_000], ["news"]
    form.consent_text = "I agree to get mail once a month, and can stop it at any time."
    form.save()

    assert send(form, email=OLENA).status_code == 422
    assert not Contact.objects.exists()
    assert send(form, email=OLENA, consent="yes").status_code == 302

    contact = Contact.objects.get()
    assert list(Membership.objects.values_list("segment__name", "contact_id")) == [("Letters", contact.pk)]
    consent = Consent.objects.get()
    assert (consent.category, consent.granted, consent.by) == ("news", True, f"form:{form.pk}")
    assert consent.basis == f"Form “Footer”: {form.consent_text}"
    told = Event.objects.get().params
    assert (told["groups"], told["agreedTo"]) == (["Letters"], form.consent_text)


def test_what_was_agreed_to_stays_as_it_was_worded_then(form):
    form.categories, form.consent_text = ["news"], "The old words."
    form.save()
    send(form, email=OLENA, consent="yes")
    form.consent_text = "The new words."
    form.save()

    send(form, email=OLENA, consent="yes")
    send(form, email=BOHDAN, consent="yes")

    assert [consent.basis.rpartition(": ")[2] for consent in Consent.objects.order_by("pk")] == [
        "The old words.",
        "The new words.",
    ]


def test_a_stranger_who_knows_an_address_changes_nothing_that_its_contact_has(form):
    resolve_one({"external_id": "C-1", "email": OLENA, "first_name": "Olena"}, API, by="key:1")

    send(form, email=OLENA, first_name="Nobody", phone="0501112233")

    contact = Contact.objects.get()
    assert (contact.first_name, contact.email_state) == ("Olena", ChannelState.ACTIVE)
    assert contact.phone == "+380501112233"  # what was empty is filled


@pytest.mark.parametrize("state", [None, ChannelState.UNSUBSCRIBED, ChannelState.BOUNCED, ChannelState.BLACKLISTED])
def test_the_answer_is_the_same_whoever_is_known_here(form, state):
    resolve_one({"email": OLENA}, API, by="key:1")
    if state:
        suppress_addresses([OLENA], state, by="user:1")

    known, unknown = send(form, email=OLENA), send(form, email=BOHDAN)

    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert Contact.objects.get(email=OLENA).email_state == (state or ChannelState.ACTIVE)
    assert Suppression.objects.count() == (1 if state else 0)


def test_whoever_was_deleted_and_subscribes_again_is_back(form):
    contact_id = resolve_one({"email": OLENA}, API, by="key:1").contact_id or 0
    delete_contacts([contact_id], by="user:1")

    send(form, email=OLENA)

    assert Contact.objects.get().deleted_at is None


def test_the_visits_before_join_the_contact(form):
    visit = NewEvent("pageView", {"identifiers": [{"kind": "cookie", "value": COOKIE}]}, "shoes")
    record_events([visit], by="tracker:web", plan=WEB_EVENT)
    assert not Contact.objects.exists()

    send(form, email=OLENA, visitor=COOKIE)

    contact = Contact.objects.get()
    assert {name_of(event) for event in Event.objects.filter(contact_id=contact.pk)} == {
        "pageView",
        "subscribeFromForm",
    }


@pytest.mark.parametrize("visitor", ["", "short", "x" * 101, "<script>alert(1)</script>", "a\x00bcdefgh", "anonymous"])
def test_what_is_no_cookie_of_ours_is_left_aside(form, visitor):
    assert send(form, email=OLENA, visitor=visitor).status_code == 302

    assert set(Identifier.objects.values_list("value", flat=True)) == {OLENA}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "Fill this in."),
        ({"email": "  "}, "Fill this in."),
        ({"email": "olena"}, "This is not an email address"),
        ({"email": "olena\x00@example.com"}, "This is not an email address"),
        ({"email": OLENA, "phone": "12"}, "phone"),
        ({"email": OLENA, "first_name": "x" * 41}, "at most 40 characters"),
        ({"email": OLENA, "first_name": "\ud800".encode("utf-8", "surrogatepass")}, ""),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field_and_nothing_is_lost(form, answers, said):
    answer = send(form, **answers)

    if not said:
        assert answer.status_code in (302, 422)
        return
    page = text_of(answer)
    assert answer.status_code == 422
    assert said in page
    assert 'aria-invalid="true"' in page
    assert not Contact.objects.exists()
    if answers.get("email") == OLENA:
        assert f'value="{OLENA}"' in page


def test_an_email_or_a_phone_is_needed_where_a_form_leaves_the_choice(form):
    form.fields = [ask("email"), ask("phone")]
    form.save()

    answer = send(form)

    assert answer.status_code == 422
    assert 'role="alert"' in text_of(answer)
    assert send(form, phone="0501112233").status_code == 302
    assert Contact.objects.get().phone == "+380501112233"


def test_custom_fields_are_asked_by_their_type(form):
    forget_settings()
    CustomField.objects.create(key="tier", label="Tier", type="choice", options=["Gold", "Silver"])
    CustomField.objects.create(key="likes", label="Likes", type="choices", options=["Tea", "Coffee"])
    CustomField.objects.create(key="born", label="Born", type="date")
    CustomField.objects.create(key="adult", label="Of age", type="boolean")
    CustomField.objects.create(key="card", label="Card", can_be_key=True)
    names = ["fields.tier", "fields.likes", "fields.born", "fields.adult", "fields.card", "fields.gone", "external_id"]
    form.fields += [ask(name) for name in names]
    form.save()

    page = text_of(Client().get(f"/forms/{form.key}"))
    answer = send(
        form, email=OLENA, external_id="C-1",
        **{"fields.tier": "Gold", "fields.likes": ["Tea", "Coffee"], "fields.born": "1990-05-01",
           "fields.adult": "yes", "fields.card": "42"},
    )  # fmt: skip

    assert "<option>Gold</option>" in page
    assert 'type="date"' in page
    assert not any(f'name="{name}"' in page for name in ("fields.card", "fields.gone", "external_id"))
    assert answer.status_code == 302
    contact = Contact.objects.get()
    assert contact.external_id is None
    assert contact.attributes == {"tier": "Gold", "likes": ["Tea", "Coffee"], "born": "1990-05-01", "adult": True}
    assert send(form, email=BOHDAN, **{"fields.tier": "Tin"}).status_code == 422
    forget_settings()


def test_a_program_that_fills_in_everything_is_thanked_and_nothing_is_written(form):
    answer = send(form, email=OLENA, homepage="https://spam.example.com")

    assert answer.status_code == 302
    assert not Contact.objects.exists()
    assert not Event.objects.exists()


def test_one_address_cannot_send_a_form_over_and_over(form, settings):
    settings.FORMS_A_MINUTE = 2
    for name in ("olena", "bohdan"):
        assert send(form, email=f"{name}@example.com", REMOTE_ADDR="203.0.113.7").status_code == 302

    answer = send(form, email="taras@example.com", REMOTE_ADDR="203.0.113.7")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "Wait a minute" in text_of(answer)
    assert 'value="taras@example.com"' in text_of(answer)
    assert Contact.objects.count() == 2
    assert send(form, email="taras@example.com", REMOTE_ADDR="203.0.113.8").status_code == 302


def test_a_form_leads_on_to_the_page_that_it_was_given_and_to_no_other(client, form):
    form.redirect_url = "https://shop.example.com/thanks?from=letter"
    form.save()

    page = client.get(f"/forms/{form.key}")
    answer = send(form, email=OLENA, next="https://evil.example.com", redirect_url="https://evil.example.com")

    assert answer.headers["Location"] == form.redirect_url
    assert "form-action 'self' https://shop.example.com;" in page.headers["Content-Security-Policy"] + ";"


def test_a_copy_on_another_site_may_post_here_and_its_site_is_told(form):
    answer = send(form, Client(enforce_csrf_checks=True), email=OLENA, HTTP_ORIGIN="https://shop.example.com")

    assert answer.status_code == 302
    assert Event.objects.get().params["site"] == "shop.example.com"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_closed_form_says_so_and_takes_nothing(client, form, method):
    SubscriptionForm.objects.update(is_active=False)

    answer = getattr(client, method)(f"/forms/{form.key}", {"email": OLENA})

    assert answer.status_code == 410
    assert "This form is closed" in text_of(answer)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["/forms/nothing", "/forms/nothing/thanks"])
def test_a_form_that_there_is_not_is_not_found(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/forms/a%00b", "/forms/é", "/forms/a.b"])
def test_an_address_that_cannot_be_one_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_texts_of_the_form_run_no_markup(client, form):
    SubscriptionForm.objects.update(
        title="<b>x</b>", intro="<script>", consent_text="<i>", button="<u>", thanks="<script>", name="<s>"
    )

    for path in (f"/forms/{form.key}", f"/forms/{form.key}/thanks"):
        page = text_of(client.get(path))
        assert not any(tag in page for tag in ("<b>", "<script", "<i>", "<u>"))
