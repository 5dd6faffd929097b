"""The segments themselves: made, changed, deleted, explained in words. The only place that writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from contacts.columns import Column
from segments.conditions import compile_tree, describe, parse
from segments.conditions.errors import DefinitionError, DefinitionRefused, SegmentCycle, WrongShape
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.references import find_cycle, named_fields, named_segments, with_values
from segments.conditions.tree import Definition, conditions_of
from segments.errors import SegmentInUse, SegmentIsBuiltin
from segments.models import Segment, SegmentType

__all__ = [
    "check_definition",
    "delete_segment",
    "describe_segment",
    "find_asking",
    "find_broken",
    "find_users",
    "read_definition",
    "rename_values",
    "save_segment",
]


def check_definition(
    definition: Any,
    *,
    segment_type: str = SegmentType.DYNAMIC,
    segment_id: int | None = None,
    lookups: DatabaseLookups | None = None,
) -> str:
    """The sentence of a definition that may be saved as segment ``segment_id`` (None: a new one).

    Raises ``DefinitionRefused`` with every error: what parsing refuses, a combined segment with conditions of its own,
    and rings of segments.
    """
    lookups = lookups or DatabaseLookups()
    parsed = parse(definition, lookups.registry)
    errors: list[DefinitionError] = []
    if segment_type == SegmentType.COMBINED:
        errors += _foreign_conditions(parsed)
    if segment_id is not None:
        errors += _cycles(segment_id, parsed)
    if errors:
        raise DefinitionRefused(list(errors))
    try:
        compile_tree(parsed, lookups.registry, lookups.clock, lookups, segment_id=segment_id or 0)
    except DefinitionError as error:
        raise DefinitionRefused([error]) from error
    return describe(parsed, lookups.registry)


def save_segment(segment: Segment) -> Segment:
    """Writes a new or a changed segment; raises ``DefinitionRefused``. A static one keeps no definition."""
    with transaction.atomic():
        if segment.is_static:
            segment.definition = None
        else:
            _lock([segment.pk or 0, *named_segments(segment.definition)])
            check_definition(segment.definition, segment_type=segment.type, segment_id=segment.pk)
        segment.save()
    return segment


def delete_segment(segment: Segment) -> None:
    """Deletes a segment and its memberships, never a contact; raises ``SegmentIsBuiltin`` or ``SegmentInUse``."""
    if segment.is_builtin:
        raise SegmentIsBuiltin(segment_id=segment.pk)
    with transaction.atomic():
        _lock([segment.pk])
        users = find_users(segment)
        if users:
            names = ", ".join(f"“{user.name}”" for user in users)
            raise SegmentInUse(
                f"This segment is used by {names}. Take it out of there first.",
                segment_ids=[user.pk for user in users],
            )
        segment.delete()


def _lock(segment_ids: Iterable[int]) -> None:
    """Closes two races: a segment is deleted while another one that names it is saved, and two are saved at the same
    moment that name each other. In id order, so that nobody waits in a ring."""
    rows = Segment.objects.select_for_update().filter(pk__in=[pk for pk in segment_ids if 0 < pk < 2**63])
    list(rows.order_by("pk").values_list("pk", flat=True))


def find_users(segment: Segment) -> list[Segment]:
    """The segments whose conditions name this one."""
    others = Segment.objects.filter(definition__isnull=False).exclude(pk=segment.pk)
    return [other for other in others if segment.pk in named_segments(other.definition)]


def find_asking(field: str) -> list[Segment]:
    """The segments whose conditions ask for a field, by name."""
    defined = Segment.objects.filter(definition__isnull=False).order_by("name", "pk")
    return [segment for segment in defined if field in named_fields(segment.definition)]


def find_broken(field: str, columns: Sequence[Column], *, renamed: Mapping[str, str]) -> list[Segment]:
    """Those of them that can be read now, and could not if contacts had these columns and these options' names."""
    now, then = DatabaseLookups(), DatabaseLookups()
    then.columns = tuple(columns)
    return [
        segment
        for segment in find_asking(field)
        if _is_readable(segment, segment.definition, now)
        and not _is_readable(segment, with_values(segment.definition, field, renamed), then)
    ]


def _is_readable(segment: Segment, definition: Any, lookups: DatabaseLookups) -> bool:
    try:
        parsed = parse(definition, lookups.registry)
        compile_tree(parsed, lookups.registry, lookups.clock, lookups, segment_id=segment.pk)
    except (DefinitionError, DefinitionRefused):
        return False
    return True


def rename_values(field: str, renamed: Mapping[str, str]) -> None:
    """Conditions of the field that name an old value name the new one; those that are broken stay as they are."""
    for segment in find_asking(field):
        changed = with_values(segment.definition, field, renamed)
        if changed != segment.definition and _is_readable(segment, changed, DatabaseLookups()):
            segment.definition = changed
            save_segment(segment)


def read_definition(segment: Segment, lookups: DatabaseLookups) -> Definition:
    """The conditions of a dynamic or combined segment; raises ``DefinitionRefused`` if they no longer hold good."""
    return parse(segment.definition, lookups.registry)


def describe_segment(segment: Segment, lookups: DatabaseLookups | None = None) -> str:
    """The segment's conditions as a sentence, empty for a static one."""
    if segment.is_static:
        return ""
    lookups = lookups or DatabaseLookups()
    return describe(read_definition(segment, lookups), lookups.registry)


def _foreign_conditions(definition: Definition) -> list[DefinitionError]:
    message = "A combined segment is made of segments alone. Use the field “segment”, or make it dynamic."
    return [
        WrongShape(message, path=condition.path)
        for condition in conditions_of(definition)
        if condition.field != "segment"
    ]


def _cycles(segment_id: int, definition: Definition) -> list[DefinitionError]:
    """The ring that the definition would close, at the condition where it begins."""
    named = {
        condition.values[0]: condition.path for condition in conditions_of(definition) if condition.field == "segment"
    }
    stored = Segment.objects.filter(definition__isnull=False).values_list("pk", "definition")
    references = {pk: named_segments(kept) for pk, kept in stored} | {segment_id: {int(str(pk)) for pk in named}}
    cycle = find_cycle(segment_id, references)
    return [SegmentCycle(path=f"{named[cycle[1]]}.value", segment_ids=cycle)] if cycle else []
