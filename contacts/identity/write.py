"""Writes what a batch decided, set-based: a handful of statements for one record or a thousand.

The order matters: identifiers before contacts (a cookie's row is locked by its update), contacts before what hangs from
them (a tombstone's row is locked before its events move), merges before the journal, which names them (race 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import compress
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.db import connection

from contacts import populations
from contacts.identity.duplicates import OPEN_CASES
from contacts.identity.load import CONTACT_COLUMNS, array_of, text_array
from contacts.identity.moves import claim_events, keep_dropped, move_rows
from contacts.identity.traces import trace_case, trace_events, trace_rows
from contacts.identity.world import ACTIVE, ContactRow, Entry, World
from contacts.models import Contact
from contacts.records import Key

__all__ = [
    "Cause",
    "Copy",
    "Part",
    "Rendered",
    "Statement",
    "column_types",
    "render_copy",
    "render_rows",
    "render_world",
    "run_statements",
    "send_signals",
    "write_world",
]

INSERT_AT_MOST: Final = 8
"""Fewer rows than this are inserted with their values, more are copied."""

IDENTIFIER_COLUMNS: Final = ("kind", "app", "value", "contact_id", "source", "first_seen_at", "last_seen_at", "details")
CHANGE_COLUMNS: Final = (
    "contact_id", "at", "by", "kind", "matched_by", "import_id", "merge_id", "before", "after", "details",
)  # fmt: skip


class Part(NamedTuple):
    """One statement with its parameters."""

    sql: str
    params: Sequence[Any]


class Cause(NamedTuple):
    """Who writes, through which door, and as part of which import."""

    by: str
    source: str
    import_id: int | None = None


class Copy(NamedTuple):
    """Rows for COPY, as text."""

    sql: str
    data: bytes


Statement = Part | Copy


class Rendered(NamedTuple):
    """Everything that a world without merges writes: what comes first, and what names or follows it."""

    identifiers: list[Statement]
    contacts: list[Statement]


def write_world(cursor: psycopg.Cursor[Any], world: World, cause: Cause, *, together: bool) -> dict[int, int]:
    """Write every effect of ``world``; give the merges that were recorded, by loser.

    ``together``: a single record's statements travel as one, which spares round trips. A batch may take a value off one
    contact and give it to another, so that its statements keep their order.
    """
    if not world.merges and not world.claims:
        run_statements(cursor, render_world(world, cause), together=together and cause.import_id is None)
        return {}
    keep_dropped(cursor, world.merges)
    _run(cursor, [*_traces(world, cause), *render_rows(world, cause)])
    for number, contact_id in world.claims:
        trace_events(cursor, number, contact_id, import_id=cause.import_id, at=world.moment)
        claim_events(cursor, number, contact_id)
    merge_ids = {effect.loser_id: move_rows(cursor, effect, at=world.moment, by=cause.by) for effect in world.merges}
    _run(cursor, [*_case_parts(world, cause), *_change_statements(world, cause, merge_ids)])
    return merge_ids


def render_rows(world: World, cause: Cause) -> list[Statement]:
    """The statements that write identifiers and contacts, without what hangs from them."""
    return [*_identifier_statements(world, cause), *_contact_statements(world, cause)]


def render_world(world: World, cause: Cause) -> Rendered:
    """The statements of a world without merges and claims, which need no answer from the database on the way."""
    return Rendered(
        [*_traces(world, cause), *_identifier_statements(world, cause)],
        [*_contact_statements(world, cause), *_case_parts(world, cause), *_change_statements(world, cause, {})],
    )


def run_statements(cursor: psycopg.Cursor[Any], rendered: Rendered, *, together: bool = False) -> None:
    """Run what was rendered; ``together`` where it is a single record's."""
    for statements in rendered:
        parts = [statement for statement in statements if isinstance(statement, Part)]
        if together and parts and len(parts) == len(statements):
            _run_as_one(cursor, parts)
        else:
            _run(cursor, statements)


def _run(cursor: psycopg.Cursor[Any], statements: Iterable[Statement]) -> None:
    for statement in statements:
        if isinstance(statement, Part):
            cursor.execute(*statement)
        else:
            with cursor.copy(statement.sql) as copy:
                copy.write(statement.data)


def _run_as_one(cursor: psycopg.Cursor[Any], parts: Sequence[Part]) -> None:
    *first, last = parts
    chain = ", ".join(f"p{number} AS ({part.sql})" for number, part in enumerate(first))
    sql = f"WITH {chain} {last.sql}" if chain else last.sql
    cursor.execute(sql, [value for part in parts for value in part.params])


