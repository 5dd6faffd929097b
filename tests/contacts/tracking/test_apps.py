"""What an app tells of its device, of who holds it, and of what happened there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contacts.identity import delete_contacts, resolve_one
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.mobile.seen import forget_what_was_noted
from contacts.models import (
    Change,
    Consent,
    Contact,
    ContactState,
    CustomField,
    Event,
    EventType,
    Identifier,
    Policy,
    SubscriptionCategory,
)
from contacts.tracking.app.wishes import MOST_MADE
from contacts.tracking.types_made import MOST_TYPES
from segments.catalogue import save_segment
from segments.membership import list_members
from segments.models import Segment, SegmentType
from tests.contacts.tracking.apps import ANDROID, DEVICE, HEADER, call_app, make_app, owner_of, tokens_of_app
from tests.people import BOHDAN, OLENA, OLENAS_PHONE

pytestmark = pytest.mark.django_db

OLENA_SIGNED_IN = {"deviceId": DEVICE, "externalUserId": "C-1"}


@pytest.fixture(autouse=True)
def _nothing_noted():
    forget_what_was_noted()


@pytest.fixture
def app(db):
    return call_app(make_app())


def contact_of(value, kind=Kind.DEVICE):
    return Contact.objects.get(pk=owner_of(value, kind))


def make_contact(external_id, *identifiers, **record):
    record = {"external_id": external_id, "identifiers": list(identifiers), **record}
    return resolve_one(record, API, by="user:1").contact_id


def paths_of(answer):
    return [(warning["path"], warning["code"]) for warning in answer.json()["warnings"]]


# Devices


def test_a_device_that_nobody_knows_is_an_anonymous_contact_with_its_token(app):
    answer = app("device", ANDROID)

    assert (answer.status_code, answer.json()) == (200, {"warnings": []})
    contact = contact_of(DEVICE)
    assert (contact.source, contact.external_id, contact.email) == ("mobile", None, None)
    assert contact_of("push-1", Kind.MOBILE_PUSH) == contact
    assert Identifier.objects.get(value=DEVICE).details == {
        "app": "shop",
        "category": "PHONE",
        "deviceModel": "Pixel 8",
        "os": "Android 14",
        "appVersion": "3.2.0",
        "locale": "uk",
        "timeZone": "Europe/Kyiv",
        "active": True,
    }
    assert tokens_of_app() == {
        "push-1": {
            "deviceId": DEVICE,
            "deviceModel": "Pixel 8",
            "os": "Android 14",
            "appVersion": "3.2.0",
            "locale": "uk",
            "active": True,
        }
    }
    assert Change.objects.get().by == "tracker:mobile"


def test_a_body_may_be_packed_and_an_address_may_end_with_a_slash(app):
    assert app("device/", ANDROID, packed=True).status_code == 200
    assert owner_of(DEVICE) is not None


def test_what_a_device_does_not_say_again_stays(app):
    app("device", ANDROID)

    app("device", {"deviceId": DEVICE, "appVersion": "3.3.0"})

    details = Identifier.objects.get(value=DEVICE).details
    assert (details["appVersion"], details["deviceModel"]) == ("3.3.0", "Pixel 8")


def test_a_new_token_of_the_same_device_replaces_the_old_one(app):
    app("device", ANDROID)

    app("device", {"deviceId": DEVICE, "pushToken": "push-2"})

    assert list(tokens_of_app()) == ["push-2"]
    assert contact_of("push-2", Kind.MOBILE_PUSH) == contact_of(DEVICE)


def test_the_tokens_of_another_device_and_of_another_app_stay(app):
    other_app = call_app(make_app("courier"))
    app("device", ANDROID | {"externalUserId": "C-1"})
    app("device", {"deviceId": "tablet", "pushToken": "push-3", "externalUserId": "C-1"})
    other_app("device", {"deviceId": DEVICE, "pushToken": "push-4", "externalUserId": "C-1"})

    app("device", {"deviceId": DEVICE, "pushToken": "push-2", "externalUserId": "C-1"})

    assert set(tokens_of_app()) == {"push-2", "push-3"}
    assert set(tokens_of_app("courier")) == {"push-4"}


def test_a_device_that_shows_no_messages_has_an_inactive_token(app, call_api):
    app("device", ANDROID)

    app("device", {"deviceId": DEVICE, "pushSubscribed": False})

    assert tokens_of_app()["push-1"]["active"] is False
    assert call_api("get", "/api/v1/contact/token/activated/shop/push-1").json() == {"active": False}

    app("device", {"deviceId": DEVICE, "pushToken": "push-1", "pushSubscribed": "true"})

    assert call_api("get", "/api/v1/contact/token/activated/shop/push-1").json() == {"active": True}


def test_a_token_finds_the_contact_of_an_app_that_was_installed_again(app):
    olena = make_contact("C-1", {"kind": "mobile_push", "app": "shop", "value": "push-1"})

    app("device", ANDROID)

    assert owner_of(DEVICE) == olena


def test_the_token_goes_where_its_device_goes(app):
    app("device", ANDROID | {"externalUserId": "C-1"})

    app("user", {"deviceId": DEVICE, "externalUserId": "C-2"})

    bohdan = Contact.objects.get(external_id="C-2")
    assert (owner_of(DEVICE), owner_of("push-1", Kind.MOBILE_PUSH)) == (bohdan.pk, bohdan.pk)


def test_the_tokens_of_all_apps_on_a_device_go_with_it(app):
    app("device", ANDROID | {"externalUserId": "C-1"})
    call_app(make_app("courier"))("device", {"deviceId": DEVICE, "pushToken": "push-4", "externalUserId": "C-1"})

    app("events", {"deviceId": DEVICE, "externalUserId": "C-2", "events": [event()]})

    bohdan = Contact.objects.get(external_id="C-2")
    assert {owner_of(value, Kind.MOBILE_PUSH) for value in ("push-1", "push-4")} == {bohdan.pk}
    assert list(Change.objects.filter(contact_id=bohdan.pk).values_list("by", flat=True).distinct()) == [
        "tracker:mobile"
    ]


def test_a_new_token_takes_the_old_one_from_whoever_held_the_device_before(app):
    app("device", ANDROID | {"externalUserId": "C-1"})

    app("device", {"deviceId": DEVICE, "pushToken": "push-2", "externalUserId": "C-2"})

    assert list(tokens_of_app()) == ["push-2"]
    assert contact_of("push-2", Kind.MOBILE_PUSH).external_id == "C-2"


def test_the_anonymous_contact_of_a_device_is_merged_into_whoever_signs_in(app):
    olena = make_contact("C-1", email=OLENA)
    app("device", ANDROID)
    app("events", {"deviceId": DEVICE, "events": [{"eventTypeKey": "appOpened"}]})
    anonymous = owner_of(DEVICE)

    answer = app("user", OLENA_SIGNED_IN)

    assert answer.json() == {"warnings": []}
    assert Contact.objects.get(pk=anonymous).merged_into_id == olena
    assert (owner_of(DEVICE), owner_of("push-1", Kind.MOBILE_PUSH)) == (olena, olena)
    assert Event.objects.get().contact_id == olena


def test_who_signs_up_on_a_device_is_the_contact_that_it_had(app):
    app("device", ANDROID)
    anonymous = owner_of(DEVICE)

    app("user", OLENA_SIGNED_IN | {"userAttributes": {"email": OLENA}})

    contact = Contact.objects.get(external_id="C-1")
    assert (contact.pk, contact.email) == (anonymous, OLENA)


def test_a_device_does_not_restore_a_deleted_contact_and_a_user_does(app):
    olena = make_contact("C-1")
    delete_contacts([olena], by="user:1")

    assert app("device", ANDROID | {"externalUserId": "C-1"}).status_code == 200
    assert Contact.objects.get(pk=olena).state == ContactState.DELETED

    assert app("user", OLENA_SIGNED_IN).status_code == 200
    assert Contact.objects.get(pk=olena).state == ContactState.ACTIVE


def test_a_deleted_contact_keeps_its_device_as_it_was_while_it_is_named(app):
    app("device", ANDROID | {"externalUserId": "C-1"})
    delete_contacts([owner_of(DEVICE)], by="user:1")

    app("device", ANDROID | {"externalUserId": "C-1", "pushToken": "push-2"})

    assert list(tokens_of_app()) == ["push-1"]


def test_the_device_of_a_deleted_contact_is_anonymous_again_with_its_token(app):
    app("device", ANDROID | {"externalUserId": "C-1"})
    olena = owner_of(DEVICE)
    delete_contacts([olena], by="user:1")

    app("device", {"deviceId": DEVICE, "appVersion": "3.3.0"})

    assert owner_of(DEVICE) != olena
    assert owner_of("push-1", Kind.MOBILE_PUSH) == owner_of(DEVICE)
    assert Contact.objects.get(pk=olena).state == ContactState.DELETED


def test_an_advertising_id_is_attached(app):
    app("device", ANDROID | {"advertisingId": "ad-1"})

    assert contact_of("ad-1", Kind.ADVERTISING) == contact_of(DEVICE)


# What counts only beside a user ID


@pytest.mark.parametrize("user_id", [None, "", "  ", "null", "0", "undefined", "x" * 101, {"id": 1}])
def test_phone_and_email_without_a_user_id_are_ignored_and_the_rest_is_written(app, user_id):
    device = ANDROID | {"externalUserId": user_id, "phone": OLENAS_PHONE, "email": OLENA}

    answer = app("device", device)

    assert answer.status_code == 200
    assert {("phone", "user_id_missing"), ("email", "user_id_missing")} <= set(paths_of(answer))
    contact = contact_of(DEVICE)
    assert (contact.phone, contact.email, contact.external_id) == (None, None, None)
    assert list(tokens_of_app()) == ["push-1"]


def test_phone_and_email_beside_a_user_id_are_the_contacts(app):
    app("device", ANDROID | {"externalUserId": 42, "phone": "050 111 22 33", "email": OLENA})

    contact = contact_of(DEVICE)
    assert (contact.external_id, contact.phone, contact.email) == ("42", OLENAS_PHONE, OLENA)


def test_a_strict_policy_lets_a_known_user_id_find_and_ignores_an_unknown_one(app):
    Policy.objects.create(tracking_may_set_external_id=False)
    olena = make_contact("C-1")

    assert app("device", ANDROID | {"externalUserId": "C-1"}).json() == {"warnings": []}
    answer = app("device", {"deviceId": "tablet", "externalUserId": "C-9"})

    assert owner_of(DEVICE) == olena
    assert paths_of(answer) == [("externalUserId", "external_id_ignored")]
    assert contact_of("tablet").external_id is None


def test_an_address_of_another_contact_that_the_policy_protects_is_left_out(app):
    Policy.objects.create(external_id_attaches_to_found=False)
    olena = resolve_one({"email": OLENA}, API, by="user:1").contact_id

    answer = app("user", OLENA_SIGNED_IN | {"userAttributes": {"email": OLENA, "firstName": "Olena"}})

    assert (answer.status_code, paths_of(answer)) == (200, [("userAttributes.email", "external_id_conflict")])
    assert str(olena) not in answer.content.decode()
    contact = Contact.objects.get(external_id="C-1")
    assert (contact.email, contact.first_name) == (None, "Olena")


def test_nothing_is_told_of_other_contacts(app):
    Policy.objects.create(external_ids_may_share_channels=False)
    make_contact("C-2", email=OLENA)
    app("user", OLENA_SIGNED_IN)

    answer = app("user", OLENA_SIGNED_IN | {"userAttributes": {"email": OLENA}})

    assert (answer.status_code, answer.json()) == (200, {"warnings": []})
    assert Contact.objects.get(external_id="C-1").email is None


# What is odd in one field


def test_what_is_odd_in_one_field_is_told_and_the_rest_is_written(app):
    answer = app(
        "device",
        ANDROID
        | {
            "externalUserId": "C-1",
            "phone": "hello",
            "email": "not an address",
            "pushSubscribed": "maybe",
            "deviceModel": {"name": "Pixel"},
            "osVersion": "x" * 501,
            "pushToken": ["a"],
            "advertisingId": "0",
        },
    )

    assert answer.status_code == 200
    assert set(paths_of(answer)) == {
        ("phone", "invalid_phone"),
        ("email", "invalid_email"),
        ("pushSubscribed", "invalid_boolean"),
        ("deviceModel", "not_text"),
        ("osVersion", "too_long"),
        ("pushToken", "not_text"),
        ("advertisingId", "junk_value"),
    }
    assert contact_of(DEVICE).external_id == "C-1"


def test_a_device_id_that_is_a_placeholder_does_not_cost_the_token(app):
    answer = app("device", ANDROID | {"deviceId": "00000000-0000-0000-0000-000000000000"})

    assert paths_of(answer) == [("deviceId", "junk_value")]
    assert list(tokens_of_app()) == ["push-1"]


@pytest.mark.parametrize("odd", ["a\0b", "null"])
def test_what_no_id_can_be_is_left_out(app, odd):
    device = app("device", ANDROID | {"externalUserId": "C-1", "deviceId": odd, "pushToken": odd, "osType": odd})
    user = app("user", OLENA_SIGNED_IN | {"externalUserId": odd, "userAttributes": {"firstName": odd}})
    events = app("events", {"deviceId": odd, "externalUserId": "C-1", "events": [event(params={"a": "b"})]})

    assert {answer.status_code for answer in (device, user, events)} == {200}
    assert {"deviceId", "pushToken"} <= {path for path, _code in paths_of(device)}
    assert events.json()["accepted"] == 1
    assert Contact.objects.filter(external_id="C-1").exists()


@pytest.mark.parametrize("body", [{}, {"deviceId": None}, {"deviceId": " "}, {"deviceId": {}}, {"deviceId": True}])
@pytest.mark.parametrize("name", ["device", "user", "events"])
def test_what_says_no_device_is_refused(app, name, body):
    answer = app(name, body)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "deviceId")


@pytest.mark.parametrize("name", ["device", "user", "events"])
@pytest.mark.parametrize("body", [b"[1]", b"{", b'"text"', b"\xff", b"1"])
def test_what_is_no_object_is_refused(app, name, body):
    assert app(name, body).status_code == 400


@pytest.mark.parametrize("name", ["device", "user", "events"])
def test_what_names_nobody_at_all_is_refused(app, name):
    answer = app(name, {"deviceId": "null", "events": [{"eventTypeKey": "appOpened"}]})

    assert (answer.status_code, answer.json()["code"]) == (400, "identifier_missing")


def test_a_body_that_is_broken_or_too_large_is_refused(app):
    assert app("device", b"{}", **{"Content-Encoding": "gzip"}).status_code == 400
    assert app("device", b"{}", **{"Content-Encoding": "br"}).status_code == 415
    assert app("device", {"deviceId": DEVICE, "x": "y" * 300_000}, packed=True).status_code == 413


# Users


def test_what_an_app_knows_of_a_person_is_written(app):
    CustomField.objects.create(key="tier", label="Tier")

    answer = app(
        "user",
        OLENA_SIGNED_IN
        | {
            "userAttributes": {
                "phone": OLENAS_PHONE,
                "email": OLENA,
                "firstName": "Olena",
                "lastName": None,
                "languageCode": "uk",
                "timeZone": "Europe/Kyiv",
                "address": {"town": "Kyiv", "postcode": None},
                "fields": [{"key": "tier", "value": "gold"}, {"key": "nothing", "value": 1}],
            }
        },
    )

    assert paths_of(answer) == [("userAttributes.fields[1].value", "unknown_field")]
    contact = Contact.objects.get(external_id="C-1")
    assert (contact.phone, contact.email, contact.first_name) == (OLENAS_PHONE, OLENA, "Olena")
    assert (contact.language_code, contact.time_zone, contact.town) == ("uk", "Europe/Kyiv", "Kyiv")
    assert contact.attributes == {"tier": "gold"}


def test_an_empty_value_clears_nothing(app):
    app("user", OLENA_SIGNED_IN | {"userAttributes": {"firstName": "Olena", "email": OLENA}})

    app("user", OLENA_SIGNED_IN | {"userAttributes": {"firstName": "", "email": None}})

    contact = Contact.objects.get(external_id="C-1")
    assert (contact.first_name, contact.email) == ("Olena", OLENA)


def test_a_person_joins_and_leaves_segments_and_agrees_to_categories(app):
    olena = make_contact("C-1")
    old = save_segment(Segment(name="Old ones", type=SegmentType.STATIC))

    answer = app("user", OLENA_SIGNED_IN | {"groupNamesInclude": ["Old ones", "New ones"], "subscriptionKeys": "news"})

    assert answer.json() == {"warnings": []}
    assert [member.pk for member in list_members(Segment.objects.get(name="New ones"))] == [olena]
    assert [member.pk for member in list_members(old)] == [olena]
    consent = Consent.objects.get()
    assert (consent.contact_id, consent.category, consent.granted) == (olena, "news", True)
    assert (consent.basis, consent.by) == ("app shop", "tracker:mobile")

    app("user", OLENA_SIGNED_IN | {"groupNamesExclude": ["Old ones", "No such one"], "subscriptionKeys": ["sales"]})

    assert list_members(old) == []
    assert set(Consent.objects.filter(granted=True).values_list("category", flat=True)) == {"news", "sales"}


def test_a_segment_that_cannot_be_joined_does_not_cost_the_rest(app):
    answer = app(
        "user", OLENA_SIGNED_IN | {"userAttributes": {"firstName": "Olena"}, "groupNamesInclude": ["x" * 201, "VIP"]}
    )

    assert paths_of(answer) == [("groupNamesInclude[0]", "invalid_name")]
    assert Contact.objects.get(external_id="C-1").first_name == "Olena"


# Events


def event(key="productViewed", **more):
    return {"eventTypeKey": key, "occurred": "2026-11-20T10:00:00.123Z", **more}


def test_events_are_recorded_on_the_contact_of_the_device(app):
    app("device", ANDROID)

    answer = app(
        "events", {"deviceId": DEVICE, "events": [event(params=[{"name": "product", "value": "Boots"}]), event("b")]}
    )

    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "warnings": []})
    [first, _second] = Event.objects.order_by("id")
    assert (first.contact_id, first.source, first.params) == (owner_of(DEVICE), "mobile", {"product": "Boots"})
    assert first.occurred_at == datetime(2026, 11, 20, 10, 0, 0, 123_000, tzinfo=UTC)


def test_a_call_that_is_sent_again_stores_its_events_once(app):
    app("device", ANDROID)
    body = {"deviceId": DEVICE, "events": [event(), event(), event(params={"a": 1})]}

    assert app("events", body).json()["accepted"] == 3
    assert app("events", body).json()["accepted"] == 3
    assert Event.objects.count() == 3


def test_the_same_event_of_another_device_is_another_event(app):
    app("device", ANDROID)
    app("device", {"deviceId": "tablet"})

    app("events", {"deviceId": DEVICE, "events": [event(keyValue="e-1")]})
    app("events", {"deviceId": "tablet", "events": [event()]})

    assert Event.objects.count() == 2


def test_events_of_a_device_that_is_not_known_yet_wait_for_it(app):
    answer = app("events", {"deviceId": DEVICE, "events": [event()]})

    assert answer.json() == {"accepted": 1, "warnings": []}
    assert Event.objects.count() == 0


def test_events_of_who_is_signed_in_are_hers(app):
    olena = make_contact("C-1")
    app("device", ANDROID)

    app("events", OLENA_SIGNED_IN | {"events": [event()]})

    assert Event.objects.get().contact_id == olena
    assert owner_of(DEVICE) == olena


def test_an_event_names_nobody_by_its_parameters(app):
    app("device", ANDROID)
    make_contact("C-2", email=BOHDAN)

    app("events", {"deviceId": DEVICE, "events": [event(params=[{"name": "email", "value": BOHDAN}])]})

    assert Event.objects.get().contact_id == owner_of(DEVICE)


def test_an_event_whose_time_cannot_be_is_of_the_moment_it_arrives(app):
    app("device", ANDROID)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    times = ["yesterday", tomorrow, "1969-12-31T00:00:00Z", None]

    answer = app(
        "events", {"deviceId": DEVICE, "events": [{"eventTypeKey": "opened", "occurred": time} for time in times]}
    )

    assert answer.json()["accepted"] == 4
    assert paths_of(answer) == [(f"events[{number}].occurred", "invalid_datetime") for number in range(3)]
    assert all(stored.occurred_at == stored.received_at for stored in Event.objects.all())


def test_an_event_that_cannot_be_stored_keeps_no_other_back(app):
    app("device", ANDROID)
    events = [{"params": []}, event("x" * 101), event(params=[{"value": 1}]), "text", event("good"), event("a\0b")]

    answer = app("events", {"deviceId": DEVICE, "events": events})

    assert answer.json()["accepted"] == 2
    assert set(paths_of(answer)) == {
        ("events[0].eventTypeKey", "required"),
        ("events[1].eventTypeKey", "too_long"),
        ("events[2].params[0].name", "required"),
        ("events[3]", "not_an_object"),
        ("events[5].eventTypeKey", "invalid_value"),
    }


def test_more_events_than_a_call_may_have_are_refused(app):
    answer = app("events", {"deviceId": DEVICE, "events": [event()] * 1_001})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_an_app_makes_no_more_than_people_can_look_through(app):
    app("device", ANDROID)
    fill_up(EventType, [EventType(key=f"type-{number}") for number in range(MOST_TYPES)], MOST_TYPES - 1)
    segments = [Segment(name=f"Segment {number}", type=SegmentType.STATIC) for number in range(MOST_MADE)]
    fill_up(Segment, segments, MOST_MADE - 1, type=SegmentType.STATIC)
    categories = [SubscriptionCategory(key=f"category-{number}") for number in range(MOST_MADE)]
    fill_up(SubscriptionCategory, categories, MOST_MADE - 1)

    events = app("events", {"deviceId": DEVICE, "events": [event("a"), event("type-1"), event("b")]})
    names = {"groupNamesInclude": ["segment 1", "a", "b"], "subscriptionKeys": ["category-1", "a", "b"]}
    user = app("user", OLENA_SIGNED_IN | names)

    assert (events.json()["accepted"], paths_of(events)) == (2, [("events[2].eventTypeKey", "too_many_types")])
    assert paths_of(user) == [("groupNamesInclude[2]", "too_many"), ("subscriptionKeys[2]", "too_many")]
    assert set(Consent.objects.values_list("category", flat=True)) == {"category-1", "a"}


def fill_up(model, rows, count, **which):
    model.objects.bulk_create(rows[: count - model.objects.filter(**which).count()])


# Keys


@pytest.mark.parametrize("key", ["", "nothing", "ca_00000000_" + "x" * 43])
def test_a_wrong_key_is_refused(app, key):
    answer = call_app(key)("device", ANDROID)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert HEADER in answer.json()["message"]
    assert not Contact.objects.exists()


def test_an_apps_key_opens_no_other_door(client, app):
    key = make_app()

    for header in ({HEADER: key}, {"Authorization": f"apiKey app:{key}"}):
        assert client.get("/api/v1/contacts", headers=header).status_code == 401


def test_the_servers_key_opens_no_door_for_apps(call_api):
    assert call_api("post", "/api/v1/device", ANDROID).status_code == 401


def test_too_many_calls_are_to_be_sent_again(app, settings):
    settings.CALLS_A_SECOND = {**settings.CALLS_A_SECOND, "app_addresses": 0}

    answer = app("device", ANDROID)

    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
