"""Random histories with identifiers detached and moved and changes taken back: everything agrees after every step, and
a change that is taken back at once has not been."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.identity import detach_identifier, move_identifier, take_back_change, take_back_changes
from contacts.identity.errors import ContactNotFound, NothingToTakeBack, TakeBackRefused
from contacts.identity.integrity import find_problems
from contacts.keys import Kind
from contacts.models import Change, ChangeKind, Contact, DuplicateCase, Identifier
from crm.errors import CardfileError
from tests.contacts.identity.test_state_machine import records, trusted_ways
from tests.contacts.identity.test_undo_histories import BY, Play, account, acting, sending, suppressing, usual

pytestmark = pytest.mark.django_db

numbers = st.integers(0, 30)
detaching = st.tuples(st.just("detach"), numbers)
moving = st.tuples(st.just("move"), numbers, numbers)
taking = st.tuples(st.just("take_back"), numbers, st.booleans())
taking_many = st.tuples(st.just("take_back_some"), numbers, numbers)
ours = st.one_of(detaching, moving, taking, taking_many)
steps = st.lists(st.one_of(sending, sending, sending, acting, suppressing, ours, ours, ours, ours), max_size=14)
few = settings(usual, max_examples=int(os.environ.get("HISTORIES", "20")))
COLUMNS = ("external_id", "email", "phone", "contact_key", "first_name", "last_name", "fields.card", "fields.note")
UNASKED = {"id", "updated_at", "last_seen_at", "source", "first_seen_at"}


class LongPlay(Play):
    """The steps of an import's undo, and those with one identifier or one change."""

    def carry_out(self, steps: list[Any]) -> None:
        for name, *arguments in steps:
            try:
                with transaction.atomic():
                    getattr(self, name)(*arguments)
            except CardfileError:
                continue
            assert find_problems() == [], (name, arguments)

    def detach(self, which: int) -> None:
        row = self.pick_identifier(which)
        if row is not None:
            detach_identifier(row.contact_id, Kind(row.kind), row.app, row.value, by=BY, at=self.tick())

    def move(self, which: int, to: int) -> None:
        row, ids = self.pick_identifier(which), list(Contact.objects.order_by("pk").values_list("pk", flat=True))
        if row is not None and ids:
            where = ids[to % len(ids)]
            move_identifier(row.contact_id, Kind(row.kind), row.app, row.value, where, by=BY, at=self.tick())

    def take_back(self, which: int, anyway: bool) -> None:
        places = self.places()
        if places:
            columns = (*COLUMNS, "identifiers", "state") if anyway else ()
            take_back_change(*places[which % len(places)], by=BY, at=self.tick(), anyway=columns)

    def take_back_some(self, first: int, last: int) -> None:
        take_back_changes(self.places()[min(first, last) : max(first, last)], by=BY, at=self.tick())

    def places(self) -> list[Any]:
        return list(Change.objects.order_by("-pk").values_list("contact_id", "pk"))

    def pick_identifier(self, which: int) -> Identifier | None:
        held = Identifier.objects.filter(contact_id__in=Contact.objects.values("pk"))
        rows = list(held.order_by("contact_id", "kind", "app", "value"))
        return rows[which % len(rows)] if rows else None


def everything() -> Any:
    """All contacts, whose identifiers are whose, and the open cases; but for times of being seen and changed."""
    contacts = [{name: row[name] for name in row if name not in UNASKED - {"id"}} for row in contact_rows()]
    held = sorted(Identifier.objects.values_list("kind", "app", "value", "contact_id"))
    cases = sorted(
        (kind, value, sorted(ids))
        for kind, value, ids in DuplicateCase.objects.filter(status="open").values_list("kind", "value", "contact_ids")
    )
    return contacts, held, cases


def contact_rows() -> list[dict[str, Any]]:
    return [row | {"source": ""} for row in Contact.objects.order_by("pk").values()]


def known_rows() -> Any:
    """What is known of each identifier beside whose it is."""
    return {
        (row["kind"], row["app"], row["value"], row["contact_id"]): row
        for row in Identifier.objects.values("kind", "app", "value", "contact_id", "source", "first_seen_at", "details")
    }


