"""Who may not export gets no list of contacts, whichever door they try; who may does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from contacts import identity
from contacts.columns import SYSTEM_COLUMNS
from contacts.exports import FORMATS, PACKINGS
from contacts.exports.errors import MayNotExport
from contacts.exports.flow import start_export
from contacts.identity.types import API
from contacts.models import ContactExport, CustomField, ExportRun, ExportStatus, ExportTarget, TargetKind
from crm.models import AuditEntry
from crm.roles import set_role
from segments.models import Segment
from tests.contacts.exports.conftest import SignIn
from tests.contacts.imports.flowing import map_columns, upload

pytestmark = pytest.mark.django_db

ROOMS = ("contacts", "crm", "segments")
PROJECT = Path(__file__).parents[3]
OLENA = b"Olena"


@pytest.fixture
def olena(db: None) -> int:
    record = {"external_id": "C-1", "first_name": "Olena"}
    return identity.resolve_one(record, API, by="user:1").contact_id


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_DIR, settings.IMPORTS_DIR = tmp_path / "exports", tmp_path / "imports"
    settings.EXPORTS_DIR.mkdir()


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def finished_export(settings: Any) -> ContactExport:
    (settings.EXPORTS_DIR / "people.csv").write_bytes(OLENA)
    now = timezone.now()
    return ContactExport.objects.create(
        format="csv", status=ExportStatus.FINISHED, stored_name="people.csv", by="user:1", rows_done=1,
        finished_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip


def page_of(export: int, name: str) -> str:
    return reverse(f"admin:contacts_contactexport_{name}", args=[export])


def list_doors(olena: int, settings: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Every way to a file of contacts that the back office has: method, address, what is sent."""
    segment = Segment.objects.create(name="Guests", type="static")
    run = upload("external_id,first_name", "C-1,Olena", "C-1,Olena", by="command:import")
    map_columns(run)
    export = reverse("admin:contacts_contact_export")
    of_segment = reverse("admin:segments_segment_export", args=[segment.pk])
    ways = (export, f"{export}?selected={olena}", f"{export}?q=olena", of_segment)
    number = finished_export(settings).pk
    choices = [{"format": f"{name}", "packing": packing} for name in FORMATS for packing in ("", *PACKINGS)]
    wishes = [*choices, {"format": "csv", "when": "later"}]
    return [
        *(("get", address, {}) for address in ways),
        *(("post", address, wish) for address in ways for wish in wishes),
        ("get", reverse("admin:contacts_contactexport_changelist"), {}),
        *(("get", page_of(number, name), {}) for name in ("change", "progress", "file")),
        ("get", reverse("admin:contacts_import_file", args=[run.pk]), {}),
        ("get", reverse("admin:contacts_import_errors", args=[run.pk]), {}),
    ]


@pytest.mark.parametrize(
    ("role", "status"), [("marketer", 200), ("marketer_without_export", 403), ("auditor", 403), ("api_only", 403)]
)
def test_every_door_asks_for_the_permission_to_export(
    olena: int, settings: Any, sign_in: SignIn, role: str, status: int
) -> None:
    client = sign_in(role)

    for method, address, given in list_doors(olena, settings):
        answer = getattr(client, method)(address, given)
        assert answer.status_code == (302 if status == 200 and given.get("when") else status), (address, given)
        assert OLENA not in body_of(answer) or status == 200
    assert ContactExport.objects.exclude(status=ExportStatus.FINISHED).exists() == (status == 200)
    assert AuditEntry.objects.filter(action__in=["exported", "downloaded"]).exists() == (status == 200)


@pytest.mark.parametrize("role", ["marketer_without_export", "auditor"])
def test_actions_of_lists_and_settings_lead_to_no_file_either(olena: int, sign_in: SignIn, role: str) -> None:
    field = CustomField.objects.create(key="tier", label="Tier")
    segment = Segment.objects.create(name="Guests", type="static")
    client = sign_in(role)
    chosen = {"action": "export_selected", "_selected_action": [olena], "format": "csv"}

    answers = [
        client.post(reverse("admin:contacts_contact_changelist"), chosen, follow=True),
        client.post(reverse("admin:segments_segment_members", args=[segment.pk]), chosen, follow=True),
        client.post(reverse("admin:contacts_customfield_remove", args=[field.pk]), {"_export": "1"}),
        client.post(reverse("admin:crm_apikey_add"), {"name": "Mine", "scope": "full"}),
        client.post(reverse("admin:contacts_webhook_add"), {"name": "Mine", "url": "https://mine.example.com"}),
    ]

    assert not any("Content-Disposition" in answer for answer in answers)
    assert [answer.status_code for answer in answers[2:]] == [403] * 3
    assert not ContactExport.objects.exists()


def test_whoever_uploaded_a_file_gets_it_back_and_nobody_else_without_the_permission(sign_in: SignIn) -> None:
    client = sign_in("marketer_without_export")
    mine = upload("external_id,first_name", "C-1,Olena", by=f"user:{User.objects.get().pk}")
    theirs = upload("external_id,first_name", "C-1,Olena", by="user:987654")

    answers = [client.get(reverse("admin:contacts_import_file", args=[run.pk])) for run in (mine, theirs)]

    assert [answer.status_code for answer in answers] == [200, 403]
    assert OLENA in body_of(answers[0])
    taken = AuditEntry.objects.get(action="downloaded")
    assert (taken.about, taken.details) == (f"contacts.import:{mine.pk}", {"file": "contacts.csv"})


