"""A PostgreSQL target, on a second, real server: what is written there, and what is said when it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import psycopg
import pytest
from psycopg import sql

from contacts.exports.warehouse.errors import (
    RightsMissing,
    TargetChanged,
    TargetError,
    TargetFull,
    TargetGone,
    TargetRefused,
    TargetUnreachable,
)
from contacts.exports.warehouse.postgresql import PostgresTarget, check_settings, open_target
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, TableShape
from crm.errors import Refused
from tests.contacts.exports.warehouse.sent import (
    ACTIVE,
    BORN,
    CONTACTS,
    DETAILS,
    EMAIL,
    EVENT_ID,
    ID,
    SEEN,
    SPENT,
    people,
    some_events,
)
from tests.second_server import MISSING, find_second_binaries, second_server

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(find_second_binaries() is None, reason=MISSING),
]

NARROW = TableShape("contacts", (ID, EMAIL), ("contactId",))
EVENTS = TableShape("events", (EVENT_ID, ID, EMAIL), ("eventId",))
events = partial(some_events, shape=EVENTS)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with second_server(fsync="off") as address:
        yield address


class There:
    """The warehouse's administrator, and the address that Anna's back office was given."""

    def __init__(self, address: str, database: str) -> None:
        self.folder = address.rpartition("=")[2]
        self.address = f"postgresql://anna:secret@/{database}?host={self.folder}"
        self.connection = psycopg.connect(f"postgresql://postgres@/{database}?host={self.folder}", autocommit=True)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def tables(self) -> list[str]:
        return [name for (name,) in self.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'crm' ORDER BY 1")]


@pytest.fixture
def there(server: str) -> Iterator[There]:
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute("DROP DATABASE IF EXISTS warehouse WITH (FORCE)")
        administrator.execute("CREATE DATABASE warehouse")
        if not administrator.execute("SELECT 1 FROM pg_roles WHERE rolname = 'anna'").fetchone():
            administrator.execute("CREATE ROLE anna LOGIN PASSWORD 'secret'")
            administrator.execute("CREATE ROLE analyst LOGIN")
    there = There(server, "warehouse")
    there.ask('CREATE SCHEMA "crm" AUTHORIZATION "anna"')
    yield there
    there.connection.close()


@pytest.fixture
def target(there: There) -> Iterator[PostgresTarget]:
    opened = open_target({"schema": "crm"}, there.address)
    yield opened
    opened.close()


def fill(target: PostgresTarget, rows: Rows, *, run: str = "a1") -> None:
    target.begin_full(rows.shape, run)
    target.write_full(rows.shape, run, 0, rows)
    target.finish_full(rows.shape, run)


def emails(there: There) -> list[str]:
    return [email for (email,) in there.ask('SELECT email FROM crm.contacts ORDER BY "contactId"')]


# A full run


def test_every_type_arrives_as_it_is_here(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 3))

    [row] = there.ask('SELECT * FROM crm.contacts WHERE "contactId" = 2')
    assert [str(value) for value in row[:4]] == ["2", "olena2@example.com", "0.50000000000000000000", "True"]
    assert row[4].isoformat().startswith("2026-03-01T10:00:00.123456")
    assert (str(row[5]), row[6]) == ("1990-02-28", {"town": "Lviv\n\t\\", "n": None})
    assert target.describe("contacts") == {
        "contactId": "bigint",
        "email": "text",
        "spent": "numeric",
        "isActive": "boolean",
        "lastSeen": "timestamp with time zone",
        "birthday": "date",
        "details": "jsonb",
    }
    assert target.compare(CONTACTS) == []


def test_nobody_sees_a_full_run_before_it_is_whole(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 2))

    target.begin_full(CONTACTS, "b2")
    target.write_full(CONTACTS, "b2", 0, people(1, 5, word="new"))
    assert emails(there) == ["olena1@example.com", "olena2@example.com"]

    target.finish_full(CONTACTS, "b2")
    assert len(emails(there)) == 5
    assert there.tables() == ["contacts"]


def test_a_piece_that_is_sent_twice_stands_once(target: PostgresTarget, there: There) -> None:
    target.begin_full(CONTACTS, "a1")
    target.write_full(CONTACTS, "a1", 0, people(1, 2))
    target.write_full(CONTACTS, "a1", 1, people(3, 4))
    target.close()  # as if it had been killed

    assert target.begin_full(CONTACTS, "a1") == 2
    target.write_full(CONTACTS, "a1", 1, people(3, 4))
    target.finish_full(CONTACTS, "a1")
    target.finish_full(CONTACTS, "a1")

    assert len(emails(there)) == 4


def test_another_full_run_clears_away_what_an_earlier_one_left(target: PostgresTarget, there: There) -> None:
    target.begin_full(CONTACTS, "a1")
    target.begin_full(EVENTS, "a2")

    target.begin_full(CONTACTS, "b1")

    assert there.tables() == ["contacts__b1", "events__a2"]


def test_a_full_run_whose_table_was_dropped_is_told(target: PostgresTarget, there: There) -> None:
    target.begin_full(CONTACTS, "a1")
    there.ask("DROP TABLE crm.contacts__a1")

    for attempt in (
        lambda: target.write_full(CONTACTS, "a1", 0, people(1, 2)),
        lambda: target.finish_full(CONTACTS, "a1"),
    ):
        with pytest.raises(TargetChanged, match="Start a full run"):
            attempt()


def test_a_table_of_somebody_else_is_not_replaced(target: PostgresTarget, there: There) -> None:
    there.ask("CREATE TABLE crm.contacts (precious text)")
    there.ask("ALTER TABLE crm.contacts OWNER TO anna")

    with pytest.raises(TargetChanged, match="was not made from here"):
        target.begin_full(CONTACTS, "a1")

    assert there.tables() == ["contacts"]


def test_who_could_read_a_table_can_read_the_one_that_takes_its_place(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 1))
    there.ask("GRANT SELECT ON crm.contacts TO analyst")

    fill(target, people(1, 2), run="b2")

    assert there.ask("SELECT has_table_privilege('analyst', 'crm.contacts', 'SELECT')") == [(True,)]


@pytest.mark.parametrize(
    "built",
    [
        "CREATE VIEW crm.addresses AS SELECT email FROM crm.contacts",
        "CREATE INDEX of_theirs ON crm.contacts (email)",
        "GRANT SELECT (email) ON crm.contacts TO analyst",
        "ALTER TABLE crm.contacts ENABLE ROW LEVEL SECURITY",
    ],
)
def test_what_was_built_upon_a_table_outlives_a_full_run(target: PostgresTarget, there: There, built: str) -> None:
    fill(target, people(1, 3, shape=NARROW))
    [before] = there.ask("SELECT 'crm.contacts'::regclass::oid")
    there.ask(built)

    fill(target, people(2, 5, word="new"), run="b2")

    assert there.ask("SELECT 'crm.contacts'::regclass::oid") == [before]
    assert emails(there) == [f"new{number}@example.com" for number in range(2, 6)]
    assert target.compare(CONTACTS) == []
    assert there.tables() == ["contacts"]


def test_a_table_name_as_long_as_it_may_be_has_room_beside_it(target: PostgresTarget, there: There) -> None:
    shape = TableShape("ї" * 31, NARROW.columns, NARROW.key)

    fill(target, people(1, 2, shape=shape), run="0123abcd")

    assert there.tables() == [shape.name]


# What changed


def test_what_changed_is_put_and_what_is_gone_goes(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 5))

    written = target.apply(CONTACTS, Change(gone_contact_ids=[2, 3, 6], rows=people(3, 3, word="oksana")))

    assert emails(there) == ["olena1@example.com", "oksana3@example.com", "olena4@example.com", "olena5@example.com"]
    assert (written.rows, written.removed) == (1, 1)
    assert written.bytes > 50


def test_a_change_that_is_applied_twice_stands_once(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 5))
    change = Change(gone_contact_ids=[1], gone_keys=[(5,)], rows=people(6, 7))
    target.apply(CONTACTS, change)
    before = emails(there)

    again = target.apply(CONTACTS, change)

    assert emails(there) == before
    assert (again.rows, again.removed) == (0, 0)


def test_rows_of_a_contact_go_with_it_and_single_ones_by_their_key(target: PostgresTarget, there: There) -> None:
    fill(target, events(1, 3, contact=7))
    target.apply(EVENTS, Change(rows=events(4, 6, contact=8)))

    written = target.apply(EVENTS, Change(gone_contact_ids=[8], gone_keys=[(1,), (9,)], rows=events(6, 6, contact=7)))

    assert there.ask('SELECT "eventId", "contactId" FROM crm.events ORDER BY 1') == [(2, 7), (3, 7), (6, 7)]
    assert (written.rows, written.removed) == (1, 3)


def test_a_table_that_holds_only_its_key_can_be_kept_up(target: PostgresTarget, there: There) -> None:
    shape = TableShape("members", (ID, EVENT_ID), ("contactId", "eventId"))
    target.create(shape)
    rows = Rows('SELECT 1::bigint AS "contactId", g AS "eventId" FROM generate_series(1, 3) g', (), shape)

    target.apply(shape, Change(rows=rows))
    target.apply(shape, Change(gone_keys=[(1, 2)]))

    assert there.ask("SELECT * FROM crm.members ORDER BY 2") == [(1, 1), (1, 3)]


def test_a_column_that_is_added_is_empty_until_it_is_filled(target: PostgresTarget, there: There) -> None:
    target.create(NARROW)
    target.apply(NARROW, Change(rows=people(1, 1, shape=NARROW)))

    target.add_columns(CONTACTS, [SPENT, ACTIVE, SEEN, BORN, DETAILS])
    target.add_columns(CONTACTS, [SPENT])
    target.create(CONTACTS)

    assert target.compare(CONTACTS) == []
    assert there.ask("SELECT spent, details FROM crm.contacts") == [(None, None)]


def test_our_own_faults_are_not_told_as_the_targets(target: PostgresTarget) -> None:
    fill(target, people(1, 1))
    broken = Rows("SELECT 1 / 0 AS \"contactId\", '' AS email", (), NARROW)

    with pytest.raises(psycopg.errors.DivisionByZero):
        target.apply(NARROW, Change(rows=broken))


# Told, not guessed


@pytest.mark.parametrize(
    ("done", "code", "words"),
    [
        ("DROP TABLE crm.contacts", "missing_table", "not there any more"),
        ("DROP TABLE crm.contacts; CREATE VIEW crm.contacts AS SELECT 1", "missing_table", "no table"),
        ("ALTER TABLE crm.contacts DROP email", "missing_column", "“email” of “contacts” is missing"),
        ("ALTER TABLE crm.contacts ALTER email TYPE varchar(10)", "narrower_type", "character varying(10)"),
        ("ALTER TABLE crm.contacts ALTER spent TYPE numeric(12, 2)", "narrower_type", "every numeric"),
        ('ALTER TABLE crm.contacts ALTER "contactId" TYPE int', "narrower_type", "integer"),
        ("ALTER TABLE crm.contacts DROP CONSTRAINT contacts__a1_pkey", "missing_key", "key (contactId)"),
        ("ALTER TABLE crm.contacts ADD theirs int NOT NULL", "foreign_column", "Let it be empty"),
    ],
)
def test_a_table_that_was_changed_is_told_of(
    target: PostgresTarget, there: There, done: str, code: str, words: str
) -> None:
    fill(target, people(0, -1))
    there.ask(done)

    [problem] = target.compare(CONTACTS)

    assert (problem.code, words in problem.message) == (code, True)


def test_a_wider_type_and_a_column_of_theirs_are_none_of_our_business(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 2))
    there.ask('ALTER TABLE crm.contacts ALTER "contactId" TYPE numeric, ALTER email TYPE varchar, ADD theirs int')

    assert target.compare(CONTACTS) == []
    assert target.apply(CONTACTS, Change(gone_contact_ids=[1, 2], rows=people(2, 3, word="new"))).removed == 1
    assert emails(there) == ["new2@example.com", "new3@example.com"]


@pytest.mark.parametrize(
    ("done", "kind"),
    [
        ("DROP TABLE crm.contacts", TargetChanged),
        ("ALTER TABLE crm.contacts DROP email", TargetChanged),
        ("ALTER TABLE crm.contacts ALTER email TYPE varchar(25)", TargetChanged),
        ("ALTER TABLE crm.contacts DROP CONSTRAINT contacts__a1_pkey", TargetChanged),
        ('ALTER TABLE crm.contacts ADD CHECK ("contactId" < 400)', TargetChanged),
        ("ALTER TABLE crm.contacts OWNER TO postgres", RightsMissing),
        ("DROP SCHEMA crm CASCADE", TargetError),
    ],
)
def test_a_change_that_cannot_be_taken_leaves_nothing_half_written(
    target: PostgresTarget, there: There, done: str, kind: type[TargetError]
) -> None:
    fill(target, people(1, 5))
    there.ask(done)

    with pytest.raises(kind) as refused:
        target.apply(CONTACTS, Change(gone_contact_ids=[1, 2, 3], rows=people(2, 500, word="a-longer-word")))

    assert refused.value.message.endswith(".")
    assert "a-longer-word" not in refused.value.message
    if "contacts" in there.tables():
        assert there.ask('SELECT count(*), max("contactId") FROM crm.contacts') == [(5, 5)]


# Who lets us in


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("postgresql://anna:wrong@/warehouse?host={folder}", TargetRefused, "Check user and password"),
        ("postgresql://anna@/warehouse?host={folder}", TargetRefused, "Check user and password"),
        ("postgresql://nobody@/warehouse?host={folder}", TargetRefused, "Check user and password"),
        ("postgresql://anna:secret@/elsewhere?host={folder}", TargetGone, "no such database"),
        ("postgresql://anna:secret@/warehouse?host={folder}/no", TargetUnreachable, "Check address and port"),
        ("postgresql://anna:secret@localhost:1/warehouse", TargetUnreachable, "Check address and port"),
        ("postgresql://anna:secret@no-such-host.invalid/warehouse", TargetUnreachable, "no server of that name"),
    ],
)
def test_a_wrong_address_is_told_with_what_to_do(
    there: There, address: str, kind: type[TargetError], words: str
) -> None:
    target = open_target({"schema": "crm"}, address.format(folder=there.folder))

    [problem] = target.check()
    with pytest.raises(kind, match=words):
        target.begin_full(CONTACTS, "a1")

    assert (problem.code, words in problem.message) == (kind.code, True)
    assert "secret" not in problem.message


def test_a_server_without_tls_is_told_where_tls_is_asked_for() -> None:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"postgresql://anna:secret@127.0.0.1:{port}/postgres"

    with second_server(listen_addresses="127.0.0.1", port=str(port)):
        [required] = open_target(check_settings({}, address), address).check()
        [not_required] = open_target(check_settings({"sslmode": "disable"}, address), address).check()

    assert (required.code, "speaks no TLS" in required.message) == ("target_unreachable", True)
    assert not_required.code == "target_refused"


def test_a_target_where_everything_is_right_has_no_problems_and_keeps_nothing_of_the_test(
    target: PostgresTarget, there: There
) -> None:
    assert target.check() == []
    assert there.tables() == []


@pytest.mark.parametrize(
    ("done", "code", "words"),
    [
        ("DROP SCHEMA crm", "target_gone", 'CREATE SCHEMA "crm" AUTHORIZATION "anna"'),
        ("ALTER SCHEMA crm OWNER TO postgres", "target_rights", 'GRANT USAGE, CREATE ON SCHEMA "crm" TO "anna"'),
        (
            "REVOKE TEMPORARY ON DATABASE warehouse FROM PUBLIC",
            "target_rights",
            "GRANT TEMPORARY ON DATABASE",
        ),
        ("ALTER ROLE anna SET default_transaction_read_only = on", "target_rights", "only be read"),
    ],
)
def test_a_right_that_is_missing_is_told_with_the_statement_that_gives_it(
    target: PostgresTarget, there: There, done: str, code: str, words: str
) -> None:
    there.ask(done)
    try:
        [problem] = target.check()
    finally:
        there.ask("ALTER ROLE anna RESET ALL")

    assert (problem.code, words in problem.message) == (code, True)


def test_a_database_that_cannot_hold_every_letter_is_told(target: PostgresTarget, there: There) -> None:
    there.ask("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        latin = open_target({"schema": "public"}, there.address.replace("/warehouse?", "/latin?"))
        problems = latin.check()
        latin.close()
    finally:
        there.ask("DROP DATABASE latin WITH (FORCE)")

    assert "target_encoding" in [problem.code for problem in problems]


def test_a_connection_that_is_cut_is_told_and_made_anew(target: PostgresTarget, there: There) -> None:
    fill(target, people(1, 5))
    there.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'anna'")

    with pytest.raises(TargetUnreachable):
        target.apply(CONTACTS, Change(gone_contact_ids=[1]))

    assert target.apply(CONTACTS, Change(gone_contact_ids=[1])).removed == 1


# A full disk


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Twelve megabytes, as a file system of its own."""
    mount, folder = shutil.which("mount"), Path("/tmp") / f"small-disk-{os.getpid()}"
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can make a small disk")
    folder.mkdir()
    try:
        made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=False)
        if made.returncode:
            pytest.skip("no file system can be mounted here")
        try:
            (folder / "space").mkdir()
            shutil.chown(folder / "space", "postgres", "postgres")
            yield folder / "space"
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()


