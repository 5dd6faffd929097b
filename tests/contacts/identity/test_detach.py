"""One identifier taken off a contact, or moved to another."""

from typing import Any

import pytest

from contacts.identity import (
    Detached,
    delete_contacts,
    detach_identifier,
    erase_contacts,
    merge_contacts,
    move_identifier,
    resolve_one,
    suppress_addresses,
    take_back_change,
    undo_merge,
)
from contacts.identity import types as plans
from contacts.identity.errors import (
    ContactNotFound,
    IdentifierCollides,
    IdentifierNotHeld,
    IdentifierStays,
    MoveRefused,
    PersonOnly,
)
from contacts.keys import Kind
from contacts.models import Change, ChangeKind, ChannelState, Contact, DuplicateCase, Identifier
from contacts.populations import contacts_changed
from tests.people import (
    BOHDAN,
    FAMILY,
    OLENA,
    OLENAS_PHONE,
    anonymous,
    deleted,
    device,
    have,
    merged,
    ordered,
    set_up_account,
    tokens_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sound")]

BY = "user:1"


def detach(contact_id: int, kind: Kind, value: str, app: str = "", **more: Any) -> Detached:
    return detach_identifier(contact_id, kind, app, value, by=BY, **more)


def last_change(contact_id: int) -> Change:
    return Change.objects.filter(contact_id=contact_id).order_by("-pk")[0]


# Detaching


def test_an_email_goes_with_its_field_and_its_state_and_finds_nobody_any_more(play):
    stage = play(have("olena", {"external_id": "A-1", "email": "Olena@Example.com", "first_name": "Olena"}))

    done = detach(stage.ids["olena"], Kind.EMAIL, OLENA)

    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.email, olena.email_state, olena.email_state_at) == (None, None, None)
    assert tokens_of(olena.pk) == {"external_id:A-1"}
    assert (done.column, done.was, done.now, done.is_bare) == ("email", "Olena@Example.com", None, False)
    assert resolve_one({"email": OLENA}, plans.API, by="key:1").contact_id != olena.pk


def test_the_history_says_what_went_and_keeps_what_was_known_of_it(play):
    stage = play(have("olena", {"email": OLENA, "identifiers": [device("d-1", "shop") | {"details": {"os": "iOS"}}]}))

    detach(stage.ids["olena"], Kind.DEVICE, "d-1", "shop")

    change = last_change(stage.ids["olena"])
    assert (change.kind, change.by, change.after) == (ChangeKind.DETACHED, BY, None)
    assert change.before == {"identifiers": [["device", "shop", "d-1"]]}
    [[*key, source, first_seen, last_seen, details]] = change.details["rows"]
    assert (key, source, details) == (["device", "shop", "d-1"], "api", {"os": "iOS"})
    assert first_seen == last_seen


def test_a_further_value_that_a_merge_brought_becomes_the_primary_one(play):
    stage = play(
        have("olena", {"external_id": "A-1", "email": OLENA}),
        have("other", {"email": BOHDAN}),
        merged("olena", "other"),
    )

    done = detach(stage.ids["olena"], Kind.EMAIL, OLENA)

    assert done.now == BOHDAN
    assert Contact.objects.get(pk=stage.ids["olena"]).email == BOHDAN
    assert Contact.objects.get(pk=stage.ids["olena"]).email_state == ChannelState.ACTIVE


def test_a_further_value_goes_and_the_primary_one_stays(play):
    stage = play(
        have("olena", {"external_id": "A-1", "email": OLENA}),
        have("other", {"email": BOHDAN}),
        merged("olena", "other"),
    )

    done = detach(stage.ids["olena"], Kind.EMAIL, BOHDAN)

    assert (done.column, Contact.objects.get(pk=stage.ids["olena"]).email) == ("", OLENA)
    assert last_change(stage.ids["olena"]).before == {"identifiers": [["email", "", BOHDAN]]}


def test_a_custom_key_goes_with_the_value_of_its_field(play):
    set_up_account(plans.STANDARD)
    stage = play(have("olena", {"email": OLENA, "fields.badge": 17, "contact_key": "K-1"}))

    detach(stage.ids["olena"], Kind.CUSTOM, "17", "badge")
    detach(stage.ids["olena"], Kind.CUSTOM, "K-1", "contact_key")

    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.attributes, olena.contact_key) == ({}, None)
    assert tokens_of(olena.pk) == {f"email:{OLENA}"}


