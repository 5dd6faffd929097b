"""Forgets stays that ended long ago, and those of segments that are gone, a piece at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from segments.models import Segment, Watch

__all__ = ["forget_old_stays"]

PIECE: Final = 10_000

_OLD: Final = f"""
DELETE FROM segments_stay s USING (
    SELECT contact_id, id FROM segments_stay WHERE segment_id = %s AND left_at < %s LIMIT {PIECE}
) AS old WHERE s.contact_id = old.contact_id AND s.id = old.id
"""
_ORPHANS: Final = f"""
DELETE FROM {{table}} s USING (
    SELECT contact_id, id FROM {{table}} WHERE NOT segment_id = ANY(%s) LIMIT {PIECE}
) AS old WHERE s.contact_id = old.contact_id AND s.id = old.id
"""


def forget_old_stays() -> None:
    """By each watch's own number of days; who is in still is never forgotten, however long ago it entered."""
    now = timezone.now()
    for watch in Watch.objects.order_by("pk"):
        _repeat(_OLD, [watch.segment_id, now - timedelta(days=watch.kept_days)])
    there = list(Segment.objects.values_list("pk", flat=True))
    for table in ("segments_stay", "segments_segmentmove"):
        _repeat(_ORPHANS.format(table=table), [there])


def _repeat(sql: str, params: list[Any]) -> None:
    """Until a piece is not full: short transactions, so that nobody waits."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        while cursor.rowcount == PIECE:
            cursor.execute(sql, params)
