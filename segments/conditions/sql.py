"""SQL text and its parameters, kept together (pure).

Values never enter the text: ``render`` makes a parameter of everything that is not a ``Clause`` itself. The row of the
contact is written ``CONTACT`` and gets its table's name or alias last, so that a clause may stand in any query.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

__all__ = ["CONTACT", "Clause", "among", "join", "negate", "none_outside", "render"]

CONTACT: Final = "@contact"
"""Stands for the contact's row; ``Clause.over`` replaces it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL. A condition is *true* exactly where it holds; elsewhere it may be false or null.

    ``is_known``: it is never null. ``is_wide``: it reads rows of other tables, so that PostgreSQL must be able to make
    a join of it.
    """

    text: str
    params: tuple[Any, ...] = ()
    is_known: bool = False
    is_wide: bool = False

    def over(self, table: str) -> tuple[str, tuple[Any, ...]]:
        """The text and parameters, with the contact's row read from ``table`` (quoted already)."""
        return self.text.replace(CONTACT, table), self.params

    def read_from(self, table: str) -> Clause:
        """The clause with the contact's row read from ``table``."""
        return Clause(*self.over(table))

    @property
    def asks_contact(self) -> bool:
        """Whether it reads the contact's row."""
        return CONTACT in self.text


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
    return Clause(
        f" {word} ".join(f"({clause.text})" for clause in listed),
        tuple(param for clause in listed for param in clause.params),
        is_known=all(clause.is_known for clause in listed),
        is_wide=any(clause.is_wide for clause in listed),
    )


def negate(clause: Clause) -> Clause:
    """True exactly where ``clause`` does not hold. Of what is known PostgreSQL can make an anti-join."""
    written = render("NOT ({})" if clause.is_known else "({}) IS NOT TRUE", clause)
    return replace(written, is_known=True, is_wide=clause.is_wide)


def among(contact_ids: Clause) -> Clause:
    """Being one of those whose ids a select gives, in its only column ``contact_id``. Never null, so it can be negated.

    Written with EXISTS, since PostgreSQL makes a semi-join of it, or an anti-join of its negation.
    """
    held = render("EXISTS (SELECT 1 FROM ({}) named WHERE named.contact_id = @contact.id)", contact_ids)
    return replace(held, is_known=True, is_wide=True)


def none_outside(negations: Iterable[Clause]) -> Clause:
    """Where not all of ``negations`` hold: "any of", turned round.

    PostgreSQL makes no join of an OR, but it makes an anti-join of this, whose conditions are joined in turn.
    """
    outside = join("AND", negations)
    alias = next(name for name in _aliases() if f"{name}." not in outside.text)
    text = f"NOT EXISTS (SELECT 1 FROM contacts_contact {alias} WHERE {alias}.id = @contact.id AND {{}})"
    return replace(render(text, outside.read_from(alias)), is_known=True, is_wide=True)


def _aliases() -> Iterator[str]:
    return (f"other_{number}" for number in itertools.count())
