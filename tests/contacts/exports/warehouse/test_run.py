"""A warehouse is filled once, kept up to date from then on, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail

from contacts.exports.warehouse.flow import cancel_run, check_target, choose_tables, save_target, start_run
from contacts.exports.warehouse.jobs import attend
from contacts.models import CustomField, Deletions, ExportRun, ExportTarget, RunKind, RunStatus, TargetKind
from crm.errors import Refused
from crm.jobs import WorkerStopping
from tests.contacts.exports.warehouse.conftest import Company
from tests.people import BOHDAN, OLENA, TARAS, Stage, change, deleted, erased, have, merged

PEOPLE = (
    have("Olena", {"external_id": "O-1", "email": OLENA, "first_name": "Olena", "fields.tier": "gold"}),
    have("Bohdan", {"external_id": "B-1", "email": BOHDAN, "first_name": "Bohdan"}),
    have("Taras", {"external_id": "T-1", "email": TARAS}),
)


@pytest.fixture
def people(stage: Stage) -> Stage:
    for step in PEOPLE:
        step(stage)
    return stage


@pytest.fixture
def target(company: Company, olena: object) -> ExportTarget:
    """The company's database, with contacts to be exported in every column."""
    kept = ExportTarget(name="Company", kind=TargetKind.POSTGRESQL, settings={"schema": "cardfile"}, owner=olena)
    save_target(kept, secret=company.dsn)
    choose_tables(kept, {"contacts": None, "identifiers": None})
    return kept


def bring_up(
    target: ExportTarget, kind: str = RunKind.INCREMENTAL, tell: Callable[[], object] = lambda: None
) -> ExportRun:
    run = start_run(target, kind, by="user:1")
    attend(run.pk, tell=tell)
    run.refresh_from_db()
    return run


