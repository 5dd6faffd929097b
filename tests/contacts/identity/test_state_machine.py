"""Random histories, played against PostgreSQL and against the rules in their plainest form; both must agree."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contacts.identity import (
    delete_contacts,
    dismiss_case,
    erase_contacts,
    lift_suppressions,
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
from contacts.keys import Kind
from contacts.models import (
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Event,
    Identifier,
    Merge,
    Policy,
)
from crm.errors import CardfileError
from tests.contacts.identity.model import CUSTOM_KEYS, JUNK, PERMANENT, Card, Cards, Refused

pytestmark = pytest.mark.django_db

Sheet = dict[str, Any]

START = datetime(2026, 11, 1, tzinfo=UTC)
EXTERNAL_IDS = ["X1", "X2", "X3", "X4"]
EMAILS = ["ann@example.com", "bob@example.com", "eve@example.com", "Zoe@Example.com"]
PHONES = ["+380501111111", "+380502222222", "+380503333333", "+380504444444"]
TOKENS = {"device": ["d1", "d2", "d3", "d4"], "cookie": ["c1", "c2", "c3"], "mobile_push": ["p1", "p2"]}
VALUES: dict[str, list[str | None]] = {
    "external_id": [*EXTERNAL_IDS, *EXTERNAL_IDS, JUNK, None],
    "email": [*EMAILS, *EMAILS, EMAILS[0].upper(), None],
    "phone": [*PHONES, *PHONES, ""],
    "contact_key": ["K1", "K2", "K1", "K2", JUNK, None],
    "fields.card": ["1001", "1002", "1001", "1002", JUNK, ""],
    "fields.note": ["tall", "short", ""],
    "first_name": ["Ann", "Bob", None],
    "last_name": ["Bell", "Cole", None],
}
CARRIED = ["external_id", "email", "phone", "contact_key", "fields.card", *TOKENS]
NOTED = ["fields.note", "first_name", "last_name", "email", "phone", "external_id"]
CHOICES = list(VALUES)
KEYS = ["external_id", "email", "phone", "email_or_phone", "contact_key", "card", "push", "id"]
STATES = {state: state.name.lower() for state in ContactState}


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    """A few of the columns, so that records meet by one value and differ by another."""
    raw: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(CARRIED), min_size=1, max_size=3, unique=True)):
        if column in TOKENS:
            value = draw(st.sampled_from(TOKENS[column]))
            raw.setdefault("identifiers", []).append({"kind": column, "value": value})
        else:
            raw[column] = draw(st.sampled_from(VALUES[column]))
    for column in draw(st.lists(st.sampled_from(NOTED), max_size=2, unique=True)):
        raw[column] = draw(st.sampled_from(VALUES[column]))
    return raw


records = record()
trusted_ways = st.fixed_dictionaries(
    {"plan": st.sampled_from(["API", "API_BULK", "IMPORT"])},
    optional={
        "key": st.sampled_from(KEYS),
        "mode": st.sampled_from(["upsert", "upsert", "upsert", "upsert", "create", "update"]),
        "empty_values_clear": st.just(True),
        "restore_deleted": st.just(True),
        "replace_external_id": st.just(True),
    },
)
other_ways = st.sampled_from(["SHEET", "SUBSCRIBE", "WEB", "MOBILE", "DEVICE", "ORDER", "EVENT", "PURCHASE"]).map(
    lambda plan: {"plan": plan}
)
addresses = st.sampled_from([*EMAILS, *PHONES])
someone = st.integers(0, 30)


class Histories(RuleBasedStateMachine):
    """One history. What the verbs say and what the database holds must be what the rules say, after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.rules = Cards()
        self.agreed = False
        self.merge_ids: list[int] = []
        self.sheets: dict[int, dict[str, Sheet]] = {}
        """By merge, both sheets before it and the survivor's after it."""

    def teardown(self) -> None:
        problems = find_problems() if self.agreed else []
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)
        forget_settings()
        assert problems == []

    @initialize(strict=st.booleans(), batch=st.lists(records, max_size=5), way=trusted_ways)
    def open_account(self, strict: bool, batch: list[dict[str, Any]], way: dict[str, Any]) -> None:
        CustomField.objects.create(key="card", label="Card", can_be_key=True)
        CustomField.objects.create(key="note", label="Note")
        self.choose_policy(strict)
        self.send(batch, way)

    @rule(strict=st.booleans())
    def choose_policy(self, strict: bool) -> None:
        self.rules.policy = plans.STRICT if strict else plans.STANDARD
        values = {name: getattr(self.rules.policy, name) for name in self.rules.policy.__dataclass_fields__}
        Policy.objects.update_or_create(pk=1, defaults=values)
        note_settings_changed()

    # Steps

    @rule(record=records, way=st.one_of(trusted_ways, other_ways))
    def send_record(self, record: dict[str, Any], way: dict[str, Any]) -> None:
        self.send([record], way)

    @rule(batch=st.lists(records, min_size=2, max_size=4), way=trusted_ways)
    def send_batch(self, batch: list[dict[str, Any]], way: dict[str, Any]) -> None:
        self.send(batch, way)

    @rule(record=records, who=someone, way=st.one_of(trusted_ways, st.just({"plan": "SHEET"})))
    def update_named(self, record: dict[str, Any], who: int, way: dict[str, Any]) -> None:
        self.send([{"id": self.pick(who), **record}], way)

    @rule(batch=st.lists(records, min_size=1, max_size=4), way=trusted_ways)
    def send_among_many(self, batch: list[dict[str, Any]], way: dict[str, Any]) -> None:
        """Large batches are read and written on ways of their own; records that name nobody make one cheaply."""
        self.send([*batch, *[{}] * ESCALATE_ABOVE], way)

    @rule(record=records, way=st.one_of(trusted_ways, other_ways))
    def rehearse_and_send(self, record: dict[str, Any], way: dict[str, Any]) -> None:
        """A dry run gives the same answer and writes nothing."""
        [rehearsed] = resolve([record], plan_of(**way), by="key:1", at=self.tick(), dry_run=True)
        self.both_hold_the_same()
        [outcome] = self.send([record], way)
        assert (rehearsed.status, rehearsed.code, rehearsed.rule) == (outcome.status, outcome.code, outcome.rule)
        assert rehearsed.contact_id == outcome.contact_id or (rehearsed.contact_id or 0) < 0

    def send(self, batch: list[dict[str, Any]], way: dict[str, Any]) -> list[plans.Outcome]:
        plan, at = plan_of(**way), self.tick()
        outcomes = resolve(batch, plan, by="key:1", at=at)
        for raw, outcome in zip(batch, outcomes, strict=True):
            told = (str(outcome.status), outcome.contact_id, outcome.code)
            assert told == self.rules.resolve(raw, plan, lambda outcome=outcome: outcome.contact_id), outcome
        self.learn_merges()
        return outcomes

    @rule(
        survivor=someone, loser=someone, choices=st.dictionaries(st.sampled_from(CHOICES), st.just("loser"), max_size=3)
    )
    def merge(self, survivor: int, loser: int, choices: dict[str, str]) -> None:
        ids = self.pick(survivor), self.pick(loser, but=self.pick(survivor))
        before = [sheet_of(self.rules.follow(contact_id)) for contact_id in ids]
        at = self.tick()
        merge_id = self.both(
            lambda: merge_contacts(*ids, by="user:1", choices=choices, at=at), lambda: self.rules.merge(*ids, choices)
        )
        if merge_id is not None:
            merged = sheet_of(self.rules.follow(ids[0]))
            self.sheets[merge_id] = {"survivor": before[0], "loser": before[1], "merged": merged}
        self.learn_merges()

    @precondition(lambda self: self.merge_ids)
    @rule(which=st.integers(0, 10))
    def unmerge(self, which: int) -> None:
        numbers = [number for number, merge in enumerate(self.rules.merges) if which > 8 or not merge.undone]
        if not numbers:
            return
        number, at = numbers[which % len(numbers)], self.tick()
        merge_id, merge = self.merge_ids[number], self.rules.merges[number]
        now = sheet_of(self.rules.cards[merge.survivor])
        report = self.both(lambda: undo_merge(merge_id, by="user:1", at=at), lambda: self.rules.undo(merge))
        if report is not None and merge_id in self.sheets:
            before = self.sheets[merge_id]
            since = differences(before["merged"], now)
            # A further value that came since is primary now where the merge's own went back.
            since |= {line.partition(" ")[0] for line in since} & set(PERMANENT)
            shared = set(merge.moved) & {key for other in self.rules.standing_merges(merge) for key in other.moved}
            since |= {key.kind for key in shared}
            since |= {"custom"} if since & set(CUSTOM_KEYS) else set()
            told = {left.what for left in report.left} | {f"{left.what} {left.value}" for left in report.left}
            check_explained(differences(before["survivor"], sheet_of_id(report.survivor_id)), told | since)
            check_explained(differences(before["loser"], sheet_of_id(report.loser_id)), told)

    @rule(verb=st.sampled_from(["delete", "delete", "restore", "erase"]), who=someone)
    def live_or_die(self, verb: str, who: int) -> None:
        act = {"delete": delete_contacts, "restore": restore_contacts, "erase": erase_contacts}[verb]
        contact_id = self.pick(who)
        [outcome] = act([contact_id], by="user:1", at=self.tick())
        assert (outcome.status, outcome.code) == self.rules.change_life(verb, contact_id)

    @rule(address=addresses, state=st.sampled_from([0, 3, 4, 5]), by=st.sampled_from(["user:1", "key:1"]))
    def suppress_or_lift(self, address: str, state: int, by: str) -> None:
        at = self.tick()
        if state:
            assert suppress_addresses([address], state, by=by, at=at) == []
            self.rules.suppress(address.lower(), state)
        else:
            assert lift_suppressions([address], by=by, at=at) == []
            self.rules.lift(address.lower(), person=by == "user:1")

    @precondition(lambda self: any(case.status == "open" for case in self.rules.cases.values()))
    @rule(which=st.integers(0, 10))
    def call_not_the_same(self, which: int) -> None:
        cases = sorted(value for value, case in self.rules.cases.items() if case.status == "open")
        kind, value = cases[which % len(cases)]
        dismiss_case(DuplicateCase.objects.get(kind=Kind[kind.upper()], value=value).pk, by="user:1", at=self.tick())
        self.rules.dismiss((kind, value))

    @rule(who=someone)
    def record_event(self, who: int) -> None:
        numbers = sorted({owner for _, owner in self.rules.rows})
        if numbers:
            number, at = numbers[who % len(numbers)], self.tick()
            event = Event.objects.create(contact_id=number, type_id=1, occurred_at=at, received_at=at)
            self.rules.events[event.pk] = number

    # Agreement

    @invariant()
    def both_hold_the_same(self) -> None:
        self.agreed = False
        stored, expected = dict(self.stored()), dict(self.expected())
        names = {*stored, *expected}
        different = {
            name: (stored.get(name), expected.get(name)) for name in names if stored.get(name) != expected.get(name)
        }
        assert not different, f"stored and expected: {different}"
        self.agreed = True

    def stored(self) -> Iterator[tuple[str, Any]]:
        for row in Contact.objects.order_by("pk"):
            yield f"contact {row.pk}", (STATES[row.state], row.merged_into_id, dict(stored_columns(row)))
            if row.state in (ContactState.ACTIVE, ContactState.DELETED):
                yield f"contact {row.pk} updated", round((row.updated_at - START).total_seconds())
        yield (
            "identifiers",
            sorted(
                (Kind(kind).slug, app, value, owner)
                for kind, app, value, owner in Identifier.objects.values_list("kind", "app", "value", "contact_id")
            ),
        )
        yield "events", dict(Event.objects.values_list("pk", "contact_id"))
        yield (
            "cases",
            sorted(
                (Kind(kind).slug, value, tuple(sorted(ids)))
                for kind, value, ids in DuplicateCase.objects.filter(status="open").values_list(
                    "kind", "value", "contact_ids"
                )
            ),
        )

    def expected(self) -> Iterator[tuple[str, Any]]:
        for card in sorted(self.rules.cards.values(), key=lambda card: card.id):
            yield f"contact {card.id}", (card.state, card.merged_into, card.columns)
            if card.state in ("active", "deleted"):
                yield f"contact {card.id} updated", card.updated_at[0]
        yield "identifiers", sorted((key.kind, key.app, key.value, owner) for key, owner in self.rules.rows)
        yield "events", self.rules.events
        yield (
            "cases",
            sorted(
                (kind, value, tuple(sorted(case.ids)))
                for (kind, value), case in self.rules.cases.items()
                if case.status == "open"
            ),
        )

    # Helps

    def tick(self) -> datetime:
        self.rules.now += 1
        return START + timedelta(seconds=self.rules.now)

    def pick(self, who: int, but: int | None = None) -> int:
        """Some contact that is or was, mostly an active one; now and then one that never was."""
        if who < 27:
            ids = [card.id for card in self.rules.cards.values() if card.state == "active" and card.id != but]
        else:
            ids = [*self.rules.cards, 2**40]
        return sorted(ids)[who % len(ids)] if ids else 2**40

    def both(self, verb: Any, rule: Any) -> Any:
        """What the verb gives, None where it refuses; the rules must do and refuse the same."""
        result, code, expected = None, "", ""
        try:
            result = verb()
        except CardfileError as error:
            code = error.code
        try:
            rule()
        except Refused as refused:
            expected = refused.code
        assert code == expected
        return result

    def learn_merges(self) -> None:
        known = max(self.merge_ids, default=0)
        self.merge_ids += Merge.objects.filter(pk__gt=known).order_by("pk").values_list("pk", flat=True)
        assert len(self.merge_ids) == len(self.rules.merges)


