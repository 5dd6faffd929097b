import pytest

from contacts.identity import (
    delete_contacts,
    erase_contacts,
    lift_suppressions,
    merge_contacts,
    resolve_one,
    restore_contacts,
    suppress_addresses,
    undo_merge,
)
from contacts.identity import types as plans
from contacts.identity.errors import ContactNotFound, MergeRefused, UndoLaterMergeFirst
from contacts.models import (
    Change,
    ChannelState,
    Consent,
    Contact,
    ContactState,
    DuplicateCase,
    Identifier,
    Merge,
    MergeMove,
    Suppression,
)

pytestmark = pytest.mark.django_db

BY = "user:1"


def make(**record):
    return resolve_one(record, plans.API, by="key:1").contact_id


def device(value):
    return {"identifiers": [{"kind": "device", "value": value}]}


def sheet(contact_id):
    """A contact and its identifiers, but for times."""
    row = Contact.objects.filter(pk=contact_id).values().get()
    for column in ("updated_at", "last_seen_at", "email_state_at", "phone_state_at"):
        del row[column]
    row["identifiers"] = sorted(Identifier.objects.filter(contact_id=contact_id).values_list("kind", "app", "value"))
    return row


def test_a_merge_moves_identifiers_fills_blanks_and_leaves_a_tombstone():
    ann = make(external_id="A1", email="ann@example.com", first_name="Ann")
    anna = make(phone="+380501234567", last_name="Bell", first_name="Anna", **device("d1"))

    merge_contacts(ann, anna, by=BY)

    survivor, loser = Contact.objects.get(pk=ann), Contact.objects.get(pk=anna)
    assert (survivor.phone, survivor.last_name, survivor.first_name) == ("+380501234567", "Bell", "Ann")
    assert (loser.state, loser.merged_into_id, loser.phone) == (ContactState.MERGED, ann, "+380501234567")
    assert Identifier.objects.filter(contact_id=ann).count() == 4
    assert set(Change.objects.filter(kind="merged").values_list("contact_id", flat=True)) == {ann, anna}
    assert make(phone="+380501234567") == ann


def test_an_undone_merge_restores_both_sheets():
    ann = make(external_id="A1", email="ann@example.com", first_name="Ann")
    anna = make(external_id="A2", email="ann@example.com", phone="+380501234567", **device("d1"))
    before = sheet(ann), sheet(anna)
    merge = merge_contacts(ann, anna, by=BY)

    report = undo_merge(merge, by=BY)

    assert (sheet(ann), sheet(anna)) == before
    assert report.left == []
    assert DuplicateCase.objects.get(value="ann@example.com").contact_ids == [ann, anna]


def test_a_merge_follows_the_choices_of_a_person():
    ann = make(external_id="A1", email="ann@example.com", first_name="Ann")
    anna = make(external_id="A2", email="anna@example.com", first_name="Anna")
    before = sheet(ann), sheet(anna)

    merge = merge_contacts(ann, anna, by=BY, choices={"email": "loser", "first_name": "loser"})

    survivor = Contact.objects.get(pk=ann)
    assert (survivor.email, survivor.first_name, survivor.external_id) == ("anna@example.com", "Anna", "A1")
    undo_merge(merge, by=BY)
    assert (sheet(ann), sheet(anna)) == before


def test_what_changed_since_the_merge_stays_and_is_reported():
    ann = make(external_id="A1")
    anna = make(external_id="A2", first_name="Anna", **device("d1"))
    merge = merge_contacts(ann, anna, by=BY)
    make(external_id="A1", first_name="Ann-Marie")
    bob = make(external_id="B1", **device("d1"))

    report = undo_merge(merge, by=BY)

    assert {left.what for left in report.left} == {"first_name", "device"}
    assert Contact.objects.get(pk=ann).first_name == "Ann-Marie"
    assert Contact.objects.get(pk=anna).first_name == "Anna"
    assert Identifier.objects.get(value="d1").contact_id == bob


def test_a_merge_whose_survivor_was_merged_later_is_undone_in_order():
    ann, anna, amy = make(email="ann@example.com"), make(email="anna@example.com"), make(email="amy@example.com")
    first = merge_contacts(ann, anna, by=BY)
    second = merge_contacts(amy, ann, by=BY)
    assert Contact.objects.get(pk=anna).merged_into_id == amy

    with pytest.raises(UndoLaterMergeFirst):
        undo_merge(first, by=BY)
    undo_merge(second, by=BY)
    assert Contact.objects.get(pk=anna).merged_into_id == ann
    undo_merge(first, by=BY)
    assert Contact.objects.get(pk=anna).state == ContactState.ACTIVE


