"""The lists of imports and of exports are narrowed by the conditions that the API's lists have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.exports.filters import STATUSES as EXPORT_STATUSES
from contacts.imports.filters import STATUSES as IMPORT_STATUSES
from contacts.models import ContactExport, ExportStatus, Import, ImportStatus

pytestmark = pytest.mark.django_db

LISTS = {
    "imports": ("/admin/contacts/import/", "/api/v1/imports", IMPORT_STATUSES),
    "exports": ("/admin/contacts/contactexport/", "/api/v1/exports", EXPORT_STATUSES),
}


@pytest.fixture(autouse=True)
def jobs() -> None:
    """One in each status, the first of them of long ago."""
    for status in ImportStatus.values:
        Import.objects.create(file_name="people.csv", status=status, by="user:1")
    for status in ExportStatus.values:
        ContactExport.objects.create(format="csv", status=status, by="user:1")
    for model in (Import, ContactExport):
        first = model.objects.order_by("pk")[:1]
        model.objects.filter(pk__in=first).update(created_at=datetime.now(UTC) - timedelta(days=10))


def shown(client: Any, path: str, query: str = "") -> list[int]:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.mark.parametrize("status", IMPORT_STATUSES)
@pytest.mark.parametrize("name", LISTS)
def test_a_status_finds_in_the_back_office_what_it_finds_in_the_api(admin_client, call_api, name, status):
    page, path, statuses = LISTS[name]

    found = shown(admin_client, page, f"status={status}")

    assert found == [job["id"] for job in call_api("get", f"{path}?status={status}").json()]
    assert len(found) == len(statuses[status])


@pytest.mark.parametrize("name", LISTS)
def test_what_is_older_than_that_is_left_out(admin_client, name):
    page, _path, _statuses = LISTS[name]
    everything = shown(admin_client, page)

    assert shown(admin_client, page, "days=7") == everything[:-1]
    assert shown(admin_client, page, "days=30") == everything


@pytest.mark.parametrize("query", ["status=late", "days=x", "days=9999999999999"])
@pytest.mark.parametrize("name", LISTS)
def test_a_choice_that_there_is_not_narrows_nothing(admin_client, name, query):
    page, _path, _statuses = LISTS[name]

    assert shown(admin_client, page, query) == shown(admin_client, page)
