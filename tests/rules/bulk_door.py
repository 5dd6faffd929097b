"""The door of bulk calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from contacts.models import BulkRow
from tests.people import Stage
from tests.rules.doors import Told
from tests.rules.row import Act, Row
from tests.rules.server_doors import CHANNELS, IN_THE_ADDRESS, ON_THE_WIRE, Api, key_of_file, number_of_field

DEDUPE: Final = {
    "external_id": "externalCustomerId",
    "email": "email",
    "phone": "sms",
    "email_or_phone": "email_or_sms",
    "id": "id",
    "push": "push",
    "web_push": "webpush",
}
SENT_ALONG: Final = ("mode", "restore_deleted", "replace_external_id", "empty_values_clear", "key")
LISTED: Final = {**ON_THE_WIRE, **CHANNELS, **{name: name for name in IN_THE_ADDRESS}, "phone": "sms"}


class Bulk:
    """``/api/v1/contacts``: the records of a row in one call."""

    name = "bulk API"

    def can_express(self, row: Row, way: str) -> bool:
        if way != "bulk" or isinstance(row.send, Act) or not row.options.keys() <= set(SENT_ALONG):
            return False
        if row.options.get("mode") == "delete" or self.key_of(row) is None:
            return False
        columns = {frozenset(record) for record in row.records}
        return not row.options.get("empty_values_clear") or len(columns) == 1

    def key_of(self, row: Row) -> str | None:
        if row.options.get("key") == "contact_key":
            return None
        found = row.options.get("key") or key_of_file(row)
        return None if found == "contact_key" else found

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        records = [stage.fill(record) for record in row.records]
        client = Api().open()
        answer = client.post("/api/v1/contacts", self.body_of(row, records), format="json")
        assert answer.status_code == 200, answer.content
        told = client.get(f"/api/v1/importstatus/{answer.json()['asyncSessionId']}")
        assert told.status_code == 200, told.content
        return self.read(json.loads(told.content), len(records))

    def body_of(self, row: Row, records: list[dict[str, Any]]) -> dict[str, Any]:
        key, options = str(self.key_of(row)), row.options
        contacts = [{**Api().body_of(record), **({"id": record["id"]} if "id" in record else {})} for record in records]
        body: dict[str, Any] = {
            "contacts": [with_channels(contact) for contact in contacts],
            "mode": str(options.get("mode", "upsert")),
            "restoreDeleted": options.get("restore_deleted", False),
            "replaceExternalId": options.get("replace_external_id", False),
            "dedupeOn": DEDUPE.get(key, "fieldId"),
        }
        if key not in DEDUPE:
            body["fieldId"] = number_of_field(key.removeprefix("fields."))
        if options.get("empty_values_clear"):
            columns = [column for column in records[0] if column not in ("id", "identifiers")]
            body["contactFields"] = [LISTED[column] for column in columns if column in LISTED]
            body["customFieldsIDs"] = [number_of_field(column) for column in columns if column not in LISTED]
        return body

    def read(self, told: Mapping[str, Any], sent: int) -> Told:
        last = BulkRow.objects.get(place=sent - 1)
        assert sum(told["counts"].values()) == sent
        is_bad = last.status in ("failed", "skipped")
        return Told(
            counts={name: count for name, count in told["counts"].items() if count},
            contact_id=None if is_bad else last.contact_id,
            code=last.code if is_bad else "",
        )


def with_channels(contact: dict[str, Any]) -> dict[str, Any]:
    """Push tokens as the channels that clients send; what else identifies stays as it is."""
    kinds = {"mobile_push": ("mobilepush", "device"), "web_push": ("webpush", "webPushSubscription")}
    for one in list(contact["identifiers"]):
        if one["kind"] in kinds:
            name, device = kinds[one["kind"]]
            contact["channels"].append({"type": name, "value": one["value"], device: {"appId": one.get("app")}})
            contact["identifiers"] = [other for other in contact["identifiers"] if other is not one]
    return contact
