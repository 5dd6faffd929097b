"""Takes back everything that one import wrote, from its end to its beginning, a slice a transaction.

A slice is a thousand rows of the journal or a few more, whole batches of the import; every slice is the inverse of what
those batches did, on what they left. The gate is closed meanwhile, as for any large batch. What somebody changed since
is kept and told. A contact that the import made and nobody touched since goes as if it had never been: of its journal
nothing stays but that it went.

1. Read the slice, and whatever it concerns. 2. Walk back through it in memory (``revert``). 3. Write, as every verb
does. 4. Put back what stands beside the journal (``traces``). 5. Remove whom the import made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction

from contacts import populations
from contacts.identity import load
from contacts.identity.duplicates import forget_in_cases
from contacts.identity.errors import MergeRefused, UndoLaterMergeFirst
from contacts.identity.frame import Frame, retried
from contacts.identity.merge import RecordedMerge, read_merges, take_back_merge, values_of_merge
from contacts.identity.revert import CHANNEL_PARTS, IDENTIFIERS, PARTS, Because, ImportChange, Known, Reverting
from contacts.identity.settings import current_settings
from contacts.identity.traces import CaseTrace, put_back_cases, put_back_times, return_events
from contacts.identity.world import ACTIVE, IDENTITY_COLUMNS, PRIMARY_COLUMNS, ContactRow, World, primary_key_of
from contacts.identity.write import Cause, send_signals, write_world
from contacts.keys import Kind
from contacts.models import ChangeKind, ImportStatus
from contacts.records import Key

__all__ = ["Because", "Extent", "Kept", "TakenBack", "find_extent", "take_back_slice"]

SLICE: Final = 1_000
"""Rows of the journal a transaction."""
TRACES: Final = 5_000
"""Rows beside the journal a transaction."""
WINDOW: Final = 2 * SLICE
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)

_PREFER_INDEXES: Final = "SET LOCAL enable_seqscan = off"
"""Everything here is named by its id; statistics that are older than the import suggest otherwise."""
_SUMMARIZE: Final = "SELECT brin_summarize_new_values('change_import')"
_EXTENT: Final = """
SELECT coalesce(min(id), 0), coalesce(max(id), -1), count(*), min(at), max(at) FROM contacts_change WHERE import_id = %s
"""
_PLACES: Final = """
SELECT id, at FROM contacts_change WHERE import_id = %s AND id >= %s AND id < %s ORDER BY id DESC
"""
# Whoever was created goes as a whole, so that nobody asks with which values.
_CHANGES: Final = """
SELECT id, contact_id, at, kind, merge_id, before, CASE WHEN kind <> 'created' THEN after END, details
FROM contacts_change
WHERE import_id = %s AND id >= %s AND id < %s ORDER BY id DESC
"""
_TRACES: Final = """
SELECT at, contact_id, other_id, kind, row FROM contacts_importtrace WHERE import_id = %s AND at >= %s
ORDER BY at DESC, id DESC LIMIT %s
"""
_TRACES_AT: Final = """
SELECT at, contact_id, other_id, kind, row FROM contacts_importtrace WHERE import_id = %s AND at >= %s
ORDER BY at DESC, id DESC
"""
_MADE: Final = """
SELECT DISTINCT contact_id FROM contacts_change
WHERE contact_id = ANY(%s::bigint[]) AND import_id = %s AND kind = 'created'
"""
# Another import that was taken back itself has changed nothing in the end, and neither have undos. Order and limit keep
# the plan to the table's own key.
_SINCE: Final = f"""
SELECT c.contact_id, c.id, c.before, c.after, c.kind
FROM unnest(%s::bigint[], %s::bigint[]) AS u (contact_id, since) CROSS JOIN LATERAL (
    SELECT * FROM contacts_change WHERE contact_id = u.contact_id AND id > u.since
    ORDER BY contact_id, id LIMIT 10000
) c
WHERE c.import_id IS DISTINCT FROM %s AND NOT coalesce(c.details ? 'import', false)
AND (c.import_id IS NULL OR c.import_id NOT IN (SELECT id FROM contacts_import WHERE status = '{ImportStatus.UNDONE}'))
"""
_USED: Final = """
SELECT contact_id, received_at, source = 'import' AND key = %(event)s FROM contacts_event
WHERE contact_id = ANY(%(ids)s::bigint[])
UNION ALL SELECT contact_id, updated_at, false FROM contacts_order WHERE contact_id = ANY(%(ids)s::bigint[])
UNION ALL SELECT contact_id, at, false FROM contacts_consent WHERE contact_id = ANY(%(ids)s::bigint[])
"""
_HELD: Final = """
SELECT kind, app, value, contact_id, first_seen_at, last_seen_at FROM contacts_identifier
WHERE contact_id = ANY(%s::bigint[])
"""
_DROPPED: Final = """
SELECT contact_id, identifiers -> 'dropped' FROM contacts_merge
WHERE contact_id = ANY(%s::bigint[]) AND undone_at IS NULL AND at >= %s AND by <> %s
"""
_REMOVE_EVENTS: Final = """
DELETE FROM contacts_event WHERE contact_id = ANY(%(ids)s::bigint[]) AND source = 'import' AND key = %(event)s
"""
_REMOVE: Final = (
    "DELETE FROM contacts_contact WHERE id = ANY(%(ids)s::bigint[])",
    "DELETE FROM contacts_change WHERE contact_id = ANY(%(ids)s::bigint[])",
    "DELETE FROM contacts_merge WHERE contact_id = ANY(%(ids)s::bigint[])",
    "DELETE FROM contacts_mergemove WHERE contact_id = ANY(%(ids)s::bigint[])",
    """INSERT INTO contacts_change (contact_id, at, by, kind, matched_by, details)
    SELECT unnest(%(ids)s::bigint[]), %(at)s, %(by)s, 'undone', '', jsonb_build_object('import', %(import)s::bigint)""",
)


class Extent(NamedTuple):
    """Where in the journal an import stands, how many rows it has there, and when it wrote the first and the last."""

    first: int
    last: int
    total: int
    began_at: datetime
    ended_at: datetime


class Kept(NamedTuple):
    """What of a contact was left alone, and why."""

    contact_id: int
    columns: tuple[str, ...]
    because: Because


@dataclass
class TakenBack:
    """One slice: all that the import journaled from ``mark`` on is taken back now.

    ``counts`` are by what the import had done: contacts created (gone now), updated, restored (deleted again), deleted
    (restored), and merges.
    """

    mark: int
    changes: int
    counts: Counter[str] = field(default_factory=Counter)
    kept: list[Kept] = field(default_factory=list)


Within = Callable[[TakenBack], None]


def find_extent(import_id: int) -> Extent:
    """What of the journal, and beside it, is an import's. It has ended."""
    with closing(load.open_cursor()) as cursor:
        cursor.execute(_SUMMARIZE)
        cursor.execute(_EXTENT, (import_id,))
        first, last, total, began_at, ended_at = cursor.fetchall()[0]
        cursor.execute("SELECT min(at), max(at) FROM contacts_importtrace WHERE import_id = %s", (import_id,))
        moments = [began_at, ended_at, *cursor.fetchall()[0]]
    known = [moment for moment in moments if moment is not None] or [datetime.now(UTC)]
    return Extent(first, last, total, min(known), max(known))


