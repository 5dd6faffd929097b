"""Bulk calls on their way through the queue: each contact once, whatever happens to the worker."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from contacts import identity
from contacts.bulk import (
    BulkOptions,
    Sent,
    accept_call,
    calls,
    forget_old_calls,
    take_up_left,
    turns,
    work_off,
    work_off_waiting,
)
from contacts.bulk.errors import TakenOver
from contacts.bulk.packing import pack_records, unpack_records
from contacts.identity.types import API
from contacts.keys import Kind
from contacts.models import BulkCall, BulkRow, CallStatus, Change, Contact
from contacts.normalize import Schema, normalize
from crm.jobs import app

BY = "key:1"
BY_EXTERNAL_ID = BulkOptions(key="external_id")


def people(count: int, **more: Any) -> list[Sent]:
    return [Sent({"external_id": f"C-{number}", **more}, f"C-{number}") for number in range(count)]


@pytest.mark.django_db
def test_a_large_call_waits_with_its_records_and_its_job():
    call = accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY).call

    assert (call.status, call.total, call.done) == (CallStatus.WAITING, calls.INLINE, 0)
    assert len(list(app.job_manager.list_jobs(task=calls.JOB))) == 1


@pytest.mark.django_db
def test_the_journal_names_the_key_that_sent_the_call():
    accept_call(people(1), BY_EXTERNAL_ID, by="key:7")

    assert Change.objects.get().by == "key:7"


@pytest.mark.django_db
def test_a_call_that_was_interrupted_goes_on_where_it_stopped():
    """Also where the database had refused a record, and batches are of other sizes than the sheaves."""
    call = accept_call(people(1_200), BY_EXTERNAL_ID, by=BY).call
    packed = unpack_records(bytes(BulkCall.objects.get().records or b""))
    done = 250
    note = calls._Notes(call, packed, BY_EXTERNAL_ID)
    identity.resolve(list(packed.sheaves[0])[:done], BY_EXTERNAL_ID.plan(), by=BY, within=note)

    work_off(call.pk)

    call.refresh_from_db()
    assert (call.status, call.done, call.counts["created"]) == (CallStatus.FINISHED, 1_200, 1_200)
    assert list(BulkRow.objects.order_by("pk").values_list("place", flat=True)) == list(range(1_200))
    assert Change.objects.count() == 1_200


@pytest.mark.django_db
def test_what_another_worker_has_done_is_not_done_again():
    call = accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY).call
    packed = unpack_records(bytes(call.records or b""))
    work_off(call.pk)

    late = calls._Notes(call, packed, BY_EXTERNAL_ID)
    with pytest.raises(TakenOver):
        identity.resolve(packed.sheaves[0], BY_EXTERNAL_ID.plan(), by=BY, within=late)

    assert BulkRow.objects.count() == calls.INLINE


@pytest.mark.django_db
def test_a_call_whose_worker_died_is_taken_up_again_but_not_for_ever():
    call = accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY).call
    later = datetime.now(UTC) + timedelta(minutes=5)

    BulkCall.objects.update(status=CallStatus.RUNNING, attempts=calls.MOST_ATTEMPTS)
    assert not take_up_left()
    assert BulkCall.objects.get().status == CallStatus.RUNNING
    assert take_up_left(now=later)
    assert work_off_waiting()

    call.refresh_from_db()
    assert (call.status, call.records) == (CallStatus.FAILED, None)
    assert call.error.endswith("Send it again.")


@pytest.mark.django_db
def test_two_contacts_of_one_call_see_each_other():
    olena = {"external_id": "C-1", "email": "olena@example.com"}
    outcome = accept_call([Sent(olena), Sent({"email": "olena@example.com"})], BulkOptions(key="email"), by=BY)

    assert outcome.call.counts | {"created": 1, "unchanged": 1} == outcome.call.counts
    assert Contact.objects.count() == 1


@pytest.mark.django_db
def test_a_later_call_has_the_last_word(run_jobs):
    for town in ("Kyiv", "Lviv"):
        accept_call(people(calls.INLINE, town=town), BY_EXTERNAL_ID, by=BY)

    run_jobs()

    assert set(Contact.objects.values_list("town", flat=True)) == {"Lviv"}


@pytest.mark.django_db
def test_a_worker_that_is_told_to_stop_leaves_the_rest_for_the_next():
    for _ in range(2):
        accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY)
    told = iter([False, True])

    assert not work_off_waiting(lambda: next(told))

    assert [call.status for call in BulkCall.objects.order_by("pk")] == [CallStatus.FINISHED, CallStatus.WAITING]
    assert work_off_waiting()


@pytest.mark.django_db(transaction=True)
def test_calls_are_worked_off_by_one_worker_at_a_time():
    accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY)

    with psycopg.connect(**{**connection.get_connection_params(), "autocommit": True}) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (turns.TURN,))
        assert work_off_waiting()
        assert BulkCall.objects.get().status == CallStatus.WAITING
        other.execute("SELECT pg_advisory_unlock(%s)", (turns.TURN,))  # sooner than the server sees the end

    assert work_off_waiting()
    assert BulkCall.objects.get().status == CallStatus.FINISHED


@pytest.mark.django_db
def test_calls_are_forgotten_after_a_week():
    accept_call(people(3), BY_EXTERNAL_ID, by=BY)
    waiting = accept_call(people(calls.INLINE), BY_EXTERNAL_ID, by=BY).call

    assert forget_old_calls() == 0
    assert forget_old_calls(now=datetime.now(UTC) + timedelta(days=8)) == 1

    assert BulkCall.objects.get() == waiting
    assert not BulkRow.objects.exists()


@pytest.mark.django_db
def test_a_merge_on_the_way_leaves_nobody_out_of_an_event():
    device = {"identifiers": [{"kind": "device", "value": "device-1"}]}
    identity.resolve_one(device, API, by="user:1")
    options = BulkOptions(key="external_id", event_for_new="welcome")

    call = accept_call([Sent({"external_id": "C-1", **device})], options, by=BY).call

    assert call.status == CallStatus.FINISHED


def test_records_are_the_same_after_they_waited():
    raws = [
        {"external_id": "C-1", "email": "Olena@Example.com", "phone": "0501112233", "first_name": "Олена"},
        {"external_id": "C-2", "identifiers": [{"kind": "mobile_push", "value": "x" * 900, "details": {"os": "iOS"}}]},
        {"email": ["a@example.com", "b@example.com"], "town": " ", "contact_key": "K-1"},
        {"id": 7, "external_id": "null", "email": "taras@example.com"},
    ]
    records = [normalize(raw, Schema(), place) for place, raw in enumerate(raws)]

    packed = unpack_records(pack_records(records, ["a", "b", "c", "d"], key="email", size=3))

    again = [record for sheaf in packed.sheaves for record in sheaf]
    assert [essence(record) for record in again] == [essence(record) for record in records]
    assert packed.values == {0: "a", 1: "b", 2: "c", 3: "d"}
    assert [len(part) for part in packed.after(2)] == [1, 1]
    assert Kind.MOBILE_PUSH in {key[0] for key in again[1].identifiers}


def essence(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
