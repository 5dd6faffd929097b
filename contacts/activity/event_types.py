"""Event types, made the first time an event of theirs arrives."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from contacts.identity.settings import Settings
from contacts.models import Event, EventType

__all__ = ["KnownType", "known_types", "last_event_at", "remembered_types"]

_FIND: Final = "SELECT key, id, when_nobody, is_once_per_key FROM contacts_eventtype WHERE key = ANY(%s)"


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


class _Memory(NamedTuple):
    settings: Settings
    types: dict[str, KnownType]


_memory: _Memory | None = None


def remembered_types(keys: Iterable[str], settings: Settings) -> dict[str, KnownType]:
    """The same, out of this process's memory, which is as old as the account's settings.

    A type that is changed moves their version: the caller asks again where ``settings`` turn out to have moved.
    """
    global _memory
    if connection.in_atomic_block or settings.version is None:  # what a transaction made may never have been
        return known_types(keys)
    memory = _memory
    if memory is None or memory.settings is not settings:
        memory = _memory = _Memory(settings, {})
    wanted = set(keys)
    if not wanted <= memory.types.keys():
        memory.types.update(known_types(wanted))
    return memory.types


def last_event_at(type_id: int) -> datetime | None:
    """When the last event of a type occurred: the end of an index of each month."""
    newest = Event.objects.filter(type_id=type_id).order_by("-occurred_at")
    return newest.values_list("occurred_at", flat=True).first()


def _read(keys: list[str]) -> dict[str, KnownType]:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [keys])
        return {key: KnownType(*rest) for key, *rest in cursor.fetchall()}
