"""The port to whatever happens: a source tells it in the order of its own numbers, and can tell it again.

Contacts' journal is the first source; another room registers its own when the site starts. A source keeps what happened
itself, in the transaction in which it happened: nothing is copied for delivery, and what was erased there is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["Happening", "Reading", "Source", "register", "source_named", "sources"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a contact.

    ``number`` is its place in its source. ``changed`` are the columns that changed, by key, where ``kind`` is about
    columns; a target that chose columns is told of it only if one of them is among these. ``details`` go into the
    message as they are.
    """

    number: int
    kind: str
    contact_id: int
    at: datetime
    by: str = ""
    changed: frozenset[str] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Reading(NamedTuple):
    """What happened, in order, and the number up to which that is everything."""

    happenings: Sequence[Happening]
    upto: int


class Source(Protocol):
    """One kind of thing that happens. ``name`` stands in ids and positions; ``kinds`` are key and label."""

    name: str
    kinds: Mapping[str, Any]

    def settled(self) -> int | None:
        """The number before which nothing can turn up any more; None where that cannot be said at this moment."""
        ...

    def last(self) -> int:
        """The greatest number there is, settled or not."""
        ...

    def read(self, *, after: int, upto: int) -> Reading:
        """Some of what happened with a number above ``after`` and not above ``upto``; at least one number further."""
        ...

    def find(self, places: Sequence[tuple[int, int]]) -> Sequence[Happening]:
        """What happened at these places (contact id, number), as far as it is still there, in order."""
        ...


_sources: Final[dict[str, Source]] = {}


def register(source: Source) -> None:
    """From now on targets can be told of what this source tells."""
    _sources[source.name] = source


def sources() -> Sequence[Source]:
    """All of them, in the order of their registration."""
    return list(_sources.values())


def source_named(name: str) -> Source | None:
    return _sources.get(name)
