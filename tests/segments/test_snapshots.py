"""Keeping who is in a segment at a moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from contacts import populations
from contacts.identity import merge_contacts
from contacts.models import Contact
from segments.catalogue import delete_segment, save_segment
from segments.conditions.errors import DefinitionRefused
from segments.membership import list_members
from segments.models import Membership, Segment, SegmentType, Snapshot
from segments.snapshots import take_snapshot
from tests.segments.people import ACTIVE, NOW
from tests.segments.table import ask, define
from tests.together import Other, wait_until_waiting

People = dict[str, Contact]


def lviv() -> Segment:
    return save_segment(Segment(name="Lviv", definition=define(ask("town", "contains", "viv"))))


def test_a_few_are_kept_at_once_and_stay_whatever_changes(people: People) -> None:
    snapshot = take_snapshot(lviv(), name="Lviv of today", by="user:1")
    Contact.objects.filter(pk=people["bohdan"].pk).update(town="Odesa")

    kept = snapshot.segment

    assert kept.is_static
    assert [contact.pk for contact in list_members(kept)] == sorted([people["bohdan"].pk, people["ivan"].pk])
    assert set(Membership.objects.filter(segment=kept).values_list("by", flat=True)) == {"user:1"}
    assert (snapshot.source_name, snapshot.error, snapshot.finished_at is not None) == ("Lviv", "", True)


def test_those_who_are_put_in_are_told_of(people: People) -> None:
    told: list[int] = []

    def hear(contact_ids: list[int], what: str = "", **_more: object) -> None:
        told.extend(contact_ids if what == "list" else [])

    populations.contacts_changed.connect(hear)
    try:
        take_snapshot(lviv(), name="Kept", by="user:1")
    finally:
        populations.contacts_changed.disconnect(hear)

    assert sorted(told) == sorted([people["bohdan"].pk, people["ivan"].pk])


def test_a_static_segment_can_be_kept_too(people: People) -> None:
    regulars = Segment.objects.get(name="Regulars")

    snapshot = take_snapshot(regulars, name="Regulars of today", by="user:1")

    assert {contact.pk for contact in list_members(snapshot.segment)} == {people["olena"].pk, people["bohdan"].pk}


def test_a_name_that_is_taken_or_a_broken_segment_leaves_nothing(people: People) -> None:
    segment = lviv()
    before = Segment.objects.count()

    with pytest.raises(IntegrityError):
        take_snapshot(segment, name="LVIV", by="user:1")
    Segment.objects.filter(pk=segment.pk).update(definition=define(ask("gone", "is", "1")))
    segment.refresh_from_db()
    with pytest.raises(DefinitionRefused):
        take_snapshot(segment, name="Kept", by="user:1")

    assert (Segment.objects.count(), Snapshot.objects.count()) == (before, 0)


def test_a_snapshot_outlives_its_source(people: People) -> None:
    segment = lviv()
    snapshot = take_snapshot(segment, name="Kept", by="user:1")

    delete_segment(segment)

    snapshot.refresh_from_db()
    assert (snapshot.source, snapshot.source_name) == (None, "Lviv")
    assert len(list_members(snapshot.segment)) == 2


def crowd(number: int) -> None:
    Contact.objects.bulk_create(
        Contact(first_name=f"N {at}", town="Lviv", created_at=NOW, updated_at=NOW) for at in range(number)
    )


def test_many_are_put_in_by_a_job_after_the_answer(run_jobs: Callable[[], None]) -> None:
    crowd(30)
    snapshot = take_snapshot(lviv(), name="Kept", by="user:1", at_once=10)
    assert (snapshot.finished_at, Membership.objects.count()) == (None, 0)

    run_jobs()

    snapshot.refresh_from_db()
    assert (snapshot.error, Membership.objects.filter(segment=snapshot.segment).count()) == ("", 30)
    assert snapshot.finished_at is not None


def test_a_job_that_finds_the_conditions_broken_says_so(run_jobs: Callable[[], None]) -> None:
    crowd(30)
    segment = lviv()
    snapshot = take_snapshot(segment, name="Kept", by="user:1", at_once=10)
    Segment.objects.filter(pk=segment.pk).update(definition=define(ask("gone", "is", "1")))

    run_jobs()

    snapshot.refresh_from_db()
    assert snapshot.error.startswith("The definition cannot be used.")


@pytest.mark.django_db(transaction=True)
def test_whoever_is_merged_meanwhile_leaves_no_membership_behind() -> None:
    """The merge holds its rows while the snapshot is taken, which waits and finds the loser gone."""
    olena, olha = (
        Contact.objects.create(first_name=name, town="Lviv", created_at=NOW, updated_at=NOW)
        for name in ("Olena", "Olha")
    )
    segment = lviv()
    with transaction.atomic():
        merge_contacts(olena.pk, olha.pk, by="user:1")
        other = Other(lambda: take_snapshot(segment, name="Kept", by="user:1"))
        wait_until_waiting()
    snapshot = other.finish()

    rows = Membership.objects.filter(segment=snapshot.segment).values_list("contact_id", flat=True)
    assert list(rows) == [olena.pk]


def test_nobody_but_active_contacts_is_kept(people: People) -> None:
    everybody = save_segment(Segment(name="Everybody", definition=define(ask("id", "at_least", 0))))

    kept = take_snapshot(everybody, name="Kept", by="user:1").segment

    assert Membership.objects.filter(segment=kept).count() == len(ACTIVE)
    assert SegmentType(kept.type) is SegmentType.STATIC
