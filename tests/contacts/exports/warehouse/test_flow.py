"""What people and the clock do with a warehouse, up to the moment at which a worker takes the run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from contacts.exports.warehouse.errors import ExportGoesOn, NothingToExport, TargetOff
from contacts.exports.warehouse.flow import (
    cancel_run,
    choose_tables,
    forget_old_runs,
    start_due_runs,
    start_run,
)
from contacts.exports.warehouse.jobs import fail
from contacts.models import CustomField, ExportRun, ExportTable, ExportTarget, RunKind, RunStatus
from crm.errors import Refused

pytestmark = pytest.mark.django_db
Make = Callable[..., ExportTarget]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def contacts_of(target: ExportTarget) -> ExportTable:
    return target.tables.get(data_set="contacts")


# Tables and columns


def test_a_new_export_has_every_column_the_external_id_and_custom_fields_too(have_target: Make) -> None:
    CustomField.objects.create(key="shoe_size", label="Shoe size", type="number")
    choose_tables(target := have_target(), {"contacts": None})
    columns = contacts_of(target).columns
    assert {"id", "external_id", "email", "phone", "source", "fields.shoe_size"} <= set(columns)
    assert contacts_of(target).columns_to_fill == columns


def test_an_existing_export_keeps_its_columns_until_somebody_adds_one(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    CustomField.objects.create(key="shoe_size", label="Shoe size", type="number")
    before = contacts_of(target).columns
    choose_tables(target, {"contacts": None, "identifiers": None})
    assert contacts_of(target).columns == before
    choose_tables(target, {"contacts": [*before, "fields.shoe_size"]})
    assert contacts_of(target).columns == [*before, "fields.shoe_size"]


def test_what_rows_are_known_by_leaves_whether_it_was_chosen_or_not(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": ["email"]})
    assert contacts_of(target).columns == ["id", "email"]


def test_a_data_set_that_was_taken_away_leaves_no_more(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None, "identifiers": None})
    choose_tables(target, {"contacts": None})
    assert [table.data_set for table in target.tables.all()] == ["contacts"]


@pytest.mark.parametrize(
    ("chosen", "path"), [({"invoices": None}, "invoices"), ({"contacts": ["shoe_size"]}, "contacts.columns")]
)
def test_what_there_is_not_is_refused_with_its_place(
    have_target: Make, chosen: dict[str, list[str] | None], path: str
) -> None:
    target = have_target()
    with pytest.raises(Refused) as refused:
        choose_tables(target, chosen)
    assert [error.path for error in refused.value.errors] == [path]
    assert not target.tables.exists()


# Runs


def test_one_run_of_a_warehouse_goes_on_at_a_time(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    start_run(target, by="user:1")
    with pytest.raises(ExportGoesOn):
        start_run(target, by="user:1")


def test_a_warehouse_without_tables_is_not_run(have_target: Make) -> None:
    with pytest.raises(NothingToExport):
        start_run(have_target(), by="user:1")


def test_a_warehouse_that_is_switched_off_is_not_run(have_target: Make) -> None:
    choose_tables(target := have_target(is_active=False), {"contacts": None})
    with pytest.raises(TargetOff):
        start_run(target, by="user:1")


def test_a_full_run_sends_everything_anew_and_another_one_does_not(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    target.tables.update(needs_full=False)
    cancel_run(start_run(target, by="user:1"))
    assert not contacts_of(target).needs_full
    start_run(target, RunKind.FULL, by="user:1")
    assert contacts_of(target).needs_full


def test_a_run_that_waits_is_cancelled_at_once_and_one_under_way_is_asked_to_stop(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    assert cancel_run(start_run(target, by="user:1")).status == RunStatus.CANCELLED
    run = start_run(target, by="user:1")
    ExportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING)
    cancelled = cancel_run(run)
    assert (cancelled.status, cancelled.wish) == (RunStatus.RUNNING, "cancel")


# By the clock


def test_what_is_due_begins_and_its_next_time_is_set(have_target: Make) -> None:
    choose_tables(target := have_target(every_minutes=15, next_run_at=NOW), {"contacts": None})
    assert start_due_runs(now=NOW) == 1
    target.refresh_from_db()
    assert target.next_run_at == NOW + timedelta(minutes=15)
    assert [run.by for run in target.runs.all()] == ["rule:schedule"]


def test_what_was_due_while_nobody_worked_is_made_up_for_once(have_target: Make) -> None:
    target = have_target(every_minutes=15, next_run_at=NOW - timedelta(days=1))
    choose_tables(target, {"contacts": None})
    assert (start_due_runs(now=NOW), start_due_runs(now=NOW)) == (1, 0)


def test_a_run_that_goes_on_longer_than_its_interval_is_left_alone(have_target: Make) -> None:
    choose_tables(target := have_target(every_minutes=1, next_run_at=NOW), {"contacts": None})
    start_due_runs(now=NOW)
    assert start_due_runs(now=NOW + timedelta(minutes=5)) == 0
    assert target.runs.count() == 1


def test_a_warehouse_that_is_switched_off_does_not_run_by_itself(have_target: Make) -> None:
    choose_tables(have_target(every_minutes=1, next_run_at=NOW, is_active=False), {"contacts": None})
    assert start_due_runs(now=NOW) == 0


# How it ended


def test_the_owner_is_told_by_the_first_failure_of_a_row(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    for _ in range(2):
        fail(start_run(target, by="rule:schedule"), "The target has no room left. Make room there.", "target_full")
    [told] = mail.outbox
    assert told.to == ["olena@company.example"]
    assert "Make room there." in told.body
    target.refresh_from_db()
    assert target.failed_at is not None


def test_the_history_keeps_three_months(have_target: Make) -> None:
    choose_tables(target := have_target(), {"contacts": None})
    for days in (10, 100):
        run = cancel_run(start_run(target, by="user:1"))
        ExportRun.objects.filter(pk=run.pk).update(finished_at=NOW - timedelta(days=days))
    assert forget_old_runs(now=NOW) == 1
    assert target.runs.count() == 1
