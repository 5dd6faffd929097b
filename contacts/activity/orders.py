"""The verb that records orders."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import psycopg
from django.db import transaction

from contacts import populations
from contacts.activity.checks import dump_json
from contacts.activity.event_types import known_types
from contacts.activity.order_drafts import (
    STORED,
    Draft,
    OrderWrite,
    fold_order,
    list_writes,
    lock_order_contacts,
    read_drafts,
    read_records,
    unplaced,
)
from contacts.activity.parameters import note_parameters
from contacts.activity.places import FOR_UPDATE, place_facts
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.activity.types import NewOrder, OrderOutcome
from contacts.identity import MAX_BATCH, Outcome, Plan
from contacts.identity.load import array_of, open_cursor, text_array
from contacts.identity.orders import attach_orders, resolve_with_orders
from contacts.identity.totals import refresh_totals
from contacts.identity.types import ORDER
from contacts.records import Key, Record

__all__ = ["Within", "record_orders"]

EVENT_SOURCE: Final = "order"
ORDER_COLUMNS: Final = ("contact_id", "external_order_id", *STORED, "updated_at")

_UPDATE: Final = """
UPDATE contacts_order o SET status = u.status, total_cost = u.total_cost, currency = u.currency,
    ordered_at = u.ordered_at, items = u.items, details = u.details, source = u.source, updated_at = %s
FROM json_to_recordset(%s::text::json) AS u (id bigint, contact_id bigint, status text, total_cost numeric,
    currency text, ordered_at timestamptz, items jsonb, details jsonb, source text)
