"""What the benchmarks put into tables by themselves is what our own verbs would have put there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from benchmarks import activity, exports
from benchmarks.activity_data import preload as preload_activity
from benchmarks.imports import preload
from contacts.identity import resolve
from contacts.identity.integrity import find_problems
from contacts.identity.settings import forget_settings
from contacts.identity.types import IMPORT
from contacts.models import Change, Contact, CustomField, Identifier

PER_CONTACT = {"id", "created_at", "updated_at", "email_state_at", "phone_state_at"}


def filled(row: Any) -> set[str]:
    return {name for name, value in vars(row).items() if value not in (None, "") and not name.startswith("_")}


@pytest.mark.django_db(transaction=True)
def test_preloaded_contacts_stand_as_an_import_leaves_them() -> None:
    CustomField(key="shoe_size", label="Shoe size", type="text").save()
    forget_settings()
    preload(30)
    kept = Contact.objects.order_by("pk").first()
    assert kept is not None
    columns = ("external_id", "first_name", "last_name", "town", "language_code")
    olena = {column: getattr(kept, column) for column in columns} | {
        "external_id": "C-1",
        "email": "olena@example.com",
        "phone": "+380501112233",
        "fields.shoe_size": "M",
    }

    [outcome] = resolve([olena], IMPORT, by="import:1")

    made = Contact.objects.get(pk=outcome.contact_id)
    assert find_problems() == []
    assert filled(kept) == filled(made)
    for name in filled(made) - PER_CONTACT - {"external_id", "email", "phone"}:
        assert getattr(kept, name) == getattr(made, name), name
    for model in (Identifier, Change):
        ours, theirs = (model.objects.filter(contact_id=pk).order_by("pk") for pk in (made.pk, kept.pk))
        assert list(map(filled, theirs)) == list(map(filled, ours))
    kept_change, change = (Change.objects.get(contact_id=pk) for pk in (kept.pk, made.pk))
    assert set(kept_change.after or {}) == set(change.after or {})
    assert (kept_change.details, kept_change.matched_by) == (change.details, change.matched_by)
    forget_settings()


@pytest.mark.django_db(transaction=True)
def test_a_preloaded_contact_is_found_by_each_of_its_keys() -> None:
    forget_settings()
    preload(3)
    kept = Contact.objects.order_by("pk")[1]

    for column in ("external_id", "email", "phone"):
        [outcome] = resolve([{column: getattr(kept, column)}], IMPORT, by="import:1")
        assert (outcome.contact_id, outcome.matched_by) == (kept.pk, column)
    forget_settings()


@pytest.mark.django_db(transaction=True)
def test_the_activity_benchmark_stores_what_it_compares() -> None:
    """Its events are all accepted, and COPY is given these very rows."""
    forget_settings()
    now = datetime.now(UTC)
    preload_activity(40, 100, now)
    activity.copy_events_table(activity.FLOOR)

    per_second, ratio = activity.measure_stored(40, 2 * activity.BATCH, 1, now)

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM contacts_event e JOIN {activity.FLOOR} f USING (id, contact_id, key, params)"
        )
        assert cursor.fetchone() == (100 + 4 * activity.BATCH,)
        cursor.execute(f"DROP TABLE {activity.FLOOR}")
    assert min(*per_second.values(), ratio) > 0
    assert find_problems() == []
    forget_settings()


@pytest.mark.django_db(transaction=True)
def test_the_exports_benchmark_changes_one_preloaded_contact_in_a_hundred() -> None:
    forget_settings()
    preload(200)

    exports.change_some(200, "Бойко")

    changed = Contact.objects.filter(last_name="Бойко").values_list("external_id", flat=True)
    assert sorted(changed) == sorted(map(exports.external_id, (1, 101)))
    assert Contact.objects.count() == 200
    forget_settings()
