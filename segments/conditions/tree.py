"""A definition as a tree (pure): groups and conditions, frozen once parsed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from segments.conditions.errors import EmptyGroup

__all__ = [
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "Combine",
    "Condition",
    "Group",
    "Node",
    "Value",
    "conditions_of",
]

MAX_DEPTH: Final = 8
"""Groups within groups."""
MAX_CONDITIONS: Final = 200
"""Conditions in one definition."""
MAX_VALUES: Final = 10_000
"""Values in one list."""

Value = str | int | Decimal | date


class Combine(StrEnum):
    """How a group joins what it holds."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One question about a contact. ``path`` is where it stands in the definition."""

    field: str
    operator: str
    values: tuple[Value, ...] = ()
    negated: bool = False
    path: str = dataclasses.field(default="", compare=False)


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


def conditions_of(node: Node) -> Iterator[Condition]:
    """Every condition below ``node``, in the order they are written."""
    if isinstance(node, Condition):
        yield node
        return
    for child in node.children:
        yield from conditions_of(child)
