"""Purchases: orders that are done, of contacts that are there."""

from __future__ import annotations

from functools import cache
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import OrderOutcome, OrderStatus, record_orders
from contacts.api import schema_purchases as schema
from contacts.api.refusals import check_readable, refused
from contacts.api.translate_activity import WireOrder, problems_of
from contacts.api.translate_purchases import read_purchase
from contacts.api.views import name_of_caller
from contacts.identity.errors import ContactNotFound, InvalidRecord
from contacts.identity.types import PURCHASE
from contacts.models import read_account_zone
from crm.api.errors import RESOURCE
from crm.api.views import ApiView
from crm.errors import CardfileError

__all__ = ["PurchasesView"]

NOBODY: Final = frozenset({"contact_not_found", "contact_deleted"})


class PurchasesView(ApiView):
    """``/v1/purchases``: one at a time; a number that is known updates its order."""

    area = "events"
    error_shape = RESOURCE

    @schema.add_purchase
    def post(self, request: Request) -> Response:
        wire = read_purchase(request.data, cache(read_account_zone))
        check_readable(wire.contact)
        orders = [wire.order] if wire.order else []  # what cannot be read was refused
        [outcome] = record_orders(orders, by=name_of_caller(request), plan=PURCHASE)
        if outcome.status == OrderStatus.FAILED:
            raise error_of(wire, outcome)
        self.about = [outcome.contact_id] if outcome.contact_id else None
        status = 201 if outcome.status == OrderStatus.CREATED else 200
        return Response({"purchaseId": orders[0].number, "status": outcome.status.value}, status=status)


def error_of(wire: WireOrder, outcome: OrderOutcome) -> Exception:
    problems = outcome.identity.problems if outcome.identity else ()
    located = problems_of(wire.contact, outcome.column, outcome.code, outcome.message, problems)
    if located and outcome.code not in NOBODY:
        refusal: Exception = refused(located)
        return refusal
    if outcome.code in NOBODY:
        named = next((f"{wire.contact.path_of(column)}='{value}'" for column, value in wire.contact.record.items()), "")
        return ContactNotFound(f"Contact with {named} not found. Check it, or create the contact first.")
    error: CardfileError = InvalidRecord(outcome.message)
    error.code = outcome.code  # type: ignore[misc]
    return error
