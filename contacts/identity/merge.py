"""Merging two contacts by choice, and taking any merge back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg

from contacts.identity import load
from contacts.identity.absorb import EMPTY, LOSER, SURVIVOR, absorb, primary_of
from contacts.identity.decide import clear_in, custom_key, open_shared_cases
from contacts.identity.errors import ContactNotFound, MergeRefused, UndoLaterMergeFirst
from contacts.identity.frame import Frame, open_frame, retried
from contacts.identity.moves import return_rows
from contacts.identity.settings import current_settings
from contacts.identity.world import (
    ACTIVE,
    CHANNEL_COLUMNS,
    DELETED,
    ERASED,
    MERGED,
    PRIMARY_COLUMNS,
    ContactRow,
    MergeEffect,
    Origin,
    World,
    primary_key_of,
)
from contacts.keys import SHARED_KINDS, Kind
from contacts.normalize import custom_key_value
from contacts.records import Key
from crm.errors import CardfileError

__all__ = [
    "ChangedMeanwhile",
    "LeftBehind",
    "MergeRehearsal",
    "RecordedMerge",
    "UndoReport",
    "merge_contacts",
    "read_merges",
    "rehearse_merge",
    "take_back_merge",
    "undo_merge",
    "values_of_merge",
]

BY_PERSON: Final = "person"
SUPPRESSED_FROM: Final = 3
"""Channel states from this one on belong to the address itself (T12)."""


class ChangedMeanwhile(CardfileError):
    """One of the two was changed since you compared them. Look at the values and merge again."""

    code = "changed_meanwhile"


class LeftBehind(NamedTuple):
    """One thing that an undone merge could not put back, and why."""

    what: str
    value: str
    why: str


@dataclass
class UndoReport:
    """What taking a merge back did."""

    merge_id: int
    survivor_id: int
    loser_id: int
    left: list[LeftBehind] = field(default_factory=list)


def merge_contacts(
    survivor_id: int,
    loser_id: int,
    *,
    by: str,
    choices: Mapping[str, str] | None = None,
    seen: Mapping[int, datetime] | None = None,
    at: datetime | None = None,
) -> int:
    """Merge ``loser_id`` into ``survivor_id``; gives the id of the merge, by which it can be undone.

    ``choices`` says by column key what a person picked: ``survivor``, ``loser``, or ``empty`` for a field that shall
    have no value; identifiers cannot be emptied, all of them stay. ``seen`` is when each of the two had been updated
    last when they were compared. Ids of merged contacts mean their survivors. Raises ``ContactNotFound`` (unknown,
    erased), ``MergeRefused`` (into itself, into a deleted one, a choice that cannot be), ``ChangedMeanwhile``.
    """

    def run() -> int:
        with open_frame([survivor_id, loser_id], by=by, at=at) as frame:
            effect = _absorb_named(frame.world, survivor_id, loser_id, choices, seen)
        return frame.merge_ids[effect.loser_id]

    return retried(run)


@dataclass(frozen=True, slots=True)
class MergeRehearsal:
    """What a merge would do: who would survive, and of what would change on it how it is and how it would be.

    ``identifiers`` would move, ``dropped`` are those that both have. ``values`` are the survivor's columns then.
    """

    survivor_id: int
    loser_id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    identifiers: tuple[Key, ...] = ()
    dropped: tuple[Key, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


class _Rehearsed(Exception):
    """The decision is known; nothing of it shall be written."""


def rehearse_merge(
    survivor_id: int,
    loser_id: int,
    *,
    by: str,
    choices: Mapping[str, str] | None = None,
    seen: Mapping[int, datetime] | None = None,
) -> MergeRehearsal:
    """What ``merge_contacts`` would do, with nothing written; raises what it would raise."""

    def run() -> MergeRehearsal:
        try:
            with open_frame([survivor_id, loser_id], by=by) as frame:
                rehearsal = _rehearse(frame.world, _absorb_named(frame.world, survivor_id, loser_id, choices, seen))
                raise _Rehearsed
        except _Rehearsed:
            return rehearsal

    return retried(run)


def _rehearse(world: World, effect: MergeEffect) -> MergeRehearsal:
    survivor = world.rows[effect.survivor_id]
    (entry,) = world.record_entries(survivor)
    return MergeRehearsal(
        effect.survivor_id,
        effect.loser_id,
        entry.before,
        entry.after,
        tuple(effect.identifiers),
        tuple(effect.dropped),
        dict(survivor.values),
    )


def _absorb_named(
    world: World,
    survivor_id: int,
    loser_id: int,
    choices: Mapping[str, str] | None,
    seen: Mapping[int, datetime] | None,
) -> MergeEffect:
    survivor, loser = _named(world, survivor_id), _named(world, loser_id)
    if survivor.id == loser.id:
        raise MergeRefused("These two are one contact already.", contact_id=survivor.id)
    if survivor.values["state"] == DELETED:
        raise MergeRefused("The surviving contact is deleted. Restore it first.", contact_id=survivor.id)
    for contact_id, updated_at in (seen or {}).items():
        contact = world.contact(contact_id)
        if contact is None or contact.values["updated_at"] != updated_at:
            raise ChangedMeanwhile(contact_id=contact_id)
    _check_choices(choices or {})
    world.unseen |= world.keys_held_by(loser)
    world.begin()
    world.say_matched_by("id")
    return absorb(world, survivor, loser, rule=BY_PERSON, choices=choices)


def _check_choices(choices: Mapping[str, str]) -> None:
    """A side there is, and no emptying of what identifies: whatever found one of the two shall find both."""
    columns = current_settings().schema.columns
    for column, side in choices.items():
        if side not in (SURVIVOR, LOSER, EMPTY):
            raise MergeRefused("Choose one of the two values, or none.", path=column)
        described = columns.get(column)
        if side == EMPTY and (described is None or described.may_be_key or not described.write):
            raise MergeRefused("This field identifies the contact, so it keeps a value.", path=column)


def _named(world: World, contact_id: int) -> ContactRow:
    contact = world.follow(contact_id)
    if contact is None or contact.values["state"] == ERASED:
        raise ContactNotFound(contact_id=contact_id)
    return contact


class RecordedMerge(NamedTuple):
    """A merge as it was recorded."""

    id: int
    survivor_id: int
    loser_id: int
    filled: dict[str, list[Any]]
    moved: list[Key]
    dropped: list[Key]


def undo_merge(merge_id: int, *, by: str, at: datetime | None = None) -> UndoReport:
    """Restore the loser of a merge and take back what came from it.

    What changed since stays with the survivor and is reported, and so is a unique value that somebody else got since.
    Raises ``ContactNotFound``, ``MergeRefused`` (undone already, erased), ``UndoLaterMergeFirst``.
    """

    def run() -> UndoReport:
        record = _read_merge(merge_id)
        values = {*record.moved, *record.dropped}
        with open_frame([record.survivor_id, record.loser_id], by=by, at=at, values=values) as frame:
            _, loser = _parties(frame, record)
            load.find(frame.cursor, frame.world, values_of_merge(record, loser))
            load.load_rows(frame.cursor, frame.world, _owners(frame.world), lock=True)
            return take_back_merge(frame, record)

    return retried(run)


def take_back_merge(frame: Frame, record: RecordedMerge) -> UndoReport:
    """``undo_merge`` within an open frame.

    It has both contacts, all their identifiers, the owners of ``values_of_merge`` and of both contacts' addresses.
    """
    report = UndoReport(record.id, record.survivor_id, record.loser_id)
    survivor, loser = _parties(frame, record)
    frame.world.begin()
    _give_back(frame, record, survivor, loser, report)
    return report


def values_of_merge(record: RecordedMerge, loser: ContactRow) -> set[Key]:
    """The values whose owners must be known to take a merge back."""
    return {*record.moved, *record.dropped, *_primary_keys(loser)}


def _read_merge(merge_id: int) -> RecordedMerge:
    cursor = load.open_cursor()
    found = read_merges(cursor, [merge_id])
    cursor.execute("SELECT undone_at FROM contacts_merge WHERE id = %s", (merge_id,))
    row = cursor.fetchone()
    cursor.close()
    if row is None:
        raise ContactNotFound("There is no such merge.", merge_id=merge_id)
    if row[0] is not None or merge_id not in found:
        raise MergeRefused("This merge was undone already.", merge_id=merge_id)
    return found[merge_id]


def read_merges(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> dict[int, RecordedMerge]:
    """Those of these merges that still stand."""
    cursor.execute(
        "SELECT id, contact_id, loser_id, filled, identifiers FROM contacts_merge"
        " WHERE id = ANY(%s::bigint[]) AND undone_at IS NULL",
        (load.array_of(ids),),
    )
    found = {}
    for merge_id, survivor_id, loser_id, filled, identifiers in cursor.fetchall():
        sides = [[(kind, app, value) for kind, app, value in identifiers[side]] for side in ("moved", "dropped")]
        found[merge_id] = RecordedMerge(merge_id, survivor_id, loser_id, filled, *sides)
    return found


def _parties(frame: Frame, record: RecordedMerge) -> tuple[ContactRow, ContactRow]:
    """Both contacts, once it is sure under the locks that the merge still stands."""
    frame.cursor.execute("SELECT undone_at FROM contacts_merge WHERE id = %s FOR UPDATE", (record.id,))
    row = frame.cursor.fetchone()
    survivor, loser = (frame.world.contact(pk) for pk in (record.survivor_id, record.loser_id))
    if row is None or row[0] is not None:
        raise MergeRefused("This merge was undone already.", merge_id=record.id)
    if survivor is None or loser is None or ERASED in (survivor.values["state"], loser.values["state"]):
        raise MergeRefused("One of the two was erased; nothing of it can come back.", merge_id=record.id)
    if survivor.values["state"] == MERGED:
        raise UndoLaterMergeFirst(merge_id=record.id, survivor_id=survivor.values["merged_into_id"])
    return survivor, loser


def _primary_keys(contact: ContactRow) -> list[Key]:
    return [
        primary_key_of(kind, contact.values[column])
        for kind, column in PRIMARY_COLUMNS.items()
        if contact.values[column] is not None
    ]


def _owners(world: World) -> set[int]:
    return {owner for owners in world.owners.values() for owner in owners}


def _give_back(
    frame: Frame, record: RecordedMerge, survivor: ContactRow, loser: ContactRow, report: UndoReport
) -> None:
    world = frame.world
    for contact in (survivor, loser):
        world.entry_of(contact, "unmerged").details.update(
            {"merge": record.id, "survivor": survivor.id, "loser": loser.id}
        )
    # 1. The loser lives again, as it was: active, or deleted.
    loser_state = ACTIVE if loser.values["deleted_at"] is None else DELETED
    world.set_state(loser, loser_state, merged_into_id=None)
    # 2. Values that the merge filled and nobody changed since go back to what they were.
    _unfill(world, record, survivor, report)
    # 3. Identifiers, by what became of them since. What a later merge brought too stays on its account.
    later = _brought_later(frame, record)
    for key in record.moved:
        if key[0] == Kind.ORDER and not world.owners_of(key):
            continue  # the order was taken back since
        if key in later and survivor.id in world.owners_of(key):
            _share_identifier(world, key, loser, report)
        else:
            _return_identifier(world, key, survivor, loser, report)
    world.unseen.update(record.moved)
    world.origins.update(_read_origins(frame, record, loser))
    for key in record.dropped:
        world.attach(loser, key)
    world.count_kinds(loser)  # the tombstone kept the mask it had, whatever comes back
    reopened = _reopen_cases(frame, record)
    gone_back = [key for key in record.moved if survivor.id not in world.owners_of(key)]
    _return_cases(frame, gone_back, survivor, loser, but=reopened)
    # 4. Primary values that did not come back, or whose address changed its state since.
    _settle_primaries(world, loser, report)
    _settle_primaries(world, survivor, report)
    _settle_custom_keys(world, survivor, record)
    # 5. Events, orders, consents, memberships, tombstones.
    _return_moves(frame, record, report)
    _count_orders(frame, survivor, loser)
    for contact in (survivor, loser):
        if contact.values["state"] == ACTIVE:
            open_shared_cases(world, contact)
    _mark_undone(frame, record, report)


def _unfill(world: World, record: RecordedMerge, survivor: ContactRow, report: UndoReport) -> None:
    for column, (before, after) in record.filled.items():
        if column == "order_count":
            continue
        if column.startswith("fields."):
            key = column.removeprefix("fields.")
            if survivor["attributes"].get(key) == after:
                world.set_attribute(survivor, key, before)
                continue
        elif _stored(survivor[column]) == after:
            world.set_value(survivor, column, _loaded(column, before))
            continue
        told = before if after is None else after
        report.left.append(LeftBehind(column, str(told), "It was changed since."))


def _stored(value: Any) -> Any:
    """A value as the record of the merge holds it."""
    return orjson.loads(orjson.dumps(value))


def _loaded(column: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and column.endswith("_at") else value


def _return_identifier(world: World, key: Key, survivor: ContactRow, loser: ContactRow, report: UndoReport) -> None:
    kind = Kind(key[0])
    owners = world.owners_of(key)
    if survivor.id in owners and _stands_on(survivor, key):
        # It became the survivor's own since: shared values are had by both, a unique one stays.
        if kind in SHARED_KINDS:
            world.attach(loser, key)
        else:
            report.left.append(LeftBehind(kind.slug, key[2], "It is the survivor's own by now."))
    elif survivor.id in owners:
        world.move(key, survivor, loser)
    elif not owners or kind in SHARED_KINDS:
        if loser.id not in owners:
            world.attach(loser, key)
    else:
        report.left.append(LeftBehind(kind.slug, key[2], f"Contact {next(iter(owners))} has it by now."))


def _share_identifier(world: World, key: Key, loser: ContactRow, report: UndoReport) -> None:
    """Another merge that stands brought the same value: the survivor keeps it, and the loser has it where it may."""
    if key[0] in SHARED_KINDS:
        world.attach(loser, key)
    else:
        report.left.append(LeftBehind(Kind(key[0]).slug, key[2], "A later merge brought it to the survivor."))


def _brought_later(frame: Frame, record: RecordedMerge) -> set[Key]:
    """What later merges into the same survivor brought, or would have; from now on they are said to have brought it."""
    frame.cursor.execute(
        "SELECT id, identifiers FROM contacts_merge WHERE contact_id = %s AND id > %s AND undone_at IS NULL"
        " ORDER BY id",
        (record.survivor_id, record.id),
    )
    found: set[Key] = set()
    mine = {*record.moved}
    for merge_id, identifiers in frame.cursor.fetchall():
        moved, dropped = (
            {(kind, app, value) for kind, app, value in identifiers[side]} for side in ("moved", "dropped")
        )
        if taken_on := (dropped & mine) - found:
            sides = {"moved": sorted(moved | taken_on), "dropped": sorted(dropped - taken_on)}
            frame.cursor.execute(
                "UPDATE contacts_merge SET identifiers = %s::jsonb WHERE id = %s",
                (orjson.dumps(sides).decode(), merge_id),
            )
        found |= moved | dropped
    return found


def _read_origins(frame: Frame, record: RecordedMerge, loser: ContactRow) -> Iterator[tuple[tuple[Key, int], Origin]]:
    """Where the identifiers came from that both had, and when they were seen."""
    for row in _read_kept(frame, record, "contacts_identifier"):
        key = (row["kind"], row["app"], row["value"])
        yield (key, loser.id), Origin(row["source"], row["first_seen_at"], row["last_seen_at"], row["details"])


def _read_kept(frame: Frame, record: RecordedMerge, table: str) -> list[dict[str, Any]]:
    """The rows of a table that the merge kept whole."""
    frame.cursor.execute(
        'SELECT dropped FROM contacts_mergemove WHERE contact_id = %s AND merge_id = %s AND "table" = %s',
        (record.survivor_id, record.id, table),
    )
    return [row for (dropped,) in frame.cursor.fetchall() for row in dropped]


def _reopen_cases(frame: Frame, record: RecordedMerge) -> list[int]:
    """Cases by another reason than a shared value, as they were before the merge, where nobody touched them since.

    What shares a value is found by the identifiers that go back; of these nothing else would tell. Gives their ids.
    """
    kept = _read_kept(frame, record, "contacts_duplicatecase")
    if not kept:
        return []
    frame.cursor.execute(_REOPEN_CASES, (orjson.dumps(kept).decode(),))
    return [row[0] for row in frame.cursor.fetchall()]


_REOPEN_CASES: Final = """
UPDATE contacts_duplicatecase c
SET contact_ids = k.contact_ids, status = k.status, closed_at = k.closed_at, closed_by = k.closed_by
FROM json_to_recordset(%s::text::json)
AS k (id bigint, contact_ids bigint[], after bigint[], status text, became text, closed_at timestamptz, closed_by text)
WHERE c.id = k.id AND c.contact_ids = k.after AND c.status = k.became RETURNING c.id
"""


def _return_cases(
    frame: Frame, keys: Sequence[Key], survivor: ContactRow, loser: ContactRow, *, but: Sequence[int]
) -> None:
    """In the cases of values that went back, the loser stands again where the survivor stood for it (T13)."""
    frame.cursor.execute(
        "UPDATE contacts_duplicatecase c SET contact_ids ="
        " ARRAY(SELECT DISTINCT CASE WHEN i = %s THEN %s ELSE i END FROM unnest(c.contact_ids) i ORDER BY 1)"
        " FROM unnest(%s::smallint[], %s::text[]) AS k (kind, value)"
        " WHERE c.kind = k.kind AND c.value = k.value AND %s = ANY(c.contact_ids) AND c.id <> ALL(%s::bigint[])",
        (
            survivor.id,
            loser.id,
            load.array_of(key[0] for key in keys),
            load.text_array(key[2] for key in keys),
            survivor.id,
            load.array_of(but),
        ),
    )


def _stands_on(contact: ContactRow, key: Key) -> bool:
    """Whether a value stands in its field on the contact, so that it is no further one."""
    kind, app = Kind(key[0]), key[1]
    if kind == Kind.CUSTOM:
        value = contact[app] if app == "contact_key" else contact["attributes"].get(app)
        return value is not None and custom_key(app, value) == key
    column = PRIMARY_COLUMNS.get(kind)
    value = contact.values[column] if column is not None else None
    return value is not None and primary_key_of(kind, value) == key


def _settle_primaries(world: World, contact: ContactRow, report: UndoReport) -> None:
    """A primary value that the contact does not hold gives way to a further one; channel states follow the address."""
    held = world.keys_held_by(contact)
    for kind, column in PRIMARY_COLUMNS.items():
        value = contact.values[column]
        if value is None or primary_key_of(kind, value) not in held:
            world.set_value(contact, column, primary_of(held, kind))
        if column in CHANNEL_COLUMNS:
            _settle_state(world, contact, kind, column)


def _settle_custom_keys(world: World, contact: ContactRow, record: RecordedMerge) -> None:
    """A custom key that an earlier merge had brought, and that went back with it, does not return as a mere value."""
    held, schema = world.keys_held_by(contact), current_settings().schema
    for column in record.filled:
        described = schema.columns.get(column)
        if described is None or not described.may_be_key or column in PRIMARY_COLUMNS.values():
            continue
        app = column.removeprefix("fields.")
        value = contact["attributes"].get(app) if column.startswith("fields.") else contact[column]
        if value is None or schema.is_junk(custom_key_value(value)) or custom_key(app, value) in held:
            continue
        clear_in(world, contact, column)


def _settle_state(world: World, contact: ContactRow, kind: Kind, column: str) -> None:
    value, name = contact.values[column], CHANNEL_COLUMNS[column]
    state, reason = contact[name], contact[f"{name}_reason"]
    if value is None:
        state, reason = None, None
    elif (suppressed := world.suppressed.get(primary_key_of(kind, value))) is not None:
        state, reason = suppressed
    elif state is None or state >= SUPPRESSED_FROM:
        state, reason = ACTIVE, None
    if contact[name] != state:
        world.set_value(contact, name, state)
        world.set_value(contact, f"{name}_at", world.moment if state else None)
        world.set_value(contact, f"{name}_reason", reason)


def _return_moves(frame: Frame, record: RecordedMerge, report: UndoReport) -> None:
    frame.cursor.execute(
        'SELECT "table", row_ids, dropped FROM contacts_mergemove WHERE contact_id = %s AND merge_id = %s ORDER BY id',
        (record.survivor_id, record.id),
    )
    for table, row_ids, dropped in frame.cursor.fetchall():
        left = return_rows(
            frame.cursor,
            table=table,
            survivor_id=record.survivor_id,
            loser_id=record.loser_id,
            row_ids=row_ids,
            dropped=dropped,
        )
        report.left += [LeftBehind(table, what, "It is gone or went elsewhere.") for what in left]


def _count_orders(frame: Frame, *contacts: ContactRow) -> None:
    frame.cursor.execute(
        "SELECT contact_id, count(*) FROM contacts_order WHERE contact_id = ANY(%s::bigint[]) GROUP BY 1",
        (load.array_of(contact.id for contact in contacts),),
    )
    counts = dict(frame.cursor.fetchall())
    for contact in contacts:
        frame.world.set_value(contact, "order_count", counts.get(contact.id, 0))


def _mark_undone(frame: Frame, record: RecordedMerge, report: UndoReport) -> None:
    if report.left:
        details = [left._asdict() for left in report.left]
        frame.world.entry_of(frame.world.rows[record.survivor_id]).details["left"] = details
    cursor: psycopg.Cursor[Any] = frame.cursor
    cursor.execute(
        "UPDATE contacts_merge SET undone_at = %s, undone_by = %s WHERE id = %s",
        (frame.moment, frame.cause.by, record.id),
    )
