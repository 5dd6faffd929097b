"""What the columns of a file of orders say: guessed, remembered from the last time, settled as a person said it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contacts.imports.columns import SKIP
from contacts.imports.orders.columns import TARGETS, guess_order_targets, lay_out_orders
from contacts.imports.orders.plan import OrderOptions
from contacts.models import Import, ImportContent, ImportStatus

__all__ = ["guess_order_mapping", "guess_order_options", "settle_order_mapping"]

Entry = dict[str, Any]


def guess_order_mapping(headers: Sequence[str]) -> list[Entry]:
    """As it was the last time with these headers, else by their names."""
    last = _last_with(headers)
    targets = guess_order_targets(headers) if last is None else [entry["target"] for entry in last.mapping]
    return [{"header": header, "target": target} for header, target in zip(headers, targets, strict=True)]


def guess_order_options(headers: Sequence[str]) -> OrderOptions:
    last = _last_with(headers)
    return OrderOptions() if last is None else OrderOptions.from_json(last.options)


def settle_order_mapping(
    headers: Sequence[str], mapping: Sequence[Entry], options: OrderOptions
) -> tuple[list[Entry], OrderOptions]:
    """Raises Refused with all that is wrong, each with its path: ``mapping.<place>`` or ``options.<name>``."""
    targets = [str(entry.get("target", SKIP)) for entry in mapping]
    lay_out_orders(headers, targets, options)
    entries = [{"header": header, "target": target} for header, target in zip(headers, targets, strict=True)]
    return entries, options


def _last_with(headers: Sequence[str]) -> Import | None:
    """The last import of orders with these columns that somebody looked at."""
    known = Import.objects.filter(headers=list(headers), content=ImportContent.ORDERS)
    last = known.exclude(status=ImportStatus.UPLOADED).exclude(mapping=[]).order_by("-pk").first()
    return last if last and all(entry["target"] in (SKIP, *TARGETS) for entry in last.mapping) else None
