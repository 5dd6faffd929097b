"""Plain rows, judged and written by columns, come to what the rules make of them one by one."""

import random
from dataclasses import replace

import pytest

from contacts.identity import Mode, delete_contacts, resolve, resolve_stream
from contacts.identity.integrity import find_problems
from contacts.identity.settings import read_settings
from contacts.identity.suppression import suppress_addresses
from contacts.identity.types import API, IMPORT, Status
from contacts.models import Change, ChannelState, Contact, CustomField, DuplicateCase, Identifier, Suppression
from contacts.normalize import normalize
from contacts.sheaf import Sheaf, Tier

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 300
PEOPLE = 700
NAMES = ("Олена", "Bohdan", "O'Brien", "tab\there", "")
PLANS = {
    "as usual": IMPORT,
    "by email": replace(IMPORT, key="email"),
    "by phone": replace(IMPORT, key="phone"),
    "by email or phone": replace(IMPORT, key="email_or_phone"),
    "by card": replace(IMPORT, key="card"),
    "only new": replace(IMPORT, key="external_id", mode=Mode.CREATE),
    "only known": replace(IMPORT, key="external_id", mode=Mode.UPDATE),
    "clearing": replace(IMPORT, key="external_id", empty_values_clear=True),
    "filling blanks": replace(IMPORT, key="external_id", fill_blanks_only=True),
    "restoring": replace(IMPORT, key="external_id", restore_deleted=True),
    "from the API": replace(API, bulk=True),
}


def random_row(choose: random.Random) -> dict[str, object]:
    person = choose.randrange(PEOPLE)
    other = person if choose.random() < 0.95 else choose.randrange(PEOPLE)
    row: dict[str, object] = {"first_name": choose.choice(NAMES), "fields.visits": choose.choice(("1", "2", ""))}
    if choose.random() < 0.8:
        row["external_id"] = f"X{person}"
    if choose.random() < 0.7:
        row["email"] = f"Person.{other}@example.com"
    if choose.random() < 0.6:
        row["phone"] = f"+38050{person:07d}"
    if choose.random() < 0.15:
        row["fields.card"] = f"card {person}"
    if choose.random() < 0.05:
        row["identifiers"] = [{"kind": "device", "value": f"d{person}"}]
    if choose.random() < 0.3:
        row["town"] = choose.choice(("Київ", "Львів", "", "0" * 101))
    return row


def random_batches(choose: random.Random, count: int) -> list[list[object]]:
    schema = read_settings().schema
    return [[normalize(random_row(choose), schema, (batch, row)) for row in range(ROWS)] for batch in range(count)]


def prepare_account(seed: int) -> None:
    """Some people are known, some deleted, some suppressed."""
    CustomField.objects.create(key="visits", label="Visits", type="number")
    CustomField.objects.create(key="card", label="Card", can_be_key=True)
    choose = random.Random(seed)
    known = [outcome for batch in random_batches(choose, 1) for outcome in resolve(batch, IMPORT, by="import:1")]
    delete_contacts(sorted({outcome.contact_id for outcome in known[::40] if outcome.contact_id}), by="user:1")
    suppress_addresses(
        [f"person.{number}@example.com" for number in range(0, PEOPLE, 50)], ChannelState.UNSUBSCRIBED, by="user:1"
    )


COLUMNS = (
    "external_id", "email", "phone", "first_name", "town", "attributes", "state", "identifier_kinds", "email_state",
    "email_state_reason", "phone_state", "made_deliberately", "source",
)  # fmt: skip


def end_state(first_id: int, first_change: int) -> tuple[list[object], ...]:
    """Everything but times, with ids as the rank in which contacts were made."""
    ranks = {pk: rank for rank, pk in enumerate(Contact.objects.order_by("pk").values_list("pk", flat=True))}
    contacts = [tuple(map(str, row)) for row in Contact.objects.order_by("pk").values_list(*COLUMNS)]
    identifiers = sorted(
        (ranks.get(owner, owner - first_id), *key)
        for owner, *key in Identifier.objects.values_list("contact_id", "kind", "app", "value", "source")
    )
    changes = [
        (ranks.get(row.contact_id), row.kind, row.matched_by, without_times(row.before), without_times(row.after))
        for row in Change.objects.filter(pk__gt=first_change).order_by("contact_id", "pk")
    ]
    cases = sorted((case.kind, case.value, len(case.contact_ids)) for case in DuplicateCase.objects.all())
    return contacts, identifiers, sorted(changes, key=str), cases