def test_the_last_identifier_may_go_and_that_is_said(play):
    stage = play(anonymous("device", device("d-1")))

    done = detach(stage.ids["device"], Kind.DEVICE, "d-1")

    assert (done.is_bare, done.is_anonymous) == (True, True)
    assert Contact.objects.get(pk=stage.ids["device"]).identifier_kinds == 0


def test_only_a_person_detaches_an_external_id(play):
    stage = play(have("olena", {"external_id": "A-1", "email": OLENA}))

    with pytest.raises(PersonOnly):
        detach_identifier(stage.ids["olena"], Kind.EXTERNAL_ID, "", "A-1", by="key:1")
    detach(stage.ids["olena"], Kind.EXTERNAL_ID, "A-1")

    assert Contact.objects.get(pk=stage.ids["olena"]).external_id is None
    assert resolve_one({"external_id": "A-1"}, plans.API, by="key:1").status == "created"


def test_an_order_number_stays_with_its_order(play):
    stage = play(have("olena", {"email": OLENA}), ordered("olena"))

    with pytest.raises(IdentifierStays):
        detach(stage.ids["olena"], Kind.ORDER, "O-olena")


def test_what_the_contact_does_not_have_cannot_go_and_nobody_has_nothing(play):
    stage = play(have("olena", {"email": OLENA}), have("bohdan", {"email": BOHDAN}))

    with pytest.raises(IdentifierNotHeld):
        detach(stage.ids["olena"], Kind.EMAIL, BOHDAN)
    erase_contacts([stage.ids["bohdan"]], by=BY)
    for nobody in (stage.ids["bohdan"], 2**40):
        with pytest.raises(ContactNotFound):
            detach(nobody, Kind.EMAIL, BOHDAN)


def test_a_merged_id_means_its_survivor(play):
    stage = play(have("olena", {"email": OLENA}), have("other", {"phone": OLENAS_PHONE}), merged("olena", "other"))

    done = detach(stage.ids["other"], Kind.PHONE, OLENAS_PHONE)

    assert done.contact_id == stage.ids["olena"]


def test_a_dry_run_says_the_same_and_writes_nothing(play):
    stage = play(have("olena", {"email": OLENA}))
    before = list(Change.objects.values()), list(Identifier.objects.values())

    rehearsed = detach(stage.ids["olena"], Kind.EMAIL, OLENA, dry_run=True)

    assert (list(Change.objects.values()), list(Identifier.objects.values())) == before
    assert rehearsed == detach(stage.ids["olena"], Kind.EMAIL, OLENA)


# Cases


def test_a_case_of_two_is_gone_when_one_of_them_lets_go(play):
    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}), have("bohdan", {"external_id": "B", "email": FAMILY})
    )
    assert DuplicateCase.objects.count() == 1

    detach(stage.ids["olena"], Kind.EMAIL, FAMILY)

    assert not DuplicateCase.objects.exists()


def test_a_case_of_three_goes_on_without_whoever_let_go(play):
    stage = play(*(have(name, {"external_id": name, "email": FAMILY}) for name in ("olena", "bohdan", "taras")))

    detach(stage.ids["bohdan"], Kind.EMAIL, FAMILY)

    case = DuplicateCase.objects.get()
    assert (case.status, case.contact_ids) == ("open", [stage.ids["olena"], stage.ids["taras"]])


def test_what_a_person_said_of_a_case_is_remembered_when_one_lets_go(play):
    from tests.people import dismissed

    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}),
        have("bohdan", {"external_id": "B", "email": FAMILY}),
        dismissed(),
        have("taras", {"external_id": "C", "email": FAMILY}),
    )
    detach(stage.ids["taras"], Kind.EMAIL, FAMILY)
    detach(stage.ids["bohdan"], Kind.EMAIL, FAMILY)

    case = DuplicateCase.objects.get()
    assert case.status == "dismissed"
    assert case.dismissed_ids == [stage.ids["olena"], stage.ids["bohdan"]]


# Moving


