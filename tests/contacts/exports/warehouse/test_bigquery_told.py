"""What goes wrong at BigQuery is told in a sentence that says what to do, and nothing is half-written there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from contacts.exports.warehouse.bigquery import BigQueryTarget, open_target
from contacts.exports.warehouse.errors import RightsMissing, TargetError
from contacts.exports.warehouse.flow import check_target, choose_tables, save_target, start_run
from contacts.exports.warehouse.jobs import attend
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, OutColumn, TableShape
from contacts.models import ExportRun, ExportTarget, RunKind, RunStatus, TargetKind
from tests.bigquery_emulator import MISSING, PROJECT, is_installed
from tests.people import BOHDAN, OLENA, Stage, change, have

if is_installed():
    from google.api_core.exceptions import BadRequest, NotFound

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not is_installed(), reason=MISSING)]

CONTACTS = TableShape(
    "contacts",
    (OutColumn("id", "contactId", "bigint", "Contact ID"), OutColumn("email", "email", "text", "Email")),
    ("contactId",),
)
DENIED = (403, "accessDenied", "Permission bigquery.tables.updateData denied")


class Door(ThreadingHTTPServer):
    """Google's door: the emulator is behind it, and it shuts after so many calls.

    As Google's, and not the emulator's, it knows jobs by their id and takes none twice.
    """

    def __init__(self, address: str) -> None:
        super().__init__(("127.0.0.1", 0), Visitor)
        self.behind = urlsplit(address).netloc
        self.lets_in: float = float("inf")
        self.says = DENIED
        self.jobs: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def shut(self, status: int, reason: str, message: str, *, after: int = 0) -> None:
        self.says, self.lets_in = (status, reason, message), after

    def open(self) -> None:
        self.lets_in = float("inf")


class Visitor(BaseHTTPRequestHandler):
    """One who comes to the door."""

    server: Door
    protocol_version = "HTTP/1.1"

    def come(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.lets_in -= 1
        if self.server.lets_in < 0:
            self.refuse(*self.server.says)
        elif self.makes_a_job() and not self.is_new(json.loads(body)):
            self.refuse(409, "duplicate", "Already Exists: Job")
        else:
            self.answer(*self.ask_behind(body))

    def makes_a_job(self) -> bool:
        path = self.path.split("?")[0]
        return self.command == "POST" and path.endswith("/jobs") and not path.startswith("/upload")

    def is_new(self, job: dict[str, Any]) -> bool:
        name = job.get("jobReference", {}).get("jobId", "")
        was_there = name in self.server.jobs
        self.server.jobs.add(name)
        return not (name and was_there)

    def refuse(self, status: int, reason: str, message: str) -> None:
        error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
        self.answer(status, {"Content-Type": "application/json"}, json.dumps({"error": error}).encode())

    def ask_behind(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        behind = HTTPConnection(self.server.behind, timeout=120)
        try:
            behind.request(self.command, self.path, body, dict(self.headers.items()))
            answer = behind.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            behind.close()

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = come  # noqa: N815  (as http.server has them)

    def log_message(self, *words: Any) -> None:
        """Nobody reads it."""


@contextmanager
def a_door(address: str) -> Iterator[Door]:
    with Door(address) as door:
        serving = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield door
        finally:
            door.shutdown()
            serving.join()


@pytest.fixture
def door(emulator: str) -> Iterator[Door]:
    with a_door(emulator) as door:
        yield door


@pytest.fixture
def there(emulator: str) -> Iterator[Any]:
    """The dataset, empty, as Anna's colleagues look at it."""
    looking = open_target({"project": PROJECT, "dataset": "crm", "endpoint": emulator}, "")
    looking._client.delete_dataset(f"{PROJECT}.crm", delete_contents=True, not_found_ok=True)
    looking._client.create_dataset(f"{PROJECT}.crm")
    yield looking._client
    looking.close()


@pytest.fixture
def target(door: Door, there: Any) -> Iterator[BigQueryTarget]:
    opened = open_target({"project": PROJECT, "dataset": "crm", "endpoint": door.address}, "")
    yield opened
    opened.close()


def people(first: int, last: int, *, word: str = "olena") -> Rows:
    source = """SELECT g AS "contactId", %(word)s || g || '@example.com' AS "email" """
    rows = f"{source} FROM generate_series(%(first)s::bigint, %(last)s::bigint) g"
    return Rows(rows, {"first": first, "last": last, "word": word}, CONTACTS)


