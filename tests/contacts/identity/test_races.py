"""Many callers at once, on real connections: nobody is made twice, nobody is told an error, nothing is half-written."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from contacts.identity import Outcome, delete_contacts, merge_contacts, resolve, resolve_one, undo_merge
from contacts.identity.errors import MergeRefused, UndoLaterMergeFirst
from contacts.identity.integrity import find_problems
from contacts.identity.types import API, API_BULK, MOBILE, WEB
from contacts.keys import Kind
from contacts.models import Change, Contact, ContactState, Identifier
from tests.people import BOHDAN, FAMILY, OLENA, cookie, device, push
from tests.together import Other, all_at_once, wait_until_waiting

pytestmark = pytest.mark.django_db(transaction=True)

BY = "user:1"
PEOPLE = 200
THREADS = 16
TOKENS = (
    lambda number: device(f"d-{number}"),
    lambda number: push(f"p-{number}"),
    lambda number: cookie(f"k-{number}"),
)


def create(**record: Any) -> int:
    outcome = resolve_one(record, API, by=BY)
    assert outcome.status == "created"
    assert outcome.contact_id is not None
    return outcome.contact_id


def count_active() -> int:
    return Contact.objects.filter(state=ContactState.ACTIVE).count()


def give_up_after(time: str) -> None:
    """How long this connection waits for a lock before it looks for a deadlock, and gives up where it finds one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('deadlock_timeout', %s, false)", [time])


def email_of(number: int) -> str:
    return f"person.{number}@example.com"


def swapped_record(dice: random.Random, number: int) -> dict[str, Any]:
    """A person's own external ID with the email, phone and device of whomever."""
    record: dict[str, Any] = {"external_id": f"C-{number}", "first_name": f"Person {dice.randrange(9)}"}
    if dice.random() < 0.7:
        record["email"] = email_of(dice.randrange(PEOPLE))
    if dice.random() < 0.5:
        record["phone"] = f"+38050{dice.randrange(PEOPLE):07}"
    if dice.random() < 0.6:
        record["identifiers"] = [device(f"d-{dice.randrange(PEOPLE)}"), push(f"p-{dice.randrange(PEOPLE)}")]
    return record


def in_portions(records: Sequence[Any], sizes: Sequence[int], dice: random.Random) -> list[list[Any]]:
    """The records one by one, a few, or many at a time."""
    left, portions = list(records), []
    while left:
        size = dice.choice(sizes)
        portions.append(left[:size])
        left = left[size:]
    return portions


def send_all(portions: Sequence[Sequence[dict[str, Any]]], plan: Any = API) -> Callable[[], list[Outcome]]:
    return lambda: [outcome for portion in portions for outcome in resolve(portion, plan, by=BY)]


def check_all_well(results: Sequence[Sequence[Outcome]]) -> None:
    outcomes = [outcome for result in results for outcome in result]
    assert {outcome.status for outcome in outcomes} <= {"created", "updated", "unchanged"}
    assert [outcome.code for outcome in outcomes if outcome.code] == []
    assert list(find_problems()) == []


# Crowds


@pytest.mark.parametrize("sizes", [(1,), (1, 7, 40)], ids=["one by one", "in batches"])
def test_sixteen_callers_with_swapped_values_make_each_person_once(sizes: tuple[int, ...]) -> None:
    works = []
    for seed in range(THREADS):
        dice = random.Random(seed)
        numbers = [number for number in range(PEOPLE) if number % 4 == seed % 4 or dice.random() < 0.1]
        dice.shuffle(numbers)
        records = [swapped_record(dice, number) for number in numbers]
        works.append(send_all(in_portions(records, sizes, dice)))

    check_all_well(all_at_once(works))

    assert count_active() == PEOPLE
    assert set(Contact.objects.values_list("external_id", flat=True)) == {f"C-{number}" for number in range(PEOPLE)}
    tokens = Identifier.objects.filter(kind=Kind.DEVICE)
    assert tokens.count() == tokens.values("value").distinct().count()