WHERE o.contact_id = u.contact_id AND o.id = u.id
"""
_READ_STATUSES: Final = """
SELECT e.contact_id, e.key, e.type_id FROM contacts_event e
WHERE e.contact_id = ANY(%s::bigint[]) AND e.type_id = ANY(%s::bigint[]) AND e.key = ANY(%s::text[])
"""


Within = Callable[[Sequence[OrderOutcome], Sequence[OrderWrite]], None]


def record_orders(
    orders: Iterable[NewOrder],
    *,
    by: str,
    at: datetime | None = None,
    plan: Plan = ORDER,
    within: Within | None = None,
) -> list[OrderOutcome]:
    """Record orders on the contacts that the identity rules find, or make (L17); a known number updates its order.

    ``plan`` is ``ORDER``, or ``PURCHASE``, which makes no contact. An order stays with the contact that has it, even
    where the record names another one, which is a warning. Each order is also an event ``order<STATUS>`` with its
    number as key, once a status. Outcomes come in the order of the orders; one that is refused keeps nobody else back.
    ``within`` is called with the outcomes of each transaction and what it wrote inside that transaction, once where
    nothing could be written.
    """
    outcomes: list[OrderOutcome] = []
    iterator = iter(orders)
    while batch := list(itertools.islice(iterator, MAX_BATCH)):
        outcomes += _OrderBatch(batch, plan, by=by, at=at or datetime.now(UTC), within=within).run()
    return outcomes


class _OrderBatch:
    """Up to ``MAX_BATCH`` orders, each known by its position."""

    def __init__(
        self, orders: Sequence[NewOrder], plan: Plan, *, by: str, at: datetime, within: Within | None = None
    ) -> None:
        self.orders = orders
        self.plan = plan
        self.by = by
        self.at = at
        self.within = within
        self.writes: dict[str, OrderWrite] = {}
        self.type_ids: dict[str, int] = {}
        self.params: dict[int, dict[str, Any]] = {}
        self.records: dict[int, Record] = {}
        self.keys: dict[int, Key] = {}
        self.outcomes: dict[int, OrderOutcome] = {}

    def run(self) -> list[OrderOutcome]:
        # 1. What cannot be stored is refused before anybody is looked up, or made.
        self.records, self.keys, self.outcomes = read_records(self.orders)
        # 2. The event types of the statuses.
        keys = {f"order{self.orders[position].status}" for position in self.records}
        self.type_ids = {key: found.id for key, found in known_types(keys).items()}
        # 3. Contacts, then their orders, in one transaction.
        if self.records:
            numbers = [self.orders[position].number for position in self.records]
            records = list(self.records.values())
            resolve_with_orders(
                records, numbers, self.plan, by=self.by, at=self.at, within=self.write, afterwards=self.tell
            )
            note_parameters(self.params.items())
        else:
            with transaction.atomic():
                self.tell()
        return self.listed()

    def listed(self) -> list[OrderOutcome]:
        return [self.outcomes[position] for position in range(len(self.orders))]

    def tell(self) -> None:
        """At the end of the transaction, all of whose orders are written."""
        if self.within is not None:
            self.within(self.listed(), list(self.writes.values()))

    def keep(self, writes: Iterable[OrderWrite]) -> None:
        """A number may have been written by the other half of this batch, or by a try that was taken back."""
        for write in writes:
            kept = self.writes.get(write.number)
            is_ours = kept is not None and write.before is not None and write.before["updated_at"] == self.at
            self.writes[write.number] = write.after(kept) if kept is not None and is_ours else write

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Within the resolving transaction, and again when that is tried again."""
        cursor = open_cursor()
        places = place_facts(cursor, outcomes, self.records, lock=FOR_UPDATE)
        drafts = self.read(cursor, [outcome.ref for outcome in outcomes])
        occurred = self.read_occurred(cursor, drafts, places)
        new: dict[Key, int] = {}
        events: dict[tuple[int, str, int], tuple[Any, ...]] = {}
        for outcome in outcomes:
            place = places.get(outcome.ref)
            if place is None or place.is_visitor:
                self.outcomes[outcome.ref] = unplaced(outcome)
                continue
            order, key = self.orders[outcome.ref], self.keys[outcome.ref]
            draft, self.outcomes[outcome.ref] = fold_order(order, key, place.contact_id, outcome, drafts)
            if draft.id is None:
                new[key] = draft.contact_id
            event = self.event_of(outcome.ref, draft)
            if event[:3] not in occurred:
                events.setdefault(event[:3], event[3])
        self.store(cursor, list(drafts.values()), new)
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, list(events.values()))
        cursor.close()
        if self.within is not None:
            self.keep(list_writes(drafts.values(), events.values()))
        touched = sorted({draft.contact_id for draft in drafts.values() if draft.is_changed})
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=touched, at=self.at, what="order")

    def event_of(self, position: int, draft: Draft) -> tuple[Any, ...]:
        """(contact, key, type), which comes at most once, and the event's row.

        A new order happened when it says; a later status when it was received.
        """
        order = self.orders[position]
        type_id = self.type_ids[f"order{order.status}"]
        params = {
            "externalOrderId": draft.number,
            "status": order.status,
            "totalCost": str(draft.values["total_cost"]),
            "currency": draft.values["currency"],
        }
        self.params[type_id] = params
        occurred_at = order.ordered_at if draft.id is None else self.at
        row = (draft.contact_id, type_id, draft.number, dump_json(params), EVENT_SOURCE, occurred_at, self.at)
        return (draft.contact_id, draft.number, type_id, row)

    # Reading

    def read(self, cursor: psycopg.Cursor[Any], positions: Sequence[int]) -> dict[Key, Draft]:
        """The stored orders of these numbers, their contacts locked: none of them is merged or erased meanwhile."""
        holders = lock_order_contacts(cursor, {self.keys[position] for position in positions})
        return read_drafts(cursor, holders, {self.orders[position].number.strip() for position in positions})

    def read_occurred(
        self, cursor: psycopg.Cursor[Any], drafts: Mapping[Key, Draft], places: Collection[int]
    ) -> set[tuple[int, str, int]]:
        """(contact, number, type) of the status events that stored orders have, where one may come again."""
        known = {
            (draft.contact_id, draft.number, self.type_ids.get(f"order{draft.values['status']}", 0))
            for draft in drafts.values()
        }
        moved = [
            drafts[key]
            for key, status in ((self.keys[position], self.orders[position].status) for position in places)
            if key in drafts and drafts[key].values["status"] != status
        ]
        if moved:
            ids, numbers = {draft.contact_id for draft in moved}, {draft.number for draft in moved}
            cursor.execute(_READ_STATUSES, (array_of(ids), array_of(self.type_ids.values()), text_array(numbers)))
            known.update(cursor.fetchall())
        return known

    # Writing

    def store(self, cursor: psycopg.Cursor[Any], drafts: Sequence[Draft], new: Mapping[Key, int]) -> None:
        attach_orders(cursor, new, source=self.plan.source, at=self.at)
        made = [draft for draft in drafts if draft.id is None]
        insert_rows(cursor, "contacts_order", ORDER_COLUMNS, [self.row_of(draft) for draft in made])
        changed = [draft for draft in drafts if draft.id is not None and draft.is_changed]
        if changed:
            rows = [{"id": draft.id, "contact_id": draft.contact_id, **draft.values} for draft in changed]
            cursor.execute(_UPDATE, (self.at, orjson.dumps(rows, default=str).decode()))
        refresh_totals(cursor, {draft.contact_id for draft in drafts if draft.is_changed and draft.counts})

    def row_of(self, draft: Draft) -> tuple[Any, ...]:
        stored = {
            **draft.values,
            "items": dump_json(draft.values["items"]),
            "details": dump_json(draft.values["details"]),
        }
        return (draft.contact_id, draft.number, *(stored[column] for column in STORED), self.at)
