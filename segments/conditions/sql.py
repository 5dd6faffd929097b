"""SQL text and its parameters, kept together (pure).

Values never enter the text: ``render`` makes a parameter of everything that is not a ``Clause`` itself. The row of the
contact is written ``CONTACT`` and gets its table's name or alias last, so that a clause may stand in any query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

__all__ = ["CONTACT", "Clause", "among", "join", "negate", "render", "unite"]

CONTACT: Final = "@contact"
"""Stands for the contact's row; ``Clause.over`` replaces it."""

_ACTIVE: Final = 1
"""``ContactState.ACTIVE``: members are active contacts, and indexes are made for them."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL. A condition is *true* exactly where it holds; elsewhere it may be false or null.

    ``is_known``: it is never null. ``contact_ids`` is a select of the contacts for whom it holds, where there is one.
    ``is_wide``: it reads rows of other tables, so that PostgreSQL must be able to make a join of it.
    """

    text: str
    params: tuple[Any, ...] = ()
    is_known: bool = False
    is_wide: bool = False
    contact_ids: Clause | None = None

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
    return replace(held, is_known=True, is_wide=True, contact_ids=contact_ids)


def unite(clauses: Iterable[Clause]) -> Clause:
    """Where any of them holds; those that are wide become one set of ids, since PostgreSQL makes no join of an OR."""
    listed = list(clauses)
    if len(listed) == 1 or not any(clause.is_wide for clause in listed):
        return join("OR", listed)
    narrow = [clause for clause in listed if not clause.is_wide]
    sets = [_select_ids(clause) for clause in listed if clause.is_wide]
    if narrow:
        sets.insert(0, _select_ids(join("OR", narrow)))
    return among(Clause(" UNION ALL ".join(each.text for each in sets), tuple(p for each in sets for p in each.params)))


def _select_ids(clause: Clause) -> Clause:
    if clause.contact_ids is not None:
        return clause.contact_ids
    return render(
        f"SELECT held.id AS contact_id FROM contacts_contact held WHERE held.state = {_ACTIVE} AND ({{}})",
        clause.read_from("held"),
    )