Rows = Sequence[Sequence[Any]]


def _rows_for(table: str, columns: Sequence[str], rows: Rows) -> Iterable[Statement]:
    """New rows of a table: a few with their values, more by COPY."""
    names = ", ".join(map(_quoted, columns))
    if not rows:
        return
    if len(rows) >= INSERT_AT_MOST:
        yield render_copy(table, dict(zip(columns, zip(*rows, strict=True), strict=True)))
        return
    values = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _ in rows)
    params = [_json(value) or "{}" if type(value) is dict else value for row in rows for value in row]
    yield Part(f"INSERT INTO {table} ({names}) VALUES {values}", params)


NULL: Final = "\\N"
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def render_copy(table: str, columns: Mapping[str, Sequence[Any]]) -> Copy:
    """Columns of new rows as COPY reads them: made by the column, several times faster than value by value."""
    texts = [_column_text(values) for values in columns.values()]
    data = "".join([line + "\n" for line in map("\t".join, zip(*texts, strict=True))])
    return Copy(f"COPY {table} ({', '.join(map(_quoted, columns))}) FROM STDIN", data.encode())


def _column_text(values: Sequence[Any]) -> Sequence[str]:
    if values[0] is values[-1] and values.count(values[0]) == len(values):
        return _column_text_of_one(values[0], len(values))
    kinds = set(map(type, values))
    if kinds == {str}:
        return _escaped(values)
    if kinds <= {int, float, bool}:
        return list(map(str, values))
    if kinds == {dict}:
        return _escaped([orjson.dumps(value).decode() for value in values])
    texts = [None if value is None else value if type(value) is str else _text_of(value) for value in values]
    escaped = iter(_escaped([text for text in texts if text is not None]))
    return [NULL if text is None else next(escaped) for text in texts]


def _column_text_of_one(value: Any, size: int) -> Sequence[str]:
    return [NULL if value is None else _escaped([value if type(value) is str else _text_of(value)])[0]] * size


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    together = "".join(texts)
    if any(special in together for special in "\\\t\n\r"):
        return [text.translate(_ESCAPES) for text in texts]
    return texts


def _text_of(value: Any) -> str:
    return orjson.dumps(value).decode() if type(value) is dict else str(value)


def _quoted(column: str) -> str:
    return f'"{column}"'


def _traces(world: World, cause: Cause) -> list[Part]:
    return [Part(sql, params) for sql, params in trace_rows(world, cause.import_id)]


# Identifiers


def _identifier_statements(world: World, cause: Cause) -> Iterable[Statement]:
    yield from _identifier_parts(world)
    if world.folded:
        yield _folded_identifiers(world, cause)
    yield from _rows_for("contacts_identifier", IDENTIFIER_COLUMNS, _new_identifiers(world, cause))


def _folded_identifiers(world: World, cause: Cause) -> Copy:
    """The identifiers of new contacts that nobody met."""
    pairs = [(key, new.id) for new in world.folded.values() for key in new.record.identifiers]
    size = len(pairs)
    return render_copy(
        "contacts_identifier",
        {
            "kind": [int(key[0]) for key, _ in pairs],
            "app": [key[1] for key, _ in pairs],
            "value": [key[2] for key, _ in pairs],
            "contact_id": [contact_id for _, contact_id in pairs],
            "source": [cause.source] * size,
            "first_seen_at": [world.moment] * size,
            "last_seen_at": [world.moment] * size,
        },
    )


def _identifier_parts(world: World) -> Iterable[Part]:
    moved, stays = [], []
    for key in world.attached:
        for contact_id, stored_at in world.owners[key].items():
            if stored_at is not None and stored_at != contact_id:
                moved.append((key, stored_at, contact_id))
    stays = [(key, contact_id) for key, contact_id in world.seen if world.owners[key].get(contact_id) == contact_id]
    if world.removed:
        yield Part(
            "DELETE FROM contacts_identifier i USING unnest(%s::smallint[], %s::text[], %s::text[], %s::bigint[])"
            " AS k (kind, app, value, contact_id) WHERE i.value = k.value AND i.kind = k.kind AND i.app = k.app"
            " AND i.contact_id = k.contact_id",
            [*_key_arrays(key for key, _ in world.removed), array_of(holder for _, holder in world.removed)],
        )
    unseen = [move for move in moved if move[0] in world.unseen] if world.unseen else []
    seen = [move for move in moved if move[0] not in world.unseen] if unseen else moved
    if seen:
        yield _move_identifiers(world, seen, at=world.moment)
    if unseen:
        yield _move_identifiers(world, unseen, at=None)
    if stays:
        yield Part(
            "UPDATE contacts_identifier i SET last_seen_at = greatest(i.last_seen_at, %s::timestamptz),"
            " details = coalesce(i.details || k.details::jsonb, k.details::jsonb, i.details)"
            " FROM unnest(%s::smallint[], %s::text[], %s::text[], %s::text[]) AS k (kind, app, value, details)"
            " WHERE i.value = k.value AND i.kind = k.kind AND i.app = k.app"
            " AND (i.last_seen_at <= %s::timestamptz OR k.details IS NOT NULL OR i.source = 'import')",
            [
                world.moment,
                *_key_arrays(key for key, _ in stays),
                [_json(world.details.get((key, contact_id))) for key, contact_id in stays],
                world.moment - world.seen_to,  # an undone import asks whether what it brought was used since
            ],
        )


