"""Tree → SQL. One invariant carries it: a clause is true exactly where its node holds.

So "and" and "or" may meet nulls as they like; a negation is ``IS NOT TRUE``, or ``NOT`` of what is never null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from contacts.keys import Kind
from segments.conditions.dates import Clock
from segments.conditions.errors import SegmentCycle, TooLarge, UnknownField, UnknownOperator
from segments.conditions.fields import NO_VALUE, FieldType
from segments.conditions.nodes import compile_node
from segments.conditions.operators import Operand, operator_of
from segments.conditions.registry import Registry
from segments.conditions.relations import Relation, compile_measured, compile_rows
from segments.conditions.sql import Clause, negate
from segments.conditions.tree import Combine, Condition, Definition, Group, Node, Zone, conditions_of

__all__ = ["MAX_COMPILED", "Compiler", "Lookups", "compile_tree"]

MAX_COMPILED: Final = 1_000
"""Conditions in a definition, those of the segments it names included."""
MAX_NAMED: Final = 10
"""Segments that name segments that name segments …"""

_WIDE: Final = frozenset({FieldType.CONSENT, FieldType.IMPORT})


class Lookups(Protocol):
    """What compiling has to read."""

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values`` (compare forms)."""
        ...

    def read_zones(self) -> Mapping[str, ZoneInfo]:
        """The time zones that this program and the database both know, by name."""
        ...

    def read_segment(self, segment_id: int) -> Definition | Clause:
        """What a segment means, or the clause of a static one; raises ``UnknownSegment``."""
        ...


def compile_tree(
    definition: Definition,
    registry: Registry,
    clock: Clock,
    lookups: Lookups,
    *,
    segment_id: int = 0,
    few: bool = False,
) -> Clause:
    """The SQL condition of ``definition``, over a row of contacts that is known to be active.

    ``few``: it will be asked about some contacts only, so that sets of ids need not be made for all.
    """
    return Compiler(registry, clock, lookups, segment_id=segment_id, few=few).compile_definition(definition)


class Compiler:
    """Compiles one definition. ``segment_id`` is the segment that it belongs to, 0 for none.

    ``zone`` is whose days the dates mean outside any definition, for conditions that are compiled one by one.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        lookups: Lookups,
        *,
        segment_id: int = 0,
        zone: Zone = Zone.ACCOUNT,
        few: bool = False,
    ) -> None:
        self.registry = registry
        self.asked_at = clock
        self.zone = zone
        self.lookups = lookups
        self.inside = [segment_id]
        self.few = few
        self.named: dict[int, Definition | Clause] = {}
        self.size = 0
        self.find_contacts: Callable[[Kind, Iterable[str]], list[int]] = lookups.find_contacts
        self.read_zones: Callable[[], Mapping[str, ZoneInfo]] = lookups.read_zones

    @property
    def clock(self) -> Clock:
        """The moment of asking, in the zone that is asked for."""
        return replace(self.asked_at, by_contact=self.zone is Zone.CONTACT)

    def compile_definition(self, definition: Definition, *, negated: bool = False) -> Clause:
        """Those who match and are not excluded; ``negated``: everybody else."""
        outer, self.zone = self.zone, definition.zone
        clause = self.compile(_as_node(definition), negated=negated)
        self.zone = outer
        return clause

    def compile(self, node: Node, *, negated: bool = False) -> Clause:
        """The clause of a group or a condition; ``negated`` turns it round."""
        return compile_node(node, self.compile_leaf, is_wide=self.is_wide, negated=negated)

    def is_wide(self, node: Node | Definition) -> bool:
        """Whether it reads rows of other tables for all contacts."""
        return not self.few and any(self.reads_rows(condition) for condition in conditions_of(node))

    def reads_rows(self, condition: Condition) -> bool:
        if condition.rows is not None:
            return True
        field = self.registry.fields.get(condition.field)
        if field is None or field.type is not FieldType.SEGMENT:
            return field is not None and (field.type in _WIDE or field.value.is_wide)
        segment_id = _named_by(condition)
        if segment_id in self.inside:
            return True  # a ring, which is refused where it is compiled
        named = self.read_segment(segment_id)
        self.inside.append(segment_id)
        is_wide = isinstance(named, Clause) or self.is_wide(named)
        self.inside.pop()
        return is_wide

    def read_segment(self, segment_id: int) -> Definition | Clause:
        """What a segment means, read once."""
        if segment_id not in self.named:
            self.named[segment_id] = self.lookups.read_segment(segment_id)
        return self.named[segment_id]

    def compile_leaf(self, condition: Condition, negated: bool) -> Clause:
        """A condition, ``negated`` or not, whatever its own negation."""
        self.count(condition)
        if condition.rows is not None:
            return compile_rows(condition, self.relation_of(condition), self, negated=negated)
        field = self.registry.fields.get(condition.field)
        if field is None:
            raise UnknownField(path=f"{condition.path}.field", field=condition.field)
        operator = operator_of(field, condition.operator)
        if operator is None:
            raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
        if field.type is FieldType.SEGMENT:
            return self.compile_segment(_named_by(condition), negated=negated is not (operator.key == "not_in"))
        clause = operator.sql(Operand(field, condition.values, self))
        return negate(clause) if negated else clause

    def compile_condition(self, condition: Condition) -> Clause:
        """A condition without its own negation."""
        return self.compile_leaf(condition, negated=False)

    def compile_actual(self, condition: Condition) -> Clause | None:
        """What a condition looks at, as a scalar to be shown: the field's value, or what is measured over the rows."""
        if condition.rows is not None:
            return compile_measured(condition, self.relation_of(condition), self)
        field = self.registry.fields.get(condition.field)
        return None if field is None or field.value == NO_VALUE else field.value

    def compile_segment(self, segment_id: int, *, negated: bool = False) -> Clause:
        """The clause of being in another segment, or of not being in it, written out in place."""
        if segment_id in self.inside:
            raise SegmentCycle(segment_ids=[*self.inside, segment_id])
        if len(self.inside) > MAX_NAMED:
            raise TooLarge("The segments name each other too deeply. Write some of their conditions out.")
        segment = self.read_segment(segment_id)
        if isinstance(segment, Clause):
            return negate(segment) if negated else segment
        self.inside.append(segment_id)
        clause = self.compile_definition(segment, negated=negated)
        self.inside.pop()
        return clause

    def relation_of(self, condition: Condition) -> Relation:
        relation = self.registry.relations.get(condition.field)
        if relation is None:
            raise UnknownField(path=f"{condition.path}.field", field=condition.field)
        return relation

    def count(self, condition: Condition) -> None:
        """Notes one more condition, with those on its rows."""
        where = None if condition.rows is None else condition.rows.where
        self.size += 1 + (0 if where is None else sum(1 for _each in conditions_of(where)))
        if self.size > MAX_COMPILED:
            raise TooLarge(path=condition.path)


def _as_node(definition: Definition) -> Node:
    """Those who match and are not excluded, as one node."""
    if definition.exclude is None:
        return definition.match
    others = replace(definition.exclude, negated=not definition.exclude.negated)
    return Group(Combine.ALL, (definition.match, others))


def _named_by(condition: Condition) -> int:
    return int(str(condition.values[0]))
