"""What plain records write: the rows of new contacts in COPY's binary format, and updates of plain fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final

import orjson

from contacts.identity.plain import Plain, Update, matched_by
from contacts.identity.world import ACTIVE
from contacts.identity.write import Cause, Copy, Part, Rendered, Statement, column_types
from contacts.sheaf import (
    CHANGE_COLUMNS,
    CONTACT_COLUMNS,
    HAS_EMAIL,
    HAS_PHONE,
    IDENTIFIER_COLUMNS,
    Sheaf,
    bigint_field,
    integer_field,
    json_field,
    null_field,
    smallint_field,
    text_field,
)

__all__ = ["render_plain"]

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

_COUNT: Final = Struct(">h").pack
_LENGTH: Final = Struct(">i").pack
STATE_ACTIVE: Final = 1

CONTACT_TAIL: Final = (
    "email_state", "email_state_at", "phone_state", "phone_state_at", "state", "made_deliberately", "order_count",
    "source", "created_at", "updated_at",
)  # fmt: skip
IDENTIFIER_TAIL: Final = ("contact_id", "source", "first_seen_at", "last_seen_at")
CREATED_TAIL: Final = ("at", "by", "kind", "matched_by", "import_id", "details")
UPDATED_COLUMNS: Final = (
    "contact_id", "before", "after", "matched_by", "details", "at", "by", "kind", "import_id",
)  # fmt: skip


def render_plain(sheaf: Sheaf, plain: Plain, cause: Cause, moment: datetime) -> Rendered:
    """The statements that write the plain rows: identifiers first, then contacts and the journal."""
    identifiers: list[Statement] = []
    others: list[Statement] = []
    if plain.created:
        identifiers.append(_new_identifiers(sheaf, plain, cause, moment))
        others += [_new_contacts(sheaf, plain, cause, moment), _created_changes(sheaf, plain, cause, moment)]
    if plain.updated:
        others += [_update_fields(plain.updated, moment), _updated_changes(sheaf, plain, cause, moment)]
    return Rendered(identifiers, others)


def _copy(table: str, columns: Iterable[str], *parts: Sequence[bytes]) -> Copy:
    """Rows of binary parts, laid side by side."""
    names = ", ".join(f'"{column}"' for column in columns)
    chunks = [b""] * (len(parts) * len(parts[0]))
    for place, part in enumerate(parts):
        chunks[place :: len(parts)] = part
    data = b"".join([HEADER, *chunks, TRAILER])
    return Copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)", data)


def _moment_field(moment: datetime) -> bytes:
    return bigint_field((moment - EPOCH) // timedelta(microseconds=1))


def _new_contacts(sheaf: Sheaf, plain: Plain, cause: Cause, moment: datetime) -> Copy:
    columns = (*CONTACT_COLUMNS, *CONTACT_TAIL)
    contacts, traits = sheaf.new.contacts, sheaf.traits
    tails = {bits: _contact_tail(bits, cause, moment) for bits in range(HAS_EMAIL + HAS_PHONE + 1)}
    head = _COUNT(len(columns))
    return _copy(
        "contacts_contact",
        columns,
        [head + bigint_field(contact_id) for contact_id in plain.created_ids],
        [contacts[row] for row in plain.created],
        [tails[traits[row] & (HAS_EMAIL | HAS_PHONE)] for row in plain.created],
    )


def _contact_tail(bits: int, cause: Cause, moment: datetime) -> bytes:
    null, at = null_field(), _moment_field(moment)
    confirmed = smallint_field(STATE_ACTIVE) + at
    return b"".join([
        confirmed if bits & HAS_EMAIL else null * 2,
        confirmed if bits & HAS_PHONE else null * 2,
        smallint_field(ACTIVE),
        _LENGTH(1) + (b"\1" if cause.source == "import" else b"\0"),
        integer_field(0),
        text_field(cause.source),
        at * 2,
    ])  # fmt: skip


def _new_identifiers(sheaf: Sheaf, plain: Plain, cause: Cause, moment: datetime) -> Copy:
    columns = (*IDENTIFIER_COLUMNS, *IDENTIFIER_TAIL)
    rows, fragments = sheaf.new.key_rows, sheaf.new.identifiers
    tail = text_field(cause.source) + _moment_field(moment) * 2
    if len(plain.created) == len(sheaf):
        owners = [bigint_field(contact_id) + tail for contact_id in plain.created_ids]
        tails = [owners[row] for row in rows]
    else:
        of_row = {
            row: bigint_field(contact_id) + tail
            for row, contact_id in zip(plain.created, plain.created_ids, strict=True)
        }
        places = [place for place, row in enumerate(rows) if row in of_row]
        tails = [of_row[rows[place]] for place in places]
        fragments = [fragments[place] for place in places]
    return _copy("contacts_identifier", columns, [_COUNT(len(columns))] * len(fragments), fragments, tails)


def _created_changes(sheaf: Sheaf, plain: Plain, cause: Cause, moment: datetime) -> Copy:
    columns = (*CHANGE_COLUMNS, *CREATED_TAIL)
    changes = sheaf.new.changes
    head = _COUNT(len(columns))
    tail = b"".join([
        _moment_field(moment), text_field(cause.by), text_field("created"), text_field("created"),
        _import_field(cause), json_field({"rule": "L9"}),
    ])  # fmt: skip
    return _copy(
        "contacts_change",
        columns,
        [head + bigint_field(contact_id) for contact_id in plain.created_ids],
        [changes[row] for row in plain.created],
        [tail] * len(plain.created),
    )


def _update_fields(updates: Sequence[Update], moment: datetime) -> Part:
    """One statement; a plain record never clears, so that what it does not name stays."""
    rows = [
        {"id": update.contact_id, **update.fields}
        if update.attributes is None
        else {"id": update.contact_id, **update.fields, "attributes": update.attributes}
        for update in updates
    ]
    columns = sorted({column for row in rows for column in row} - {"id"})
    types = column_types()
    record = ", ".join(f'"{column}" {types[column]}' for column in ("id", *columns))
    assignments = ", ".join(f'"{column}" = coalesce(u."{column}", c."{column}")' for column in columns)
    return Part(
        f"UPDATE contacts_contact c SET {assignments}, updated_at = %s"
        f" FROM json_to_recordset(%s::text::json) AS u ({record}) WHERE c.id = u.id",
        [moment, orjson.dumps(rows).decode()],
    )


def _updated_changes(sheaf: Sheaf, plain: Plain, cause: Cause, moment: datetime) -> Copy:
    head = _COUNT(len(UPDATED_COLUMNS))
    tail = _moment_field(moment) + text_field(cause.by) + text_field("updated") + _import_field(cause)
    ways = {
        how: text_field(how[0]) + json_field({"rule": how[1]})
        for how in {matched_by(sheaf, update.row) for update in plain.updated}
    }
    return _copy(
        "contacts_change",
        UPDATED_COLUMNS,
        [head + bigint_field(update.contact_id) for update in plain.updated],
        [json_field(update.before) if update.before else null_field() for update in plain.updated],
        [json_field(update.after) for update in plain.updated],
        [ways[matched_by(sheaf, update.row)] + tail for update in plain.updated],
    )


def _import_field(cause: Cause) -> bytes:
    return null_field() if cause.import_id is None else bigint_field(cause.import_id)
