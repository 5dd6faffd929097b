"""Segments through the API: which there are, who is in one, putting contacts in and taking them out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contacts.identity import delete_contacts, merge_contacts
from segments.catalogue import save_segment
from segments.membership import add_members, list_members
from segments.models import Membership, Segment, SegmentType
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db

JSON = "application/json; charset=UTF-8"


@pytest.fixture
def regulars(db: None) -> Segment:
    return save_segment(Segment(name="Regulars", type=SegmentType.STATIC))


@pytest.fixture
def in_kyiv(db: None) -> Segment:
    return save_segment(Segment(name="In Kyiv", definition=define({"all": [ask("town", "is", "Kyiv")]})))


@pytest.fixture
def people(call_api) -> dict[str, int]:
    """Olena and Taras live in Kyiv, Bohdan in Lviv."""
    towns = {"olena": "Kyiv", "bohdan": "Lviv", "taras": "Kyiv"}
    return {
        name: call_api(
            "post", "/api/v1/contact", {"externalCustomerId": f"C-{name}", "address": {"town": town}}
        ).json()["id"]
        for name, town in towns.items()
    }


def ids_in(segment: Segment) -> list[int]:
    return [contact.pk for contact in list_members(segment)]


def shown_ids(answer: Any) -> list[int]:
    return [contact["id"] for contact in answer.json()]


def paths_of(answer: Any) -> dict[str, str]:
    return {error["path"]: error["code"] for error in answer.json()["errors"]}


# The list


def test_segments_are_listed_by_name_with_their_type(call_api, regulars, in_kyiv):
    combined = save_segment(
        Segment(name="Both", type=SegmentType.COMBINED, definition=define({"all": [ask("segment", "in", regulars.pk)]}))
    )

    answer = call_api("get", "/api/v1/groups")

    mine = [entry for entry in answer.json() if entry["name"] in ("Both", "In Kyiv", "Regulars")]
    assert mine == [
        {"id": combined.pk, "name": "Both", "type": "Combined"},
        {"id": in_kyiv.pk, "name": "In Kyiv", "type": "Dynamic"},
        {"id": regulars.pk, "name": "Regulars", "type": "Static"},
    ]
    assert answer["TotalCount"] == str(Segment.objects.count())
    assert answer["Content-Type"] == JSON


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"name": "reg"}, ["Regulars"]),
        ({"name": " REGULARS "}, ["Regulars"]),
        ({"name": "100%"}, []),
        ({"name": "nobody"}, []),
        ({"name": "a", "unheardOf": "1"}, ["Regulars"]),
    ],
)
def test_segments_are_found_by_a_part_of_their_name(call_api, regulars, query, names):
    Segment.objects.exclude(pk=regulars.pk).delete()

    answer = call_api("get", "/api/v1/groups/", query)

    assert [entry["name"] for entry in answer.json()] == names
    assert answer["TotalCount"] == str(len(names))


def test_pages_are_cut_from_one_on_and_the_whole_is_counted(call_api, db):
    Segment.objects.all().delete()
    for number in range(5):
        save_segment(Segment(name=f"List {number}", type=SegmentType.STATIC))

    answer = call_api("get", "/api/v1/groups", {"startindex": "2", "maxrows": 2})

    assert [entry["name"] for entry in answer.json()] == ["List 1", "List 2"]
    assert answer["TotalCount"] == "5"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"startindex": "first"}, "startindex"),
        ({"maxrows": "-1"}, "maxrows"),
        ({"maxrows": "0"}, "maxrows"),
        ({"name": "a\0"}, "name"),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_named(call_api, query, path):
    answer = call_api("get", "/api/v1/groups", query)

    assert answer.status_code == 400
    assert list(paths_of(answer)) == [path]


# Members


def test_members_are_shown_as_contacts_and_counted(call_api, in_kyiv, people):
    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}/contacts", {"maxrows": "1"})

    (olena,) = answer.json()
    assert olena == {
        "id": people["olena"],
        "externalCustomerId": "C-olena",
        "channels": [],
        "address": {"town": "Kyiv"},
    }
    assert answer["TotalCount"] == "2"


def test_the_second_page_goes_on_after_the_first(call_api, in_kyiv, people):
    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}/contacts/", {"startindex": 2, "maxrows": 5})

    assert shown_ids(answer) == [people["taras"]]
    assert answer["TotalCount"] == "2"


def test_a_deleted_contact_is_no_member(call_api, regulars, people):
    add_members(regulars, list(people.values()), by="user:1")
    delete_contacts([people["olena"]], by="user:1")

    answer = call_api("get", f"/api/v1/group/{regulars.pk}/contacts")

    assert shown_ids(answer) == [people["bohdan"], people["taras"]]
    assert answer["TotalCount"] == "2"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["olena", "bohdan", "taras"]),
        ({"asc": "false"}, ["taras", "bohdan", "olena"]),
        ({"orderByTs": "true"}, ["taras", "olena", "bohdan"]),
        ({"orderByTs": "true", "asc": "false"}, ["bohdan", "olena", "taras"]),
        ({"orderByTs": " ", "asc": " "}, ["olena", "bohdan", "taras"]),
    ],
)
def test_members_come_by_id_or_in_the_order_they_came_in(call_api, regulars, people, query, names):
    for name in ("taras", "olena", "bohdan"):
        add_members(regulars, [people[name]], by="user:1")

    answer = call_api("get", f"/api/v1/group/{regulars.pk}/contacts", query)

    assert shown_ids(answer) == [people[name] for name in names]


def test_a_dynamic_segment_knows_no_time_of_coming_in(call_api, in_kyiv, people):
    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}/contacts", {"orderByTs": "true", "asc": "0"})

    assert shown_ids(answer) == [people["taras"], people["olena"]]


def test_a_segment_whose_conditions_are_broken_by_now_is_refused(call_api, in_kyiv):
    Segment.objects.filter(pk=in_kyiv.pk).update(definition=define({"all": [ask("gone", "is", "1")]}))

    answer = call_api("get", f"/api/v1/group/{in_kyiv.pk}/contacts")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"].startswith("match")


# Attaching and detaching


@pytest.mark.parametrize("slash", ["", "/"])
def test_attaching_answers_with_a_plain_sentence(call_api, regulars, people, slash):
    body = {"contactIds": [people["olena"]]}

    answer = call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach{slash}", body)

    assert answer.content == f"Contacts have been attached to group with id='{regulars.pk}'".encode()
    assert answer["Content-Type"] == JSON
    assert ids_in(regulars) == [people["olena"]]
    assert Membership.objects.get().by.startswith("key:")


@pytest.mark.parametrize(
    "given",
    [
        lambda people: {"contactIds": [people["olena"], people["taras"]]},
        lambda people: {"contactIds": [str(people["olena"]), f" {people['taras']} ", 10**15]},
        lambda people: {"externalCustomerIds": ["C-olena", " C-taras ", "nobody", "x" * 5_000]},
        lambda people: {"externalCustomerIds": ["C-olena", "C-taras"], "contactIds": []},
        lambda people: {"externalCustomerIds": ["C-olena", "C-taras", 42], "contactIds": " ", "groupId": 7},
    ],
)
def test_contacts_are_named_as_real_clients_name_them(call_api, regulars, people, given):
    body = given(people)

    assert call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach", body).status_code == 200
    assert ids_in(regulars) == [people["olena"], people["taras"]]

    assert call_api("post", f"/api/v1/group/{regulars.pk}/contacts/detach", body).status_code == 200
    assert ids_in(regulars) == []


def test_one_value_counts_as_a_list_of_one(call_api, regulars, people):
    call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach", {"contactIds": people["olena"]})
    call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach", {"externalCustomerIds": "C-taras"})

    assert ids_in(regulars) == [people["olena"], people["taras"]]


def test_a_merged_contact_stands_for_its_survivor(call_api, regulars, people):
    merge_contacts(people["olena"], people["taras"], by="user:1")

    call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach", {"contactIds": [people["taras"]]})

    assert ids_in(regulars) == [people["olena"]]


def test_detaching_takes_only_those_who_are_named(call_api, regulars, people):
    add_members(regulars, list(people.values()), by="user:1")

    answer = call_api("post", f"/api/v1/group/{regulars.pk}/contacts/detach", {"contactIds": [people["olena"]]})

    assert answer.content == f"Contacts have been detached from group with id='{regulars.pk}'".encode()
    assert ids_in(regulars) == [people["bohdan"], people["taras"]]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"contactIds": []}', b'{"contactIds": null, "externalCustomerIds": " "}']
)
def test_a_detach_without_ids_empties_the_segment(call_api, regulars, people, body):
    add_members(regulars, list(people.values()), by="user:1")

    answer = call_api("post", f"/api/v1/group/{regulars.pk}/contacts/detach", body, content_type="application/json")

    assert answer.status_code == 200
    assert not Membership.objects.exists()


def test_a_detach_of_somebody_unknown_does_not_empty_the_segment(call_api, regulars, people):
    add_members(regulars, [people["olena"]], by="user:1")

    for body in ({"externalCustomerIds": ["nobody"]}, {"contactIds": [10**15]}):
        call_api("post", f"/api/v1/group/{regulars.pk}/contacts/detach", body)

    assert ids_in(regulars) == [people["olena"]]


# What is refused

REFUSED = {
    "both kinds": ({"contactIds": [1], "externalCustomerIds": ["C-1"]}, {"externalCustomerIds": "one_kind"}),
    "501 ids": ({"contactIds": list(range(1, 502))}, {"contactIds": "too_many"}),
    "501 external ids": ({"externalCustomerIds": ["a"] * 501}, {"externalCustomerIds": "too_many"}),
    "strange ids": (
        {"contactIds": [" ", None, "seven", -1, 1.5, True, {}, [], 0, 10**400]},
        {f"contactIds[{position}]": "invalid_id" for position in range(10)},
    ),
    "strange external ids": (
        {"externalCustomerIds": [" ", None, True, 1.5, {}, []]},
        {f"externalCustomerIds[{position}]": "not_text" for position in range(6)},
    ),
    "an object": ({"contactIds": {}}, {"contactIds[0]": "invalid_id"}),
    "a list": ([1, 2], {"": "not_an_object"}),
    "a text": ("1", {"": "not_an_object"}),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("verb", ["attach", "detach"])
def test_what_names_nobody_is_refused_and_nobody_comes_or_goes(call_api, regulars, people, verb, body, paths):
    add_members(regulars, [people["olena"]], by="user:1")

    answer = call_api(
        "post", f"/api/v1/group/{regulars.pk}/contacts/{verb}", json.dumps(body), content_type="application/json"
    )

    assert answer.status_code == 400
    assert paths_of(answer) == paths
    assert ids_in(regulars) == [people["olena"]]


def test_an_attach_without_ids_is_refused(call_api, regulars):
    answer = call_api("post", f"/api/v1/group/{regulars.pk}/contacts/attach", {})

    assert answer.status_code == 400
    assert paths_of(answer) == {"contactIds": "required"}


@pytest.mark.parametrize(
    ("verb", "body"),
    [("attach", {"contactIds": [1]}), ("detach", {"externalCustomerIds": ["nobody"]}), ("detach", {})],
)
def test_a_dynamic_segment_has_no_members_to_put_in_or_out(call_api, in_kyiv, verb, body):
    answer = call_api("post", f"/api/v1/group/{in_kyiv.pk}/contacts/{verb}", body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "segment_not_static"


@pytest.mark.parametrize("group_id", [999_999, 2**63 - 1])
@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", "/attach"), ("post", "/detach")])
def test_an_unknown_segment_is_not_found(call_api, method, path, group_id):
    answer = call_api(method, f"/api/v1/group/{group_id}/contacts{path}", {"contactIds": [1]})

    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]


@pytest.mark.parametrize("group_id", ["0", "-1", "seven", "1.5", 2**63, "9" * 500])
def test_what_cannot_be_an_id_is_no_address(call_api, group_id):
    assert call_api("get", f"/api/v1/group/{group_id}/contacts").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        ("get", "/api/v1/groups", "read", 200),
        ("get", "/api/v1/groups", "events", 403),
        ("get", "/api/v1/groups", "contacts_and_events_write", 403),
        ("post", "/api/v1/group/{id}/contacts/attach", "read", 403),
        ("post", "/api/v1/group/{id}/contacts/attach", "contacts_and_events_write", 200),
        ("post", "/api/v1/group/{id}/contacts/detach", "events", 403),
    ],
)
def test_a_key_does_what_its_scope_allows(call_api, regulars, people, method, path, scope, status):
    body = {"contactIds": [people["olena"]]} if method == "post" else None

    assert call_api(method, path.format(id=regulars.pk), body, scope=scope).status_code == status


@pytest.mark.parametrize("path", ["/api/v1/groups", "/api/v1/group/{id}/contacts"])
def test_a_body_on_a_read_is_ignored(call_api, regulars, path):
    answer = call_api("generic", "GET", path.format(id=regulars.pk), data=b"{", content_type="application/json")

    assert answer.status_code == 200
