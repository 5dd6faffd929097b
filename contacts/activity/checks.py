"""What makes an event or an order unreadable, before anybody is looked up (pure but for the language)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

import orjson
from django.utils.translation import gettext as _

from contacts.activity.types import NewEvent, NewOrder
from contacts.models import OrderStatus
from contacts.normalize import is_encodable
from contacts.records import Problem

__all__ = ["check_event", "check_order", "cost_of", "dump_json", "read_event"]

LONGEST_TYPE: Final = 100
LONGEST_KEY: Final = 300
LONGEST_NUMBER: Final = 200
LONGEST_SOURCE: Final = 20
LARGEST_JSON: Final = 64 * 1024
"""In bytes; doors may be stricter."""
CENTS: Final = Decimal("0.0001")
LARGEST_COST: Final = Decimal(10) ** 14
STATUSES: Final = frozenset(OrderStatus.values)


def check_event(event: NewEvent) -> Problem | None:
    """The first thing that is wrong with an event, apart from whose it is."""
    told = read_event(event)
    return told if isinstance(told, Problem) else None


def read_event(event: NewEvent) -> str | Problem:
    """The parameters of an event as they are stored; or the first thing that is wrong with it, but for whose it is."""
    problem = None if _is_usual(event) else _check_words(event)
    return problem or _read_json("params", event.params, Mapping)


def _is_usual(event: NewEvent) -> bool:
    """Whether a glance shows that nothing can be wrong with an event but its parameters: with nearly all of them."""
    kind, key, moment = event.type, event.key, event.occurred_at
    return (
        kind.__class__ is str
        and key.__class__ is str
        and kind.isalnum()
        and kind.isascii()
        and len(kind) <= LONGEST_TYPE
        and key.isascii()
        and len(key) <= LONGEST_KEY
        and "\0" not in key
        and (not event.once or key.strip() != "")
        and (moment is None or (moment.__class__ is datetime and moment.tzinfo is not None))
    )


def _check_words(event: NewEvent) -> Problem | None:
    """The first thing that is wrong with an event but for its parameters."""
    return (
        _check_text("type", event.type, LONGEST_TYPE, required=True)
        or _check_text("key", event.key, LONGEST_KEY)
        or _check_once(event)
        or _check_moment("occurred_at", event.occurred_at)
    )


def check_order(order: NewOrder) -> Problem | None:
    """The first thing that is wrong with an order, apart from whose it is."""
    return (
        _check_text("number", order.number, LONGEST_NUMBER, required=True)
        or _check_status(order.status)
        or _check_cost(order.total_cost)
        or _check_currency(order.currency)
        or _check_moment("ordered_at", order.ordered_at, required=True)
        or _check_text("source", order.source, LONGEST_SOURCE)
        or _check_json("items", order.items, list | tuple)
        or _check_json("details", order.details, Mapping)
    )


def cost_of(value: Any) -> Decimal | None:
    """A sum of money as it is stored, four places after the point; None if it is none."""
    if isinstance(value, bool):
        return None
    try:
        cost = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not cost.is_finite() or abs(cost) >= LARGEST_COST:
        return None
    return cost.quantize(CENTS, ROUND_HALF_UP)


def dump_json(value: Any) -> str:
    """JSON as it is stored; decimals as text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _check_text(column: str, value: Any, longest: int, *, required: bool = False) -> Problem | None:
    if not isinstance(value, str) or "\0" in value or not is_encodable(value):
        return Problem(column, "invalid_value", _("Write this value as text."))
    if required and not value.strip():
        return Problem(column, "required", _("This value is missing. Fill it in."))
    if len(value.strip()) > longest:
        return Problem(column, "too_long", _("This value has at most %(count)d characters.") % {"count": longest})
    return None


def _check_once(event: NewEvent) -> Problem | None:
    if event.once and not event.key.strip():
        return Problem("key", "required", _("Give the event a key: by its key it is stored once."))
    return None


def _check_status(value: Any) -> Problem | None:
    if isinstance(value, str) and value in STATUSES:
        return None
    return Problem(
        "status", "unknown_status", _("The status is one of: %(all)s.") % {"all": ", ".join(sorted(STATUSES))}
    )


def _check_cost(value: Any) -> Problem | None:
    if cost_of(value) is not None:
        return None
    return Problem("total_cost", "invalid_number", _("Write the total as a number, such as 199.90."))


def _check_currency(value: Any) -> Problem | None:
    if isinstance(value, str) and len(value.strip()) == 3 and value.strip().isascii() and value.strip().isalpha():
        return None
    return Problem("currency", "invalid_currency", _("Write the currency as three letters, such as UAH."))


def _check_moment(column: str, value: Any, *, required: bool = False) -> Problem | None:
    if value is None and not required:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return None
    return Problem(column, "invalid_datetime", _("Write date and time with a time zone, such as 2026-05-14T10:11:10Z."))


def _check_json(column: str, value: Any, shape: Any) -> Problem | None:
    told = "" if value is None else _read_json(column, value, shape)
    return told if isinstance(told, Problem) else None


def _read_json(column: str, value: Any, shape: Any) -> str | Problem:
    if not (value.__class__ is dict and shape is Mapping) and not isinstance(value, shape):  # a dict is a Mapping
        return Problem(column, "invalid_value", _("This value has the wrong shape."))
    try:
        text = dump_json(value)
    except TypeError:  # depth, surrogates, numbers beyond 64 bits
        return Problem(column, "invalid_value", _("This value cannot be stored as JSON."))
    if "\\u0000" in text:
        return Problem(column, "invalid_value", _("Text may not contain NUL characters."))
    if len(text) > LARGEST_JSON:
        return Problem(column, "too_long", _("This value is too large. Send less."))
    return text
