"""Event types, made the first time an event of theirs arrives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from contacts.models import EventType

__all__ = ["KnownType", "known_types"]


class KnownType(NamedTuple):
    """An event type as recording needs it."""

    id: int
    creates_contacts: bool


def known_types(keys: Iterable[str]) -> dict[str, KnownType]:
    """The types of these keys; those that are missing are made, in one order, so that two makers do not deadlock."""
    wanted = sorted(set(keys))
    found = _read(wanted)
    missing = [EventType(key=key) for key in wanted if key not in found]
    if missing:
        EventType.objects.bulk_create(missing, ignore_conflicts=True)
        found = _read(wanted)
    return found


def _read(keys: list[str]) -> dict[str, KnownType]:
    rows = EventType.objects.filter(key__in=keys).values_list("key", "pk", "creates_contacts")
    return {key: KnownType(pk, creates) for key, pk, creates in rows}