def test_a_device_moves_with_all_that_is_known_of_it_and_both_histories_say_so(play):
    stage = play(
        have("olena", {"email": OLENA, "identifiers": [device("d-1") | {"details": {"os": "iOS"}}]}),
        have("bohdan", {"email": BOHDAN}),
    )
    known = Identifier.objects.get(kind=Kind.DEVICE)

    done = move_identifier(stage.ids["olena"], Kind.DEVICE, "", "d-1", stage.ids["bohdan"], by=BY)

    moved = Identifier.objects.get(kind=Kind.DEVICE)
    assert (moved.contact_id, moved.first_seen_at, moved.details) == (
        stage.ids["bohdan"],
        known.first_seen_at,
        {"os": "iOS"},
    )
    assert done.to_contact_id == stage.ids["bohdan"]
    left, came = last_change(stage.ids["olena"]), last_change(stage.ids["bohdan"])
    assert (left.kind, left.details["migrated_to"]) == (ChangeKind.MIGRATED, stage.ids["bohdan"])
    assert (came.kind, came.details["migrated_from"]) == (ChangeKind.UPDATED, [stage.ids["olena"]])
    assert left.before == came.after == {"identifiers": [["device", "", "d-1"]]}


def test_an_email_moves_as_it_was_written_and_with_its_state(play):
    stage = play(
        have("olena", {"external_id": "A", "email": "Olena@Example.com"}), have("bohdan", {"external_id": "B"})
    )
    suppress_addresses([OLENA], ChannelState.UNSUBSCRIBED, by=BY)

    move_identifier(stage.ids["olena"], Kind.EMAIL, "", OLENA, stage.ids["bohdan"], by=BY)

    olena, bohdan = (Contact.objects.get(pk=stage.ids[name]) for name in ("olena", "bohdan"))
    assert (olena.email, olena.email_state) == (None, None)
    assert (bohdan.email, bohdan.email_state) == ("Olena@Example.com", ChannelState.UNSUBSCRIBED)


def test_an_unconfirmed_email_is_unconfirmed_wherever_it_goes(play):
    stage = play(have("olena", {"email": OLENA}, plans.SUBSCRIBE), have("bohdan", {"external_id": "B"}))

    move_identifier(stage.ids["olena"], Kind.EMAIL, "", OLENA, stage.ids["bohdan"], by=BY)

    assert Contact.objects.get(pk=stage.ids["bohdan"]).email_state == ChannelState.UNCONFIRMED


def test_a_custom_key_moves_with_the_value_of_its_field(play):
    set_up_account(plans.STANDARD)
    stage = play(have("olena", {"email": OLENA, "fields.badge": 17}), have("bohdan", {"email": BOHDAN}))

    move_identifier(stage.ids["olena"], Kind.CUSTOM, "badge", "17", stage.ids["bohdan"], by=BY)

    assert Contact.objects.get(pk=stage.ids["olena"]).attributes == {}
    assert Contact.objects.get(pk=stage.ids["bohdan"]).attributes == {"badge": 17}


def test_a_further_custom_key_stands_in_its_field_where_it_goes(play):
    set_up_account(plans.STANDARD)
    stage = play(
        have("olena", {"email": OLENA, "fields.badge": 17}),
        have("other", {"phone": OLENAS_PHONE, "fields.badge": 18}),
        merged("olena", "other"),
        have("bohdan", {"email": BOHDAN}),
    )

    move_identifier(stage.ids["olena"], Kind.CUSTOM, "badge", "18", stage.ids["bohdan"], by=BY)

    assert Contact.objects.get(pk=stage.ids["bohdan"]).attributes == {"badge": 18}


def test_who_has_a_value_of_that_kind_takes_no_second_one_and_is_named(play):
    stage = play(
        have("olena", {"external_id": "A", "email": OLENA}), have("bohdan", {"external_id": "B", "email": BOHDAN})
    )

    for kind, value, column in ((Kind.EXTERNAL_ID, "A", "external_id"), (Kind.EMAIL, OLENA, "email")):
        with pytest.raises(IdentifierCollides) as caught:
            move_identifier(stage.ids["olena"], kind, "", value, stage.ids["bohdan"], by=BY)
        assert (caught.value.other_id, caught.value.column) == (stage.ids["bohdan"], column)


def test_a_shared_value_does_not_move_to_whoever_has_it(play):
    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}), have("bohdan", {"external_id": "B", "email": FAMILY})
    )

    with pytest.raises(IdentifierCollides):
        move_identifier(stage.ids["olena"], Kind.EMAIL, "", FAMILY, stage.ids["bohdan"], by=BY)