def test_sixteen_callers_with_large_and_small_batches_make_each_person_once() -> None:
    works = []
    for seed in range(THREADS):
        dice = random.Random(seed)
        numbers = [dice.randrange(PEOPLE) for _ in range(300 if seed % 4 == 0 else 30)] + list(range(seed, PEOPLE, 16))
        records = [swapped_record(dice, number) for number in numbers]
        works.append(send_all([records] if seed % 4 == 0 else in_portions(records, (1, 10), dice), API_BULK))

    check_all_well(all_at_once(works))

    assert count_active() == PEOPLE


def test_sixteen_callers_with_emails_only_make_each_person_once() -> None:
    works = []
    for seed in range(THREADS):
        dice = random.Random(seed)
        numbers = list(range(PEOPLE)) if seed < 3 else dice.sample(range(PEOPLE), 40)
        dice.shuffle(numbers)
        records = [
            {"email": email_of(number).upper() if dice.random() < 0.5 else email_of(number)} for number in numbers
        ]
        works.append(send_all(in_portions(records, (1, 1, 5, 30), dice)))

    check_all_well(all_at_once(works))

    assert count_active() == PEOPLE
    assert Change.objects.filter(kind="created").count() == PEOPLE


def test_anonymous_devices_that_become_known_from_all_sides_end_with_somebody() -> None:
    """Merges by rule and migrations at the same time, in both directions."""
    for number in range(30):
        resolve_one({"identifiers": [device(f"d-{number}"), push(f"p-{number}")]}, MOBILE, by=BY)
        resolve_one({"identifiers": [cookie(f"k-{number}")]}, WEB, by=BY)
    works = []
    for seed in range(8):
        dice = random.Random(seed)
        records = [
            {
                "external_id": f"C-{dice.randrange(10)}",
                "identifiers": [make(dice.randrange(30)) for make in TOKENS],
            }
            for _ in range(30)
        ]
        works.append(send_all(in_portions(records, (1, 6), dice)))

    check_all_well(all_at_once(works))

    assert Contact.objects.filter(state=ContactState.ACTIVE, external_id__isnull=False).count() == 10


def test_deleting_restoring_and_writing_at_once_leaves_everything_sound() -> None:
    ids = [create(external_id=f"C-{number}", email=email_of(number)) for number in range(10)]
    works: list[Callable[[], Any]] = []
    for seed in range(4):
        dice = random.Random(seed)
        works.append(lambda dice=dice: [delete_contacts(dice.sample(ids, 3), by=BY) for _ in range(8)])  # type: ignore[misc]
        records = [{"external_id": f"C-{dice.randrange(10)}", "email": email_of(dice.randrange(10))} for _ in range(30)]
        works.append(send_all(in_portions(records, (1, 5), dice)))

    all_at_once(works)

    assert list(find_problems()) == []
    assert Contact.objects.count() == 10


def test_merging_undoing_and_writing_at_once_leaves_everything_sound() -> None:
    ids = [create(external_id=f"C-{number}", email=email_of(number)) for number in range(12)]
    works: list[Callable[[], Any]] = []
    for seed in range(4):
        dice = random.Random(seed)
        works.append(merge_and_undo(dice, ids))
        records = [
            {"external_id": f"C-{dice.randrange(12)}", "identifiers": [device(f"d-{dice.randrange(12)}")]}
            | ({"email": email_of(dice.randrange(12))} if dice.random() < 0.5 else {})
            for _ in range(30)
        ]
        works.append(send_all(in_portions(records, (1, 5), dice)))

    results = all_at_once(works)

    check_all_well(results[1::2])
    assert Contact.objects.count() == 12


def merge_and_undo(dice: random.Random, ids: Sequence[int]) -> Callable[[], None]:
    """Pairs that somebody else merged meanwhile are refused, and so are merges that are not the last."""

    def work() -> None:
        merges = []
        for _ in range(10):
            with suppress(MergeRefused, UndoLaterMergeFirst):
                if merges and dice.random() < 0.5:
                    undo_merge(merges.pop(), by=BY)
                else:
                    merges.append(merge_contacts(*dice.sample(ids, 2), by=BY))

    return work


