"""Cells → what an order says, each in its own form (pure). What cannot be read is never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from contacts.columns import Column
from contacts.normalize import InvalidValue, Schema

__all__ = [
    "CURRENCY",
    "STATUSES",
    "read_currency",
    "read_date",
    "read_items",
    "read_money",
    "read_number",
    "read_status",
]

CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
SPACES: Final = re.compile(r"[\s\u00a0\u202f']+")
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
GROUPED_BY_POINTS: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+", re.ASCII)
PLAIN: Final = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)", re.ASCII)
LONGEST_NUMBER: Final = 40

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "INITIALIZED": (
        "initialized", "initialised", "new", "created", "placed", "pending", "open", "нове", "новий", "створено",
    ),
    "IN_PROGRESS": (
        "inprogress", "processing", "confirmed", "paid", "packed", "shipped", "sent", "onhold",
        "вобробці", "підтверджено", "відправлено", "оплачено",
    ),
    "DELIVERED": (
        "delivered", "completed", "complete", "done", "fulfilled", "received", "доставлено", "виконано", "завершено",
    ),
    "CANCELLED": ("cancelled", "canceled", "rejected", "declined", "failed", "скасовано", "відмінено", "відхилено"),
    "ABANDONED_SHOPPING_CART": (
        "abandonedshoppingcart", "abandonedcart", "abandoned", "cart", "покинутийкошик",
    ),
}  # fmt: skip
STATUSES: Final = {name: status for status, names in _NAMES.items() for name in names}
"""What files call a status, without case, spaces and signs."""
READ_MOMENT: Final[Callable[[Any], Any]] = Schema([Column("ordered_at", "datetime", "Date")]).cleaners["ordered_at"]


def read_status(text: str) -> str:
    """One of the five, by whatever name."""
    folded = "".join(char for char in text.casefold() if char.isalnum())
    if folded not in STATUSES:
        raise InvalidValue(
            "unknown_status",
            "The status is one of: INITIALIZED, IN_PROGRESS, DELIVERED, CANCELLED, ABANDONED_SHOPPING_CART.",
        )
    return STATUSES[folded]


def read_money(text: str) -> Decimal:
    """A sum, with a point or a comma and with its thousands apart; one that could be read in two ways is refused."""
    plain = SPACES.sub("", text)
    if len(plain) > LONGEST_NUMBER:
        raise _no_money()
    if GROUPED.fullmatch(plain):
        if plain.count(",") == 1 and "." not in plain:
            message = "This can be read in two ways. Write 1234 or 1.234 instead of 1,234."
            raise InvalidValue("ambiguous_number", message)
        plain = plain.replace(",", "")
    elif GROUPED_BY_POINTS.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif PLAIN.fullmatch(plain):
        plain = plain.replace(",", ".")
    else:
        raise _no_money()
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise _no_money() from None


def _no_money() -> InvalidValue:
    return InvalidValue("invalid_number", "Write the total as a number, such as 199.90.")


def read_number(text: str) -> int | float:
    """A quantity or a price of an item, as JSON has it."""
    number = read_money(text)
    if number and not -15 <= number.adjusted() <= 15:
        raise InvalidValue("number_too_large", "The number has at most 15 digits.")
    return int(number) if number == number.to_integral_value() else float(number)


def read_currency(text: str) -> str:
    if not CURRENCY.fullmatch(text):
        raise InvalidValue("invalid_currency", "Write the currency as three letters, such as UAH.")
    return text.upper()


def read_date(text: str) -> datetime:
    """A date, or date and time, as contacts' fields read it: without a time zone it is UTC."""
    return datetime.fromisoformat(READ_MOMENT(text))


def read_items(text: str) -> list[dict[str, Any]]:
    """All items of an order: a JSON list of objects, or one object."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        given = None
    items = [given] if isinstance(given, dict) else given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidValue("invalid_items", 'Write the items as JSON, such as [{"name": "Boots", "quantity": 1}].')
    return items
