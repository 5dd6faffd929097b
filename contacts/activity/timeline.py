"""What is known of a contact, newest first: events, orders and changes in one list, page by page."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from contacts.activity.errors import InvalidPosition

__all__ = ["KINDS", "TimelineEntry", "TimelinePage", "timeline"]

KINDS: Final = ("event", "order", "change")
"""In this order where they happened at the same moment, the last first."""
LARGEST_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened: ``kind`` event, order or change, and its ``title``: type, number, or what changed.

    ``contact_id`` is the contact it stands at: a change that was made to a merged contact stays there. ``data`` of a
    change that a file brought has its ``import``: id, file name, who started it and when.
    """

    at: datetime
    kind: str
    id: int
    contact_id: int
    title: str
    data: dict[str, Any]

    @property
    def position(self) -> str:
        """Where this entry stands, to go on after it (``before=``)."""
        return f"{self.at.isoformat()}/{self.kind}/{self.id}"


class TimelinePage(NamedTuple):
    """Entries, newest first, and the position to go on from; None at the end."""

    entries: list[TimelineEntry]
    next: str | None


class _Position(NamedTuple):
    """Newest first; of one moment by kind, then by id."""

    at: datetime
    rank: int
    id: int


class _Source(NamedTuple):
    """A table that tells of contacts: ``sql`` lacks its condition on the position, and the limit."""

    at: str
    sql: str


_SOURCES: Final = {
    "event": _Source(
        "e.occurred_at",
        """
        SELECT e.occurred_at, e.id, e.contact_id, t.key, jsonb_build_object('key', e.key, 'params', e.params,
            'source', e.source, 'type_name', t.name) AS data
        FROM contacts_event e JOIN contacts_eventtype t ON t.id = e.type_id WHERE e.contact_id = %(contact)s
        """,
    ),
    "order": _Source(
        "e.ordered_at",
        """
        SELECT e.ordered_at, e.id, e.contact_id, e.external_order_id, jsonb_build_object('status', e.status,
            'total_cost', e.total_cost::text, 'currency', e.currency, 'items', e.items, 'details', e.details,
            'source', e.source) AS data
        FROM contacts_order e WHERE e.contact_id = %(contact)s
        """,
    ),
    "change": _Source(
        "e.at",
        """
        SELECT e.at, e.id, e.contact_id, e.kind, jsonb_build_object('by', e.by, 'matched_by', e.matched_by,
            'import_id', e.import_id, 'merge_id', e.merge_id, 'before', e.before, 'after', e.after,
            'details', e.details, 'import', CASE WHEN i.id IS NOT NULL THEN jsonb_build_object('id', i.id,
            'file_name', i.file_name, 'by', i.by, 'started_at', i.started_at) END) AS data
        FROM contacts_change e LEFT JOIN contacts_import i ON i.id = e.import_id
        WHERE e.contact_id = ANY(%(family)s)
        """,
    ),
}


def timeline(
    contact_id: int, *, before: str | None = None, limit: int = 50, kinds: Collection[str] | None = None
) -> TimelinePage:
    """A page of what happened to a contact, or under a visitor's number, newest first.

    ``before`` is the position that the page before gave; ``kinds`` some of ``KINDS``, all unless given. What was
    changed on contacts that were merged into this one is part of it. Raises ``InvalidPosition``.
    """
    position = _parse(before) if before else None
    limit = max(1, min(limit, LARGEST_PAGE))
    wanted = [kind for kind in KINDS if kinds is None or kind in kinds]
    parameters = {"contact": contact_id, "family": _family_of(contact_id) if "change" in wanted else [contact_id]}
    found = [entry for kind in wanted for entry in _read(kind, position, limit + 1, parameters)]
    found.sort(key=_position_of, reverse=True)
    entries = found[:limit]
    return TimelinePage(entries, entries[-1].position if len(found) > limit else None)


def _read(kind: str, position: _Position | None, limit: int, parameters: dict[str, Any]) -> Iterable[TimelineEntry]:
    source = _SOURCES[kind]
    condition, values = _condition(kind, position)
    sql = f"{source.sql} {condition} ORDER BY {source.at} DESC, e.id DESC LIMIT %(limit)s"
    with connection.cursor() as cursor:
        cursor.execute(sql, {**parameters, **values, "limit": limit})
        rows = cursor.fetchall()
    return [TimelineEntry(at, kind, row_id, owner, title, _data(data)) for at, row_id, owner, title, data in rows]


def _condition(kind: str, position: _Position | None) -> tuple[str, dict[str, Any]]:
    """Entries after the position; the plain comparison lets the database leave out whole months."""
    if position is None:
        return "", {}
    at = _SOURCES[kind].at
    rank = KINDS.index(kind)
    values = {"at": position.at, "id": position.id}
    if rank < position.rank:
        return f"AND {at} <= %(at)s", values
    if rank > position.rank:
        return f"AND {at} < %(at)s", values
    return f"AND {at} <= %(at)s AND ({at}, e.id) < (%(at)s, %(id)s)", values


def _position_of(entry: TimelineEntry) -> _Position:
    return _Position(entry.at, KINDS.index(entry.kind), entry.id)


def _parse(position: str) -> _Position:
    at, _, rest = position.partition("/")
    kind, _, row_id = rest.partition("/")
    try:
        moment = datetime.fromisoformat(at)
        parsed = _Position(moment, KINDS.index(kind), int(row_id))
    except ValueError as error:
        raise InvalidPosition(position=position) from error
    if moment.tzinfo is None or not 0 <= parsed.id < 2**63:
        raise InvalidPosition(position=position)
    return parsed


def _family_of(contact_id: int) -> list[int]:
    """The contact and the tombstones that name it: a tombstone always names the last survivor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM contacts_contact WHERE merged_into_id = %s", [contact_id])
        return [contact_id, *(row[0] for row in cursor.fetchall())]


def _data(data: Any) -> dict[str, Any]:
    """A raw cursor gives jsonb as text."""
    return dict(json.loads(data)) if isinstance(data, str) else dict(data)
