"""Every rule of identity, through every door that can express it: one table, one expectation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from contacts.keys import Kind
from contacts.models import Change, Contact, DuplicateCase, Event, Identifier, Order
from contacts.normalize import clean_email
from tests.people import Stage, set_up_account, tokens_of
from tests.rules import finding, merging, normalisation, policy, taking_over
from tests.rules.activity_doors import ActivityApi
from tests.rules.bulk_door import Bulk
from tests.rules.doors import Door, LargeBatch, Service, Told
from tests.rules.row import Act, Row
from tests.rules.server_doors import Activity, Api, File
from tests.rules.sheet_door import Sheet

ROWS = [*normalisation.ROWS, *finding.ROWS, *taking_over.ROWS, *policy.ROWS, *merging.ROWS]


DOORS: list[Door] = [Service(), LargeBatch(), Api(), Bulk(), File(), Sheet(), Activity(), ActivityApi()]


def cases() -> Iterable[Any]:
    for door in DOORS:
        for row in ROWS:
            for way in row.ways[:1] if isinstance(row.send, Act) else row.ways:
                if door.name not in row.not_through and door.can_express(row, way):
                    yield pytest.param(row, way, door, id=f"{row.id} - {door.name}, {way}")


RULES = [*(f"L{number}" for number in range(1, 18)), "L6a", *(f"T{number}" for number in range(1, 15))]
CHAPTERS = ["normal", "junk", "common", "policy", "merge", "unmerge", "erase"]


def test_every_rule_has_a_row_and_every_row_a_name_of_its_own() -> None:
    names = [row.id for row in ROWS]
    assert len(names) == len(set(names))
    assert {*RULES, *CHAPTERS} <= {name.split()[0] for name in names}


def test_every_door_is_used() -> None:
    rows_of = Counter(door.name for row, way, door in (case.values for case in cases()))
    assert [name for name in ("service", "API", "bulk API", "CSV", "sheet") if rows_of[name] < 25] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "way", "door"), list(cases()))
def test_rule(row: Row, way: str, door: Door) -> None:
    set_up_account(row.policy, row.junk, row.junk_patterns)
    stage = Stage()
    for step in row.given:
        step(stage)
    stage.tick()
    before = look()

    told = door.send(row, way, stage)

    after = look()
    name_newcomers(stage, before, after)
    check_told(row, told, stage)
    check_people(row, before, after)
    check_sheets(row, stage)
    check_journal(row, stage, before, after)
    check_cases(row, stage, before)
    check_soundness()


@dataclass
class Look:
    """What stands in the database at one moment."""

    updated_at: dict[int, datetime]
    last_change: int
    cases: set[tuple[int, str, tuple[int, ...]]]


def look() -> Look:
    return Look(
        updated_at=dict(Contact.objects.values_list("pk", "updated_at")),
        last_change=Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0,
        cases={
            (case.kind, case.value, tuple(case.contact_ids)) for case in DuplicateCase.objects.filter(status="open")
        },
    )


def name_newcomers(stage: Stage, before: Look, after: Look) -> None:
    known = set(before.updated_at)
    for number, contact_id in enumerate(sorted(set(after.updated_at) - known), start=1):
        stage.ids["new" if number == 1 else f"new {number}"] = contact_id


def check_told(row: Row, told: Told, stage: Stage) -> None:
    """The door says what the row expects, as far as it says anything."""
    if told.statuses is not None:
        assert told.statuses == row.statuses, told
    if told.counts is not None:
        assert told.counts == Counter(row.statuses), told
    if told.code is not None:
        assert told.code == row.code, told
    if row.contact is not None and told.contact_id is not None:
        assert stage.name_of(told.contact_id) == row.contact, told
    if row.other is not None and told.other_id is not None:
        assert stage.name_of(told.other_id) == row.other, told
    for name in ("column", "warnings", "rule", "matched_by"):
        wanted, said = getattr(row, name), getattr(told, name)
        if wanted is not None and said is not None:
            assert said == wanted, (name, told)


def check_people(row: Row, before: Look, after: Look) -> None:
    """As many contacts are new as the row says were created, and none is gone."""
    assert len(set(after.updated_at) - set(before.updated_at)) == row.statuses.count("created")
    assert set(before.updated_at) <= set(after.updated_at)


def check_sheets(row: Row, stage: Stage) -> None:
    for name, columns in row.sheets.items():
        contact = Contact.objects.get(pk=stage.ids[name])
        for column, wanted in columns.items():
            assert value_of(contact, column, stage) == wanted, (name, column)


def value_of(contact: Contact, column: str, stage: Stage) -> Any:
    if column == "identifiers":
        return tokens_of(contact.pk)
    if column == "details":
        rows = Identifier.objects.filter(contact_id=contact.pk, details__isnull=False)
        return {row.value: row.details for row in rows}
    if column == "events":
        return list(Event.objects.filter(contact_id=contact.pk).order_by("pk").values_list("key", flat=True))
    if column == "orders":
        return Order.objects.filter(contact_id=contact.pk).count()
    if column == "open_cases":
        return DuplicateCase.objects.filter(status="open", contact_ids__contains=[contact.pk]).count()
    if column == "was_seen":
        return contact.last_seen_at is not None and contact.last_seen_at >= stage.now
    if column == "merged_into":
        return stage.name_of(contact.merged_into_id)
    if column.startswith("fields."):
        return contact.attributes.get(column.removeprefix("fields."))
    return getattr(contact, column)


def check_journal(row: Row, stage: Stage, before: Look, after: Look) -> None:
    """Who was changed has an entry, and who was not has none and keeps the time of its last change."""
    entries: dict[str, list[str]] = defaultdict(list)
    for change in Change.objects.filter(pk__gt=before.last_change).order_by("pk"):
        entries[str(stage.name_of(change.contact_id))].append(change.kind)
    expected = row.expected_journal()
    if expected is not None:
        assert dict(entries) == expected
    moved = {stage.name_of(pk) for pk, moment in after.updated_at.items() if before.updated_at.get(pk) != moment}
    assert moved == set(entries)


def check_cases(row: Row, stage: Stage, before: Look) -> None:
    if row.cases is None:
        return
    opened = DuplicateCase.objects.filter(status="open")
    found = {
        f"{Kind(case.kind).slug}:{case.value}": {stage.name_of(contact_id) for contact_id in case.contact_ids}
        for case in opened
        if (case.kind, case.value, tuple(case.contact_ids)) not in before.cases
    }
    assert found == row.cases


def check_soundness() -> None:
    """What stands on the contacts is what their identifiers say."""
    held: dict[int, set[tuple[int, str, str]]] = defaultdict(set)
    for kind, app, value, contact_id in Identifier.objects.values_list("kind", "app", "value", "contact_id"):
        held[contact_id].add((kind, app, value))
    for contact in Contact.objects.filter(state__in=(1, 2)):
        mask = sum({1 << kind for kind, _, _ in held[contact.pk]} - {1 << Kind.ORDER})
        assert contact.identifier_kinds == mask, (contact.pk, held[contact.pk])
        for kind, shown in primaries(contact).items():
            values = {value for other, _, value in held[contact.pk] if other == kind}
            assert (shown in values) if shown else not values, (contact.pk, kind, values)
    lost = set(held) - set(Contact.objects.values_list("pk", flat=True))
    assert all(kind == Kind.COOKIE for number in lost for kind, _, _ in held[number])


def primaries(contact: Contact) -> dict[Kind, str | None]:
    return {
        Kind.EXTERNAL_ID: contact.external_id,
        Kind.EMAIL: clean_email(contact.email)[1] if contact.email else None,
        Kind.PHONE: contact.phone,
    }
