"""The page of an export: how far it is, what came of it, and of whom it is; the list says the same in a line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import ContactExport, ExportStatus
from segments.models import Segment

pytestmark = pytest.mark.django_db

LIST = reverse("admin:contacts_contactexport_changelist")


def have_export(**stands: Any) -> ContactExport:
    return ContactExport.objects.create(**{"format": "csv", "by": "key:1", **stands})


def page_of(export: ContactExport | int, name: str = "change") -> str:
    number = export if isinstance(export, int) else export.pk
    return reverse(f"admin:contacts_contactexport_{name}", args=[number])


def in_hours(hours: int) -> Any:
    return timezone.now() + timedelta(hours=hours)


SAID = {
    "waiting": ({}, "Waiting for the worker…"),
    "written": ({"status": "running", "rows_total": 8, "rows_done": 2}, "2 of 8 contacts"),
    "there": ({"status": "finished", "rows_total": 1, "rows_done": 1, "expires_at": in_hours(1)}, "The file is ready."),
    "expired": ({"status": "finished", "expires_at": in_hours(-1)}, "The file is not there any more. Export again."),
    "failed": ({"status": "failed", "error": "There is no room."}, "There is no room."),
    "withdrawn": ({"status": "withdrawn"}, "Somebody was erased since, who may be in the file. Export again."),
    "cancelled": ({"status": "cancelled"}, "It was cancelled, and nothing of the file is left."),
}


@pytest.mark.parametrize(("stands", "sentence"), SAID.values(), ids=SAID)
def test_the_page_says_what_came_of_it(admin_client: Any, stands: dict[str, Any], sentence: str) -> None:
    began = {"started_at": timezone.now()} if stands.get("rows_total") else {}
    export = have_export(**stands, **began)

    page = admin_client.get(page_of(export)).content.decode()

    assert sentence in page
    is_there = sentence == "The file is ready."
    assert (page_of(export, "file") in page) == is_there
    listed = admin_client.get(LIST).content.decode()
    assert page_of(export) in listed
    assert (page_of(export, "file") in listed) == is_there


def test_the_script_is_told_how_far_it_is_and_when_to_read_the_page_anew(admin_client: Any) -> None:
    export = have_export()
    waiting = admin_client.get(page_of(export, "progress"))
    began = timezone.now() - timedelta(seconds=10)
    ContactExport.objects.update(status="running", rows_total=300, rows_done=100, started_at=began)

    running = admin_client.get(page_of(export, "progress"))

    assert waiting["Cache-Control"].startswith("no-store")
    assert (waiting.json()["state"], waiting.json()["percent"]) == ("queued", None)
    told = running.json()
    assert (told["state"], told["percent"], told["title"]) == ("running", 33, "33 % · The file is being written")
    assert told["line"].startswith("100 of 300 contacts · ")
    assert told["line"].endswith(" left")


@pytest.mark.parametrize("name", ["change", "progress", "file"])
@pytest.mark.parametrize("number", [987_654, 10**30])
def test_one_that_there_is_not_is_not_found(admin_client: Any, name: str, number: int) -> None:
    assert admin_client.get(page_of(number, name)).status_code == 404


WHOM = {
    "everybody": ({}, "All contacts"),
    "some by hand": ({"selection": {"ids": [1, 2]}}, "2 by hand"),
    "a search": ({"selection": {"conditions": {"q": "olena"}}}, "olena"),
    "a field that is gone": ({"selection": {"conditions": {"fields.gone": "1"}}}, "fields.gone: 1"),
    "what nobody can read any more": ({"selection": {"conditions": 7}}, "What the list showed"),
    "a segment that is gone": ({"population": 987_654}, "987654"),
    "some columns": ({"columns": ["external_id", "fields.gone"]}, "External ID, gone"),
}


@pytest.mark.parametrize(("chosen", "said"), WHOM.values(), ids=WHOM)
def test_the_page_says_whose_contacts_and_what_of_them(admin_client: Any, chosen: dict[str, Any], said: str) -> None:
    export = have_export(status=ExportStatus.CANCELLED, **chosen)

    facts = dict(admin_client.get(page_of(export)).context["facts"])

    assert said in (facts["Columns"] if "columns" in chosen else facts["Contacts of"])
    assert admin_client.get(LIST).status_code == 200


def test_a_segment_is_called_by_its_name(admin_client: Any) -> None:
    segment = Segment.objects.create(name="Readers", type="static")

    answer = admin_client.get(page_of(have_export(population=segment.pk)))

    assert answer.context["title"] == "Export: Readers"
