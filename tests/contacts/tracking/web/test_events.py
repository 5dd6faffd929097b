"""What pages of a website may send, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from contacts.keys import Kind
from contacts.models import Contact, Event, EventType, Identifier, Policy, Site
from contacts.tracking import types_made
from tests.contacts.tracking.web.conftest import BOHDANS_COOKIE, OLENAS_COOKIE, SHOP
from tests.people import OLENA

pytestmark = pytest.mark.django_db


def page_view(**more):
    return {"eventTypeKey": "pageView", "params": {"url": f"{SHOP}/boots?token=1#top"}, **more}


def test_a_visitor_has_events_and_no_contact(tell):
    answer = tell("events", events=[page_view(), {"eventTypeKey": "addToCart", "params": {"product": {"id": 7}}}])

    assert (answer.status_code, answer.content) == (204, b"")
    assert not Contact.objects.exists()
    cookie = Identifier.objects.get(kind=Kind.COOKIE)
    assert (cookie.app, cookie.value) == ("", OLENAS_COOKIE)
    stored = Event.objects.filter(contact_id=cookie.contact_id).order_by("id")
    assert [event.params for event in stored] == [page_view()["params"], {"product": {"id": 7}}]
    assert {event.source for event in stored} == {"web"}


def test_identify_makes_the_contact_and_the_history_joins(tell):
    tell("events", events=[page_view()])

    answer = tell("identify", email=OLENA, attributes={"firstName": "Olena", "languageCode": "uk"})

    assert answer.status_code == 204
    olena = Contact.objects.get()
    assert (olena.email, olena.first_name, olena.language_code) == (OLENA, "Olena", "uk")
    assert Event.objects.get().contact_id == olena.pk
    tell("events", events=[page_view()])
    assert set(Event.objects.values_list("contact_id", flat=True)) == {olena.pk}


def test_the_history_joins_somebody_who_was_there_before_and_nothing_of_hers_is_overwritten(tell, call_api):
    contact = {"firstName": "Olena", "channels": [{"type": "email", "value": OLENA}]}
    olena = call_api("post", "/api/v1/contact", contact).json()["id"]
    tell("events", events=[page_view()])

    answer = tell("identify", email=OLENA.upper(), phone="380501112233", attributes={"firstName": "X", "town": "Lutsk"})

    assert answer.status_code == 204
    found = Contact.objects.get()
    assert (found.pk, found.first_name, found.town, found.phone) == (olena, "Olena", "Lutsk", "+380501112233")
    assert Event.objects.get().contact_id == olena


def test_an_event_with_a_key_is_stored_once(tell):
    for _ in range(2):
        assert tell("events", events=[page_view(keyValue="k-1"), page_view(keyValue="k-1")]).status_code == 204

    assert Event.objects.count() == 1


def test_keys_of_two_sites_are_not_one(tell):
    other = Site.objects.create(name="Blog", origins=[SHOP])
    tell("events", events=[page_view(keyValue="k-1")])
    tell("events", {"key": other.key, "cookie": OLENAS_COOKIE, "events": [page_view(keyValue="k-1")]})

    assert Event.objects.count() == 2


def test_the_clock_of_a_browser_that_is_wrong_by_days_is_corrected(tell):
    now = datetime.now(UTC)
    shown, happened = now + timedelta(days=3), now + timedelta(days=3, minutes=-10)

    tell("events", sent=shown.isoformat(), events=[page_view(occurred=happened.isoformat()), page_view()])

    earlier, later = Event.objects.order_by("occurred_at")
    assert abs(earlier.occurred_at - (now - timedelta(minutes=10))) < timedelta(minutes=1)
    assert abs(later.occurred_at - now) < timedelta(minutes=1)


def test_a_slow_call_does_not_put_what_happened_first_behind_what_followed(tell):
    now = datetime.now(UTC)
    first, second = now - timedelta(seconds=6), now - timedelta(seconds=5)

    tell("events", sent=first.isoformat(), events=[page_view(occurred=first.isoformat())])  # 6 s on its way
    tell("events", sent=now.isoformat(), events=[page_view(occurred=second.isoformat())])

    assert list(Event.objects.order_by("id").values_list("occurred_at", flat=True)) == [first, second]


def test_an_event_of_the_future_happened_now(tell):
    tell("events", events=[page_view(occurred="2999-01-01T00:00:00Z")])

    assert Event.objects.get().occurred_at < datetime.now(UTC) + timedelta(minutes=1)


REFUSED_BODIES = {
    "no JSON": (b"{", "", "malformed"),
    "no object": ([1], "", "not_an_object"),
    "no cookie": ({"cookie": None, "events": [page_view()]}, "cookie", "invalid_cookie"),
    "a cookie that is too short": ({"cookie": "1234567", "events": [page_view()]}, "cookie", "invalid_cookie"),
    "a cookie that is an object": ({"cookie": {}, "events": [page_view()]}, "cookie", "invalid_cookie"),
    "no events": ({}, "events", "required"),
    "101 events": ({"events": [page_view()] * 101}, "events", "too_many"),
    "an event that is a text": ({"events": ["pageView"]}, "events[0]", "not_an_object"),
    "no type": ({"events": [{}]}, "events[0].eventTypeKey", "invalid_type"),
    "a type that is markup": ({"events": [{"eventTypeKey": "<b>"}]}, "events[0].eventTypeKey", "invalid_type"),
    "parameters that are a text": ({"events": [page_view(params="x")]}, "events[0].params", "invalid_value"),
    "no time": ({"events": [page_view(occurred="soon")]}, "events[0].occurred", "invalid_datetime"),
    "long ago": ({"events": [page_view(occurred="2020-01-01")]}, "events[0].occurred", "invalid_datetime"),
    "too long": ({"events": [page_view(params={"text": "я" * 11_000})]}, "events[0]", "too_long"),
    "a key that is a list": ({"events": [page_view(keyValue=["a"])]}, "events[0].keyValue", "invalid_value"),
    "NUL": ({"events": [page_view(params={"text": "\0"})]}, "events[0].params", "invalid_value"),
}


@pytest.mark.parametrize("case", REFUSED_BODIES)
def test_a_body_that_cannot_be_read_is_refused_with_the_path(tell, site, case):
    body, path, code = REFUSED_BODIES[case]
    sent = {"key": site.key, "cookie": OLENAS_COOKIE, **body} if isinstance(body, dict) else body

    answer = tell("events", sent)

    assert answer.status_code == 400
    told = answer.json()
    assert code in (told["code"], *(error["code"] for error in told["errors"]))
    if path:
        assert [error["path"] for error in told["errors"]] == [path]
    assert not Event.objects.exists()


def test_what_is_wrong_with_one_event_keeps_no_other_back(tell):
    answer = tell("events", events=[page_view(), page_view(occurred="2020-01-01"), page_view(params=[1])])

    assert answer.status_code == 200
    assert [reason["path"] for reason in answer.json()["reasons"]] == ["events[1].occurred", "events[2].params"]
    assert Event.objects.count() == 1


def test_parameters_may_come_as_servers_send_them(tell):
    tell("events", events=page_view(params=[{"name": "size", "value": 38}]))

    assert Event.objects.get().params == {"size": 38}


ORIGINS = {
    # case: (listed, origin, is let in)
    "listed": ([SHOP], SHOP, True),
    "another scheme": ([SHOP], "http://shop.example.com", False),
    "another port": ([SHOP], f"{SHOP}:8443", False),
    "one that begins alike": ([SHOP], f"{SHOP}.evil.com", False),
    "a subdomain": (["https://*.example.com"], SHOP, True),
    "a subdomain of it": (["https://*.example.com"], "https://a.shop.example.com", True),
    "the domain itself": (["https://*.example.com"], "https://example.com", False),
    "one that ends alike": (["https://*.example.com"], "https://evilexample.com", False),
    "nothing before the dot": (["https://*.example.com"], "https://.example.com", False),
    "a frame of nowhere": ([SHOP], "null", False),
    "not from a page": ([SHOP], "", False),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_a_page_is_let_in_from_an_address_that_is_listed(tell, site, case):
    site.origins, origin, is_let_in = ORIGINS[case]
    site.save()

    answer = tell("events", events=[page_view()], headers={"Origin": origin})

    assert answer.status_code == (204 if is_let_in else 403)
    assert answer.get("Access-Control-Allow-Origin") == (origin if is_let_in else None)
    assert answer.get("Cross-Origin-Resource-Policy") == ("cross-origin" if is_let_in else "same-origin")
    assert Event.objects.exists() == is_let_in
    assert "Origin" in answer["Vary"]


def test_a_page_may_read_why_it_was_refused_and_a_strange_one_may_not(tell):
    assert tell("events", cookie="").get("Access-Control-Allow-Origin") == SHOP
    assert tell("events", cookie="", headers={"Origin": "https://evil.com"}).get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("key", ["w_nowhere", "", 7, None, "\0", "ключ", {"a": 1}])
def test_a_site_that_is_unknown_is_refused(tell, key):
    answer = tell("events", {"key": key, "cookie": OLENAS_COOKIE, "events": [page_view()]})

    assert (answer.status_code, answer.json()["code"]) == (403, "site_unknown")


def test_a_site_that_is_off_takes_nothing(tell, site):
    site.is_active = False
    site.save()

    assert tell("events", events=[page_view()]).status_code == 403
    assert not Event.objects.exists()


def test_the_key_may_stand_in_the_address(tell, site):
    answer = tell(f"events?key={site.key}", {"cookie": OLENAS_COOKIE, "events": [page_view()]})

    assert answer.status_code == 204
    assert Event.objects.exists()


def test_a_browser_that_asks_before_is_told_that_it_may(site):
    asked = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}

    for address in ("/api/v1/web/events", f"/api/v1/web/events?key={site.key}"):
        answer = Client().options(address, headers=asked)
        assert answer.status_code == 204
        assert answer["Access-Control-Allow-Origin"] == SHOP
        assert "Content-Type" in answer["Access-Control-Allow-Headers"]
    answer = Client().options("/api/v1/web/events", headers={**asked, "Origin": "https://evil.com"})
    assert answer.get("Access-Control-Allow-Origin") is None


UNWANTED = {
    "Googlebot": {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    "AhrefsBot": {"User-Agent": "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"},
    "Lighthouse": {"User-Agent": "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Chrome-Lighthouse"},
    "Do Not Track": {"DNT": "1"},
    "Global Privacy Control": {"Sec-GPC": "1"},
}


@pytest.mark.parametrize("case", UNWANTED)
def test_what_nobody_wants_is_thrown_away_without_a_word(tell, case):
    for what, told in (("events", {"events": [page_view()]}), ("identify", {"email": OLENA})):
        answer = tell(what, headers=UNWANTED[case], **told)
        assert (answer.status_code, answer.content) == (204, b"")
    assert not Event.objects.exists()
    assert not Identifier.objects.exists()


def test_a_phone_whose_maker_is_called_cubot_is_no_bot(tell):
    tell(
        "events", events=[page_view()], headers={"User-Agent": "Mozilla/5.0 (Linux; Android 13; CUBOT_X70) Chrome/142"}
    )

    assert Event.objects.count() == 1


def test_a_site_may_take_no_notice_of_do_not_track(tell, site):
    site.honours_signals = False
    site.save()

    tell("events", events=[page_view()], headers={"DNT": "1"})

    assert Event.objects.count() == 1


def test_where_consent_comes_first_nothing_is_stored_without_it(tell, site):
    site.needs_consent = True
    site.save()

    assert tell("events", events=[page_view()]).status_code == 204
    assert tell("identify", email=OLENA).status_code == 204
    assert not Identifier.objects.exists()
    tell("events", events=[page_view()], consent=True)
    assert Event.objects.count() == 1


REFUSED_PEOPLE = {
    "nobody": ({}, {"": "identifier_missing"}),
    "attributes alone": ({"attributes": {"firstName": "Olena"}}, {"": "identifier_missing"}),
    "a broken email": ({"email": "olena"}, {"email": "invalid_email", "": "identifier_missing"}),
    "junk": ({"externalCustomerId": "undefined"}, None),
    "a list": ({"email": ["a@b.com", "b@b.com", "c@b.com"]}, {"email": "too_many_values", "": "identifier_missing"}),
}


@pytest.mark.parametrize("case", REFUSED_PEOPLE)
def test_who_names_nobody_is_refused_and_stays_a_visitor(tell, case):
    told, errors = REFUSED_PEOPLE[case]

    answer = tell("identify", **told)

    if errors is not None:
        assert answer.status_code == 400
        assert {error["path"]: error["code"] for error in answer.json()["errors"]} == errors
    assert not Contact.objects.exists()


def test_what_cannot_be_read_of_somebody_is_left_out_and_told(tell):
    told = {"email": OLENA, "phone": "12", "attributes": {"firstName": "O" * 41, "size": "38", "lastName": "Koval"}}

    answer = tell("identify", **told)

    assert answer.status_code == 200
    reasons = {reason["path"]: reason["code"] for reason in answer.json()["reasons"]}
    assert reasons == {
        "phone": "invalid_phone",
        "attributes.firstName": "too_long",
        "attributes.size": "unknown_field",
    }
    assert Contact.objects.get().last_name == "Koval"


def test_a_field_that_people_are_matched_by_is_not_filled_from_a_page(tell):
    from contacts.models import CustomField

    CustomField.objects.create(key="tier", label="Tier")
    CustomField.objects.create(key="card", label="Card", can_be_key=True)

    answer = tell("identify", email=OLENA, attributes={"tier": "Gold", "card": "1234", "contact_key": "1", "id": "1"})

    paths = {reason["path"] for reason in answer.json()["reasons"]}
    assert paths == {"attributes.card", "attributes.contact_key", "attributes.id"}
    assert Contact.objects.get().attributes == {"tier": "Gold"}


def test_an_unknown_external_id_is_taken_or_ignored_as_the_policy_says(tell):
    assert tell("identify", email=OLENA, externalCustomerId="C-1").status_code == 204
    Policy.objects.create(tracking_may_set_external_id=False)

    answer = tell("identify", cookie=BOHDANS_COOKIE, email="bohdan@example.com", externalCustomerId="C-2")

    assert [reason["code"] for reason in answer.json()["reasons"]] == ["external_id_ignored"]
    assert list(Contact.objects.order_by("pk").values_list("external_id", flat=True)) == ["C-1", None]
    assert tell("identify", cookie="another-cookie", externalCustomerId="C-1").status_code == 204
    assert Contact.objects.count() == 2


def test_nobody_learns_whether_somebody_is_known(tell, call_api):
    call_api("post", "/api/v1/contact", {"channels": [{"type": "email", "value": OLENA}], "externalCustomerId": "C-1"})

    known = tell("identify", email=OLENA)
    unknown = tell("identify", email="nobody-else@example.com", cookie=BOHDANS_COOKIE)

    assert known.content == unknown.content
    assert known.status_code == unknown.status_code


def test_somebody_else_at_the_same_browser_is_a_contact_of_her_own(tell):
    tell("identify", email=OLENA)
    tell("identify", email="bohdan@example.com")

    assert Contact.objects.count() == 2


def test_a_burst_from_one_address_has_to_wait(tell, settings):
    settings.WEB_CALLS_OF_ADDRESS = 2

    statuses = [tell("events", events=[page_view()], address="10.0.0.1").status_code for _ in range(12)]

    assert statuses[:2] == [204, 204]
    assert 429 in statuses


def test_a_burst_of_one_site_has_to_wait_and_may_read_that(tell, settings):
    settings.WEB_CALLS_A_SECOND = 1

    answers = [tell("events", events=[page_view()]) for _ in range(12)]

    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert late[0]["Access-Control-Allow-Origin"] == SHOP
    assert late[0]["Retry-After"] == "1"


def test_nobody_makes_more_types_than_can_be_looked_through(tell):
    EventType.objects.bulk_create(EventType(key=f"type {number}") for number in range(types_made.MOST_TYPES - 1))

    answer = tell("events", events=[{"eventTypeKey": "quagga"}, {"eventTypeKey": "zebra"}, {"eventTypeKey": "type 1"}])

    assert [reason["code"] for reason in answer.json()["reasons"]] == ["too_many_types"]
    assert answer.json()["reasons"][0]["path"] == "events[1].eventTypeKey"
    assert Event.objects.count() == 2


def test_a_type_that_cannot_be_stored_is_told(tell):
    answer = tell("events", events=[{"eventTypeKey": "page\0View"}, {"eventTypeKey": "pageView"}])

    assert answer.status_code == 200, answer.content
    assert [reason["path"] for reason in answer.json()["reasons"]] == ["events[0].eventTypeKey"]
    assert Event.objects.count() == 1


def test_a_site_shows_its_last_events_without_a_word_of_whose_they_are(tell, site):
    tell("events", events=[page_view(), {"eventTypeKey": "addToCart"}])

    site.refresh_from_db()
    assert site.last_origin == SHOP
    assert [(event["type"], event["page"]) for event in site.latest] == [
        ("addToCart", ""),
        ("pageView", "shop.example.com/boots"),
    ]


def test_a_get_is_no_call(site):
    assert Client(REMOTE_ADDR="10.0.0.2").get(f"/api/v1/web/events?key={site.key}").status_code == 405
