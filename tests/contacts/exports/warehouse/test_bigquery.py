"""A BigQuery target, on an emulator that is a process of its own: what is written there, and what is said if not."""

from __future__ import annotations

import json
import runpy
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from contacts.exports.warehouse import bigquery
from contacts.exports.warehouse.bigquery import BigQueryTarget, check_settings, open_target
from contacts.exports.warehouse.errors import DriverMissing, TargetChanged, TargetGone, TargetRefused, TargetUnreachable
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, OutColumn, TableShape
from crm.errors import Refused
from tests.bigquery_emulator import MISSING, PROJECT, is_installed
from tests.contacts.exports.warehouse.sent import (
    CONTACTS,
    EMAIL,
    EVENT_ID,
    ID,
    people,
    some_events,
)

pytestmark = pytest.mark.django_db
needs_emulator = pytest.mark.skipif(not is_installed(), reason=MISSING)

EVENTS = TableShape("events", (ID, EVENT_ID, EMAIL), ("contactId", "eventId"))
events = partial(some_events, shape=EVENTS)


class There:
    """The dataset, as Anna's colleagues look at it."""

    def __init__(self, target: BigQueryTarget, address: str) -> None:
        self.client = target._client
        self.settings = {"project": PROJECT, "dataset": "crm", "endpoint": address}
        self.dataset = f"{PROJECT}.crm"

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.client.query(statement).result()]

    def tables(self) -> list[str]:
        return sorted(item.table_id for item in self.client.list_tables(self.dataset))

    def emails(self) -> list[str]:
        return [email for (email,) in self.ask(f"SELECT email FROM `{self.dataset}.contacts` ORDER BY contactId")]

    def events(self) -> list[tuple[int, int]]:
        return self.ask(f"SELECT contactId, eventId FROM `{self.dataset}.events` ORDER BY 1, 2")  # type: ignore[return-value]


@pytest.fixture
def target(emulator: str) -> Iterator[BigQueryTarget]:
    opened = open_target({"project": PROJECT, "dataset": "crm", "endpoint": emulator}, "")
    yield opened
    opened.close()


@pytest.fixture
def there(target: BigQueryTarget, emulator: str) -> There:
    there = There(target, emulator)
    there.client.delete_dataset(there.dataset, delete_contents=True, not_found_ok=True)
    there.client.create_dataset(there.dataset)
    return there


def fill(target: BigQueryTarget, rows: Rows, *, run: str = "a1") -> None:
    target.begin_full(rows.shape, run)
    target.write_full(rows.shape, run, 0, rows)
    target.finish_full(rows.shape, run)


# A full run


@needs_emulator
def test_rows_arrive_as_they_are(target: BigQueryTarget, there: There) -> None:
    fill(target, people(1, 1))
    [row] = there.ask(f"SELECT * FROM `{there.dataset}.contacts`")
    assert row[:6] == (
        1,
        "olena1@example.com",
        Decimal("0.25"),
        False,
        datetime(2026, 3, 1, 10, 0, 0, 123456, UTC),
        date(1990, 2, 28),
    )
    assert json.loads(row[6]) == {"town": "Lviv\n\t\\", "n": None}


@needs_emulator
def test_a_full_run_stands_at_once_when_it_is_whole_and_leaves_nothing_beside(
    target: BigQueryTarget, there: There
) -> None:
    fill(target, people(1, 2))
    target.begin_full(CONTACTS, "b2")
    target.write_full(CONTACTS, "b2", 0, people(1, 3, word="ivan"))
    assert there.emails() == ["olena1@example.com", "olena2@example.com"]
    target.write_full(CONTACTS, "b2", 1, people(4, 4, word="ivan"))
    target.finish_full(CONTACTS, "b2")
    assert there.emails() == [f"ivan{number}@example.com" for number in (1, 2, 3, 4)]
    assert there.tables() == ["contacts"]


@needs_emulator
def test_a_killed_full_run_goes_on_and_what_is_sent_twice_stands_once(target: BigQueryTarget, there: There) -> None:
    assert target.begin_full(CONTACTS, "a1") == 0
    target.write_full(CONTACTS, "a1", 0, people(1, 2))
    assert target.begin_full(CONTACTS, "a1") == 1
    target.write_full(CONTACTS, "a1", 1, people(3, 3))
    target.write_full(CONTACTS, "a1", 1, people(3, 3))
    target.write_full(CONTACTS, "a1", 2, people(1, 0))
    assert target.begin_full(CONTACTS, "a1") == 3
    target.finish_full(CONTACTS, "a1")
    target.finish_full(CONTACTS, "a1")
    assert len(there.emails()) == 3


