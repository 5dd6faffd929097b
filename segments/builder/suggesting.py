"""What there is to choose from: segments and imports by name, names of parameters, values of fields from the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Lower

from contacts.models import Import
from segments.conditions.lookups import DatabaseLookups
from segments.errors import AskingTookTooLong
from segments.limits import stopped_after
from segments.models import Segment
from segments.suggestions import suggest_values as find_values

__all__ = ["name_import", "suggest_values"]

MOST: Final = 20
MILLISECONDS: Final = 500
Suggestion = dict[str, Any]


def suggest_values(
    field: str, text: str, *, scope: str = "", kind: str = "", may_see_contacts: bool
) -> list[Suggestion]:
    """At most 20 values of a field that fit ``text``, each ``{"key", "label"}``; for a prefix of members, their names.

    ``scope`` are the rows that are asked about, ``kind`` which of them, such as the key of an event type.
    Values of contacts are shown to those alone who may see contacts.
    """
    if "\0" in text + kind:
        return []
    by_name = BY_NAME.get(field) if not scope else None
    try:
        with stopped_after(MILLISECONDS):
            if by_name is not None:
                return by_name(text)
            if scope and field.endswith("."):
                return _find_names(scope, field, text, kind)
    except AskingTookTooLong:
        return []
    key = f"{scope}.{field}" if scope else field
    return [{"key": value, "label": value} for value in find_values(key, text, MOST)] if may_see_contacts else []


def _find_segments(text: str) -> list[Suggestion]:
    found = Segment.objects.filter(name__icontains=text).order_by(Lower("name"), "pk")[:MOST]
    return [{"key": segment.pk, "label": segment.name} for segment in found]


def name_import(number: int, file_name: str) -> str:
    """An import as people know it: the same file may have come several times."""
    return f"{number} ({file_name})"


def _find_imports(text: str) -> list[Suggestion]:
    fits = Q(file_name__icontains=text)
    if text.isascii() and text.isdecimal() and len(text) < 19:
        fits |= Q(pk=int(text))
    found = Import.objects.filter(fits).order_by("-pk")[:MOST]
    return [{"key": run.pk, "label": name_import(run.pk, run.file_name)} for run in found]


BY_NAME: Final[Mapping[str, Callable[[str], list[Suggestion]]]] = {
    "segment": _find_segments,
    "import": _find_imports,
}


def _find_names(relation: str, prefix: str, text: str, kind: str) -> list[Suggestion]:
    """The names that members have."""
    seen = DatabaseLookups().find_members(relation, kind or None)
    names = {member.name for member in seen if member.field == prefix + member.name}
    fitting = sorted(name for name in names if text.lower() in name.lower())
    return [{"key": name, "label": name} for name in fitting[:MOST]]