def take_back_slice(
    import_id: int, extent: Extent, *, mark: int | None, by: str, within: Within | None = None
) -> TakenBack | None:
    """Take back the last changes of an import before ``mark`` (None: from its end); None where nothing is left.

    ``within`` is called with what was done inside the transaction.
    """

    def run() -> TakenBack | None:
        with transaction.atomic(), closing(load.open_cursor()) as cursor:
            load.lock_values(cursor, (), everything=True)
            cursor.execute(_PREFER_INDEXES)
            changes, traces, since = _read_slice(cursor, import_id, extent, extent.last + 1 if mark is None else mark)
            if not changes and not traces:
                return None
            undo = _Slice(cursor, import_id, extent, by=by, changes=changes, traces=traces, since=since)
            taken = undo.take_back()
            taken.mark = changes[-1].id if changes else mark if mark is not None else extent.last + 1
            if within is not None:
                within(taken)
        return taken

    return retried(run)


# 1. Reading


class Trace(NamedTuple):
    """One row beside the journal."""

    at: datetime
    contact_id: int
    other_id: int | None
    kind: str
    row: dict[str, Any]

    @property
    def key(self) -> Key:
        return self.row["kind"], self.row["app"], self.row["value"]


def _read_slice(
    cursor: psycopg.Cursor[Any], import_id: int, extent: Extent, mark: int
) -> tuple[list[ImportChange], list[Trace], datetime]:
    """The last changes before ``mark`` and what belongs to them, both whole batches of the import; and their start."""
    changes = _read_changes(cursor, import_id, extent, mark)
    since = changes[-1].at if changes else BEGINNING
    cursor.execute(_TRACES, (import_id, since, TRACES + 1))
    traces = [Trace(*row) for row in cursor.fetchall()]
    if len(traces) > TRACES:
        since = traces[-1].at
        cursor.execute(_TRACES_AT, (import_id, since))
        traces = [Trace(*row) for row in cursor.fetchall()]
        changes = [change for change in changes if change.at >= since]
    return changes, traces, since


