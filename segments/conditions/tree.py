"""A definition as a tree (pure): two nodes at the top, groups and conditions below, frozen once parsed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from segments.conditions.dates import Duration, Nearness
from segments.conditions.errors import EmptyGroup
from segments.conditions.fields import FieldType
from segments.conditions.sampling import Share

__all__ = [
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "Combine",
    "Condition",
    "Definition",
    "Group",
    "Node",
    "Rows",
    "Value",
    "Zone",
    "conditions_of",
]

MAX_DEPTH: Final = 8
"""Groups within groups."""
MAX_CONDITIONS: Final = 200
"""Conditions in one definition."""
MAX_VALUES: Final = 10_000
"""Values in one list."""

Value = str | int | Decimal | date | Duration | Nearness | Share


class Zone(StrEnum):
    """Whose days the dates of a definition are."""

    ACCOUNT = "account"
    CONTACT = "contact"


class Combine(StrEnum):
    """How a group joins what it holds."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a relation a condition is about, and what is measured over them.

    ``type`` is the kind of rows, ``of`` what is added up, ``period`` a condition on when they happened, ``where``
    one on the rows themselves.
    """

    measure: str = "any"
    type: str | None = None
    of: str | None = None
    period: Condition | None = None
    where: Node | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One question about a contact, or about a row. ``path`` is where it stands in the definition.

    ``rows`` is set where ``field`` is a relation. ``compared_as`` is what a field without a type of its own is.
    """

    field: str
    operator: str
    values: tuple[Value, ...] = ()
    negated: bool = False
    path: str = dataclasses.field(default="", compare=False)
    rows: Rows | None = None
    compared_as: FieldType | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Questions that are joined. Never empty."""

    combine: Combine
    children: tuple[Node, ...]
    negated: bool = False
    path: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.children:
            raise EmptyGroup(path=self.path)


Node = Condition | Group


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """What a dynamic segment means: who matches and is not excluded."""

    match: Node
    exclude: Node | None = None
    zone: Zone = Zone.ACCOUNT

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What is written at the top."""
        return (self.match,) if self.exclude is None else (self.match, self.exclude)


def conditions_of(asked: Definition | Node) -> Iterator[Condition]:
    """Every condition below ``asked``, in the order they are written; those on the rows of one are its own affair."""
    if isinstance(asked, Condition):
        yield asked
        return
    for child in asked.nodes if isinstance(asked, Definition) else asked.children:
        yield from conditions_of(child)