@few
@given(steps=steps, strict=st.booleans())
def test_every_step_leaves_everything_sound(steps: list[Any], strict: bool) -> None:
    with account(strict=strict):
        LongPlay().carry_out(steps)


@few
@given(before=steps, step=st.one_of(detaching, moving), side=st.booleans(), strict=st.booleans())
def test_what_was_detached_or_moved_and_is_taken_back_is_as_it_was(
    before: list[Any], step: Any, side: bool, strict: bool
) -> None:
    with account(strict=strict):
        play = LongPlay()
        play.carry_out(before)
        stood, known, places = everything(), known_rows(), play.places()

        play.carry_out([step])

        new = [place for place in play.places() if place not in places]
        if new:
            report = take_back_change(*new[0 if side else -1], by=BY, at=play.tick())
            assert report.left == []
        assert everything() == stood
        assert known_rows() == known
        assert find_problems() == []


@few
@given(before=steps, batch=st.lists(records, min_size=1, max_size=1), way=trusted_ways, strict=st.booleans())
def test_what_a_record_did_and_is_taken_back_has_not_been(
    before: list[Any], batch: list[Any], way: dict[str, Any], strict: bool
) -> None:
    with account(strict=strict):
        play = LongPlay()
        play.carry_out(before)
        stood, places = everything(), play.places()

        play.carry_out([("send", batch, way)])

        new = [place for place in play.places() if place not in places]
        kinds = set(Change.objects.filter(pk__in=[pk for _, pk in new]).values_list("kind", flat=True))
        if kinds & {ChangeKind.CREATED, ChangeKind.MERGED}:
            return
        # From the contact that took; whoever gave follows by itself.
        for place in new:
            try:
                report = take_back_change(*place, by=BY, at=play.tick())
            except NothingToTakeBack:
                continue
            assert report.left == []
        assert everything()[:2] == stood[:2]
        assert find_problems() == []


@few
@given(before=steps, which=numbers, anyway=st.booleans(), strict=st.booleans())
def test_what_is_taken_back_and_taken_back_again_is_as_it_was(
    before: list[Any], which: int, anyway: bool, strict: bool
) -> None:
    with account(strict=strict):
        play = LongPlay()
        play.carry_out(before)
        stood, places = everything(), play.places()
        play.carry_out([("take_back", which, anyway)])
        new = [place for place in play.places() if place not in places]
        kinds = set(Change.objects.filter(pk__in=[pk for _, pk in new]).values_list("kind", flat=True))
        if kinds != {ChangeKind.TAKEN_BACK}:
            return  # a merge, or nothing

        for place in new:
            try:
                report = take_back_change(*place, by=BY, at=play.tick())
            except (NothingToTakeBack, ContactNotFound, TakeBackRefused):
                continue
            assert report.left == []

        assert everything()[:2] == stood[:2]


@few
@given(before=steps, which=numbers, anyway=st.booleans(), strict=st.booleans())
def test_a_rehearsal_tells_what_will_be_and_writes_nothing(
    before: list[Any], which: int, anyway: bool, strict: bool
) -> None:
    with account(strict=strict):
        play = LongPlay()
        play.carry_out(before)
        places = play.places()
        if not places:
            return
        place, columns = places[which % len(places)], COLUMNS if anyway else ()
        if Change.objects.get(pk=place[1]).kind == ChangeKind.MERGED:
            return  # its rehearsal says only that it is one
        told = [answer_of(place, columns, play, dry_run=dry_run) for dry_run in (True, True, False)]
        assert told[0] == told[1] == told[2]


def answer_of(place: Any, columns: Any, play: LongPlay, *, dry_run: bool) -> Any:
    before = everything()
    try:
        report = take_back_change(*place, by=BY, anyway=columns, at=play.tick(), dry_run=dry_run)
    except CardfileError as error:
        return error.code
    if dry_run:
        assert everything() == before
    return [went.column for went in report.restored], [left._replace(at=None) for left in report.left]