def test_a_strict_policy_refuses_to_share_it_with_a_third_one(play):
    set_up_account(plans.PolicyRules(external_ids_may_share_channels=False))
    stage = play(
        have("olena", {"email": FAMILY}),
        have("taras", {"external_id": "C"}),
        have("bohdan", {"external_id": "B"}),
    )
    stage.resolve({"id": stage.ids["taras"], "email": FAMILY}, plans.API)

    with pytest.raises(IdentifierCollides) as caught:
        move_identifier(stage.ids["olena"], Kind.EMAIL, "", FAMILY, stage.ids["bohdan"], by=BY)
    assert caught.value.other_id == stage.ids["taras"]


def test_nothing_moves_to_oneself_or_to_a_deleted_contact(play):
    stage = play(have("olena", {"email": OLENA}), have("bohdan", {"phone": OLENAS_PHONE}), deleted("bohdan"))

    for whom in stage.ids.values():
        with pytest.raises(MoveRefused):
            move_identifier(stage.ids["olena"], Kind.EMAIL, "", OLENA, whom, by=BY)


def test_a_deleted_contact_gives_what_it_has(play):
    stage = play(have("olena", {"external_id": "A"}), deleted("olena"), have("bohdan", {"email": BOHDAN}))

    move_identifier(stage.ids["olena"], Kind.EXTERNAL_ID, "", "A", stage.ids["bohdan"], by=BY)

    assert Contact.objects.get(pk=stage.ids["bohdan"]).external_id == "A"
    assert Contact.objects.get(pk=stage.ids["olena"]).external_id is None


def test_whoever_gets_a_shared_email_shares_a_case(play):
    stage = play(
        have("olena", {"external_id": "A", "email": FAMILY}),
        have("taras", {"external_id": "C", "email": FAMILY}),
        have("bohdan", {"external_id": "B"}),
    )

    move_identifier(stage.ids["olena"], Kind.EMAIL, "", FAMILY, stage.ids["bohdan"], by=BY)

    case = DuplicateCase.objects.get()
    assert (case.status, case.contact_ids) == ("open", [stage.ids["taras"], stage.ids["bohdan"]])


# Beside


def test_an_undone_merge_gives_the_loser_what_was_detached_meanwhile(play):
    stage = play(have("olena", {"email": OLENA}), have("other", {"email": BOHDAN, "phone": OLENAS_PHONE}))
    merge = merge_contacts(stage.ids["olena"], stage.ids["other"], by=BY)
    detach(stage.ids["olena"], Kind.PHONE, OLENAS_PHONE)
    detach(stage.ids["olena"], Kind.EMAIL, BOHDAN)

    undo_merge(merge, by=BY)

    assert tokens_of(stage.ids["other"]) == {f"email:{BOHDAN}", f"phone:{OLENAS_PHONE}"}
    assert tokens_of(stage.ids["olena"]) == {f"email:{OLENA}"}


def test_erasing_whoever_got_it_leaves_no_value_in_the_other_history(play):
    stage = play(have("olena", {"external_id": "A", "email": OLENA}), have("bohdan", {"external_id": "B"}))
    move_identifier(stage.ids["olena"], Kind.EMAIL, "", OLENA, stage.ids["bohdan"], by=BY)

    erase_contacts([stage.ids["bohdan"]], by=BY)

    change = last_change(stage.ids["olena"])
    assert (change.before["email"], change.before["identifiers"]) == ("erased", "erased")
    assert "rows" not in change.details


def test_a_deleted_contact_lets_go_too(play):
    stage = play(have("olena", {"external_id": "A", "email": OLENA}))
    delete_contacts([stage.ids["olena"]], by=BY)

    detach(stage.ids["olena"], Kind.EXTERNAL_ID, "A")

    assert resolve_one({"external_id": "A", "phone": OLENAS_PHONE}, plans.API, by="key:1").status == "created"


def test_whoever_watches_contacts_is_told_of_both(play):
    stage = play(have("olena", {"external_id": "A", "identifiers": [device()]}), have("bohdan", {"external_id": "B"}))
    told: list[set[int]] = []

    def listen(contact_ids: Any, what: str = "contact", **_: Any) -> None:
        if what == "contact":
            told.append(set(contact_ids))

    contacts_changed.connect(listen)
    try:
        move_identifier(stage.ids["olena"], Kind.DEVICE, "", "device-1", stage.ids["bohdan"], by=BY)
        take_back_change(stage.ids["bohdan"], last_change(stage.ids["bohdan"]).pk, by=BY)
        detach(stage.ids["olena"], Kind.DEVICE, "device-1")
    finally:
        contacts_changed.disconnect(listen)
    assert told == [set(stage.ids.values()), set(stage.ids.values()), {stage.ids["olena"]}]
