"""Event types, made the first time an event of theirs arrives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from contacts.models import EventType

__all__ = ["KnownType", "known_types"]


class KnownType(NamedTuple):
    """An event type as recording needs it."""

    id: int
    when_nobody: str
    is_once_per_key: bool


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
    rows = EventType.objects.filter(key__in=keys).values_list("key", "pk", "when_nobody", "is_once_per_key")
    return {key: KnownType(pk, when_nobody, is_once) for key, pk, when_nobody, is_once in rows}
