"""All clear cases are merged at once, or by a job, and taken back as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.identity import resolve
from contacts.identity import types as plans
from contacts.identity.clearing import (
    AT_ONCE,
    NothingClear,
    clear_cases,
    clear_waiting,
    stop_clearing,
    take_back_clearing,
)
from contacts.identity.duplicates import put_off_case, waiting_cases
from contacts.identity.integrity import find_problems
from contacts.identity.namesakes import look_for_namesakes
from contacts.models import Clearing, Contact, ContactState, DuplicateCase, Merge

pytestmark = pytest.mark.django_db

BY = "user:1"


def make_cases(count: int, *, last_name: str = "Koval") -> None:
    """Contacts with an external ID, and others without one who share their email; the same name, or another one."""
    known = [
        {
            "external_id": f"A-{number}",
            "email": f"olena{number}@example.com",
            "first_name": "Olena",
            "last_name": "Koval",
        }
        for number in range(count)
    ]
    others = [
        {"phone": f"+3805012345{number:02}", "first_name": "Olena", "last_name": last_name} for number in range(count)
    ]
    resolve(known, plans.API_BULK, by=BY)
    ids = [outcome.contact_id for outcome in resolve(others, plans.API_BULK, by=BY)]
    named = [{"id": pk, "email": f"olena{number}@example.com"} for number, pk in enumerate(ids)]
    resolve(named, plans.SHEET, by=BY)
    look_for_namesakes(at=datetime.now(UTC) + timedelta(minutes=1))
    assert DuplicateCase.objects.filter(status="open").count() == count


def count_active() -> int:
    return Contact.objects.filter(state=ContactState.ACTIVE).count()


def test_few_are_merged_at_once() -> None:
    make_cases(3)

    clearing = clear_waiting(by=BY)

    assert (clearing.total, clearing.done, clearing.merged, clearing.left) == (3, 3, 3, 0)
    assert clearing.finished_at
    assert not waiting_cases().exists()
    assert set(Merge.objects.values_list("clearing_id", "by")) == {(clearing.pk, BY)}
    assert set(Contact.objects.filter(state=1).values_list("external_id", flat=True)) == {"A-0", "A-1", "A-2"}
    assert find_problems() == []


def test_what_is_not_clear_stays() -> None:
    make_cases(2, last_name="Melnyk")

    with pytest.raises(NothingClear):
        clear_waiting(by=BY)

    assert not Merge.objects.exists()


def test_what_is_clear_no_more_is_left_alone() -> None:
    make_cases(2)
    other = Contact.objects.filter(external_id=None).order_by("pk").first()
    assert other is not None
    resolve([{"id": other.pk, "last_name": "Melnyk"}], plans.SHEET, by=BY)

    clearing = clear_waiting(by=BY)

    assert (clearing.merged, clearing.left) == (1, 1)
    assert DuplicateCase.objects.get(status="open").contact_ids.count(other.pk) == 1


def test_what_was_put_off_is_not_merged() -> None:
    make_cases(1)
    put_off_case(DuplicateCase.objects.get().pk, until=datetime.now(UTC) + timedelta(days=1), by=BY)

    with pytest.raises(NothingClear):
        clear_waiting(by=BY)


def test_all_of_them_are_taken_back() -> None:
    make_cases(3)
    before = count_active()
    clearing = clear_waiting(by=BY)

    take_back_clearing(clearing.pk, by="user:2")

    clearing.refresh_from_db()
    assert (clearing.undone, clearing.kept, clearing.undo_by) == (3, 0, "user:2")
    assert clearing.undo_finished_at
    assert count_active() == before
    assert waiting_cases().count() == 3
    take_back_clearing(clearing.pk, by="user:3")
    clearing.refresh_from_db()
    assert clearing.undo_by == "user:2"
    assert find_problems() == []


def test_it_can_be_stopped() -> None:
    make_cases(AT_ONCE + 2)
    clearing = Clearing.objects.create(by=BY, total=AT_ONCE + 2)
    stop_clearing(clearing.pk)

    clear_cases(clearing)

    assert clearing.done == 20
    assert clearing.finished_at
    assert waiting_cases().count() == 2


def test_a_job_that_was_killed_goes_on_where_it_was() -> None:
    make_cases(4)
    first = DuplicateCase.objects.order_by("pk").first()
    assert first is not None
    clearing = Clearing.objects.create(by=BY, total=4, done=1, left=1, after_id=first.pk)

    clear_cases(clearing)

    assert (clearing.done, clearing.merged, clearing.left) == (4, 3, 1)
    assert waiting_cases().get() == first


@pytest.mark.django_db(transaction=True)
def test_many_are_merged_and_taken_back_by_a_job(run_jobs: Callable[[], None]) -> None:
    make_cases(AT_ONCE + 1)

    clearing = clear_waiting(by=BY)
    assert not clearing.finished_at
    run_jobs()
    clearing.refresh_from_db()
    assert (clearing.merged, clearing.error) == (AT_ONCE + 1, "")

    take_back_clearing(clearing.pk, by=BY)
    run_jobs()
    clearing.refresh_from_db()
    assert (clearing.undone, bool(clearing.undo_finished_at)) == (AT_ONCE + 1, True)


def test_three_who_are_one_become_one() -> None:
    names: dict[str, Any] = {"first_name": "Olena", "last_name": "Koval"}
    make_cases(1)
    [third] = resolve([{"phone": "+380509998877", **names}], plans.API, by=BY)
    resolve([{"id": third.contact_id, "email": "olena0@example.com"}], plans.SHEET, by=BY)
    look_for_namesakes(at=datetime.now(UTC) + timedelta(minutes=1))

    clearing = clear_waiting(by=BY)

    assert (clearing.done, clearing.merged) == (1, 2)
    assert count_active() == 1