def sheet_of(card: Card | None) -> Sheet:
    return {} if card is None else sheet_of_id(card.id)


def sheet_of_id(contact_id: int) -> Sheet:
    """A contact, line by line, but for the states of its addresses, which belong to the addresses (T12)."""
    row = Contact.objects.get(pk=contact_id)
    held = Identifier.objects.filter(contact_id=contact_id).values_list("kind", "value")
    columns = {name: value for name, value in stored_columns(row) if not name.endswith("_state")}
    return columns | {f"{Kind(kind).slug} {value}": True for kind, value in held}


def differences(one: Sheet, other: Sheet) -> set[str]:
    return {line for line in {*one, *other} if one.get(line) != other.get(line)}


def check_explained(lines: set[str], reasons: set[str]) -> None:
    """Every line that is not as it was is told of itself, or its field is."""
    assert {line for line in lines if line not in reasons and line.partition(" ")[0] not in reasons} == set()


def plan_of(plan: str, mode: str = "upsert", **options: Any) -> plans.Plan:
    return replace(getattr(plans, plan), mode=plans.Mode(mode), **options)


def stored_columns(row: Contact) -> Iterator[tuple[str, Any]]:
    names = ["external_id", "email", "phone", "contact_key", "first_name", "last_name", "email_state", "phone_state"]
    for name in names:
        if getattr(row, name) is not None:
            yield name, getattr(row, name)
    for key, value in row.attributes.items():
        yield f"fields.{key}", value


def test_random_histories_end_as_the_rules_say() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=int(os.environ.get("HISTORIES", "40")),
            stateful_step_count=int(os.environ.get("STEPS", "40")),
            deadline=None,
            derandomize="HISTORIES" not in os.environ,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate] + [Phase.shrink] * ("SHRINK" in os.environ or "HISTORIES" not in os.environ),
            suppress_health_check=list(HealthCheck),
        ),
    )
