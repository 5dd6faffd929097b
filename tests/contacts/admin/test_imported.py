"""What an import leaves behind on the sheets and in the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from contacts.identity.types import IMPORT
from contacts.models import Import, ImportStatus
from tests.people import Stage, Step, change, deleted, have

LIST = reverse("admin:contacts_contact_changelist")
WHEN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def ran(name: str) -> Import:
    oksana, _ = User.objects.get_or_create(username="oksana", first_name="Oksana", last_name="Melnyk")
    return Import.objects.create(
        file_name=name, by=f"user:{oksana.pk}", status=ImportStatus.FINISHED, started_at=WHEN, rows_done=1, options={}
    )


def imported(name: str, run: Import, **record: Any) -> Step:
    return have(name, record, replace(IMPORT, import_id=run.pk))


def updated(name: str, run: Import, **record: Any) -> Step:
    def step(stage: Stage) -> None:
        stage.resolve({"id": stage.ids[name], **record}, replace(IMPORT, import_id=run.pk, key="id"))

    return step


def listed(client: Any, **parameters: Any) -> list[str]:
    return [contact.first_name for contact in client.get(LIST, parameters).context["cl"].result_list]


@pytest.fixture
def runs(play: Any) -> tuple[Import, Import]:
    """Olena and Ivan came with spring.csv, autumn.csv changed Olena and brought Taras; Bohdan came by the API."""
    spring, autumn = ran("spring.csv"), ran("autumn.csv")
    play(
        imported("olena", spring, external_id="C-1", first_name="Olena"),
        imported("ivan", spring, external_id="C-2", first_name="Ivan"),
        have("bohdan", {"external_id": "C-3", "first_name": "Bohdan"}),
        updated("olena", autumn, town="Lutsk"),
        imported("taras", autumn, external_id="C-4", first_name="Taras"),
        change("olena", {"last_name": "Shevchenko"}),
        deleted("ivan"),
    )
    return spring, autumn


def test_a_history_says_which_file_brought_a_change_who_imported_it_and_when(admin_client, stage, runs):
    page = admin_client.get(reverse("admin:contacts_contact_journal", args=[stage.ids["olena"]]))

    text = " ".join(page.content.decode().split())
    assert "From the file autumn.csv (Oksana Melnyk, 2026-11-20 09:30)." in text
    found = [(entry.kind, entry.imported and entry.imported.file_name) for entry in page.context["entries"]]
    assert found == [("updated", None), ("updated", "autumn.csv"), ("created", "spring.csv")]
    [line] = page.context["entries"][1].lines
    assert (line.label, line.after) == ("Town", "Lutsk")


def test_a_history_with_many_imports_takes_no_more_statements(
    admin_client, play, stage, runs, django_assert_max_num_queries
):
    play(*(updated("olena", ran(f"{number}.csv"), town=f"Town {number}") for number in range(20)))

    with django_assert_max_num_queries(15):
        admin_client.get(reverse("admin:contacts_contact_journal", args=[stage.ids["olena"]]))


def test_the_list_shows_whom_an_import_touched(admin_client, runs):
    spring, autumn = runs

    assert sorted(listed(admin_client, **{"import": autumn.pk})) == ["Olena", "Taras"]
    assert listed(admin_client, **{"import": spring.pk}) == ["Olena"]
    assert listed(admin_client, **{"import": spring.pk, "state": "deleted"}) == ["Ivan"]
    assert listed(admin_client, **{"import": autumn.pk, "q": "tar"}) == ["Taras"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "٣", "1 OR 1=1"])
def test_the_number_of_no_import_lists_nobody(admin_client, runs, number):
    assert listed(admin_client, **{"import": number}) == []


def test_the_filter_offers_the_latest_imports_and_the_one_that_is_shown(admin_client, runs):
    spring, _ = runs
    for number in range(10):
        ran(f"weekly {number}.csv")

    latest, older = admin_client.get(LIST).content.decode(), admin_client.get(LIST, {"import": spring.pk})

    assert "weekly 9.csv" in latest
    assert "spring.csv" not in latest
    assert f"spring.csv ({spring.pk})" in older.content.decode()