@pytest.fixture
def full_disk_there(server: str, there: There, small_disk: Path) -> Iterator[Callable[[], None]]:
    """Anna's database lies on the small disk; the call makes room."""
    there.connection.close()
    administrator = psycopg.connect(server, autocommit=True)
    place = sql.Literal(str(small_disk))
    administrator.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(place))
    administrator.execute("ALTER ROLE anna SET default_tablespace = small")
    administrator.execute("ALTER ROLE anna SET temp_tablespaces = small")
    administrator.execute("GRANT CREATE ON TABLESPACE small TO anna")
    yield lambda: (small_disk / "ballast").unlink()
    administrator.execute("ALTER ROLE anna RESET ALL")
    administrator.execute("DROP DATABASE warehouse WITH (FORCE)")
    administrator.execute("DROP TABLESPACE small")
    administrator.close()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    server: str, full_disk_there: Callable[[], None], small_disk: Path
) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 6_000_000)
    there = There(server, "warehouse")
    target = open_target({"schema": "crm"}, there.address)
    fill(target, people(1, 5))
    target.begin_full(CONTACTS, "b2")
    target.write_full(CONTACTS, "b2", 0, people(1, 2_000))

    with pytest.raises(TargetFull, match="Make room"):
        target.write_full(CONTACTS, "b2", 1, people(2_001, 80_000))
    with pytest.raises(TargetFull, match="Make room"):
        target.apply(CONTACTS, Change(gone_contact_ids=[1, 2], rows=people(2, 80_000)))
    assert len(emails(there)) == 5

    full_disk_there()
    assert target.begin_full(CONTACTS, "b2") == 1
    target.write_full(CONTACTS, "b2", 1, people(2_001, 20_000))
    target.finish_full(CONTACTS, "b2")
    target.close()
    assert len(emails(there)) == 20_000
    there.connection.close()


