"""Which parameters events of a type were seen to have, and what kinds of values: a list to choose from.

It is noted beside the events, after their transaction, and never fails them. A process remembers what it noted, and the
shapes of the events that it looked at: one whose names and types are known costs a look into a table. Only whether a
text is a date is a matter of its value, and is looked at again now and then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

__all__ = [
    "MOST_NAMES",
    "Listed",
    "Parameter",
    "forget_noted",
    "list_parameters",
    "list_seen",
    "note_parameters",
    "seen_in",
]

MOST_NAMES: Final = 200
"""Of a type; that there are more is noted, and no more than that."""
LONGEST_NAME: Final = 200
SHAPES_KNOWN: Final = 10_000
NOTED_AGAIN_AFTER: Final = 3_600.0
"""Seconds; so exact is when something was last seen."""
LOOKED_AT_FIRST: Final = 20
"""Events of a shape; then one in a while."""
LOOKED_AT_AFTER: Final = 60.0
NEVER: Final = (0, 0.0)
"""How often a shape was looked at that nobody saw, and until when nobody need look."""
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Parameter = tuple[int, str, str]
"""Type, name and kind of value."""

# Types first, in one order: two processes that note the same names do not deadlock, nor pass the limit together.
_LOCK: Final = "SELECT id, has_more_parameters FROM contacts_eventtype WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_NAMES: Final = "SELECT DISTINCT type_id, name FROM contacts_eventparameter WHERE type_id = ANY(%s)"
_NOTE: Final = """
INSERT INTO contacts_eventparameter (type_id, name, kind, first_seen_at, last_seen_at)
SELECT type_id, name, kind, %s, %s FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS s (type_id, name, kind)
ON CONFLICT (type_id, name, kind) DO UPDATE SET last_seen_at = greatest(
    contacts_eventparameter.last_seen_at, excluded.last_seen_at)
"""
_LIST: Final = """
SELECT name, array_agg(kind ORDER BY last_seen_at DESC, kind), min(first_seen_at), max(last_seen_at)
FROM contacts_eventparameter WHERE type_id = %s GROUP BY name ORDER BY name
"""
_SAY_MORE: Final = "UPDATE contacts_eventtype SET has_more_parameters = true WHERE id = ANY(%s)"


class Listed(NamedTuple):
    """A parameter and the kinds of its values: text, number, boolean, date, list, object; the last one stands first."""

    name: str
    kinds: list[str]
    first_seen_at: datetime
    last_seen_at: datetime


class _Noted:
    """What this process noted, and until when it need not look again."""

    def __init__(self) -> None:
        self.shapes: dict[tuple[Any, ...], tuple[int, float]] = {}
        self.parameters: dict[Parameter, float] = {}

    def look_at(self, shape: tuple[Any, ...], now: float) -> None:
        """An event of this shape is looked at; until when the others have nothing to tell is remembered."""
        looks = self.shapes.get(shape, NEVER)[0] + 1
        if len(self.shapes) >= SHAPES_KNOWN:
            self.shapes.clear()
        self.shapes[shape] = (looks, now + LOOKED_AT_AFTER if looks >= LOOKED_AT_FIRST else 0.0)

    def fresh(self, seen: Iterable[Parameter], now: float) -> list[Parameter]:
        """Those that are to be noted."""
        return sorted({parameter for parameter in seen if self.parameters.get(parameter, 0.0) <= now})

    def remember(self, parameters: Iterable[Parameter]) -> None:
        if len(self.parameters) >= SHAPES_KNOWN:
            self.parameters.clear()
        self.parameters.update(dict.fromkeys(parameters, monotonic() + NOTED_AGAIN_AFTER))


_noted = _Noted()


def note_parameters(events: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Note what these events have, each given as its type's id and its parameters, once they are committed."""
    now = monotonic()
    known = _noted.shapes
    seen: set[Parameter] = set()
    for type_id, params in events:
        if params and known.get(shape := _shape_of(type_id, params), NEVER)[1] <= now:
            _noted.look_at(shape, now)
            seen.update((type_id, name, kind) for name, kind in seen_in(params))
    fresh = _noted.fresh(seen, now)
    if fresh:
        transaction.on_commit(lambda: list_seen(fresh), robust=True)


def forget_noted() -> None:
    """Note everything anew."""
    global _noted
    _noted = _Noted()


def seen_in(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and kinds of what is there; what an object holds is named ``outer.inner``, no deeper."""
    for name, value in params.items():
        kind = _kind_of(value)
        if kind and _is_name(name):
            yield name, kind
        if kind == "object":
            for inner, held in value.items():
                if (kind_held := _kind_of(held)) and _is_name(f"{name}.{inner}"):
                    yield f"{name}.{inner}", kind_held


def list_parameters(type_id: int) -> list[Listed]:
    """What events of a type were seen to have, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_LIST, [type_id])
        return [Listed(*row) for row in cursor.fetchall()]


_FLAT: Final = frozenset({str, int, float, bool, type(None), list})


def _shape_of(type_id: int, params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for events of a type that have the same names with values of the same types."""
    types = tuple(map(type, params.values()))
    if _are_flat(types):
        return (type_id, types, *params)
    inner = [(*value, *map(type, value.values())) for value in params.values() if isinstance(value, Mapping)]
    return (type_id, types, *params, *inner)


@lru_cache(SHAPES_KNOWN)
def _are_flat(types: tuple[type, ...]) -> bool:
    """Whether none of the values holds names of its own."""
    return _FLAT.issuperset(types)


def _kind_of(value: Any) -> str:
    """Empty where nothing is there."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return ("date" if DATE.match(value) else "text") if value else ""
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list | tuple):
        return "list"
    return "" if value is None else "number"


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME


def list_seen(parameters: Sequence[Parameter]) -> None:
    """Put these on the list, as far as there is room, or move on when they were seen."""
    at = datetime.now(UTC)
    type_ids = sorted({type_id for type_id, _name, _kind in parameters})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [type_ids])
        said = {type_id for type_id, has_more in cursor.fetchall() if has_more}
        cursor.execute(_NAMES, [type_ids])
        names: dict[int, set[str]] = {type_id: set() for type_id in type_ids}
        for type_id, name in cursor.fetchall():
            names[type_id].add(name)
        listed = [parameter for parameter in parameters if _has_room(names[parameter[0]], parameter[1])]
        left = {type_id for type_id, _name, _kind in set(parameters).difference(listed)}
        if listed:
            cursor.execute(_NOTE, [at, at, *(list(side) for side in zip(*listed, strict=True))])
        if left - said:
            cursor.execute(_SAY_MORE, [sorted(left - said)])
    _noted.remember(parameters)


def _has_room(names: set[str], name: str) -> bool:
    """Whether a name is on the list, or can be put there."""
    if name not in names and len(names) >= MOST_NAMES:
        return False
    names.add(name)
    return True