def without_times(side: dict[str, object] | None) -> dict[str, object] | None:
    return side and {column: value for column, value in side.items() if not column.endswith("_at")}


def told(outcome) -> tuple[object, ...]:
    return (
        outcome.ref, outcome.status, outcome.matched_by, outcome.rule, outcome.code, outcome.column,
        without_times(outcome.before) or None, without_times(outcome.after) or None, len(outcome.merged),
        list(outcome.warnings), tuple(outcome.problems),
    )  # fmt: skip


def run(seed: int, plan, write) -> tuple[list[object], tuple[list[object], ...], int]:
    for model in (Contact, Identifier, Change, DuplicateCase, CustomField, Suppression):
        model.objects.all().delete()
    prepare_account(seed)
    first_id = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    first_change = Change.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    outcomes = [outcome for done in write(random_batches(random.Random(seed + 100), 3), plan) for outcome in done]
    assert list(find_problems()) == []
    return [told(outcome) for outcome in outcomes], end_state(first_id, first_change)


def by_rules(size):
    def write(batches, plan):
        for batch in batches:
            for start in range(0, len(batch), size):
                yield resolve(batch[start : start + size], plan, by="import:2")

    return write


def by_columns(size):
    def write(batches, plan):
        tier = Tier(plan.key)
        pieces = (piece for batch in batches for piece in tier.tie(batch).cut(size))
        yield from resolve_stream(pieces, plan, by="import:2")

    return write


@pytest.mark.parametrize("size", [ROWS, 70])
@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", PLANS)
def test_both_ways_come_to_the_same(name, seed, size):
    outcomes, state = run(seed, PLANS[name], by_columns(size))
    expected, expected_state = run(seed, PLANS[name], by_rules(size))

    assert outcomes == expected
    for found, wanted in zip(state, expected_state, strict=True):
        assert found == wanted


def test_most_rows_of_a_file_are_plain():
    schema = read_settings().schema
    rows = [
        normalize({"external_id": f"C{n}", "email": f"p{n}@example.com", "first_name": "Олена"}, schema, n)
        for n in range(400)
    ]
    [outcomes] = resolve_stream([rows], IMPORT, by="import:1")
    assert (len(outcomes.plain.created), outcomes.rest) == (400, [])
    [outcomes] = resolve_stream([rows], IMPORT, by="import:1")
    assert (len(outcomes.plain.unchanged), outcomes.rest) == (400, [])


def test_a_record_is_put_together_again_as_it_was():
    schema = read_settings().schema
    rows = [normalize(random_row(random.Random(seed)), schema, seed) for seed in range(200)]
    sheaf = Tier("default").tie(rows)
    copies = [Sheaf(*sheaf.message).record_of(row) for row in range(len(rows))]
    for copy, record in zip(copies, rows, strict=True):
        assert [getattr(copy, name) or None for name in record.__slots__] == [
            getattr(record, name) or None for name in record.__slots__
        ]


def test_a_piece_of_a_sheaf_is_what_its_rows_alone_would_be():
    schema = read_settings().schema
    rows = [
        normalize({"external_id": f"C{n}", "email": f"p{n}@example.com" if n % 3 else None, "town": "Lviv"}, schema, n)
        for n in range(25)
    ]
    pieces = list(Tier("default").tie(rows).cut(10))
    assert [len(piece) for piece in pieces] == [10, 10, 5]
    for number, piece in enumerate(pieces):
        alone = Tier("default").tie(rows[number * 10 : number * 10 + 10])
        assert (piece.refs, piece.settled, piece.traits, piece.meeting) == (
            alone.refs, alone.settled, alone.traits, alone.meeting,
        )  # fmt: skip
        assert (piece.new, piece.compared, piece.packed) == (alone.new, alone.compared, alone.packed)


def test_a_value_that_the_database_refuses_costs_its_own_row():
    schema = read_settings().schema
    rows = [normalize({"external_id": f"C{n}", "first_name": "Олена"}, schema, n) for n in range(300)]
    rows[17].fields["first_name"] = "x" * 300  # no reader lets it through; the database does not either
    outcomes = [outcome for done in resolve_stream([rows], IMPORT, by="import:1") for outcome in done]
    assert [outcome.ref for outcome in outcomes if outcome.status != Status.CREATED] == [17]
    assert Contact.objects.count() == 299
