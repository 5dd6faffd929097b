"""What one import did to one or two contacts is taken back; what somebody did since stays, and is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.identity import (
    delete_contacts,
    resolve,
    suppress_addresses,
)
from contacts.identity import types as plans
from contacts.identity.integrity import find_problems
from contacts.identity.undo import Kept, find_extent, take_back_slice
from contacts.models import (
    ChannelState,
    Contact,
    CustomField,
    DuplicateCase,
    Event,
    Identifier,
    ImportTrace,
    Merge,
)
from tests.people import (
    BOHDAN,
    BOHDANS_PHONE,
    OLENA,
    OLENAS_PHONE,
    TARAS,
    Stage,
    anonymous,
    browsed,
    cookie,
    device,
    have,
    visitor,
)

pytestmark = pytest.mark.django_db

N = 7
BY = "user:1"
UNSEEN = ("updated_at",)


@pytest.fixture
def stage() -> Stage:
    for key, can_be_key in (("card", True), ("note", False)):
        CustomField.objects.create(key=key, label=key, can_be_key=can_be_key)
    return Stage(now=datetime.now(UTC) - timedelta(days=1))


def run_import(stage: Stage, *records: dict[str, Any], number: int = N, **options: Any) -> list[plans.Outcome]:
    plan = replace(plans.IMPORT, import_id=number, **options)
    return resolve([stage.fill(record) for record in records], plan, by=f"import:{number}", at=stage.tick())


def take_back(number: int = N) -> list[Kept]:
    extent, mark, kept = find_extent(number), None, []
    while (taken := take_back_slice(number, extent, mark=mark, by=BY)) is not None:
        mark = taken.mark
        kept += taken.kept
    assert find_problems() == []
    assert not ImportTrace.objects.exists()
    return kept


def tables() -> dict[str, Any]:
    """Everything that an undo puts back, but for what it may move: ids of rows that went and came, ``updated_at``."""
    contacts = {row.pop("id"): row for row in Contact.objects.values()}
    for row in contacts.values():
        for column in UNSEEN:
            del row[column]
    skipped = {"id"}
    identifiers = [
        {name: value for name, value in row.items() if name not in skipped}
        for row in Identifier.objects.order_by("kind", "app", "value", "contact_id").values()
    ]
    cases = list(DuplicateCase.objects.order_by("kind", "value").values())
    events = list(Event.objects.order_by("pk").values())
    merges = list(Merge.objects.filter(undone_at=None).values("contact_id", "loser_id", "filled", "identifiers"))
    return {"contacts": contacts, "identifiers": identifiers, "cases": cases, "events": events, "merges": merges}


OLENA_AS_SHE_WAS = {"external_id": "C1", "email": OLENA, "phone": OLENAS_PHONE, "first_name": "Olena"}

EFFECTS = {
    "a new contact": ([], [{"external_id": "C9", "email": TARAS, "first_name": "Taras"}], {}),
    "a new contact with a device": ([], [{"external_id": "C9", "identifiers": [device("d9")]}], {}),
    "a field": ([], [{"external_id": "C1", "first_name": "Olha", "last_name": "Bell"}], {}),
    "a field that is cleared": ([], [{"external_id": "C1", "first_name": ""}], {"empty_values_clear": True}),
    "custom fields": (
        [have("olena", {**OLENA_AS_SHE_WAS, "fields.note": "tall", "fields.card": "K1"})],
        [{"external_id": "C1", "fields.note": "short", "fields.card": "K2"}],
        {},
    ),
    "a custom key that comes": ([], [{"external_id": "C1", "fields.card": "K2", "contact_key": "CK"}], {}),
    "a custom key that is cleared": (
        [have("olena", {**OLENA_AS_SHE_WAS, "contact_key": "K1"})],
        [{"external_id": "C1", "contact_key": ""}],
        {"empty_values_clear": True},
    ),
    "an email and a phone that are replaced": (
        [],
        [{"external_id": "C1", "email": BOHDAN, "phone": BOHDANS_PHONE}],
        {"key": "external_id"},
    ),
    "an email that is cleared": ([], [{"external_id": "C1", "email": ""}], {"empty_values_clear": True}),
    "an email that comes": (
        [have("olena", {"external_id": "C1"})],
        [{"external_id": "C1", "email": OLENA, "phone": OLENAS_PHONE}],
        {},
    ),
    "an email that another one has": (
        [have("olena", OLENA_AS_SHE_WAS), have("bohdan", {"external_id": "C2", "email": BOHDAN})],
        [{"external_id": "C1", "email": BOHDAN}],
        {},
    ),
    "an email of a known case": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "email": BOHDAN}),
            have("taras", {"external_id": "C3", "email": BOHDAN}),
        ],
        [{"external_id": "C1", "email": BOHDAN}, {"external_id": "C4", "email": BOHDAN}],
        {},
    ),
    "an external ID for who had none": (
        [have("olena", {"email": OLENA})],
        [{"external_id": "C1", "email": OLENA}],
        {"key": "email"},
    ),
    "an external ID that is replaced": (
        [have("olena", OLENA_AS_SHE_WAS)],
        [{"external_id": "C8", "email": OLENA}],
        {"key": "email", "replace_external_id": True},
    ),
    "values that two contacts exchange": (
        [have("olena", OLENA_AS_SHE_WAS), have("bohdan", {"external_id": "C2", "email": BOHDAN})],
        [
            {"external_id": "C1", "email": TARAS},
            {"external_id": "C2", "email": OLENA},
            {"external_id": "C1", "email": BOHDAN},
        ],
        {},
    ),
    "an email that goes and comes back": (
        [],
        [
            {"external_id": "C1", "email": BOHDAN},
            {"external_id": "C1", "email": OLENA},
            {"external_id": "C1", "email": TARAS},
        ],
        {},
    ),
    "a device": ([], [{"external_id": "C1", "identifiers": [device()]}], {}),
    "a device that is only seen": (
        [have("olena", {**OLENA_AS_SHE_WAS, "identifiers": [{**device(), "details": {"os": "1"}}]})],
        [{"external_id": "C1", "identifiers": [{**device(), "details": {"os": "2"}}]}],
        {},
    ),
    "a device that migrates": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "identifiers": [device()]}),
        ],
        [{"external_id": "C1", "identifiers": [device()]}],
        {},
    ),
    "a device that migrates to a new contact": (
        [have("bohdan", {"external_id": "C2", "identifiers": [device()]})],
        [{"external_id": "C9", "identifiers": [device()]}],
        {},
    ),
    "a device that wanders": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            have("bohdan", {"external_id": "C2", "identifiers": [device()]}),
        ],
        [
            {"external_id": "C1", "identifiers": [device()]},
            {"external_id": "C9", "identifiers": [device()]},
            {"external_id": "C2", "identifiers": [device()]},
            {"external_id": "C1", "identifiers": [device()]},
        ],
        {},
    ),
    "an anonymous contact that is merged": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            anonymous("nobody", device(), device("d2"), first_name="Lena", last_name="Bell"),
            browsed("nobody"),
        ],
        [{"external_id": "C1", "town": "Lviv", "identifiers": [device()]}, {"external_id": "C1", "last_name": "Cole"}],
        {},
    ),
    "an anonymous contact that is merged into a new one": (
        [anonymous("nobody", device(), last_name="Bell"), browsed("nobody")],
        [{"external_id": "C9", "identifiers": [device("d9")]}, {"external_id": "C9", "identifiers": [device()]}],
        {},
    ),
    "an anonymous contact that is promoted": (
        [anonymous("nobody", device(), last_name="Bell")],
        [{"email": TARAS, "identifiers": [device()]}],
        {"key": "default"},
    ),
    "a visitor who becomes known": (
        [have("olena", OLENA_AS_SHE_WAS), visitor("guest", "cookie-1")],
        [{"external_id": "C1", "identifiers": [cookie()]}],
        {},
    ),
    "a visitor who becomes a contact": (
        [visitor("guest", "cookie-1")],
        [{"external_id": "C9", "identifiers": [cookie()]}],
        {},
    ),
    "a contact that is restored": (
        [have("olena", OLENA_AS_SHE_WAS), lambda stage: delete_contacts([stage.ids["olena"]], by=BY, at=stage.tick())],
        [{"external_id": "C1", "first_name": "Olha"}],
        {"restore_deleted": True},
    ),
    "a contact that is deleted": ([], [{"external_id": "C1"}], {"mode": plans.Mode.DELETE}),
    "an unsubscribed address": (
        [
            have("olena", OLENA_AS_SHE_WAS),
            lambda stage: suppress_addresses(
                [OLENA, BOHDAN], ChannelState.UNSUBSCRIBED, by=BY, reason="asked", at=stage.tick()
            ),
        ],
        [{"external_id": "C1", "email": BOHDAN}, {"external_id": "C1", "email": TARAS}],
        {},
    ),
}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "row by row"])
@pytest.mark.parametrize("effect", EFFECTS)
def test_an_undone_import_leaves_the_tables_as_they_were(stage: Stage, effect: str, together: bool) -> None:
    steps, records, options = EFFECTS[effect]
    for step in steps or [have("olena", OLENA_AS_SHE_WAS)]:
        step(stage)
    before = tables()

    if together:
        outcomes = run_import(stage, *records, **options)
    else:
        outcomes = [outcome for record in records for outcome in run_import(stage, record, **options)]
    assert not {outcome.status for outcome in outcomes} & {plans.Status.FAILED, plans.Status.SKIPPED}
    assert tables() != before

    assert take_back() == []
    after = tables()
    for table, rows in before.items():
        assert after[table] == rows, table
