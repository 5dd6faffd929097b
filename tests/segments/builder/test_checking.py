"""What the page is told of a definition that is being edited, as requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, EventType, Import, Order
from segments.catalogue import save_segment
from segments.models import Segment, SegmentType
from tests.segments.deeds import make_event
from tests.segments.people import NOW, SPRING
from tests.segments.table import ask, define

CHECK, SUGGEST = reverse("admin:segments_segment_check"), reverse("admin:segments_segment_suggest")
LVIV = define({"all": [ask("town", "is", "Lviv")]})
People = dict[str, Contact]


def check(client: Client, definition: Any, **more: Any) -> Any:
    answer = client.post(CHECK, json.dumps({"definition": definition} | more), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def names(side: Any) -> list[str]:
    return [one["name"] for one in side["sample"]]


@pytest.fixture
def clerk(client: Client, db: None) -> Client:
    """Somebody who may look at segments and at nothing else."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client.force_login(user)
    return client


def test_the_first_answer_has_the_sentence_and_the_count(admin_client: Client, people: People) -> None:
    assert check(admin_client, LVIV) == {
        "errors": [],
        "sentence": "Town is “Lviv”.",
        "count": 1,
        "is_estimate": False,
        "is_expensive": False,
        "warning": "",
    }


def test_what_would_take_long_is_estimated_first_and_counted_then(admin_client: Client, people: People) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL seq_page_cost = 1e8")

    first = check(admin_client, LVIV)
    second = check(admin_client, LVIV, part="people")

    assert (first["is_estimate"], first["is_expensive"]) == (True, True)
    assert first["warning"].startswith("Counting this takes about ")
    assert (second["count"], second["is_estimate"]) == (1, False)


def test_every_error_is_told_with_its_path(admin_client: Client, people: People) -> None:
    tree = {"all": [ask("shoe", "is", 1), {"any": []}, ask("fields.visits", "at_least", "many")]}

    answer = check(admin_client, define(tree))

    assert [(error["path"], error["code"]) for error in answer["errors"]] == [
        ("match.all[0].field", "unknown_field"),
        ("match.all[1].any", "empty_group"),
        ("match.all[2].value", "invalid_value"),
    ]


def test_who_joins_and_who_leaves_is_told_before_saving(admin_client: Client, people: People) -> None:
    segment = save_segment(Segment(name="Lviv", definition=LVIV))
    edited = define({"all": [ask("town", "is_one_of", ["Lutsk", "Київ"])]})

    answer = check(admin_client, edited, segment=segment.pk, part="people", is_counted=True)

    assert (answer["joins"]["count"], names(answer["joins"])) == (2, ["Taras", "Olena"])
    assert (answer["leaves"]["count"], names(answer["leaves"])) == (1, ["Bohdan"])
    assert names(answer) == ["Taras", "Olena"]
    assert "count" not in answer
    segment.refresh_from_db()
    assert segment.definition == LVIV


def test_the_same_definition_changes_nobody(admin_client: Client, people: People) -> None:
    segment = save_segment(Segment(name="Lviv", definition=LVIV))

    answer = check(admin_client, LVIV, segment=segment.pk, part="people")

    assert (answer["joins"]["count"], answer["leaves"]["count"]) == (0, 0)


def test_where_the_stored_definition_is_broken_everybody_joins(admin_client: Client, people: People) -> None:
    segment = Segment.objects.create(name="Broken", definition=define(ask("shoe", "is", 1)))

    answer = check(admin_client, LVIV, segment=segment.pk, part="people")

    assert (names(answer["joins"]), answer["leaves"]["count"]) == (["Bohdan"], 0)


def test_a_segment_that_would_ask_about_itself_is_refused(admin_client: Client, people: People) -> None:
    segment = save_segment(Segment(name="Lviv", definition=LVIV))

    answer = check(admin_client, define(ask("segment", "in", segment.pk)), segment=segment.pk)

    assert [error["code"] for error in answer["errors"]] == ["segment_cycle"]


def test_a_combined_segment_is_checked_as_one(admin_client: Client, people: People) -> None:
    answer = check(admin_client, LVIV, type="combined")

    assert [error["path"] for error in answer["errors"]] == ["match.all[0]"]


def test_who_may_not_see_contacts_is_told_numbers_and_no_names(clerk: Client, people: People) -> None:
    segment = save_segment(Segment(name="Lviv", definition=LVIV))

    answer = check(clerk, define(ask("town", "is", "Lutsk")), segment=segment.pk, part="people")

    assert (answer["count"], answer["joins"], answer["sample"]) == (1, {"count": 1, "sample": []}, [])
    assert clerk.get(SUGGEST, {"field": "town", "q": ""}).json() == {"suggestions": []}


@pytest.mark.parametrize("address", [CHECK, SUGGEST])
def test_nobody_asks_without_the_permission_to_see_segments(client: Client, db: None, address: str) -> None:
    client.force_login(User.objects.create_user("guest", is_staff=True))

    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403


