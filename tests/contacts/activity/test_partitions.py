"""Events stand in the partition of their month (UTC); what has none yet waits in the default one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from contacts.activity import record_events
from contacts.activity.partitions import ensure_partitions
from contacts.models import Event
from tests.contacts.activity.conftest import BY, NOW, event

pytestmark = pytest.mark.django_db


def partition_names():
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'contacts_event'::regclass")
        return {row[0] for row in cursor.fetchall()}


def partition_of(key):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM contacts_event WHERE key = %s", [key])
        return cursor.fetchone()[0]


def record_at(key, *moment):
    record_events([event(email="olena@example.com", key=key, occurred_at=datetime(*moment, tzinfo=UTC))], by=BY, at=NOW)


def test_the_migrations_make_two_years_back_and_three_months_ahead():
    today = datetime.now(UTC).date()

    names = partition_names()

    assert "contacts_event_default" in names
    assert f"contacts_event_{today:%Y_%m}" in names
    assert f"contacts_event_{today.year - 2}_{today.month:02}" in names
    assert len(names) == 24 + 1 + 3 + 1


def test_what_is_there_is_not_made_again():
    assert ensure_partitions(months_back=24, months_ahead=3) == []


def test_months_are_made_across_the_turn_of_a_year():
    made = ensure_partitions(months_back=1, months_ahead=2, today=date(2041, 12, 31))

    assert made == [f"contacts_event_{month}" for month in ("2041_11", "2041_12", "2042_01", "2042_02")]


def test_events_go_to_the_month_they_occurred_in():
    ensure_partitions(months_back=0, months_ahead=1, today=date(2041, 5, 1))

    record_at("last", 2041, 5, 31, 23, 59, 59, 999_999)
    record_at("first", 2041, 6, 1)
    record_at("ancient", 1999, 1, 1)

    assert partition_of("last") == "contacts_event_2041_05"
    assert partition_of("first") == "contacts_event_2041_06"
    assert partition_of("ancient") == "contacts_event_default"


def test_events_that_waited_in_the_default_partition_move_to_their_month():
    record_at("early", 2041, 5, 1)
    record_at("next", 2041, 6, 1)
    before = Event.objects.get(key="early")
    assert partition_of("early") == "contacts_event_default"

    ensure_partitions(months_back=0, months_ahead=0, today=date(2041, 5, 1))

    assert partition_of("early") == "contacts_event_2041_05"
    assert partition_of("next") == "contacts_event_default"
    after = Event.objects.get(key="early")
    assert (after.pk, after.contact_id, after.params) == (before.pk, before.contact_id, before.params)


def test_a_month_that_was_made_has_the_keys_of_all_others():
    ensure_partitions(months_back=0, months_ahead=0, today=date(2041, 5, 1))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'contacts_event_2041_05'::regclass"
        )
        definitions = " ".join(row[0] for row in cursor.fetchall())

    assert "(contact_id, id, occurred_at)" in definitions
    assert "(contact_id, occurred_at, id)" in definitions


def test_the_database_is_as_the_models_say():
    executor = MigrationExecutor(connection)

    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
