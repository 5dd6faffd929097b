"""Tree → SQL. One invariant carries it: a clause is true exactly where its node holds.

So "and" and "or" may meet nulls as they like, and a negation is always ``IS NOT TRUE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from contacts.keys import Kind
from segments.conditions.dates import Clock
from segments.conditions.errors import SegmentCycle, TooLarge, UnknownField, UnknownOperator
from segments.conditions.operators import Operand, operator_of
from segments.conditions.registry import Registry
from segments.conditions.sql import Clause, join, render
from segments.conditions.tree import Combine, Condition, Definition, Group, Node, Zone

__all__ = ["MAX_COMPILED", "Compiler", "Lookups", "compile_tree"]

MAX_COMPILED: Final = 1_000
"""Conditions in a definition, those of the segments it names included."""
MAX_NAMED: Final = 10
"""Segments that name segments that name segments …"""


class Lookups(Protocol):
    """What compiling has to read."""

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values`` (compare forms)."""
        ...

    def read_segment(self, segment_id: int) -> Definition | Clause:
        """What a segment means, or the clause of a static one; raises ``UnknownSegment``."""
        ...


def compile_tree(
    definition: Definition, registry: Registry, clock: Clock, lookups: Lookups, *, segment_id: int = 0
) -> Clause:
    """The SQL condition of ``definition``, over a row of contacts that is known to be active."""
    return Compiler(registry, clock, lookups, segment_id=segment_id).compile_definition(definition)


class Compiler:
    """Compiles one definition. ``segment_id`` is the segment that it belongs to, 0 for none.

    ``zone`` is whose days the dates are of the definition that is being compiled.
    """

    def __init__(self, registry: Registry, clock: Clock, lookups: Lookups, *, segment_id: int = 0) -> None:
        self.registry = registry
        self.clock = clock
        self.lookups = lookups
        self.inside = [segment_id]
        self.zone = Zone.ACCOUNT
        self.size = 0
        self.find_contacts: Callable[[Kind, Iterable[str]], list[int]] = lookups.find_contacts

    def compile_definition(self, definition: Definition) -> Clause:
        """Those who match and are not excluded."""
        outer, self.zone = self.zone, definition.zone
        clause = self.compile(definition.match)
        if definition.exclude is not None:
            clause = join("AND", [clause, _negate(self.compile(definition.exclude))])
        self.zone = outer
        return clause

    def compile(self, node: Node) -> Clause:
        """The clause of a group or a condition."""
        clause = self.compile_group(node) if isinstance(node, Group) else self.compile_condition(node)
        return _negate(clause) if node.negated else clause

    def compile_group(self, group: Group) -> Clause:
        children = [self.compile(child) for child in group.children]
        match group.combine:
            case Combine.ALL:
                return join("AND", children)
            case Combine.ANY:
                return join("OR", children)
            case Combine.NONE:
                return _negate(join("OR", children))

    def compile_condition(self, condition: Condition) -> Clause:
        self.size += 1
        if self.size > MAX_COMPILED:
            raise TooLarge(path=condition.path)
        field = self.registry.fields.get(condition.field)
        if field is None:
            raise UnknownField(path=f"{condition.path}.field", field=condition.field)
        operator = operator_of(field, condition.operator)
        if operator is None:
            raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
        return operator.sql(Operand(field, condition.values, self))

    def compile_segment(self, segment_id: int) -> Clause:
        """The clause of being in another segment, written out in place."""
        if segment_id in self.inside:
            raise SegmentCycle(segment_ids=[*self.inside, segment_id])
        if len(self.inside) > MAX_NAMED:
            raise TooLarge("The segments name each other too deeply. Write some of their conditions out.")
        segment = self.lookups.read_segment(segment_id)
        if isinstance(segment, Clause):
            return segment
        self.inside.append(segment_id)
        clause = self.compile_definition(segment)
        self.inside.pop()
        return clause


def _negate(clause: Clause) -> Clause:
    return render("({}) IS NOT TRUE", clause)
