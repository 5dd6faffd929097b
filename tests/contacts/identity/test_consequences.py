"""What another policy would have changed and would change, counted on what is there; nothing is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contacts.identity import erase_contacts, resolve
from contacts.identity.consequences import Consequence, foresee
from contacts.identity.settings import forget_settings
from contacts.identity.types import API, MOBILE, STANDARD, STRICT
from contacts.models import Change, Contact, DuplicateCase, Import, ImportRow, Policy
from tests.people import device

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_settings() -> Any:
    forget_settings()
    yield
    forget_settings()


def only(**changed: Any) -> Consequence:
    [consequence] = foresee(STANDARD, replace(STANDARD, **changed), seconds=20)
    return consequence


def come(record: dict[str, Any], plan: Any = API, by: str = "user:1") -> int:
    [outcome] = resolve([record], plan, by=by)
    assert outcome.contact_id is not None, outcome
    return outcome.contact_id


def test_nothing_changes_where_nothing_is_another():
    assert foresee(STANDARD, STANDARD) == []


def test_longer_external_ids_than_the_new_limit_are_counted():
    olena = come({"external_id": "A" * 60})
    come({"external_id": "B-1"})

    found = only(external_id_max_length=50)

    assert (found.code, found.count, found.is_exact, found.contacts) == ("too_long", 1, True, [olena])


def test_rows_that_a_longer_limit_would_have_let_in_are_counted():
    run = Import.objects.create(file_name="people.csv", by="user:1")
    ImportRow.objects.create(import_run=run, row=2, status="failed", code="external_id_too_long", message="Too long.")

    assert (only(external_id_max_length=200).code, only(external_id_max_length=200).count) == ("were_refused", 1)


def test_contacts_that_got_their_external_id_by_an_email_are_counted_from_the_journal():
    olena = come({"email": "olena@example.com"})
    come({"email": "olena@example.com", "external_id": "A-1"})
    come({"external_id": "B-1", "email": "bohdan@example.com"})

    found = only(external_id_attaches_to_found=False)

    assert (found.code, found.count, found.contacts) == ("happened", 1, [olena])
    assert found.since is not None


def test_what_tracking_did_is_counted_from_the_journal():
    olena = come({"email": "olena@example.com", "external_id": "A-1"})
    come({"email": "new@example.com", "external_id": "A-1"}, MOBILE, by="tracker:mobile")
    taras = come({"external_id": "T-1"}, MOBILE, by="tracker:mobile")

    assert only(tracking_may_replace_channels=False).contacts == [olena]
    assert only(tracking_may_set_external_id=False).contacts == [taras]


def test_anonymous_contacts_that_became_part_of_others_are_counted():
    come({"identifiers": [device()]}, MOBILE, by="tracker:mobile")
    olena = come({"email": "olena@example.com"})
    come({"email": "olena@example.com", "identifiers": [device()]}, MOBILE, by="tracker:mobile")

    assert (only(merge_anonymous=False).count, only(merge_anonymous=False).contacts) == (1, [olena])


def test_emails_that_contacts_share_are_counted_by_their_cases():
    for external_id in ("A-1", "B-1"):
        come({"external_id": external_id, "email": "family@example.com"})

    found = only(external_ids_may_share_channels=False)

    assert (found.code, found.count, found.cases) == ("cases_shared", 1, [DuplicateCase.objects.get().pk])


def test_whom_the_night_would_erase_is_counted():
    anonymous = come({"identifiers": [device()]}, MOBILE, by="tracker:mobile")
    come({"email": "olena@example.com"})

    assert only(anonymous_erased_after_days=30).count == 0
    assert (only(anonymous_erased_after_days=0).count, only(anonymous_erased_after_days=0).contacts) == (1, [anonymous])
    assert only(visitors_erased_after_days=1).count == 0


def test_both_presets_are_compared_and_nothing_is_written():
    olena = come({"email": "olena@example.com"})
    come({"email": "olena@example.com", "external_id": "A-1"})
    erase_contacts([olena], by="user:1")
    before = list(Contact.objects.values_list()), list(Change.objects.values_list())

    there, back = foresee(STANDARD, STRICT, seconds=20), foresee(STRICT, STANDARD, seconds=20)

    assert [one.setting for one in there] == [one.setting for one in back]
    assert len(there) == 6
    assert (list(Contact.objects.values_list()), list(Change.objects.values_list())) == before
    assert not Policy.objects.exists()
