"""Order numbers: they stand among the identifiers, find their order and keep it unique; no rule matches by them.

The only place where an order's identifier is written, and the count of orders on the contact, which keeps it from being
anonymous.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db import transaction

from contacts.identity import load
from contacts.identity.frame import retried
from contacts.identity.resolve import Within, resolve
from contacts.identity.types import Outcome, Plan
from contacts.keys import Kind
from contacts.normalize import compare_form
from contacts.records import Key, Record

__all__ = ["attach_orders", "detach_orders", "find_order_contacts", "order_key", "resolve_with_orders"]

_FIND: Final = f"""
SELECT i.value, i.contact_id FROM contacts_identifier i JOIN unnest(%s::text[]) AS k (value) ON i.value = k.value
WHERE i.kind = {int(Kind.ORDER)} AND i.app = ''
"""
_ATTACH: Final = f"""
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT {int(Kind.ORDER)}, '', k.value, k.contact_id, %s, %s, %s
FROM unnest(%s::text[], %s::bigint[]) AS k (value, contact_id)
"""
_COUNT: Final = """
UPDATE contacts_contact c SET order_count = c.order_count + k.count
FROM (SELECT id, count(*) FROM unnest(%s::bigint[]) AS u (id) GROUP BY id) AS k WHERE c.id = k.id
"""
_DETACH: Final = f"""
DELETE FROM contacts_identifier i USING unnest(%s::text[], %s::bigint[]) AS k (value, contact_id)
WHERE i.value = k.value AND i.kind = {int(Kind.ORDER)} AND i.app = '' AND i.contact_id = k.contact_id
"""
_DISCOUNT: Final = """
UPDATE contacts_contact c SET order_count = c.order_count - k.count
FROM (SELECT id, count(*) FROM unnest(%s::bigint[]) AS u (id) GROUP BY id) AS k WHERE c.id = k.id
"""


def order_key(number: str) -> Key:
    """The identifier of an order number: case kept."""
    return compare_form(int(Kind.ORDER), "", number.strip())


def resolve_with_orders(
    records: Sequence[Record],
    numbers: Iterable[str],
    plan: Plan,
    *,
    by: str,
    at: datetime | None,
    within: Within,
    afterwards: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Resolve the contacts of orders with their numbers locked too: no two senders make the same order (race 1).

    At most ``MAX_BATCH`` records. All values and numbers are locked together and in one order; the resolution inside
    then holds its own already. ``afterwards`` is called at the end of the transaction, once for all records.
    """
    keys = {key for record in records for key in record.identifiers} | {order_key(number) for number in numbers}

    def run() -> list[Outcome]:
        with transaction.atomic():
            cursor = load.open_cursor()
            load.lock_values(cursor, keys, everything=len(records) > load.ESCALATE_ABOVE)
            cursor.close()
            outcomes = resolve(records, plan, by=by, at=at, within=within)
            if afterwards is not None:
                afterwards()
            return outcomes

    return retried(run)


def find_order_contacts(cursor: psycopg.Cursor[Any], keys: Collection[Key]) -> dict[Key, int]:
    """Order numbers → the contacts that have these orders."""
    if not keys:
        return {}
    cursor.execute(_FIND, (load.text_array(key[2] for key in keys),))
    return {(int(Kind.ORDER), "", value): contact_id for value, contact_id in cursor.fetchall()}


def attach_orders(cursor: psycopg.Cursor[Any], orders: Mapping[Key, int], *, source: str, at: datetime) -> None:
    """Give contacts, which the caller has locked, their new orders: the identifiers, and the count.

    Neither moves ``updated_at``: an order is no change of the sheet.
    """
    if not orders:
        return
    values, ids = load.text_array(key[2] for key in orders), load.array_of(orders.values())
    cursor.execute(_ATTACH, (source, at, at, values, ids))
    cursor.execute(_COUNT, (ids,))


def detach_orders(cursor: psycopg.Cursor[Any], orders: Mapping[Key, int]) -> None:
    """Let contacts, which the caller has locked, go without orders that are gone: number and count."""
    values, ids = load.text_array(key[2] for key in orders), load.array_of(orders.values())
    cursor.execute(_DETACH, (values, ids))
    cursor.execute(_DISCOUNT, (ids,))
