"""Groups → SQL, whatever their conditions are about (pure).

Negations sink to the conditions, "not all" being "any not": there each clause knows its own best one, and PostgreSQL
finds what it can make joins of on the first level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from segments.conditions.sql import Clause, join
from segments.conditions.tree import Combine, Condition, Group, Node

__all__ = ["compile_node"]

Leaf = Callable[[Condition, bool], Clause]
Unite = Callable[[Iterable[Clause]], Clause]


def join_or(clauses: Iterable[Clause]) -> Clause:
    """Where any of them holds."""
    return join("OR", clauses)


def compile_node(node: Node, leaf: Leaf, *, unite: Unite = join_or, negated: bool = False) -> Clause:
    """The clause of ``node``; ``leaf`` writes a condition or its negation, ``unite`` where any of several holds."""
    negated = negated is not node.negated
    if not isinstance(node, Group):
        return leaf(node, negated)
    of_children = negated is not (node.combine is Combine.NONE)
    children = [compile_node(child, leaf, unite=unite, negated=of_children) for child in node.children]
    joins_all = (node.combine is Combine.ALL and not negated) or (node.combine is not Combine.ALL and of_children)
    return join("AND", children) if joins_all else unite(children)