# Settings


def test_the_address_is_kept_apart_and_shown_without_its_password() -> None:
    kept = check_settings({"schema": " crm "}, "postgresql://anna:secret@db.example.com:5433/warehouse")

    assert kept == {"schema": "crm", "sslmode": "require", "shown": "db.example.com:5433/warehouse as anna"}


@pytest.mark.parametrize(
    ("given", "secret", "path"),
    [
        ({}, "", "dsn"),
        ({}, "postgresql://anna:secret@", "dsn"),
        ({}, "nonsense secret", "dsn"),
        ({}, "postgresql://anna:secret@db/warehouse?passfile=/etc/passwd", "dsn"),
        ({}, "postgresql://anna:secret@db/warehouse?service=other", "dsn"),
        ({}, "postgresql://anna:secret@db/warehouse?options=-csearch_path=evil", "dsn"),
        ({"sslmode": "maybe"}, "postgresql://anna:secret@db/warehouse", "sslmode"),
        ({"schema": "pg_catalog"}, "postgresql://anna:secret@db/warehouse", "schema"),
        ({"schema": "x" * 64}, "postgresql://anna:secret@db/warehouse", "schema"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_place(
    given: dict[str, str], secret: str, path: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_settings(given, secret)

    assert [error.path for error in refused.value.errors] == [path]
    assert "secret" not in refused.value.message
