"""Groups → SQL, whatever their conditions are about (pure).

Negations sink to the conditions, "not all" being "any not": there each clause knows its own best one, and PostgreSQL
finds what it can make joins of on the first level.
"""

from __future__ import annotations

from collections.abc import Callable

from segments.conditions.sql import Clause, join, none_outside
from segments.conditions.tree import Combine, Condition, Group, Node

__all__ = ["compile_node"]

Leaf = Callable[[Condition, bool], Clause]
Wide = Callable[[Node], bool]


def compile_node(node: Node, leaf: Leaf, *, is_wide: Wide = lambda node: False, negated: bool = False) -> Clause:
    """The clause of ``node``; ``leaf`` writes a condition or its negation, ``is_wide`` tells what is to be joined."""
    negated = negated is not node.negated
    if not isinstance(node, Group):
        return leaf(node, negated)

    def compile_all(turned: bool) -> list[Clause]:
        return [compile_node(child, leaf, is_wide=is_wide, negated=turned) for child in node.children]

    turned = negated is not (node.combine is Combine.NONE)
    if turned is not (node.combine is Combine.ALL):
        return join("AND", compile_all(turned))
    if len(node.children) > 1 and any(is_wide(child) for child in node.children):
        return none_outside(compile_all(not turned))
    return join("OR", compile_all(turned))