def _move_identifiers(world: World, moved: Sequence[tuple[Key, int, int]], *, at: datetime | None) -> Part:
    """(key, giver, taker); a record that carried them saw them ``at`` that moment, a person did not."""
    return Part(
        "UPDATE contacts_identifier i SET contact_id = k.taker,"
        " last_seen_at = coalesce(%s::timestamptz, i.last_seen_at),"
        " details = coalesce(i.details || k.details::jsonb, k.details::jsonb, i.details)"
        " FROM unnest(%s::smallint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[])"
        " AS k (kind, app, value, giver, taker, details)"
        " WHERE i.value = k.value AND i.kind = k.kind AND i.app = k.app AND i.contact_id = k.giver",
        [
            at,
            *_key_arrays(key for key, _, _ in moved),
            array_of(giver for _, giver, _ in moved),
            array_of(taker for _, _, taker in moved),
            [_json(world.details.get((key, taker))) for key, _, taker in moved],
        ],
    )


def _new_identifiers(world: World, cause: Cause) -> Rows:
    moment = world.moment.isoformat()
    rows = []
    for key in world.attached:
        for contact_id, stored_at in world.owners[key].items():
            if stored_at is None:
                if world.origins and (origin := world.origins.get((key, contact_id))) is not None:
                    rows.append((int(key[0]), key[1], key[2], contact_id, *origin[:3], _json(origin.details)))
                    continue
                details = _json(world.details.get((key, contact_id))) if world.details else None
                rows.append((int(key[0]), key[1], key[2], contact_id, cause.source, moment, moment, details))
    return rows


def _key_arrays(keys: Iterable[Key]) -> tuple[str, str, str]:
    listed = list(keys)
    return (
        array_of(int(key[0]) for key in listed),
        text_array(key[1] for key in listed),
        text_array(key[2] for key in listed),
    )


# Contacts


_values_of: Final = itemgetter(*CONTACT_COLUMNS)


def _contact_statements(world: World, cause: Cause) -> Iterable[Statement]:
    yield from _contact_parts(world)
    if world.folded:
        yield _folded_contacts(world, cause)
    yield from _rows_for("contacts_contact", *_new_contacts(world))


def _folded_contacts(world: World, cause: Cause) -> Copy:
    """New contacts that nobody met, straight from their records."""
    news = list(world.folded.values())
    records = [new.record for new in news]
    moments = [world.moment] * len(news)
    columns: dict[str, Sequence[Any]] = {
        "id": [new.id for new in news],
        "external_id": [record.external_id for record in records],
        "email": [record.email for record in records],
        "email_state": [new.email and new.email[0] for new in news],
        "email_state_at": [new.email and world.moment for new in news],
        "email_state_reason": [new.email and new.email[1] for new in news],
        "phone": [record.phone for record in records],
        "phone_state": [new.phone and new.phone[0] for new in news],
        "phone_state_at": [new.phone and world.moment for new in news],
        "phone_state_reason": [new.phone and new.phone[1] for new in news],
        "attributes": [record.attributes for record in records],
        "identifier_kinds": [new.identifier_kinds for new in news],
        "made_deliberately": [world.deliberately] * len(news),
        "source": [cause.source] * len(news),
        "state": [ACTIVE] * len(news),
        "order_count": [0] * len(news),
        "created_at": moments,
        "updated_at": moments,
    }
    for name in {name for record in records for name in record.fields}:
        columns[name] = [record.fields.get(name) for record in records]
    return render_copy("contacts_contact", columns)


