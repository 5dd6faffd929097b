"""Changes of long ago, forgotten by windows of the journal.

A change that is forgotten cannot be taken back; one that an import made stays until the whole import is old enough, and
one that a webhook or a warehouse has not been told of stays until it was. Up to which number anything was forgotten is
kept: whoever reads the journal from before that has missed something.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from contacts.identity import load
from contacts.identity.pieces import Note, Piece, Stopped, days_before, note_nowhere
from contacts.identity.settled import last_change
from contacts.models import ExportTable, Import, JournalPosition, Policy, Webhook
from crm.limits import stopped_after

__all__ = [
    "CHANGES",
    "IMPORT",
    "WEBHOOK",
    "OldChanges",
    "find_old_changes",
    "forget_old_changes",
    "journal_begins",
    "last_forgotten",
]

WINDOW: Final = 20_000
"""Numbers of the journal that are looked through at a time: its index leads to places, not to rows."""
CHANGES: Final = "contacts_change"
IMPORT, WEBHOOK = "import", "webhook"
"""Why an old change stays: the import that made it can be taken back, or a webhook or warehouse waits for it."""
FORGOTTEN: Final = "changes forgotten"
COUNTED: Final = 10_000

_OLD: Final = """
FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s AND at < %(before)s
AND (import_id IS NULL OR NOT import_id = ANY(%(kept)s::bigint[]))
"""
_KEPT: Final = """
SELECT count(*) FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s AND at < %(before)s
AND import_id = ANY(%(kept)s::bigint[])
"""
_NEWER: Final = (
    "SELECT EXISTS (SELECT FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s AND at >= %(before)s)"
)
_UNTOLD: Final = f"""
SELECT count(*) FROM (
    SELECT at FROM contacts_change WHERE id > %(told)s AND id <= %(upto)s ORDER BY id LIMIT {COUNTED}
) c WHERE c.at < %(before)s
"""


class OldChanges(NamedTuple):
    """How many changes would be forgotten; at least so many where it took too long."""

    total: int
    is_whole: bool


def journal_begins(*, at: datetime | None = None) -> datetime | None:
    """From when on the account keeps its changes; None: from the first one on."""
    days = Policy.objects.order_by("pk").values_list("journal_kept_days", flat=True).first()
    return None if days is None else days_before(at or datetime.now(UTC), days)


def find_old_changes(before: datetime, *, seconds: float) -> OldChanges:
    """The dry run: what ``forget_old_changes`` would forget of the time before that moment."""
    end, count = monotonic() + seconds, 0
    try:
        for window in _windows(before):
            with stopped_after(max(1, int((end - monotonic()) * 1_000)), Stopped):
                (found, has_newer) = (_ask(f"SELECT count(*) {_OLD}", window), _ask(_NEWER, window))
            count += found
            if has_newer:
                break
            if monotonic() > end:
                return OldChanges(count, is_whole=False)
    except Stopped:
        return OldChanges(count, is_whole=False)
    return OldChanges(count, is_whole=True)


def forget_old_changes(before: datetime, *, note: Note = note_nowhere) -> int:
    """Forget the changes from before that moment, a window a transaction; how many. It may be stopped at any time."""
    forgotten = 0
    for window in _windows(before):
        with transaction.atomic():
            gone = _forget(window)
            note(Piece({CHANGES: gone}, {IMPORT: _ask(_KEPT, window)}))
        forgotten += gone
        if _ask(_NEWER, window):
            break
    last = last_change()
    with transaction.atomic():
        note(Piece(left={WEBHOOK: _ask(_UNTOLD, {"told": _told_to_all(last), "upto": last, "before": before})}))
    return forgotten


def _forget(window: dict[str, Any]) -> int:
    cursor = load.open_cursor()
    cursor.execute(f"WITH gone AS (DELETE {_OLD} RETURNING id) SELECT count(*), max(id) FROM gone", window)
    gone, last = cursor.fetchone()  # type: ignore[misc]
    cursor.close()
    if last is not None:
        position, is_new = JournalPosition.objects.get_or_create(reader=FORGOTTEN, defaults={"number": last})
        if not is_new and position.number < last:
            JournalPosition.objects.filter(reader=FORGOTTEN).update(number=last)
    return int(gone)


def last_forgotten() -> int:
    """The greatest number of a change that was forgotten."""
    return JournalPosition.objects.filter(reader=FORGOTTEN).values_list("number", flat=True).first() or 0


def _windows(before: datetime) -> Iterator[dict[str, Any]]:
    """The journal from its beginning, up to what everybody was told of. It grows in the order of its numbers."""
    last = _told_to_all(last_change())
    kept = load.array_of(_imports_since(before))
    for after in range(0, last, WINDOW):
        yield {"after": after, "upto": min(after + WINDOW, last), "before": before, "kept": kept}


def _told_to_all(last: int) -> int:
    positions = Webhook.objects.filter(is_active=True).values_list("positions", flat=True)
    told = [int(position["contacts"]) for position in positions if "contacts" in position]
    return min([last, *told, *_read_by_warehouses()])


def _read_by_warehouses() -> list[int]:
    """A table that is being filled goes on from where the journal stood when that began."""
    tables = ExportTable.objects.filter(target__is_active=True).values_list("position", "filling")
    positions = [position for kept, filling in tables for position in (kept, filling.get("position") or {})]
    return [int(position["journal"]) for position in positions if "journal" in position]


def _imports_since(before: datetime) -> list[int]:
    """Imports that can be taken back as a whole yet: what they did first may be older."""
    since = Import.objects.filter(Q(finished_at__gte=before) | Q(finished_at=None, started_at__isnull=False))
    return list(since.values_list("pk", flat=True))


def _ask(sql: str, params: dict[str, Any]) -> Any:
    cursor = load.open_cursor()
    cursor.execute(sql, params)
    row = cursor.fetchone()
    cursor.close()
    return row[0] if row else None
