"""What a contact bought, by currency. Nothing here writes."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import Revenue, read_revenues
from contacts.api import schema_totals as schema
from contacts.api.naming import find_kept
from contacts.api.refusals import no_such_contact
from contacts.models import Contact
from crm.api.views import ApiView

__all__ = ["TotalsView"]


class TotalsView(ApiView):
    """``/v1/contact/{id}/totals``; of a deleted contact too, for a merged one its survivor's."""

    area = "contacts"
    rate = "search"

    @schema.read_totals
    def get(self, request: Request, contact_id: int) -> Response:
        found = find_kept(contact_id)
        if found is None:
            raise no_such_contact("id", contact_id)
        orders = Contact.objects.filter(pk=found).values_list("order_count", flat=True).first()
        bought = read_revenues([found]).get(found, [])
        return Response({"contactId": found, "orders": orders or 0, "bought": [show_revenue(one) for one in bought]})


def show_revenue(revenue: Revenue) -> dict[str, Any]:
    """Sums as text, so that nothing of them is lost on the way."""
    return {
        "currency": revenue.currency,
        "orders": revenue.orders,
        "sum": f"{revenue.amount:.4f}",
        "average": f"{revenue.average:.4f}",
        "first": revenue.first_at.isoformat(),
        "last": revenue.last_at.isoformat(),
    }
