"""What a work keeps of erased contacts: the values that stood in its way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from contacts.models import FieldWork
from contacts.records import Key

__all__ = ["forget_erased"]


def forget_erased(*, held: Mapping[int, Collection[Key]], **_signal: Any) -> None:
    """Strike these contacts out of all lists of troubles, within the transaction that erases them."""
    for work in FieldWork.objects.select_for_update().exclude(troubles=[]).order_by("pk"):
        kept = [row for row in work.troubles if row["contact"] not in held]
        if len(kept) < len(work.troubles):
            work.troubles = kept
            work.save(update_fields=["troubles"])
