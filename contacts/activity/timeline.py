"""What is known of a contact, newest first: events, visits, orders and changes in one list, page by page."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from django.db import connection

from contacts.activity.errors import InvalidPosition

__all__ = ["KINDS", "TimelineEntry", "TimelinePage", "position_moment", "timeline"]

KINDS: Final = ("event", "visit", "order", "edit", "import", "merge")
TABLES: Final = ("event", "order", "change")
"""In this order where they happened at the same moment, the last first."""
LARGEST_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened: its ``kind``, and its ``title``: the type of an event, an order's number, what changed.

    ``table`` is event, order or change, and ``id`` the row's there. The kind order has the orders and the events of
    their statuses. ``contact_id`` is the contact it stands at: a change that was made to a merged contact stays there.
    ``data`` of a change that a file brought has its ``import``: id, file name, who started it and when.
    """

    at: datetime
    kind: str
    table: str
    id: int
    contact_id: int
    title: str
    data: dict[str, Any]

    @property
    def position(self) -> str:
        """Where this entry stands, to go on after it (``before=``)."""
        return f"{self.at.isoformat()}/{self.table}/{self.id}"


class TimelinePage(NamedTuple):
    """Entries, newest first, and the position to go on from; None at the end."""

    entries: list[TimelineEntry]
    next: str | None


class _Position(NamedTuple):
    """Newest first; of one moment by table, then by id."""

    at: datetime
    rank: int
    id: int


class _Source(NamedTuple):
    """A table that tells of contacts. ``kind`` says of a row which of ``kinds`` it is; ``whose`` finds a contact's.

    The rows of a page are found first; ``title`` and ``data`` are made, and ``joins`` followed, of no others. ``only``
    are conditions for one kind each, where there are better ones than what ``kind`` comes to.
    """

    kinds: frozenset[str]
    kind: str
    at: str
    rows: str
    whose: str
    title: str
    data: str
    joins: str = ""
    only: Mapping[str, str] = MappingProxyType({})
    is_partitioned: bool = False


_OWN: Final = "e.contact_id = %(contact)s"
_SOURCES: Final = {
    "event": _Source(
        frozenset({"event", "visit", "order"}),
        kind="CASE e.source WHEN 'web' THEN 'visit' WHEN 'order' THEN 'order' ELSE 'event' END",
        at="e.occurred_at",
        rows="contacts_event",
        whose=_OWN,
        title="t.key",
        data="'key', e.key, 'params', e.params, 'source', e.source, 'type_name', t.name",
        joins="JOIN contacts_eventtype t ON t.id = e.type_id",
        only=MappingProxyType(
            {
                "visit": "e.source = 'web'",
                "order": "e.source = 'order'",
                "event": "e.source NOT IN ('web', 'order')",
            }
        ),
        is_partitioned=True,
    ),
    "order": _Source(
        frozenset({"order"}),
        kind="'order'",
        at="e.ordered_at",
        rows="contacts_order",
        whose=_OWN,
        title="e.external_order_id",
        data="""'status', e.status, 'total_cost', e.total_cost::text, 'currency', e.currency, 'items', e.items,
            'details', e.details, 'source', e.source""",
    ),
    "change": _Source(
        frozenset({"edit", "import", "merge"}),
        kind="""CASE WHEN e.kind IN ('merged', 'unmerged', 'migrated') THEN 'merge'
            WHEN e.import_id IS NOT NULL OR e.kind = 'undone' THEN 'import' ELSE 'edit' END""",
        at="e.at",
        rows="contacts_change",
        whose="e.contact_id = ANY(%(family)s)",
        title="e.kind",
        data="""'by', e.by, 'matched_by', e.matched_by, 'import_id', e.import_id, 'merge_id', e.merge_id,
            'before', e.before, 'after', e.after, 'details', e.details, 'import', CASE WHEN i.id IS NOT NULL THEN
            jsonb_build_object('id', i.id, 'file_name', i.file_name, 'by', i.by, 'started_at', i.started_at) END""",
        joins="LEFT JOIN contacts_import i ON i.id = e.import_id",
    ),
}


