"""Takes back what was written of orders: made ones go, changed ones become what they were, unless changed since.

Whether an order was changed since is told by when it was written last: that is put back with it, so that several writes
can be taken back one after the other, the last first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg

from contacts import populations
from contacts.activity.order_drafts import STORED, lock_order_contacts
from contacts.identity import load
from contacts.identity.load import array_of, text_array
from contacts.identity.orders import detach_orders, order_key
from contacts.identity.totals import refresh_totals
from contacts.records import Key

__all__ = ["OrdersTakenBack", "Written", "take_back_orders"]

_READ: Final = """
SELECT o.id, o.contact_id, o.external_order_id, o.updated_at FROM contacts_order o
WHERE o.contact_id = ANY(%s::bigint[]) AND o.external_order_id = ANY(%s::text[])
"""
_DELETE: Final = """
DELETE FROM contacts_order o USING unnest(%s::bigint[], %s::bigint[]) AS u (contact_id, id)
WHERE o.contact_id = u.contact_id AND o.id = u.id
"""
_PUT_BACK: Final = f"""
UPDATE contacts_order o SET {", ".join(f"{column} = u.{column}" for column in STORED)}, updated_at = u.updated_at
FROM json_to_recordset(%s::text::json) AS u (id bigint, contact_id bigint, status text, total_cost numeric,
    currency text, ordered_at timestamptz, items jsonb, details jsonb, source text, updated_at timestamptz)
WHERE o.contact_id = u.contact_id AND o.id = u.id
"""
_DELETE_EVENTS: Final = """
DELETE FROM contacts_event e
USING unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
    AS u (contact_id, key, type_id, occurred_at, received_at)
WHERE e.contact_id = u.contact_id AND e.key = u.key AND e.type_id = u.type_id AND e.occurred_at = u.occurred_at
    AND e.received_at = u.received_at AND e.source = 'order'
"""


class Written(NamedTuple):
    """One write of an order, as ``OrderWrite`` says it; ``at`` is when."""

    number: str
    before: Mapping[str, Any] | None
    events: Sequence[tuple[int, datetime]]
    at: datetime


class OrdersTakenBack(NamedTuple):
    """How many orders went and how many became what they were; the others by number with their contact."""

    removed: int
    put_back: int
    kept: dict[str, int]


class _Stored:
    """An order on its way back."""

    __slots__ = ("before", "contact_id", "id", "is_gone", "updated_at")

    def __init__(self, order_id: int, contact_id: int, updated_at: datetime) -> None:
        self.id = order_id
        self.contact_id = contact_id
        self.updated_at: Any = updated_at
        self.before: Mapping[str, Any] | None = None
        self.is_gone = False


def take_back_orders(cursor: psycopg.Cursor[Any], writes: Sequence[Written], *, at: datetime) -> OrdersTakenBack:
    """Take these writes back, which stand with the last one first, inside the caller's transaction.

    Totals, counts and numbers follow; so do the events that came with a write. What is gone already is no news.
    """
    # 1. Their numbers and contacts are locked as for recording (races 1 and 3).
    keys = {order_key(write.number) for write in writes}
    load.lock_values(cursor, keys, everything=len(keys) > load.ESCALATE_ABOVE)
    orders = _read(cursor, keys, {write.number for write in writes})
    # 2. Go back in memory.
    kept: dict[str, int] = {}
    events: list[tuple[int, str, int, str, str]] = []
    for write in writes:
        order = orders.get(order_key(write.number))
        if order is None or order.is_gone:
            continue
        if write.number in kept or order.updated_at != write.at:
            kept[write.number] = order.contact_id
            continue
        _step_back(order, write)
        moments = [(type_id, occurred_at.isoformat(), write.at.isoformat()) for type_id, occurred_at in write.events]
        events += [(order.contact_id, write.number, *moment) for moment in moments]
    # 3. Write.
    gone = {key: order for key, order in orders.items() if order.is_gone}
    back = [order for order in orders.values() if order.before is not None and not order.is_gone]
    _write(cursor, gone, back, events)
    touched = {order.contact_id for order in [*gone.values(), *back]}
    refresh_totals(cursor, touched)
    if touched:
        populations.contacts_changed.send(sender=None, contact_ids=sorted(touched), at=at, what="order")
    return OrdersTakenBack(len(gone), len(back), kept)


def _step_back(order: _Stored, write: Written) -> None:
    if write.before is None:
        order.is_gone = True
    else:
        order.before = write.before
        order.updated_at = datetime.fromisoformat(write.before["updated_at"])


def _read(cursor: psycopg.Cursor[Any], keys: set[Key], numbers: set[str]) -> dict[Key, _Stored]:
    """The orders of these numbers, their contacts locked."""
    holders = lock_order_contacts(cursor, keys)
    cursor.execute(_READ, (array_of(set(holders.values())), text_array(numbers)))
    found = {}
    for order_id, contact_id, number, updated_at in cursor.fetchall():
        if holders.get(order_key(number)) == contact_id:
            found[order_key(number)] = _Stored(order_id, contact_id, updated_at)
    return found


def _write(
    cursor: psycopg.Cursor[Any],
    gone: Mapping[Key, _Stored],
    back: Sequence[_Stored],
    events: Sequence[tuple[int, str, int, str, str]],
) -> None:
    if gone:
        going = gone.values()
        cursor.execute(_DELETE, (array_of(one.contact_id for one in going), array_of(one.id for one in going)))
        detach_orders(cursor, {key: one.contact_id for key, one in gone.items()})
    if back:
        rows = [{**(one.before or {}), "id": one.id, "contact_id": one.contact_id} for one in back]
        cursor.execute(_PUT_BACK, (orjson.dumps(rows).decode(),))
    if events:
        ids, numbers, types, occurred, received = zip(*events, strict=True)
        cursor.execute(
            _DELETE_EVENTS, (array_of(ids), text_array(numbers), array_of(types), list(occurred), list(received))
        )
