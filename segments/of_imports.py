"""The contacts of an import as a segment: shown at once, kept when somebody wants it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.models import Import
from segments.catalogue import save_segment
from segments.conditions.parse import VERSION
from segments.models import Segment, SegmentType

__all__ = ["build_segment", "find_segment", "keep_segment"]

NAME_AT_MOST = 150


def build_segment(run: Import, *, only_created: bool = False) -> Segment:
    """The contacts that the import touched, or just those that it created; not saved."""
    text = _("Created by {file} (import {number})") if only_created else _("Touched by {file} (import {number})")
    return Segment(
        name=text.format(file=run.file_name[-NAME_AT_MOST:], number=run.pk),
        type=SegmentType.DYNAMIC,
        definition=_define(run.pk, only_created=only_created),
    )


def find_segment(run: Import, *, only_created: bool = False) -> Segment | None:
    """The one that was kept, whatever it is called by now."""
    definition = _define(run.pk, only_created=only_created)
    return Segment.objects.filter(definition=definition, type=SegmentType.DYNAMIC).order_by("pk").first()


def keep_segment(run: Import, *, only_created: bool = False) -> Segment:
    """The segment, saved; once, however often it is asked for."""
    with transaction.atomic():
        Import.objects.select_for_update().get(pk=run.pk)  # two who press the button at once get the same segment
        kept = find_segment(run, only_created=only_created)
        return kept or save_segment(_with_free_name(build_segment(run, only_created=only_created)))


def _define(import_id: int, *, only_created: bool) -> dict[str, Any]:
    condition = {"field": "import", "op": "created_by" if only_created else "touched_by", "value": import_id}
    return {"version": VERSION, "match": {"all": [condition]}}


def _with_free_name(segment: Segment) -> Segment:
    wanted, number = segment.name, 2
    while Segment.objects.filter(name__iexact=segment.name).exists():
        segment.name, number = f"{wanted} {number}", number + 1
    return segment
