"""The doors through which other systems send orders and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contacts.models import Event, EventType, Order
from tests.people import Stage
from tests.rules.doors import Told
from tests.rules.row import Act, Row
from tests.rules.server_doors import Api

IN_AN_ORDER: Final = {
    "external_id": "externalCustomerId",
    "email": "email",
    "phone": "phone",
    "first_name": "firstName",
    "last_name": "lastName",
}
IN_AN_EVENT: Final = {
    "id": "contactId",
    "external_id": "externalCustomerId",
    "email": "EmailAddress",
    "phone": "SMS",
    "contact_key": "contactKey",
}
ORDER: Final = {
    "externalOrderId": "O-1",
    "totalCost": 12.5,
    "status": "DELIVERED",
    "date": "2026-05-14T10:11:10Z",
    "currency": "EUR",
}


class ActivityApi:
    """``/api/v1/orders`` and ``/api/v2/event``: one call a record."""

    name = "activity API"

    def can_express(self, row: Row, way: str) -> bool:
        columns = {"order": IN_AN_ORDER, "event": IN_AN_EVENT}.get(way, {})
        return not isinstance(row.send, Act) and all(record.keys() <= columns.keys() for record in row.records)

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        [record] = row.records
        send = self.send_order if way == "order" else self.send_event
        return send(stage.fill(record), row)

    def send_order(self, record: Mapping[str, Any], row: Row) -> Told:
        named = {IN_AN_ORDER[column]: value for column, value in record.items()}
        answer = Api().open().post("/api/v1/orders", {"orders": [{**ORDER, **named}]}, format="json")
        assert answer.status_code == 200
        if answer.json()["failedOrders"]:
            return Told(statuses=["failed"])
        return Told(contact_id=Order.objects.latest("pk").contact_id, code="")

    def send_event(self, record: Mapping[str, Any], row: Row) -> Told:
        EventType(key="opened", when_nobody="create" if row.options.get("may_create", True) else "refuse").save()
        params = [{"name": IN_AN_EVENT[column], "value": value} for column, value in record.items()]
        answer = Api().open().post("/api/v2/event", {"eventTypeKey": "opened", "params": params}, format="json")
        if answer.status_code == 200:
            return Told(contact_id=Event.objects.latest("pk").contact_id, code="")
        told = answer.json()
        return Told(statuses=["failed"], code=told["errors"][0]["code"] if told["errors"] else told["code"])
