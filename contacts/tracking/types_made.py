"""Doors that anybody can call make no more event types than people can look through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext as _

from contacts.activity import NewEvent
from contacts.models import EventType
from contacts.normalize import is_encodable
from contacts.records import Problem

__all__ = ["MOST_TYPES", "refuse_new_types", "take_out_new_types"]

MOST_TYPES: Final = 500
_known: set[str] = set()
"""Types are never deleted, so what was seen once is there; what is not is looked up."""


def refuse_new_types(keys: Iterable[str]) -> dict[str, Problem]:
    """Types that are not there, and are not to be made, since there are so many already. The column is left empty."""
    unknown = {key for key in set(keys) - _known if "\0" not in key and is_encodable(key)}  # others are refused anyway
    if not unknown:
        return {}
    there = set(EventType.objects.filter(key__in=unknown).values_list("key", flat=True))
    new = sorted(unknown - there)
    room = max(MOST_TYPES - EventType.objects.count(), 0) if new else 0
    if len(_known) < MOST_TYPES * 2:
        _known.update(there)
    message = _("There are %(count)d types of events already. Add this one in the back office first.")
    return {key: Problem("", "too_many_types", message % {"count": MOST_TYPES}) for key in new[room:]}


def take_out_new_types(events: list[NewEvent], paths: list[str]) -> list[Problem]:
    """Takes events whose type would be one too many out of both lists; gives why, each by its path."""
    refusals = refuse_new_types(event.type for event in events)
    placed = list(zip(events, paths, strict=True))
    kept = [(event, path) for event, path in placed if event.type not in refusals]
    events[:], paths[:] = [event for event, _path in kept], [path for _event, path in kept]
    return [
        refusals[event.type]._replace(column=f"{path}.eventTypeKey") for event, path in placed if event.type in refusals
    ]