@needs_emulator
def test_a_run_killed_while_it_tidies_up_loses_nothing(target: BigQueryTarget, there: There) -> None:
    fill(target, people(1, 2))
    there.client.create_table(f"{there.dataset}.contacts__a1")  # as if it had been killed before this went
    target.finish_full(CONTACTS, "a1")
    assert (len(there.emails()), there.tables()) == (2, ["contacts"])


@needs_emulator
def test_what_other_runs_left_is_removed(target: BigQueryTarget, there: There) -> None:
    target.begin_full(CONTACTS, "a1")
    target.write_full(CONTACTS, "a1", 0, people(1, 2))
    assert target.begin_full(CONTACTS, "b2") == 0
    assert there.tables() == ["contacts__b2"]


@needs_emulator
def test_a_full_run_without_rows_makes_an_empty_table(target: BigQueryTarget, there: There) -> None:
    target.begin_full(CONTACTS, "a1")
    target.finish_full(CONTACTS, "a1")
    assert (there.tables(), there.emails()) == (["contacts"], [])


@needs_emulator
@pytest.mark.parametrize("dropped", ["contacts__a1", "contacts__a1_0"])
def test_a_piece_that_somebody_dropped_is_told_and_the_table_stays(
    target: BigQueryTarget, there: There, dropped: str
) -> None:
    fill(target, people(1, 1), run="9f")
    target.begin_full(CONTACTS, "a1")
    target.write_full(CONTACTS, "a1", 0, people(1, 2))
    target.write_full(CONTACTS, "a1", 1, people(3, 3))
    there.client.delete_table(f"{there.dataset}.{dropped}")
    with pytest.raises(TargetChanged, match="Start a full run"):
        target.finish_full(CONTACTS, "a1")
    assert there.emails() == ["olena1@example.com"]


@needs_emulator
def test_a_table_of_somebody_else_is_never_replaced(target: BigQueryTarget, there: There) -> None:
    there.ask(f"CREATE TABLE `{there.dataset}.contacts` AS SELECT 'mine' AS email, 1 AS contactId")
    with pytest.raises(TargetChanged, match="not made from here"):
        target.begin_full(CONTACTS, "a1")
    assert there.emails() == ["mine"]


# What changed


@needs_emulator
def test_contacts_that_changed_are_replaced_and_those_that_are_gone_removed(
    target: BigQueryTarget, there: There
) -> None:
    fill(target, people(1, 4))
    change = Change(gone_contact_ids=[2, 3], rows=people(3, 3, word="ivan"))
    written = target.apply(CONTACTS, change)
    target.apply(CONTACTS, change)
    assert there.emails() == ["olena1@example.com", "ivan3@example.com", "olena4@example.com"]
    assert (written.rows, written.removed) == (1, 1)
    assert there.tables() == ["contacts"]


@needs_emulator
def test_rows_of_a_family_are_replaced_by_their_owner(target: BigQueryTarget, there: There) -> None:
    fill(target, events(1, 3, contact=1))
    target.apply(EVENTS, Change(rows=events(4, 5, contact=2)))
    target.apply(EVENTS, Change(gone_contact_ids=[1], rows=events(2, 2, contact=1)))
    assert there.events() == [(1, 2), (2, 4), (2, 5)]


@needs_emulator
def test_rows_are_removed_by_their_key(target: BigQueryTarget, there: There) -> None:
    fill(target, events(1, 4, contact=1))
    target.apply(EVENTS, Change(gone_keys=[(1, 1), (1, 3), (3, 4)], rows=events(3, 3, contact=1)))
    target.apply(EVENTS, Change(gone_keys=[(1, 4)]))
    assert there.events() == [(1, 2), (1, 3)]


# What is said


@needs_emulator
def test_a_dropped_table_and_a_missing_or_narrower_column_are_told(target: BigQueryTarget, there: There) -> None:
    assert [problem.code for problem in target.compare(CONTACTS)] == ["missing_table"]
    with pytest.raises(TargetChanged, match="full run"):
        target.apply(CONTACTS, Change(rows=people(1, 1)))
    narrow = TableShape("contacts", (ID, OutColumn("email", "email", "bigint", "Email")), ("contactId",))
    target.create(narrow)
    assert [problem.code for problem in target.compare(CONTACTS)][:2] == ["narrower_type", "missing_column"]
    assert target.compare(narrow) == []
    assert there.tables() == ["contacts"]


