"""SQL text and its parameters, kept together (pure).

Values never enter the text: ``render`` makes a parameter of everything that is not a ``Clause`` itself. The row of the
contact is written ``CONTACT`` and gets its table's name or alias last, so that a clause may stand in any query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["CONTACT", "Clause", "join", "render"]

CONTACT: Final = "@contact"
"""Stands for the contact's row; ``Clause.over`` replaces it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL. A condition is *true* exactly where it holds; elsewhere it may be false or null."""

    text: str
    params: tuple[Any, ...] = ()

    def over(self, table: str) -> tuple[str, tuple[Any, ...]]:
        """The text and parameters, with the contact's row read from ``table`` (quoted already)."""
        return self.text.replace(CONTACT, table), self.params


def render(template: str, *parts: Any) -> Clause:
    """``template`` with each ``{}`` filled by a clause, or by a parameter for anything else."""
    pieces = template.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"{template!r} has {len(pieces) - 1} places for {len(parts)} parts.")
    text: list[str] = [pieces[0]]
    params: list[Any] = []
    for part, piece in zip(parts, pieces[1:], strict=True):
        clause = part if isinstance(part, Clause) else Clause("%s", (part,))
        text += [clause.text, piece]
        params += clause.params
    return Clause("".join(text), tuple(params))


def join(word: str, clauses: Iterable[Clause]) -> Clause:
    """``(a) AND (b)``, ``(a) OR (b)``."""
    listed = list(clauses)
    text = f" {word} ".join(f"({clause.text})" for clause in listed)
    return Clause(text, tuple(param for clause in listed for param in clause.params))
