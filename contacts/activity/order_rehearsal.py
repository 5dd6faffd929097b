"""What a stream of orders would do, with nothing written: each batch sees what those before it would have done.

Contacts are rehearsed as ever (``contacts.identity.rehearsal``), in the same session of their own; orders are laid over
what is stored and over what earlier batches made of it, which stands in a temporary table of that session.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction

from contacts.activity.checks import dump_json
from contacts.activity.order_drafts import Draft, fold_order, read_drafts, read_records, unplaced
from contacts.activity.places import FOUND
from contacts.activity.types import NewOrder, OrderOutcome
from contacts.identity import Plan
from contacts.identity.load import open_cursor, text_array
from contacts.identity.orders import find_order_contacts
from contacts.identity.rehearsal import rehearse_ahead
from contacts.identity.resolve import Batch
from contacts.identity.shadows import Shadows
from contacts.keys import Kind
from contacts.records import Key

__all__ = ["RehearsedOrder", "rehearse_orders"]

_READ: Final = "SELECT value, contact_id, number, stored FROM shadow_order WHERE value = ANY(%s::text[])"
_KEEP: Final = """
INSERT INTO shadow_order (value, contact_id, number, stored)
SELECT value, contact_id, number, stored FROM json_to_recordset(%s::text::json)
    AS u (value text, contact_id bigint, number text, stored jsonb)
ON CONFLICT (value) DO UPDATE SET stored = excluded.stored
"""

Rehearsed = list["RehearsedOrder"]


class RehearsedOrder(NamedTuple):
    """What would become of one order; its columns before (None: there is none yet) and after."""

    outcome: OrderOutcome
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


def rehearse_orders(batches: Iterable[Sequence[NewOrder]], plan: Plan, *, by: str) -> Generator[Rehearsed]:
    """What ``record_orders`` would do with these batches if nobody else wrote meanwhile, a list a batch."""
    return rehearse_ahead(batches, lambda orders, shadows: _rehearse(orders, plan, by, shadows))


def _rehearse(orders: Sequence[NewOrder], plan: Plan, by: str, shadows: Shadows) -> Rehearsed:
    records, keys, outcomes = read_records(orders)
    told = {position: RehearsedOrder(outcome, None, {}) for position, outcome in outcomes.items()}
    if records:
        with transaction.atomic(), closing(open_cursor()) as cursor:
            batch = Batch(plan, by=by, moment=datetime.now(UTC), dry_run=True, shadows=shadows)
            identities = batch.run(list(records.values()))
            drafts = _read(cursor, set(keys.values()), {orders[position].number.strip() for position in keys})
            for identity in identities:
                position = identity.ref
                if identity.status not in FOUND or identity.contact_id is None:
                    told[position] = RehearsedOrder(unplaced(identity), None, {})
                    continue
                key = keys[position]
                before = dict(drafts[key].values) if key in drafts else None
                draft, outcome = fold_order(orders[position], key, identity.contact_id, identity, drafts)
                told[position] = RehearsedOrder(outcome, before, dict(draft.values))
            _keep(cursor, drafts)
    return [told[position] for position in range(len(orders))]


def _read(cursor: psycopg.Cursor[Any], keys: set[Key], numbers: set[str]) -> dict[Key, Draft]:
    """The stored orders of these numbers, those that earlier batches made or changed as they left them."""
    drafts = read_drafts(cursor, find_order_contacts(cursor, keys), numbers)
    cursor.execute(_READ, (text_array(key[2] for key in keys),))
    for value, contact_id, number, stored in cursor.fetchall():
        values = {
            **stored,
            "total_cost": Decimal(stored["total_cost"]),
            "ordered_at": datetime.fromisoformat(stored["ordered_at"]),
        }
        drafts[int(Kind.ORDER), "", value] = Draft(number, contact_id, values)
    return drafts


def _keep(cursor: psycopg.Cursor[Any], drafts: Mapping[Key, Draft]) -> None:
    changed = [
        {"value": key[2], "contact_id": draft.contact_id, "number": draft.number, "stored": draft.values}
        for key, draft in drafts.items()
        if draft.is_changed
    ]
    if changed:
        cursor.execute(_KEEP, (dump_json(changed),))
