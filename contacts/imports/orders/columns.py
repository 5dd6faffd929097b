"""Headers → what a column says of an order (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from contacts.imports.columns import ERROR_HEADERS, SKIP
from contacts.imports.errors import (
    ColumnTwice,
    ImportRefused,
    MappingIncomplete,
    OptionsConflict,
    OrderColumnMissing,
    UnknownTarget,
)
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.orders.values import CURRENCY, STATUSES
from crm.errors import CardfileError, Refused

__all__ = [
    "DETAILS",
    "ITEM",
    "ITEMS",
    "ITEM_DETAILS",
    "ITEM_NUMBERS",
    "ITEM_TEXTS",
    "TARGETS",
    "WHO",
    "OrderLayout",
    "guess_order_targets",
    "lay_out_orders",
]

WHO: Final = ("external_id", "email", "phone")
"""By what an order's contact is found (L17), or made."""
ITEMS: Final = "items"
"""All items of an order, as JSON."""
DETAILS: Final = "details"
"""Something more to know of the order, under the column's name; any number of columns."""
ITEM_DETAILS: Final = "item_details"
"""The same of one item."""
ITEM_TEXTS: Final = ("externalItemId", "name", "category", "url", "imageUrl", "description")
ITEM_NUMBERS: Final = ("quantity", "cost")
ITEM: Final = "item."
TARGETS: Final = (
    "number", "status", "total_cost", "currency", "ordered_at", *WHO, ITEMS, DETAILS,
    *(ITEM + name for name in (*ITEM_TEXTS, *ITEM_NUMBERS)), ITEM_DETAILS,
)  # fmt: skip
SEVERAL: Final = (SKIP, DETAILS, ITEM_DETAILS)
"""What any number of columns may become."""
LONGEST_DETAIL: Final = 100

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "number": ("externalorderid", "ordernumber", "orderid", "orderno", "order", "number", "номерзамовлення"),
    "status": ("status", "orderstatus", "state", "orderstate", "статус"),
    "total_cost": ("totalcost", "total", "amount", "sum", "ordertotal", "grandtotal", "revenue", "сума"),
    "currency": ("currency", "currencycode", "валюта"),
    "ordered_at": ("date", "orderdate", "orderedat", "createdat", "created", "datetime", "дата"),
    "external_id": ("externalid", "externalcustomerid", "externaluserid", "customerid", "userid"),
    "email": ("email", "emailaddress", "mail", "customeremail", "billingemail"),
    "phone": ("phone", "phonenumber", "sms", "mobile", "msisdn", "customerphone", "billingphone", "телефон"),
    ITEMS: ("items", "products", "lineitems", "товари"),
    "item.externalItemId": ("externalitemid", "itemid", "sku", "productid", "itemsku", "lineitemsku"),
    "item.name": ("itemname", "product", "productname", "lineitemname", "товар"),
    "item.category": ("itemcategory", "productcategory", "category"),
    "item.url": ("itemurl", "producturl"),
    "item.imageUrl": ("imageurl", "itemimage", "itemimageurl", "productimage"),
    "item.description": ("itemdescription", "productdescription"),
    "item.quantity": ("quantity", "qty", "itemquantity", "lineitemquantity", "кількість"),
    "item.cost": ("itemcost", "cost", "price", "itemprice", "unitprice", "lineitemprice", "ціна"),
}
"""What files call them, without case, spaces and signs."""
_BY_NAME: Final = {name: target for target, names in NAMES.items() for name in (target.casefold(), *names)}


class OrderLayout(NamedTuple):
    """What each column of a file says; '' for nothing."""

    headers: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def ties_lines(self) -> bool:
        """Whether a line is one item, so that lines of one number which follow each other are one order."""
        return any(target == ITEM_DETAILS or target.startswith(ITEM) for target in self.targets)

    def header_of(self, column: str) -> str:
        """The header, as the file has it, of a column that a problem names."""
        return self.headers[self.targets.index(column)] if column in self.targets and column else column


def guess_order_targets(headers: Sequence[str]) -> list[str]:
    """What each column probably says; the first one of a name has it, the others are left out."""
    guessed: list[str] = []
    for header in headers:
        target = SKIP if header in ERROR_HEADERS else _BY_NAME.get(_folded(header), SKIP)
        guessed.append(SKIP if target in guessed else target)
    return guessed


def lay_out_orders(headers: Sequence[str], targets: Sequence[str], options: OrderOptions) -> OrderLayout:
    """What every column says, as a person chose it. Raises Refused with all that is wrong, each with its path."""
    errors: list[CardfileError] = [*_refused_targets(headers, targets), *_refused_options(targets, options)]
    if errors:
        raise Refused(errors, errors[0].message)
    return OrderLayout(tuple(headers), tuple(targets))


def _folded(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum() or char == ".")


def _refused_targets(headers: Sequence[str], targets: Sequence[str]) -> Iterator[ImportRefused]:
    if len(headers) != len(targets):
        yield MappingIncomplete(path="mapping")
        return
    first: dict[str, str] = {}
    named: set[str] = set()
    for place, (header, target) in enumerate(zip(headers, targets, strict=True)):
        path = f"mapping.{place}"
        if target != SKIP and target not in TARGETS:
            yield UnknownTarget(path=path, target=target)
        elif target in first and target not in SEVERAL:
            message = f"“{first[target]}” and “{header}” both become the same. Skip one of them."
            yield ColumnTwice(message, path=path, column=target)
        elif target in (DETAILS, ITEM_DETAILS):
            yield from _refused_detail(f"{target} {header.strip()}", header.strip(), path, named)
        first.setdefault(target, header)
    if ITEMS in first and any(target.startswith(ITEM) for target in first):
        message = "Items are either one column of JSON or a line each. Skip one or the other."
        yield ColumnTwice(message, path=f"mapping.{list(targets).index(ITEMS)}", column=ITEMS)
    yield from _refused_missing(targets)


def _refused_detail(name: str, header: str, path: str, named: set[str]) -> Iterator[ImportRefused]:
    """A detail is called as its column."""
    if not header or len(header) > LONGEST_DETAIL:
        yield UnknownTarget(
            "A detail is called as its column: name it in at most 100 characters, or skip it.", path=path
        )
    elif name in named:
        yield ColumnTwice("Two columns of this name become details. Skip one of them.", path=path, column=header)
    named.add(name)


def _refused_missing(targets: Sequence[str]) -> Iterator[ImportRefused]:
    labels = {"number": "the order number", "total_cost": "the total", "ordered_at": "the date"}
    for target, label in labels.items():
        if target not in targets:
            yield OrderColumnMissing(f"No column becomes {label}. Choose the one that does.", path="mapping")
    if not any(target in targets for target in WHO):
        message = "No column says whose the orders are. Map one to the external ID, the email or the phone."
        yield OrderColumnMissing(message, path="mapping")


def _refused_options(targets: Sequence[str], options: OrderOptions) -> Iterator[ImportRefused]:
    if options.currency and not CURRENCY.fullmatch(options.currency):
        yield OptionsConflict("Write the currency as three letters, such as UAH.", path="options.currency")
    elif not options.currency and "currency" not in targets:
        message = "No column becomes the currency. Map one to it, or write the currency of all orders."
        yield OptionsConflict(message, path="options.currency")
    if options.status and options.status not in STATUSES.values():
        yield OptionsConflict("There is no such status. Choose one of the list.", path="options.status")
    elif not options.status and "status" not in targets:
        message = "No column becomes the status. Map one to it, or choose the status of all orders."
        yield OptionsConflict(message, path="options.status")