def _read_changes(cursor: psycopg.Cursor[Any], import_id: int, extent: Extent, mark: int) -> list[ImportChange]:
    """By windows of ids, which the index answers by block ranges; a batch's rows have the same moment."""
    places: list[tuple[int, datetime]] = []
    start, window = mark, WINDOW
    while start > extent.first and not _has_whole_batches(places):
        end, start = start, max(extent.first, start - window)
        cursor.execute(_PLACES, (import_id, start, end), binary=True)
        places += cursor.fetchall()
        window *= 2
    if not places:
        return []
    if _has_whole_batches(places):
        moment = places[SLICE - 1][1]
        places = places[: next(number for number in range(SLICE, len(places)) if places[number][1] != moment)]
    cursor.execute(_CHANGES, (import_id, places[-1][0], places[0][0] + 1), binary=True)
    return [ImportChange(*row) for row in cursor.fetchall()]


def _has_whole_batches(places: Sequence[tuple[int, datetime]]) -> bool:
    return len(places) > SLICE and places[-1][1] != places[SLICE - 1][1]


# 2. to 5.


class _Slice:
    """One slice on its way."""

    def __init__(
        self,
        cursor: psycopg.Cursor[Any],
        import_id: int,
        extent: Extent,
        *,
        by: str,
        changes: Sequence[ImportChange],
        traces: Sequence[Trace],
        since: datetime,
    ) -> None:
        self.cursor = cursor
        self.import_id = import_id
        self.extent = extent
        self.changes = changes
        self.traces = traces
        self.since = since
        self.world = World(moment=datetime.now(UTC), new_ids=iter(()))
        self.frame = Frame(cursor, self.world, Cause(by, ""), self.world.moment)
        self.known = Known(until=extent.ended_at)
        self.identifier_traces = [trace for trace in traces if trace.kind == "identifier"]
        merge_ids = {change.merge_id for change in changes if change.kind == ChangeKind.MERGED and change.merge_id}
        self.merges = read_merges(cursor, merge_ids) if merge_ids else {}
        self.columns = self.columns_to_load()
        self.has_events = False

    def take_back(self) -> TakenBack:
        self.load_rows()
        self.learn_who_was_made()
        self.learn_since()
        self.load_identifiers()
        walked = Reverting(self.world, self.known)
        counts: Counter[str] = Counter()
        for change in self.changes:
            if change.kind == ChangeKind.MERGED:
                counts["merged"] += self.unmerge(change, walked)
            else:
                walked.revert(change)
        walked.return_cookies()
        gone = self.gone()
        for contact_id in gone:
            walked.let_go(self.world.rows[contact_id])
        counts["updated"] += self.finish_entries(gone)
        write_world(self.cursor, self.world, self.frame.cause, together=False)
        send_signals(self.world)
        self.put_back_traces(walked)
        self.remove(gone)
        counts.update(created=len(gone), restored=len(walked.deleted), deleted=len(walked.restored))
        kept = [Kept(pk, tuple(sorted(columns)), why) for (pk, why), columns in sorted(walked.kept.items())]
        return TakenBack(0, len(self.changes), counts, kept)

    # Loading

    def columns_to_load(self) -> Sequence[str]:
        if self.merges:
            return load.CONTACT_COLUMNS
        named = {column for change in self.changes for column in change.after or ()} - {IDENTIFIERS}
        wanted = {*IDENTITY_COLUMNS, "created_at", "source", "last_seen_at", "deleted_at"}
        for column in named:
            wanted.add("attributes" if column.startswith("fields.") else column)
            wanted.update(CHANNEL_PARTS.get(column, ()))
        return sorted(wanted)

    def load_rows(self) -> None:
        """Everybody concerned. Facts are recorded on locked contacts, so whoever may go or be merged is (race 3)."""
        ids = {change.contact_id for change in self.changes}
        ids.update(taker for change in self.changes if (taker := _taker_of(change)) is not None)
        for merge in self.merges.values():
            ids.update((merge.survivor_id, merge.loser_id))
        locked = any(change.kind != ChangeKind.UPDATED for change in self.changes)
        load.load_rows(self.cursor, self.world, ids, columns=self.columns, lock=locked)

    def learn_who_was_made(self) -> None:
        made = {change.contact_id for change in self.changes if change.kind == ChangeKind.CREATED}
        perhaps = [row.id for row in self.world.rows.values() if self.may_be_made(row) and row.id not in made]
        if perhaps:
            self.cursor.execute(_MADE, (load.array_of(perhaps), self.import_id))
            made.update(row[0] for row in self.cursor.fetchall())
        self.known.made = made

    def may_be_made(self, row: ContactRow) -> bool:
        return bool(row["source"] == "import" and row["created_at"] >= self.extent.began_at)

    def learn_since(self) -> None:
        """What others did to these contacts since, and which of those that the import made nobody touched."""
        known, rows = self.known, self.world.rows
        since: dict[int, int] = {}
        for change in self.changes:
            since[change.contact_id] = change.id
        since.update(dict.fromkeys(known.made, self.extent.first - 1))
        self.cursor.execute(_SINCE, (load.array_of(since), load.array_of(since.values()), self.import_id))
        for contact_id, change_id, before, after, kind in self.cursor.fetchall():
            columns = {column for side in (before, after) for column in side or () if column not in PARTS}
            known.since.setdefault(contact_id, []).append((change_id, columns or {kind}))
        came = {pk: rows[pk]["created_at"] for pk in known.made if pk in rows}
        came.update({c.contact_id: c.at for c in self.changes if c.kind == ChangeKind.RESTORED})
        if not came:
            return
        known.used = self.used_since(came)
        known.doomed = {
            pk
            for pk in known.made & rows.keys()
            if rows[pk].values["state"] == ACTIVE and pk not in known.since and pk not in known.used
        }

    def used_since(self, came: dict[int, datetime]) -> set[int]:
        """Who has activity, consents or a place in a group since it came, or was seen after the import."""
        rows, ids = self.world.rows, load.array_of(came)
        self.cursor.execute(_USED, {"ids": ids, "event": f"import:{self.import_id}"})
        used = set()
        for contact_id, at, is_own in self.cursor.fetchall():
            self.has_events = self.has_events or is_own
            if at >= came[contact_id] and not is_own:
                used.add(contact_id)
        used |= populations.current().grouped(sorted(self.known.made & came.keys()))
        seen = ((pk, rows[pk]["last_seen_at"]) for pk in came if pk in rows)
        return used | {pk for pk, last_seen in seen if last_seen is not None and last_seen > self.extent.ended_at}

    def load_identifiers(self) -> None:
        """All identifiers of whoever gives or takes one, with their times, and the owners of those that come back."""
        world, known = self.world, self.known
        known.key_columns = {
            column for column, described in current_settings().schema.columns.items() if described.may_be_key
        }
        holders = self.holders()
        self.cursor.execute(_HELD, (load.array_of(holders),), binary=True)
        world.held.update({contact_id: set() for contact_id in holders})
        for kind, app, value, contact_id, first_seen, last_seen in self.cursor.fetchall():
            key = (kind, app, value)
            world.held[contact_id].add(key)
            known.first_seen[key, contact_id], known.last_seen[key, contact_id] = first_seen, last_seen
        self.learn_traces()
        load.find(self.cursor, world, self.keys_to_find())
        owners = {owner for owners in world.owners.values() for owner in owners} - world.rows.keys()
        load.load_rows(self.cursor, world, owners, columns=self.columns, lock=False)
        if holders:
            self.cursor.execute(_DROPPED, (load.array_of(holders), self.extent.began_at, f"import:{self.import_id}"))
            for contact_id, dropped in self.cursor.fetchall():
                keys = {(kind, app, value) for kind, app, value in dropped}
                known.dropped.setdefault(contact_id, set()).update(keys)

    def holders(self) -> set[int]:
        found = set(self.known.made) & self.world.rows.keys()
        for merge in self.merges.values():
            found.update((merge.survivor_id, merge.loser_id))
        for change in self.changes:
            if any(
                self.concerns_identifiers(column) for side in (change.before, change.after) for column in side or ()
            ):
                found.add(change.contact_id)
            if (taker := _taker_of(change)) is not None:
                found.update((change.contact_id, taker))
        return found & self.world.rows.keys()

    def concerns_identifiers(self, column: str) -> bool:
        return (
            column in PRIMARY_COLUMNS.values() or column in self.known.key_columns or column in (IDENTIFIERS, "state")
        )

    def learn_traces(self) -> None:
        rows, known = self.world.rows, self.known
        for trace in self.identifier_traces:
            known.traced.add((trace.key, trace.contact_id))
            taker = trace.other_id
            if taker is None or trace.key[0] != Kind.COOKIE:
                continue
            if taker == trace.contact_id:
                if taker in known.made and taker in rows and trace.at <= rows[taker]["created_at"]:
                    known.visitors[trace.key, taker] = taker
            elif trace.contact_id not in rows:
                known.visitors[trace.key, taker] = trace.contact_id

    def keys_to_find(self) -> set[Key]:
        """What may be attached again or change hands, and the addresses of whoever comes back to life."""
        world = self.world
        keys: set[Key] = set()
        living: set[int] = set()
        for change in self.changes:
            keys.update(change.keys_that_went)
            for kind, column in PRIMARY_COLUMNS.items():
                for side in (change.before, change.after):
                    value = (side or {}).get(column)
                    if value is not None:
                        keys.add(primary_key_of(kind, value))
            if "state" in (change.after or ()):
                living.add(change.contact_id)
        keys.update(trace.key for trace in self.identifier_traces if trace.contact_id in world.held)
        for merge in self.merges.values():
            keys |= values_of_merge(merge, world.rows[merge.loser_id]) if merge.loser_id in world.rows else set()
            living.update((merge.survivor_id, merge.loser_id))
        for contact_id in living:
            keys.update(key for key in world.held.get(contact_id, ()) if key[0] in (Kind.EMAIL, Kind.PHONE))
        return keys

    # Walking

    def unmerge(self, change: ImportChange, walked: Reverting) -> int:
        """Both sides say the same in the journal; the first of them that is met takes the merge back."""
        contact = self.world.rows.get(change.contact_id)
        merge = self.merges.pop(change.merge_id, None) if change.merge_id is not None else None
        if contact is not None and contact.id not in self.known.made:
            walked.say_changed(contact, change)
        if merge is None:
            return 0
        return self.take_back_merge(merge, walked)

    def take_back_merge(self, merge: RecordedMerge, walked: Reverting) -> int:
        try:
            report = take_back_merge(self.frame, merge)
        except UndoLaterMergeFirst:
            walked.kept.setdefault((merge.survivor_id, Because.MERGED), set())
            return 0
        except MergeRefused:
            return 0  # one of the two was erased
        if report.left:
            because = walked.kept.setdefault((merge.survivor_id, Because.CHANGED), set())
            because.update(left.what for left in report.left)
        return 1

    def gone(self) -> list[int]:
        """Whom the import made in this slice, and nobody touched since."""
        made = {change.contact_id for change in self.changes if change.kind == ChangeKind.CREATED}
        return sorted(made & self.known.doomed)

    def finish_entries(self, gone: Collection[int]) -> int:
        """Every entry says which import it takes back; whoever goes needs none. Gives how many contacts changed."""
        world, left = self.world, set(gone)
        entries = []
        for entry in world.entries:
            if entry.contact_id in left or not (entry.before or entry.after or entry.details):
                continue
            if entry.kind != ChangeKind.UNMERGED:
                entry.kind = ChangeKind.UNDONE
            entry.details["import"] = self.import_id
            entries.append(entry)
        world.entries = entries
        for contact_id in left:
            world.changed.pop(contact_id, None)
        return len({entry.contact_id for entry in entries if entry.kind == ChangeKind.UNDONE})

    # Beside the journal

    def put_back_traces(self, walked: Reverting) -> None:
        traces = self.traces
        for trace in traces:
            if trace.kind == "events" and trace.other_id and (trace.contact_id, trace.other_id) in walked.returned:
                return_events(self.cursor, number=trace.other_id, contact_id=trace.contact_id, ids=trace.row["ids"])
        if any(trace.kind in ("identifier", "contact") for trace in traces):
            moments = {trace.at for trace in traces} | {self.world.moment}
            put_back_times(self.cursor, import_id=self.import_id, since=self.since, moments=moments)
        cases = [
            CaseTrace(trace.row["id"], trace.at, trace.row["before"], trace.row["after"])
            for trace in traces
            if trace.kind == "case"
        ]
        put_back_cases(self.cursor, cases, gone=self.known.doomed)
        if traces:
            self.cursor.execute(
                "DELETE FROM contacts_importtrace WHERE import_id = %s AND at >= %s", (self.import_id, self.since)
            )

    def remove(self, gone: Collection[int]) -> None:
        """As before the import: no contact, no journal but the fact, nothing that hangs from it."""
        if not gone:
            return
        values = {
            "ids": load.array_of(gone),
            "event": f"import:{self.import_id}",
            "import": self.import_id,
            "at": self.world.moment,
            "by": self.frame.cause.by,
        }
        for sql in (*_REMOVE, _REMOVE_EVENTS) if self.has_events else _REMOVE:
            self.cursor.execute(sql, values)
        forget_in_cases(self.cursor, gone)
        populations.contacts_changed.send(sender=None, contact_ids=list(gone), at=self.world.moment)


def _taker_of(change: ImportChange) -> int | None:
    """To whom an identifier of this contact migrated (T5)."""
    return (change.details or {}).get("migrated_to")
