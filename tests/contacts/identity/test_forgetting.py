"""Changes that the account keeps no longer are forgotten, and nothing that may still be taken back or told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.identity import resolve
from contacts.identity.old_changes import find_old_changes, forget_old_changes, journal_begins
from contacts.identity.types import API, IMPORT
from contacts.imports import flow
from contacts.imports.errors import ChangesForgotten
from contacts.models import Change, Import, ImportStatus, Policy, Webhook
from contacts.retention import apply_retention

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=100)
BEFORE = NOW - timedelta(days=90)


@pytest.fixture
def journal(db: None) -> int:
    """Olena came long ago and moved today; changes are kept for 90 days."""
    Policy.objects.create(journal_kept_days=90)
    [olena] = resolve([{"email": "olena@example.com"}], API, by="user:1", at=LONG_AGO)
    resolve([{"email": "olena@example.com", "town": "Lviv"}], API, by="user:1", at=NOW)
    assert olena.contact_id is not None
    return olena.contact_id


def kinds(contact_id: int) -> list[str]:
    return list(Change.objects.filter(contact_id=contact_id).order_by("id").values_list("kind", flat=True))


def test_old_changes_go_and_new_ones_stay(journal):
    begins = journal_begins(at=NOW)
    assert begins is not None
    assert find_old_changes(begins, seconds=5) == (1, True)
    assert kinds(journal) == ["created", "updated"]

    assert forget_old_changes(BEFORE) == 1

    assert kinds(journal) == ["updated"]
    assert find_old_changes(begins, seconds=5) == (0, True)


def test_without_a_number_of_days_everything_is_kept(journal):
    Policy.objects.update(journal_kept_days=None)

    assert journal_begins() is None
    run = apply_retention(by="rule:retention", at=NOW)
    assert run is not None
    assert "changes" not in run.lines
    assert kinds(journal) == ["created", "updated"]


def test_what_a_webhook_was_not_told_of_waits(journal):
    webhook = Webhook.objects.create(
        name="Shop", url="https://shop.example.com", kinds=["created"], positions={"contacts": 0}
    )
    assert forget_old_changes(BEFORE) == 0

    webhook.positions = {"contacts": Change.objects.latest("id").pk}
    webhook.save()

    assert forget_old_changes(BEFORE) == 1


def test_an_import_is_taken_back_as_a_whole_or_not_at_all(journal):
    """One that ended lately keeps what it did long ago; one that ended long ago is refused, and says so."""
    run = Import.objects.create(
        file_name="people.csv", by="user:1", status=ImportStatus.FINISHED, rows_done=1, finished_at=NOW
    )
    plan = replace(IMPORT, import_id=run.pk)
    [taras] = resolve([{"email": "taras@example.com"}], plan, by="user:1", at=LONG_AGO)

    forget_old_changes(BEFORE)
    assert kinds(taras.contact_id or 0) == ["created"]

    Import.objects.update(finished_at=LONG_AGO)
    forget_old_changes(BEFORE)
    assert kinds(taras.contact_id or 0) == []
    with pytest.raises(ChangesForgotten):
        flow.start_undo(run, by="user:1")
