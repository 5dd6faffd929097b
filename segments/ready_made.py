"""The segments that every account starts with."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext_noop as _

from segments.models import Segment, SegmentType

__all__ = ["READY_MADE", "make_ready_made"]

READY_MADE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "external_id_is_empty": (_("External ID is empty"), {"field": "external_id", "op": "is_empty"}),
    "anonymous": (_("Anonymous"), {"field": "anonymous", "op": "is_yes"}),
    "no_email": (_("No email"), {"field": "email", "op": "is_empty"}),
}
"""By the key that stays when a person renames the segment: name and condition."""


def make_ready_made(**_signal: object) -> None:
    """Makes those that are missing, after each migration; what people changed in the others stays."""
    if Segment._meta.db_table not in connection.introspection.table_names():
        return  # migrated back to before segments
    there = set(Segment.objects.filter(builtin__isnull=False).values_list("builtin", flat=True))
    Segment.objects.bulk_create(
        [
            Segment(
                name=name,
                type=SegmentType.DYNAMIC,
                definition={"version": 1, "match": {"all": [condition]}},
                builtin=key,
            )
            for key, (name, condition) in READY_MADE.items()
            if key not in there
        ],
        ignore_conflicts=True,
    )
