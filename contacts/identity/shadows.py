"""Shadows of the tables that resolution reads: what a dry run decides is written there, so that later batches see it.

In a database session of its own, temporary views stand before contacts and identifiers, by the same names: the real
rows, less those that were changed, and the changed and the new ones. Look-ups read them unknowingly; what a batch
decided is written, by the statements of ``contacts.identity.write``, into the temporary tables behind. Orders have a
table of their own, for whoever rehearses them (``contacts.activity.order_rehearsal``). The session is
read-only, by which PostgreSQL means *everything but temporary tables*: nothing real can be written, no number drawn
from a sequence, no row locked (decision 0010).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import connection, connections, transaction

from contacts.identity.load import array_of
from contacts.identity.world import World
from contacts.identity.write import IDENTIFIER_COLUMNS, Cause, Rendered, Statement, render_rows, run_statements

__all__ = ["Shadows", "open_shadows"]

_IDENTIFIER: Final = ", ".join(IDENTIFIER_COLUMNS)

# A contact is hidden by its shadow; an identifier by its holder, whose identifiers are all copied before one goes.
_MAKE: Final = f"""
CREATE TEMP VIEW real_contact AS SELECT * FROM contacts_contact;
CREATE TEMP VIEW real_identifier AS SELECT {_IDENTIFIER} FROM contacts_identifier;

CREATE TEMP TABLE shadow_contact (LIKE contacts_contact INCLUDING CONSTRAINTS, PRIMARY KEY (id));
CREATE TEMP TABLE shadow_identifier (LIKE contacts_identifier INCLUDING CONSTRAINTS);
ALTER TABLE shadow_identifier DROP COLUMN id;
CREATE INDEX ON shadow_identifier (value);
CREATE INDEX ON shadow_identifier (contact_id);
CREATE TEMP TABLE shadow_holder (contact_id bigint PRIMARY KEY);
CREATE TEMP TABLE shadow_order (value text PRIMARY KEY, contact_id bigint, number text, stored jsonb);

CREATE TEMP VIEW contacts_contact AS
    SELECT * FROM real_contact r WHERE NOT EXISTS (SELECT FROM shadow_contact s WHERE s.id = r.id)
    UNION ALL SELECT * FROM shadow_contact;
CREATE TEMP VIEW contacts_identifier AS
    SELECT * FROM real_identifier r WHERE NOT EXISTS (SELECT FROM shadow_holder h WHERE h.contact_id = r.contact_id)
    UNION ALL SELECT {_IDENTIFIER} FROM shadow_identifier;
"""
# Everything here is a look-up by an index. The planner, which knows nothing of tables that grow behind its back, must
# not read one of them whole instead.
_LOOK_UP_BY_INDEX: Final = """
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off;
"""
_READ_ONLY: Final = "SET default_transaction_read_only = on; SET default_transaction_isolation = 'repeatable read'"
_READ_ONLY_FROM_HERE: Final = "SET TRANSACTION READ ONLY"

_COPY_CONTACTS: Final = """
INSERT INTO shadow_contact SELECT * FROM real_contact WHERE id = ANY(%s::bigint[]) ON CONFLICT DO NOTHING
"""
_COPY_HOLDERS: Final = f"""
WITH new AS (
    INSERT INTO shadow_holder SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING RETURNING contact_id
)
INSERT INTO shadow_identifier ({_IDENTIFIER})
SELECT {_IDENTIFIER} FROM real_identifier WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM new))
"""
_TABLE: Final = re.compile(r"\bcontacts_(contact|identifier)\b")
_TARGET: Final = re.compile(r"\s*(COPY|INSERT INTO|UPDATE|DELETE FROM) contacts_(contact|identifier)\b")


class Shadows:
    """The shadows of one session. ``numbers`` are the ids of contacts that would be created: below zero."""

    def __init__(self) -> None:
        self.numbers: Iterator[int] = itertools.count(-1, -1)

    def keep(self, cursor: psycopg.Cursor[Any], world: World, cause: Cause) -> None:
        """Write into the shadows what a batch would have written."""
        _copy(cursor, _COPY_HOLDERS, _givers(world))
        changed = (row.id for row in world.changed.values() if not row.is_new)
        # Without its import, the cause asks for no traces of it.
        self.keep_statements(cursor, render_rows(world, cause._replace(import_id=None)), changed)

    def keep_statements(
        self, cursor: psycopg.Cursor[Any], statements: Iterable[Statement], changed: Iterable[int]
    ) -> None:
        """Run those statements that write contacts and identifiers, where these contacts are changed; the others write
        what no decision reads."""
        _copy(cursor, _COPY_CONTACTS, changed)
        kept = [statement for statement in statements if _TARGET.match(statement.sql)]
        renamed = [statement._replace(sql=_TABLE.sub(r"shadow_\1", statement.sql)) for statement in kept]
        run_statements(cursor, Rendered(renamed, []))


def _copy(cursor: psycopg.Cursor[Any], sql: str, ids: Iterable[int]) -> None:
    listed = sorted(set(ids))
    if listed:
        cursor.execute(sql, (array_of(listed),))


def _givers(world: World) -> Iterator[int]:
    """Whose stored identifiers go, or move to somebody else."""
    for _, holder in world.removed:
        yield holder
    for key in world.attached:
        for contact_id, stored_at in world.owners[key].items():
            if stored_at is not None and stored_at != contact_id:
                yield stored_at


@contextmanager
def open_shadows() -> Iterator[Shadows]:
    """Shadows on this thread's connection, which is another one meanwhile: a session of its own, that ends with them.

    Inside a transaction of the caller the session stays, since no other one sees what that has written; the shadows
    vanish with a savepoint.
    """
    with _within_transaction() if connection.in_atomic_block else _own_session():
        yield Shadows()


@contextmanager
def _own_session() -> Iterator[None]:
    alias, usual = connection.alias, connections[connection.alias]
    own = usual.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)  # a pool would keep the session, and the shadows in it
    connections[alias] = own
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SET temp_buffers = '32MB'; {_MAKE} {_LOOK_UP_BY_INDEX} {_READ_ONLY}")
        yield
    finally:
        connections[alias] = usual
        own.close()


@contextmanager
def _within_transaction() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"{_MAKE} {_LOOK_UP_BY_INDEX} {_READ_ONLY_FROM_HERE}")
        try:
            yield
        finally:
            transaction.set_rollback(True)
