"""Contacts with the same name and birthday, found by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from contacts.identity import delete_contacts, dismiss_case, erase_contacts, merge_contacts, resolve_one, undo_merge
from contacts.identity import types as plans
from contacts.identity.duplicates import PutOffRefused, put_off_case, waiting_cases
from contacts.identity.errors import ContactNotFound
from contacts.identity.integrity import find_problems
from contacts.identity.names import hash_name, read_name
from contacts.identity.namesakes import Looked, look_for_namesakes
from contacts.identity.settings import forget_settings
from contacts.models import CaseStatus, CustomField, DuplicateCase, Namesake, NamesakeWalk, Policy, Suggestion

pytestmark = pytest.mark.django_db

BY = "user:1"
MAY = "1990-05-01"


@pytest.fixture(autouse=True)
def birthday() -> Iterator[CustomField]:
    forget_settings()
    field = CustomField.objects.create(key="birthday", label="Birthday", type="date")
    Policy.objects.update_or_create(pk=1, defaults={"birthday_field": field})
    yield field
    forget_settings()


def make(first: str = "Olena", last: str = "Koval", born: str | None = MAY, **record: Any) -> int:
    named = {"first_name": first, "last_name": last, "fields.birthday": born, **record}
    outcome = resolve_one(named, plans.SHEET, by=BY)
    assert outcome.contact_id is not None
    return outcome.contact_id


def change(contact_id: int, **record: Any) -> None:
    resolve_one({"id": contact_id, **record}, plans.SHEET, by=BY)


def look(**options: Any) -> Looked:
    """Later, when nobody writes any more."""
    return look_for_namesakes(at=datetime.now(UTC) + timedelta(minutes=1), **options)


def open_cases() -> list[tuple[str, list[int]]]:
    return [(case.value, case.contact_ids) for case in DuplicateCase.objects.filter(status="open").order_by("value")]


def test_the_same_name_and_birthday_is_a_case() -> None:
    olena, other, _taras = make(), make("KOVAL", "olena"), make("Taras")

    looked = look()

    assert (looked.contacts, looked.opened, looked.caught_up) == (3, 1, True)
    assert open_cases() == [("koval olena 1990-05-01", [olena, other])]
    case = DuplicateCase.objects.get()
    assert (case.kind, case.reason, case.suggestion) == (0, "name", Suggestion.LIKELY)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"born": MAY}, {"born": "1991-05-01"}),
        ({"born": None}, {"born": None}),
        ({"born": "1970-01-01"}, {"born": "1970-01-01"}),
        ({"last": ""}, {"last": ""}),
        ({"last": "unknown"}, {"last": "unknown"}),
        ({"first": "Olena"}, {"first": "Olha"}),
    ],
)
def test_less_than_both_is_none(one: dict[str, Any], other: dict[str, Any]) -> None:
    make(**one)
    make(**other)

    look()

    assert open_cases() == []


def test_the_walk_goes_on_where_it_stopped() -> None:
    olena = make()
    assert look().contacts == 1
    assert look().contacts == 0
    other = make()

    assert look().contacts == 1
    assert open_cases() == [("koval olena 1990-05-01", [olena, other])]


def test_pages_are_walked_one_after_the_other() -> None:
    ids = [make() for _ in range(5)]

    looked = look(at_once=2)

    assert (looked.contacts, looked.caught_up) == (5, True)
    assert open_cases() == [("koval olena 1990-05-01", ids)]


def test_what_is_being_written_holds_the_walk_back() -> None:
    make()

    assert look_for_namesakes(at=datetime.now(UTC)).contacts == 0


def test_who_gets_another_name_leaves_the_case() -> None:
    olena, other = make(), make()
    look()
    change(other, last_name="Melnyk")

    assert look().closed == 1

    assert not DuplicateCase.objects.exists()
    change(other, last_name="Koval")
    look()
    assert open_cases() == [("koval olena 1990-05-01", [olena, other])]


@pytest.mark.parametrize("verb", [delete_contacts, erase_contacts])
def test_who_is_gone_leaves_the_case(verb: Any) -> None:
    _olena, other = make(), make()
    look()

    verb([other], by=BY)
    look()

    assert not DuplicateCase.objects.exists()
    assert not Namesake.objects.filter(contact_id=other).exists()


def test_erasing_forgets_the_hash_at_once() -> None:
    olena = make()
    look()
    assert Namesake.objects.filter(contact_id=olena).exists()

    erase_contacts([olena], by=BY)

    assert not Namesake.objects.exists()


def test_not_the_same_is_remembered_and_another_contact_opens_it_again() -> None:
    olena, other = make(), make()
    look()
    dismiss_case(DuplicateCase.objects.get().pk, by=BY)
    change(other, town="Lviv")
    look()
    assert open_cases() == []

    third = make()
    look()

    assert open_cases() == [("koval olena 1990-05-01", [olena, other, third])]
    delete_contacts([third], by=BY)
    look()
    assert open_cases() == []
    assert DuplicateCase.objects.get().status == CaseStatus.DISMISSED


def test_whoever_was_told_apart_by_an_email_is_not_found_by_name() -> None:
    make(external_id="A-1", email="family@example.com")
    make(external_id="A-2", email="family@example.com")
    dismiss_case(DuplicateCase.objects.get().pk, by=BY)

    look()

    assert open_cases() == []


def test_whoever_shares_an_email_too_is_one_case_not_two() -> None:
    make(external_id="A-1", email="olena@example.com")
    make(external_id="A-2", email="olena@example.com")

    look()

    assert DuplicateCase.objects.get().value == "olena@example.com"


def test_merged_ones_are_a_case_no_more_and_again_once_it_is_undone() -> None:
    olena, other = make(), make()
    look()
    merge = merge_contacts(olena, other, by=BY)
    look()
    assert open_cases() == []

    undo_merge(merge, by=BY)
    look()

    assert open_cases() == [("koval olena 1990-05-01", [olena, other])]
    assert find_problems() == []


def test_a_birthday_that_far_too_many_have_makes_no_case() -> None:
    born = date(1980, 1, 1)
    make(born=str(born))
    make(born=str(born))
    Namesake.objects.bulk_create(
        Namesake(contact_id=1_000_000 + number, birthday=born, name_hash=number) for number in range(99)
    )
    NamesakeWalk.objects.create(pk=1, field_key="birthday")

    look()

    assert open_cases() == []


def test_a_name_and_birthday_on_more_than_fifty_contacts_identifies_nobody() -> None:
    name = hash_name(read_name("Olena", "Koval"))
    Namesake.objects.bulk_create(
        Namesake(contact_id=1_000_000 + number, birthday=MAY, name_hash=name) for number in range(50)
    )
    make()
    NamesakeWalk.objects.create(pk=1, field_key="birthday")

    look()

    assert open_cases() == []


def test_another_field_begins_the_walk_anew_and_none_ends_it() -> None:
    make()
    make()
    look()
    born = CustomField.objects.create(key="born", label="Born", type="date")
    Policy.objects.update(birthday_field=born)

    assert look().contacts == 2
    assert open_cases() == []
    assert not Namesake.objects.exists()
    Policy.objects.update(birthday_field=None)
    assert look().contacts == 0
    later = datetime.now(UTC) + timedelta(minutes=2)
    resolve_one({"first_name": "Olena", "fields.birthday": MAY}, plans.SHEET, by=BY, at=later)
    assert look_for_namesakes(at=later + timedelta(minutes=1)).contacts == 1
    assert not Namesake.objects.exists()


def test_a_case_is_judged_when_it_is_new_and_when_somebody_in_it_changes() -> None:
    olena = make(email="olena@example.com")
    other = resolve_one({"external_id": "A-2", "email": "x@example.com"}, plans.API, by=BY).contact_id
    assert other is not None
    change(other, email="olena@example.com")
    case = DuplicateCase.objects.get()
    assert case.suggestion is None

    look()
    case.refresh_from_db()
    assert case.suggestion == Suggestion.LIKELY

    change(other, first_name="Olena", last_name="Koval")
    look()
    assert DuplicateCase.objects.get(kind=2).suggestion == Suggestion.CLEAR
    change(other, first_name="Taras")
    look()
    assert DuplicateCase.objects.get(kind=2).suggestion == Suggestion.UNLIKELY
    assert olena in DuplicateCase.objects.get(kind=2).contact_ids


def test_few_statements_look_at_many_contacts() -> None:
    for number in range(30):
        make(f"Olena{number // 2}", "Koval")
    with connection.execute_wrapper(Counted()) as _:
        look()
    assert DuplicateCase.objects.count() == 15
    assert Counted.count < 40


class Counted:
    count = 0

    def __call__(self, execute: Any, *args: Any) -> Any:
        Counted.count += 1
        return execute(*args)


# Later


def test_a_case_that_was_put_off_comes_back_by_itself() -> None:
    make()
    make()
    look()
    case, now = DuplicateCase.objects.get(), datetime.now(UTC)

    put_off_case(case.pk, until=now + timedelta(days=7), by=BY)

    assert not waiting_cases().exists()
    assert waiting_cases(at=now + timedelta(days=8)).get() == case


def test_a_case_that_was_put_off_comes_back_when_another_contact_joins() -> None:
    make()
    make()
    look()
    put_off_case(DuplicateCase.objects.get().pk, until=datetime.now(UTC) + timedelta(days=7), by=BY)
    make()

    look()

    assert len(waiting_cases().get().contact_ids) == 3


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_a_case_is_put_off_to_a_day_to_come(days: int) -> None:
    make()
    make()
    look()
    now = datetime.now(UTC)

    with pytest.raises(PutOffRefused):
        put_off_case(DuplicateCase.objects.get().pk, until=now + timedelta(days=days), by=BY, at=now)


def test_what_is_decided_or_unknown_cannot_be_put_off() -> None:
    make()
    make()
    look()
    case, until = DuplicateCase.objects.get(), datetime.now(UTC) + timedelta(days=1)
    dismiss_case(case.pk, by=BY)

    with pytest.raises(PutOffRefused):
        put_off_case(case.pk, until=until, by=BY)
    for unknown in (10**9, 2**70):
        with pytest.raises(ContactNotFound):
            put_off_case(unknown, until=until, by=BY)
