"""From a purchase on the wire to the order that activity records (pure but for the language)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.activity import NewOrder
from contacts.api.translate_activity import WireOrder, read_numbers, read_texts, read_word, require
from contacts.wire import WireContact, Zone, is_empty, objects_of, read_moment, read_text

__all__ = ["read_purchase"]

PATHS: Final = {
    "number": "purchaseId",
    "total_cost": "totalPrice",
    "currency": "currency",
    "ordered_at": "purchaseDate",
    "items": "products",
    "details": "cartId",
    "external_id": "contactExternalId",
    "email": "contactEmail",
}
CONTACT_COLUMNS: Final = ("external_id", "email")
BOUGHT: Final = "DELIVERED"
"""A purchase is an order that is done."""
NO_CURRENCY: Final = "XXX"
"""By ISO 4217: none is known. This family of clients sends none."""
SOURCE: Final = "purchase"
DETAIL_TEXTS: Final = ("cartId", "paymentMethod")
DETAIL_NUMBERS: Final = ("totalQuantity",)
PRODUCT_NAMES: Final = {
    "externalItemId": ("externalItemId", "productId", "id", "sku"),
    "cost": ("cost", "price", "unitPrice"),
}
"""What an item of an order is called, and what clients call it."""
PRODUCT_TEXTS: Final = ("externalItemId", "name", "category", "url", "imageUrl", "description")
PRODUCT_NUMBERS: Final = ("quantity", "cost")


def read_purchase(body: Any, zone: Zone) -> WireOrder:
    """``order`` is None where something cannot be read; whose purchase it is must be said."""
    wire = WireContact(paths=dict(PATHS))
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", _("Send one purchase as a JSON object."))
        return WireOrder(wire)
    wire.record.update(
        {column: body[PATHS[column]] for column in CONTACT_COLUMNS if not is_empty(body.get(PATHS[column]))}
    )
    if not wire.record:
        wire.refuse("contactExternalId", "required", _("Say whose purchase it is: contactExternalId or contactEmail."))
    order = NewOrder(
        number=read_text(require(wire, body, "purchaseId")),
        contact=wire.record,
        status=BOUGHT,
        total_cost=require(wire, body, "totalPrice"),
        currency=read_word(body.get("currency")) or NO_CURRENCY,
        ordered_at=read_date(wire, body, zone),
        items=read_products(wire, body.get("products")),
        details={**read_texts(wire, body, DETAIL_TEXTS), **read_numbers(wire, body, DETAIL_NUMBERS)} or None,
        source=SOURCE,
    )
    return WireOrder(wire, None if wire.problems else order)


def read_date(wire: WireContact, body: Mapping[str, Any], zone: Zone) -> Any:
    value = require(wire, body, "purchaseDate")
    return None if is_empty(value) else read_moment(value, zone)  # None is refused by the check of the order


def read_products(wire: WireContact, given: Any) -> list[dict[str, Any]] | None:
    """None says nothing of the products; an empty list says that there are none."""
    if is_empty(given):
        return None
    return [read_product(wire, path, product) for path, product in objects_of(wire, "products", given)]


def read_product(wire: WireContact, path: str, product: Mapping[str, Any]) -> dict[str, Any]:
    """A product without a quantity is one."""
    named = dict(product)
    for name, others in PRODUCT_NAMES.items():
        named[name] = next((product[other] for other in others if not is_empty(product.get(other))), None)
    texts = read_texts(wire, named, PRODUCT_TEXTS, f"{path}.")
    return {**texts, "quantity": 1, **read_numbers(wire, named, PRODUCT_NUMBERS, f"{path}.")}
