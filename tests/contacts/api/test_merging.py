"""Merging, undoing, explaining and the journal, through the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contacts.identity import delete_contacts, erase_contacts, merge_contacts, suppress_addresses
from contacts.models import Change, ChannelState, Contact, ContactState, CustomField, Identifier, Merge

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(call_api):
    def send(**body: Any) -> int:
        return call_api("post", "/api/v1/contact", body).json()["id"]

    return send


@pytest.fixture
def olena(send) -> int:
    return send(externalCustomerId="C-1", firstName="Olena", channels=[{"type": "email", "value": "olena@example.com"}])


@pytest.fixture
def olha(send) -> int:
    return send(
        externalCustomerId="C-2",
        firstName="Olha",
        lastName="Koval",
        channels=[{"type": "sms", "value": "+380501234567"}],
    )


def path_of(contact_id: int, verb: str = "merge") -> str:
    return f"/api/v1/contact/{contact_id}/{verb}"


def paths_of(answer: Any) -> dict[str, str]:
    return {error["path"]: error["code"] for error in answer.json()["errors"]}


# Merging


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_merge_answers_with_its_ids(call_api, olena, olha, slash):
    answer = call_api("post", path_of(olena) + slash, {"loserId": str(olha)})

    merge = Merge.objects.get()
    assert answer.json() == {"mergeId": merge.pk, "survivorId": olena, "loserId": olha}
    assert merge.by.startswith("key:")
    shown = call_api("get", f"/api/v1/contact/{olha}").json()
    assert (shown["id"], shown["firstName"], shown["lastName"]) == (olena, "Olena", "Koval")


def test_a_field_may_be_the_losers(call_api, olena, olha):
    CustomField.objects.create(key="tier", label="Tier")
    choices = {"firstName": "loser", "_surname": "survivor", "tier": "loser"}

    call_api("post", path_of(olena), {"loserId": olha, "choices": choices})

    assert Contact.objects.get(pk=olena).first_name == "Olha"


def test_a_merge_can_be_looked_at_beforehand(call_api, olena, olha):
    before = Change.objects.count()

    answer = call_api("post", path_of(olena) + "?dryRun=true", {"loserId": olha, "choices": {"firstName": "loser"}})

    told = answer.json()
    assert (told["dryRun"], told["survivorId"], told["loserId"]) == (True, olena, olha)
    assert told["before"]["firstName"] == "Olena"
    assert (told["after"]["firstName"], told["after"]["lastName"]) == ("Olha", "Koval")
    assert {"type": "sms", "value": "+380501234567"} in told["after"]["channels"]
    assert not Merge.objects.exists()
    assert Change.objects.count() == before
    assert set(Contact.objects.values_list("state", flat=True)) == {ContactState.ACTIVE}
    assert Identifier.objects.filter(contact_id=olha).count() == 2


def test_ids_of_merged_contacts_mean_their_survivors(call_api, send, olena, olha):
    merge_contacts(olha, send(externalCustomerId="C-3"), by="user:1")
    third = Merge.objects.get().loser_id

    answer = call_api("post", path_of(olena), {"loserId": third})

    assert answer.json()["loserId"] == olha


REFUSED = {
    "nobody": ({}, {"loserId": "required"}),
    "null": ({"loserId": None}, {"loserId": "required"}),
    "a text": ({"loserId": "Olha"}, {"loserId": "required"}),
    "yes": ({"loserId": True}, {"loserId": "required"}),
    "a huge number": ({"loserId": 10**400}, {"loserId": "required"}),
    "a list": ([1], {"loserId": "required"}),
    "an unknown field": ({"loserId": 1, "choices": {"mood": "loser"}}, {"choices.mood": "unknown_field"}),
    "a field nobody writes": ({"loserId": 1, "choices": {"state": "loser"}}, {"choices.state": "unknown_field"}),
    "an unknown side": ({"loserId": 1, "choices": {"town": "both"}}, {"choices.town": "unknown_side"}),
    "a strange side": ({"loserId": 1, "choices": {"town": ["loser"]}}, {"choices.town": "unknown_side"}),
    "strange choices": ({"loserId": 1, "choices": ["town"]}, {"choices": "not_an_object"}),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("query", ["", "?dryRun=1"])
def test_a_merge_that_cannot_be_read_is_refused(call_api, olena, body, paths, query):
    answer = call_api("post", path_of(olena) + query, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert paths_of(answer) == paths


@pytest.mark.parametrize("query", ["", "?dryRun=true"])
def test_a_merge_that_cannot_be_is_a_conflict(call_api, olena, olha, query):
    itself = call_api("post", path_of(olena) + query, {"loserId": olena})
    delete_contacts([olena], by="user:1")
    into_deleted = call_api("post", path_of(olena) + query, {"loserId": olha})

    for answer in (itself, into_deleted):
        assert (answer.status_code, answer.json()["code"]) == (409, "merge_refused")


@pytest.mark.parametrize("query", ["", "?dryRun=true"])
def test_who_is_not_there_is_not_merged(call_api, olena, olha, query):
    erase_contacts([olha], by="user:1")

    for survivor, loser in ((olena, olha), (olha, olena), (olena, 999_999), (2**63 - 1, olena)):
        answer = call_api("post", path_of(survivor) + query, {"loserId": loser})
        assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")
        assert (
            f"id='{olha if olha in (survivor, loser) else max(survivor, loser)}' not found" in answer.json()["message"]
        )


@pytest.mark.parametrize(
    ("scope", "query", "status"),
    [
        ("read", "", 403),
        ("read", "?dryRun=true", 200),
        ("contacts_and_events_write", "", 403),
        ("contacts_and_events_write", "?dryRun=true", 403),
        ("contacts_and_events", "", 200),
        ("events", "?dryRun=true", 403),
    ],
)
def test_a_merge_takes_the_right_to_delete_and_a_look_the_right_to_read(call_api, olena, olha, scope, query, status):
    assert call_api("post", path_of(olena) + query, {"loserId": olha}, scope=scope).status_code == status


def test_a_flag_that_is_neither_yes_nor_no_merges_nobody(call_api, olena, olha):
    answer = call_api("post", path_of(olena) + "?dryRun=perhaps", {"loserId": olha})

    assert paths_of(answer) == {"dryRun": "invalid_boolean"}
    assert not Merge.objects.exists()


# Undoing


def test_a_merge_is_taken_back_and_what_stayed_is_told(call_api, olena, olha):
    merge_id = call_api("post", path_of(olena), {"loserId": olha}).json()["mergeId"]
    call_api("put", f"/api/v1/contact/{olena}", {"lastName": "Melnyk"})

    answer = call_api("post", f"/api/v1/merges/{merge_id}/undo/")

    told = answer.json()
    assert (told["mergeId"], told["survivorId"], told["loserId"]) == (merge_id, olena, olha)
    assert told["left"] == [{"what": "last_name", "value": "Koval", "why": "It was changed since."}]
    assert call_api("get", f"/api/v1/contact/{olha}").json()["id"] == olha


def test_a_merge_is_taken_back_once(call_api, olena, olha):
    merge_id = merge_contacts(olena, olha, by="user:1")
    call_api("post", f"/api/v1/merges/{merge_id}/undo")

    answer = call_api("post", f"/api/v1/merges/{merge_id}/undo")

    assert (answer.status_code, answer.json()["code"]) == (409, "merge_refused")


def test_a_later_merge_is_taken_back_first(call_api, send, olena, olha):
    merge_id = merge_contacts(olena, olha, by="user:1")
    merge_contacts(send(externalCustomerId="C-3"), olena, by="user:1")

    answer = call_api("post", f"/api/v1/merges/{merge_id}/undo")

    assert (answer.status_code, answer.json()["code"]) == (409, "undo_later_merge_first")


@pytest.mark.parametrize("merge_id", [999_999, 2**63 - 1, 2**63, "first", 0])
def test_a_merge_that_never_was_is_not_found(call_api, merge_id):
    assert call_api("post", f"/api/v1/merges/{merge_id}/undo").status_code == 404


@pytest.mark.parametrize(
    ("scope", "status"), [("read", 403), ("contacts_and_events_write", 403), ("contacts_and_events", 200)]
)
def test_an_undo_takes_the_right_to_delete(call_api, olena, olha, scope, status):
    merge_id = merge_contacts(olena, olha, by="user:1")

    assert call_api("post", f"/api/v1/merges/{merge_id}/undo", scope=scope).status_code == status


# Explaining


@pytest.mark.parametrize(
    ("query", "matched_by"),
    [
        ({"externalCustomerId": "C-1"}, "external_id"),
        ({"email": " OLENA@example.com "}, "email"),
        ({"email": ["nobody@example.com", "olena@example.com"]}, None),
        ({"sms": "050 111 22 33"}, None),
        ({"id": "OLENA"}, "id"),
        ({"loyalty": "L-1"}, "loyalty"),
        ({"cookie": "cookie-1", "unheardOf": "1"}, "cookie"),
        ({"mobilepush": "push-1", "app": "shop"}, "mobile_push"),
    ],
)
def test_a_decision_is_explained_and_nothing_written(call_api, send, query, matched_by):
    field = CustomField.objects.create(key="loyalty", label="Loyalty card", can_be_key=True)
    olena = send(
        externalCustomerId="C-1",
        channels=[
            {"type": "email", "value": "olena@example.com"},
            {"type": "mobilepush", "value": "push-1", "device": {"appId": "shop"}},
        ],
        fields=[{"id": field.pk, "value": "L-1"}],
        identifiers=[{"kind": "cookie", "value": "cookie-1"}],
    )
    query = {name: olena if value == "OLENA" else value for name, value in query.items()}
    journal = Change.objects.count()

    told = call_api("get", "/api/v1/resolve/", query).json()

    assert told["dryRun"] is True
    if matched_by:
        assert (told["contactId"], told["matchedBy"]) == (olena, matched_by)
        assert told["steps"] or matched_by == "id"
    else:
        assert (told["contactId"], told["status"]) == (None, "created")
    assert (Contact.objects.count(), Change.objects.count()) == (1, journal)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "identifier_missing"),
        ({"email": " "}, 400, "identifier_missing"),
        ({"externalCustomerId": "null"}, 400, "identifier_missing"),
        ({"email": "olena"}, 400, "invalid"),
        ({"sms": "12"}, 400, "invalid"),
        ({"cookie": "a\0"}, 400, "invalid"),
        ({"externalCustomerId": "x" * 101}, 400, "invalid"),
        ({"id": "seven"}, 400, "invalid"),
        ({"id": "9" * 30}, 400, "invalid"),
        ({"id": 999_999}, 404, "contact_not_found"),
        ({"email": ["a@a.io", "b@a.io", "c@a.io"]}, 400, "invalid"),
    ],
)
def test_what_cannot_be_explained_is_refused(call_api, query, status, code):
    answer = call_api("get", "/api/v1/resolve", query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if code == "invalid":
        assert list(paths_of(answer)) == list(query)


def test_a_conflict_is_explained_too(call_api, olena, olha):
    answer = call_api("get", "/api/v1/resolve", {"id": olena, "externalCustomerId": "C-2"})

    assert (answer.status_code, answer.json()["code"]) == (409, "external_id_taken")
    assert list(paths_of(answer)) == ["externalCustomerId"]


@pytest.mark.parametrize(
    ("scope", "status"),
    [("read", 200), ("contacts_and_events", 200), ("contacts_and_events_write", 403), ("events", 403)],
)
@pytest.mark.parametrize("path", ["/api/v1/resolve?email=olena@example.com", "/api/v1/contact/{id}/history"])
def test_reading_takes_the_right_to_read(call_api, olena, path, scope, status):
    assert call_api("get", path.format(id=olena), scope=scope).status_code == status


# The journal


def test_the_journal_tells_what_changed_the_newest_first(call_api, olena):
    call_api("put", f"/api/v1/contact/{olena}", {"firstName": "Olenka", "address": {"town": "Lviv"}})
    delete_contacts([olena], by="user:1")

    answer = call_api("get", path_of(olena, "history") + "/")

    deleted, updated, created = answer.json()
    assert answer["TotalCount"] == "3"
    assert (deleted["kind"], deleted["by"]) == ("deleted", "user:1")
    assert updated["kind"] == "updated"
    assert updated["before"] == {"firstName": "Olena"}
    assert updated["after"] == {"firstName": "Olenka", "address": {"town": "Lviv"}}
    assert created["kind"] == "created"
    assert created["after"]["externalCustomerId"] == "C-1"
    assert {entry["contactId"] for entry in answer.json()} == {olena}


def test_the_journal_comes_in_pages(call_api, olena):
    for town in ("Kyiv", "Lviv", "Lutsk"):
        call_api("put", f"/api/v1/contact/{olena}", {"address": {"town": town}})

    answer = call_api("get", path_of(olena, "history"), {"startindex": 2, "maxrows": "2"})

    assert [entry["after"]["address"]["town"] for entry in answer.json()] == ["Lviv", "Kyiv"]
    assert answer["TotalCount"] == "4"


def test_a_merge_names_the_other_contact(call_api, olena, olha):
    merge_id = merge_contacts(olena, olha, by="user:1")

    (entry,) = call_api("get", path_of(olha, "history"), {"kind": "merged"}).json()

    assert (entry["contactId"], entry["loserId"], entry["rule"]) == (olena, olha, "person")
    assert entry["mergeId"] == merge_id


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({"kind": "deleted"}, ["deleted"]),
        ({"by": "user:1"}, ["deleted"]),
        ({"by": "user:2"}, []),
        ({"since": "2020-01-01T00:00:00Z"}, ["deleted", "created"]),
        ({"since": "2020-01-01"}, ["deleted", "created"]),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"kind": " ", "unheardOf": "1"}, ["deleted", "created"]),
    ],
)
def test_the_journal_is_narrowed(call_api, olena, query, kinds):
    delete_contacts([olena], by="user:1")

    assert [entry["kind"] for entry in call_api("get", path_of(olena, "history"), query).json()] == kinds


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"kind": "vanished"}, "kind"),
        ({"since": "yesterday"}, "since"),
        ({"by": "a\0"}, "by"),
        ({"maxrows": "many"}, "maxrows"),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_named(call_api, olena, query, path):
    answer = call_api("get", path_of(olena, "history"), query)

    assert answer.status_code == 400
    assert list(paths_of(answer)) == [path]


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0451-04-15T19:55:50.504870-23:57", "2026-01-01+99:99"],
)
@pytest.mark.parametrize("name", ["since", "until"])
def test_the_ends_of_time_are_no_trouble(call_api, olena, name, moment):
    assert call_api("get", path_of(olena, "history"), {name: moment}).status_code in (200, 400)


def test_the_state_of_an_address_is_told_in_words(call_api, olena):
    suppress_addresses(["olena@example.com"], ChannelState.UNSUBSCRIBED, by="user:1")

    entry = call_api("get", path_of(olena, "history")).json()[0]

    assert entry["after"]["emailState"] == "unsubscribed"


def test_what_was_erased_of_another_contact_stays_erased(call_api, send, olena):
    taras = send(externalCustomerId="C-9", identifiers=[{"kind": "device", "value": "device-1"}])
    call_api("put", f"/api/v1/contact/{olena}", {"identifiers": [{"kind": "device", "value": "device-1"}]})
    erase_contacts([taras], by="user:1")

    answer = call_api("get", path_of(olena, "history"))

    assert [entry["after"].get("erased", False) for entry in answer.json()] == [True, False]
    assert b"device-1" not in answer.content
    assert call_api("get", path_of(taras, "history")).status_code == 404