def test_the_first_run_brings_everything_the_external_id_too(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    run = bring_up(target)
    assert (run.status, run.error) == (RunStatus.FINISHED, "")
    olena = company.of(people.ids["Olena"])
    assert olena is not None
    assert (olena["externalCustomerId"], olena["email"], olena["firstName"]) == ("O-1", OLENA, "Olena")
    assert olena["field_tier"] == "gold"
    assert run.counts["contacts"] == {"written": 3, "removed": 0}
    assert run.bytes > 0


def test_the_next_run_sends_what_changed_and_nothing_else(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    bring_up(target)
    change("Bohdan", {"first_name": "Bogdan"})(people)
    run = bring_up(target)
    assert run.status == RunStatus.FINISHED
    assert run.counts["contacts"]["written"] == 1
    assert [row["firstName"] for row in company.rows()] == ["Olena", "Bogdan", None]


def test_a_run_after_which_nothing_happened_sends_nothing(people: Stage, target: ExportTarget) -> None:
    bring_up(target)
    assert (bring_up(target).counts, bring_up(target).bytes) == ({}, 0)


def test_the_deleted_and_the_merged_are_flagged_and_the_erased_removed(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    have("Oksana", {"external_id": "K-1"})(people)
    bring_up(target)
    for step in (deleted("Bohdan"), merged("Olena", "Taras"), erased("Oksana")):
        step(people)
    bring_up(target)
    flags = {row["contactId"]: (row["isDeleted"], row["mergedInto"]) for row in company.rows()}
    ids = people.ids
    assert flags == {ids["Olena"]: (False, None), ids["Bohdan"]: (True, None), ids["Taras"]: (True, ids["Olena"])}


def test_the_deleted_and_the_merged_are_removed_where_that_was_chosen(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    target.deletions = Deletions.REMOVE
    save_target(target)
    bring_up(target)
    for step in (deleted("Bohdan"), merged("Olena", "Taras")):
        step(people)
    bring_up(target)
    assert [row["contactId"] for row in company.rows()] == [people.ids["Olena"]]


def test_choosing_that_the_deleted_go_makes_the_table_anew(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    deleted("Bohdan")(people)
    bring_up(target)
    target.deletions = Deletions.REMOVE
    save_target(target)
    bring_up(target)
    assert company.of(people.ids["Bohdan"]) is None


def test_a_column_that_somebody_adds_is_added_there_and_filled(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    choose_tables(target, {"contacts": ["email"]})
    bring_up(target)
    assert set(company.rows()[0]) == {"contactId", "email"}
    choose_tables(target, {"contacts": ["email", "external_id"]})
    assert target.tables.get().columns_to_fill == ["external_id"]
    bring_up(target)
    assert [row["externalCustomerId"] for row in company.rows()] == ["O-1", "B-1", "T-1"]
    assert target.tables.get().columns_to_fill == []


def test_the_column_of_a_field_that_is_gone_goes_there_too(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    bring_up(target)
    assert "field_tier" in company.rows()[0]
    CustomField.objects.get(key="tier").delete()
    assert bring_up(target).status == RunStatus.FINISHED
    assert "field_tier" not in company.rows()[0]


def test_a_full_run_sends_everything_anew(people: Stage, target: ExportTarget, company: Company) -> None:
    bring_up(target)
    company.server.execute('UPDATE cardfile.contacts SET "firstName" = $$Nobody$$')
    assert bring_up(target, RunKind.FULL).counts["contacts"]["written"] == 3
    assert [row["firstName"] for row in company.rows()] == ["Olena", "Bohdan", None]


def test_a_table_that_was_dropped_there_is_told_and_a_full_run_makes_it_anew(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    bring_up(target)
    company.server.execute("DROP TABLE cardfile.contacts")
    run = bring_up(target)
    assert run.status == RunStatus.FAILED
    assert run.error_code == "target_changed"
    assert run.error.endswith(".")
    [told] = mail.outbox
    assert run.error in told.body
    assert bring_up(target, RunKind.FULL).status == RunStatus.FINISHED
    assert len(company.rows()) == 3
    target.refresh_from_db()
    assert target.failed_at is None


def test_a_column_that_was_dropped_there_is_told_and_nothing_is_guessed(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    bring_up(target)
    company.server.execute('ALTER TABLE cardfile.contacts DROP COLUMN "lastName"')
    change("Bohdan", {"first_name": "Bogdan"})(people)
    run = bring_up(target)
    assert run.status == RunStatus.FAILED
    assert "lastName" in run.error
    assert company.of(people.ids["Bohdan"])["firstName"] == "Bohdan"  # type: ignore[index]


def test_a_run_whose_worker_stops_goes_on_with_the_next_piece(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    calls = 0

    def stop_at_the_third() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise WorkerStopping

    run = bring_up(target, tell=stop_at_the_third)
    assert run.status == RunStatus.RUNNING
    attend(run.pk, tell=lambda: None)
    run.refresh_from_db()
    assert run.status == RunStatus.FINISHED
    assert run.counts["contacts"]["written"] == 3
    assert len(company.rows()) == 3
    assert len(company.rows("identifiers", '"identifierId"')) == 6  # an external ID and an address each


def test_a_run_that_is_cancelled_stops_and_the_next_one_goes_on(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    run = start_run(target, by="user:1")
    attend(run.pk, tell=lambda: cancel_run(run))
    run.refresh_from_db()
    assert (run.status, run.error) == (RunStatus.CANCELLED, "")
    assert mail.outbox == []
    assert bring_up(target).status == RunStatus.FINISHED
    assert len(company.rows()) == 3


def test_a_table_that_is_taken_out_while_it_is_filled_does_not_stop_the_others(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    calls = 0

    def take_contacts_out() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the first piece of contacts stands
            choose_tables(target, {"identifiers": None})

    assert bring_up(target, tell=take_contacts_out).status == RunStatus.FINISHED
    assert len(company.rows("identifiers", '"identifierId"')) == 6


def test_another_place_gets_everything(people: Stage, target: ExportTarget, company: Company) -> None:
    bring_up(target)
    company.server.execute("DROP SCHEMA IF EXISTS elsewhere CASCADE")
    company.server.execute("CREATE SCHEMA elsewhere")
    target.settings["schema"] = "elsewhere"
    save_target(target)
    bring_up(target)
    assert len(company.server.execute("SELECT * FROM elsewhere.contacts").fetchall()) == 3


def test_the_secret_is_kept_encrypted_and_stays_until_another_is_given(target: ExportTarget, company: Company) -> None:
    kept = bytes(ExportTarget.objects.get().secret or b"")
    assert company.dsn.encode() not in kept
    target.name = "Warehouse"
    save_target(target)
    assert check_target(ExportTarget.objects.get()) == []


def test_without_a_key_a_secret_is_refused_and_nothing_is_kept(
    company: Company, olena: object, settings: pytest.FixtureRequest
) -> None:
    settings.SECRETS_KEY = []  # type: ignore[attr-defined]
    kept = ExportTarget(name="Company", kind=TargetKind.POSTGRESQL, settings={"schema": "cardfile"})
    with pytest.raises(Refused) as refused:
        save_target(kept, secret=company.dsn)
    assert [(error.path, error.code) for error in refused.value.errors] == [("secret", "secrets_key_missing")]
    assert not ExportTarget.objects.exists()


def test_a_wrong_address_is_told_on_the_run_and_by_the_test_of_the_connection(
    people: Stage, target: ExportTarget, company: Company
) -> None:
    save_target(target, secret=company.dsn.replace("_company", "_nowhere"))
    [problem] = check_target(target)
    assert problem.message.endswith(".")
    assert ExportTarget.objects.get().check_error == problem.message
    run = bring_up(target)
    assert (run.status, run.error) == (RunStatus.FAILED, problem.message)
