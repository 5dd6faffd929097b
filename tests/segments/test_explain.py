"""Why a contact is in a segment: each condition with what was found, named segments in their place, who is left out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from contacts.models import Contact, EventType, Order
from segments.catalogue import save_segment
from segments.conditions.errors import DefinitionRefused
from segments.conditions.tree import Combine
from segments.errors import AskingTookTooLong
from segments.explaining import ConditionExplained, GroupExplained, NodeExplained, SegmentExplained, explain_member
from segments.membership import add_members
from segments.models import Segment, SegmentType
from tests.segments.deeds import keep_totals
from tests.segments.people import NOW
from tests.segments.table import ask, define

People = dict[str, Contact]


def make(name: str, match: dict[str, Any], **more: Any) -> Segment:
    return save_segment(Segment(name=name, definition={**define(match), **more}))


def told(node: NodeExplained | None) -> Any:
    """A group as (holds, children), a condition as (holds, what was found)."""
    if isinstance(node, GroupExplained):
        return node.holds, [told(child) for child in node.children]
    assert isinstance(node, ConditionExplained)
    return node.holds, node.actual


def test_each_condition_shows_whether_it_holds_and_the_actual_value(people: People) -> None:
    conditions = [
        ask("town", "is", "Lviv"),
        ask("fields.visits", "more_than", 3),
        ask("fields.newsletter", "is_yes"),
        ask("email_state", "is", "active"),
        ask("last_seen_at", "is_empty"),
        ask("identifiers.device", "has"),
        ask("fields.tags", "is_not_empty"),
    ]

    explained = explain_member(make("Many", {"any": conditions}), people["bohdan"].pk)

    assert told(explained.match) == (
        True,
        [
            (True, "Lviv"),
            (False, 0),
            (False, False),
            (False, "unsubscribed"),
            (True, None),
            (False, False),
            (True, ["b"]),
        ],
    )


def test_negations_count_at_the_condition_and_at_the_group(people: People) -> None:
    match = {"all": [ask("town", "is", "Lviv", **{"not": True}), {"none": [ask("email", "is_empty")], "not": True}]}

    explained = explain_member(make("Not", match), people["bohdan"].pk)

    assert isinstance(explained.match, GroupExplained)
    town, none = explained.match.children
    assert isinstance(town, ConditionExplained)
    assert isinstance(none, GroupExplained)
    assert (town.negated, town.holds, town.sentence) == (True, False, "Town is “Lviv”")
    assert (none.combine, none.negated, none.holds) == (Combine.NONE, True, False)
    assert not explained.is_member


def test_who_is_left_out_is_told_why(people: People) -> None:
    segment = make("Except", {"all": [ask("email", "is_not_empty")]}, exclude={"all": [ask("town", "is", "Lviv")]})

    olena, bohdan = (explain_member(segment, people[name].pk) for name in ("olena", "bohdan"))

    assert (olena.is_member, told(olena.exclude)) == (True, (False, [(False, "Київ")]))
    assert (bohdan.is_member, told(bohdan.match), told(bohdan.exclude)) == (
        False,
        (True, [(True, "bohdan@gmail.com")]),
        (True, [(True, "Lviv")]),
    )
    assert isinstance(bohdan.exclude, GroupExplained)
    assert bohdan.exclude.children[0].path == "exclude.all[0]"


def test_of_rows_the_number_the_sum_and_the_moment_are_told(people: People) -> None:
    buyer = people["walkin"].pk
    for number, cost in enumerate((100, 50)):
        facts = {"status": "DELIVERED", "total_cost": cost, "currency": "UAH", "ordered_at": NOW, "updated_at": NOW}
        Order.objects.create(contact_id=buyer, external_order_id=f"w-{number}", **facts)
    keep_totals()
    EventType.objects.create(key="visit")
    orders = {"field": "orders"}
    conditions = [
        {**orders, "op": "did"},
        {**orders, "measure": "count", "op": "more_than", "value": 5},
        {**orders, "measure": "sum", "of": "total_cost", "op": "at_least", "value": 150},
        {**orders, "measure": "last_at", "op": "today"},
        {"field": "events", "type": "visit", "op": "did"},
    ]

    explained = explain_member(make("Buyers", {"any": conditions}), buyer)

    assert isinstance(explained.match, GroupExplained)
    did, count, total, last, events = (told(child) for child in explained.match.children)
    assert (did, count, total, events) == ((True, 2), (False, 2), (True, 150), (False, 0))
    assert last[0] is True
    assert last[1].startswith(f"{NOW:%Y-%m-%d}")


def test_a_named_segment_is_explained_in_its_place(people: People) -> None:
    friends = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(friends, [people["olena"].pk], by="user:1")
    lviv = make("Lviv", ask("town", "is", "Lviv"))
    inner = make("Inner", {"all": [ask("segment", "in", friends.pk), ask("segment", "not_in", lviv.pk)]})
    outer = make("Outer", ask("segment", "in", inner.pk))

    explained = explain_member(outer, people["olena"].pk)

    assert explained.is_member
    assert isinstance(explained.match, ConditionExplained)
    assert isinstance(explained.match.segment, SegmentExplained)
    assert isinstance(explained.match.segment.match, GroupExplained)
    in_friends, not_in_lviv = explained.match.segment.match.children
    assert isinstance(in_friends, ConditionExplained)
    assert isinstance(not_in_lviv, ConditionExplained)
    assert in_friends.segment is not None
    assert not_in_lviv.segment is not None
    assert (in_friends.holds, in_friends.segment.added_by) == (True, "user:1")
    assert (not_in_lviv.holds, not_in_lviv.segment.is_member) == (True, False)
    assert told(not_in_lviv.segment.match) == (False, "Київ")


def test_a_static_member_is_told_since_when_and_by_whom(people: People) -> None:
    friends = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    add_members(friends, [people["olena"].pk], by="key:3")

    olena, bohdan = (explain_member(friends, people[name].pk) for name in ("olena", "bohdan"))

    assert (olena.is_member, olena.added_by) == (True, "key:3")
    assert olena.added_at is not None
    assert (bohdan.is_member, bohdan.added_at, bohdan.match) == (False, None, None)


def test_a_deleted_contact_is_in_nothing_and_nothing_is_asked(people: People) -> None:
    explained = explain_member(make("Kyiv", ask("town", "is", "Київ")), people["deleted"].pk)

    assert (explained.is_member, explained.is_active, explained.match) == (False, False, None)
    assert not explain_member(make("Anybody", ask("town", "is_empty")), 10**15).is_active


def test_all_conditions_are_asked_in_one_statement(people: People, django_assert_max_num_queries: Any) -> None:
    lviv = make("Lviv", {"all": [ask("town", "is", "Lviv")] * 50})
    segment = make("Many", {"any": [ask("town", "contains", "x")] * 100 + [ask("segment", "in", lviv.pk)]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    with django_assert_max_num_queries(14):
        explain_member(segment, people["olena"].pk)


def test_a_ring_that_came_about_behind_our_back_is_refused(people: People) -> None:
    first = make("First", ask("town", "is", "Lviv"))
    second = make("Second", ask("segment", "in", first.pk))
    Segment.objects.filter(pk=first.pk).update(definition=define(ask("segment", "in", second.pk)))
    first.refresh_from_db()

    with pytest.raises(DefinitionRefused):
        explain_member(first, people["olena"].pk)


@pytest.mark.django_db(transaction=True)
def test_an_explanation_that_takes_too_long_is_stopped_and_says_so() -> None:
    contact = Contact.objects.create(first_name="Olena", created_at=NOW, updated_at=NOW)
    segment = make("Buyers", {"field": "orders", "op": "did"})
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE contacts_order IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(AskingTookTooLong):
            explain_member(segment, contact.pk, milliseconds=50)
    finally:
        other.close()
