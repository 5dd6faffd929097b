"""What contacts ask of segments when they merge, unmerge, are imported or erased."""

from __future__ import annotations

import pytest

from contacts.models import Contact
from contacts.populations import NoPopulations, PopulationMove, current, register
from segments.catalogue import save_segment
from segments.models import Membership, Segment, SegmentType
from segments.port import SegmentPopulations
from tests.segments.people import REGULARS

People = dict[str, Contact]
Pairs = set[tuple[int, str]]


@pytest.fixture
def segments(db: None) -> dict[str, Segment]:
    return {name: save_segment(Segment(name=name, type=SegmentType.STATIC)) for name in ("Red", "Blue")}


@pytest.fixture
def people(people: People) -> People:
    """Nobody is in a static segment yet."""
    Segment.objects.filter(pk=REGULARS).delete()
    return people


def memberships() -> Pairs:
    return set(Membership.objects.values_list("contact_id", "segment__name"))


def test_segments_have_registered_themselves() -> None:
    assert isinstance(current(), SegmentPopulations)


def test_what_contacts_can_be_put_into_are_the_static_segments(segments: dict[str, Segment]) -> None:
    assert current().listed() == [(segments["Blue"].pk, "Blue"), (segments["Red"].pk, "Red")]
    assert NoPopulations().listed() == []


def test_segments_of_any_type_are_named_by_id(segments: dict[str, Segment]) -> None:
    anonymous = Segment.objects.get(builtin="anonymous")

    named = current().names([segments["Red"].pk, anonymous.pk, 10**12])

    assert named == {segments["Red"].pk: "Red", anonymous.pk: "Anonymous"}
    assert NoPopulations().names([segments["Red"].pk]) == {}


def test_the_places_of_a_contact_are_those_it_was_put_into_and_those_whose_conditions_it_meets(
    segments: dict[str, Segment], people: People
) -> None:
    current().add("Red", [people["guest"].pk], by="import:1")

    found = current().places_of(people["guest"].pk)

    shown = [(place.population.name, place.by) for place in found.here]
    assert shown == [("Anonymous", ""), ("External ID is empty", ""), ("No email", ""), ("Red", "import:1")]
    assert NoPopulations().places_of(people["guest"].pk).here == []


def test_with_nothing_registered_nothing_happens(people: People) -> None:
    before = register(NoPopulations())
    try:
        keeper = current()
        assert not keeper.members(1).exists()
        assert keeper.add("Red", [people["olena"].pk], by="import:1") == 0
        assert keeper.remove("Red", [people["olena"].pk], by="import:1") == 0
        assert keeper.move([(1, 2)]) == []
        assert keeper.move_back(PopulationMove("segments_membership", 1, 2)) == []
        keeper.forget([1])
    finally:
        register(before)
    assert memberships() == set()


def test_a_segment_is_found_by_id_or_name_and_made_by_name(people: People, segments: dict[str, Segment]) -> None:
    olena, taras = people["olena"].pk, people["taras"].pk

    assert current().add(segments["Red"].pk, [olena], by="import:1") == 1
    assert current().add("red", [taras], by="import:1") == 1
    assert current().add(" Green ", [taras], by="import:1") == 1
    assert current().remove("Unknown", [taras], by="import:1") == 0
    assert current().remove("GREEN", [taras], by="import:1") == 1

    assert memberships() == {(olena, "Red"), (taras, "Red")}
    assert {contact.pk for contact in current().members(segments["Red"].pk)} == {olena, taras}


def test_a_merge_moves_memberships_and_keeps_what_collides(people: People, segments: dict[str, Segment]) -> None:
    survivor, loser = people["olena"].pk, people["guest"].pk
    current().add("Red", [survivor, loser], by="user:1")
    current().add("Blue", [loser], by="user:2")

    (move,) = current().move([(loser, survivor)])

    assert memberships() == {(survivor, "Red"), (survivor, "Blue")}
    assert (move.table, move.survivor_id, move.loser_id, len(move.row_ids)) == (
        "segments_membership",
        survivor,
        loser,
        1,
    )
    assert [(row["contact_id"], row["segment_id"], row["by"]) for row in move.dropped] == [
        (loser, segments["Red"].pk, "user:1")
    ]


def test_taking_a_merge_back_restores_every_row_as_it_was(people: People, segments: dict[str, Segment]) -> None:
    survivor, loser = people["olena"].pk, people["guest"].pk
    current().add("Red", [survivor, loser], by="user:1")
    current().add("Blue", [loser], by="user:2")
    before = list(Membership.objects.order_by("pk").values())

    (move,) = current().move([(loser, survivor)])
    assert current().move_back(move) == []

    assert list(Membership.objects.order_by("pk").values()) == before


def test_what_went_since_the_merge_does_not_come_back(people: People, segments: dict[str, Segment]) -> None:
    survivor, loser = people["olena"].pk, people["guest"].pk
    current().add("Red", [survivor, loser], by="user:1")
    current().add("Blue", [loser], by="user:1")
    (move,) = current().move([(loser, survivor)])
    current().remove("Blue", [survivor], by="user:1")
    segments["Red"].delete()

    left = current().move_back(move)

    assert sorted(left) == sorted([*move.row_ids, *(row["id"] for row in move.dropped)])
    assert memberships() == set()


def test_many_merges_into_one_keep_each_segment_once(people: People, segments: dict[str, Segment]) -> None:
    survivor, first, second = people["olena"].pk, people["guest"].pk, people["ivan"].pk
    current().add("Red", [first, second], by="user:1")

    moves = current().move([(second, survivor), (first, survivor)])

    assert memberships() == {(survivor, "Red")}
    assert [(move.loser_id, len(move.row_ids), len(move.dropped)) for move in moves] == [(second, 1, 0), (first, 0, 1)]


def test_merges_that_follow_each_other_carry_the_memberships_on(people: People, segments: dict[str, Segment]) -> None:
    first, second, third = people["guest"].pk, people["ivan"].pk, people["olena"].pk
    current().add("Red", [first], by="user:1")

    moves = current().move([(first, second), (second, third)])

    assert memberships() == {(third, "Red")}
    for move in reversed(moves):
        assert current().move_back(move) == []
    assert memberships() == {(first, "Red")}


def test_as_many_moves_as_do_not_chain_take_the_same_statements(
    people: People,
    segments: dict[str, Segment],
    django_assert_num_queries,  # type: ignore[no-untyped-def]
) -> None:
    names = ["guest", "ivan", "walkin"]
    current().add("Red", [people[name].pk for name in (*names, "bohdan")], by="user:1")

    with django_assert_num_queries(3):
        current().move([(people["guest"].pk, people["olena"].pk), (people["ivan"].pk, people["bohdan"].pk)])
    with django_assert_num_queries(1):
        current().move([(people["taras"].pk, people["olena"].pk)])


def test_an_erased_contact_leaves_no_membership(people: People, segments: dict[str, Segment]) -> None:
    olena, taras = people["olena"].pk, people["taras"].pk
    current().add("Red", [olena, taras], by="user:1")

    current().forget([olena])

    assert memberships() == {(taras, "Red")}


def test_the_groups_of_a_contact_are_the_static_segments_that_it_was_put_into(
    segments: dict[str, Segment], people: People
) -> None:
    for name in ("Red", "Blue"):
        current().add(name, [people["olena"].pk], by="import:1")

    shown = [(segments["Blue"].pk, "Blue", "static"), (segments["Red"].pk, "Red", "static")]
    assert current().groups_of(people["olena"].pk) == shown
    assert current().groups_of(people["bohdan"].pk) == NoPopulations().groups_of(people["olena"].pk) == []
