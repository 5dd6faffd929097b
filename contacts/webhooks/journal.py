"""The journal of contacts as a source: what its entries mean to somebody outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from contacts.identity.load import array_of, open_cursor, prefer_indexes
from contacts.identity.settled import last_change, settled_change
from contacts.models import ChangeKind, Contact, ContactState
from contacts.webhooks.sources import Happening, Reading

__all__ = ["KINDS", "ContactChanges", "Row", "read_row"]

WINDOW: Final = 2_000
"""Numbers of the journal that are looked through at a time: its index leads to places, not to rows."""
ROWS: Final = 500

KINDS: Final[dict[str, Any]] = {
    "created": _("created"),
    "updated": _("updated"),
    "merged": _("merged"),
    "deleted": _("deleted"),
    "restored": _("restored"),
    "erased": _("erased"),
}
STATES: Final[dict[object, str]] = {ContactState.ACTIVE: "restored", ContactState.DELETED: "deleted"}
"""What it means that a contact is in this state again."""

_ROW: Final = """
SELECT c.id, c.contact_id, c.at, c.by, c.kind, c.details,
       ARRAY(SELECT jsonb_object_keys(coalesce(c.before, '{}') || coalesce(c.after, '{}'))), c.after -> 'state'
"""
_READ: Final = f"""
{_ROW} FROM (
    SELECT * FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s ORDER BY id LIMIT {ROWS}
) c ORDER BY c.id
"""
_FIND: Final = f"""
{_ROW} FROM unnest(%s::bigint[], %s::bigint[]) AS k (contact_id, id)
JOIN contacts_change c ON c.contact_id = k.contact_id AND c.id = k.id ORDER BY c.id
"""


class Row(NamedTuple):
    """One entry of the journal, without its values."""

    id: int
    contact_id: int
    at: datetime
    by: str
    kind: str
    details: Mapping[str, Any] | None
    columns: Sequence[str]
    state: object


class ContactChanges:
    """What happened to contacts."""

    name = "contacts"
    kinds: Mapping[str, Any] = KINDS

    def settled(self) -> int | None:
        return settled_change()

    def last(self) -> int:
        return last_change()

    def read(self, *, after: int, upto: int) -> Reading:
        end = min(upto, after + WINDOW)
        rows = _fetch(_READ, {"after": after, "upto": end})
        if len(rows) == ROWS:
            end = rows[-1].id
        return Reading(_tell(rows), end)

    def find(self, places: Sequence[tuple[int, int]]) -> Sequence[Happening]:
        ids, numbers = (array_of(side) for side in zip(*places, strict=True))
        return _tell(_fetch(_FIND, (ids, numbers)))


def _fetch(sql: str, params: Any) -> list[Row]:
    with transaction.atomic():
        cursor = open_cursor()
        prefer_indexes(cursor)  # statistics may be older than an import
        cursor.execute(sql, params)
        rows = [Row(*row) for row in cursor.fetchall()]
        cursor.close()
    return rows


def _tell(rows: Sequence[Row]) -> list[Happening]:
    undone = [row.contact_id for row in rows if row.kind == ChangeKind.UNDONE]
    gone = set(undone).difference(Contact.objects.filter(pk__in=undone).values_list("pk", flat=True)) if undone else ()
    return [happening for row in rows if (happening := read_row(row, gone=gone)) is not None]


def read_row(row: Row, *, gone: Collection[int] = ()) -> Happening | None:
    """What an entry means; None where the same is said by another entry. ``gone`` are contacts that are no more."""
    details = row.details or {}
    if row.kind == ChangeKind.MERGED:  # both sides have an entry; the survivor's speaks
        told = {"merged_id": details["loser"]} if "loser" in details else None
        return None if told is None else _happening(row, "merged", told)
    if row.kind == ChangeKind.UNMERGED:
        told = {"unmerged_from": details.get("survivor")} if details.get("loser") == row.contact_id else {}
        return _happening(row, "restored" if told else "updated", told)
    if row.kind == ChangeKind.UNDONE:
        return _happening(row, _meaning_of_undo(row, gone), {"import_undone": details.get("import")})
    if row.kind == ChangeKind.TAKEN_BACK:
        return _happening(row, STATES.get(row.state, "updated"), {})
    return _happening(row, row.kind if row.kind in KINDS else "updated", {})


def _meaning_of_undo(row: Row, gone: Collection[int]) -> str:
    """Whoever came with an import that was taken back is gone without a trace; the others are as they were."""
    if row.contact_id in gone:
        return "erased"
    return STATES.get(row.state, "updated")


def _happening(row: Row, kind: str, details: Mapping[str, Any]) -> Happening:
    changed = frozenset(row.columns) if kind == "updated" else None
    return Happening(row.id, kind, row.contact_id, row.at, row.by, changed, details)