# Two at a time


def test_whoever_comes_second_finds_what_the_first_is_just_creating() -> None:
    with transaction.atomic():
        first = resolve_one({"email": OLENA}, API, by=BY)
        second = Other(lambda: resolve_one({"email": OLENA, "first_name": "Olena"}, API, by=BY))
        wait_until_waiting()
    outcome = second.finish()
    assert (outcome.status, outcome.contact_id) == ("updated", first.contact_id)


def test_a_large_batch_waits_for_a_single_call_and_finds_what_it_made() -> None:
    records = [{"email": email_of(number)} for number in range(300)]
    with transaction.atomic():
        first = resolve_one({"email": email_of(7)}, API, by=BY)
        second = Other(lambda: resolve(records, API_BULK, by=BY))
        wait_until_waiting()
    assert second.finish()[7].contact_id == first.contact_id
    assert count_active() == 300


def test_a_value_that_a_merge_is_just_moving_finds_the_survivor() -> None:
    survivor, loser = create(external_id="C-1", email=OLENA), create(external_id="C-2", email=BOHDAN)
    with transaction.atomic():
        merge_contacts(survivor, loser, by=BY)
        writing = Other(lambda: resolve_one({"email": BOHDAN, "first_name": "Bohdan"}, API, by=BY))
        wait_until_waiting()
    outcome = writing.finish()
    assert outcome.contact_id == survivor
    assert Contact.objects.get(pk=loser).first_name is None


def test_an_id_that_is_just_being_merged_means_the_survivor() -> None:
    survivor, loser = create(external_id="C-1"), create(external_id="C-2")
    with transaction.atomic():
        merge_contacts(survivor, loser, by=BY)
        writing = Other(lambda: resolve_one({"id": loser, "first_name": "Bohdan"}, API, by=BY))
        wait_until_waiting()
    outcome = writing.finish()
    assert (outcome.contact_id, outcome.rule) == (survivor, "L13")
    assert Contact.objects.get(pk=survivor).first_name == "Bohdan"


def test_a_merge_waits_for_a_write_and_takes_what_it_wrote_along() -> None:
    survivor, loser = create(external_id="C-1"), create(external_id="C-2", email=BOHDAN)
    with transaction.atomic():
        resolve_one({"email": BOHDAN, "first_name": "Bohdan", "identifiers": [device()]}, API, by=BY)
        merging = Other(lambda: merge_contacts(survivor, loser, by=BY))
        wait_until_waiting()
    merging.finish()
    assert Contact.objects.get(pk=survivor).first_name == "Bohdan"
    assert Identifier.objects.get(kind=Kind.DEVICE).contact_id == survivor
    assert list(find_problems()) == []


def test_a_value_that_moves_between_looking_up_and_locking_is_looked_up_again() -> None:
    """Nobody of ours moves a value without its lock, so somebody from outside does."""
    olena, bohdan = create(external_id="C-1", email=FAMILY), create(external_id="C-2")
    with transaction.atomic():
        Contact.objects.select_for_update().get(pk=olena)
        Identifier.objects.filter(kind=Kind.EMAIL).update(contact_id=bohdan)
        writing = Other(lambda: resolve_one({"email": FAMILY, "first_name": "Bohdan"}, API, by=BY))
        wait_until_waiting()
    assert writing.finish().contact_id == bohdan
    assert Contact.objects.get(pk=bohdan).first_name == "Bohdan"


# Trouble in the database


def test_a_value_that_somebody_stored_without_the_lock_is_found_at_the_next_try() -> None:
    with transaction.atomic():
        olena = create(external_id="C-7", email=OLENA)
        Identifier.objects.filter(value="C-7").update(value="C-1")
        Contact.objects.filter(pk=olena).update(external_id="C-1")
        writing = Other(lambda: resolve_one({"external_id": "C-1", "first_name": "Olena"}, API, by=BY))
        wait_until_waiting()
    outcome = writing.finish()
    assert (outcome.status, outcome.contact_id) == ("updated", olena)
    assert count_active() == 1