def _new_contacts(world: World) -> tuple[Sequence[str], Rows]:
    """The rows of new contacts, without the columns that none of them has."""
    rows = [_values_of(row.values) for row in world.changed.values() if row.is_new]
    used = [any(value is not None for value in column) for column in zip(*rows, strict=True)]
    if rows and not all(used):
        rows = [tuple(compress(row, used)) for row in rows]
    return list(compress(CONTACT_COLUMNS, used)), rows


def _contact_parts(world: World) -> Iterable[Part]:
    changed = [row for row in world.changed.values() if not row.is_new]
    if changed:
        yield _update_contacts(changed)


def _update_contacts(changed: Sequence[ContactRow]) -> Part:
    """One statement: every touched row gets every touched column, its own value where only others changed."""
    columns = sorted({column for row in changed for column in row.before})
    rows = [{"id": row.id, **{column: row[column] for column in columns}} for row in changed]
    types = column_types()
    record = ", ".join(f"{_quoted(column)} {types[column]}" for column in ("id", *columns))
    assignments = ", ".join(f"{_quoted(column)} = u.{_quoted(column)}" for column in columns)
    return Part(
        f"UPDATE contacts_contact c SET {assignments} FROM json_to_recordset(%s::text::json) AS u ({record})"
        " WHERE c.id = u.id",
        [orjson.dumps(rows).decode()],
    )


_types: dict[str, str] = {}


def column_types() -> dict[str, str]:
    """The types of a contact's columns, as the database names them."""
    if not _types:
        for field in Contact._meta.concrete_fields:
            _types[field.attname] = str(
                field.rel_db_type(connection) if field.is_relation or field.primary_key else field.db_type(connection)
            )
    return _types


# Cases and the journal


def _case_parts(world: World, cause: Cause) -> Iterable[Part]:
    cases = list(world.cases.values())
    if cases:
        upsert = Part(
            OPEN_CASES,
            [
                orjson.dumps(
                    [
                        {
                            "kind": int(case.key[0]),
                            "value": case.key[2],
                            "reason": case.reason,
                            "contact_ids": sorted(case.contact_ids),
                            "opened_at": world.moment,
                        }
                        for case in cases
                    ]
                ).decode()
            ],
        )
        yield Part(*trace_case(upsert, import_id=cause.import_id, at=world.moment))


def _change_statements(world: World, cause: Cause, merge_ids: dict[int, int]) -> Iterable[Statement]:
    if world.folded:
        news = world.folded.values()
        size = len(news)
        yield render_copy(
            "contacts_change",
            {
                "contact_id": [new.id for new in news],
                "at": [world.moment] * size,
                "by": [cause.by] * size,
                "kind": ["created"] * size,
                "matched_by": ["created"] * size,
                "import_id": [cause.import_id] * size,
                "after": [new.after for new in news],
                "details": ['{"rule":"L9"}'] * size,
            },
        )
    yield from _rows_for("contacts_change", *_new_changes(world, cause, merge_ids))


def _new_changes(world: World, cause: Cause, merge_ids: dict[int, int]) -> tuple[Sequence[str], Rows]:
    moment = world.moment.isoformat()
    rows = [
        (
            entry.contact_id,
            moment,
            cause.by,
            entry.kind,
            entry.matched_by,
            cause.import_id,
            _merge_of(entry, merge_ids),
            _json(entry.before),
            _json(entry.after),
            _json(entry.details),
        )
        for entry in world.entries
        if not entry.is_empty
    ]
    return CHANGE_COLUMNS, rows


def _merge_of(entry: Entry, merge_ids: dict[int, int]) -> int | None:
    if entry.kind == "unmerged":
        return int(entry.details["merge"])
    if not merge_ids:
        return None
    return merge_ids.get(entry.details.get("loser", entry.contact_id))


def _json(value: Any) -> str | None:
    return orjson.dumps(value).decode() if value else None


def send_signals(world: World) -> None:
    """Tell the other rooms, inside the transaction, which contacts changed and which were merged."""
    for effect in world.merges:
        populations.contacts_merged.send(sender=None, survivor_id=effect.survivor_id, loser_id=effect.loser_id)
    changed = [row.id for row in world.changed.values() if row.is_new or "updated_at" in row.before]
    changed += world.folded
    known = set(changed)
    in_cases = {contact_id for case in world.cases.values() for contact_id in case.contact_ids} - known
    known |= in_cases
    seen = {*world.changed, *(holder for _, holder in world.seen if holder in world.rows)} - known
    for what, contact_ids in (("contact", changed), ("case", sorted(in_cases)), ("seen", sorted(seen))):
        if contact_ids:
            populations.contacts_changed.send(sender=None, contact_ids=contact_ids, at=world.moment, what=what)