def test_whoever_loses_the_right_loses_what_they_asked_for_too(
    run_jobs: Callable[[], None], olena: int, settings: Any, sign_in: SignIn
) -> None:
    client = sign_in("marketer")
    export = reverse("admin:contacts_contact_export")
    assert OLENA in body_of(client.post(export, {"format": "csv"}))
    client.post(export, {"format": "csv", "when": "later"})
    run_jobs()
    client.post(export, {"format": "csv", "when": "later"})
    written, waiting = ContactExport.objects.order_by("pk")
    assert OLENA in body_of(client.get(page_of(written.pk, "file")))

    set_role(User.objects.get(username="marketer"), "marketer_without_export")
    run_jobs()

    for one in (written, waiting):
        for name in ("change", "progress", "file"):
            assert client.get(page_of(one.pk, name)).status_code == 403
        assert client.post(page_of(one.pk, "cancel")).status_code == 403
    for method, address, given in list_doors(olena, settings):
        assert getattr(client, method)(address, given).status_code == 403, (address, given)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error) == (ExportStatus.FAILED, MayNotExport().message)
    assert {path.name for path in settings.EXPORTS_DIR.iterdir()} == {written.stored_name, "people.csv"}


@pytest.mark.parametrize("role", ["marketer", "marketer_without_export", "auditor", "api_only"])
def test_only_administrators_send_contacts_to_a_warehouse(role: str, sign_in: SignIn) -> None:
    target = ExportTarget.objects.create(name="Company", kind=TargetKind.POSTGRESQL, settings={"schema": "cardfile"})
    address, asked = "admin:contacts_exporttarget", {"name": "Mine", "secret": "postgresql://mine.example.com/mine"}
    client = sign_in(role)
    looks = [
        reverse(f"{address}_changelist"),
        *(reverse(f"{address}_{name}", args=[target.pk]) for name in ("change", "tables", "progress")),
    ]
    changes = [
        reverse(f"{address}_add"),
        *(reverse(f"{address}_{name}", args=[target.pk]) for name in ("change", "tables", "delete")),
        *(reverse(f"{address}_do", args=[target.pk, verb]) for verb in ("test", "run", "full", "cancel")),
    ]

    seen = 200 if role == "auditor" else 403
    assert [client.get(address).status_code for address in looks] == [seen] * len(looks)
    assert [client.post(address, asked).status_code for address in changes] == [403] * len(changes)
    assert not ExportRun.objects.exists()
    assert list(ExportTarget.objects.values_list("name", "secret")) == [("Company", target.secret)]


@pytest.mark.parametrize("scope", ["contacts_and_events_write", "events"])
def test_a_key_that_may_not_read_contacts_gets_them_by_no_way(call_api: Any, olena: int, scope: str) -> None:
    export = start_export(population=None, format="csv", by="key:1")
    calls = [
        *(("post", "/v1/exports", wish) for wish in ({}, {"search": "olena"}, {"contactIds": [olena]})),
        ("get", "/v1/exports", None),
        ("get", f"/v1/exports/{export.pk}", None),
        ("post", f"/v1/exports/{export.pk}/cancel", None),
        ("get", "/v1/contacts", None),
        ("get", f"/v1/contact/{olena}", None),
        ("get", "/v1/warehouses", None),
        ("post", "/v1/warehouses", {"name": "Mine"}),
    ]

    answers = [call_api(method, f"/api{path}", body, scope=scope) for method, path, body in calls]

    assert [answer.status_code for answer in answers] == [403] * len(calls)
    assert ContactExport.objects.get().status == ExportStatus.QUEUED


# Behind the doors


def test_the_verb_itself_refuses_a_user_who_may_not_export(olena: int) -> None:
    user = User.objects.create_user("clerk", is_staff=True)

    for by in (f"user:{user.pk}", "user:987654", "user:", "user:x"):
        with pytest.raises(MayNotExport, match="Ask an administrator"):
            start_export(population=None, format="csv", by=by)

    assert not ContactExport.objects.exists()


def test_who_lost_the_permission_before_the_file_was_written_gets_none(
    run_jobs: Callable[[], None], olena: int, settings: Any
) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="export_contact"))
    export = start_export(population=None, format="csv", by=f"user:{user.pk}")
    user.user_permissions.clear()

    run_jobs()

    export.refresh_from_db()
    assert (export.status, export.error) == (ExportStatus.FAILED, MayNotExport().message)
    assert not list(settings.EXPORTS_DIR.iterdir())


ASKING, NOW = "contacts/admin/settings/field_pages.py", "contacts/admin/exports.py"


@pytest.mark.parametrize(
    ("verb", "doors"),
    [
        ("start_export", {ASKING, NOW, "contacts/api/transfers.py"}),
        ("write_contacts", {NOW}),
        ("open_file", {"contacts/admin/exported.py", "contacts/api/files.py"}),
        ("open_writer", {"contacts/exports/files.py", "contacts/exports/flow.py"}),
    ],
)
def test_a_new_door_to_a_file_of_contacts_has_to_be_tried_here(verb: str, doors: set[str]) -> None:
    calls = re.compile(rf"(?<!def )\b{verb}\(")
    sources = {path: path.read_text() for room in ROOMS for path in (PROJECT / room).rglob("*.py")}
    ours = re.compile(r"contacts\.exports|import flow as exports")
    found = {path for path, text in sources.items() if calls.search(text) and ours.search(text)}

    assert {str(path.relative_to(PROJECT)) for path in found if "warehouse" not in path.parts} == doors


def test_columns_may_be_asked_for_by_their_names_on_the_wire(olena: int) -> None:
    wires = [column.wire for column in SYSTEM_COLUMNS if column.read]

    export = start_export(population=None, format="csv", columns=wires, by="key:1")

    assert export.columns == [column.key for column in SYSTEM_COLUMNS if column.read]