def test_a_definition_is_sent_by_post_and_with_its_token(admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert client.get(CHECK).status_code == 405
    assert client.post(CHECK, "{}", content_type="application/json").status_code == 403
    assert client.post(SUGGEST).status_code == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"definition": NaN}', "not_json"),
        (b"null", "wrong_shape"),
        (b"{}", "wrong_shape"),
        (b'{"definition": {}, "type": "static"}', "wrong_shape"),
        (b'{"definition": {}, "type": []}', "wrong_shape"),
        (b'{"definition": {}, "segment": 0}', "unknown_segment"),
        (b'{"definition": {}, "segment": "1"}', "unknown_segment"),
        (b'{"definition": {}, "segment": true}', "unknown_segment"),
        (b'{"definition": {}, "segment": 99999999999999999999}', "unknown_segment"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused(admin_client: Client, body: bytes, code: str) -> None:
    answer = admin_client.post(CHECK, body, content_type="application/json")

    assert (answer.status_code, [error["code"] for error in answer.json()["errors"]]) == (400, [code])


@pytest.mark.parametrize("definition", [None, 1, "x", [], {}, {"version": 1, "match": {"all": [None]}}])
def test_whatever_is_no_definition_is_an_error_with_a_sentence(admin_client: Client, definition: Any) -> None:
    assert all(error["message"].endswith(".") for error in check(admin_client, definition)["errors"])


# Suggestions


def suggest(client: Client, field: str, text: str = "", scope: str = "", kind: str = "") -> list[Any]:
    answer = client.get(SUGGEST, {"field": field, "q": text, "scope": scope, "kind": kind})
    assert answer.status_code == 200
    return [one["key"] for one in answer.json()["suggestions"]]


def test_values_come_from_active_contacts(admin_client: Client, people: People) -> None:
    assert suggest(admin_client, "town", "lvi") == ["Lviv", "lviv"]
    assert suggest(admin_client, "fields.nickname", "OFF") == ["50 off", "50%_off\\"]


def test_segments_and_imports_are_found_by_name(admin_client: Client, people: People) -> None:
    friends = save_segment(Segment(name="Best friends", type=SegmentType.STATIC))

    assert suggest(admin_client, "segment", "FRIENDS") == [friends.pk]
    assert suggest(admin_client, "import", "spring") == [SPRING]
    assert suggest(admin_client, "import", str(SPRING)) == [SPRING]
    assert Import.objects.count() == len(suggest(admin_client, "import"))


def test_the_names_of_what_was_bought_are_known(admin_client: Client, people: People) -> None:
    Order.objects.create(
        contact_id=people["olena"].pk,
        external_order_id="O-1",
        ordered_at=NOW,
        updated_at=NOW,
        status="DELIVERED",
        total_cost=5,
        items=[{"sku": "A-1", "size": 38}],
        details={"shop": "Lviv"},
    )

    assert suggest(admin_client, "items.", "", scope="orders") == ["size", "sku"]
    assert suggest(admin_client, "details.", "SHO", scope="orders") == ["shop"]
    assert suggest(admin_client, "items.sku", "a", scope="orders") == ["A-1"]


def test_the_parameters_of_a_type_are_known_and_of_all_types_where_none_is_chosen(
    admin_client: Client, people: People
) -> None:
    make_event(people["olena"].pk, "view", NOW, {"page": "/", "product": {"id": 7}})
    make_event(people["olena"].pk, "buy", NOW, {"price": 5})

    assert suggest(admin_client, "params.", "", scope="events") == ["page", "price", "product.id"]
    assert suggest(admin_client, "params.", "P", scope="events", kind="buy") == ["price"]
    assert suggest(admin_client, "params.", "", scope="events", kind="never") == []
    assert suggest(admin_client, "params.", "", scope="events", kind="\0") == []


def test_a_type_that_is_not_for_segments_any_more_is_said(admin_client: Client, people: People) -> None:
    EventType.objects.create(key="buy", name="Purchase", is_for_segments=False)

    answer = check(admin_client, define({"all": [ask("events", "did", type="buy")]}))

    assert answer["errors"] == []
    assert answer["warning"].startswith("“Purchase” is not for segments any more.")


@pytest.mark.parametrize(
    ("field", "text", "scope"),
    [
        ("shoe", "x", ""),
        ("email", "olena", ""),
        ("town", "\0", ""),
        ("town", "'; DROP TABLE contacts_contact; --", ""),
        ("town", "%", ""),
        ("params.", "x", "nothing"),
        ("import", "9" * 30, ""),
        ("import", "٣", ""),
        ("consent.\0", "x", ""),
    ],
)
def test_what_is_not_there_is_not_proposed(
    admin_client: Client, people: People, field: str, text: str, scope: str
) -> None:
    assert suggest(admin_client, field, text, scope) == []
