"""Orders as they become, before anything is written: what a record makes of what is known of its number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.utils.translation import gettext as _

from contacts.activity.checks import check_order, cost_of, dump_json
from contacts.activity.places import FOR_UPDATE, lock_contacts
from contacts.activity.types import NewOrder, OrderOutcome, OrderStatus
from contacts.identity import Outcome
from contacts.identity.errors import ContactNotFound, WriteConflict
from contacts.identity.load import array_of, text_array
from contacts.identity.orders import find_order_contacts, order_key
from contacts.identity.settings import current_settings
from contacts.normalize import normalize
from contacts.records import Key, Problem, Record

__all__ = [
    "STORED",
    "Draft",
    "OrderWrite",
    "fold_order",
    "list_writes",
    "lock_order_contacts",
    "read_drafts",
    "read_records",
    "unplaced",
]

BOUGHT: Final = "DELIVERED"
MAX_ROUNDS: Final = 3
STORED: Final = ("status", "total_cost", "currency", "ordered_at", "items", "details", "source")
"""What an order that is sent again may change."""

_READ: Final = f"""
SELECT o.id, o.contact_id, o.external_order_id, o.updated_at, {", ".join(f"o.{column}" for column in STORED)}
FROM contacts_order o WHERE o.contact_id = ANY(%s::bigint[]) AND o.external_order_id = ANY(%s::text[])
"""


class Draft:
    """One order while a batch goes over it: as it is stored, then as each record leaves it.

    ``before`` are its columns as they were, None for a new one. ``counts`` where it was or became one of those that are
    bought.
    """

    __slots__ = ("before", "contact_id", "counts", "id", "is_changed", "number", "values")

    def __init__(
        self,
        number: str,
        contact_id: int,
        values: dict[str, Any],
        order_id: int | None = None,
        updated_at: datetime | None = None,
    ) -> None:
        self.number = number
        self.contact_id = contact_id
        self.values = values
        self.id = order_id
        self.before = None if updated_at is None else {**values, "updated_at": updated_at}
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


class OrderWrite(NamedTuple):
    """One order that a batch made or changed; ``before`` are its columns as they were, None for a new one.

    ``events`` are those that came with it: type and when.
    """

    number: str
    contact_id: int
    before: Mapping[str, Any] | None
    events: tuple[tuple[int, datetime], ...]

    def after(self, earlier: OrderWrite) -> OrderWrite:
        """Both as one."""
        return self._replace(before=earlier.before, events=(*earlier.events, *self.events))


def read_records(
    orders: Sequence[NewOrder],
) -> tuple[dict[int, Record], dict[int, Key], dict[int, OrderOutcome]]:
    """By position: the records of orders that can be stored, the keys of their numbers; and of the others, why not."""
    schema = current_settings().schema
    records: dict[int, Record] = {}
    keys: dict[int, Key] = {}
    refused: dict[int, OrderOutcome] = {}
    for position, order in enumerate(orders):
        problem = check_order(order)
        if problem is not None:
            refused[position] = OrderOutcome(
                OrderStatus.FAILED, code=problem.code, message=problem.message, column=problem.column
            )
        else:
            records[position] = normalize(order.contact, schema, ref=position)
            keys[position] = order_key(order.number)
    return records, keys, refused


def lock_order_contacts(cursor: psycopg.Cursor[Any], keys: Collection[Key]) -> dict[Key, int]:
    """Orders' keys → the contacts that have them, locked: none of them is merged or erased meanwhile.

    Raises WriteConflict where they were merged again and again while their locks were waited for.
    """
    holders = find_order_contacts(cursor, keys)
    for _round in range(MAX_ROUNDS):
        lock_contacts(cursor, set(holders.values()), lock=FOR_UPDATE)
        before, holders = holders, find_order_contacts(cursor, keys)
        if holders == before:
            return holders
    raise WriteConflict


def read_drafts(cursor: psycopg.Cursor[Any], holders: Mapping[Key, int], numbers: Iterable[str]) -> dict[Key, Draft]:
    """The stored orders of these numbers, at the contacts that have them."""
    if not holders:
        return {}
    cursor.execute(_READ, (array_of(set(holders.values())), text_array(numbers)))
    drafts = {}
    for order_id, contact_id, number, updated_at, *values in cursor.fetchall():
        if holders.get(order_key(number)) == contact_id:
            stored = dict(zip(STORED, values, strict=True))
            drafts[order_key(number)] = Draft(number, contact_id, stored, order_id, updated_at)
    return drafts


def fold_order(
    order: NewOrder, key: Key, contact_id: int, identity: Outcome, drafts: dict[Key, Draft]
) -> tuple[Draft, OrderOutcome]:
    """Lay one order over what is known of its number, and say what became of it; ``drafts`` get to know a new one."""
    values = _values_of(order)
    draft = drafts.get(key)
    done = OrderOutcome(OrderStatus.UNCHANGED, contact_id, identity=identity)
    if draft is None:
        done.status = OrderStatus.CREATED
        blank: dict[str, Any] = {"items": [], "details": {}, "source": ""}
        values.update({column: value for column, value in blank.items() if values[column] is None})
        draft = drafts[key] = Draft(order.number.strip(), contact_id, values)
        draft.is_changed = True
    else:
        if draft.contact_id != contact_id:
            done.contact_id = draft.contact_id
            done.warnings.append(_of_another(draft.contact_id))
        if draft.take(values):
            done.status = OrderStatus.UPDATED
    return draft, done


def list_writes(drafts: Iterable[Draft], events: Iterable[tuple[Any, ...]]) -> list[OrderWrite]:
    """What a batch wrote; ``events`` are rows of ``EVENT_COLUMNS``."""
    came: dict[tuple[int, str], list[tuple[int, datetime]]] = {}
    for contact_id, type_id, number, _params, _source, occurred_at, _received_at in events:
        came.setdefault((contact_id, number), []).append((type_id, occurred_at))
    written = []
    for draft in drafts:
        events_of = tuple(came.get((draft.contact_id, draft.number), ()))
        if draft.is_changed or events_of:
            written.append(OrderWrite(draft.number, draft.contact_id, draft.before, events_of))
    return written


def unplaced(outcome: Outcome) -> OrderOutcome:
    """There is nobody to record it on; the identity rules say why, or the contact was erased meanwhile."""
    return OrderOutcome(
        OrderStatus.FAILED,
        code=outcome.code or "contact_not_found",
        message=outcome.message or ContactNotFound.default_message(),
        column=outcome.column,
        identity=outcome,
    )


def _values_of(order: NewOrder) -> dict[str, Any]:
    """An order's columns; None means that it says nothing of them."""
    return {
        "status": order.status,
        "total_cost": cost_of(order.total_cost),
        "currency": order.currency.strip().upper(),
        "ordered_at": order.ordered_at.astimezone(UTC),
        "items": _as_stored(order.items),
        "details": _as_stored(order.details),
        "source": order.source.strip() or None,
    }


def _as_stored(value: Any) -> Any:
    """The same value as it reads after it was stored, so that it can be compared."""
    return None if value is None else orjson.loads(dump_json(value))


def _of_another(contact_id: int) -> Problem:
    message = _("Contact %(id)d has the order of this number; it stays there.") % {"id": contact_id}
    return Problem("number", "order_of_another_contact", message)
