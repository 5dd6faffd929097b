"""Random imports over a random database, taken back: the tables are as before, and whoever is not is listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.identity import (
    delete_contacts,
    dismiss_case,
    erase_contacts,
    merge_contacts,
    resolve,
    restore_contacts,
    suppress_addresses,
    undo_merge,
)
from contacts.identity import types as plans
from contacts.identity.integrity import find_problems
from contacts.identity.load import ESCALATE_ABOVE
from contacts.identity.settings import forget_settings, note_settings_changed
from contacts.identity.undo import find_extent, take_back_slice
from contacts.models import Change, Contact, CustomField, DuplicateCase, Identifier, ImportTrace, Merge, Policy
from crm.errors import CardfileError
from tests.contacts.identity.test_state_machine import KEYS, addresses, other_ways, plan_of, records, trusted_ways

pytestmark = pytest.mark.django_db

N = 7
BY = "user:1"
EXAMPLES = int(os.environ.get("HISTORIES", "60"))

sending = st.tuples(st.just("send"), st.lists(records, min_size=1, max_size=3), st.one_of(trusted_ways, other_ways))
acting = st.tuples(
    st.sampled_from(["delete", "restore", "merge", "unmerge", "erase", "dismiss"]), st.integers(0, 9), st.integers(0, 9)
)
suppressing = st.tuples(st.just("suppress"), addresses, st.sampled_from([3, 4, 5]))
steps = st.lists(st.one_of(sending, sending, sending, acting, suppressing), max_size=8)
import_ways = st.fixed_dictionaries(
    {"key": st.sampled_from([key for key in KEYS if key != "id"])},
    optional={
        "mode": st.sampled_from(["create", "update", "delete"]),
        "empty_values_clear": st.just(True),
        "fill_blanks_only": st.just(True),
        "restore_deleted": st.just(True),
        "replace_external_id": st.just(True),
    },
)
batches = st.lists(st.tuples(st.lists(records, min_size=1, max_size=5), st.booleans()), min_size=1, max_size=4)
usual = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HISTORIES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Play:
    """Carries out steps, a second after another."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(days=1)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def carry_out(self, steps: list[Any]) -> None:
        for name, *arguments in steps:
            with suppress(CardfileError), transaction.atomic():
                getattr(self, name)(*arguments)

    def send(self, batch: list[dict[str, Any]], way: dict[str, Any]) -> None:
        resolve(batch, plan_of(**way), by="key:1", at=self.tick())

    def delete(self, who: int, _: int) -> None:
        delete_contacts(pick(who), by=BY, at=self.tick())

    def restore(self, who: int, _: int) -> None:
        restore_contacts(pick(who), by=BY, at=self.tick())

    def erase(self, who: int, _: int) -> None:
        erase_contacts(pick(who), by=BY, at=self.tick())

    def merge(self, who: int, other: int) -> None:
        for survivor, loser in zip(pick(who), pick(other), strict=True):
            merge_contacts(survivor, loser, by=BY, at=self.tick())

    def unmerge(self, which: int, _: int) -> None:
        standing = list(Merge.objects.filter(undone_at=None).order_by("pk").values_list("pk", flat=True))
        if standing:
            undo_merge(standing[which % len(standing)], by=BY, at=self.tick())

    def dismiss(self, which: int, _: int) -> None:
        cases = list(DuplicateCase.objects.filter(status="open").order_by("pk").values_list("pk", flat=True))
        if cases:
            dismiss_case(cases[which % len(cases)], by=BY, at=self.tick())

    def suppress(self, address: str, state: int) -> None:
        suppress_addresses([address], state, by=BY, at=self.tick())

    def run_import(self, batches: list[Any], way: dict[str, Any]) -> None:
        plan = replace(plan_of(plan="IMPORT", **way), import_id=N)
        for batch, among_many in batches:
            padding = [{}] * ESCALATE_ABOVE if among_many else []
            resolve([*batch, *padding], plan, by=f"import:{N}", at=self.tick())


def pick(who: int) -> list[int]:
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    return [ids[who % len(ids)]] if ids else []


@contextmanager
def account(*, strict: bool) -> Iterator[Play]:
    with transaction.atomic():
        CustomField.objects.create(key="card", label="Card", can_be_key=True)
        CustomField.objects.create(key="note", label="Note")
        policy = plans.STRICT if strict else plans.STANDARD
        values = {name: getattr(policy, name) for name in policy.__dataclass_fields__}
        Policy.objects.update_or_create(pk=1, defaults=values)
        note_settings_changed()
        yield Play()
        transaction.set_rollback(True)
    forget_settings()


def take_back() -> set[int]:
    """Gives whom it lists."""
    extent, mark, kept = find_extent(N), None, set()
    while (taken := take_back_slice(N, extent, mark=mark, by=BY)) is not None:
        mark = taken.mark
        kept |= {one.contact_id for one in taken.kept}
    return kept


def sheets(*, seen: bool = True) -> dict[int, Any]:
    """Every contact with its identifiers, but for when it was updated, and, unless ``seen``, when they were seen."""
    unasked = {"id", "updated_at"} if seen else {"id", "updated_at", "last_seen_at"}
    held: dict[int, list[Any]] = {}
    for row in Identifier.objects.order_by("kind", "app", "value").values():
        held.setdefault(row.pop("contact_id"), []).append({name: row[name] for name in row if name not in unasked})
    found: dict[int, Any] = {}
    for contact in Contact.objects.values():
        found[contact["id"]] = (
            {name: contact[name] for name in contact if name not in unasked - {"id"}},
            held.pop(contact["id"], []),
        )
    return found | {number: (None, rows) for number, rows in held.items()}


def cases() -> list[Any]:
    return list(DuplicateCase.objects.order_by("kind", "value").values("kind", "value", "status", "contact_ids"))


@usual
@given(before=steps, batches=batches, way=import_ways, strict=st.booleans())
def test_an_import_that_is_taken_back_has_not_been(
    before: list[Any], batches: list[Any], way: dict[str, Any], strict: bool
) -> None:
    with account(strict=strict) as play:
        play.carry_out(before)
        stood, decided = sheets(), cases()
        merges = set(Merge.objects.filter(undone_at=None).values_list("pk", flat=True))
        play.run_import(batches, way)

        listed = take_back()

        assert sheets() == stood
        assert listed == set()
        assert cases() == decided
        assert set(Merge.objects.filter(undone_at=None).values_list("pk", flat=True)) == merges
        assert not ImportTrace.objects.exists()
        assert find_problems() == []


@usual
@given(before=steps, batches=batches, way=import_ways, since=steps, strict=st.booleans())
def test_whoever_is_not_as_before_was_changed_by_somebody_else(
    before: list[Any], batches: list[Any], way: dict[str, Any], since: list[Any], strict: bool
) -> None:
    with account(strict=strict) as play:
        play.carry_out(before)
        stood = sheets(seen=False)
        play.run_import(batches, way)
        last = Change.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        play.carry_out(since)
        touched = set(Change.objects.filter(pk__gt=last).values_list("contact_id", flat=True))

        listed = take_back()

        left = sheets(seen=False)
        quiet = {pk for pk in stood if stood[pk][0] is not None} - touched - listed
        assert {pk: left.get(pk) for pk in quiet} == {pk: stood[pk] for pk in quiet}
        assert find_problems() == []
        assert not ImportTrace.objects.exists()
