"""What contacts bought (pure): delivered orders, unless a condition names the status.

What the delivered ones come to is kept by contact and currency (``contacts.identity.totals``), so that a measure over
all of them reads a row or two a contact.
"""

from __future__ import annotations

from typing import Final

from segments.conditions.fields import Field, FieldType, Option
from segments.conditions.relations.measures import gettext_noop as _
from segments.conditions.relations.members import Members
from segments.conditions.relations.relation import Assumed, Kept, Relation
from segments.conditions.sql import Clause

__all__ = ["ORDERS"]

_STATUSES: Final = (
    Option("initialized", _("initialized"), "INITIALIZED"),
    Option("in_progress", _("in progress"), "IN_PROGRESS"),
    Option("delivered", _("delivered"), "DELIVERED"),
    Option("cancelled", _("cancelled"), "CANCELLED"),
    Option("abandoned_shopping_cart", _("abandoned shopping cart"), "ABANDONED_SHOPPING_CART"),
)
_ANY_ITEM: Final = (
    "EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(r.items) WHEN 'array' THEN r.items END)"
    " AS of_order (item) WHERE {})"
)

ORDERS: Final = Relation(
    key="orders",
    label=_("Orders"),
    group="activity",
    one=_("order"),
    many=_("orders"),
    table="contacts_order",
    moment=Field("ordered_at", FieldType.DATE, _("Date"), Clause("r.ordered_at")),
    fields={
        field.key: field
        for field in (
            Field("status", FieldType.CHOICE, _("Status"), Clause("r.status"), options=_STATUSES),
            Field("total_cost", FieldType.NUMBER, _("Total"), Clause("r.total_cost")),
            Field("currency", FieldType.TEXT, _("Currency"), Clause("r.currency")),
            Field("source", FieldType.TEXT, _("Source"), Clause("NULLIF(r.source, '')")),
        )
    },
    members=(
        Members("items.", _("Any item"), Clause("of_order.item"), around=_ANY_ITEM, listed=Clause("r.items")),
        Members("details.", _("Details"), Clause("r.details")),
    ),
    assumed=Assumed("status", Clause("r.status = 'DELIVERED'"), _("delivered order"), _("delivered orders")),
    sums=("total_cost", "details."),
    kept=Kept(
        table="contacts_ordertotal",
        of="total_cost",
        measures={
            "count": "sum(r.count)::bigint",
            "sum": "coalesce(sum(r.amount), 0)",
            "average": "sum(r.amount) / sum(r.count)",
            "first_at": "min(r.first_at)",
            "last_at": "max(r.last_at)",
        },
        moments={"first_at": "first_at", "last_at": "last_at"},
    ),
)
