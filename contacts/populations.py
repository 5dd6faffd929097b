"""The port to whatever groups contacts: who is in a group, and what happens to it when contacts merge or are erased.

Contacts owns this and imports no group-keeper; one registers itself here when the site starts. With none registered,
every question has an empty answer and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from django.dispatch import Signal

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from contacts.columns import Column
    from contacts.models import Contact

__all__ = [
    "NoPopulations",
    "Place",
    "Places",
    "Population",
    "PopulationMove",
    "Populations",
    "contacts_changed",
    "contacts_merged",
    "current",
    "register",
]

contacts_changed: Final = Signal()
"""Sent inside the transaction that created, changed or removed contacts, or what hangs from them.

With ``contact_ids``, ``at``, and ``what`` if that is not the contacts themselves: event, order, consent, list (put
into a group or taken out of one), case (of possible duplicates), seen (and nothing else).
"""

contacts_merged: Final = Signal()
"""Sent with ``survivor_id`` and ``loser_id`` inside the merging transaction, after the rows have moved."""


class Population(NamedTuple):
    """A group as others show it; ``type`` is static, dynamic or combined."""

    id: int
    name: str
    type: str


class Place(NamedTuple):
    """That a contact is in a group: since when, where that is known, and who put it in, where somebody did."""

    population: Population
    since: datetime | None = None
    by: str = ""


class Places(NamedTuple):
    """All groups of a contact at this moment. ``unanswered`` are those that could not be asked, ``stopped`` whether
    that is because it took too long."""

    here: list[Place]
    unanswered: list[Population]
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class PopulationMove:
    """What a merge did to the rows of one table: those that moved, and those that collided and are kept whole."""

    table: str
    survivor_id: int
    loser_id: int
    row_ids: list[int] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)


class Populations(Protocol):
    """A keeper of groups. Every method runs in the caller's transaction, where there is one."""

    def members(self, population: int) -> QuerySet[Contact]:
        """The active contacts that are in it at this moment."""
        ...

    def listed(self) -> list[tuple[int, str]]:
        """Those that contacts can be put into, as (id, name), by name."""
        ...

    def offered(self) -> list[tuple[int, str]]:
        """Groups of any type to choose among, as (id, name), by name; the first 500."""
        ...

    def names(self, populations: Iterable[int]) -> dict[int, str]:
        """The names of groups of any type, of those that there are."""
        ...

    def described(self) -> Iterable[dict[str, Any]]:
        """Groups of any type: a dict of id, name, type, description, created_at and updated_at for each."""
        ...

    def find(self, population: int | str) -> int | None:
        """The id of a group of any type, by id or by name; None if there is none."""
        ...

    def add(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        """Puts contacts into a group, by id or by name (made if there is none); the number that are new in it."""
        ...

    def remove(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        """Takes contacts out of a group; the number that were in it."""
        ...

    def join(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        """As ``add``; which of these contacts (or their survivors) are new in it."""
        ...

    def leave(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[dict[str, Any]]:
        """As ``remove``; what stood there: a dict of contact_id, added_at, by and id for each that was in it."""
        ...

    def take_back(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        """Takes those of these contacts out that ``by`` had put in; which ones (or their survivors) these were."""
        ...

    def put_back(self, population: int, rows: Sequence[dict[str, Any]]) -> list[int]:
        """Puts back what ``leave`` gave, as it was; which contacts (or their survivors) came in again."""
        ...

    def move(self, moves: Sequence[tuple[int, int]]) -> list[PopulationMove]:
        """Hands what the losers are in to their survivors; ``moves`` are (loser, survivor) in order of merging."""
        ...

    def move_back(self, move: PopulationMove) -> list[int]:
        """Takes one move back; the ids of rows that could not go back, because they are gone or went elsewhere."""
        ...

    def grouped(self, contact_ids: Sequence[int]) -> set[int]:
        """Which of these contacts somebody put into a group."""
        ...

    def groups_of(self, contact_id: int) -> list[Population]:
        """The groups that somebody put this contact into, by name."""
        ...

    def groups_of_each(self, contact_ids: Sequence[int]) -> dict[int, list[Population]]:
        """As ``groups_of``, of several at once; every id is there."""
        ...

    def places_of(self, contact_id: int) -> Places:
        """The groups of any type that the contact is in now, by name; asked within a time limit."""
        ...

    def forget(self, contact_ids: Sequence[int]) -> None:
        """Removes every trace of erased contacts."""
        ...

    def asking(self, column: str) -> list[Population]:
        """The groups whose conditions ask for this column, by name."""
        ...

    def broken_by(
        self, column: str, columns: Sequence[Column], *, renamed: Mapping[str, str] | None = None
    ) -> list[Population]:
        """Those of them that could not be read any more if contacts had these columns, with options ``renamed``."""
        ...

    def rename_values(self, column: str, renamed: Mapping[str, str]) -> None:
        """Options of the column have other names: conditions that name the old ones name the new ones."""
        ...


class NoPopulations:
    """Nobody keeps groups."""

    def members(self, population: int) -> QuerySet[Contact]:
        from contacts.models import Contact  # models are not loaded yet when this module is

        return Contact.objects.none()

    def listed(self) -> list[tuple[int, str]]:
        return []

    def offered(self) -> list[tuple[int, str]]:
        return []

    def names(self, populations: Iterable[int]) -> dict[int, str]:
        return {}

    def described(self) -> Iterable[dict[str, Any]]:
        return []

    def find(self, population: int | str) -> int | None:
        return None

    def add(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        return 0

    def remove(self, population: int | str, contact_ids: Sequence[int], *, by: str) -> int:
        return 0

    def join(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        return []

    def leave(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[dict[str, Any]]:
        return []

    def take_back(self, population: int, contact_ids: Sequence[int], *, by: str) -> list[int]:
        return []

    def put_back(self, population: int, rows: Sequence[dict[str, Any]]) -> list[int]:
        return []

    def move(self, moves: Sequence[tuple[int, int]]) -> list[PopulationMove]:
        return []

    def move_back(self, move: PopulationMove) -> list[int]:
        return []

    def grouped(self, contact_ids: Sequence[int]) -> set[int]:
        return set()

    def groups_of(self, contact_id: int) -> list[Population]:
        return []

    def groups_of_each(self, contact_ids: Sequence[int]) -> dict[int, list[Population]]:
        return {contact_id: [] for contact_id in contact_ids}

    def places_of(self, contact_id: int) -> Places:
        return Places([], [])

    def forget(self, contact_ids: Sequence[int]) -> None:
        return None

    def asking(self, column: str) -> list[Population]:
        return []

    def broken_by(
        self, column: str, columns: Sequence[Column], *, renamed: Mapping[str, str] | None = None
    ) -> list[Population]:
        return []

    def rename_values(self, column: str, renamed: Mapping[str, str]) -> None:
        return None


_current: Populations = NoPopulations()


def register(populations: Populations) -> Populations:
    """Makes ``populations`` the keeper; answers the one before it."""
    global _current
    before, _current = _current, populations
    return before


def current() -> Populations:
    """The keeper of groups."""
    return _current
