"""Segments themselves as they leave for a warehouse: few rows, of no contact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.utils.translation import gettext_lazy

from contacts.exports.warehouse.changes import MEMBERS, check_known
from contacts.exports.warehouse.columns import Field
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, OutColumn, Position, Reading, Step
from contacts.models import ExportSegment

__all__ = ["SegmentSet"]


def _field(key: str, name: str, label: Any) -> Field:
    return Field(key, name, "text", label, f"r.row ->> '{key}'")


def _moment(key: str, name: str, label: Any) -> Field:
    return Field(key, name, "timestamptz", label, f"(r.row ->> '{key}')::timestamptz")


FIELDS: Final = (
    Field("segment_id", "segmentId", "bigint", gettext_lazy("Segment ID"), "r.segment_id"),
    _field("name", "name", gettext_lazy("Name")),
    _field("type", "type", gettext_lazy("Type")),
    _field("description", "description", gettext_lazy("Description")),
    _moment("created_at", "createdDate", gettext_lazy("Created")),
    _moment("updated_at", "updatedDate", gettext_lazy("Last change")),
)
SQL: Final = {field.key: field.sql for field in FIELDS}


@dataclass(frozen=True, slots=True)
class SegmentSet:
    """Segments of every type, as ``contacts.exports.warehouse.members`` last looked at them."""

    slug: ClassVar[str] = "segments"
    label: ClassVar[Any] = gettext_lazy("Segments")
    key: ClassVar[tuple[str, ...]] = ("segment_id",)
    owner: ClassVar[str] = ""

    def columns(self, custom_fields: Iterable[Any]) -> tuple[OutColumn, ...]:
        return tuple(field.column for field in FIELDS)

    def start_position(self, upto: Position) -> Position:
        return {MEMBERS: upto[MEMBERS]}

    def next_end(self, after: int, size: int) -> int | None:
        later = ExportSegment.objects.filter(segment_id__gt=after, row__isnull=False).order_by("segment_id")
        ids = list(later.values_list("segment_id", flat=True)[:size])
        return ids[-1] if ids else None

    def piece(self, reading: Reading, after: int, upto: int) -> Rows:
        condition = "r.segment_id > %(after)s AND r.segment_id <= %(upto)s"
        return _rows(reading, condition, {"after": after, "upto": upto})

    def filled(self, table_id: int) -> None:
        return None

    def steps(self, reading: Reading, since: Position, upto: Position, *, table_id: int) -> Iterator[Step]:
        check_known(since)
        changed = ExportSegment.objects.filter(number__gt=since[MEMBERS], number__lte=upto[MEMBERS])
        ids = list(changed.filter(row__isnull=False).values_list("segment_id", flat=True))
        gone = list(changed.filter(row__isnull=True).values_list("segment_id"))
        if ids or gone:
            rows = _rows(reading, "r.segment_id = ANY(%(ids)s::bigint[])", {"ids": ids})
            yield Step(Change(gone_keys=gone, rows=rows), {MEMBERS: upto[MEMBERS]})

    def total(self) -> int:
        return ExportSegment.objects.filter(row__isnull=False).count()


def _rows(reading: Reading, condition: str, params: dict[str, Any]) -> Rows:
    told = ", ".join(f'{SQL[column.key]} AS "{column.name}"' for column in reading.shape.columns)
    sql = f"SELECT {told} FROM contacts_exportsegment r WHERE r.row IS NOT NULL AND {condition}"
    return Rows(sql, params, reading.shape)
