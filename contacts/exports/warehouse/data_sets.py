"""The kinds of rows that can leave for a warehouse, by slug."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy

from contacts.exports.warehouse.changes import MEMBERS
from contacts.exports.warehouse.columns import Field, contact_fields
from contacts.exports.warehouse.family import FamilySet
from contacts.exports.warehouse.segment_set import SegmentSet
from contacts.exports.warehouse.types import DataSet, OutType
from contacts.keys import Kind

__all__ = ["DATA_SETS"]


def _field(key: str, name: str, type_: OutType, label: Any, sql: str = "") -> Field:
    return Field(key, name, type_, label, sql or f"r.{key}")


def _joined(table: str) -> str:
    return f"{table} r JOIN contacts_contact c ON c.id = r.contact_id"


CONTACT_ID: Final = _field("id", "contactId", "bigint", gettext_lazy("Contact ID"), "r.contact_id")
KIND: Final = "CASE r.kind " + " ".join(f"WHEN {kind.value} THEN '{kind.slug}'" for kind in Kind) + " END"

# Order numbers stand among the identifiers too: they leave with the orders.
IDENTIFIERS: Final = FamilySet(
    slug="identifiers",
    label=gettext_lazy("Identifiers and devices"),
    table="contacts_identifier",
    fields=(
        CONTACT_ID,
        _field("identifier_id", "identifierId", "bigint", gettext_lazy("Identifier ID"), "r.id"),
        _field("kind", "kind", "text", gettext_lazy("Kind"), KIND),
        _field("app", "app", "text", gettext_lazy("App")),
        _field("value", "value", "text", gettext_lazy("Value")),
        _field("source", "source", "text", gettext_lazy("Source")),
        _field("first_seen_at", "firstSeenDate", "timestamptz", gettext_lazy("First seen")),
        _field("last_seen_at", "lastSeenDate", "timestamptz", gettext_lazy("Last seen")),
        _field("details", "details", "json", gettext_lazy("Details")),
    ),
    key=("id", "identifier_id"),
    source=_joined("contacts_identifier"),
    owner_sql="r.contact_id",
    where=f"r.kind <> {Kind.ORDER.value}",
    marks=("seen",),
)
CONTACTS: Final = FamilySet(
    slug="contacts",
    label=gettext_lazy("Contacts"),
    table="contacts_contact",
    fields=contact_fields(),
    key=("id",),
    source="contacts_contact c",
    owner_sql="c.id",
    marks=("seen",),
    with_tombstones=True,
    has_custom=True,
)
# An order that is taken back takes the events of its statuses along.
EVENTS: Final = FamilySet(
    slug="events",
    label=gettext_lazy("Events"),
    table="contacts_event",
    fields=(
        CONTACT_ID,
        _field("event_id", "eventId", "bigint", gettext_lazy("Event ID"), "r.id"),
        _field("type", "eventType", "text", gettext_lazy("Type"), "t.key"),
        _field("key", "keyValue", "text", gettext_lazy("Key")),
        _field("params", "params", "json", gettext_lazy("Parameters")),
        _field("source", "source", "text", gettext_lazy("Source")),
        _field("occurred_at", "occurredDate", "timestamptz", gettext_lazy("Occurred")),
        _field("received_at", "receivedDate", "timestamptz", gettext_lazy("Received")),
    ),
    key=("id", "event_id"),
    source=f"{_joined('contacts_event')} LEFT JOIN contacts_eventtype t ON t.id = r.type_id",
    owner_sql="r.contact_id",
    marks=("order",),
    appended="r.id",
)
ORDERS: Final = FamilySet(
    slug="orders",
    label=gettext_lazy("Orders"),
    table="contacts_order",
    fields=(
        CONTACT_ID,
        _field("order_id", "orderId", "bigint", gettext_lazy("Order ID"), "r.id"),
        _field("external_order_id", "externalOrderId", "text", gettext_lazy("Order number")),
        _field("status", "status", "text", gettext_lazy("Status")),
        _field("total_cost", "totalCost", "numeric", gettext_lazy("Total")),
        _field("currency", "currency", "text", gettext_lazy("Currency")),
        _field("ordered_at", "date", "timestamptz", gettext_lazy("Date")),
        _field("source", "source", "text", gettext_lazy("Source")),
        _field("details", "details", "json", gettext_lazy("Details")),
        _field("updated_at", "updatedDate", "timestamptz", gettext_lazy("Last change")),
    ),
    key=("id", "order_id"),
    source=_joined("contacts_order"),
    owner_sql="r.contact_id",
    marks=("order",),
)


def _of_item(name: str, label: Any) -> Field:
    return _field(name, name, "text", label, f"i.item ->> '{name}'")


def _number_of_item(name: str, label: Any) -> Field:
    """Items are kept as they came: a number may stand there as a text."""
    sql = rf"CASE WHEN i.item ->> '{name}' ~ '^-?\d{{1,30}}(\.\d{{1,30}})?$' THEN (i.item ->> '{name}')::numeric END"
    return _field(name, name, "numeric", label, sql)


ORDER_ITEMS: Final = FamilySet(
    slug="order_items",
    label=gettext_lazy("Order items"),
    table="contacts_order",
    fields=(
        CONTACT_ID,
        _field("order_id", "orderId", "bigint", gettext_lazy("Order ID"), "r.id"),
        _field("position", "position", "bigint", gettext_lazy("Position"), "i.position"),
        _of_item("externalItemId", gettext_lazy("Item ID")),
        _of_item("name", gettext_lazy("Name")),
        _of_item("category", gettext_lazy("Category")),
        _number_of_item("quantity", gettext_lazy("Quantity")),
        _number_of_item("cost", gettext_lazy("Cost")),
        _of_item("url", gettext_lazy("Address of its page")),
        _of_item("imageUrl", gettext_lazy("Address of its picture")),
        _of_item("description", gettext_lazy("Description")),
        _field("item", "item", "json", gettext_lazy("The item as it came"), "i.item"),
    ),
    key=("id", "order_id", "position"),
    source=(
        f"{_joined('contacts_order')} CROSS JOIN LATERAL jsonb_array_elements("
        "CASE jsonb_typeof(r.items) WHEN 'array' THEN r.items ELSE '[]' END) WITH ORDINALITY AS i (item, position)"
    ),
    owner_sql="r.contact_id",
    marks=("order",),
)
SEGMENTS: Final = SegmentSet()
MEMBERSHIPS: Final = FamilySet(
    slug="memberships",
    label=gettext_lazy("Memberships of segments"),
    table="contacts_exportmember",
    fields=(CONTACT_ID, _field("segment_id", "segmentId", "bigint", gettext_lazy("Segment ID"))),
    key=("id", "segment_id"),
    source=_joined("contacts_exportmember"),
    owner_sql="r.contact_id",
    where="r.is_in",
    follows=(MEMBERS,),
)
# One that was taken back is no merge any more. Whoever is erased goes with all that were merged into it.
MERGES: Final = FamilySet(
    slug="merges",
    label=gettext_lazy("Merges"),
    table="contacts_merge",
    fields=(
        CONTACT_ID,
        _field("merge_id", "mergeId", "bigint", gettext_lazy("Merge ID"), "r.id"),
        _field("loser_id", "mergedContactId", "bigint", gettext_lazy("Merged contact")),
        _field("at", "date", "timestamptz", gettext_lazy("Date")),
        _field("by", "by", "text", gettext_lazy("Who")),
        _field("rule", "rule", "text", gettext_lazy("Rule")),
    ),
    key=("id", "merge_id"),
    source=_joined("contacts_merge"),
    owner_sql="r.contact_id",
    where="r.undone_at IS NULL",
)

DATA_SETS: Final[dict[str, DataSet]] = {
    data_set.slug: data_set
    for data_set in (CONTACTS, IDENTIFIERS, EVENTS, ORDERS, ORDER_ITEMS, SEGMENTS, MEMBERSHIPS, MERGES)
}
"""In the order in which a run brings them up to date."""
