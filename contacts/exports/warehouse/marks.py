"""Marks: contacts to which something happened that the journal does not tell, for as long as a warehouse needs them.

That an order was written or taken back, and that somebody was seen. A mark is written in the transaction of what
happened, by whoever listens to the signal, and only while there is a table at some target: one statement a batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from contacts.models import ExportTable, JournalPosition

__all__ = ["TOLD", "forget_marks", "last_mark_forgotten", "mark_contacts"]

TOLD: Final = frozenset({"order", "seen"})
READER: Final = "warehouse marks forgotten"
KEPT: Final = timedelta(hours=1)
"""A table that is about to be filled has its position before it is kept: nothing as new as that is forgotten."""

_MARK: Final = """
INSERT INTO contacts_exportmark (contact_ids, what, at)
SELECT %s::bigint[], %s, %s WHERE EXISTS (SELECT FROM contacts_exporttable)
"""
_FORGET: Final = """
WITH gone AS (DELETE FROM contacts_exportmark WHERE id <= %s AND at < %s RETURNING id) SELECT max(id) FROM gone
"""


def mark_contacts(*, contact_ids: Iterable[int], what: str = "contact", **_told: Any) -> None:
    """Listens to ``contacts_changed``; the sender holds the gate, so that marks are settled when the journal is."""
    if what in TOLD:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [list(contact_ids), what, datetime.now(UTC)])


def forget_marks() -> None:
    """Those that every table of an active target has read; one that slept longer needs a full run."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FORGET, [_read_by_all(), datetime.now(UTC) - KEPT])
        (last,) = cursor.fetchone()
        if last is not None:
            JournalPosition.objects.update_or_create(reader=READER, defaults={"number": last})


def last_mark_forgotten() -> int:
    """The greatest number of a mark that is not known any more."""
    return JournalPosition.objects.filter(reader=READER).values_list("number", flat=True).first() or 0


def _read_by_all() -> int:
    positions = ExportTable.objects.filter(target__is_active=True).values_list("position", "filling")
    read = [
        int(position["marks"])
        for kept, filling in positions
        for position in (kept, filling.get("position", {}))
        if "marks" in position
    ]
    return min(read, default=2**63 - 1)
