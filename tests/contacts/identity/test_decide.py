"""Deciding on a world made by hand: corners that a door would take long to reach. No database."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.identity.decide import decide, decide_by_rules
from contacts.identity.types import (
    API,
    API_BULK,
    EVENT,
    IMPORT,
    MOBILE,
    ORDER,
    SHEET,
    STANDARD,
    STRICT,
    WEB,
    Outcome,
    Plan,
    PolicyRules,
)
from contacts.identity.world import DELETED, ERASED, MERGED, NEW_CONTACT, TOO_COMMON, ContactRow, Missing, World
from contacts.keys import Kind
from contacts.normalize import Schema, normalize
from contacts.records import Key
from tests.people import BOHDAN, BOHDANS_PHONE, FAMILY, OLENA, OLENAS_PHONE, TARAS, cookie, device, push, token

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCHEMA = Schema((*SYSTEM_COLUMNS, Column("fields.loyalty", "text", "Loyalty card", may_be_key=True)))
FIRST_NEW_ID = 1_000
EMAIL_OF_THE_FAMILY: Key = (Kind.EMAIL, "", FAMILY)


class Somebody(NamedTuple):
    """A contact and all identifiers it holds."""

    row: ContactRow
    keys: frozenset[Key]


class Anything(set[Key]):
    """All that is not in the world was looked for and is not there."""

    def __contains__(self, _: object) -> bool:
        return True


def somebody(
    contact_id: int,
    record: Mapping[str, Any] | None = None,
    *,
    age: int = 10,
    further: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Somebody:
    """A contact that has what ``record`` says, and by a merge what ``further`` does; changed ``age`` minutes ago."""
    read, more = normalize(record or {}, SCHEMA), normalize(further or {}, SCHEMA)
    keys = frozenset(read.identifiers + more.identifiers)
    values = NEW_CONTACT | {
        "id": contact_id,
        "external_id": read.external_id,
        "email": read.email,
        "phone": read.phone,
        "identifier_kinds": sum({1 << key[0] for key in keys}),
        "made_deliberately": False,
        "updated_at": NOW - timedelta(minutes=age),
        "attributes": dict(read.attributes),
        **read.fields,
    }
    return Somebody(ContactRow(values | columns), keys)


def tombstone(contact_id: int, survivor_id: int) -> Somebody:
    return somebody(contact_id, state=MERGED, merged_into_id=survivor_id)


def world_of(*people: Somebody, visitors: Mapping[str, int] | None = None) -> World:
    world = World(moment=NOW, new_ids=itertools.count(FIRST_NEW_ID))
    world.known_keys = Anything()
    for row, keys in people:
        world.rows[row.id] = row
        world.held[row.id] = set(keys)
        for key in keys:
            world.owners.setdefault(key, {})[row.id] = row.id
    for value, number in (visitors or {}).items():
        world.owners[Kind.COOKIE, "", value] = {number: number}
    return world


def resolve(world: World, record: Mapping[str, Any], plan: Plan = API, policy: PolicyRules = STANDARD) -> Outcome:
    return decide(normalize(record, SCHEMA), plan, policy, world)


def tokens_of(world: World, contact_id: int) -> set[str]:
    return {f"{Kind(kind).slug}:{value}" for kind, _, value in world.held[contact_id]}


def effects_of(world: World) -> tuple[Any, ...]:
    """All that would be written."""
    entries = [(entry.contact_id, entry.kind, entry.before, entry.after, entry.details) for entry in world.entries]
    return (entries, set(world.changed), world.attached, world.removed, world.seen, world.claims, len(world.merges))


NOTHING = ([], set(), set(), [], set(), [], 0)


# Several candidates


def test_of_several_the_one_updated_last_is_meant() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": FAMILY}, age=5),
        somebody(2, {"external_id": "C-2", "email": FAMILY}, age=3),
        somebody(3, {"external_id": "C-3", "email": FAMILY}, age=4),
    )
    assert resolve(world, {"email": FAMILY}).contact_id == 2


def test_of_several_updated_at_one_moment_the_greatest_id_is_meant() -> None:
    people = [somebody(number, {"email": FAMILY}, age=5) for number in (4, 9, 7)]
    assert resolve(world_of(*people), {"email": FAMILY}).contact_id == 9
    assert resolve(world_of(*people), {"email": FAMILY, "external_id": "C-1"}).contact_id == 9


def test_an_active_one_is_meant_before_a_deleted_one_updated_later() -> None:
    world = world_of(somebody(1, {"email": FAMILY}, age=9), somebody(2, {"email": FAMILY}, age=1, state=DELETED))
    outcome = resolve(world, {"email": FAMILY, "first_name": "Olena"})
    assert (outcome.contact_id, outcome.status) == (1, "updated")


def test_an_active_one_by_custom_key_goes_before_a_deleted_one_by_email() -> None:
    world = world_of(somebody(1, {"fields.loyalty": "A-17"}), somebody(2, {"email": OLENA}, state=DELETED))
    assert resolve(world, {"email": OLENA, "fields.loyalty": "A-17"}).contact_id == 1


def test_of_mixed_matches_the_one_without_an_external_id_gets_it() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": FAMILY}, age=1),
        somebody(2, {"email": FAMILY}, age=9),
        somebody(3, {"external_id": "C-3", "email": FAMILY}, age=2),
    )
    outcome = resolve(world, {"external_id": "C-9", "email": FAMILY})
    assert (outcome.contact_id, outcome.rule) == (2, "L4")


def test_of_two_without_an_external_id_among_others_the_later_one_gets_it() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": FAMILY}, age=1),
        somebody(2, {"email": FAMILY}, age=9),
        somebody(3, {"email": FAMILY}, age=8),
    )
    outcome = resolve(world, {"external_id": "C-9", "email": FAMILY})
    assert (outcome.contact_id, outcome.rule) == (3, "L5")


def test_one_key_after_the_other_counts_as_not_found_until_one_is_free() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": FAMILY}),
        somebody(2, {"external_id": "C-2", "phone": OLENAS_PHONE}),
        somebody(3, {"fields.loyalty": "A-17"}),
    )
    record = {"external_id": "C-9", "email": FAMILY, "phone": OLENAS_PHONE, "fields.loyalty": "A-17"}
    outcome = resolve(world, record)
    assert (outcome.contact_id, outcome.matched_by) == (3, "loyalty")
    assert [step.verdict for step in outcome.steps] == [
        "nobody has it",
        "has another external ID (L6)",
        "has another external ID (L6)",
        "matched",
    ]
    assert {key: case.contact_ids for key, case in world.cases.items()} == {
        EMAIL_OF_THE_FAMILY: {1, 3},
        (Kind.PHONE, "", OLENAS_PHONE): {2, 3},
    }


def test_replacing_an_external_id_takes_exactly_one_match() -> None:
    plan = replace(API_BULK, key="email", replace_external_id=True)
    record = {"external_id": "C-9", "email": FAMILY}
    one = [somebody(1, {"external_id": "C-1", "email": FAMILY})]
    assert resolve(world_of(*one), record, plan).rule == "L6a"
    two = [*one, somebody(2, {"external_id": "C-2", "email": FAMILY})]
    assert resolve(world_of(*two), record, plan).status == "created"


def test_a_merged_contact_is_followed_to_the_last_survivor() -> None:
    world = world_of(tombstone(1, 2), tombstone(2, 3), somebody(3, {"email": OLENA}))
    outcome = resolve(world, {"id": 1, "first_name": "Olena"})
    assert (outcome.contact_id, outcome.rule) == (3, "L13")


def test_an_erased_contact_is_nobody() -> None:
    world = world_of(somebody(1, {"email": OLENA}, state=ERASED))
    assert resolve(world, {"id": 1}).code == "contact_not_found"
    assert resolve(world, {"email": OLENA}).status == "created"


# Shared devices (T7)


def test_of_several_devices_the_first_that_is_not_somebody_elses_finds() -> None:
    world = world_of(
        somebody(1, {"email": OLENA, "identifiers": [device("d-1")]}),
        somebody(2, {"phone": BOHDANS_PHONE, "identifiers": [device("d-2")]}),
    )
    outcome = resolve(world, {"email": BOHDAN, "identifiers": [device("d-1"), device("d-2")]})
    assert (outcome.contact_id, outcome.status) == (2, "updated")
    assert outcome.migrated == [("device", "d-1", 1)]
    assert tokens_of(world, 1) == {f"email:{OLENA}"}


def test_where_all_devices_are_somebody_elses_they_all_migrate_to_a_new_contact() -> None:
    world = world_of(
        somebody(1, {"email": OLENA, "identifiers": [device("d-1")]}),
        somebody(2, {"email": TARAS, "identifiers": [push("p-2")]}),
    )
    outcome = resolve(world, {"email": BOHDAN, "identifiers": [device("d-1"), push("p-2")]})
    assert (outcome.status, outcome.rule) == ("created", "T7")
    assert tokens_of(world, FIRST_NEW_ID) == {f"email:{BOHDAN}", "device:d-1", "mobile_push:p-2"}
    assert [(migrated[2]) for migrated in outcome.migrated] == [1, 2]


def test_a_value_too_common_to_find_makes_a_device_somebody_elses() -> None:
    crowd = [somebody(number, {"email": FAMILY}) for number in range(1, 52)]
    world = world_of(*crowd, somebody(99, {"email": OLENA, "identifiers": [device()]}))
    outcome = resolve(world, {"email": FAMILY, "identifiers": [device()]})
    assert (outcome.status, outcome.rule) == ("created", "T7")


def test_a_new_external_id_beside_a_known_email_of_another_makes_the_device_nobody_elses_business() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": OLENA, "identifiers": [device()]}),
        somebody(2, {"email": BOHDAN}),
    )
    outcome = resolve(world, {"external_id": "C-2", "email": BOHDAN, "identifiers": [device()]})
    assert (outcome.contact_id, outcome.rule) == (2, "L4")
    assert outcome.migrated == [("device", "device-1", 1)]


@pytest.mark.parametrize("plan", [API, MOBILE, ORDER])
def test_a_device_of_somebody_with_another_email_never_finds_for_any_plan(plan: Plan) -> None:
    world = world_of(somebody(1, {"email": OLENA, "identifiers": [device()]}))
    assert resolve(world, {"email": BOHDAN, "identifiers": [device()]}, plan).status == "created"


# Visitors and anonymous contacts


def test_a_new_contact_takes_the_first_visitors_number_and_the_second_ones_events() -> None:
    world = world_of(visitors={"k-1": 70, "k-2": 80})
    outcome = resolve(world, {"email": OLENA, "identifiers": [cookie("k-1"), cookie("k-2")]}, WEB)
    assert (outcome.contact_id, world.claims) == (70, [(80, 70)])
    assert tokens_of(world, 70) == {f"email:{OLENA}", "cookie:k-1", "cookie:k-2"}
    assert world.rows[70].values["identifier_kinds"] == 1 << Kind.EMAIL | 1 << Kind.COOKIE


def test_both_visitors_become_the_target_that_was_there() -> None:
    world = world_of(somebody(1, {"email": OLENA}), visitors={"k-1": 70, "k-2": 80})
    resolve(world, {"email": OLENA, "identifiers": [cookie("k-1"), cookie("k-2")]}, WEB)
    assert sorted(world.claims) == [(70, 1), (80, 1)]


def test_one_cookie_of_a_visitor_and_one_of_somebody() -> None:
    world = world_of(somebody(1, {"email": OLENA, "identifiers": [cookie("k-1")]}), visitors={"k-2": 80})
    outcome = resolve(world, {"identifiers": [cookie("k-1"), cookie("k-2")]}, WEB)
    assert (outcome.contact_id, world.claims) == (1, [(80, 1)])


def test_a_visitor_with_a_second_cookie_keeps_one_number() -> None:
    world = world_of(visitors={"k-2": 80})
    outcome = resolve(world, {"identifiers": [cookie("k-1"), cookie("k-2")]}, WEB)
    assert (outcome.status, outcome.contact_id) == ("visitor", 80)
    assert set(world.owners[Kind.COOKIE, "", "k-1"]) == {80}


def test_two_tokens_of_one_anonymous_contact_merge_it_once() -> None:
    world = world_of(somebody(1, {"email": OLENA}), somebody(2, {"identifiers": [device(), push()]}))
    outcome = resolve(world, {"email": OLENA, "identifiers": [device(), push()]})
    assert outcome.merged == [2]
    assert len(world.merges) == 1
    assert tokens_of(world, 1) == {f"email:{OLENA}", "device:device-1", "mobile_push:push-1"}


def test_a_visitor_an_anonymous_contact_and_somebody_identified_in_one_record() -> None:
    world = world_of(
        somebody(1, {"email": OLENA}),
        somebody(2, {"identifiers": [device()]}),
        somebody(3, {"email": BOHDAN, "identifiers": [push()]}),
        visitors={"k-1": 70},
    )
    outcome = resolve(world, {"email": OLENA, "identifiers": [device(), push(), cookie("k-1")]})
    assert (outcome.merged, outcome.migrated, world.claims) == ([2], [("mobile_push", "push-1", 3)], [(70, 1)])


@pytest.mark.parametrize(
    ("columns", "is_merged"), [({}, True), ({"made_deliberately": True}, False), ({"order_count": 1}, False)]
)
def test_only_an_anonymous_contact_is_merged_by_a_rule(columns: dict[str, Any], is_merged: bool) -> None:
    world = world_of(somebody(1, {"email": OLENA}), somebody(2, {"identifiers": [device()]}, **columns))
    outcome = resolve(world, {"email": OLENA, "identifiers": [device()]})
    assert outcome.merged == ([2] if is_merged else [])
    assert bool(outcome.migrated) is not is_merged


# Within one batch (L14)


def test_what_was_created_is_matched_by_every_value() -> None:
    world = world_of()
    resolve(world, {"external_id": "C-1", "email": OLENA, "fields.loyalty": "A-17", "identifiers": [device()]})
    for record in (
        {"external_id": "C-1"},
        {"email": OLENA.upper()},
        {"fields.loyalty": "A-17"},
        {"identifiers": [device()]},
        {"id": FIRST_NEW_ID},
    ):
        outcome = resolve(world, record)
        assert (outcome.status, outcome.contact_id) == ("unchanged", FIRST_NEW_ID), record


def test_what_was_merged_is_found_with_its_survivor() -> None:
    world = world_of(somebody(1, {"email": OLENA}), somebody(2, {"identifiers": [device(), push()]}))
    resolve(world, {"email": OLENA, "identifiers": [device()]})
    assert resolve(world, {"identifiers": [push()]}).contact_id == 1
    assert resolve(world, {"id": 2}).contact_id == 1


def test_what_was_promoted_is_anonymous_no_more() -> None:
    world = world_of(somebody(1, {"identifiers": [device()]}), somebody(2, {"external_id": "C-2"}))
    resolve(world, {"email": OLENA, "identifiers": [device()]})
    outcome = resolve(world, {"external_id": "C-2", "identifiers": [device()]})
    assert (outcome.merged, outcome.migrated) == ([], [("device", "device-1", 1)])


def test_a_replaced_external_id_is_taken_by_the_next_record() -> None:
    world = world_of(somebody(1, {"external_id": "C-1", "email": OLENA}), somebody(2, {"email": BOHDAN}))
    plan = replace(API_BULK, key="email", replace_external_id=True)
    resolve(world, {"external_id": "C-9", "email": OLENA}, plan)
    outcome = resolve(world, {"external_id": "C-1", "email": BOHDAN}, plan)
    assert (outcome.contact_id, outcome.rule) == (2, "L4")
    assert world.rows[2].values["external_id"] == "C-1"
    assert set(world.owners[Kind.EXTERNAL_ID, "", "C-1"]) == {2}


def test_external_ids_swapped_by_id_need_a_third_step() -> None:
    world = world_of(somebody(1, {"external_id": "C-1"}), somebody(2, {"external_id": "C-2"}))
    assert resolve(world, {"id": 1, "external_id": "C-2"}).code == "external_id_taken"
    resolve(world, {"id": 1, "external_id": "C-3"})
    resolve(world, {"id": 2, "external_id": "C-1"})
    assert resolve(world, {"id": 1, "external_id": "C-2"}).status == "updated"
    assert [world.rows[number].values["external_id"] for number in (1, 2)] == ["C-2", "C-1"]


def test_a_replaced_email_finds_nobody_and_is_shared_with_nobody() -> None:
    world = world_of(somebody(1, {"external_id": "C-1", "email": OLENA}))
    resolve(world, {"external_id": "C-1", "email": FAMILY})
    outcome = resolve(world, {"external_id": "C-2", "email": OLENA})
    assert outcome.status == "created"
    assert world.cases == {}


def test_emails_swapped_in_one_batch_end_swapped() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": OLENA}), somebody(2, {"external_id": "C-2", "email": BOHDAN})
    )
    resolve(world, {"external_id": "C-1", "email": BOHDAN})
    resolve(world, {"external_id": "C-2", "email": OLENA})
    assert [world.rows[number].values["email"] for number in (1, 2)] == [BOHDAN, OLENA]
    assert [tokens_of(world, number) for number in (1, 2)] == [
        {"external_id:C-1", f"email:{BOHDAN}"},
        {"external_id:C-2", f"email:{OLENA}"},
    ]


def test_a_device_that_goes_there_and_back_is_where_it_was() -> None:
    world = world_of(
        somebody(1, {"email": OLENA, "identifiers": [device()]}), somebody(2, {"external_id": "C-2", "email": BOHDAN})
    )
    resolve(world, {"email": BOHDAN, "identifiers": [device()]})
    resolve(world, {"email": OLENA, "identifiers": [device()]})
    assert world.owners[Kind.DEVICE, "", "device-1"] == {1: 1}
    assert [tokens_of(world, number) for number in (1, 2)] == [
        {f"email:{OLENA}", "device:device-1"},
        {"external_id:C-2", f"email:{BOHDAN}"},
    ]


def test_a_visitor_of_this_batch_becomes_known_in_it() -> None:
    world = world_of()
    first = resolve(world, {"identifiers": [cookie("k-1")]}, WEB)
    second = resolve(world, {"email": OLENA, "identifiers": [cookie("k-1")]}, WEB)
    third = resolve(world, {"identifiers": [cookie("k-1")]}, WEB)
    assert [outcome.status for outcome in (first, second, third)] == ["visitor", "created", "unchanged"]
    assert {outcome.contact_id for outcome in (first, second, third)} == {FIRST_NEW_ID}
    assert world.claims == []


def test_a_restored_contact_is_active_for_the_next_record() -> None:
    world = world_of(somebody(1, {"external_id": "C-1", "email": OLENA}, state=DELETED, deleted_at=NOW))
    plan = replace(IMPORT, key="email")
    assert resolve(world, {"email": OLENA}, plan).code == "contact_deleted"
    assert resolve(world, {"external_id": "C-1"}, replace(plan, restore_deleted=True)).status == "restored"
    assert resolve(world, {"email": OLENA, "first_name": "Olena"}, plan).status == "updated"


def test_the_batch_is_decided_in_its_order() -> None:
    records = [{"external_id": "C-1", "first_name": name} for name in ("Olena", "Olenka", "Olena")]
    world = world_of(somebody(1, {"external_id": "C-1"}))
    assert [resolve(world, record).status for record in records] == ["updated"] * 3
    assert [(entry.before, entry.after) for entry in world.entries] == [
        ({}, {"first_name": "Olena"}),
        ({"first_name": "Olena"}, {"first_name": "Olenka"}),
        ({"first_name": "Olenka"}, {"first_name": "Olena"}),
    ]


# Too common


@pytest.mark.parametrize("column", ["email", "phone", "fields.loyalty"])
def test_a_value_on_50_contacts_finds_and_on_51_does_not(column: str) -> None:
    value = {"email": FAMILY, "phone": OLENAS_PHONE, "fields.loyalty": "A-17"}[column]
    people = [somebody(number, {column: value}) for number in range(1, TOO_COMMON + 2)]
    assert TOO_COMMON == 50
    assert resolve(world_of(*people[:50]), {column: value}).contact_id == 50
    outcome = resolve(world_of(*people), {column: value})
    assert (outcome.status, outcome.contact_id) == ("created", FIRST_NEW_ID)
    assert [(warning.column, warning.code) for warning in outcome.warnings] == [
        (column.removeprefix("fields."), "value_too_common")
    ]


def test_a_value_becomes_too_common_within_the_batch() -> None:
    world = world_of(*(somebody(number, {"external_id": f"C-{number}", "email": FAMILY}) for number in range(1, 51)))
    assert resolve(world, {"email": FAMILY}).contact_id == 50
    assert resolve(world, {"external_id": "C-51", "email": FAMILY}).status == "created"
    assert [warning.code for warning in resolve(world, {"email": FAMILY}).warnings] == ["value_too_common"]


def test_deleted_contacts_count_among_those_that_have_a_value() -> None:
    people = [somebody(number, {"email": FAMILY}, state=DELETED) for number in range(1, 51)]
    assert resolve(world_of(*people, somebody(99, {"email": FAMILY})), {"email": FAMILY}).status == "created"


def test_a_common_value_is_warned_of_once() -> None:
    people = [somebody(number, {"external_id": f"C-{number}", "email": FAMILY}) for number in range(1, 52)]
    outcome = resolve(world_of(*people), {"external_id": "C-99", "email": FAMILY, "identifiers": [device()]})
    assert [warning.code for warning in outcome.warnings] == ["value_too_common"]


# Nothing is left of what is refused


@pytest.mark.parametrize(
    ("record", "plan", "policy", "code"),
    [
        ({"email": "olena"}, API, STANDARD, "invalid_email"),
        ({"first_name": "Olena"}, API, STANDARD, "identifier_missing"),
        ({"phone": OLENAS_PHONE}, replace(API_BULK, key="email"), STANDARD, "key_missing"),
        ({"id": 1, "external_id": "C-2", "email": FAMILY}, API, STANDARD, "external_id_taken"),
        ({"id": 5, "email": FAMILY}, SHEET, STANDARD, "contact_not_found"),
        ({"external_id": "C-3", "first_name": "Taras"}, IMPORT, STANDARD, "contact_deleted"),
        ({"email": TARAS, "identifiers": [device()]}, IMPORT, STANDARD, "contact_deleted"),
        ({"external_id": "C-9", "phone": OLENAS_PHONE}, API, STRICT, "external_id_conflict"),
        ({"email": FAMILY}, replace(IMPORT, mode="update"), STANDARD, "not_found"),
        ({"email": OLENA, "identifiers": [device()]}, replace(IMPORT, mode="create"), STANDARD, "already_exists"),
    ],
)
def test_a_refused_record_changes_nothing(record: dict[str, Any], plan: Plan, policy: PolicyRules, code: str) -> None:
    world = world_of(
        somebody(1, {"email": OLENA, "phone": OLENAS_PHONE, "identifiers": [device()]}),
        somebody(2, {"external_id": "C-2"}),
        somebody(3, {"external_id": "C-3", "email": TARAS}, state=DELETED),
    )
    outcome = resolve(world, record, plan, policy)
    assert outcome.code == code
    assert outcome.message.endswith(".")
    assert effects_of(world) == NOTHING
    assert bool(world.cases) is (code == "external_id_conflict")
    assert next(world.new_ids) == FIRST_NEW_ID


def test_a_record_that_says_nothing_new_changes_nothing() -> None:
    world = world_of(somebody(1, {"external_id": "C-1", "email": OLENA, "first_name": "Olena", "fields.loyalty": "A"}))
    record = {"external_id": "C-1", "email": OLENA.upper(), "first_name": " Olena ", "fields.loyalty": "A", "town": ""}
    assert resolve(world, record).status == "unchanged"
    assert effects_of(world) == NOTHING


# What a decision says of itself


def test_every_step_of_the_way_is_told() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": FAMILY, "identifiers": [device()]}),
        somebody(2, {"phone": BOHDANS_PHONE}),
    )
    record = {"external_id": "C-9", "email": FAMILY, "phone": BOHDANS_PHONE, "identifiers": [device()]}
    outcome = resolve(world, record)
    assert [tuple(step) for step in outcome.steps] == [
        ("external_id", "C-9", (), "nobody has it"),
        ("email", FAMILY, (1,), "has another external ID (L6)"),
        ("phone", BOHDANS_PHONE, (2,), "matched"),
    ]
    assert outcome.migrated == [("device", "device-1", 1)]


def test_what_was_not_loaded_is_asked_for() -> None:
    world = World(moment=NOW, new_ids=itertools.count(FIRST_NEW_ID))
    with pytest.raises(Missing) as missing:
        resolve(world, {"email": OLENA})
    assert missing.value.keys == ((Kind.EMAIL, "", OLENA),)


def test_identifiers_that_were_not_loaded_are_asked_for() -> None:
    world = world_of(somebody(1, {"email": OLENA}))
    del world.held[1]
    with pytest.raises(Missing) as missing:
        resolve(world, {"email": OLENA, "identifiers": [device()]})
    assert missing.value.contact_ids == (1,)


def test_columns_that_were_not_loaded_are_asked_for() -> None:
    world = world_of(somebody(1, {"email": OLENA}))
    del world.rows[1].values["town"]
    with pytest.raises(Missing) as missing:
        resolve(world, {"email": OLENA, "town": "Lviv"})
    assert missing.value.whole_rows


# Plans


def test_filling_blanks_only_replaces_nothing() -> None:
    plan = replace(API, fill_blanks_only=True)
    for people in ([], [somebody(1, {"external_id": "C-1", "email": OLENA, "first_name": "Olena"})]):
        world = world_of(*people)
        record = {"external_id": "C-1", "email": FAMILY, "first_name": "Olga", "town": "Lviv", "fields.loyalty": "A"}
        outcome = resolve(world, record, plan)
        assert outcome.status == ("updated" if people else "created")
        values = world.rows[outcome.contact_id or 0].values
        assert (values["email"], values["first_name"]) == ((OLENA, "Olena") if people else (FAMILY, "Olga"))
        assert (values["town"], values["attributes"]) == ("Lviv", {"loyalty": "A"})


def test_a_person_writes_the_same_email_in_another_spelling() -> None:
    world = world_of(somebody(1, {"email": "Olena@Example.com"}))
    resolve(world, {"id": 1, "email": "olena@example.com"}, SHEET)
    assert world.rows[1].values["email"] == "olena@example.com"


def test_clearing_a_primary_value_gives_way_to_a_further_one() -> None:
    world = world_of(
        somebody(1, {"external_id": "C-1", "email": OLENA}, further={"email": BOHDAN, "external_id": "C-2"})
    )
    resolve(world, {"id": 1, "email": "", "external_id": ""}, SHEET)
    assert (world.rows[1].values["email"], world.rows[1].values["external_id"]) == (BOHDAN, "C-2")
    assert tokens_of(world, 1) == {f"email:{BOHDAN}", "external_id:C-2"}


def test_an_order_makes_a_whole_contact_and_changes_none() -> None:
    record = {"external_id": "C-1", "email": OLENA, "first_name": "Olena", "fields.loyalty": "A"}
    world = world_of()
    assert resolve(world, record, ORDER).status == "created"
    assert world.rows[FIRST_NEW_ID].values["first_name"] == "Olena"
    world = world_of(somebody(1, {"external_id": "C-1"}))
    assert resolve(world, record, ORDER).status == "unchanged"
    assert effects_of(world) == NOTHING


def test_an_advertising_id_is_attached_beside_another_owners() -> None:
    world = world_of(
        somebody(1, {"email": OLENA, "identifiers": [token("advertising", "a")]}), somebody(2, {"email": BOHDAN})
    )
    resolve(world, {"email": BOHDAN, "identifiers": [token("advertising", "a")]})
    assert set(world.owners[Kind.ADVERTISING, "", "a"]) == {1, 2}


# Activity of somebody who is known


LOYAL = {"fields.loyalty": "card-7"}
NAMED: dict[str, dict[str, Any]] = {
    "by external ID": {"external_id": "C-1"},
    "by a further external ID": {"external_id": "of old"},
    "by email": {"email": OLENA},
    "by phone": {"phone": OLENAS_PHONE},
    "by a custom key": LOYAL,
    "by external ID and email": {"external_id": "C-1", "email": OLENA},
    "by external ID and the email of another": {"external_id": "C-1", "email": BOHDAN},
    "by an unknown external ID and an email": {"external_id": "nobody's", "email": OLENA},
    "by the email and phone of two": {"email": OLENA, "phone": BOHDANS_PHONE},
    "by external ID and device": {"external_id": "C-1", **device("hers")},
    "by device": device("hers"),
    "by a value that nobody has": {"email": "nobody@example.com"},
    "by id": {"id": 1, "email": OLENA},
    "by a placeholder too": {"email": OLENA, "phone": "0000000000"},
    "by nothing": {},
    "by a visitor's cookie": {"identifiers": [cookie("k-visitor")]},
    "by a cookie that nobody has": {"identifiers": [cookie("k-new")]},
    "by her cookie": {"identifiers": [cookie("k-hers")]},
    "by two cookies": {"identifiers": [cookie("k-visitor"), cookie("k-new")]},
    "by a visitor's cookie and a placeholder": {"email": "none", "identifiers": [cookie("k-visitor")]},
    "by email and a visitor's cookie": {"email": OLENA, "identifiers": [cookie("k-visitor")]},
}
PLACES: dict[str, dict[str, Any]] = {"active": {}, "deleted": {"state": DELETED}, "erased": {"state": ERASED}}


@pytest.mark.parametrize("others", [False, True], ids=["alone", "with a namesake"])
@pytest.mark.parametrize("columns", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("named", NAMED.values(), ids=NAMED)
def test_who_is_recognised_at_once_is_whom_the_rules_find(named, columns, others):
    """Most activity needs one look; what comes out is what all rules in their order come to."""
    hers = {"external_id": "C-1", "email": OLENA, "phone": OLENAS_PHONE, **LOYAL, "identifiers": [cookie("k-hers")]}
    web = replace(EVENT, tracking="web")
    for plan in (EVENT, ORDER, web, replace(web, may_create=False), replace(ORDER, may_create=False)):
        for policy in (STANDARD, STRICT):
            found = []
            for verb in (decide, decide_by_rules):
                people = [
                    somebody(1, hers, further={"external_id": "of old"}, **columns),
                    somebody(2, {"external_id": "C-2", "email": BOHDAN, "phone": BOHDANS_PHONE}),
                ]
                people += [somebody(3, {"email": OLENA}, age=5)] if others else []
                world = world_of(*people, visitors={"k-visitor": 80})
                outcome = verb(normalize(named, SCHEMA, ref=7), plan, policy, world)
                found.append((outcome, effects_of(world)))
            assert found[0] == found[1]
