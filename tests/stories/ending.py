"""What the database has when a story is over, less what may differ: ids, times, and the journal.

The journal is also who came first: where a contact or an identifier came from (``source``), whether a person or a file
made it, which tombstones stand behind it, and whether somebody who subscribed was new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.apps import apps
from django.db import connection, models

from contacts.keys import Kind
from contacts.models import (
    ChannelState,
    Consent,
    Contact,
    ContactState,
    DuplicateCase,
    Event,
    EventType,
    Identifier,
    Order,
    OrderTotal,
)
from segments.models import Membership
from tests.stories.story import Sheet

Facts = dict[str, Any]

KEPT: Final = frozenset(
    {
        "account", "app", "appkey", "customfield", "eventparameter", "eventtype", "journalposition", "junkvalue",
        "policy", "segment", "site", "subscriptioncategory", "watch", "webhook",
    }
)  # fmt: skip
"""What an account has beside its contacts; a story finds it as the one before left it."""
HISTORY: Final = frozenset(
    {
        "id", "state", "source", "made_deliberately", "merged_into", "identifier_kinds", "attributes", "created_at",
        "updated_at", "last_seen_at", "deleted_at", "email_state_at", "phone_state_at",
    }
)  # fmt: skip
OF_NEW, OF_KNOWN = "subscribeFromApi", "subscribeUpdateFromApi"
ONLY_OF_ONE_ORDER: Final = frozenset({"emailStatus", "confirmationLink", "expiresAt"})
"""Parameters that tell how things stood at that moment."""


def forget_contacts() -> None:
    """Nobody was ever here; the account stays as it is."""
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in _tables()))


def _tables() -> Iterator[str]:
    """Those of all rooms, whatever refers to another one first."""
    listed: list[type[models.Model]] = [
        model
        for room in ("contacts", "segments")
        for model in apps.get_app_config(room).get_models()
        if model._meta.model_name not in KEPT and model._meta.managed
    ]
    while listed:
        referred = {field.related_model for model in listed for field in _references(model)}
        free = [model for model in listed if model not in referred]
        yield from (model._meta.db_table for model in free)
        listed = [model for model in listed if model in referred]


def _references(model: type[models.Model]) -> Iterable[models.ForeignKey[Any, Any]]:
    return (
        field
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model is not model
    )


def read_ending() -> list[Facts]:
    """Everything that is left of a story: contacts, visitors' numbers, and what waits for somebody."""
    numbers = dict.fromkeys([*_contacts(), *_numbers()])
    facts = [Ending(number).read() for number in numbers]
    return sorted((one for one in facts if one), key=lambda one: json.dumps(one, sort_keys=True, default=str))


def _contacts() -> Iterator[int]:
    yield from Contact.objects.filter(state__in=(ContactState.ACTIVE, ContactState.DELETED)).values_list(
        "pk", flat=True
    )


def _numbers() -> Iterator[int]:
    """Whatever anything hangs from: visitors, and what a merge would have left behind."""
    for model in (Identifier, Event, Order, OrderTotal, Consent, Membership):
        yield from model.objects.values_list("contact_id", flat=True)


class Ending:
    """What one contact, or one visitor, has in the end."""

    def __init__(self, number: int) -> None:
        self.number = number

    def read(self) -> Facts:
        contact = Contact.objects.filter(pk=self.number).first()
        return {
            "is": ContactState(contact.state).name.lower() if contact else "visitor",
            "fields": self.fields_of(contact) if contact else {},
            "identifiers": self.identifiers(),
            "events": self.events(),
            "orders": self.orders(),
            "totals": self.totals(),
            "segments": sorted(self.own(Membership).values_list("segment__name", flat=True)),
            "consents": dict(self.own(Consent).values_list("category", "granted")),
            "cases": self.cases(),
        }

    def own(self, model: type[models.Model]) -> Any:
        return model._default_manager.filter(contact_id=self.number)

    def fields_of(self, contact: Contact) -> Facts:
        columns = {field.name: getattr(contact, field.attname) for field in Contact._meta.concrete_fields}
        shown = {name: value for name, value in columns.items() if name not in HISTORY and value not in (None, 0, "")}
        for channel in ("email", "phone"):
            if (state := shown.get(f"{channel}_state")) is not None:
                shown[f"{channel}_state"] = ChannelState(state).name.lower()
        return shown | {f"fields.{key}": value for key, value in contact.attributes.items()}

    def identifiers(self) -> Facts:
        rows = self.own(Identifier).exclude(kind=Kind.ORDER).values_list("kind", "app", "value", "details")
        return {":".join(filter(None, (Kind(kind).slug, app, value))): details for kind, app, value, details in rows}

    def events(self) -> list[Facts]:
        names = dict(EventType.objects.values_list("pk", "key"))
        rows = [
            {"type": names[event.type_id], "key": event.key, "params": dict(event.params), "source": event.source}
            for event in self.own(Event)
        ]
        for row in rows:
            if row["type"].startswith((OF_NEW, OF_KNOWN)):
                row["type"] = row["type"].replace(OF_KNOWN, OF_NEW)
                row["params"] = {name: row["params"][name] for name in row["params"].keys() - ONLY_OF_ONE_ORDER}
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))

    def orders(self) -> Facts:
        columns = ("status", "total_cost", "currency", "items", "details", "source", "ordered_at")
        return {order.external_order_id: {name: getattr(order, name) for name in columns} for order in self.own(Order)}

    def totals(self) -> list[Facts]:
        rows = self.own(OrderTotal).values()
        return [{name: value for name, value in row.items() if name not in ("id", "contact_id")} for row in rows]

    def cases(self) -> list[str]:
        rows = DuplicateCase.objects.filter(status="open", contact_ids__contains=[self.number])
        return sorted(f"{Kind(kind).slug}:{value}" for kind, value in rows.values_list("kind", "value"))


def sheet_of(facts: Facts) -> Sheet:
    """As a story says it."""
    return Sheet(
        fields=facts["fields"],
        identifiers=frozenset(facts["identifiers"]),
        events=sorted(event["type"] for event in facts["events"]),
        orders={number: order["status"] for number, order in facts["orders"].items()},
        segments=frozenset(facts["segments"]),
        consents=facts["consents"],
        cases=frozenset(facts["cases"]),
        devices={name: details for name, details in facts["identifiers"].items() if details},
    )
