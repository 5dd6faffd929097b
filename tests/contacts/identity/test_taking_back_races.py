"""Two people at one identifier or one change at once: the second finds what the first left."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from contacts.identity import (
    detach_identifier,
    erase_contacts,
    merge_contacts,
    move_identifier,
    resolve_one,
    take_back_change,
)
from contacts.identity.errors import (
    ChangeNotFound,
    ContactNotFound,
    IdentifierNotHeld,
    NothingToTakeBack,
    TakeBackRefused,
)
from contacts.identity.integrity import find_problems
from contacts.identity.revert import Because
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import Change, Contact, Identifier
from crm.errors import CardfileError
from tests.people import BOHDAN, OLENA, device, tokens_of
from tests.together import Other, all_at_once, wait_until_waiting

pytestmark = pytest.mark.django_db(transaction=True)

BY = "user:1"


def create(**record: Any) -> int:
    contact_id = resolve_one(record, API, by="key:1").contact_id
    assert contact_id is not None
    return contact_id


def last(contact_id: int) -> int:
    return Change.objects.filter(contact_id=contact_id).order_by("-pk").values_list("pk", flat=True)[0]


def refusal_of(work: Callable[[], Any]) -> CardfileError | None:
    try:
        work()
    except CardfileError as error:
        return error
    return None


def test_whoever_moves_what_somebody_is_just_detaching_finds_it_gone() -> None:
    olena, bohdan = create(external_id="A", email=OLENA), create(external_id="B")
    with transaction.atomic():
        detach_identifier(olena, Kind.EMAIL, "", OLENA, by=BY)
        second = Other(lambda: refusal_of(lambda: move_identifier(olena, Kind.EMAIL, "", OLENA, bohdan, by="user:2")))
        wait_until_waiting()
    assert isinstance(second.finish(), IdentifierNotHeld)
    assert find_problems() == []


def test_a_record_waits_for_a_move_and_finds_the_taker() -> None:
    olena, bohdan = create(external_id="A", email=OLENA), create(external_id="B")
    with transaction.atomic():
        move_identifier(olena, Kind.EMAIL, "", OLENA, bohdan, by=BY)
        second = Other(lambda: resolve_one({"email": OLENA, "first_name": "Olena"}, API, by="key:1"))
        wait_until_waiting()
    assert second.finish().contact_id == bohdan
    assert Contact.objects.get(pk=olena).first_name is None


def test_a_change_is_taken_back_once() -> None:
    olena = create(external_id="A", email=OLENA)
    resolve_one({"id": olena, "email": BOHDAN}, API, by="key:1")
    mine = last(olena)
    with transaction.atomic():
        take_back_change(olena, mine, by=BY)
        second = Other(lambda: refusal_of(lambda: take_back_change(olena, mine, by="user:2")))
        wait_until_waiting()
    assert isinstance(second.finish(), NothingToTakeBack)
    assert tokens_of(olena) == {"external_id:A", f"email:{OLENA}"}


def test_what_is_written_while_a_change_is_taken_back_is_in_its_way() -> None:
    olena = create(external_id="A", town="Lviv")
    resolve_one({"id": olena, "town": "Kyiv"}, API, by="key:1")
    mine = last(olena)
    with transaction.atomic():
        resolve_one({"id": olena, "town": "Odesa"}, API, by="key:1")
        second = Other(lambda: take_back_change(olena, mine, by=BY))
        wait_until_waiting()
    assert [left.because for left in second.finish().left] == [Because.CHANGED]
    assert Contact.objects.get(pk=olena).town == "Odesa"


def test_nothing_is_taken_back_on_whoever_is_just_being_merged_or_erased() -> None:
    olena, bohdan = create(external_id="A", email=OLENA), create(external_id="B", town="Lviv")
    move_identifier(olena, Kind.EMAIL, "", OLENA, bohdan, by=BY)
    moved, came = last(olena), last(bohdan)
    with transaction.atomic():
        merge_contacts(olena, bohdan, by=BY)
        second = Other(lambda: refusal_of(lambda: take_back_change(bohdan, came, by="user:2")))
        wait_until_waiting()
    assert isinstance(second.finish(), TakeBackRefused)
    with transaction.atomic():
        erase_contacts([olena], by=BY)
        second = Other(lambda: refusal_of(lambda: take_back_change(olena, moved, by="user:2")))
        wait_until_waiting()
    assert isinstance(second.finish(), ChangeNotFound | ContactNotFound)


def test_values_that_are_just_being_erased_do_not_come_back() -> None:
    olena, bohdan = create(external_id="A", email=OLENA), create(external_id="B")
    move_identifier(olena, Kind.EMAIL, "", OLENA, bohdan, by=BY)
    moved = last(olena)
    with transaction.atomic():
        erase_contacts([bohdan], by=BY)
        second = Other(lambda: take_back_change(olena, moved, by="user:2"))
        wait_until_waiting()
    assert {left.because for left in second.finish().left} == {Because.ERASED}
    assert Contact.objects.get(pk=olena).email is None


def test_detaching_moving_taking_back_and_writing_at_once_leaves_everything_sound() -> None:
    ids = [create(external_id=f"C-{number}", identifiers=[device(f"d-{number}")]) for number in range(6)]
    works: list[Callable[[], Any]] = []
    for seed in range(3):
        works += [shuffle_identifiers(random.Random(seed), ids), write_records(random.Random(seed))]

    all_at_once(works)

    assert find_problems() == []
    devices = Identifier.objects.filter(kind=Kind.DEVICE)
    assert devices.count() == devices.values("value").distinct().count()


def shuffle_identifiers(dice: random.Random, ids: Sequence[int]) -> Callable[[], None]:
    def work() -> None:
        for _ in range(12):
            one, other = dice.sample(ids, 2)
            held = list(Identifier.objects.filter(contact_id=one))
            with suppress(CardfileError):
                if not held or dice.random() < 0.4:
                    take_back_change(one, last(one), by=BY)
                elif dice.random() < 0.5:
                    row = dice.choice(held)
                    move_identifier(one, Kind(row.kind), row.app, row.value, other, by=BY)
                else:
                    row = dice.choice(held)
                    detach_identifier(one, Kind(row.kind), row.app, row.value, by=BY)

    return work


def write_records(dice: random.Random) -> Callable[[], None]:
    def work() -> None:
        for _ in range(12):
            record = {"external_id": f"C-{dice.randrange(6)}", "email": f"p{dice.randrange(4)}@example.com"}
            resolve_one(record | {"identifiers": [device(f"d-{dice.randrange(6)}")]}, API, by="key:1")

    return work
