"""Numbers, times and outcomes of imports in the words of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.quantities import Tile, say_duration, say_number

__all__ = ["ONE", "OUTCOMES", "Tile", "list_tiles", "say_counts", "say_duration", "say_number", "say_rows", "say_size"]

OUTCOMES: Final[dict[str, Any]] = {
    "created": gettext_lazy("New"),
    "updated": gettext_lazy("Changed"),
    "unchanged": gettext_lazy("Unchanged"),
    "restored": gettext_lazy("Restored"),
    "deleted": gettext_lazy("Deleted"),
    "merged": gettext_lazy("Merged"),
    "contacts": gettext_lazy("New contacts"),
    "skipped": gettext_lazy("Skipped"),
    "failed": gettext_lazy("Errors"),
    "warning": gettext_lazy("Warnings"),
}
"""By what is counted; in the order in which they are shown."""
ONE: Final[dict[str, Any]] = {
    **OUTCOMES,
    "failed": gettext_lazy("Error"),
    "warning": gettext_lazy("Warning"),
    "visitor": gettext_lazy("Visitor"),
}
"""The same of a single row."""
SHOWN_WHEN_THERE: Final = frozenset({"restored", "deleted", "merged", "contacts", "warning"})
UNITS: Final = ("B", "KB", "MB", "GB")


def say_rows(number: int) -> str:
    return ngettext("%(count)s row", "%(count)s rows", number) % {"count": say_number(number)}


def say_size(size: float) -> str:
    """A file's size."""
    step = 0
    while size >= 1024 and step < len(UNITS) - 1:
        size, step = size / 1024, step + 1
    return f"{number_format(size, decimal_pos=1 if step else 0, use_l10n=True)} {UNITS[step]}"


def list_tiles(counts: Mapping[str, int]) -> list[Tile]:
    """What is to be shown of these counts: the usual outcomes always, the others where there are some."""
    return [
        Tile(name, str(label), say_number(counts.get(name, 0)), not counts.get(name))
        for name, label in OUTCOMES.items()
        if counts.get(name) or name not in SHOWN_WHEN_THERE
    ]


def say_counts(counts: Mapping[str, int]) -> str:
    """The outcomes that there are, in one line."""
    found = [f"{say_number(counts[name])} {str(label).lower()}" for name, label in OUTCOMES.items() if counts.get(name)]
    return ", ".join(found)
