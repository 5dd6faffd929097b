"""From orders and events on the wire to the facts that activity records (pure but for the language).

As lenient in form as ``contacts.api.translate``. What cannot be read at all is a problem with the path it was sent
under; whether a value will do is for ``contacts.activity`` to say, and whose the fact is for the identity rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.activity import NewEvent, NewOrder
from contacts.api.translate_bulk import YES_NO
from contacts.records import Problem
from contacts.wire import WireContact, Zone, is_empty, objects_of, read_moment, read_text

__all__ = ["WireEvent", "WireOrder", "problems_of", "read_event", "read_order"]

LONGEST_NUMBER: Final = 40

ORDER_PATHS: Final = {
    "number": "externalOrderId",
    "status": "status",
    "total_cost": "totalCost",
    "currency": "currency",
    "ordered_at": "date",
    "items": "items",
    "details": "additionalInfo",
    "external_id": "externalCustomerId",
    "email": "email",
    "phone": "phone",
    "first_name": "firstName",
    "last_name": "lastName",
}
CONTACT_COLUMNS: Final = ("external_id", "email", "phone", "first_name", "last_name")
DETAIL_NUMBERS: Final = ("shipping", "discount", "taxes")
DETAIL_TEXTS: Final = (
    "restoreUrl",
    "statusDescription",
    "storeId",
    "deliveryMethod",
    "paymentMethod",
    "deliveryAddress",
)
ITEM_TEXTS: Final = ("externalItemId", "name", "category", "url", "imageUrl", "description")
ITEM_NUMBERS: Final = ("quantity", "cost")
ITEM_REQUIRED: Final = ("externalItemId", "quantity")
OFFLINE: Final = "offline"
ONLINE: Final = "online"
"""Also for an order that says something else."""

EVENT_PATHS: Final = {"type": "eventTypeKey", "key": "keyValue", "params": "params", "occurred_at": "occurred"}
NAMING_PARAMS: Final = {
    "contactid": "id",
    "contact_id": "id",
    "externalcustomerid": "external_id",
    "email": "email",
    "emailaddress": "email",
    "useremail": "email",
    "contactemail": "email",
    "phone": "phone",
    "sms": "phone",
    "phonenumber": "phone",
    "contactkey": "contact_key",
    "pushtoken": "push_token",
}
"""The parameters that say whose event it is, in any case."""
SEVERAL: Final = ("email", "phone")
"""Columns that take more than one value (T14)."""


@dataclass(slots=True)
class WireOrder:
    """One order as it was read; ``order`` is None where it has problems."""

    contact: WireContact
    order: NewOrder | None = None


@dataclass(slots=True)
class WireEvent:
    """One event as it was read. ``push_token`` still has to be given the app that it is a token of."""

    contact: WireContact
    type: Any = ""
    key: Any = ""
    params: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    push_token: Any = None
    once: bool = False

    @property
    def event(self) -> NewEvent:
        return NewEvent(self.type, self.contact.record, self.key, self.params, self.occurred_at, self.once)


# Orders


def read_order(body: Any, zone: Zone) -> WireOrder:
    wire = WireContact(paths=dict(ORDER_PATHS))
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", _("Send one order as an object."))
        return WireOrder(wire)
    for column in CONTACT_COLUMNS:
        if ORDER_PATHS[column] in body:
            wire.record[column] = body[ORDER_PATHS[column]]
    order = NewOrder(
        number=read_text(require(wire, body, "externalOrderId")),
        contact=wire.record,
        status=read_word(require(wire, body, "status")),
        total_cost=require(wire, body, "totalCost"),
        currency=read_word(require(wire, body, "currency")),
        ordered_at=read_order_date(wire, body, zone),
        items=read_items(wire, body.get("items")),
        details=read_details(wire, body),
        source=OFFLINE if read_word(body.get("source")) == OFFLINE.upper() else ONLINE,
    )
    return WireOrder(wire, None if wire.problems else order)


def require(wire: WireContact, body: Mapping[str, Any], name: str, path: str = "") -> Any:
    value = body.get(name)
    if is_empty(value):
        wire.refuse(path or name, "required", _("This value is missing. Fill it in."))
    return value


def read_order_date(wire: WireContact, body: Mapping[str, Any], zone: Zone) -> Any:
    value = require(wire, body, "date")
    return None if is_empty(value) else read_moment(value, zone)  # None is refused by the check of the order


def read_items(wire: WireContact, given: Any) -> list[dict[str, Any]] | None:
    """None says nothing of the items; an empty list says that there are none."""
    if is_empty(given):
        return None
    return [read_item(wire, path, item) for path, item in objects_of(wire, "items", given)]


def read_item(wire: WireContact, path: str, item: Mapping[str, Any]) -> dict[str, Any]:
    for name in ITEM_REQUIRED:
        require(wire, item, name, f"{path}.{name}")
    return {**read_texts(wire, item, ITEM_TEXTS, f"{path}."), **read_numbers(wire, item, ITEM_NUMBERS, f"{path}.")}


def read_details(wire: WireContact, body: Mapping[str, Any]) -> dict[str, Any] | None:
    details: dict[str, Any] = {**read_numbers(wire, body, DETAIL_NUMBERS), **read_texts(wire, body, DETAIL_TEXTS)}
    info = body.get("additionalInfo")
    if isinstance(info, Mapping):
        details["additionalInfo"] = dict(info)
    elif not is_empty(info):
        wire.refuse("additionalInfo", "not_an_object", _("Send further information as an object."))
    return details or None


def read_texts(wire: WireContact, body: Mapping[str, Any], names: Sequence[str], path: str = "") -> dict[str, str]:
    texts = {}
    for name in names:
        value = body.get(name)
        if is_empty(value):
            continue
        text = read_text(value)
        if isinstance(text, str):
            texts[name] = text
        else:
            wire.refuse(f"{path}{name}", "not_text", _("Write this value as text."))
    return texts


def read_numbers(
    wire: WireContact, body: Mapping[str, Any], names: Sequence[str], path: str = ""
) -> dict[str, int | float]:
    numbers = {}
    for name in names:
        value = body.get(name)
        if is_empty(value):
            continue
        number = read_number(value)
        if number is None:
            wire.refuse(f"{path}{name}", "invalid_number", _("Write a number, such as 199.90."))
        else:
            numbers[name] = number
    return numbers


def read_number(value: Any) -> int | float | None:
    """A number, also as text, whole ones as whole numbers; None for what is none, or has more than 15 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip()) if len(str(value)) <= LONGEST_NUMBER else Decimal("NaN")
    except InvalidOperation:
        return None
    if not number.is_finite() or not -15 <= number.adjusted() <= 15:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def read_word(value: Any) -> Any:
    """A word that is compared, such as a status: without regard to its case."""
    text = read_text(value)
    return text.upper() if isinstance(text, str) else text