@needs_emulator
def test_the_connection_is_tested_and_leaves_nothing(target: BigQueryTarget, there: There) -> None:
    assert target.check() == []
    assert there.tables() == []


@needs_emulator
@pytest.mark.parametrize(("name", "value"), [("dataset", "nonesuch"), ("project", "other-company")])
def test_a_dataset_that_is_not_there_is_told(there: There, name: str, value: str) -> None:
    opened = open_target({**there.settings, name: value}, "")
    [problem] = opened.check()
    assert (problem.code, value in problem.message) == ("target_gone", True)
    with pytest.raises(TargetGone):
        opened.begin_full(CONTACTS, "a1")
    opened.close()


@needs_emulator
def test_nobody_answering_is_told() -> None:
    settings = {"project": PROJECT, "dataset": "crm", "endpoint": "http://127.0.0.1:9"}
    opened = BigQueryTarget(settings, "", first_patience=0.5)
    with pytest.raises(TargetUnreachable, match="Check the network"):
        opened.describe("contacts")
    opened.close()


def test_without_what_speaks_to_bigquery_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "google"] + ["google"]:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    anew = runpy.run_path(bigquery.__file__)
    with pytest.raises(DriverMissing, match="make setup-bigquery"):
        anew["open_target"]({"project": PROJECT, "dataset": "crm"}, "")


# The key


def in_pem(private: Any) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return str(private.private_bytes(*form).decode())


KEY: Final = {
    "type": "service_account",
    "client_email": "cardfile@company.example",
    "private_key": in_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "token_uri": "https://oauth2.googleapis.com/token",
}


class Disabled(BaseHTTPRequestHandler):
    """Google's door for an account that was disabled."""

    def do_POST(self) -> None:
        said = json.dumps({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *words: Any) -> None:
        """Nobody reads it."""


@needs_emulator
def test_a_revoked_key_is_told() -> None:
    server = HTTPServer(("127.0.0.1", 0), Disabled)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        key = json.dumps({**KEY, "token_uri": f"http://127.0.0.1:{server.server_port}/token"})
        opened = open_target({"project": PROJECT, "dataset": "crm"}, key)
        with pytest.raises(TargetRefused, match=r"Make a new key"):
            opened.describe("contacts")
        opened.close()
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_settings_are_kept_without_the_key() -> None:
    kept = check_settings({"project": PROJECT, "dataset": "crm", "location": ""}, json.dumps(KEY))
    assert kept == {
        "project": PROJECT,
        "dataset": "crm",
        "shown": f"{PROJECT}.crm as cardfile@company.example",
    }


@pytest.mark.parametrize(
    ("changed", "secret", "path"),
    [
        ({"project": "a`b"}, None, "project"),
        ({"dataset": "crm.contacts"}, None, "dataset"),
        ({"location": "E U"}, None, "location"),
        ({"endpoint": "ftp://there"}, None, "endpoint"),
        ({}, "", "key"),
        ({}, "[]", "key"),
        ({}, '"text"', "key"),
        ({}, "-----BEGIN PRIVATE KEY-----", "key"),
        ({}, json.dumps({"installed": {"client_id": "1.apps.googleusercontent.com"}}), "key"),
        ({}, json.dumps({"type": "service_account"}), "key"),
        ({}, json.dumps({**KEY, "private_key": "none"}), "key"),
        ({}, json.dumps({**KEY, "private_key": KEY["private_key"][:-200]}), "key"),
        ({}, json.dumps({**KEY, "private_key": in_pem(ec.generate_private_key(ec.SECP256R1()))}), "key"),
        ({}, json.dumps({**KEY, "type": "authorized_user"}), "key"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_their_field(
    changed: dict[str, str], secret: str | None, path: str
) -> None:
    key = json.dumps(KEY) if secret is None else secret
    with pytest.raises(Refused) as refused:
        check_settings({"project": PROJECT, "dataset": "crm", **changed}, key)
    assert [error.path for error in refused.value.errors] == [path]
    assert "private" not in refused.value.message
