"""Warehouses by the API: kept, tested, run; a secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contacts.exports.warehouse.choosing import choose_all
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.models import ExportRun, ExportTarget
from crm.models import AuditEntry
from crm.secrets import decrypt

pytestmark = pytest.mark.django_db

ALL = "/api/v1/warehouses"
DSN = "postgresql://writer:geheim@warehouse.example.com:5432/company"


def wish(**changed: Any) -> dict[str, Any]:
    place = {"kind": "postgresql", "secret": DSN, "settings": {"schema": "cardfile"}}
    return {"name": "Company", **place, "everyMinutes": 30, **changed}


def one(target: ExportTarget, rest: str = "") -> str:
    return f"{ALL}/{target.pk}{rest}"


def refused_at(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [entry["path"] for entry in answer.json()["validationErrors"]]


def test_a_warehouse_is_added_with_everything_and_its_secret_is_not_told(call_api: Any) -> None:
    answer = call_api("post", ALL, wish())

    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert set(told["tables"]) == set(DATA_SETS)
    assert "external_id" in told["tables"]["contacts"]["columns"]
    assert (told["everyMinutes"], told["hasSecret"], told["settings"]["schema"]) == (30, True, "cardfile")
    assert b"geheim" not in answer.content + call_api("get", ALL).content
    assert decrypt(bytes(ExportTarget.objects.get().secret or b"")) == DSN
    assert AuditEntry.objects.get(about=f"contacts.exporttarget:{told['id']}").action == "added"


def test_only_what_is_named_leaves(call_api: Any) -> None:
    tables = {"contacts": {"columns": ["external_id"], "name": "people"}, "orders": {}}

    told = call_api("post", ALL, wish(tables=tables)).json()

    assert set(told["tables"]) == {"contacts", "orders"}
    assert told["tables"]["contacts"]["columns"] == ["id", "external_id"]
    assert told["tables"]["contacts"]["name"] == "people"


def test_only_what_is_sent_changes(call_api: Any) -> None:
    call_api("post", ALL, wish())
    target = ExportTarget.objects.get()

    changed = call_api("patch", one(target), {"everyMinutes": None, "cron": "0 6 * * *"})

    assert changed.status_code == 200, changed.content
    assert (changed.json()["cron"], changed.json()["name"], changed.json()["everyMinutes"]) == (
        "0 6 * * *",
        "Company",
        None,
    )
    target.refresh_from_db()
    assert decrypt(bytes(target.secret or b"")) == DSN


REFUSED = [
    (wish(name=""), "name"),
    (wish(name=7), "name"),
    (wish(name="\x00"), "name"),
    (wish(kind="oracle"), "kind"),
    (wish(kind=["postgresql"]), "kind"),
    (wish(secret="::"), "secret"),
    (wish(secret=None), "secret"),
    ({"name": "Company", "kind": "postgresql"}, "secret"),
    (wish(settings=[]), "settings"),
    (wish(settings={"shown": "x"}), "settings"),
    (wish(settings={"schema": 7}), "settings.schema"),
    (wish(settings={"schema": "pg_catalog"}), "settings.schema"),
    (wish(everyMinutes=0), "everyMinutes"),
    (wish(everyMinutes=10**30), "everyMinutes"),
    (wish(everyMinutes="often"), "everyMinutes"),
    (wish(everyMinutes=None, cron="at six"), "cron"),
    (wish(deletions="never"), "deletions"),
    (wish(isActive="yes"), "isActive"),
    (wish(tables=[]), "tables"),
    (wish(tables={"secrets": {}}), "tables.secrets"),
    (wish(tables={"contacts": 7}), "tables.contacts.columns"),
    (wish(tables={"contacts": {"columns": ["shoe_size"]}}), "tables.contacts.columns"),
    (wish(tables={"contacts": {"name": 'x"; DROP'}}), "tables.contacts.name"),
    ([], ""),
]


@pytest.mark.parametrize(("body", "path"), REFUSED)
def test_what_cannot_be_kept_is_refused_at_its_place(call_api: Any, body: Any, path: str) -> None:
    answer = call_api("post", ALL, body)

    assert refused_at(answer) == [path]
    assert not ExportTarget.objects.exists()


HALVES = [
    b'{"name": "\\ud800", "kind": "postgresql"}',
    b'{"name": "Company", "kind": "\\ud800"}',
    b'{"name": "Company", "kind": "postgresql", "secret": "\\ud800"}',
    b'{"name": "Company", "kind": "postgresql", "secret": "", "settings": {"\\ud800": ""}}',
    b'{"name": "Company", "kind": "postgresql", "secret": "", "tables": {"\\ud800": {"columns": ["\\ud800"]}}}',
]


@pytest.mark.parametrize("body", HALVES)
def test_half_a_character_is_refused(call_api: Any, body: bytes) -> None:
    answer = call_api("post", ALL, body, content_type="application/json")

    assert answer.status_code in (400, 422)
    assert not ExportTarget.objects.exists()


def test_a_run_is_started_once_listed_and_cancelled(call_api: Any, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    assert call_api("post", one(target, "/runs"), {}).json()["code"] == "nothing_to_export"
    choose_all(target)

    started = call_api("post", one(target, "/runs"), {"kind": "full"})
    again = call_api("post", one(target, "/runs"), {})
    cancelled = call_api("post", one(target, "/cancel"), {})
    nothing = call_api("post", one(target, "/cancel"), {})

    assert (started.status_code, started.json()["kind"], started.json()["status"]) == (201, "full", "queued")
    assert (again.status_code, again.json()["code"]) == (409, "export_goes_on")
    assert cancelled.json()["status"] == "cancelled"
    assert nothing.status_code == 404
    assert [run["id"] for run in call_api("get", one(target, "/runs")).json()] == [started.json()["id"]]
    assert refused_at(call_api("post", one(target, "/runs"), {"kind": "half"})) == ["kind"]
    assert AuditEntry.objects.get(action="exported").details["kind"] == "full"


def test_the_connection_is_tested(call_api: Any, company: Any) -> None:
    call_api("post", ALL, wish(secret=company.dsn))
    target = ExportTarget.objects.get()
    assert call_api("post", one(target, "/test"), {}).json() == {"works": True, "problems": []}
    company.server.execute("DROP SCHEMA cardfile CASCADE")

    answer = call_api("post", one(target, "/test"), {}).json()

    assert not answer["works"]
    assert answer["problems"][0]["message"].endswith(".")


def test_one_is_deleted_and_its_runs_go_along(call_api: Any, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    ExportRun.objects.create(target=target, kind="full", by="key:1", status="finished")

    assert call_api("delete", one(target)).status_code == 204
    assert call_api("get", one(target)).status_code == 404
    assert not ExportRun.objects.exists()
