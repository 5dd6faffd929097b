"""One segment through the API: what it means, why somebody is in it, keeping who is in it now."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from contacts.identity import delete_contacts, merge_contacts
from contacts.models import Contact
from segments.api import views
from segments.catalogue import save_segment
from segments.membership import list_members
from segments.models import Membership, Segment, SegmentType
from tests.segments.people import NOW
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db

KYIV = {"all": [ask("town", "is", "Kyiv"), ask("email", "is_empty", **{"not": True})]}


@pytest.fixture
def in_kyiv() -> Segment:
    return save_segment(Segment(name="In Kyiv", definition=define(KYIV), description="For the shop."))


@pytest.fixture
def olena(call_api) -> int:
    number: int = call_api(
        "post", "/api/v1/contact", {"externalCustomerId": "C-1", "address": {"town": "Kyiv"}}
    ).json()["id"]
    return number


def explain(call_api: Any, segment: Segment, contact_id: int) -> Any:
    return call_api("get", f"/api/v1/group/{segment.pk}/contacts/{contact_id}/explain")


def test_a_segment_tells_its_conditions_in_words_and_as_json_and_who_uses_it(call_api, in_kyiv):
    user = save_segment(Segment(name="User", definition=define(ask("segment", "in", in_kyiv.pk))))

    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}")

    assert answer.json() == {
        "id": in_kyiv.pk,
        "name": "In Kyiv",
        "type": "Dynamic",
        "description": "For the shop.",
        "definition": define(KYIV),
        "sentence": "Town is “Kyiv” and not (Email is empty).",
        "errors": [],
        "usedBy": [{"id": user.pk, "name": "User"}],
    }


def test_a_segment_whose_conditions_are_broken_says_where(call_api, in_kyiv):
    Segment.objects.filter(pk=in_kyiv.pk).update(definition=define(ask("gone", "is", "1")))

    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}").json()

    assert answer["sentence"] == ""
    assert answer["errors"] == ["match.field: There is no such field. Choose a field that exists."]


def test_each_condition_is_told_with_what_was_found(call_api, in_kyiv, olena):
    answer = explain(call_api, in_kyiv, olena).json()

    assert (answer["groupId"], answer["contactId"], answer["isMember"], answer["isActive"]) == (
        in_kyiv.pk,
        olena,
        False,
        True,
    )
    assert answer["exclude"] is None
    assert answer["match"] == {
        "holds": False,
        "path": "match",
        "negated": False,
        "combine": "all",
        "children": [
            {"holds": True, "path": "match.all[0]", "negated": False, "sentence": "Town is “Kyiv”", "actual": "Kyiv"},
            {"holds": False, "path": "match.all[1]", "negated": True, "sentence": "Email is empty", "actual": None},
        ],
    }


def test_a_named_segment_is_explained_in_its_place(call_api, in_kyiv, olena):
    friends = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    call_api("post", f"/api/v1/group/{friends.pk}/contacts/attach", {"contactIds": [olena]})
    match = {"any": [ask("segment", "in", friends.pk), ask("segment", "in", in_kyiv.pk)]}
    outer = save_segment(Segment(name="Outer", definition=define(match)))

    first, second = explain(call_api, outer, olena).json()["match"]["children"]

    assert "actual" not in first
    assert (first["holds"], first["group"]["name"], first["group"]["match"]) == (True, "Friends", None)
    assert first["group"]["addedBy"].startswith("key:")
    assert first["group"]["addedAt"]
    assert second["group"]["match"]["children"][0]["actual"] == "Kyiv"


def test_a_merged_contact_is_explained_as_its_survivor_and_a_deleted_one_is_in_nothing(call_api, in_kyiv, olena):
    other = call_api("post", "/api/v1/contact", {"externalCustomerId": "C-2"}).json()["id"]
    merge_contacts(olena, other, by="user:1")

    assert explain(call_api, in_kyiv, other).json()["contactId"] == olena

    delete_contacts([olena], by="user:1")
    answer = explain(call_api, in_kyiv, olena).json()
    assert (answer["isMember"], answer["isActive"], answer["match"]) == (False, False, None)


@pytest.mark.parametrize("contact_id", [10**15, 2**63 - 1])
def test_an_unknown_contact_or_segment_is_not_found(call_api, in_kyiv, contact_id, olena):
    assert explain(call_api, in_kyiv, contact_id).status_code == 404
    for path in ("", f"/contacts/{olena}/explain"):
        assert call_api("get", f"/api/v1/group/999999{path}").status_code == 404


def test_an_explanation_of_broken_conditions_says_where(call_api, in_kyiv, olena):
    Segment.objects.filter(pk=in_kyiv.pk).update(definition=define({"all": [ask("gone", "is", "1")]}))

    answer = explain(call_api, in_kyiv, olena)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "match.all[0].field"


# Snapshots


def test_a_snapshot_is_a_static_segment_of_its_own(call_api, olena):
    segment = save_segment(Segment(name="In Kyiv", definition=define(ask("town", "is", "Kyiv"))))

    answer = call_api("post", f"/api/v1/group/{segment.pk}/snapshot", {"name": " Kept "})

    kept = Segment.objects.get(name="Kept")
    assert answer.json() == {"id": kept.pk, "name": "Kept", "type": "Static", "isFinished": True}
    assert [contact.pk for contact in list_members(kept)] == [olena]
    assert Membership.objects.get(segment=kept).by.startswith("key:")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ([], "required"),
        ({"name": " "}, "required"),
        ({"name": ["Kept"]}, "required"),
        ({"name": True}, "required"),
        ({"name": "x" * 201}, "too_long"),
        ({"name": "a\0b"}, "invalid"),
        ({"name": "IN kyiv"}, "taken"),
    ],
)
def test_a_name_that_cannot_be_is_refused(call_api, in_kyiv, body, code):
    before = Segment.objects.count()

    answer = call_api("post", f"/api/v1/group/{in_kyiv.pk}/snapshot", body)

    assert answer.status_code == 400
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("name", code)]
    assert Segment.objects.count() == before


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        ("get", "", "read", 200),
        ("get", "", "events", 403),
        ("get", "/contacts/{olena}/explain", "read", 200),
        ("get", "/contacts/{olena}/explain", "contacts_and_events_write", 403),
        ("post", "/snapshot", "read", 403),
        ("post", "/snapshot", "contacts_and_events_write", 200),
    ],
)
def test_a_key_does_what_its_scope_allows(call_api, in_kyiv, olena, method, path, scope, status):
    body = {"name": "Kept"} if method == "post" else None

    address = f"/api/v1/group/{in_kyiv.pk}{path.format(olena=olena)}"

    assert call_api(method, address, body, scope=scope).status_code == status


# What takes too long


@pytest.mark.django_db(transaction=True)
def test_a_page_that_takes_too_long_is_stopped_and_says_so(call_api, monkeypatch):
    monkeypatch.setattr(views, "PAGE_MILLISECONDS", 50)
    buyers = save_segment(Segment(name="Buyers", definition=define({"field": "orders", "op": "did"})))
    Contact.objects.create(first_name="Olena", created_at=NOW, updated_at=NOW)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE contacts_order IN ACCESS EXCLUSIVE MODE")
        answer = call_api("get", f"/api/v1/group/{buyers.pk}/contacts")
    finally:
        other.close()

    assert answer.status_code == 503
    assert answer.json()["code"] == "took_too_long"


def test_a_count_that_takes_too_long_is_left_out_and_says_so(call_api, olena, monkeypatch):
    """The page has all the time it needs, and the count of a crowd a millisecond."""
    monkeypatch.setattr(views, "COUNT_MILLISECONDS", 1)
    segment = save_segment(Segment(name="Slow", definition=define(ask("town", "contains", "yiv"))))
    Contact.objects.bulk_create(Contact(town="Kyiv", created_at=NOW, updated_at=NOW) for _number in range(20_000))

    answer = call_api("get", f"/api/v1/group/{segment.pk}/contacts", {"maxrows": 1})

    assert [contact["id"] for contact in answer.json()] == [olena]
    assert answer["TotalCountStopped"] == "true"
    assert "TotalCount" not in answer
