"""Doors for other systems: the API, a file, and the verbs that record orders and events."""

from __future__ import annotations

import base64
import csv
import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from contacts.activity import NewEvent, NewOrder, record_events, record_orders
from contacts.identity.types import API, PURCHASE
from contacts.models import CustomField, EventType
from contacts.normalize import Schema
from crm.api.keys import create_api_key
from tests.people import BY, Stage
from tests.rules.doors import Told, told_by
from tests.rules.row import Act, Row

ON_THE_WIRE: Final = {
    "external_id": "externalCustomerId",
    "contact_key": "contactKey",
    "first_name": "firstName",
    "last_name": "lastName",
}
IN_THE_ADDRESS: Final = ("town", "region", "address", "postcode")
CHANNELS: Final = {"email": "email", "phone": "sms"}
OWN_KEYS: Final = ("external_id", "email", "phone", "contact_key", "fields.loyalty", "fields.badge")
STATUSES: Final = ("created", "updated", "unchanged", "restored", "skipped", "failed")


class Api:
    """``/api/v1/contact``, one call a record."""

    name = "API"
    verbs: Final = ("get", "delete", "erase", "merge", "undo")

    def can_express(self, row: Row, way: str) -> bool:
        if isinstance(row.send, Act):
            return row.send.verb in self.verbs
        return way == "single" and row.plan(way) == API

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        client = self.open()
        if isinstance(row.send, Act):
            return self.act(client, row.send, stage)
        told = Told()
        for record in row.records:
            told = self.write(client, stage.fill(record))
        return told

    def open(self) -> APIClient:
        _key, secret = create_api_key("tests", scope="full")
        credentials = base64.b64encode(f"anybody:{secret}".encode()).decode()
        return APIClient(HTTP_AUTHORIZATION=f"Basic {credentials}")

    def write(self, client: APIClient, record: Mapping[str, Any]) -> Told:
        if "id" in record:
            answer = client.put(f"/api/v1/contact/{record['id']}", self.body_of(record), format="json")
        else:
            answer = client.post("/api/v1/contact", self.body_of(record), format="json")
        return self.read(answer)

    def act(self, client: APIClient, act: Act, stage: Stage) -> Told:
        path = f"/api/v1/contact/{stage.ids[act.name]}"
        if act.verb == "get":
            return self.read(client.get(path))
        if act.verb == "merge":
            return self.merge(client, path, {"loserId": stage.ids[act.other], "choices": act.choices})
        if act.verb == "undo":
            return self.read_merge(client.post(f"/api/v1/merges/{stage.merges[act.name]}/undo"), "loserId")
        return self.read(client.delete(path + "?erase=true" if act.verb == "erase" else path))

    def merge(self, client: APIClient, path: str, body: Mapping[str, Any]) -> Told:
        """After a dry run, which is refused where the merge is."""
        rehearsed = client.post(f"{path}/merge?dryRun=true", body, format="json")
        answer = client.post(f"{path}/merge", body, format="json")
        assert rehearsed.status_code == answer.status_code
        return self.read_merge(answer, "survivorId")

    def read_merge(self, answer: Any, whom: str) -> Told:
        return self.read(answer) if answer.status_code != 200 else Told(contact_id=answer.json()[whom], code="")

    def read(self, answer: Any) -> Told:
        if answer.status_code != 200:
            told = answer.json()
            first = told["errors"][0] if told["errors"] else told
            return Told(statuses=["failed"], code=first["code"])
        said = answer.content.decode()
        return Told(contact_id=json.loads(said)["id"] if said.startswith("{") else None, code="")

    def body_of(self, record: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"channels": [], "address": {}, "fields": [], "identifiers": []}
        for column, value in record.items():
            if column in ON_THE_WIRE:
                body[ON_THE_WIRE[column]] = value
            elif column in CHANNELS:
                values = value if isinstance(value, list) else [value]
                body["channels"] += [{"type": CHANNELS[column], "value": each} for each in values]
            elif column in IN_THE_ADDRESS:
                body["address"][column] = value
            elif column.startswith("fields."):
                body["fields"].append({"id": number_of_field(column), "value": value})
            elif column == "identifiers":
                body["identifiers"] = value
        return body


def number_of_field(column: str) -> int:
    field = CustomField.objects.filter(key=column.removeprefix("fields.")).first()
    return field.pk if field else 987_654


