"""A person merges with choices, looks at it beforehand, and takes it back: the tables are as they were."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contacts.identity import dismiss_case, merge_contacts, resolve_one, undo_merge
from contacts.identity import types as plans
from contacts.identity.errors import MergeRefused
from contacts.identity.integrity import find_problems
from contacts.identity.merge import ChangedMeanwhile, rehearse_merge
from contacts.models import (
    Change,
    Consent,
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Identifier,
    Merge,
    Order,
)
from crm.errors import CardfileError
from tests.contacts.identity.test_state_machine import VALUES, addresses
from tests.contacts.identity.test_undo_histories import Play, account, cases, sheets, steps

pytestmark = pytest.mark.django_db

BY = "user:1"
SIDES = ("survivor", "loser", "empty")
EXAMPLES = int(os.environ.get("HISTORIES", "25"))
usual = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HISTORIES" not in os.environ,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
choices = st.dictionaries(st.sampled_from(sorted(VALUES)), st.sampled_from(SIDES), max_size=5)
both = st.lists(
    st.fixed_dictionaries(
        {"external_id": st.sampled_from(["M1", "M2", "M3"])},
        optional={
            "email": addresses.filter(lambda value: "@" in value),
            "phone": addresses.filter(lambda value: "@" not in value),
            **{
                column: st.sampled_from([value for value in VALUES[column] if value])
                for column in VALUES
                if "." in column
            },
            "first_name": st.sampled_from(["Ann", "Bob"]),
            "contact_key": st.sampled_from(["K1", "K2"]),
        },
    ),
    min_size=2,
    max_size=2,
    unique_by=lambda one: one["external_id"],
)


def add_activity(number: int, contact_id: int, at: datetime) -> None:
    """An order beside what the histories write, and consents that collide."""
    Consent.objects.create(contact_id=contact_id, category="news", granted=bool(number), at=at, by=BY)
    Consent.objects.create(contact_id=contact_id, category=f"offers {number}", granted=True, at=at, by=BY)


def snapshot() -> dict[str, Any]:
    consents = Consent.objects.order_by("contact_id", "category")
    return {
        "sheets": sheets(),
        "cases": cases(),
        "consents": list(consents.values("contact_id", "category", "granted", "at")),
        "orders": list(Order.objects.order_by("pk").values("pk", "contact_id")),
    }


@usual
@given(before=steps, two=both, chosen=choices, strict=st.booleans())
def test_a_merge_with_choices_that_is_taken_back_has_not_been(
    before: list[Any], two: list[dict[str, Any]], chosen: dict[str, str], strict: bool
) -> None:
    with account(strict=strict) as play:
        play.carry_out(before)
        ids = [pk for record in two if (pk := send(play, record)) is not None]
        if len(set(ids)) < 2:
            return
        for number, contact_id in enumerate(ids):
            add_activity(number, contact_id, play.tick())
        stood = snapshot()
        try:
            merge = merge_contacts(*ids, by=BY, choices=chosen, at=play.tick())
        except CardfileError:
            assert "empty" in chosen.values()
            assert snapshot() == stood
            return
        assert find_problems() == []
        check_choices(ids, chosen, stood["sheets"])

        report = undo_merge(merge, by=BY, at=play.tick())

        assert report.left == []
        assert without_reopened(snapshot()) == without_reopened(stood)
        assert find_problems() == []


def send(play: Play, record: dict[str, Any]) -> int | None:
    """The active contact of that external ID; None where the policy refused it."""
    with suppress(CardfileError):
        resolve_one(record, plans.API, by="key:1", at=play.tick())
    return Contact.objects.filter(external_id=record["external_id"], state=1).values_list("pk", flat=True).first()


def without_reopened(found: dict[str, Any]) -> dict[str, Any]:
    """A case that somebody had closed may be open again: whoever comes back to life shares its value anew (T13)."""
    return found | {"cases": [(case["kind"], case["value"]) for case in found["cases"] if case["status"] == "open"]}


def check_choices(ids: list[int], chosen: dict[str, str], stood: dict[int, Any]) -> None:
    """The survivor has what was picked, and every identifier of either."""
    survivor, loser = (stood[pk] for pk in ids)
    merged = Contact.objects.get(pk=ids[0])
    for column, side in chosen.items():
        if not column.startswith("fields."):
            picked = {"survivor": survivor, "loser": loser}.get(side)
            value = picked[0][column] if picked else None
            assert getattr(merged, column) == (value or survivor[0][column] or loser[0][column] if picked else None)
    held = set(Identifier.objects.filter(contact_id=ids[0]).values_list("kind", "app", "value"))
    assert held == {(row["kind"], row["app"], row["value"]) for rows in (survivor[1], loser[1]) for row in rows}


# By hand


def make(**record: Any) -> int:
    contact_id = resolve_one(record, plans.API, by="key:1").contact_id
    assert contact_id is not None
    return contact_id


def test_a_field_may_be_left_without_a_value() -> None:
    CustomField.objects.create(key="tier", label="Tier")
    ann = make(external_id="A1", first_name="Ann", town="Lviv", **{"fields.tier": "gold"})
    anna = make(external_id="A2", last_name="Bell")

    merge = merge_contacts(ann, anna, by=BY, choices={"town": "empty", "last_name": "empty", "fields.tier": "empty"})

    survivor = Contact.objects.get(pk=ann)
    assert (survivor.first_name, survivor.town, survivor.last_name, survivor.attributes) == ("Ann", None, None, {})
    undo_merge(merge, by=BY)
    survivor = Contact.objects.get(pk=ann)
    assert (survivor.town, survivor.attributes) == ("Lviv", {"tier": "gold"})


def test_the_other_external_id_may_become_primary_and_both_find_the_contact() -> None:
    ann, anna = make(external_id="A1"), make(external_id="A2")

    merge_contacts(ann, anna, by=BY, choices={"external_id": "loser"})

    assert Contact.objects.get(pk=ann).external_id == "A2"
    assert make(external_id="A1") == make(external_id="A2") == ann


@pytest.mark.parametrize("column", ["external_id", "email", "phone", "contact_key", "id", "fields.unheard_of", "state"])
def test_what_identifies_cannot_be_left_without_a_value(column: str) -> None:
    ann, anna = make(external_id="A1", email="ann@example.com"), make(external_id="A2", phone="+380501112233")

    with pytest.raises(MergeRefused) as refused:
        merge_contacts(ann, anna, by=BY, choices={column: "empty"})

    assert refused.value.path == column
    assert not Merge.objects.exists()


def test_whoever_changed_meanwhile_is_not_merged_as_they_were() -> None:
    ann, anna = make(external_id="A1"), make(external_id="A2")
    seen = dict(Contact.objects.values_list("pk", "updated_at"))
    make(external_id="A2", town="Lviv")

    for verb in (merge_contacts, rehearse_merge):
        with pytest.raises(ChangedMeanwhile):
            verb(ann, anna, by=BY, seen=seen)

    assert not Merge.objects.exists()
    merge_contacts(ann, anna, by=BY, seen=dict(Contact.objects.values_list("pk", "updated_at")))
    assert Contact.objects.get(pk=anna).state == ContactState.MERGED


def test_a_look_beforehand_says_what_the_merge_does_and_writes_nothing() -> None:
    ann = make(external_id="A1", email="ann@example.com", first_name="Ann")
    anna = make(external_id="A2", email="ann@example.com", first_name="Anna", phone="+380501112233")
    picks = {"first_name": "loser", "external_id": "loser"}
    journal = Change.objects.count()

    seen = rehearse_merge(ann, anna, by=BY, choices=picks)

    assert Change.objects.count() == journal
    assert sorted(key[2] for key in seen.identifiers) == ["+380501112233", "A2"]
    assert [key[2] for key in seen.dropped] == ["ann@example.com"]
    merge_contacts(ann, anna, by=BY, choices=picks)
    survivor = Contact.objects.get(pk=ann)
    for column in ("external_id", "email", "phone", "first_name", "attributes", "identifier_kinds"):
        assert seen.values[column] == getattr(survivor, column)


def test_a_case_of_another_reason_is_open_again_once_the_merge_is_undone() -> None:
    ann, anna, amy = make(external_id="A1"), make(external_id="A2"), make(external_id="A3")
    now = datetime.now(UTC)
    for value, ids in (("ann bell 1990-05-01", [ann, anna]), ("amy bell 1990-05-01", [ann, anna, amy])):
        DuplicateCase.objects.create(kind=0, value=value, reason="name", contact_ids=ids, opened_at=now)
    before = cases()

    merge = merge_contacts(ann, anna, by=BY)
    assert [(case["status"], case["contact_ids"]) for case in cases()] == [("open", [ann, amy]), ("merged", [ann])]
    undo_merge(merge, by=BY)

    assert cases() == before


def test_what_a_person_decided_since_stays_decided() -> None:
    ann, anna, amy = make(external_id="A1"), make(external_id="A2"), make(external_id="A3")
    case = DuplicateCase.objects.create(
        kind=0, value="ann bell", reason="name", contact_ids=[ann, anna, amy], opened_at=datetime.now(UTC)
    )
    merge = merge_contacts(ann, anna, by=BY)
    dismiss_case(case.pk, by=BY)

    undo_merge(merge, by=BY)

    case.refresh_from_db()
    assert (case.status, case.contact_ids) == ("dismissed", [ann, amy])
