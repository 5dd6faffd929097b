from dataclasses import replace

import pytest

from contacts.admin.journal import read_history
from contacts.identity import resolve
from contacts.identity import types as plans
from contacts.identity.undo import find_extent, take_back_slice
from contacts.models import Import

pytestmark = pytest.mark.django_db


def test_the_history_names_the_file_whose_changes_were_taken_back() -> None:
    run = Import.objects.create(file_name="people.csv", by="user:1")
    [olena] = resolve([{"external_id": "C1", "first_name": "Olena"}], plans.API, by="key:1")
    assert olena.contact_id is not None
    plan = replace(plans.IMPORT, import_id=run.pk)
    resolve([{"external_id": "C1", "first_name": "Olha"}], plan, by=f"import:{run.pk}")
    take_back_slice(run.pk, find_extent(run.pk), mark=None, by="user:1")

    entries, _ = read_history(olena.contact_id, labels={})

    assert [entry.title for entry in entries] == ["Import taken back", "Updated", "Created"]
    assert entries[0].imported is not None
    assert entries[0].imported.file_name == "people.csv"
    assert [(line.before, line.after) for line in entries[0].lines] == [("Olha", "Olena")]