# Events


def read_event(body: Any) -> WireEvent:
    """Whose event it is stands among its parameters, all of which are kept."""
    wire = WireContact(paths=dict(EVENT_PATHS))
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", _("Send one event as a JSON object."))
        return WireEvent(wire)
    event = WireEvent(wire, read_text(body.get("eventTypeKey")), read_text(body.get("keyValue")))
    event.once = read_once(wire, body.get("once"))
    named: dict[str, dict[str, Any]] = {}
    for path, name, value in read_params(wire, body.get("params")):
        event.params[name] = value
        column = NAMING_PARAMS.get(name.casefold())
        if column and not is_empty(value):
            named.setdefault(column, {})[path] = value
    for column, values in named.items():
        if column == "push_token":
            event.push_token = next(iter(values.values()))
            wire.paths["identifiers[0]"] = wire.paths["identifiers[0].value"] = next(iter(values))
        else:
            put_naming(wire, column, values)
    return event


def read_once(wire: WireContact, given: Any) -> bool:
    """Whether an event of the same type and key counts as this one, sent again."""
    if is_empty(given):
        return False
    read = YES_NO.get(str(given).strip().lower())
    if read is None:
        wire.refuse("once", "invalid_boolean", _("Write true or false."))
    return bool(read)


def read_params(wire: WireContact, given: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, name and value of each; of two with the same name the later one counts."""
    for path, param in objects_of(wire, "params", given):
        name = read_text(param.get("name"))
        if isinstance(name, str) and name:
            yield f"{path}.value", name, param.get("value")
        elif not is_empty(param.get("value")):
            wire.refuse(f"{path}.name", "required", _("Give the parameter a name."))


def put_naming(wire: WireContact, column: str, values: Mapping[str, Any]) -> None:
    """The same value under several names is one; of different ones only emails and phones may be two."""
    different: dict[str, tuple[str, Any]] = {}
    for path, value in values.items():
        different.setdefault(str(value).strip(), (path, value))
    path, value = next(iter(different.values()))
    if column in SEVERAL and len(different) > 1:
        path, value = "params", [value for _path, value in different.values()]
    wire.put(column, value, path)


def problems_of(wire: WireContact, column: str, code: str, message: str, problems: Sequence[Problem]) -> list[Problem]:
    """What was refused, by the paths of the body; empty where it has no place there."""
    return wire.located(problems or ([Problem(column, code, message)] if column else []))
