"""Static members, other segments in conditions, pages, limits and the words for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from contacts.models import Contact, ContactState, Order
from segments.catalogue import check_definition, delete_segment, describe_segment, find_users, save_segment
from segments.conditions.errors import DefinitionRefused
from segments.conditions.tree import Combine
from segments.errors import CountTookTooLong, SegmentInUse, SegmentIsBuiltin, SegmentIsNotStatic
from segments.explaining import ConditionExplained, GroupExplained, explain_member
from segments.membership import (
    add_members,
    clear_members,
    count_members,
    is_member,
    list_members,
    members,
    remove_members,
)
from segments.models import Membership, Segment, SegmentType
from segments.ready_made import READY_MADE, make_ready_made
from tests.segments.people import ACTIVE, NOW
from tests.segments.table import ask, define
from tests.together import Other, wait_until_waiting

People = dict[str, Contact]
EVERYBODY = define({"any": [ask("id", "at_least", 0)]})


@pytest.fixture
def regulars(db: None) -> Segment:
    return save_segment(Segment(name="Friends", type=SegmentType.STATIC))


def dynamic(name: str, match: dict, **more: object) -> Segment:  # type: ignore[type-arg]
    return save_segment(Segment(name=name, definition=define(match), **more))


# Static members


def test_adding_counts_only_who_is_new(regulars: Segment, people: People) -> None:
    olena, taras = people["olena"].pk, people["taras"].pk

    assert add_members(regulars, [olena], by="user:1") == 1
    assert add_members(regulars, [olena, taras, taras], by="user:2") == 1

    assert [contact.pk for contact in list_members(regulars)] == [olena, taras]
    assert count_members(regulars) == 2
    assert explain_member(regulars, olena).added_by == "user:1"


def test_only_active_contacts_can_be_added(regulars: Segment, people: People) -> None:
    assert add_members(regulars, [people["deleted"].pk, 10**12], by="user:1") == 0
    assert add_members(regulars, [], by="user:1") == 0


def test_a_member_that_is_deleted_is_out_until_restored(regulars: Segment, people: People) -> None:
    olena = people["olena"].pk
    add_members(regulars, [olena], by="user:1")

    Contact.objects.filter(pk=olena).update(state=ContactState.DELETED, deleted_at=NOW)
    assert (count_members(regulars), is_member(regulars, olena)) == (0, False)
    assert not explain_member(regulars, olena).is_active

    Contact.objects.filter(pk=olena).update(state=ContactState.ACTIVE, deleted_at=None)
    assert is_member(regulars, olena)


def test_a_merged_contact_stands_for_its_survivor(regulars: Segment, people: People) -> None:
    olena, guest = people["olena"].pk, people["guest"].pk
    Contact.objects.filter(pk=guest).update(state=ContactState.MERGED, merged_into=olena)

    assert add_members(regulars, [guest], by="user:1") == 1
    assert is_member(regulars, olena)
    assert remove_members(regulars, [guest], by="user:1") == 1


def test_removing_and_clearing_say_how_many_left(regulars: Segment, people: People) -> None:
    add_members(regulars, [contact.pk for contact in people.values()], by="user:1")

    assert remove_members(regulars, [people["olena"].pk], by="user:1") == 1
    assert remove_members(regulars, [people["olena"].pk], by="user:1") == 0
    assert clear_members(regulars, by="user:1") == len(ACTIVE) - 1


def test_members_of_a_dynamic_segment_cannot_be_set_by_hand(people: People) -> None:
    segment = dynamic("Lviv", ask("town", "is", "Lviv"))

    for refuse in (lambda: add_members(segment, [1], by="user:1"), lambda: clear_members(segment, by="user:1")):
        with pytest.raises(SegmentIsNotStatic):
            refuse()
    with pytest.raises(SegmentIsNotStatic):
        remove_members(segment, [people["olena"].pk], by="user:1")


# Reading


def test_pages_follow_each_other_without_a_gap(people: People) -> None:
    segment = save_segment(Segment(name="Everybody", definition=EVERYBODY))

    first = list_members(segment, limit=4)
    second = list_members(segment, after=first[-1].pk, limit=4)

    assert [contact.pk for contact in first + second] == sorted(people[name].pk for name in ACTIVE)


def test_a_segment_can_be_asked_within_another_query(people: People) -> None:
    lviv = members(dynamic("Lviv", ask("town", "is", "Lviv")))

    inside = Contact.objects.filter(pk__in=lviv.values("pk"))
    outside = Contact.objects.exclude(pk__in=lviv.values("pk")).filter(town__isnull=False)

    assert [contact.pk for contact in inside] == [people["bohdan"].pk]
    assert people["bohdan"].pk not in {contact.pk for contact in outside}
    assert lviv.annotate(n=F("first_name")).filter(n="Bohdan").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_count_that_runs_too_long_is_stopped_and_says_so() -> None:
    segment = dynamic("Lviv", ask("town", "is", "Lviv"))
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE contacts_contact IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CountTookTooLong):
            count_members(segment, milliseconds=50)
    finally:
        other.close()


def test_the_limit_of_a_count_ends_with_it(people: People) -> None:
    segment = dynamic("Lviv", ask("town", "is", "Lviv"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '77s', true)")

        count_members(segment, milliseconds=5_000)

        cursor.execute("SELECT current_setting('statement_timeout')")
        assert cursor.fetchone() == ("77s",)


def test_the_explanation_shows_each_condition_with_the_actual_value(people: People) -> None:
    segment = dynamic(
        "Mixed",
        {"all": [ask("town", "is", "Lviv"), {"none": [ask("fields.visits", "is", 0), ask("email", "is_empty")]}]},
    )

    explanation = explain_member(segment, people["bohdan"].pk)

    assert not explanation.is_member
    assert isinstance(explanation.match, GroupExplained)
    town, none = explanation.match.children
    assert isinstance(town, ConditionExplained)
    assert (town.path, town.sentence, town.holds, town.actual) == ("match.all[0]", "Town is “Lviv”", True, "Lviv")
    assert isinstance(none, GroupExplained)
    assert (none.combine, none.holds) == (Combine.NONE, False)
    assert [child.holds for child in none.children] == [True, False]
    assert [child.actual for child in none.children] == [0, "bohdan@gmail.com"]  # type: ignore[union-attr]


# Segments of segments


def test_segments_combine(regulars: Segment, people: People) -> None:
    add_members(regulars, [people["olena"].pk, people["bohdan"].pk], by="user:1")
    lviv = dynamic("Lviv", ask("town", "is", "Lviv"))
    match = {"all": [ask("segment", "in", regulars.pk), ask("segment", "not_in", lviv.pk)]}

    combined = dynamic("Friends elsewhere", match, type=SegmentType.COMBINED)

    assert [contact.pk for contact in list_members(combined)] == [people["olena"].pk]
    assert describe_segment(combined) == "Is in segment “Friends” and is not in segment “Lviv”."
    assert explain_member(combined, people["olena"].pk).is_member
    assert find_users(lviv) == [combined]


def test_a_combined_segment_has_no_conditions_of_its_own(regulars: Segment) -> None:
    match = {"all": [ask("segment", "in", regulars.pk), ask("town", "is", "Lviv")]}

    with pytest.raises(DefinitionRefused) as refused:
        dynamic("Mixed", match, type=SegmentType.COMBINED)

    assert [(error.path, error.code) for error in refused.value.errors] == [("match.all[1]", "wrong_shape")]


def test_a_ring_of_segments_is_refused(regulars: Segment) -> None:
    first = dynamic("First", ask("segment", "in", regulars.pk))
    second = dynamic("Second", ask("segment", "in", first.pk))
    for named in (first, second):
        first.definition = define(ask("segment", "not_in", named.pk))
        with pytest.raises(DefinitionRefused) as refused:
            save_segment(first)
        assert [error.code for error in refused.value.errors] == ["segment_cycle"]


def test_a_ring_that_came_about_behind_our_back_is_refused_when_read(regulars: Segment) -> None:
    first = dynamic("First", ask("segment", "in", regulars.pk))
    second = dynamic("Second", ask("segment", "in", first.pk))
    Segment.objects.filter(pk=first.pk).update(definition=define(ask("segment", "in", second.pk)))
    first.refresh_from_db()

    with pytest.raises(DefinitionRefused):
        count_members(first)


def test_segments_that_double_at_every_step_are_refused_before_they_burst(regulars: Segment) -> None:
    named = regulars.pk
    for step in range(5):
        named = dynamic(f"Step {step}", {"any": [ask("segment", "in", named)] * 3}).pk

    with pytest.raises(DefinitionRefused) as refused:
        dynamic("One more", {"any": [ask("segment", "in", named)] * 3})

    assert [error.code for error in refused.value.errors] == ["too_large"]


# Keeping them


def test_a_name_is_taken_whatever_its_case(regulars: Segment) -> None:
    with pytest.raises(IntegrityError):
        Segment.objects.create(name="FRIENDS", type=SegmentType.STATIC)


def test_a_broken_definition_is_never_saved(db: None) -> None:
    with pytest.raises(DefinitionRefused):
        dynamic("Nobody", {"all": []})
    assert not Segment.objects.filter(name="Nobody").exists()


def test_a_definition_whose_field_is_gone_has_no_members_but_an_error(people: People) -> None:
    from contacts.models import CustomField

    segment = dynamic("Gold", ask("fields.tier", "is", "gold"))
    CustomField.objects.filter(key="tier").delete()

    with pytest.raises(DefinitionRefused) as refused:
        count_members(segment)
    assert [(error.path, error.code) for error in refused.value.errors] == [("match.field", "unknown_field")]


def test_deleting_a_segment_takes_its_memberships_and_no_contact(regulars: Segment, people: People) -> None:
    add_members(regulars, [people["olena"].pk], by="user:1")
    regulars_id = regulars.pk

    delete_segment(regulars)

    assert not Membership.objects.filter(segment_id=regulars_id).exists()
    assert {contact.pk for contact in people.values()} <= set(Contact.objects.values_list("pk", flat=True))


def test_a_segment_in_use_or_ready_made_stays(regulars: Segment) -> None:
    user = dynamic("User", ask("segment", "in", regulars.pk))

    with pytest.raises(SegmentInUse) as refused:
        delete_segment(regulars)
    assert refused.value.segment_ids == [user.pk]
    with pytest.raises(SegmentIsBuiltin):
        delete_segment(Segment.objects.get(builtin="no_email"))


@pytest.mark.django_db(transaction=True)
def test_a_segment_is_not_deleted_while_another_that_names_it_is_saved() -> None:
    """The one that is saved holds it, so the other one waits and finds it in use."""
    named = save_segment(Segment(name="Friends", type=SegmentType.STATIC))

    with transaction.atomic():
        user = dynamic("User", ask("segment", "in", named.pk))
        other = Other(lambda: delete_segment(named))
        wait_until_waiting()

    with pytest.raises(SegmentInUse):
        other.finish()
    assert count_members(user) == 0


@pytest.mark.django_db(transaction=True)
def test_two_that_are_saved_at_the_same_moment_do_not_name_each_other() -> None:
    first, second = (dynamic(name, ask("town", "is", "Lviv")) for name in ("First", "Second"))
    first.definition = define(ask("segment", "in", second.pk))
    second.definition = define(ask("segment", "in", first.pk))

    with transaction.atomic():
        save_segment(first)
        other = Other(lambda: save_segment(second))
        wait_until_waiting()

    with pytest.raises(DefinitionRefused):
        other.finish()


@pytest.mark.parametrize(
    ("builtin", "names"),
    [
        ("external_id_is_empty", {"bohdan", "ivan", "guest", "walkin"}),
        ("anonymous", {"guest"}),
        ("no_email", {"taras", "guest", "walkin"}),
        ("bought_in_last_30_days", {"bohdan"}),
        ("possible_duplicates", {"taras", "ivan"}),
    ],
)
def test_ready_made_segments_are_there_and_right(builtin: str, names: set[str], people: People) -> None:
    segment = Segment.objects.get(builtin=builtin)
    for name, days_ago in (("bohdan", 29), ("ivan", 31)):
        moment = NOW - timedelta(days=days_ago)
        facts = {"status": "DELIVERED", "total_cost": 5, "currency": "UAH", "ordered_at": moment, "updated_at": NOW}
        Order.objects.create(contact_id=people[name].pk, external_order_id=name, **facts)

    assert {contact.pk for contact in list_members(segment)} == {people[name].pk for name in names}
    assert check_definition(segment.definition)


def test_those_that_an_account_does_not_have_yet_are_made_beside_what_people_called_so(db: None) -> None:
    Segment.objects.filter(builtin__in=["possible_duplicates", "no_email"]).delete()
    mine = save_segment(Segment(name="possible duplicates", type=SegmentType.STATIC))

    make_ready_made()

    made = dict(Segment.objects.filter(builtin__isnull=False).values_list("builtin", "name"))
    assert set(made) == set(READY_MADE)
    assert (made["no_email"], made["possible_duplicates"]) == ("No email", "Possible duplicates (ready-made)")
    assert Segment.objects.get(pk=mine.pk).builtin is None


def test_a_renamed_ready_made_segment_is_not_made_again(db: None) -> None:
    Segment.objects.filter(builtin="no_email").update(name="Unreachable")

    make_ready_made()

    assert Segment.objects.filter(builtin__isnull=False).count() == len(READY_MADE)