class File:
    """``manage.py import_contacts`` with a CSV of the row's records."""

    name = "CSV"

    def can_express(self, row: Row, way: str) -> bool:
        if way != "import" or isinstance(row.send, Act) or key_of_file(row) is None:
            return False
        headers = {frozenset(record) for record in row.records}
        if len(headers) > 1 and row.options.get("empty_values_clear"):
            return False  # a column that only one row has would be empty in the others
        return not any(isinstance(value, list) for record in row.records for value in record.values())

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "people.csv"
            columns = [column for record in row.records for column in record]
            headers = list(dict.fromkeys([*columns, *column_of_key(str(key_of_file(row)), columns)]))
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [header.removeprefix("fields.") for header in headers])
                writer.writeheader()
                for record in row.records:
                    filled = stage.fill(record)
                    writer.writerow({column.removeprefix("fields."): value for column, value in filled.items()})
            return self.read(path, self.flags_of(row))

    def flags_of(self, row: Row) -> list[str]:
        options = row.options
        flags = ["--key", str(key_of_file(row)), "--mode", options.get("mode", "upsert")]
        flags += ["--empty-values", "clear"] if options.get("empty_values_clear") else []
        flags += ["--restore-deleted"] if options.get("restore_deleted") else []
        flags += ["--replace-external-id"] if options.get("replace_external_id") else []
        return flags

    def read(self, path: Path, flags: list[str]) -> Told:
        said = StringIO()
        try:
            call_command("import_contacts", str(path), *flags, "--json", stdout=said, stderr=StringIO())
        except CommandError as error:
            raise AssertionError(said.getvalue()) from error
        counts = json.loads(said.getvalue().splitlines()[-1])
        told = Told(counts={status: counts[status] for status in STATUSES if counts[status]})
        errors = path.with_name(path.name + ".errors.csv")
        if errors.exists() and (counts["failed"] or counts["skipped"]):
            with errors.open(encoding="utf-8", newline="") as file:
                lines = list(csv.DictReader(file))
            told.code = next(line["code"] for line in lines if line["code"] != "junk_value")
        return told


def key_of_file(row: Row) -> str | None:
    """The key that a file must choose for its rows to mean what the row of the table means; None if there is none."""
    if row.names_a_contact:
        return "id" if row.options.get("key") == "id" else None
    if "key" in row.options:
        return row.options["key"] if row.options["key"] != "id" else None
    keys = [usable_keys(record, row) for record in row.records]
    if all("external_id" in found for found in keys):
        return "external_id"
    first = keys[0]
    return first[0].removeprefix("fields.") if len(first) == 1 and all(found == first for found in keys) else None


def column_of_key(key: str, columns: list[str]) -> list[str]:
    """The key's column, which a file must have; empty where no record has a value for it."""
    if key == "email_or_phone":
        return [] if {"email", "phone"} & set(columns) else ["email"]
    return [key if key in ("id", *OWN_KEYS) else f"fields.{key}"]


def usable_keys(record: Mapping[str, Any], row: Row) -> list[str]:
    """The columns of a record that can find somebody."""
    junk = Schema(junk_values=row.junk, junk_patterns=row.junk_patterns)
    given = {column: str(record[column]).strip() for column in OWN_KEYS if column in record}
    return [column for column, text in given.items() if text and not junk.is_junk(text)]


class Activity:
    """``record_orders`` and ``record_events``: who is found, and what is taken over, is the same."""

    name = "activity"

    def can_express(self, row: Row, way: str) -> bool:
        return way in ("order", "event", "purchase") and not isinstance(row.send, Act)

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        [record] = row.records
        contact = stage.fill(record)
        if way == "event":
            EventType(key="opened", when_nobody="create" if row.options.get("may_create", True) else "refuse").save()
            [event] = record_events([NewEvent("opened", contact)], by=BY, at=stage.tick())
            assert event.identity is not None
            return told_by([event.identity])
        moment = datetime.now(UTC)
        order = NewOrder("O-1", contact, "DELIVERED", "12.50", "EUR", moment)
        plans = {"plan": PURCHASE} if way == "purchase" else {}
        [outcome] = record_orders([order], by=BY, at=stage.tick(), **plans)
        assert outcome.identity is not None
        return told_by([outcome.identity])
