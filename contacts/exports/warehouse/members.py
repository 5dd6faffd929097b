"""Who is in which segment, as warehouses are told of it.

Most segments are conditions, which nobody is told of when somebody comes to meet them. So they are asked at the
beginning of a run, and what came out is kept, with a number that grows: every target follows these numbers, and a
target that misses some runs misses nothing. Segments that cannot be asked at the moment stay as they were.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction

from contacts import populations
from contacts.models import ExportTable, JournalPosition
from crm.errors import CardfileError

__all__ = ["forget_members", "last_member_forgotten", "look_at_members"]

logger = logging.getLogger(__name__)

DATA_SETS: Final = ("segments", "memberships")
LOOKING: Final = 0x0CA3
"""Of an advisory lock: one looks at a time, so that numbers are committed in their order."""
READER: Final = "warehouse members forgotten"

_LOCK: Final = f"SELECT pg_advisory_xact_lock({LOOKING})"
_LAST: Final = """
SELECT greatest((SELECT max(number) FROM contacts_exportmember), (SELECT max(number) FROM contacts_exportsegment), 0)
"""
_NUMBER: Final = "SELECT nextval('contacts_exportmember_id_seq')"
_PUT_SEGMENT: Final = """
INSERT INTO contacts_exportsegment AS s (segment_id, row, number) VALUES (%s, %s::jsonb, %s)
ON CONFLICT (segment_id) DO UPDATE SET row = excluded.row, number = excluded.number
WHERE s.row IS DISTINCT FROM excluded.row
"""
_GONE_SEGMENTS: Final = """
UPDATE contacts_exportsegment SET row = NULL, number = %s WHERE row IS NOT NULL AND NOT segment_id = ANY(%s::bigint[])
"""
_LEFT: Final = """
UPDATE contacts_exportmember m SET is_in = false, number = %s
WHERE m.segment_id = %s AND m.is_in AND NOT EXISTS (SELECT FROM now_in n WHERE n.id = m.contact_id)
"""
_CAME: Final = """
INSERT INTO contacts_exportmember AS m (contact_id, segment_id, is_in, number)
SELECT n.id, %(segment)s, true, %(number)s FROM now_in n
WHERE NOT EXISTS (
    SELECT FROM contacts_exportmember o WHERE o.segment_id = %(segment)s AND o.contact_id = n.id AND o.is_in
)
ON CONFLICT (segment_id, contact_id) DO UPDATE SET is_in = true, number = excluded.number
"""
_LEFT_GONE: Final = """
UPDATE contacts_exportmember SET is_in = false, number = %s WHERE is_in AND NOT segment_id = ANY(%s::bigint[])
"""
_FORGET: Final = """
WITH gone AS (DELETE FROM contacts_exportmember WHERE NOT is_in AND number <= %(read)s RETURNING number),
segments AS (DELETE FROM contacts_exportsegment WHERE row IS NULL AND number <= %(read)s RETURNING number)
SELECT greatest((SELECT max(number) FROM gone), (SELECT max(number) FROM segments))
"""


def look_at_members() -> int:
    """Ask all segments who is in them, where a table is told of it; the number that stands for what came out."""
    if not ExportTable.objects.filter(data_set__in=DATA_SETS, target__is_active=True).exists():
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        number = _ask(cursor, _NUMBER)
        ids = _look_at_segments(cursor, number)
        for segment_id in ids:
            _look_at(cursor, segment_id, number)
        cursor.execute(_LEFT_GONE, [number, ids])
        return _ask(cursor, _LAST)


def _look_at_segments(cursor: Any, number: int) -> list[int]:
    told = list(populations.current().described())
    for segment in told:
        row = {name: value for name, value in segment.items() if name != "id"}
        cursor.execute(_PUT_SEGMENT, [segment["id"], orjson.dumps(row).decode(), number])
    ids = [segment["id"] for segment in told]
    cursor.execute(_GONE_SEGMENTS, [number, ids])
    return ids


def _look_at(cursor: Any, segment_id: int, number: int) -> None:
    try:
        with transaction.atomic():
            sql, params = populations.current().members(segment_id).order_by().values("id").query.sql_with_params()
            cursor.execute("DROP TABLE IF EXISTS now_in")
            cursor.execute(f"CREATE TEMPORARY TABLE now_in ON COMMIT DROP AS {sql}", params)
            cursor.execute("ANALYZE now_in")
    except ObjectDoesNotExist:
        return  # somebody has just deleted it; the next run says so
    except CardfileError as error:
        logger.warning("Segment %s cannot be asked, warehouses keep who was in it: %s", segment_id, error)
        return
    cursor.execute(_LEFT, [number, segment_id])
    cursor.execute(_CAME, {"segment": segment_id, "number": number})


def forget_members() -> None:
    """Who left, and segments that are no more, once every table of an active target was told."""
    tables = ExportTable.objects.filter(data_set__in=DATA_SETS, target__is_active=True)
    kept = tables.values_list("position", "filling")
    positions = [one for position, filling in kept for one in (position, filling.get("position"))]
    read = [int(position["members"]) for position in positions if position and "members" in position]
    if not read:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_FORGET, {"read": min(read)})
        (last,) = cursor.fetchone()
        if last is not None:
            JournalPosition.objects.update_or_create(reader=READER, defaults={"number": last})


def last_member_forgotten() -> int:
    """The greatest number of a change that is not known any more."""
    return JournalPosition.objects.filter(reader=READER).values_list("number", flat=True).first() or 0


def _ask(cursor: Any, sql: str) -> int:
    cursor.execute(sql)
    return int(cursor.fetchone()[0])
