"""Numbers and durations as people say them, and the tiles that show them."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

__all__ = ["Tile", "say_duration", "say_number"]


class Tile(NamedTuple):
    """One outcome with its count; ``shown`` is for people."""

    name: str
    label: str
    shown: str
    is_none: bool


def say_number(number: float) -> str:
    """With separators of thousands."""
    return str(number_format(round(number), use_l10n=True, force_grouping=True))


def say_duration(seconds: float) -> str:
    """A duration as one says it; nobody needs the seconds of an hour."""
    whole = round(seconds)
    hours, minutes = divmod(round(whole / 60), 60)
    if whole < 1:
        return _("less than a second")
    if whole < 60:
        return ngettext("%(count)d second", "%(count)d seconds", whole) % {"count": whole}
    if not hours:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    said = ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    if not minutes:
        return said
    return f"{said} " + ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
