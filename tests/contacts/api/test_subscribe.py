"""Subscription forms and the list of unsubscribed emails: what clients send, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contacts.identity import delete_contacts, merge_contacts, resolve, suppress_addresses
from contacts.identity.types import API
from contacts.models import Change, ChannelState, Consent, Contact, ContactState, Event, EventType, Suppression
from segments.catalogue import save_segment
from segments.models import Membership, Segment, SegmentType

pytestmark = pytest.mark.django_db

SUBSCRIBE = "/api/v1/contact/subscribe"
ADD = "/api/v1/emails/unsubscribed/add"
DELETE = "/api/v1/emails/unsubscribed/delete"
OLENA = "olena@example.com"
PHONE = "+380501112233"
DONE = b'{"failedEmails":[]}'
FOLLOWS = {"firstName": "Olena", "channels": [{"type": "email", "value": OLENA}]}


@pytest.fixture
def subscribe(call_api):
    """Sends a form; answers what came back."""

    def subscribe(contact: Any = FOLLOWS, path: str = SUBSCRIBE, **rest: Any) -> dict[str, Any]:
        answer = call_api("post", path, {"contact": contact, **rest})
        assert answer.status_code == 200, answer.content
        return answer.json()

    return subscribe


def know(record: dict[str, Any]) -> int:
    """Somebody whom another system has sent before."""
    [outcome] = resolve([record], API, by="user:1")
    assert outcome.contact_id is not None
    return outcome.contact_id


def email_state() -> int | None:
    return Contact.objects.get(state=ContactState.ACTIVE).email_state


def last_event() -> tuple[str, dict[str, Any]]:
    event = Event.objects.latest("pk")
    return EventType.objects.get(pk=event.type_id).key, event.params


# What becomes of the email


def test_a_new_contact_is_unconfirmed(subscribe):
    done = subscribe()

    contact = Contact.objects.get()
    assert done == {"id": contact.pk, "emailStatus": "NEED_CONFIRMATION", "new": True}
    assert (contact.email, contact.email_state) == (OLENA, ChannelState.UNCONFIRMED)


@pytest.mark.parametrize(
    ("state", "status", "kept"),
    [
        (ChannelState.UNSUBSCRIBED, "NEED_CONFIRMATION", ChannelState.UNSUBSCRIBED),
        (ChannelState.BOUNCED, "NEED_CONFIRMATION", ChannelState.BOUNCED),
        (ChannelState.BLACKLISTED, "BLACKLISTED", ChannelState.BLACKLISTED),
    ],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_what_is_suppressed_stays_so_until_it_is_confirmed(subscribe, state, status, kept, is_known):
    if is_known:
        know({"email": OLENA})
    suppress_addresses([OLENA], state, by="user:1")

    assert subscribe()["emailStatus"] == status
    assert email_state() == kept


def test_a_confirmed_email_stays_confirmed(subscribe):
    contact_id = know({"email": OLENA})

    assert subscribe() == {"id": contact_id, "emailStatus": "ALREADY_SUBSCRIBED", "new": False}
    assert email_state() == ChannelState.ACTIVE


def test_whoever_subscribes_again_before_confirming_is_still_to_confirm(subscribe):
    first = subscribe()

    assert subscribe() == {"id": first["id"], "emailStatus": "NEED_CONFIRMATION", "new": False}


def test_a_contact_without_an_email_has_nothing_to_confirm(subscribe):
    assert subscribe({"channels": [{"type": "sms", "value": PHONE}]})["emailStatus"] == "SUBSCRIBED"


def test_channels_that_are_there_stay_and_missing_ones_are_added_unconfirmed(subscribe):
    contact_id = know({"phone": PHONE})
    other = {"channels": [{"type": "sms", "value": PHONE}, {"type": "email", "value": OLENA}]}

    assert subscribe(other) == {"id": contact_id, "emailStatus": "NEED_CONFIRMATION", "new": False}

    another = {"channels": [{"type": "sms", "value": PHONE}, {"type": "email", "value": "other@example.com"}]}
    assert subscribe(another)["id"] == contact_id
    assert Contact.objects.get().email == OLENA


@pytest.mark.parametrize(
    "given",
    [
        {"externalCustomerId": "C-1"},
        {"externalCustomerId": "C-1", "channels": [{"type": "email", "value": "new@example.com"}]},
        {"channels": [{"type": "email", "value": OLENA}, {"type": "sms", "value": "+380672223344"}]},
        {"channels": {"type": "sms", "value": 380501112233}},
    ],
)
def test_the_contact_is_found_by_external_id_then_email_then_phone(subscribe, given):
    contact_id = know({"external_id": "C-1", "email": OLENA, "phone": PHONE})
    know({"external_id": "C-2", "phone": "+380672223344"})

    assert subscribe(given)["id"] == contact_id


def test_fields_are_updated_and_a_deleted_contact_comes_back(subscribe, call_api):
    contact_id = know({"email": OLENA})
    delete_contacts([contact_id], by="user:1")

    assert subscribe() == {"id": contact_id, "emailStatus": "ALREADY_SUBSCRIBED", "new": False}
    assert call_api("get", f"/api/v1/contact/{contact_id}").json()["firstName"] == "Olena"


# Groups, consents, the event


def test_groups_are_joined_by_name_and_made_where_there_are_none(subscribe, call_api):
    news = save_segment(Segment(name="News", type=SegmentType.STATIC))

    contact_id = subscribe(groups=["news", " Спорт ", "Спорт", 2026, ""])["id"]

    assert call_api("get", f"/api/v1/contact/{contact_id}").json()["groups"] == [
        {"id": Segment.objects.get(name="2026").pk, "name": "2026", "type": "Static"},
        {"id": news.pk, "name": "News", "type": "Static"},
        {"id": Segment.objects.get(name="Спорт").pk, "name": "Спорт", "type": "Static"},
    ]
    assert set(Membership.objects.values_list("by", flat=True)) == {Change.objects.latest("pk").by}


def test_a_group_that_follows_from_conditions_is_refused_and_nothing_is_written(call_api):
    definition = {"version": 1, "match": {"all": [{"field": "first_name", "op": "is_empty"}]}}
    save_segment(Segment(name="Named", type=SegmentType.DYNAMIC, definition=definition))

    answer = call_api("post", SUBSCRIBE, {"contact": FOLLOWS, "groups": ["New", "named"]})

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [
        ("groups[1]", "segment_not_static")
    ]
    assert not Contact.objects.exists()
    assert not Event.objects.exists()
    assert not Segment.objects.filter(name="New").exists()


def test_subscriptions_are_what_the_contact_agrees_to(subscribe):
    done = subscribe(subscriptions=["news", "news", " offers ", " "], formType="footer")

    granted = Consent.objects.filter(contact_id=done["id"], granted=True)
    assert set(granted.values_list("category", "basis")) == {("news", "form footer"), ("offers", "form footer")}


@pytest.mark.parametrize(
    ("form_type", "new", "known"),
    [
        (None, "subscribeFromApi", "subscribeUpdateFromApi"),
        (" ", "subscribeFromApi", "subscribeUpdateFromApi"),
        ("footer", "subscribeFromApi-footer", "subscribeUpdateFromApi-footer"),
        (" Весна & літо ", "subscribeFromApi-Весна & літо", "subscribeUpdateFromApi-Весна & літо"),
        (7, "subscribeFromApi-7", "subscribeUpdateFromApi-7"),
        ("x" * 77, "subscribeFromApi-" + "x" * 77, "subscribeUpdateFromApi-" + "x" * 77),
    ],
)
def test_an_event_tells_a_new_contact_from_a_known_one_and_the_form(subscribe, form_type, new, known):
    subscribe(formType=form_type)
    assert last_event()[0] == new

    subscribe(formType=form_type)
    assert last_event()[0] == known


def test_the_event_tells_the_mailer_the_link(subscribe, client, settings):
    settings.PUBLIC_URL = "https://crm.example.com"

    done = subscribe(groups=["News"], subscriptions=["news"], formType="footer")

    told = last_event()[1]
    link, expires_at = told.pop("confirmationLink"), told.pop("expiresAt")
    assert told == {
        "email": OLENA,
        "emailStatus": "NEED_CONFIRMATION",
        "formType": "footer",
        "groups": ["News"],
        "subscriptions": ["news"],
    }
    assert link.startswith("https://crm.example.com/confirm/")
    assert OLENA not in link
    assert expires_at > Event.objects.get().occurred_at.isoformat()
    assert Event.objects.get().contact_id == done["id"]


def test_without_a_setting_the_link_leads_where_the_call_came_to(subscribe):
    subscribe()

    assert last_event()[1]["confirmationLink"].startswith("http://testserver/confirm/")


@pytest.mark.parametrize(
    ("record", "contact"),
    [
        ({"email": OLENA}, FOLLOWS),
        ({"phone": PHONE}, {"channels": [{"type": "sms", "value": PHONE}]}),
    ],
)
def test_there_is_no_link_where_nothing_is_to_be_confirmed(subscribe, record, contact):
    know(record)

    subscribe(contact)

    assert "confirmationLink" not in last_event()[1]


def test_nobody_is_asked_to_confirm_an_address_that_the_form_did_not_name(subscribe):
    know({"email": OLENA, "phone": PHONE})
    suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by="user:1")

    done = subscribe({"channels": [{"type": "sms", "value": PHONE}]})

    assert done["emailStatus"] == "NEED_CONFIRMATION"
    assert "confirmationLink" not in last_event()[1]


# What real clients send, and what is refused


@pytest.mark.parametrize(
    "body",
    [
        {"contact": FOLLOWS, "groups": None, "subscriptions": None, "formType": None},
        {"contact": FOLLOWS, "groups": " ", "subscriptions": "", "formType": ""},
        {"contact": FOLLOWS, "groups": "News", "subscriptions": "news"},
        {"contact": {**FOLLOWS, "id": 7, "groups": [{"id": 1}], "addressBookId": 7200, "unheardOf": {}}, "dedupeOn": 1},
        {"contact": {"channels": {"type": "EMAIL", "value": f" {OLENA} "}}},
        {"contact": {**FOLLOWS, "externalCustomerId": 42, "lastName": " "}},
    ],
)
@pytest.mark.parametrize("end", ["", "/"])
def test_what_real_clients_send_is_taken(call_api, body, end):
    answer = call_api("post", SUBSCRIBE + end, json.dumps(body), content_type="application/json; charset=UTF-8")

    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.json()["new"] is True


def test_the_same_form_again_is_no_repeat_that_is_refused(subscribe):
    assert subscribe()["id"] == subscribe()["id"]


REFUSED = {
    "nobody": ({}, {"contact": "required"}),
    "an empty contact": ({"contact": " "}, {"contact": "required"}),
    "a contact that is a text": ({"contact": "olena"}, {"contact": "not_an_object"}),
    "a contact that is a list": ({"contact": [FOLLOWS]}, {"contact": "not_an_object"}),
    "a list": ([{"contact": FOLLOWS}], {"contact": "required"}),
    "a contact that is not wrapped": (FOLLOWS, {"contact": "required"}),
    "no email": (
        {"contact": {"channels": [{"type": "email", "value": "olena"}]}},
        {"contact.channels[0].value": "invalid_email"},
    ),
    "an unheard-of channel": (
        {"contact": {"channels": [{"type": "fax", "value": "1"}]}},
        {"contact.channels[0].type": "unknown_channel"},
    ),
    "a name too long": ({"contact": {**FOLLOWS, "firstName": "x" * 41}}, {"contact.firstName": "too_long"}),
    "an unknown field": (
        {"contact": {**FOLLOWS, "fields": [{"id": 999_999, "value": "1"}]}},
        {"contact.fields[0].id": "unknown_field"},
    ),
    "groups that are objects": ({"contact": FOLLOWS, "groups": ["a", {"name": "b"}]}, {"groups[1]": "not_text"}),
    "groups that are yes": ({"contact": FOLLOWS, "groups": True}, {"groups[0]": "not_text"}),
    "a group with a NUL": ({"contact": FOLLOWS, "groups": ["a\0"]}, {"groups[0]": "invalid_character"}),
    "a group of a long name": ({"contact": FOLLOWS, "groups": ["x" * 201]}, {"groups[0]": "too_long"}),
    "a group of a very long name": ({"contact": FOLLOWS, "groups": ["x" * 9_000]}, {"groups[0]": "too_long"}),
    "a group that is a huge number": ({"contact": FOLLOWS, "groups": [10**400]}, {"groups[0]": "too_long"}),
    "too many groups": ({"contact": FOLLOWS, "groups": ["x"] * 101}, {"groups": "too_many_values"}),
    "a subscription too long": ({"contact": FOLLOWS, "subscriptions": ["x" * 51]}, {"subscriptions[0]": "too_long"}),
    "subscriptions that are lists": ({"contact": FOLLOWS, "subscriptions": [[1]]}, {"subscriptions[0]": "not_text"}),
    "a form type too long": ({"contact": FOLLOWS, "formType": "x" * 78}, {"formType": "too_long"}),
    "a form type that is a list": ({"contact": FOLLOWS, "formType": ["a"]}, {"formType": "not_text"}),
    "a form type that is yes": ({"contact": FOLLOWS, "formType": True}, {"formType": "not_text"}),
    "a form type with a comma": ({"contact": FOLLOWS, "formType": "a, b?"}, {"formType": "invalid_character"}),
}


@pytest.mark.parametrize(("body", "refused"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_named_by_its_path(call_api, body, refused):
    answer = call_api("post", SUBSCRIBE, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == refused
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    "contact", [{"firstName": "Olena"}, {"externalCustomerId": "null"}, {"channels": []}, {"id": 1}]
)
def test_a_form_that_names_nobody_is_refused(call_api, contact):
    answer = call_api("post", SUBSCRIBE, {"contact": contact})

    assert (answer.status_code, answer.json()["code"]) == (400, "identifier_missing")


@pytest.mark.parametrize("body", [b"{", b'{"contact": {"firstName": "\\ud800"}}', b"\xff", b"[" * 99 + b"]" * 99])
def test_a_body_that_cannot_be_read_is_refused(call_api, body):
    assert call_api("post", SUBSCRIBE, body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("path", [SUBSCRIBE, ADD, DELETE])
@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("full", True),
        ("contacts_and_events_write", True),
        ("contacts_and_events", True),
        ("events", False),
        ("read", False),
    ],
)
def test_writing_takes_the_right_to_write(call_api, path, scope, allowed):
    answer = call_api("post", path, {"contact": FOLLOWS, "emails": [OLENA]}, scope=scope)

    assert (answer.status_code == 200) is allowed
    assert allowed or answer.json()["code"] == "scope_too_narrow"


@pytest.mark.parametrize("path", [SUBSCRIBE, ADD, DELETE])
def test_these_addresses_are_for_post_alone(call_api, path):
    assert call_api("get", path).status_code == 405


# The link for a mailer of one's own


def test_the_link_can_be_fetched(call_api, subscribe, settings):
    settings.PUBLIC_URL = "https://crm.example.com"
    contact_id = subscribe()["id"]

    shown = call_api("get", f"/api/v1/contact/{contact_id}/confirmation/").json()

    assert shown.pop("confirmationLink").startswith(f"https://crm.example.com/confirm/{contact_id}-")
    assert shown.pop("expiresAt")
    assert shown == {"email": OLENA, "emailStatus": "NEED_CONFIRMATION"}


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        ({"email": OLENA}, {"email": OLENA, "emailStatus": "ALREADY_SUBSCRIBED"}),
        ({"phone": PHONE}, {"emailStatus": "SUBSCRIBED"}),
    ],
)
def test_where_nothing_is_to_be_confirmed_there_is_no_link(call_api, record, shown):
    contact_id = know(record)

    assert call_api("get", f"/api/v1/contact/{contact_id}/confirmation").json() == shown


def test_a_merged_contact_answers_as_its_survivor_and_a_deleted_one_is_not_found(call_api):
    olena, bohdan = know({"email": OLENA}), know({"email": "bohdan@example.com"})
    merge_contacts(olena, bohdan, by="user:1")
    assert call_api("get", f"/api/v1/contact/{bohdan}/confirmation").json()["email"] == OLENA

    delete_contacts([olena], by="user:1")
    for contact_id in (olena, bohdan, 999_999):
        answer = call_api("get", f"/api/v1/contact/{contact_id}/confirmation")
        assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("events", 403), ("contacts_and_events_write", 200)])
def test_the_link_takes_the_right_to_write_for_whoever_has_it_can_confirm(call_api, scope, status):
    contact_id = know({"email": OLENA})

    assert call_api("get", f"/api/v1/contact/{contact_id}/confirmation", scope=scope).status_code == status


# The list of unsubscribed emails


@pytest.mark.parametrize("emails", [[OLENA], OLENA, [" OLENA@example.com "], [OLENA, OLENA, None, " "]])
@pytest.mark.parametrize("end", ["", "/"])
def test_an_email_is_unsubscribed_over_all_contacts_that_have_it_and_back(call_api, emails, end):
    for name in ("C-1", "C-2"):
        know({"external_id": name, "email": OLENA})

    answer = call_api("post", ADD + end, {"emails": emails, "unheardOf": 1})
    assert (answer.status_code, answer.content) == (200, DONE)
    assert set(Contact.objects.values_list("email_state", flat=True)) == {ChannelState.UNSUBSCRIBED}

    answer = call_api("post", DELETE + end, {"emails": emails})
    assert (answer.status_code, answer.content) == (200, DONE)
    assert set(Contact.objects.values_list("email_state", flat=True)) == {ChannelState.ACTIVE}


def test_an_email_that_nobody_has_yet_is_unsubscribed_when_somebody_gets_it(call_api):
    call_api("post", ADD, {"emails": [OLENA]})

    know({"email": OLENA})

    assert email_state() == ChannelState.UNSUBSCRIBED


def test_a_blacklisted_email_stays_so(call_api):
    know({"email": OLENA})
    suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:1")

    assert call_api("post", DELETE, {"emails": [OLENA]}).status_code == 200
    assert email_state() == ChannelState.BLACKLISTED


@pytest.mark.parametrize("body", [[OLENA], OLENA, [f" {OLENA}", None]])
def test_a_bare_list_is_the_emails(call_api, body):
    assert call_api("post", ADD, body).content == DONE
    assert Suppression.objects.get().state == ChannelState.UNSUBSCRIBED


@pytest.mark.parametrize("path", [ADD, DELETE])
@pytest.mark.parametrize("emails", [[], "", " ", [""]])
def test_an_empty_list_is_fine(call_api, path, emails):
    answer = call_api("post", path, {"emails": emails})

    assert (answer.status_code, answer.content) == (200, DONE)


def test_texts_that_are_no_address_are_listed_and_the_others_are_done(call_api):
    answer = call_api("post", ADD, {"emails": ["olena", OLENA, PHONE, 7, "a\0@example.com"]})

    assert answer.status_code == 200
    assert [entry["email"] for entry in answer.json()["failedEmails"]] == ["olena", PHONE, "7", "a\0@example.com"]
    assert Suppression.objects.get().channel == "email"


@pytest.mark.parametrize("path", [ADD, DELETE])
@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, {"emails": "required"}),
        ({"emails": None}, {"emails": "required"}),
        ({"emails": {"email": OLENA}}, {"emails": "required"}),
        ({"emails": 7}, {"emails": "required"}),
        (7, {"emails": "required"}),
        ([OLENA, True], {"emails[1]": "not_text"}),
        ({"emails": [OLENA, {"email": OLENA}, True]}, {"emails[1]": "not_text", "emails[2]": "not_text"}),
    ],
)
def test_what_is_no_list_of_addresses_is_refused_and_nothing_is_written(call_api, path, body, refused):
    answer = call_api("post", path, body)

    assert answer.status_code == 400
    assert {error["path"]: error["code"] for error in answer.json()["errors"]} == refused
    assert not Suppression.objects.exists()