# The months are read from the newest row on, each by its index, and no further than the page goes. Statistics do not
# know of a contact with very many events: without this the planner would read and sort all of them.
_IN_ORDER: Final = "SET LOCAL enable_sort = off; {}; SET LOCAL enable_sort TO DEFAULT"


def timeline(
    contact_id: int,
    *,
    before: str | None = None,
    limit: int = 50,
    kinds: Collection[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TimelinePage:
    """A page of what happened to a contact, or under a visitor's number, newest first.

    ``before`` is the position that the page before gave; ``kinds`` some of ``KINDS``, all unless given; the period is
    from ``since`` on and before ``until``. What was changed on contacts that were merged into this one is part of it.
    Raises ``InvalidPosition``.
    """
    position = _parse(before) if before else None
    limit = max(1, min(limit, LARGEST_PAGE))
    wanted = frozenset(KINDS) if kinds is None else frozenset(kinds)
    tables = [table for table in TABLES if _SOURCES[table].kinds & wanted]
    values: dict[str, Any] = {
        "contact": contact_id,
        "family": _family_of(contact_id) if "change" in tables else [contact_id],
        "kinds": sorted(wanted),
        "since": since,
        "until": until,
        "limit": limit + 1,
    }
    found = [entry for table in tables for entry in _read(table, position, wanted, values)]
    found.sort(key=_position_of, reverse=True)
    entries = found[:limit]
    return TimelinePage(entries, entries[-1].position if len(found) > limit else None)


def _read(
    table: str, position: _Position | None, wanted: frozenset[str], values: dict[str, Any]
) -> Iterable[TimelineEntry]:
    source = _SOURCES[table]
    conditions = [source.whose, *_conditions(source, wanted, values), *_after(table, position)]
    order = f"ORDER BY {source.at} DESC, e.id DESC"
    sql = f"""
        SELECT {source.at}, {source.kind}, e.id, e.contact_id, {source.title}, jsonb_build_object({source.data})
        FROM (SELECT * FROM {source.rows} e WHERE {" AND ".join(conditions)} {order} LIMIT %(limit)s) e
        {source.joins} {order}
    """
    place: dict[str, Any] = {"at": position.at, "id": position.id} if position else {}
    with connection.cursor() as cursor:
        cursor.execute(_IN_ORDER.format(sql) if source.is_partitioned else sql, {**values, **place})
        if source.is_partitioned:
            cursor.nextset()
        rows = cursor.fetchall()
    return [
        TimelineEntry(at, kind, table, row_id, owner, title, _data(data))
        for at, kind, row_id, owner, title, data in rows
    ]


def _conditions(source: _Source, wanted: frozenset[str], values: dict[str, Any]) -> Iterable[str]:
    """Of kind and period; a period lets the database leave out whole months of events."""
    if not source.kinds <= wanted:
        asked = [source.only[kind] for kind in sorted(source.kinds & wanted) if kind in source.only]
        yield f"({' OR '.join(asked)})" if asked else f"({source.kind}) = ANY(%(kinds)s)"
    if values["since"] is not None:
        yield f"{source.at} >= %(since)s"
    if values["until"] is not None:
        yield f"{source.at} < %(until)s"


def _after(table: str, position: _Position | None) -> Iterable[str]:
    """Entries after the position; the plain comparison lets the database leave out whole months."""
    if position is None:
        return
    at, rank = _SOURCES[table].at, TABLES.index(table)
    yield f"{at} < %(at)s" if rank > position.rank else f"{at} <= %(at)s"
    if rank == position.rank:
        yield f"({at}, e.id) < (%(at)s, %(id)s)"


def _position_of(entry: TimelineEntry) -> _Position:
    return _Position(entry.at, TABLES.index(entry.table), entry.id)


def position_moment(position: str) -> datetime:
    """When that happened after which a page goes on; raises ``InvalidPosition``."""
    return _parse(position).at


def _parse(position: str) -> _Position:
    at, _, rest = position.partition("/")
    table, _, row_id = rest.partition("/")
    try:
        moment = datetime.fromisoformat(at)
        parsed = _Position(moment, TABLES.index(table), int(row_id))
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