def test_a_deadlock_is_tried_again_and_nobody_is_told() -> None:
    olena, bohdan = create(external_id="C-1", email=OLENA), create(external_id="C-2", email=BOHDAN)
    batch = [{"external_id": number, "first_name": "Olena"} for number in ("C-1", "C-2")]

    def write() -> list[Outcome]:
        give_up_after("3s")  # long enough that we wait by then, however busy the machine is
        return resolve(batch, API, by=BY)

    with transaction.atomic():
        give_up_after("1min")
        Contact.objects.select_for_update().get(pk=bohdan)
        writing = Other(write)
        wait_until_waiting()  # it holds Olena's row and wants Bohdan's
        waiting = Contact.objects.select_for_update().filter(pk=olena)
        assert len(waiting) == 1  # theirs is given up
    give_up_after("1s")
    assert [outcome.status for outcome in writing.finish()] == ["updated", "updated"]


def test_one_bad_record_of_a_batch_is_found_and_the_others_are_written() -> None:
    records: list[dict[str, Any]] = [{"email": email_of(number)} for number in range(40)]
    records[23]["identifiers"] = [{**device("d-1"), "details": {"os": "\x00"}}]
    outcomes = resolve(records, API_BULK, by=BY)
    assert [number for number, outcome in enumerate(outcomes) if outcome.status == "failed"] == [23]
    assert (outcomes[23].code, outcomes[23].message[-1]) == ("invalid_record", ".")
    assert count_active() == 39
    assert list(find_problems()) == []


def test_a_bad_record_alone_fails_alone() -> None:
    record = {"email": OLENA, "identifiers": [{**device(), "details": {"os": "\x00"}}]}
    [outcome] = resolve([record], API, by=BY)
    assert (outcome.status, outcome.code) == ("failed", "invalid_record")
    assert not Contact.objects.exists()
    assert not Identifier.objects.exists()


def test_a_bad_record_in_a_large_batch_keeps_nobody_else_back() -> None:
    records: list[dict[str, Any]] = [{"external_id": f"C-{number}", "email": FAMILY} for number in range(400)]
    for number in (0, 399):
        records[number]["identifiers"] = [{**device(f"d-{number}"), "details": {"os": "\x00"}}]
    outcomes = resolve(records, API_BULK, by=BY)
    assert [number for number, outcome in enumerate(outcomes) if outcome.status != "created"] == [0, 399]
    assert count_active() == 398


def test_what_happens_within_the_transaction_happens_once_for_every_record() -> None:
    records: list[dict[str, Any]] = [{"email": email_of(number)} for number in range(10)]
    records[4]["identifiers"] = [{**device(), "details": {"os": "\x00"}}]
    told: list[str] = []
    resolve(records, API_BULK, by=BY, within=lambda outcomes: told.extend(outcome.status for outcome in outcomes))
    assert sorted(told) == ["created"] * 9 + ["failed"]


# Other processes

CHANGE_THE_POLICY = """
import json, sys, django
from django.conf import settings
database = json.loads(sys.argv[1])
settings.DATABASES["default"].update(database)
django.setup()
from contacts.models import Policy, CustomField
Policy(external_id_max_length=5).save()
CustomField(key="loyalty", label="Loyalty card", can_be_key=True).save()
"""


def test_settings_changed_by_another_process_are_in_force_at_once() -> None:
    create(external_id="C-123456", email=OLENA)
    database = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    subprocess.run(
        [sys.executable, "-c", CHANGE_THE_POLICY, json.dumps(database)],
        check=True,
        cwd=Path(settings.BASE_DIR),
        timeout=60,
    )
    [outcome] = resolve([{"external_id": "C-1234567"}], API, by=BY)
    assert outcome.code == "external_id_too_long"
    assert resolve_one({"external_id": "C-1", "fields.loyalty": "A-17"}, API, by=BY).status == "created"
    assert resolve_one({"fields.loyalty": "A-17"}, API, by=BY).status == "unchanged"
