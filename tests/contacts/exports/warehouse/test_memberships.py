"""Segments and who is in them, lists and conditions alike."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.exports.warehouse.members import forget_members
from contacts.identity import delete_contacts, merge_contacts, resolve_one
from contacts.identity.types import API
from contacts.models import ExportMember, ExportTable
from segments.catalogue import delete_segment, save_segment
from segments.membership import add_members
from segments.models import Segment, SegmentType
from tests.contacts.exports.warehouse.copies import Copies, make_copies
from tests.people import BOHDAN, BY, OLENA
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db


def come(**record: Any) -> int:
    outcome = resolve_one(record, API, by=BY)
    assert outcome.contact_id is not None
    return outcome.contact_id


def in_lviv() -> Segment:
    return save_segment(Segment(name="In Lviv", definition=define(ask("town", "is", "Lviv"))))


def pairs(copies: Copies, segment: Segment) -> set[int]:
    return {row["contactId"] for row in copies["memberships"] if row["segmentId"] == segment.pk}


def test_members_of_conditions_leave_as_those_of_lists_do() -> None:
    friends, lviv = save_segment(Segment(name="Friends", type=SegmentType.STATIC)), in_lviv()
    olena, bohdan = come(email=OLENA, town="Lviv"), come(email=BOHDAN)
    add_members(friends, [bohdan], by=BY)
    copies = make_copies()
    assert (pairs(copies, lviv), pairs(copies, friends)) == ({olena}, {bohdan})
    assert {row["name"]: row["type"] for row in copies["segments"]}["In Lviv"] == "dynamic"


def test_who_comes_and_who_goes_is_told_and_nobody_else() -> None:
    lviv = in_lviv()
    olena, bohdan = come(email=OLENA, town="Lviv"), come(email=BOHDAN)
    copies = make_copies()
    come(email=OLENA, town="Kyiv")
    come(email=BOHDAN, town="Lviv")
    copies.catch_up()
    assert pairs(copies, lviv) == {bohdan}
    [step] = copies.steps("memberships")
    assert step.change.gone_contact_ids == [olena, bohdan]
    copies.catch_up()
    assert not copies.steps("memberships")
    copies.check()


def test_deleted_and_merged_contacts_are_members_of_nothing() -> None:
    lviv = in_lviv()
    olena, bohdan, third = come(email=OLENA, town="Lviv"), come(email=BOHDAN, town="Lviv"), come(phone="+380501112233")
    copies = make_copies()
    delete_contacts([olena], by=BY)
    merge_contacts(third, bohdan, by=BY)
    copies.catch_up()
    assert pairs(copies, lviv) == {third}
    copies.check()


def test_a_segment_that_is_no_more_goes_with_its_members() -> None:
    lviv = in_lviv()
    come(email=OLENA, town="Lviv")
    copies = make_copies()
    delete_segment(lviv)
    copies.catch_up()
    assert "In Lviv" not in {row["name"] for row in copies["segments"]}
    assert not pairs(copies, lviv)
    copies.check()


def test_a_segment_with_another_name_is_sent_alone() -> None:
    lviv = in_lviv()
    copies = make_copies()
    lviv.name = "People of Lviv"
    save_segment(lviv)
    copies.catch_up()
    [step] = copies.steps("segments")
    assert step.change.rows is not None
    assert step.change.rows.params == {"ids": [lviv.pk]}
    copies.check()


def test_a_segment_that_cannot_be_asked_keeps_whom_it_had() -> None:
    lviv = in_lviv()
    olena = come(email=OLENA, town="Lviv")
    copies = make_copies()
    Segment.objects.filter(pk=lviv.pk).update(definition=define(ask("nothing", "is", "Lviv")))
    come(email=BOHDAN, town="Lviv")
    copies.catch_up()
    assert pairs(copies, lviv) == {olena}


def test_a_second_target_that_missed_some_runs_misses_nothing() -> None:
    lviv = in_lviv()
    come(email=OLENA, town="Lviv")
    first, second = make_copies(), make_copies(name="Finance")
    come(email=OLENA, town="Kyiv")
    first.catch_up()
    come(email=BOHDAN, town="Lviv")
    first.catch_up()
    forget_members()
    second.catch_up()
    assert pairs(first, lviv) == pairs(second, lviv)
    second.check()


def test_who_left_is_forgotten_once_everybody_was_told() -> None:
    in_lviv()
    come(email=OLENA, town="Lviv")
    copies = make_copies()
    come(email=OLENA, town="Kyiv")
    copies.catch_up()
    assert ExportMember.objects.filter(is_in=False).exists()
    forget_members()
    assert not ExportMember.objects.filter(is_in=False).exists()
    copies.catch_up()
    copies.check()


def test_nobody_asks_segments_where_no_table_is_told_of_them() -> None:
    in_lviv()
    copies = make_copies()
    ExportTable.objects.filter(data_set__in=("segments", "memberships")).delete()
    del copies.by_slug["segments"], copies.by_slug["memberships"]
    bohdan = come(email=BOHDAN, town="Lviv")
    copies.catch_up()
    assert not ExportMember.objects.filter(contact_id=bohdan).exists()
