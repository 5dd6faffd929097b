"""Who is erased is erased from the bulk calls that wait as well."""

from typing import Any

import pytest

from contacts import identity
from contacts.bulk import BulkOptions, Sent, accept_call, calls, work_off
from contacts.bulk.errors import Rewritten
from contacts.bulk.packing import unpack_records
from contacts.identity.types import API
from contacts.models import BulkCall, BulkRow, CallStatus, Contact, ContactState
from contacts.records import Record

pytestmark = pytest.mark.django_db

BY = "user:1"
BY_EMAIL = BulkOptions(key="email")
OLENA = {"external_id": "C-1", "email": "olena@example.com"}
OTHERS = [{"email": f"other{number}@example.com", "town": "Kyiv"} for number in range(calls.INLINE)]


def make(raw: dict[str, Any]) -> int:
    return identity.resolve_one(raw, API, by=BY).contact_id or 0


def wait(*raws: dict[str, Any], key: str = "email") -> BulkCall:
    """A call that waits with these, and others behind them."""
    sent = [Sent(raw, str(raw.get("email", ""))) for raw in (*raws, *OTHERS)]
    return accept_call(sent, BulkOptions(key=key), by=BY).call


def waiting(call: BulkCall) -> list[Record]:
    call.refresh_from_db()
    return [record for sheaf in unpack_records(bytes(call.records or b"")).sheaves for record in sheaf]


def is_struck(call: BulkCall) -> bool:
    return len(waiting(call)) == len(OTHERS)


MEANT = {
    "by the external ID": ({"external_id": "C-1", "email": "new@example.com"}, "email"),
    "by the email, however it is written": ({"email": "Olena@Example.COM"}, "email"),
    "by the id": ({"id": "olena", "first_name": "Olena"}, "id"),
}


@pytest.mark.parametrize("named", MEANT)
def test_who_is_erased_is_struck_out_of_a_call_that_waits(named):
    raw, key = MEANT[named]
    olena = make(OLENA)
    others = [{**other, "id": make(other)} for other in OTHERS] if key == "id" else OTHERS
    raw = {**raw, "id": olena} if key == "id" else raw
    call = accept_call([Sent(one) for one in (raw, *others)], BulkOptions(key=key), by=BY).call

    identity.erase_contacts([olena], by=BY)
    assert is_struck(call)
    work_off(call.pk)

    call.refresh_from_db()
    assert (call.status, call.done, call.total) == (CallStatus.FINISHED, len(OTHERS), len(OTHERS))
    assert call.counts["skipped"] == 1
    assert Contact.objects.filter(state=ContactState.ACTIVE).count() == len(OTHERS)


NOT_MEANT = {
    "another external ID": {"external_id": "C-2", "email": "olena@example.com"},
    "another email": {"email": "olha@example.com"},
}


@pytest.mark.parametrize("named", NOT_MEANT)
def test_who_only_shares_something_is_not_struck_out(named):
    olena = make(OLENA)
    call = wait(NOT_MEANT[named])

    identity.erase_contacts([olena], by=BY)

    assert not is_struck(call)


def test_a_person_with_an_external_id_of_another_is_that_other():
    taras, olena = make({"external_id": "C-2"}), make({"email": "olena@example.com"})
    call = wait({"external_id": "C-2", "email": "olena@example.com"})

    identity.erase_contacts([olena], by=BY)
    assert not is_struck(call)
    identity.erase_contacts([taras], by=BY)
    assert is_struck(call)


def test_an_external_id_that_nobody_has_would_have_been_attached_to_the_erased():
    olena = make({"email": "olena@example.com"})
    call = wait({"external_id": "C-9", "email": "olena@example.com"})

    identity.erase_contacts([olena], by=BY)

    assert is_struck(call)


def test_nothing_of_what_was_sent_is_kept_but_that_it_was_sent():
    olena = make(OLENA)
    call = wait({"email": "olena@example.com", "first_name": "Olena"})

    identity.erase_contacts([olena], by=BY)

    row = BulkRow.objects.get(call=call)
    assert (row.place, row.contact_id, row.value, row.status, row.code) == (0, None, "", "skipped", "contact_erased")
    call.refresh_from_db()
    packed = unpack_records(bytes(call.records or b""))
    assert "olena" not in repr((packed.values, [record.email for sheaf in packed.sheaves for record in sheaf]))


def test_a_contact_that_the_call_was_done_with_is_struck_out_too():
    call = wait(OLENA)
    packed = unpack_records(bytes(call.records or b""))
    note = calls._Notes(call, packed, BY_EMAIL)
    identity.resolve(list(packed.sheaves[0])[:50], BY_EMAIL.plan(), by=BY, within=note)

    identity.erase_contacts([Contact.objects.get(external_id="C-1").pk], by=BY)

    assert is_struck(call)
    assert (call.done, call.total) == (49, len(OTHERS))
    work_off(call.pk)
    call.refresh_from_db()
    assert (call.status, call.done, call.counts["created"]) == (CallStatus.FINISHED, len(OTHERS), len(OTHERS) + 1)
    assert not Contact.objects.filter(external_id="C-1").exists()


def test_a_call_of_which_nobody_is_left_is_done():
    olena = make(OLENA)
    call = BulkCall.objects.create(by=BY, options=BY_EMAIL.as_json(), total=1, counts={})
    kept = wait(OLENA)
    packed = unpack_records(bytes(kept.records or b""))
    one = [next(record for sheaf in packed.sheaves for record in sheaf)]
    call.records = calls.pack_records(one, ["olena@example.com"], key="email", size=calls.BATCH)
    call.save()

    identity.erase_contacts([olena], by=BY)

    call.refresh_from_db()
    assert (call.status, call.records, call.total, call.counts) == (CallStatus.FINISHED, None, 0, {"skipped": 1})


def test_a_worker_that_has_read_the_call_does_not_write_who_was_erased_meanwhile():
    olena = make(OLENA)
    call = wait({**OLENA, "first_name": "Olena"})
    packed = unpack_records(bytes(call.records or b""))
    identity.erase_contacts([olena], by=BY)

    with pytest.raises(Rewritten):
        calls._resolve_rest(call, packed)
    work_off(call.pk)

    call.refresh_from_db()
    assert (call.status, call.done, call.total) == (CallStatus.FINISHED, len(OTHERS), len(OTHERS))
    assert not Contact.objects.filter(first_name="Olena").exists()
