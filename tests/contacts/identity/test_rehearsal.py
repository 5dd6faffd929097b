"""A rehearsal says, row by row, what the run says that follows; nothing is written, and nobody is disturbed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts.identity import (
    Mode,
    Outcome,
    Plan,
    Status,
    delete_contacts,
    merge_contacts,
    rehearse_stream,
    resolve,
    resolve_stream,
    suppress_addresses,
)
from contacts.identity import types as plans
from contacts.identity.load import ESCALATE_ABOVE, GATE, LOCK_SPACE
from contacts.identity.resolve import Batch
from contacts.identity.settings import forget_settings, note_settings_changed, read_settings
from contacts.identity.shadows import open_shadows
from contacts.identity.types import API, IMPORT
from contacts.models import Contact, CustomField, Policy
from contacts.normalize import normalize
from contacts.records import Record
from tests.contacts.identity.test_state_machine import EMAILS, EXTERNAL_IDS, PHONES, plan_of
from tests.contacts.identity.test_stream import clear, random_batches
from tests.people import BOHDAN, OLENA
from tests.together import Other, all_at_once

BY = "import:1"
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS: dict[str, list[str]] = {
    "external_id": [*EXTERNAL_IDS, *EXTERNAL_IDS, ""],
    "email": [*EMAILS, "not an address", ""],
    "phone": [*PHONES, ""],
    "contact_key": ["K1", "K2", ""],
    "fields.card": ["1001", "1002", "unknown", ""],
    "first_name": ["Ann", "Bob", ""],
    "device": ["d1", "d2", "d3"],
}
KEYS = ["external_id", "email", "phone", "email_or_phone", "contact_key", "card", "push", "id"]

Raw = dict[str, Any]


@st.composite
def raw_records(draw: st.DrawFn) -> Raw:
    """A few of the columns, so that records meet by one value and differ by another."""
    columns = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=4, unique=True))
    raw: Raw = {column: draw(st.sampled_from(COLUMNS[column])) for column in columns}
    if "device" in raw:
        raw["identifiers"] = [{"kind": "device", "value": raw.pop("device")}]
    return raw


record_lists = st.lists(raw_records(), min_size=1, max_size=6)
ways = st.fixed_dictionaries(
    {"key": st.sampled_from(KEYS), "mode": st.sampled_from([mode.value for mode in Mode])},
    optional={
        "empty_values_clear": st.just(True),
        "fill_blanks_only": st.just(True),
        "restore_deleted": st.just(True),
        "replace_external_id": st.just(True),
        "keep_columns": st.just(frozenset({"email", "first_name"})),
    },
)
histories = st.fixed_dictionaries(
    {
        "strict": st.booleans(),
        "steps": st.lists(
            st.one_of(
                st.tuples(st.sampled_from(["send", "import"]), record_lists),
                st.tuples(st.sampled_from(["delete", "merge", "suppress"]), st.integers(0, 20)),
            ),
            max_size=6,
        ),
    }
)


def live_through(history: Mapping[str, Any]) -> None:
    """The database before the file comes."""
    CustomField.objects.create(key="card", label="Card", can_be_key=True)
    policy = plans.STRICT if history["strict"] else plans.STANDARD
    Policy.objects.create(**{name: getattr(policy, name) for name in policy.__dataclass_fields__})
    note_settings_changed()
    for number, (what, material) in enumerate(history["steps"]):
        moment = START + timedelta(hours=number)
        ids = list(Contact.objects.filter(state=1).order_by("pk").values_list("pk", flat=True))
        if what in ("send", "import"):
            resolve(material, API if what == "send" else IMPORT, by="key:1", at=moment)
        elif what == "suppress":
            suppress_addresses([EMAILS[material % len(EMAILS)]], 3, by="user:1", at=moment)
        elif what == "delete" and ids:
            delete_contacts([ids[material % len(ids)]], by="user:1", at=moment)
        elif what == "merge" and len(ids) > 1:
            survivor = material % len(ids)
            merge_contacts(ids[survivor], ids[survivor - 1], by="user:1", at=moment)


def records_of(batches: Sequence[Sequence[Raw]], *, large: bool) -> list[list[Record]]:
    """As a file's reader gives them; large batches, filled up with rows that name nobody, close the gate."""
    schema, ref, made = read_settings().schema, 0, []
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    for batch in batches:
        rows = [*batch, *([{}] * ESCALATE_ABOVE if large else [])]
        made.append([normalize(named(raw, ref, ids), schema, ref := ref + 1) for raw in rows])
    return made


