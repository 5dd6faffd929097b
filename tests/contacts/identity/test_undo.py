"""What one import did to one or two contacts is taken back; what somebody did since stays, and is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.identity import (
    delete_contacts,
    erase_contacts,
    merge_contacts,
    resolve,
    suppress_addresses,
    undo_merge,
)
from contacts.identity import types as plans
from contacts.identity.integrity import find_problems
from contacts.identity.undo import Because, Kept, find_extent, take_back_slice
from contacts.models import (
    Change,
    ChannelState,
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Event,
    Identifier,
    Import,
    ImportStatus,
    ImportTrace,
    Merge,
)
from tests.people import (
    BOHDAN,
    BOHDANS_PHONE,
    OLENA,
    OLENAS_PHONE,
    TARAS,
    TARAS_PHONE,
    Stage,
    anonymous,
    browsed,
    browsed_by_cookie,
    cookie,
    device,
    dismissed,
    have,
    ordered,
    visitor,
)

pytestmark = pytest.mark.django_db

N = 7
BY = "user:1"
UNSEEN = ("updated_at",)


@pytest.fixture
def stage() -> Stage:
    for key, can_be_key in (("card", True), ("note", False)):
        CustomField.objects.create(key=key, label=key, can_be_key=can_be_key)
    return Stage(now=datetime.now(UTC) - timedelta(days=1))


def run_import(stage: Stage, *records: dict[str, Any], number: int = N, **options: Any) -> list[plans.Outcome]:
    plan = replace(plans.IMPORT, import_id=number, **options)
    return resolve([stage.fill(record) for record in records], plan, by=f"import:{number}", at=stage.tick())


def take_back(number: int = N) -> list[Kept]:
    extent, mark, kept = find_extent(number), None, []
    while (taken := take_back_slice(number, extent, mark=mark, by=BY)) is not None:
        mark = taken.mark
        kept += taken.kept
    assert find_problems() == []
    assert not ImportTrace.objects.exists()
    return kept


def tables() -> dict[str, Any]:
    """Everything that an undo puts back, but for what it may move: ids of rows that went and came, ``updated_at``."""
    contacts = {row.pop("id"): row for row in Contact.objects.values()}
    for row in contacts.values():
        for column in UNSEEN:
            del row[column]
    skipped = {"id"}
    identifiers = [
        {name: value for name, value in row.items() if name not in skipped}
        for row in Identifier.objects.order_by("kind", "app", "value", "contact_id").values()
    ]
    cases = list(DuplicateCase.objects.order_by("kind", "value").values())
    events = list(Event.objects.order_by("pk").values())
    merges = list(Merge.objects.filter(undone_at=None).values("contact_id", "loser_id", "filled", "identifiers"))
    return {"contacts": contacts, "identifiers": identifiers, "cases": cases, "events": events, "merges": merges}


OLENA_AS_SHE_WAS = {"external_id": "C1", "email": OLENA, "phone": OLENAS_PHONE, "first_name": "Olena"}

EFFECTS = {
    "a new contact": ([], [{"external_id": "C9", "email": TARAS, "first_name": "Taras"}], {}),
    "a new contact with a device": ([], [{"external_id": "C9", "identifiers": [device("d9")]}], {}),
    "a field": ([], [{"external_id": "C1", "first_name": "Olha", "last_name": "Bell"}], {}),
    "a field that is cleared": ([], [{"external_id": "C1", "first_name": ""}], {"empty_values_clear": True}),
    "custom fields": (
        [have("olena", {**OLENA_AS_SHE_WAS, "fields.note": "tall", "fields.card": "K1"})],
        [{"external_id": "C1", "fields.note": "short", "fields.card": "K2"}],
        {},
    ),
    "a custom key that comes": ([], [{"external_id": "C1", "fields.card": "K2", "contact_key": "CK"}], {}),
    "a custom key that is cleared": (
        [have("olena", {**OLENA_AS_SHE_WAS, "contact_key": "K1"})],
        [{"external_id": "C1", "contact_key": ""}],
        {"empty_values_clear": True},
    ),
    "an email and a phone that are replaced": (
        [],
        [{"external_id": "C1", "email": BOHDAN, "phone": BOHDANS_PHONE}],
        {"key": "external_id"},
    ),
    "an email that is cleared": ([], [{"external_id": "C1", "email": ""}], {"empty_values_clear": True}),
    "an email that comes": (
        [have("olena", {"external_id": "C1"})],
        [{"external_id": "C1", "email": OLENA, "phone": OLENAS_PHONE}],
        {},
    ),
    "an email that another one has": (
        [have("olena", OLENA_AS_SHE_WAS), have("bohdan", {"external_id": "C2", "email": BOHDAN})],
        [{"external_id": "C1", "email": BOHDAN}],
        {},
    ),
    "an email of a known case": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "email": BOHDAN}),
            have("taras", {"external_id": "C3", "email": BOHDAN}),
        ],
        [{"external_id": "C1", "email": BOHDAN}, {"external_id": "C4", "email": BOHDAN}],
        {},
    ),
    "an external ID for who had none": (
        [have("olena", {"email": OLENA})],
        [{"external_id": "C1", "email": OLENA}],
        {"key": "email"},
    ),
    "an external ID that is replaced": (
        [have("olena", OLENA_AS_SHE_WAS)],
        [{"external_id": "C8", "email": OLENA}],
        {"key": "email", "replace_external_id": True},
    ),
    "values that two contacts exchange": (
        [have("olena", OLENA_AS_SHE_WAS), have("bohdan", {"external_id": "C2", "email": BOHDAN})],
        [
            {"external_id": "C1", "email": TARAS},
            {"external_id": "C2", "email": OLENA},
            {"external_id": "C1", "email": BOHDAN},
        ],
        {},
    ),
    "an email that goes and comes back": (
        [],
        [
            {"external_id": "C1", "email": BOHDAN},
            {"external_id": "C1", "email": OLENA},
            {"external_id": "C1", "email": TARAS},
        ],
        {},
    ),
    "a device": ([], [{"external_id": "C1", "identifiers": [device()]}], {}),
    "a device that is only seen": (
        [have("olena", {**OLENA_AS_SHE_WAS, "identifiers": [{**device(), "details": {"os": "1"}}]})],
        [{"external_id": "C1", "identifiers": [{**device(), "details": {"os": "2"}}]}],
        {},
    ),
    "a device that migrates": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "identifiers": [device()]}),
        ],
        [{"external_id": "C1", "identifiers": [device()]}],
        {},
    ),
    "a device that migrates to a new contact": (
        [have("bohdan", {"external_id": "C2", "identifiers": [device()]})],
        [{"external_id": "C9", "identifiers": [device()]}],
        {},
    ),
    "a device that wanders": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "identifiers": [device()]}),
        ],
        [
            {"external_id": "C1", "identifiers": [device()]},
            {"external_id": "C9", "identifiers": [device()]},
            {"external_id": "C2", "identifiers": [device()]},
            {"external_id": "C1", "identifiers": [device()]},
        ],
        {},
    ),
    "an anonymous contact that is merged": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            anonymous("nobody", device(), device("d2"), first_name="Lena", last_name="Bell"),
            browsed("nobody"),
        ],
        [{"external_id": "C1", "town": "Lviv", "identifiers": [device()]}, {"external_id": "C1", "last_name": "Cole"}],
        {},
    ),
    "an anonymous contact that is merged into a new one": (
        [anonymous("nobody", device(), last_name="Bell"), browsed("nobody")],
        [{"external_id": "C9", "identifiers": [device("d9")]}, {"external_id": "C9", "identifiers": [device()]}],
        {},
    ),
    "an anonymous contact that is promoted": (
        [anonymous("nobody", device(), last_name="Bell")],
        [{"email": TARAS, "identifiers": [device()]}],
        {"key": "default"},
    ),
    "a visitor who becomes known": (
        [have("olena", OLENA_AS_SHE_WAS), visitor("guest", "cookie-1")],
        [{"external_id": "C1", "identifiers": [cookie()]}],
        {},
    ),
    "a visitor who becomes a contact": (
        [visitor("guest", "cookie-1")],
        [{"external_id": "C9", "identifiers": [cookie()]}],
        {},
    ),
    "a visitor who becomes a contact that was just made": (
        [visitor("guest", "cookie-1")],
        [{"external_id": "C9"}, {"external_id": "C9", "identifiers": [cookie()]}],
        {},
    ),
    "two visitors who become one contact": (
        [visitor("guest", "cookie-1"), visitor("other", "cookie-2"), browsed_by_cookie("other", "cookie-2")],
        [{"external_id": "C9", "identifiers": [cookie(), cookie("cookie-2")]}],
        {},
    ),
    "a contact that is restored": (
        [have("olena", OLENA_AS_SHE_WAS), lambda stage: delete_contacts([stage.ids["olena"]], by=BY, at=stage.tick())],
        [{"external_id": "C1", "first_name": "Olha"}],
        {"restore_deleted": True},
    ),
    "a contact that is deleted": ([], [{"external_id": "C1"}], {"mode": plans.Mode.DELETE}),
    "an unsubscribed address": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            lambda stage: suppress_addresses(
                [OLENA, BOHDAN], ChannelState.UNSUBSCRIBED, by=BY, reason="asked", at=stage.tick()
            ),
        ],
        [{"external_id": "C1", "email": BOHDAN}, {"external_id": "C1", "email": TARAS}],
        {},
    ),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "row by row"])
@pytest.mark.parametrize("effect", EFFECTS)
def test_an_undone_import_leaves_the_tables_as_they_were(stage: Stage, effect: str, together: bool) -> None:
    steps, records, options = EFFECTS[effect]
    for step in steps or [have("olena", OLENA_AS_SHE_WAS)]:
        step(stage)
    before = tables()

    if together:
        outcomes = run_import(stage, *records, **options)
    else:
        outcomes = [outcome for record in records for outcome in run_import(stage, record, **options)]
    assert not {outcome.status for outcome in outcomes} & {plans.Status.FAILED, plans.Status.SKIPPED}
    assert tables() != before

    assert take_back() == []
    after = tables()
    for table, rows in before.items():
        assert after[table] == rows, table


# What somebody did since


def olena(stage: Stage) -> int:
    have("olena", OLENA_AS_SHE_WAS)(stage)
    return stage.ids["olena"]


def edit(stage: Stage, who: str, **values: Any) -> None:
    stage.resolve({"id": stage.ids[who], **values}, plans.SHEET)


def test_a_field_that_somebody_changed_since_stays_and_is_told(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha", "last_name": "Bell"})
    edit(stage, "olena", first_name="Olenka")

    assert take_back() == [Kept(who, ("first_name",), Because.CHANGED)]
    contact = Contact.objects.get(pk=who)
    assert (contact.first_name, contact.last_name) == ("Olenka", None)


def test_who_was_edited_in_another_field_is_told_and_goes_back_in_all_others(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha"})
    edit(stage, "olena", town="Lviv")

    assert take_back() == [Kept(who, ("town",), Because.CHANGED)]
    contact = Contact.objects.get(pk=who)
    assert (contact.first_name, contact.town) == ("Olena", "Lviv")


def test_a_field_that_somebody_set_to_the_same_again_is_theirs(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha"})
    edit(stage, "olena", first_name="Lena")
    edit(stage, "olena", first_name="Olha")

    assert take_back() == [Kept(who, ("first_name",), Because.CHANGED)]
    assert Contact.objects.get(pk=who).first_name == "Olha"


def test_a_new_contact_that_somebody_edited_stays_as_it_is(stage: Stage) -> None:
    [outcome] = run_import(stage, {"external_id": "C9", "email": TARAS, "first_name": "Taras"})
    run_import(stage, {"external_id": "C9", "last_name": "Bell"})
    stage.ids["taras"] = outcome.contact_id
    edit(stage, "taras", town="Lviv")

    assert take_back() == [Kept(outcome.contact_id, ("town",), Because.CHANGED)]
    contact = Contact.objects.get(pk=outcome.contact_id)
    assert (contact.first_name, contact.last_name, contact.town) == ("Taras", "Bell", "Lviv")


def test_a_new_contact_in_use_stays(stage: Stage) -> None:
    outcomes = run_import(stage, {"external_id": "C8", "email": OLENA}, {"external_id": "C9", "email": TARAS})
    stage.ids.update(olena=outcomes[0].contact_id, taras=outcomes[1].contact_id)
    browsed("olena")(stage)
    ordered("taras")(stage)

    kept = take_back()

    assert {one.contact_id for one in kept} == {stage.ids["olena"], stage.ids["taras"]}
    assert {one.because for one in kept if one.contact_id == stage.ids["olena"]} == {Because.USED}
    assert Contact.objects.filter(state=ContactState.ACTIVE).count() == 2


def test_a_new_contact_leaves_nothing_in_the_journal_but_that_it_went(stage: Stage) -> None:
    [outcome] = run_import(stage, {"external_id": "C9", "email": TARAS, "first_name": "Taras"})

    take_back()

    [entry] = Change.objects.filter(contact_id=outcome.contact_id)
    assert (entry.kind, entry.by, entry.before, entry.after) == ("undone", BY, None, None)
    assert entry.details == {"import": N}


def test_the_journal_says_what_was_taken_back_and_by_whom(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha"})

    take_back()

    entry = Change.objects.filter(contact_id=who).latest("pk")
    assert (entry.kind, entry.by, entry.import_id) == ("undone", BY, None)
    assert (entry.before, entry.after) == ({"first_name": "Olha"}, {"first_name": "Olena"})
    assert entry.details == {"import": N}
    assert Contact.objects.get(pk=who).updated_at == entry.at


def test_an_external_id_that_somebody_else_has_by_now_is_not_taken_from_them(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C8", "email": OLENA}, key="email", replace_external_id=True)
    have("bohdan", {"external_id": "C1", "email": BOHDAN})(stage)

    assert take_back() == [Kept(who, ("external_id",), Because.TAKEN)]
    assert Contact.objects.get(pk=who).external_id == "C8"
    assert Contact.objects.get(pk=stage.ids["bohdan"]).external_id == "C1"


def test_a_device_that_went_on_to_somebody_else_stays_there(stage: Stage) -> None:
    olena(stage)
    have("bohdan", {"external_id": "C2", "identifiers": [device()]})(stage)
    run_import(stage, {"external_id": "C1", "identifiers": [device()]})
    have("taras", {"external_id": "C3", "identifiers": [device()]})(stage)

    kept = {(one.contact_id, one.because) for one in take_back()}

    assert (stage.ids["bohdan"], Because.TAKEN) in kept
    assert Identifier.objects.get(value="device-1").contact_id == stage.ids["taras"]


def test_a_device_that_was_used_since_stays_with_whom_it_was_given_to(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "identifiers": [device()]})
    stage.resolve({"identifiers": [device()]}, plans.DEVICE)

    assert take_back() == [Kept(who, ("identifiers",), Because.USED)]
    assert Identifier.objects.get(value="device-1").contact_id == who


def test_a_merge_keeps_what_came_since(stage: Stage) -> None:
    who = olena(stage)
    anonymous("nobody", device(), last_name="Bell")(stage)
    run_import(stage, {"external_id": "C1", "identifiers": [device()]})
    edit(stage, "olena", last_name="Cole")

    kept = take_back()

    assert {(one.contact_id, one.columns) for one in kept} == {(who, ("last_name",))}
    assert Contact.objects.get(pk=who).last_name == "Cole"
    assert Contact.objects.get(pk=stage.ids["nobody"]).state == ContactState.ACTIVE
    assert Identifier.objects.get(value="device-1").contact_id == stage.ids["nobody"]


def test_a_merge_that_a_person_undid_is_left_alone(stage: Stage) -> None:
    olena(stage)
    anonymous("nobody", device(), last_name="Bell")(stage)
    before = tables()
    run_import(stage, {"external_id": "C1", "identifiers": [device()]})
    undo_merge(Merge.objects.get().pk, by=BY, at=stage.tick())

    take_back()

    assert tables()["contacts"] == before["contacts"]


def test_a_contact_that_was_merged_since_is_left_as_it_is(stage: Stage) -> None:
    who = olena(stage)
    have("bohdan", {"external_id": "C2", "email": BOHDAN})(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha"})
    merge_contacts(stage.ids["bohdan"], who, by=BY, at=stage.tick())

    assert take_back() == [Kept(who, ("first_name",), Because.MERGED)]
    assert Contact.objects.get(pk=who).first_name == "Olha"


def test_an_email_that_a_later_merge_found_there_stays(stage: Stage) -> None:
    have("olena", {"external_id": "C1"})(stage)
    have("lena", {"external_id": "C2", "email": OLENA})(stage)
    run_import(stage, {"external_id": "C1", "email": OLENA})
    merge = merge_contacts(stage.ids["olena"], stage.ids["lena"], by=BY, at=stage.tick())

    kept = take_back()

    assert (stage.ids["olena"], Because.MERGED) in {(one.contact_id, one.because) for one in kept}
    assert Contact.objects.get(pk=stage.ids["olena"]).email == OLENA
    undo_merge(merge, by=BY, at=stage.tick())
    assert find_problems() == []


def test_a_contact_that_was_erased_since_does_not_come_back(stage: Stage) -> None:
    who = olena(stage)
    have("bohdan", {"external_id": "C2", "identifiers": [device()]})(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha", "email": TARAS, "identifiers": [device()]})
    erase_contacts([who], by=BY, at=stage.tick())

    take_back()

    assert Contact.objects.get(pk=who).state == ContactState.ERASED
    assert not Identifier.objects.filter(contact_id=who).exists()


def test_what_a_giver_lost_to_somebody_erased_is_forgotten(stage: Stage) -> None:
    olena(stage)
    have("bohdan", {"external_id": "C2", "identifiers": [device()]})(stage)
    run_import(stage, {"external_id": "C1", "identifiers": [device()]})
    erase_contacts([stage.ids["bohdan"]], by=BY, at=stage.tick())

    take_back()

    assert Identifier.objects.get(value="device-1").contact_id == stage.ids["olena"]


def test_a_restored_contact_that_somebody_works_with_is_not_deleted_again(stage: Stage) -> None:
    who = olena(stage)
    delete_contacts([who], by=BY, at=stage.tick())
    run_import(stage, {"external_id": "C1", "first_name": "Olha"}, restore_deleted=True)
    edit(stage, "olena", town="Lviv")

    kept = take_back()

    assert Kept(who, ("state",), Because.USED) in kept
    contact = Contact.objects.get(pk=who)
    assert (contact.state, contact.first_name, contact.town) == (ContactState.ACTIVE, "Olena", "Lviv")


def test_an_address_comes_back_with_the_state_it_has_by_now(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "email": BOHDAN})
    suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by=BY, reason="asked", at=stage.tick())

    take_back()

    contact = Contact.objects.get(pk=who)
    assert (contact.email, contact.email_state) == (OLENA, ChannelState.UNSUBSCRIBED)
    assert contact.email_state_reason == "asked"


def test_a_case_that_a_person_decided_since_stays_decided(stage: Stage) -> None:
    olena(stage)
    have("bohdan", {"external_id": "C2", "email": BOHDAN})(stage)
    have("taras", {"external_id": "C3", "email": BOHDAN})(stage)
    run_import(stage, {"external_id": "C1", "email": BOHDAN})
    dismissed()(stage)

    take_back()

    case = DuplicateCase.objects.get()
    assert (case.status, case.contact_ids) == ("dismissed", [stage.ids["bohdan"], stage.ids["taras"]])


def test_two_imports_are_taken_back_one_after_the_other(stage: Stage) -> None:
    olena(stage)
    before = tables()
    run_import(stage, {"external_id": "C1", "first_name": "Olha"}, {"external_id": "C9", "email": TARAS})
    between = tables()
    Import.objects.create(pk=N + 1, file_name="second.csv", status=ImportStatus.UNDONE)
    records = [{"external_id": "C1", "first_name": "Lena"}, {"external_id": "C9", "phone": TARAS_PHONE}]
    run_import(stage, *records, number=N + 1)

    assert take_back(N + 1) == []
    assert tables() == between
    assert take_back(N) == []
    assert tables() == before


def test_an_import_below_another_is_taken_back_around_it(stage: Stage) -> None:
    who = olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha", "last_name": "Bell"})
    Import.objects.create(pk=N + 1, file_name="second.csv", status=ImportStatus.FINISHED)
    run_import(stage, {"external_id": "C1", "first_name": "Lena"}, number=N + 1)

    assert take_back(N) == [Kept(who, ("first_name",), Because.CHANGED)]
    contact = Contact.objects.get(pk=who)
    assert (contact.first_name, contact.last_name) == ("Lena", None)


def test_an_undo_goes_on_at_its_mark_and_does_nothing_twice(stage: Stage) -> None:
    olena(stage)
    run_import(stage, {"external_id": "C1", "first_name": "Olha"})
    extent = find_extent(N)
    taken = take_back_slice(N, extent, mark=None, by=BY)
    assert taken is not None
    edit(stage, "olena", first_name="Olha")

    assert take_back_slice(N, extent, mark=taken.mark, by=BY) is None
    assert Contact.objects.get(pk=stage.ids["olena"]).first_name == "Olha"
