"""The verb that records orders."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import psycopg
from django.utils.translation import gettext as _

from contacts import populations
from contacts.activity.checks import check_order, cost_of, dump_json
from contacts.activity.event_types import known_types
from contacts.activity.places import FOR_UPDATE, Place, lock_contacts, place_facts
from contacts.activity.rows import EVENT_COLUMNS, insert_rows
from contacts.activity.types import NewOrder, OrderOutcome, OrderStatus
from contacts.identity import MAX_BATCH, Outcome, Plan
from contacts.identity.errors import ContactNotFound, WriteConflict
from contacts.identity.load import array_of, open_cursor, text_array
from contacts.identity.orders import attach_orders, find_order_contacts, order_key, resolve_with_orders
from contacts.identity.settings import current_settings
from contacts.identity.totals import refresh_totals
from contacts.identity.types import ORDER
from contacts.normalize import normalize
from contacts.records import Key, Problem, Record

__all__ = ["record_orders"]

BOUGHT: Final = "DELIVERED"
EVENT_SOURCE: Final = "order"
MAX_ROUNDS: Final = 3
STORED: Final = ("status", "total_cost", "currency", "ordered_at", "items", "details", "source")
"""What an order that is sent again may change."""
ORDER_COLUMNS: Final = ("contact_id", "external_order_id", *STORED, "updated_at")

_READ: Final = f"""
SELECT o.id, o.contact_id, o.external_order_id, {", ".join(f"o.{column}" for column in STORED)}
FROM contacts_order o WHERE o.contact_id = ANY(%s::bigint[]) AND o.external_order_id = ANY(%s::text[])
"""
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


def record_orders(
    orders: Iterable[NewOrder], *, by: str, at: datetime | None = None, plan: Plan = ORDER
) -> list[OrderOutcome]:
    """Record orders on the contacts that the identity rules find, or make (L17); a known number updates its order.

    ``plan`` is ``ORDER``, or ``PURCHASE``, which makes no contact. An order stays with the contact that has it, even
    where the record names another one, which is a warning. Each order is also an event ``order<STATUS>`` with its
    number as key, once a status. Outcomes come in the order of the orders; one that is refused keeps nobody else back.
    """
    outcomes: list[OrderOutcome] = []
    iterator = iter(orders)
    while batch := list(itertools.islice(iterator, MAX_BATCH)):
        outcomes += _OrderBatch(batch, plan, by=by, at=at or datetime.now(UTC)).run()
    return outcomes


class _Draft:
    """One order while a batch goes over it: as it is stored, then as each record leaves it.

    ``counts`` where it was or became one of those that are bought.
    """

    __slots__ = ("contact_id", "counts", "id", "is_changed", "number", "values")

    def __init__(self, number: str, contact_id: int, values: dict[str, Any], order_id: int | None = None) -> None:
        self.number = number
        self.contact_id = contact_id
        self.values = values
        self.id = order_id
        self.is_changed = False
        self.counts = values["status"] == BOUGHT

    def take(self, values: Mapping[str, Any]) -> bool:
        """Take over what an order sent again says; tells whether that is a change."""
        changes = {
            column: value for column, value in values.items() if value is not None and value != self.values[column]
        }
        self.values.update(changes)
        self.is_changed = self.is_changed or bool(changes)
        self.counts = self.counts or self.values["status"] == BOUGHT
        return bool(changes)


class _OrderBatch:
    """Up to ``MAX_BATCH`` orders, each known by its position."""

    def __init__(self, orders: Sequence[NewOrder], plan: Plan, *, by: str, at: datetime) -> None:
        self.orders = orders
        self.plan = plan
        self.by = by
        self.at = at
        self.type_ids: dict[str, int] = {}
        self.records: dict[int, Record] = {}
        self.keys: dict[int, Key] = {}
        self.outcomes: dict[int, OrderOutcome] = {}

    def run(self) -> list[OrderOutcome]:
        # 1. What cannot be stored is refused before anybody is looked up, or made.
        schema = current_settings().schema
        for position, order in enumerate(self.orders):
            problem = check_order(order)
            if problem is not None:
                self.outcomes[position] = _refused(problem)
            else:
                self.records[position] = normalize(order.contact, schema, ref=position)
                self.keys[position] = order_key(order.number)
        # 2. The event types of the statuses.
        keys = {f"order{self.orders[position].status}" for position in self.records}
        self.type_ids = {key: found.id for key, found in known_types(keys).items()}
        # 3. Contacts, then their orders, in one transaction.
        if self.records:
            numbers = [self.orders[position].number for position in self.records]
            records = list(self.records.values())
            resolve_with_orders(records, numbers, self.plan, by=self.by, at=self.at, within=self.write)
        return [self.outcomes[position] for position in range(len(self.orders))]

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
                self.outcomes[outcome.ref] = _unplaced(outcome)
                continue
            draft = self.fold(outcome, place, drafts, new)
            event = self.event_of(outcome.ref, draft)
            if event[:3] not in occurred:
                events.setdefault(event[:3], event[3])
        self.store(cursor, list(drafts.values()), new)
        insert_rows(cursor, "contacts_event", EVENT_COLUMNS, list(events.values()))
        cursor.close()
        touched = sorted({draft.contact_id for draft in drafts.values() if draft.is_changed})
        if touched:
            populations.contacts_changed.send(sender=None, contact_ids=touched, at=self.at, what="order")

    def fold(self, outcome: Outcome, place: Place, drafts: dict[Key, _Draft], new: dict[Key, int]) -> _Draft:
        """Lay one order over what is known of its number, and say what became of it."""
        order, key = self.orders[outcome.ref], self.keys[outcome.ref]
        values = _values_of(order)
        draft = drafts.get(key)
        done = OrderOutcome(OrderStatus.UNCHANGED, place.contact_id, identity=outcome)
        if draft is None:
            done.status = OrderStatus.CREATED
            values["items"] = values["items"] or []
            values["details"] = values["details"] or {}
            draft = drafts[key] = _Draft(order.number.strip(), place.contact_id, values)
            draft.is_changed = True
            new[key] = place.contact_id
        else:
            if draft.contact_id != place.contact_id:
                done.contact_id = draft.contact_id
                done.warnings.append(_of_another(draft.contact_id))
            if draft.take(values):
                done.status = OrderStatus.UPDATED
        self.outcomes[outcome.ref] = done
        return draft

    def event_of(self, position: int, draft: _Draft) -> tuple[Any, ...]:
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
        occurred_at = order.ordered_at if draft.id is None else self.at
        row = (draft.contact_id, type_id, draft.number, dump_json(params), EVENT_SOURCE, occurred_at, self.at)
        return (draft.contact_id, draft.number, type_id, row)

    # Reading

    def read(self, cursor: psycopg.Cursor[Any], positions: Sequence[int]) -> dict[Key, _Draft]:
        """The stored orders of these numbers, their contacts locked: none of them is merged or erased meanwhile."""
        keys = {self.keys[position] for position in positions}
        holders = find_order_contacts(cursor, keys)
        for _round in range(MAX_ROUNDS):
            lock_contacts(cursor, set(holders.values()), lock=FOR_UPDATE)
            before, holders = holders, find_order_contacts(cursor, keys)
            if holders == before:
                break
        else:
            raise WriteConflict
        if not holders:
            return {}
        numbers = text_array({self.orders[position].number.strip() for position in positions})
        cursor.execute(_READ, (array_of(set(holders.values())), numbers))
        drafts = {}
        for order_id, contact_id, number, *values in cursor.fetchall():
            if holders.get(order_key(number)) == contact_id:
                drafts[order_key(number)] = _Draft(number, contact_id, dict(zip(STORED, values, strict=True)), order_id)
        return drafts

    def read_occurred(
        self, cursor: psycopg.Cursor[Any], drafts: Mapping[Key, _Draft], places: Collection[int]
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

    def store(self, cursor: psycopg.Cursor[Any], drafts: Sequence[_Draft], new: Mapping[Key, int]) -> None:
        attach_orders(cursor, new, source=self.plan.source, at=self.at)
        made = [draft for draft in drafts if draft.id is None]
        insert_rows(cursor, "contacts_order", ORDER_COLUMNS, [self.row_of(draft) for draft in made])
        changed = [draft for draft in drafts if draft.id is not None and draft.is_changed]
        if changed:
            rows = [{"id": draft.id, "contact_id": draft.contact_id, **draft.values} for draft in changed]
            cursor.execute(_UPDATE, (self.at, orjson.dumps(rows, default=str).decode()))
        refresh_totals(cursor, {draft.contact_id for draft in drafts if draft.is_changed and draft.counts})

    def row_of(self, draft: _Draft) -> tuple[Any, ...]:
        stored = {
            **draft.values,
            "items": dump_json(draft.values["items"]),
            "details": dump_json(draft.values["details"]),
        }
        return (draft.contact_id, draft.number, *(stored[column] for column in STORED), self.at)


def _values_of(order: NewOrder) -> dict[str, Any]:
    """An order's columns; None means that it says nothing of them."""
    return {
        "status": order.status,
        "total_cost": cost_of(order.total_cost),
        "currency": order.currency.strip().upper(),
        "ordered_at": order.ordered_at.astimezone(UTC),
        "items": _as_stored(order.items),
        "details": _as_stored(order.details),
        "source": order.source.strip(),
    }


def _as_stored(value: Any) -> Any:
    """The same value as it reads after it was stored, so that it can be compared."""
    return None if value is None else orjson.loads(dump_json(value))


def _of_another(contact_id: int) -> Problem:
    message = _("Contact %(id)d has the order of this number; it stays there.") % {"id": contact_id}
    return Problem("number", "order_of_another_contact", message)


def _refused(problem: Problem) -> OrderOutcome:
    return OrderOutcome(OrderStatus.FAILED, code=problem.code, message=problem.message, column=problem.column)


def _unplaced(outcome: Outcome) -> OrderOutcome:
    """There is nobody to record it on; the identity rules say why, or the contact was erased meanwhile."""
    return OrderOutcome(
        OrderStatus.FAILED,
        code=outcome.code or "contact_not_found",
        message=outcome.message or ContactNotFound.default_message(),
        column=outcome.column,
        identity=outcome,
    )