def test_merging_into_itself_in_a_ring_or_with_an_erased_one_is_refused():
    ann, anna, amy = make(email="ann@example.com"), make(email="anna@example.com"), make(email="amy@example.com")
    merge = merge_contacts(ann, anna, by=BY)
    with pytest.raises(MergeRefused):
        merge_contacts(anna, ann, by=BY)
    with pytest.raises(MergeRefused):
        merge_contacts(ann, ann, by=BY)
    erase_contacts([amy], by=BY)
    with pytest.raises(ContactNotFound):
        merge_contacts(ann, amy, by=BY)
    undo_merge(merge, by=BY)
    with pytest.raises(MergeRefused):
        undo_merge(merge, by=BY)


def test_the_most_restrictive_consent_wins_and_comes_back():
    ann, anna = make(email="ann@example.com"), make(email="anna@example.com")
    at = Contact.objects.get(pk=ann).created_at
    for contact_id, granted in ((ann, True), (anna, False)):
        Consent.objects.create(contact_id=contact_id, category="news", granted=granted, at=at, by=BY)
    Consent.objects.create(contact_id=anna, category="offers", granted=True, at=at, by=BY)

    merge = merge_contacts(ann, anna, by=BY)
    assert dict(Consent.objects.filter(contact_id=ann).values_list("category", "granted")) == {
        "news": False,
        "offers": True,
    }
    undo_merge(merge, by=BY)
    assert dict(Consent.objects.filter(contact_id=ann).values_list("category", "granted")) == {"news": True}
    assert dict(Consent.objects.filter(contact_id=anna).values_list("category", "granted")) == {
        "news": False,
        "offers": True,
    }


def test_erasing_leaves_an_id_and_a_date():
    ann = make(external_id="A1", email="ann@example.com", first_name="Ann", **device("d1"))
    anna = make(email="anna@example.com", first_name="Anna", **device("d2"))
    merge = merge_contacts(ann, anna, by=BY)
    suppress_addresses(["ann@example.com"], ChannelState.UNSUBSCRIBED, by=BY)

    [outcome] = erase_contacts([anna], by=BY)

    assert outcome.contact_id == ann
    for contact in Contact.objects.filter(pk__in=[ann, anna]):
        assert contact.state == ContactState.ERASED
        kept = {"id", "state", "created_at", "updated_at", "deleted_at", "source"}
        for field in Contact._meta.concrete_fields:
            if field.attname not in kept:
                assert not getattr(contact, field.attname), field.attname
    assert not Identifier.objects.exists()
    assert not Merge.objects.exists()
    assert not MergeMove.objects.exists()
    assert set(Change.objects.values_list("kind", "before", "after")) == {("erased", None, None)}
    with pytest.raises(ContactNotFound):
        undo_merge(merge, by=BY)
    # The address keeps its state: whoever has it next is unsubscribed.
    again = Contact.objects.get(pk=make(external_id="A1", email="ann@example.com"))
    assert again.email_state == ChannelState.UNSUBSCRIBED


def test_other_journals_keep_a_migration_but_not_the_value():
    ann = make(email="ann@example.com", **device("d1"))
    bob = make(email="bob@example.com", **device("d1"))

    erase_contacts([ann], by=BY)

    after = Change.objects.get(contact_id=bob, kind="created").after
    assert after["identifiers"] == "erased"
    assert after["email"] == "bob@example.com"


def test_a_deleted_contact_is_restored_and_deleted_twice_changes_nothing():
    ann = make(email="ann@example.com")
    assert delete_contacts([ann], by=BY)[0].status == "updated"
    assert delete_contacts([ann], by=BY)[0].status == "unchanged"
    bob = make(external_id="B", phone="+380501234567")
    assert resolve_one({"id": bob, "email": "ann@example.com"}, plans.API, by=BY).status == "updated"
    assert not DuplicateCase.objects.exists()

    restore_contacts([ann], by=BY)

    assert Contact.objects.get(pk=ann).state == ContactState.ACTIVE
    assert DuplicateCase.objects.get().contact_ids == [ann, bob]
    assert delete_contacts([987654], by=BY)[0].code == "contact_not_found"


def test_a_suppressed_address_follows_whoever_has_it():
    ann = make(email="Ann@Example.com", phone="+380501234567")

    assert suppress_addresses([" ann@example.com", "nobody"], ChannelState.UNSUBSCRIBED, by="key:1") == ["nobody"]
    bob = make(external_id="B", email="ann@example.com")

    states = Contact.objects.in_bulk([ann, bob])
    assert states[ann].email_state == states[bob].email_state == ChannelState.UNSUBSCRIBED
    assert states[ann].phone_state == ChannelState.ACTIVE
    suppress_addresses(["ann@example.com"], ChannelState.BLACKLISTED, by="user:1")
    lift_suppressions(["ann@example.com"], by="key:1")
    assert Contact.objects.get(pk=ann).email_state == ChannelState.BLACKLISTED
    lift_suppressions(["ann@example.com"], by="user:1")
    assert Contact.objects.get(pk=bob).email_state == ChannelState.ACTIVE
    assert not Suppression.objects.exists()
