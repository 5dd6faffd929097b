"""How many a segment has: estimated from the planner's statistics, and compared with another definition of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from contacts.models import Contact
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.matching import ContactSQL
from segments.conditions.sql import Clause, render
from segments.errors import AskingTookTooLong
from segments.limits import stopped_after
from segments.membership import compile_segment, members
from segments.models import Segment

__all__ = ["Difference", "Estimate", "Side", "diff_members", "estimate_members", "sample_members"]

SECONDS_A_COST: Final = 1e-5
"""What a unit of the planner's cost takes, about: a page read in order costs 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects: how many there are, and for how long counting them takes."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Side:
    """Those who come, or those who go: how many, and the newest few."""

    count: int
    sample: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Who would join and who would leave if the definition were saved."""

    joins: Side
    leaves: Side


def estimate_members(segment: Segment, *, lookups: DatabaseLookups | None = None) -> Estimate:
    """What the planner expects of the segment, without asking any contact; raises ``DefinitionRefused``."""
    explained = members(segment, lookups=lookups).values("pk").explain(format="json")
    plan = json.loads(explained)[0]["Plan"]
    return Estimate(round(plan["Plan Rows"]), plan["Total Cost"] * SECONDS_A_COST)


def sample_members(
    segment: Segment, limit: int, *, milliseconds: int, lookups: DatabaseLookups | None = None
) -> list[Contact]:
    """The newest members; raises ``AskingTookTooLong`` after ``milliseconds``."""
    with stopped_after(milliseconds, AskingTookTooLong):
        return list(members(segment, lookups=lookups).order_by("-pk")[:limit])


def diff_members(
    stored: Segment, edited: Segment, limit: int, *, milliseconds: int, lookups: DatabaseLookups | None = None
) -> Difference:
    """Who is in ``edited`` and not in ``stored``, and the other way round, with the newest ``limit`` of each.

    Raises ``DefinitionRefused``, and ``AskingTookTooLong`` after ``milliseconds`` for any of its questions.
    """
    lookups = lookups or DatabaseLookups()
    before, after = (compile_segment(segment, lookups) for segment in (stored, edited))
    with stopped_after(milliseconds, AskingTookTooLong):
        return Difference(
            joins=_side(edited, before, limit, lookups),
            leaves=_side(stored, after, limit, lookups),
        )


def _side(segment: Segment, other: Clause, limit: int, lookups: DatabaseLookups) -> Side:
    """The members of ``segment`` for whom ``other`` does not hold."""
    found = members(segment, lookups=lookups).filter(ContactSQL(render("({}) IS NOT TRUE", other)))
    count = found.count()
    return Side(count, tuple(found.order_by("-pk")[:limit]) if count else ())
