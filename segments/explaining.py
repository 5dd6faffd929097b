"""Why a contact is in a segment or is not: its conditions, each with whether it holds and what was found.

A condition is asked by the same SQL that counts it, all of them in one statement within a time limit. A segment that a
condition names is explained in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from contacts.models import Contact, ContactState
from segments.catalogue import read_definition
from segments.conditions.compile import MAX_COMPILED, MAX_NAMED, Compiler
from segments.conditions.describe import describe_condition
from segments.conditions.errors import DefinitionError, DefinitionRefused, SegmentCycle, TooLarge, UnknownSegment
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.sql import Clause
from segments.conditions.tree import Combine, Condition, Definition, Group, Node, conditions_of
from segments.limits import stopped_after
from segments.models import Membership, Segment
from segments.watching import since_when

__all__ = [
    "ConditionExplained",
    "GroupExplained",
    "NodeExplained",
    "SegmentExplained",
    "ask_contact",
    "explain_member",
]

MILLISECONDS: Final = 5_000


@dataclass(frozen=True, slots=True)
class ConditionExplained:
    """One condition for one contact; ``holds`` has its negation in it.

    ``actual`` is what was found, as JSON has it: the contact's value, or the number, sum, average or moment of the rows
    asked about; None where it is not set, or, without ``has_value``, where the condition looks at no value. ``segment``
    is the one that the condition names.
    """

    path: str
    sentence: str
    negated: bool
    holds: bool
    actual: Any = None
    has_value: bool = False
    segment: SegmentExplained | None = None


@dataclass(frozen=True, slots=True)
class GroupExplained:
    """A group for one contact; ``holds`` has its negation in it."""

    path: str
    combine: Combine
    negated: bool
    holds: bool
    children: tuple[NodeExplained, ...]


NodeExplained = ConditionExplained | GroupExplained


@dataclass(frozen=True, slots=True)
class SegmentExplained:
    """Why a contact is in a segment or not.

    ``match`` and ``exclude`` are None for a static segment, and where there is no active contact, ``exclude`` too where
    nobody is excluded. ``added_at`` and ``added_by`` are those of a static membership, ``since`` is when the contact
    entered a segment that keeps a history of its members.
    """

    segment: Segment
    is_member: bool
    is_active: bool
    match: NodeExplained | None = None
    exclude: NodeExplained | None = None
    added_at: datetime | None = None
    added_by: str = ""
    since: datetime | None = None


def explain_member(
    segment: Segment, contact_id: int, *, milliseconds: int = MILLISECONDS, lookups: DatabaseLookups | None = None
) -> SegmentExplained:
    """The segment's conditions for this contact.

    Raises ``DefinitionRefused`` if they are broken by now, ``AskingTookTooLong`` after ``milliseconds``.
    """
    if not Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE).exists():
        return SegmentExplained(segment, is_member=False, is_active=False)
    explanation = _Explanation(contact_id, lookups or DatabaseLookups())
    explanation.collect(segment)
    explanation.ask(milliseconds)
    return explanation.tell(segment)


def ask_contact(
    contact_id: int, conditions: Sequence[Clause], values: Sequence[Clause | None] = (), *, milliseconds: int
) -> tuple[list[bool], list[Any]]:
    """Which conditions hold for one active contact, and what these scalars are, in one statement.

    Each is a query of its own about one row, so that the contact's id reaches into whatever it asks. Raises
    ``AskingTookTooLong``.
    """
    contact = f"FROM contacts_contact c WHERE c.id = {int(contact_id)}"
    texts: list[list[str]] = [[], []]
    params: list[Any] = []
    for clause in conditions:
        text, given = clause.over("c")
        texts[0].append(f"EXISTS (SELECT 1 {contact} AND c.state = {ContactState.ACTIVE.value} AND ({text}))")
        params += given
    for value in values:
        text, given = ("NULL::text", ()) if value is None else value.over("c")
        texts[1].append(f"(SELECT to_jsonb({text}) {contact})")
        params += given
    arrays = f"ARRAY[{', '.join(texts[0])}]::boolean[], ARRAY[{', '.join(texts[1])}]::jsonb[]"
    with stopped_after(milliseconds), connection.cursor() as cursor:
        cursor.execute(f"SELECT {arrays}", params)
        holding, found = cursor.fetchone()
    return holding, [None if raw is None else json.loads(raw) for raw in found]


class _Explanation:
    """1. collects every condition, of the named segments too; 2. asks them all at once; 3. tells the tree."""

    def __init__(self, contact_id: int, lookups: DatabaseLookups) -> None:
        self.contact_id = contact_id
        self.lookups = lookups
        self.segments: dict[int, Segment] = {}
        self.definitions: dict[int, Definition] = {}
        self.memberships: dict[int, Membership] = {}
        self.clauses: list[Clause] = []
        self.values: list[Clause | None] = []
        self.places: dict[tuple[int, str], int] = {}
        self.answers: list[tuple[bool, Any]] = []
        self.entered_at: dict[int, datetime] = {}

    # Collecting

    def collect(self, segment: Segment, inside: tuple[int, ...] = ()) -> None:
        number = segment.pk or 0
        if number in inside:
            raise DefinitionRefused([SegmentCycle(path="match", segment_ids=[*inside, number])])
        if len(inside) > MAX_NAMED:
            raise DefinitionRefused([TooLarge(path="match")])
        if number in self.segments:
            return
        self.segments[number] = segment
        if segment.is_static:
            return
        definition = self.definitions[number] = read_definition(segment, self.lookups)
        registry, clock = self.lookups.registry, self.lookups.clock
        compiler = Compiler(registry, clock, self.lookups, segment_id=number, zone=definition.zone, few=True)
        try:
            for condition in conditions_of(definition):
                self.collect_condition(condition, number, compiler, (*inside, number))
        except DefinitionError as error:
            raise DefinitionRefused([error]) from error

    def collect_condition(self, condition: Condition, number: int, compiler: Compiler, inside: tuple[int, ...]) -> None:
        named = self.find_named(condition)
        if named is not None:
            self.collect(named, inside)
            return
        if len(self.clauses) >= MAX_COMPILED:
            raise TooLarge(path=condition.path)
        self.places[number, condition.path] = len(self.clauses)
        self.clauses.append(compiler.compile_condition(condition))
        self.values.append(compiler.compile_actual(condition))

    def find_named(self, condition: Condition) -> Segment | None:
        """The segment that a condition asks about."""
        field = self.lookups.registry.fields.get(condition.field)
        if field is None or field.type is not FieldType.SEGMENT or not isinstance(condition.values[0], int):
            return None
        known = self.segments.get(condition.values[0])
        found = known or Segment.objects.filter(pk=condition.values[0]).first()
        if found is None:
            raise UnknownSegment(path=f"{condition.path}.value", segment_id=condition.values[0])
        return found

    # Asking

    def ask(self, milliseconds: int) -> None:
        static = [number for number, segment in self.segments.items() if segment.is_static]
        rows = Membership.objects.filter(contact_id=self.contact_id, segment_id__in=static)
        self.memberships = {row.segment_id: row for row in rows} if static else {}
        self.entered_at = since_when(self.contact_id)
        if self.clauses:
            holding, found = ask_contact(self.contact_id, self.clauses, self.values, milliseconds=milliseconds)
            self.answers = list(zip(holding, found, strict=True))

    # Telling

    def tell(self, segment: Segment) -> SegmentExplained:
        number = segment.pk or 0
        if segment.is_static:
            row = self.memberships.get(number)
            if row is None:
                return SegmentExplained(segment, is_member=False, is_active=True)
            since = self.entered_at.get(number)
            return SegmentExplained(segment, True, True, added_at=row.added_at, added_by=row.by, since=since)
        definition = self.definitions[number]
        match = self.tell_node(definition.match, number)
        exclude = None if definition.exclude is None else self.tell_node(definition.exclude, number)
        is_member = match.holds and not (exclude is not None and exclude.holds)
        since = self.entered_at.get(number) if is_member else None
        return SegmentExplained(segment, is_member, True, match, exclude, since=since)

    def tell_node(self, node: Node, number: int) -> NodeExplained:
        if isinstance(node, Condition):
            return self.tell_condition(node, number)
        children = tuple(self.tell_node(child, number) for child in node.children)
        holds = _combine(node, [child.holds for child in children]) is not node.negated
        return GroupExplained(node.path, node.combine, node.negated, holds, children)

    def tell_condition(self, condition: Condition, number: int) -> ConditionExplained:
        sentence = describe_condition(condition, self.lookups.registry)
        named = self.find_named(condition)
        if named is not None:
            inner = self.tell(named)
            holds = inner.is_member is (condition.operator == "in")
            return ConditionExplained(
                condition.path, sentence, condition.negated, holds is not condition.negated, segment=inner
            )
        place = self.places[number, condition.path]
        holds, actual = self.answers[place]
        return ConditionExplained(
            condition.path,
            sentence,
            condition.negated,
            holds is not condition.negated,
            actual=self.name_option(condition, actual),
            has_value=self.values[place] is not None,
        )

    def name_option(self, condition: Condition, actual: Any) -> Any:
        """A choice as definitions write it, not as the database keeps it."""
        field = self.lookups.registry.fields.get(condition.field)
        options = () if field is None else field.options
        return next((option.key for option in options if option.stored == actual), actual)


def _combine(group: Group, holding: list[bool]) -> bool:
    match group.combine:
        case Combine.ALL:
            return all(holding)
        case Combine.ANY:
            return any(holding)
        case Combine.NONE:
            return not any(holding)