def named(raw: Raw, place: int, ids: Sequence[int]) -> Raw:
    """Every third record names a contact by its ID too, which only the key ID reads."""
    return {**raw, "id": ids[place % len(ids)]} if ids and place % 3 == 0 and raw else raw


def told(outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    """What each outcome says, new contacts by the row that made them."""
    made = {row.contact_id: f"row {row.ref}" for row in outcomes if row.status == Status.CREATED}

    def who(contact_id: int | None) -> Any:
        return made.get(contact_id, contact_id)

    return [
        (
            *(row.ref, row.status, who(row.contact_id), row.matched_by, row.rule, row.code, row.column),
            *(
                timeless(row.before),
                timeless(row.after),
                [warning[:2] for warning in row.warnings],
                who(row.other_id) is None,
            ),
            *([who(loser) for loser in row.merged], [(*what[:2], who(what[2])) for what in row.migrated]),
        )
        for row in outcomes
    ]


def timeless(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if not isinstance(value, datetime)}


def rehearse_all(batches: Sequence[Sequence[Record]], plan: Plan) -> list[Outcome]:
    return [outcome for outcomes in rehearse_stream(batches, plan, by=BY) for outcome in outcomes]


def resolve_all(batches: Sequence[Sequence[Record]], plan: Plan) -> list[Outcome]:
    return [outcome for outcomes in resolve_stream(batches, plan, by=BY) for outcome in outcomes]


def everything() -> dict[str, list[Any]]:
    """Every row of every table, and where every sequence stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text, relkind FROM pg_class WHERE relkind IN ('r', 'p', 'S')"
            " AND relnamespace = current_schema()::regnamespace AND NOT relispartition"
        )
        tables = cursor.fetchall()
        return {table: list(rows_of(cursor, table, kind)) for table, kind in tables}


def rows_of(cursor: Any, table: str, kind: str) -> Iterator[Any]:
    cursor.execute(f"SELECT t.*::text, '' FROM {table} t ORDER BY 1" if kind != "S" else f"SELECT * FROM {table}")
    yield from cursor.fetchall()


def check_rehearsal(history: Mapping[str, Any], batches: Sequence[Sequence[Raw]], way: Mapping[str, Any], large: bool):
    live_through(history)
    plan, records = plan_of("IMPORT", **way), records_of(batches, large=large)
    before = everything()
    rehearsed = rehearse_all(records, plan)
    assert everything() == before
    assert told(rehearsed) == told(resolve_all(records, plan))


# Two new contacts of one batch share an address; whoever comes by it in the next one means the later of them (L5).
BY_CARD = {"key": "contact_key", "mode": "upsert"}
TWO_OF_ONE_EMAIL = [
    [{"contact_key": "K1", "email": EMAILS[0]}, {"contact_key": "K2", "email": EMAILS[0]}],
    [{"external_id": "X1", "email": EMAILS[0], "first_name": "Ann"}],
]


@pytest.mark.django_db
@settings(
    max_examples=int(os.environ.get("REHEARSALS", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories, batches=st.lists(record_lists, min_size=1, max_size=4), way=ways, large=st.booleans())
@example(history={"strict": False, "steps": []}, batches=TWO_OF_ONE_EMAIL, way=BY_CARD, large=True)
def test_the_run_says_of_every_row_what_the_rehearsal_said(history, batches, way, large):
    try:
        with transaction.atomic():
            check_rehearsal(history, batches, way, large)
            transaction.set_rollback(True)
    finally:
        forget_settings()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("key", ["external_id", "email", "email_or_phone"])
def test_a_long_rehearsal_in_a_session_of_its_own_says_what_the_run_says(key, mode):
    plan = plan_of("IMPORT", key=key, mode=mode.value, replace_external_id=True)
    resolve_all(random_batches(1, batches=2), IMPORT)
    batches = random_batches(2)
    before = everything()

    rehearsed = rehearse_all(batches, plan)

    assert everything() == before
    assert told(rehearsed) == told(resolve_all(batches, plan))
    clear()


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_of_thousands_sees_whom_its_first_thousand_would_make():
    raw = [{"external_id": f"C{number % 1_500}"} for number in range(2_500)]
    statuses = [outcome.status for outcome in resolve(raw, API, by=BY, dry_run=True)]
    assert statuses == [Status.CREATED] * 1_500 + [Status.UNCHANGED] * 1_000
    assert not Contact.objects.exists()


@pytest.mark.django_db
def test_a_rehearsal_within_a_transaction_sees_what_that_has_written():
    resolve([{"external_id": "C1", "email": OLENA}], API, by=BY)
    batches = [[record({"email": OLENA})], [record({"email": BOHDAN})], [record({"email": BOHDAN})]]
    statuses = [outcome.status for outcome in rehearse_all(batches, plan_of("IMPORT", key="email"))]
    assert statuses == [Status.UNCHANGED, Status.CREATED, Status.UNCHANGED]
    assert Contact.objects.count() == 1


def record(raw: Raw) -> Record:
    return normalize(raw, read_settings().schema)


# The database itself refuses to write anything real


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE real_contact SET first_name = 'Nobody'",
        "DELETE FROM segments_membership",
        "SELECT nextval(pg_get_serial_sequence('contacts_change', 'id'))",
        "SELECT nextval('contacts_gate')",
        "SELECT 1 FROM real_contact FOR UPDATE",
    ],
)
def test_the_session_of_a_rehearsal_can_write_and_lock_nothing_real(statement):
    from django.db import InternalError

    with open_shadows(), pytest.raises(InternalError, match="read-only"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_the_shadows_are_gone_with_their_session():
    with open_shadows():
        assert "contacts_contact" in temporary_objects()
    assert temporary_objects() == set()


@pytest.mark.django_db
def test_the_shadows_within_a_transaction_are_gone_with_its_savepoint():
    with open_shadows():
        assert "contacts_contact" in temporary_objects()
    assert temporary_objects() == set()
    resolve([{"email": OLENA}], API, by=BY)
    assert Contact.objects.count() == 1


def temporary_objects() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()")
        return {row[0] for row in cursor.fetchall()}


# Nobody is disturbed


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_waits_for_nobody_and_lets_others_write():
    resolve([{"external_id": f"X{number}"} for number in range(300)], API, by=BY)
    batches = random_batches(4, batches=3)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, GATE])
        Contact.objects.update(last_name="Locked")
        rehearsed = Other(lambda: rehearse_all(batches, IMPORT)).finish()
    assert len(rehearsed) == sum(map(len, batches))

    stream = rehearse_stream(batches, IMPORT, by=BY)
    next(stream)
    [outcome] = Other(lambda: resolve([{"external_id": "X1", "last_name": "Bell"}], API, by=BY)).finish()
    assert outcome.status == Status.UPDATED
    stream.close()


@pytest.mark.django_db(transaction=True)
def test_rehearsals_and_an_import_at_once_do_not_meet():
    batches = random_batches(5, batches=6)
    alone = told(rehearse_all(batches, IMPORT))
    assert all_at_once([lambda: told(rehearse_all(batches, IMPORT))] * 2) == [alone, alone]

    others = random_batches(6, batches=6)
    rehearsed, imported = all_at_once([lambda: rehearse_all(batches, IMPORT), lambda: resolve_all(others, IMPORT)])
    assert [row.code for row in rehearsed if row.status == Status.FAILED] == [row[5] for row in alone if row[5]]
    assert len(imported) == sum(map(len, others))
    clear()


# Look-ups stay look-ups


@pytest.mark.django_db(transaction=True)
def test_look_ups_go_by_index_however_much_was_rehearsed():
    resolve_all(random_batches(1, batches=4, people=2_000), IMPORT)
    with open_shadows() as shadows:
        for batch in random_batches(3, batches=4, people=2_000):
            Batch(IMPORT, by=BY, moment=datetime.now(UTC), dry_run=True, shadows=shadows).run(batch)
        for sql in (
            "SELECT id FROM contacts_contact WHERE id = ANY('{1,2,3}'::bigint[])",
            "SELECT value FROM contacts_identifier WHERE contact_id = ANY('{1,2,3}'::bigint[])",
            """SELECT i.contact_id FROM unnest('{a,b}'::text[]) AS k (value) CROSS JOIN LATERAL (
            SELECT * FROM contacts_identifier WHERE value = k.value AND kind = 2 AND app = '' LIMIT 51) i""",
        ):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
            assert "Hash" not in plan, plan