def ask(there: Any, columns: str, table: str = "contacts") -> list[Any]:
    found = there.query(f"SELECT {columns} FROM `{PROJECT}.crm.{table}` ORDER BY contactId").result()
    return [tuple(row.values()) for row in found]


def emails(there: Any) -> list[str]:
    return [email for (email,) in ask(there, "email")]


# At the door


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((401, "authError", "Request had invalid authentication credentials"), "target_refused", "Make a new key"),
        (DENIED, "target_rights", "BigQuery Data Editor"),
        ((403, "billingNotEnabled", "Billing has not been enabled"), "target_rights", "Turn it on there"),
        ((403, "quotaExceeded", "Exceeded load jobs per day"), "target_full", "Wait or raise it"),
        ((404, "notFound", "Not found: Project company-warehouse"), "target_gone", "correct the names"),
        ((400, "invalid", "Invalid project ID 'company-warehouse'"), "target_gone", "correct the names"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_google_answers_is_told_with_what_to_do(
    target: BigQueryTarget, door: Door, answer: tuple[int, str, str], code: str, words: str
) -> None:
    door.shut(*answer)
    [problem] = target.check()
    assert (problem.code, words in problem.message, problem.message[-1]) == (code, True, ".")


def test_a_full_run_that_is_refused_in_the_middle_leaves_the_table_as_it_was_and_goes_on(
    target: BigQueryTarget, door: Door, there: Any
) -> None:
    target.begin_full(CONTACTS, "a1")
    target.finish_full(CONTACTS, "a1")
    target.begin_full(CONTACTS, "b2")
    target.write_full(CONTACTS, "b2", 0, people(1, 2))
    for attempt in (
        lambda: target.write_full(CONTACTS, "b2", 1, people(3, 3)),
        lambda: target.finish_full(CONTACTS, "b2"),
    ):
        door.shut(*DENIED, after=1)
        with pytest.raises(RightsMissing, match="A right is missing"):
            attempt()
        door.open()
        assert emails(there) == []
        attempt()
    assert emails(there) == [f"olena{number}@example.com" for number in (1, 2, 3)]


def test_whichever_call_is_refused_a_change_stands_whole_or_not_at_all(
    target: BigQueryTarget, door: Door, there: Any
) -> None:
    target.create(CONTACTS)
    target.apply(CONTACTS, Change(rows=people(1, 2)))
    change = Change(gone_contact_ids=[2], rows=people(3, 3))
    before, after = emails(there), ["olena1@example.com", "olena3@example.com"]
    found = []
    for calls in range(1, 40):
        door.shut(*DENIED, after=calls)
        try:
            target.apply(CONTACTS, change)
            break
        except RightsMissing:
            found.append(emails(there))
    assert found[0] == before
    assert all(stands in (before, after) for stands in found)
    door.open()
    target.apply(CONTACTS, change)
    assert emails(there) == after


def leave_a_statement(there: Any, statement: str) -> str:
    """As a process that was killed when it had sent the one that puts the run c3 in its place."""
    begun = there.get_table(f"{PROJECT}.crm.contacts__c3").created
    job = f"cardfile_c3_{begun.timestamp():.3f}".replace(".", "_")
    with suppress(BadRequest, NotFound):
        there.query(statement, job_id=f"{job}_0", job_retry=None).result()
    return f"{job}_0"


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT * FROM `company-warehouse.crm.nonesuch`"])
def test_a_statement_that_a_killed_process_left_there_is_waited_for(
    target: BigQueryTarget, door: Door, there: Any, statement: str
) -> None:
    target.begin_full(CONTACTS, "c3")
    target.write_full(CONTACTS, "c3", 0, people(1, 1))
    job = leave_a_statement(there, statement)
    door.jobs.add(job)
    target.finish_full(CONTACTS, "c3")
    assert f"{job[:-1]}1" in door.jobs
    assert emails(there) == ["olena1@example.com"]


def test_a_table_that_a_killed_process_made_and_did_not_label_is_ours(target: BigQueryTarget, there: Any) -> None:
    target.begin_full(CONTACTS, "c3")
    target.write_full(CONTACTS, "c3", 0, people(1, 1))
    leave_a_statement(there, f"CREATE TABLE `{PROJECT}.crm.contacts` AS SELECT * FROM `{PROJECT}.crm.contacts__c3_0`")
    target.finish_full(CONTACTS, "c3")
    assert target.begin_full(CONTACTS, "d4") == 0
    assert emails(there) == ["olena1@example.com"]


def test_what_a_killed_process_was_about_to_put_in_is_dropped_before_anything_else_is(
    target: BigQueryTarget, there: Any
) -> None:
    target.create(CONTACTS)
    there.query(f"CREATE TABLE `{PROJECT}.crm.contacts__in_0f` AS SELECT 7 AS contactId, 'old' AS email").result()
    target.apply(CONTACTS, Change(rows=people(1, 1)))
    assert [item.table_id for item in there.list_tables(f"{PROJECT}.crm")] == ["contacts"]


def test_two_that_write_the_same_table_at_once_are_told_that_the_next_run_tries_again(
    target: BigQueryTarget, door: Door
) -> None:
    target.create(CONTACTS)
    door.shut(400, "invalidQuery", "Could not serialize access to table crm.contacts due to concurrent update", after=1)
    with pytest.raises(TargetError, match="The next run tries again"):
        target.apply(CONTACTS, Change(rows=people(1, 1)))


# By a run


@pytest.fixture
def kept(stage: Stage, olena: object, there: Any, emulator: str) -> ExportTarget:
    have("Olena", {"external_id": "O-1", "email": OLENA, "first_name": "Olena"})(stage)
    have("Bohdan", {"external_id": "B-1", "email": BOHDAN, "first_name": "Bohdan"})(stage)
    settings = {"project": PROJECT, "dataset": "crm", "endpoint": emulator}
    target = ExportTarget(name="Company", kind=TargetKind.BIGQUERY, settings=settings, owner=olena)
    save_target(target, secret="")
    choose_tables(target, {"contacts": ["email", "first_name", "last_name"], "identifiers": ["app", "value"]})
    assert bring_up(target).error == ""
    return target


def bring_up(target: ExportTarget, kind: str = RunKind.INCREMENTAL) -> ExportRun:
    run = start_run(target, kind, by="user:1")
    attend(run.pk, tell=lambda: None)
    run.refresh_from_db()
    return run


def drop_the_table(there: Any) -> None:
    there.delete_table(f"{PROJECT}.crm.contacts")


def drop_a_column(there: Any) -> None:
    make_it_of(there, "contactId, email, firstName")


def make_a_column_narrow(there: Any) -> None:
    make_it_of(there, "contactId, email, 7 AS firstName, lastName")


def make_it_of(there: Any, columns: str) -> None:
    name = f"{PROJECT}.crm.contacts"
    there.query(f"CREATE OR REPLACE TABLE `{name}` AS SELECT {columns} FROM `{name}`").result()
    table = there.get_table(name)
    table.labels = {"cardfile": "made"}
    there.update_table(table, ["labels"])


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (drop_the_table, "“contacts” is not there any more. Start a full run"),
        (drop_a_column, "“lastName” of “contacts” is missing there. Start a full run"),
        (make_a_column_narrow, "“firstName” of “contacts” is INTEGER there"),
    ],
)
def test_a_table_that_somebody_changed_is_told_nothing_is_written_and_a_full_run_mends_it(
    stage: Stage, kept: ExportTarget, there: Any, do: Callable[[Any], None], words: str
) -> None:
    identifiers = ask(there, "contactId, value", "identifiers")
    do(there)
    change("Bohdan", {"first_name": "Bogdan", "email": "bogdan@example.com"})(stage)
    [problem] = check_target(kept)
    run = bring_up(kept)
    assert (run.status, run.error_code, words in run.error) == (RunStatus.FAILED, "target_changed", True), run.error
    assert words in problem.message
    assert ask(there, "contactId, value", "identifiers") == identifiers
    assert bring_up(kept, RunKind.FULL).error == ""
    assert ask(there, "firstName, lastName") == [("Olena", None), ("Bogdan", None)]


def test_a_dataset_that_is_gone_fails_the_run_and_comes_back_whole(
    stage: Stage, kept: ExportTarget, there: Any
) -> None:
    there.delete_dataset(f"{PROJECT}.crm", delete_contents=True)
    run = bring_up(kept)
    assert (run.status, run.error_code) == (RunStatus.FAILED, "target_gone")
    assert "There is no dataset crm in the project company-warehouse. Make it, or correct the names." in run.error
    there.create_dataset(f"{PROJECT}.crm")
    assert bring_up(kept, RunKind.FULL).error == ""
    assert ask(there, "firstName") == [("Olena",), ("Bohdan",)]
