"""Somebody is erased: what was sent of them and still waits to be written is erased with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from contacts.bulk.calls import BATCH, OPEN
from contacts.bulk.options import BulkOptions
from contacts.bulk.packing import Packed, pack_records, unpack_records
from contacts.identity import Status
from contacts.keys import Kind
from contacts.models import BulkCall, BulkRow, CallStatus, Identifier
from contacts.records import Key, Record

__all__ = ["Erased", "forget_erased"]

CODE: Final = "contact_erased"


class Erased(NamedTuple):
    """Who is erased: their identifiers by contact id, and the other way round."""

    held: Mapping[int, Collection[Key]]
    owners: Mapping[Key, Collection[int]]

    @classmethod
    def of(cls, held: Mapping[int, Collection[Key]]) -> Erased:
        owners: defaultdict[Key, set[int]] = defaultdict(set)
        for contact_id, keys in held.items():
            for key in keys:
                owners[key].add(contact_id)
        return cls(held, dict(owners))

    def near(self, record: Record) -> set[int]:
        """Those that share an identifier with the record."""
        return {contact_id for key in record.identifiers for contact_id in self.owners.get(key, ())}

    def is_meant_by(self, record: Record, taken: Collection[str]) -> bool:
        """As the identity rules would say (L1, L4, L6), but for several who share an email or a phone: whoever is
        erased is then meant too. ``taken`` are external IDs that others have."""
        if record.contact_id is not None:
            return record.contact_id in self.held
        own = record.key_of(Kind.EXTERNAL_ID)
        if own is None or own in self.owners:
            return bool(self.near(record))
        return own[2] not in taken and any(not has_external_id(self.held[one]) for one in self.near(record))


def has_external_id(keys: Collection[Key]) -> bool:
    return any(kind == Kind.EXTERNAL_ID for kind, _app, _value in keys)


def forget_erased(*, held: Mapping[int, Collection[Key]], **_signal: Any) -> None:
    """Strike these contacts out of all calls that are not done, within the transaction that erases them.

    A worker that has read a call already finds that it has become shorter, and reads it again (see ``calls``).
    """
    erased = Erased.of(held)
    waiting = BulkCall.objects.select_for_update().filter(status__in=OPEN, records__isnull=False)
    for call in waiting.order_by("pk"):
        packed = unpack_records(bytes(call.records or b""))
        records = [record for sheaf in packed.sheaves for record in sheaf]
        taken = taken_by_others(erased, records)
        struck = {place for place, record in enumerate(records) if erased.is_meant_by(record, taken)}
        if struck:
            _strike(call, packed, records, struck)


def taken_by_others(erased: Erased, records: Iterable[Record]) -> frozenset[str]:
    """Of the records that are near the erased: the external IDs that somebody else has."""
    keys = (record.key_of(Kind.EXTERNAL_ID) for record in records if erased.near(record))
    values = {key[2] for key in keys if key is not None}
    owners = Identifier.objects.filter(kind=Kind.EXTERNAL_ID, app="", value__in=values)
    return frozenset(owners.exclude(contact_id__in=erased.held).values_list("value", flat=True))


def _strike(call: BulkCall, packed: Packed, records: Sequence[Record], struck: Collection[int]) -> None:
    kept = [record for place, record in enumerate(records) if place not in struck]
    waiting = [records[place] for place in struck if place >= call.done]
    call.done -= len(struck) - len(waiting)
    call.total = len(kept)
    call.counts["skipped"] = call.counts.get("skipped", 0) + len(waiting)
    call.changed_at = datetime.now(UTC)
    call.attempts = 0
    if call.done == call.total:
        call.status, call.records = CallStatus.FINISHED, None
    else:
        values = [packed.values[record.ref] for record in kept]
        call.records = pack_records(kept, values, key=BulkOptions.from_json(call.options).key, size=BATCH)
    call.save()
    BulkRow.objects.bulk_create(_row_of(call, record) for record in waiting)


def _row_of(call: BulkCall, record: Record) -> BulkRow:
    """That it was sent is kept; what was sent is not."""
    message = _("The contact was erased after the call was sent.")
    return BulkRow(call=call, place=record.ref, status=Status.SKIPPED.value, code=CODE, message=message)
