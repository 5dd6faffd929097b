"""Every address × every role: who is let in, who is not, and that nobody changes what they only may look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.identity.settings import forget_settings
from tests.pages.addresses import Address, list_addresses
from tests.pages.expected import ANONYMOUS, AUDITOR, ROLES, find_expected
from tests.pages.world import WRITTEN_BY_ANYBODY, make_samples, make_user

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15
LARGE = re.compile(
    r'FROM "?(contacts_(contact|identifier|change|event|order|consent|suppression|merge|mergemove|importrow)'
    r'|contacts_duplicatecase|segments_(membership|stay))"?\b'
)
"""Tables that may have millions of rows."""
COUNT = re.compile(r"\bcount\s*\(", re.IGNORECASE)
TIME_LIMIT = re.compile(r"set_config\('statement_timeout', '(\w+)'")
NO_QUESTION = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK|SET|BEGIN|COMMIT|SELECT (current_setting|set_config))")
"""Savepoints and time limits."""
WRITES = re.compile(r'\b(?:INSERT\s+INTO|(?<!FOR )UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?"?(\w+)"?', re.IGNORECASE)
NOT_LET_IN = (401, 403, 404, 405)


class Visitor(Client):
    """Without the test client's copies of each template's context, which cost more than the pages."""

    def request(self, **request: Any) -> Any:
        answer = self.handler(self._base_environ(**request))
        answer.body = b"".join(answer)
        for close in answer._resource_closers:  # not ``close()``, which would end the transaction that all happens in
            close()
        return answer


class Looked(NamedTuple):
    """What came of opening an address."""

    answer: Any
    statements: list[str]

    @property
    def is_page(self) -> bool:
        return self.answer.status_code == 200 and self.answer.headers["Content-Type"].startswith("text/html")


class Looks(dict[str, dict[Address, Looked]]):
    """By role, each address opened once: when somebody asks, since tests may be shared out between processes."""

    def __init__(self, addresses: list[Address], visitors: dict[str, Client]) -> None:
        super().__init__()
        self.addresses, self.visitors = addresses, visitors

    def __missing__(self, role: str) -> dict[Address, Looked]:
        self[role] = {address: look(self.visitors[role], address) for address in self.addresses}
        return self[role]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[dict[str, Any]]:
    """Made once for all tests of this file, and rolled back after them."""
    from django.conf import settings

    folders = settings.EXPORTS_DIR, settings.IMPORTS_DIR
    settings.EXPORTS_DIR, settings.IMPORTS_DIR = (tmp_path_factory.mktemp(name) for name in ("exports", "imports"))
    forget_settings()
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_samples()
        transaction.set_rollback(True)
    forget_settings()
    settings.EXPORTS_DIR, settings.IMPORTS_DIR = folders


@pytest.fixture(scope="module")
def addresses(world: dict[str, Any]) -> list[Address]:
    return list_addresses(world)


@pytest.fixture(scope="module")
def visitors(world: dict[str, Any]) -> dict[str, Client]:
    found = {}
    for role in ROLES:
        client = Visitor(raise_request_exception=False, HTTP_HX_REQUEST="")
        if role != ANONYMOUS:
            from django.contrib.auth.models import User

            client.force_login(User.objects.filter(username=role).first() or make_user(role))
        found[role] = client
    return found


@pytest.fixture(scope="module")
def looks(addresses: list[Address], visitors: dict[str, Client]) -> Looks:
    return Looks(addresses, visitors)


def look(client: Client, address: Address) -> Looked:
    with undone(), CaptureQueriesContext(connection) as queries:
        answer = client.get(address.path)
    return Looked(answer, [query["sql"] for query in queries.captured_queries])


@contextmanager
def undone() -> Iterator[None]:
    """What is done within does not stay."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def is_let_in(answer: Any) -> bool:
    """A redirect is nothing yet: where it leads to is asked for by itself."""
    return answer.status_code not in (*NOT_LET_IN, 301, 302)


def leads_on(answer: Any) -> bool:
    return answer.status_code in (301, 302) and not is_sent_to_login(answer)


def is_sent_to_login(answer: Any) -> bool:
    return answer.headers.get("Location", "").startswith(reverse("admin:login"))


def written_tables(statements: Iterable[str]) -> set[str]:
    found = {match[1] for sql in statements if (match := WRITES.search(sql))}
    return found - WRITTEN_BY_ANYBODY


# What a page's own form would send


class Forms(HTMLParser):
    """Names and values of the inputs on a page, and the actions that its list offers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.actions: list[str] = []
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select == "action" and given.get("value"):
            self.actions.append(given["value"])
        elif tag == "option" and self.select and "selected" in given:
            self.values.setdefault(self.select, []).append(given.get("value", ""))
        elif tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.values.setdefault(name, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


@pytest.fixture(scope="module")
def bodies(addresses: list[Address], looks: Looks, world: dict[str, Any]) -> dict[Address, list[dict[str, Any]]]:
    """What an administrator's browser would send from this page; with a list each of its actions."""
    found: dict[Address, list[dict[str, Any]]] = {}
    for address in addresses:
        found[address] = [{}]
        looked = looks["administrator"][address]
        if looked.is_page and address.name.startswith("admin"):
            forms = Forms(looked.answer.body.decode())
            plain = {name: values for name, values in forms.values.items() if name != "csrfmiddlewaretoken"}
            chosen = {"_selected_action": first_row(address, world)}
            found[address] = [plain, *({**chosen, "action": action} for action in forms.actions)]
    return found


