"""One change of the journal, taken back."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.identity import (
    TakeBackReport,
    delete_contacts,
    detach_identifier,
    erase_contacts,
    lift_suppressions,
    merge_contacts,
    move_identifier,
    resolve,
    restore_contacts,
    suppress_addresses,
    take_back_change,
    take_back_changes,
    undo_merge,
)
from contacts.identity import types as plans
from contacts.identity.changes import find_taken_back
from contacts.identity.errors import (
    ChangeNotFound,
    ContactNotFound,
    DeleteInstead,
    MergeInstead,
    NothingToTakeBack,
    PersonOnly,
    TakeBackRefused,
)
from contacts.identity.revert import Because
from contacts.identity.settings import forget_settings
from contacts.keys import Kind
from contacts.models import (
    Change,
    ChangeKind,
    ChannelState,
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Identifier,
    Suppression,
)
from tests.people import (
    BOHDAN,
    FAMILY,
    OLENA,
    OLENAS_PHONE,
    TARAS,
    change,
    deleted,
    device,
    have,
    merged,
    set_up_account,
    tokens_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sound")]

BY = "user:1"
KEPT = {"id", "updated_at", "last_seen_at"}


def sheets() -> Any:
    """All contacts, identifiers and open cases, but for when contacts were updated."""
    return (
        {row.pop("id"): {name: row[name] for name in row if name not in KEPT} for row in Contact.objects.values()},
        sorted(
            ({name: row[name] for name in row if name != "id"} for row in Identifier.objects.values()),
            key=lambda row: (row["kind"], row["app"], row["value"], row["contact_id"]),
        ),
        list(DuplicateCase.objects.filter(status="open").values_list("kind", "value", "contact_ids")),
    )


def last(contact_id: int) -> int:
    return Change.objects.filter(contact_id=contact_id).order_by("-pk").values_list("pk", flat=True)[0]


def take_back(contact_id: int, change_id: int | None = None, **more: Any) -> TakeBackReport:
    return take_back_change(contact_id, change_id or last(contact_id), by=BY, **more)


def left_of(report: TakeBackReport) -> dict[str, Because]:
    return {left.column: left.because for left in report.left}


# Columns


def test_fields_go_back_to_what_they_were(play):
    set_up_account(plans.STANDARD)
    stage = play(have("olena", {"email": OLENA, "first_name": "Olena", "fields.tier": "gold", "fields.badge": 7}))
    who, before = stage.ids["olena"], sheets()
    stage.resolve(
        {"id": who, "first_name": "Olha", "town": "Lviv", "fields.tier": "silver", "fields.badge": 8}, plans.API
    )

    report = take_back(who)

    assert sheets()[0] == before[0]
    assert tokens_of(who) == {f"email:{OLENA}", "custom:badge:7"}
    assert {went.column for went in report.restored} >= {"first_name", "town", "fields.tier", "fields.badge"}
    assert report.left == []
    change = Change.objects.get(pk=last(who))
    assert (change.kind, change.by) == (ChangeKind.TAKEN_BACK, BY)


def test_what_somebody_changed_since_stays_and_is_told_with_who_and_when(play):
    stage = play(
        have("olena", {"email": OLENA, "first_name": "Olena"}),
        change("olena", {"first_name": "Olha", "town": "Lviv"}),
    )
    who = stage.ids["olena"]
    mine = last(who)
    stage.resolve({"id": who, "first_name": "Olesia"}, plans.API)
    theirs = Change.objects.get(pk=last(who))

    report = take_back(who, mine)

    olena = Contact.objects.get(pk=who)
    assert (olena.first_name, olena.town) == ("Olesia", None)
    [left] = report.left
    assert (left.column, left.current, left.because) == ("first_name", "Olesia", Because.CHANGED)
    assert (left.by, left.at, left.change_id, left.can_be_forced) == (theirs.by, theirs.at, theirs.pk, True)


def test_it_goes_back_anyway_if_the_person_says_so(play):
    stage = play(
        have("olena", {"email": OLENA, "first_name": "Olena"}),
        change("olena", {"first_name": "Olha", "email": BOHDAN}),
    )
    who, mine = stage.ids["olena"], last(stage.ids["olena"])
    stage.resolve({"id": who, "first_name": "Olesia", "email": TARAS}, plans.API)

    report = take_back(who, mine, anyway=["first_name", "email"])

    olena = Contact.objects.get(pk=who)
    assert (olena.first_name, olena.email, report.left) == ("Olena", OLENA, [])
    assert tokens_of(who) == {f"email:{OLENA}"}


def test_an_email_comes_back_as_it_was_written_with_its_identifier_and_its_state(play):
    stage = play(have("olena", {"external_id": "A", "email": "Olena@Example.com"}, plans.SUBSCRIBE))
    who = stage.ids["olena"]
    stage.resolve({"id": who, "email": BOHDAN}, plans.API)

    take_back(who)

    olena = Contact.objects.get(pk=who)
    assert (olena.email, olena.email_state) == ("Olena@Example.com", ChannelState.UNCONFIRMED)
    assert tokens_of(who) == {"external_id:A", f"email:{OLENA}"}


def test_an_external_id_that_somebody_else_has_by_now_does_not_come_back(play):
    stage = play(have("olena", {"external_id": "A", "email": OLENA}), change("olena", {"external_id": "A-2"}))
    mine = last(stage.ids["olena"])
    have("bohdan", {"external_id": "A"})(stage)

    report = take_back(stage.ids["olena"], mine, anyway=["external_id"])

    [left] = report.left
    assert (left.because, left.other_id, left.can_be_forced) == (Because.TAKEN, stage.ids["bohdan"], False)
    assert Contact.objects.get(pk=stage.ids["olena"]).external_id == "A-2"


def test_a_strict_policy_gives_no_email_back_that_somebody_else_has_by_now(play):
    set_up_account(plans.STRICT)
    stage = play(have("olena", {"external_id": "A", "email": OLENA}), change("olena", {"email": BOHDAN}))
    mine = last(stage.ids["olena"])
    have("taras", {"external_id": "T", "email": OLENA})(stage)

    report = take_back(stage.ids["olena"], mine)

    assert left_of(report) == {"email": Because.TAKEN}
    assert report.left[0].other_id == stage.ids["taras"]


def test_a_shared_email_that_comes_back_opens_its_case_again(play):
    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}),
        have("bohdan", {"external_id": "B", "email": FAMILY}),
        change("olena", {"email": OLENA}),
    )

    take_back(stage.ids["olena"])

    assert DuplicateCase.objects.get(value=FAMILY, status="open").contact_ids == sorted(stage.ids.values())


def test_a_field_that_is_no_more_takes_no_value_back(play):
    set_up_account(plans.STANDARD)
    stage = play(have("olena", {"email": OLENA, "fields.tier": "gold"}), change("olena", {"fields.tier": "silver"}))
    CustomField.objects.filter(key="tier").delete()
    forget_settings()

    assert left_of(take_back(stage.ids["olena"])) == {"fields.tier": Because.UNFIT}


def test_an_unsubscription_is_taken_back_for_everybody_who_has_the_address(play):
    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}, plans.SUBSCRIBE),
        have("bohdan", {"external_id": "B", "email": FAMILY}),
    )
    suppress_addresses([FAMILY], ChannelState.UNSUBSCRIBED, by=BY, reason="asked")

    report = take_back(stage.ids["olena"])

    assert report.left == []
    assert not Suppression.objects.exists()
    states = dict(Contact.objects.values_list("pk", "email_state"))
    assert states == {stage.ids["olena"]: ChannelState.UNCONFIRMED, stage.ids["bohdan"]: ChannelState.ACTIVE}


def test_a_lifted_state_is_put_on_the_address_again(play):
    stage = play(have("olena", {"email": OLENA}))
    suppress_addresses([OLENA], ChannelState.BOUNCED, by="key:1", reason="no mailbox")
    lift_suppressions([OLENA], by=BY)

    take_back(stage.ids["olena"])

    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.email_state, olena.email_state_reason) == (ChannelState.BOUNCED, "no mailbox")
    assert Suppression.objects.get().state == ChannelState.BOUNCED


def test_a_state_that_somebody_else_made_stricter_stays_with_the_address(play):
    stage = play(have("olena", {"email": OLENA}))
    suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by=BY)
    mine = last(stage.ids["olena"])
    suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:2")

    report = take_back(stage.ids["olena"], mine, anyway=["email_state"])

    assert left_of(report) == {"email_state": Because.ADDRESS}
    assert Contact.objects.get(pk=stage.ids["olena"]).email_state == ChannelState.BLACKLISTED


# Many at once


def test_many_changes_are_taken_back_together_and_each_says_what_became_of_it(play):
    stage = play(
        have("olena", {"external_id": "A", "email": OLENA, "town": "Lviv"}),
        have("bohdan", {"external_id": "B", "email": FAMILY}, plans.SUBSCRIBE),
        have("taras", {"external_id": "C", "email": FAMILY}),
        have("daria", {"external_id": "D", "town": "Odesa"}),
    )
    before = sheets()
    resolve([{"external_id": name, "town": "Kyiv"} for name in "ABCD"], plans.API_BULK, by="action:7", at=stage.tick())
    suppress_addresses([OLENA, FAMILY], ChannelState.UNSUBSCRIBED, by="action:7", at=stage.tick())
    delete_contacts(list(stage.ids.values()), by="action:7", at=stage.tick())
    changes = list(Change.objects.filter(by="action:7").order_by("pk").values_list("contact_id", "pk"))
    have("else", {"external_id": "E"})(stage)
    stage.resolve({"id": stage.ids["daria"], "town": "Ivano-Frankivsk"}, plans.API)
    gone, created = (2**40, 1), (stage.ids["else"], last(stage.ids["else"]))

    reports = take_back_changes([*changes, gone, created], by=BY)

    assert [(report.contact_id, report.change_id) for report in reports] == [*changes, gone, created]
    assert [type(report.refused) for report in reports[-2:]] == [ChangeNotFound, DeleteInstead]
    assert {left.column for report in reports for left in report.left} == {"town"}
    now = sheets()
    for name in ("olena", "bohdan", "taras"):
        assert now[0][stage.ids[name]] == before[0][stage.ids[name]], name
    daria = Contact.objects.get(pk=stage.ids["daria"])
    assert (daria.state, daria.town) == (ContactState.ACTIVE, "Ivano-Frankivsk")
    assert not Suppression.objects.exists()


# Taking back again


def test_taking_back_is_a_change_that_can_be_taken_back(play):
    stage = play(have("olena", {"external_id": "A", "email": OLENA}))
    who = stage.ids["olena"]
    stage.resolve({"id": who, "email": BOHDAN, "first_name": "Olena"}, plans.API)
    changed, mine = sheets(), last(who)

    for _ in range(3):
        take_back(who)
        assert Contact.objects.get(pk=who).email == OLENA
        take_back(who)
        now = sheets()
        assert (now[0].keys(), tokens_of(who)) == (changed[0].keys(), {"external_id:A", f"email:{BOHDAN}"})
        assert {name: now[0][who][name] for name in ("email", "first_name")} == {
            "email": BOHDAN,
            "first_name": "Olena",
        }
    take_back(who, mine)
    assert tokens_of(who) == {"external_id:A", f"email:{OLENA}"}


def test_a_later_change_that_was_taken_back_is_in_nobodys_way(play):
    stage = play(have("olena", {"email": OLENA}), change("olena", {"town": "Lviv"}))
    who, mine = stage.ids["olena"], last(stage.ids["olena"])
    stage.resolve({"id": who, "town": "Kyiv"}, plans.API)
    take_back(who)

    assert take_back(who, mine).left == []
    assert Contact.objects.get(pk=who).town is None


def test_a_later_change_that_was_done_again_is_in_the_way(play):
    stage = play(have("olena", {"email": OLENA}), change("olena", {"town": "Lviv"}))
    who, mine = stage.ids["olena"], last(stage.ids["olena"])
    stage.resolve({"id": who, "town": "Kyiv"}, plans.API)
    take_back(who)
    take_back(who)

    assert left_of(take_back(who, mine)) == {"town": Because.CHANGED}


def test_the_history_knows_which_changes_were_taken_back(play):
    stage = play(have("olena", {"email": OLENA}), change("olena", {"town": "Lviv"}))
    who, mine = stage.ids["olena"], last(stage.ids["olena"])
    take_back(who)
    undo = last(who)

    assert {pk: found.change_id for pk, found in find_taken_back(who, [mine, undo]).items()} == {mine: undo}
    take_back(who)
    assert find_taken_back(who, [mine, undo]).keys() == {undo}


def test_what_was_taken_back_already_leaves_nothing_to_take_back(play):
    stage = play(have("olena", {"email": OLENA}), change("olena", {"town": "Lviv"}))
    who, mine = stage.ids["olena"], last(stage.ids["olena"])
    take_back(who, mine)

    with pytest.raises(NothingToTakeBack):
        take_back(who, mine)


def test_a_dry_run_gives_the_same_report_and_writes_nothing(play):
    stage = play(have("olena", {"email": OLENA, "identifiers": [device()]}), change("olena", {"email": BOHDAN}))
    before, count = sheets(), Change.objects.count()

    rehearsed = take_back(stage.ids["olena"], dry_run=True)

    assert (sheets(), Change.objects.count()) == (before, count)
    done = take_back(stage.ids["olena"])
    assert [went.column for went in rehearsed.restored] == [went.column for went in done.restored]


# Identifiers


def test_a_detached_identifier_comes_back_with_all_that_was_known_of_it(play):
    set_up_account(plans.STANDARD)
    stage = play(
        have(
            "olena",
            {
                "external_id": "A",
                "email": "Olena@Example.com",
                "phone": OLENAS_PHONE,
                "contact_key": "K-1",
                "fields.badge": 7,
                "identifiers": [device("d-1", "shop") | {"details": {"os": "iOS"}}],
            },
        ),
        have("bohdan", {"external_id": "B", "email": OLENA}),
    )
    who = stage.ids["olena"]
    for kind, app, value in (
        (Kind.EXTERNAL_ID, "", "A"),
        (Kind.EMAIL, "", OLENA),
        (Kind.PHONE, "", OLENAS_PHONE),
        (Kind.CUSTOM, "contact_key", "K-1"),
        (Kind.CUSTOM, "badge", "7"),
        (Kind.DEVICE, "shop", "d-1"),
    ):
        before = sheets()
        detach_identifier(who, kind, app, value, by=BY, at=stage.tick())
        assert sheets() != before

        report = take_back(who, at=stage.tick())

        assert report.left == []
        assert sheets() == before, kind


def test_a_moved_identifier_comes_home_from_either_history(play):
    set_up_account(plans.STANDARD)
    stage = play(
        have("olena", {"external_id": "A", "email": OLENA, "fields.badge": 7, "identifiers": [device("d-1")]}),
        have("bohdan", {"phone": OLENAS_PHONE}),
    )
    before = sheets()
    for kind, app, value in (
        (Kind.EXTERNAL_ID, "", "A"),
        (Kind.EMAIL, "", OLENA),
        (Kind.CUSTOM, "badge", "7"),
        (Kind.DEVICE, "", "d-1"),
    ):
        for name in ("olena", "bohdan"):
            move_identifier(stage.ids["olena"], kind, app, value, stage.ids["bohdan"], by=BY, at=stage.tick())
            moved = sheets()

            assert take_back(stage.ids[name], at=stage.tick()).left == []

            assert sheets() == before, (kind, name)
            take_back(stage.ids[name], at=stage.tick())  # and there again
            assert sheets()[0] == moved[0], (kind, name)
            take_back(stage.ids[name], at=stage.tick())
            assert sheets()[0] == before[0], (kind, name)


def test_a_device_that_a_record_took_along_goes_home_and_the_rest_of_the_record_too(play):
    stage = play(
        have("olena", {"email": OLENA, "identifiers": [device()]}),
        have("bohdan", {"email": BOHDAN}),
    )
    before = sheets()
    stage.resolve({"email": BOHDAN, "first_name": "Bohdan", "identifiers": [device()]}, plans.API)

    take_back(stage.ids["bohdan"])

    assert sheets()[0] == before[0]
    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == stage.ids["olena"]


def test_taken_back_where_it_went_the_rest_of_the_record_stays(play):
    stage = play(
        have("olena", {"email": OLENA, "identifiers": [device()]}),
        have("bohdan", {"email": BOHDAN}),
    )
    stage.resolve({"email": BOHDAN, "first_name": "Bohdan", "identifiers": [device()]}, plans.API)

    take_back(stage.ids["olena"])

    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == stage.ids["olena"]
    assert Contact.objects.get(pk=stage.ids["bohdan"]).first_name == "Bohdan"


def test_a_device_in_use_since_stays_unless_the_person_says_so(play):
    stage = play(have("olena", {"email": OLENA, "identifiers": [device()]}), have("bohdan", {"email": BOHDAN}))
    move_identifier(stage.ids["olena"], Kind.DEVICE, "", "device-1", stage.ids["bohdan"], by=BY, at=stage.tick())
    stage.resolve({"email": BOHDAN, "identifiers": [device()]}, plans.API)

    report = take_back(stage.ids["olena"], at=stage.tick())
    assert left_of(report) == {"identifiers": Because.USED}
    assert take_back(stage.ids["olena"], at=stage.tick(), anyway=["identifiers"]).left == []
    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == stage.ids["olena"]


def test_a_device_that_a_third_one_has_by_now_stays_there(play):
    stage = play(have("olena", {"email": OLENA, "identifiers": [device()]}), have("bohdan", {"email": BOHDAN}))
    move_identifier(stage.ids["olena"], Kind.DEVICE, "", "device-1", stage.ids["bohdan"], by=BY, at=stage.tick())
    have("taras", {"email": TARAS, "identifiers": [device()]})(stage)

    report = take_back(stage.ids["olena"], at=stage.tick(), anyway=["identifiers"])

    [left] = report.left
    assert (left.because, left.other_id) == (Because.TAKEN, stage.ids["taras"])


def test_a_value_that_gave_way_to_a_further_one_stands_in_its_field_again(play):
    stage = play(
        have("olena", {"external_id": "A", "email": OLENA}), have("other", {"email": BOHDAN}), merged("olena", "other")
    )
    before = sheets()
    detach_identifier(stage.ids["olena"], Kind.EMAIL, "", OLENA, by=BY, at=stage.tick())

    take_back(stage.ids["olena"], at=stage.tick())

    assert sheets() == before


# States, merges, and what cannot be taken back


def test_a_deleted_contact_comes_back_and_a_restored_one_goes_again(play):
    stage = play(have("olena", {"email": OLENA}))
    who = stage.ids["olena"]
    delete_contacts([who], by=BY)
    take_back(who)
    assert Contact.objects.get(pk=who).state == ContactState.ACTIVE
    take_back(who)
    assert Contact.objects.get(pk=who).state == ContactState.DELETED
    restore_contacts([who], by=BY)
    take_back(who)
    assert Contact.objects.get(pk=who).state == ContactState.DELETED


def test_whoever_was_deleted_twice_is_restored_by_the_second_deletion(play):
    stage = play(have("olena", {"email": OLENA}), deleted("olena"))
    who, first = stage.ids["olena"], last(stage.ids["olena"])
    restore_contacts([who], by=BY)
    delete_contacts([who], by=BY)

    assert left_of(take_back(who, first)) == {"state": Because.CHANGED}
    assert take_back(who).left == []


def test_a_merge_is_undone(play):
    stage = play(have("olena", {"email": OLENA}), have("other", {"email": BOHDAN}))
    before = sheets()
    merge = merge_contacts(stage.ids["olena"], stage.ids["other"], by=BY)

    rehearsed = take_back(stage.ids["olena"], dry_run=True)
    assert rehearsed.merge is not None
    assert rehearsed.merge.merge_id == merge
    report = take_back(stage.ids["olena"])

    assert report.merge is not None
    assert report.merge.loser_id == stage.ids["other"]
    assert sheets()[0] == before[0]


def test_what_cannot_be_taken_back_says_what_to_do_instead(play):
    stage = play(have("olena", {"email": OLENA}), have("other", {"email": BOHDAN}))
    olena = stage.ids["olena"]
    with pytest.raises(DeleteInstead):
        take_back(olena)
    with pytest.raises(ChangeNotFound):
        take_back(olena, last(stage.ids["other"]))
    with pytest.raises(ChangeNotFound):
        take_back(olena, 2**70)
    undo_merge(merge_contacts(olena, stage.ids["other"], by=BY), by=BY)
    with pytest.raises(MergeInstead):
        take_back(olena)
    change("other", {"town": "Lviv"})(stage)
    with pytest.raises(PersonOnly):
        take_back_change(stage.ids["other"], last(stage.ids["other"]), by="key:1")
    town = last(stage.ids["other"])
    merge_contacts(olena, stage.ids["other"], by=BY)
    with pytest.raises(TakeBackRefused):
        take_back(stage.ids["other"], town)
    erase_contacts([olena], by=BY)
    for change_id, error in ((last(olena), ContactNotFound), (town, ChangeNotFound)):
        with pytest.raises(error):
            take_back(olena, change_id)
    with pytest.raises((ChangeNotFound, ContactNotFound)):
        take_back(2**40, town)


def test_erased_values_never_come_back(play):
    stage = play(have("olena", {"external_id": "A", "email": OLENA}), have("bohdan", {"external_id": "B"}))
    olena = stage.ids["olena"]
    move_identifier(olena, Kind.EMAIL, "", OLENA, stage.ids["bohdan"], by=BY)
    erase_contacts([stage.ids["bohdan"]], by=BY)

    report = take_back(olena, anyway=["email", "identifiers"])

    assert left_of(report) == {"email": Because.ERASED, "identifiers": Because.ERASED}
    assert report.restored == []
    assert Contact.objects.get(pk=olena).email is None


def test_of_an_import_only_the_part_of_this_contact_is_taken_back(play):
    from dataclasses import replace

    from contacts.identity.undo import find_extent, take_back_slice

    stage = play(
        have("olena", {"external_id": "A", "town": "Lviv"}), have("bohdan", {"external_id": "B", "town": "Lviv"})
    )
    plan = replace(plans.IMPORT, import_id=9)
    resolve([{"external_id": pk, "town": "Kyiv"} for pk in ("A", "B")], plan, by="import:9", at=stage.tick())

    take_back(stage.ids["olena"], at=stage.tick() + timedelta(seconds=1))

    towns = dict(Contact.objects.values_list("external_id", "town"))
    assert towns == {"A": "Lviv", "B": "Kyiv"}
    extent, mark = find_extent(9), None
    while (taken := take_back_slice(9, extent, mark=mark, by=BY)) is not None:
        mark = taken.mark
    assert dict(Contact.objects.values_list("external_id", "town")) == {"A": "Lviv", "B": "Lviv"}


def test_an_import_that_is_taken_back_keeps_what_a_person_detached_or_moved_since(play):
    from dataclasses import replace

    from contacts.identity.undo import find_extent, take_back_slice

    stage = play(
        have("olena", {"external_id": "A", "identifiers": [device()]}),
        have("bohdan", {"external_id": "B", "email": BOHDAN}),
    )
    plan = replace(plans.IMPORT, import_id=9)
    records = [{"external_id": "B", "email": TARAS, "phone": OLENAS_PHONE, "identifiers": [device()]}]
    resolve(records, plan, by="import:9", at=stage.tick())
    detach_identifier(stage.ids["bohdan"], Kind.DEVICE, "", "device-1", by=BY, at=stage.tick())
    move_identifier(stage.ids["bohdan"], Kind.PHONE, "", OLENAS_PHONE, stage.ids["olena"], by=BY, at=stage.tick())

    extent, mark, kept = find_extent(9), None, set()
    while (taken := take_back_slice(9, extent, mark=mark, by=BY)) is not None:
        mark = taken.mark
        kept |= {(one.contact_id, one.because) for one in taken.kept}

    assert tokens_of(stage.ids["olena"]) == {"external_id:A", f"phone:{OLENAS_PHONE}"}
    assert tokens_of(stage.ids["bohdan"]) == {"external_id:B", f"email:{BOHDAN}"}
    assert {(stage.ids["olena"], Because.CHANGED), (stage.ids["bohdan"], Because.CHANGED)} <= kept
