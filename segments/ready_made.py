"""The segments that every account starts with."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.db.models.functions import Lower
from django.utils.translation import gettext_noop as _

from segments.models import Segment, SegmentType

__all__ = ["READY_MADE", "make_ready_made"]

READY_MADE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "external_id_is_empty": (_("External ID is empty"), {"field": "external_id", "op": "is_empty"}),
    "anonymous": (_("Anonymous"), {"field": "anonymous", "op": "is_yes"}),
    "no_email": (_("No email"), {"field": "email", "op": "is_empty"}),
    "bought_in_last_30_days": (
        _("Bought in the last 30 days"),
        {"field": "orders", "period": {"op": "in_last", "value": [30, "days"]}, "op": "did"},
    ),
    "possible_duplicates": (_("Possible duplicates"), {"field": "duplicates", "op": "has"}),
}
"""By the key that stays when a person renames the segment: name and condition."""


def make_ready_made(**_signal: object) -> None:
    """Makes those that are missing, after each migration; what people changed in the others stays.

    So an account that was there before a segment became ready-made gets it with the upgrade.
    """
    if Segment._meta.db_table not in connection.introspection.table_names():
        return  # migrated back to before segments
    there = set(Segment.objects.filter(builtin__isnull=False).values_list("builtin", flat=True))
    missing = {key: made for key, made in READY_MADE.items() if key not in there}
    taken = set(Segment.objects.annotate(folded=Lower("name")).values_list("folded", flat=True)) if missing else set()
    Segment.objects.bulk_create(
        [
            Segment(
                name=f"{name} (ready-made)" if name.lower() in taken else name,
                type=SegmentType.DYNAMIC,
                definition={"version": 1, "match": {"all": [condition]}},
                builtin=key,
            )
            for key, (name, condition) in missing.items()
        ],
        ignore_conflicts=True,
    )