def first_row(address: Address, world: dict[str, Any]) -> list[str]:
    """The sample of the model whose list this is."""
    parts = address.path.strip("/").split("/")
    sample = world.get(".".join(parts[1:3]), 1) if len(parts) > 2 else 1
    return [str(sample)]


# The tests


def test_every_address_is_placed(addresses):
    for address in addresses:
        find_expected(address.name)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_look_is_let_in_and_nobody_else_and_looking_changes_nothing(looks, role):
    wrong = []
    for address, (answer, statements) in looks[role].items():
        may_look = role in find_expected(address.name).look
        written = written_tables(statements)
        missed = may_look and not is_let_in(answer) and not leads_on(answer) and answer.status_code not in (404, 405)
        if answer.status_code >= 500 or missed or written or (is_let_in(answer) and not may_look):
            wrong.append((address.path, answer.status_code, answer.headers.get("Location"), written))
    assert not wrong, "\n".join(map(str, ["", *wrong]))


@pytest.mark.parametrize("role", sorted({*ROLES} - {AUDITOR}))
def test_who_may_act_is_let_in_and_who_may_not_changes_nothing(addresses, visitors, bodies, role):
    wrong = []
    for address in addresses:
        for body in bodies[address] if role != ANONYMOUS else [{}]:
            with undone():
                wrong += act(visitors[role], role, address, body)
    assert not wrong, "\n".join(map(str, ["", *wrong]))


def act(client: Client, role: str, address: Address, body: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Send it: what is wrong with what came of it."""
    look, act = find_expected(address.name)
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(address.path, body)
    written = written_tables(query["sql"] for query in queries.captured_queries)
    refused = role not in act and (written or (is_let_in(answer) and role not in look))
    is_taken = is_let_in(answer) or leads_on(answer) or answer.status_code in (404, 405)
    missed = role in act and not is_taken and (body or not address.name.endswith("_changelist"))
    is_wrong = answer.status_code >= 500 or refused or missed
    return [(address.name, body.get("action"), answer.status_code, sorted(written))] if is_wrong else []


def test_an_auditor_leaves_every_table_as_it_was(addresses, visitors, bodies):
    auditor, wrong = visitors[AUDITOR], []
    before = sum_tables()

    for address in addresses:
        if address.name == "admin:logout":
            continue  # or all that follows is refused to nobody in particular
        auditor.get(address.path)
        for body in bodies[address]:
            wrong += act(auditor, AUDITOR, address, body)
        for method in ("put", "patch", "delete"):
            getattr(auditor, method)(address.path)

    after = sum_tables()
    assert {table for table in before if before[table] != after[table]} == set()
    assert not wrong, "\n".join(map(str, ["", *wrong]))


def sum_tables() -> dict[str, str]:
    """A checksum of the rows of each table, but of those that tell that somebody came."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition"
        )
        tables = sorted({name for (name,) in cursor.fetchall()} - WRITTEN_BY_ANYBODY)
        parts = [
            f"(SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {table} AS t)"
            for table in tables
        ]
        cursor.execute(f"SELECT {', '.join(parts)}")
        return dict(zip(tables, cursor.fetchone(), strict=True))


def test_no_page_asks_much_of_the_database(looks):
    wrong = []
    for address, looked in looks["administrator"].items():
        asked = [sql for sql in looked.statements if not NO_QUESTION.match(sql)]
        counts = list(unbounded_counts(looked.statements))
        if looked.is_page and (len(asked) > MOST_QUERIES or counts):
            wrong.append((address.name, len(asked), counts))
    assert not wrong, "\n".join(map(str, ["", *wrong]))


def unbounded_counts(statements: list[str]) -> Iterator[str]:
    """Counts over large tables without a limit of rows, nor within one of time."""
    is_timed = False
    for sql in statements:
        if limit := TIME_LIMIT.search(sql):
            is_timed = limit[1] not in ("0", "0ms")
        elif COUNT.search(sql) and LARGE.search(sql) and " LIMIT " not in sql.upper() and not is_timed:
            yield sql


# Headers


@pytest.mark.parametrize("role", [ANONYMOUS, "administrator"])
def test_every_answer_has_the_strict_headers(looks, role):
    for address, (answer, _statements) in looks[role].items():
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff", address
        assert answer.headers["X-Frame-Options"] == "DENY", address
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), address
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", address
        assert "camera=()" in answer.headers["Permissions-Policy"], address
        assert "default-src 'self'" in policy, address
        assert "frame-ancestors 'none'" in policy, address
        assert ("'unsafe-eval'" in policy) == is_frame(answer, address, role), (address, policy)
        assert ("'unsafe-inline'" in policy) == (is_frame(answer, address, role) or is_docs(answer, address)), address


def is_frame(answer: Any, address: Address, role: str) -> bool:
    """A page of the back office for somebody who is signed in: unfold's Alpine compiles what stands in attributes."""
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    return is_page and address.path.startswith("/admin/") and role != ANONYMOUS


def is_docs(answer: Any, address: Address) -> bool:
    """Swagger writes styles."""
    return address.name == "api-docs" and answer.headers["Content-Type"].startswith("text/html")
