"""A PostgreSQL database of the company as a target.

A full run fills a table beside the one that stands, which takes its place in one transaction; what changed is copied
into a temporary table and put from there, in one transaction too. Which tables are ours, and how many pieces of a full
run one holds, stands in the table's comment: it is committed together with the rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.utils.translation import gettext as _
from psycopg import sql

from contacts.exports.warehouse.errors import TargetChanged, TargetError
from contacts.exports.warehouse.postgresql_errors import ours, told
from contacts.exports.warehouse.postgresql_settings import check_settings, parameters
from contacts.exports.warehouse.postgresql_statements import (
    ABOUT,
    AS_WIDE,
    BUILT_UPON,
    COLUMNS,
    EACH_TRANSACTION,
    FIND,
    FIND_MARKED,
    GRANTS,
    INCOMING,
    KEYS,
    MARK,
    MARKED,
    PREFER_INDEXES,
    TYPES,
    Cursor,
    listed,
    name_beside,
    needs_owner_index,
    put,
    remove_keys,
    remove_owners,
    text,
)
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, OutColumn, Problem, TableShape, Written

__all__ = ["PostgresTarget", "check_settings", "open_target"]

PIECE_ROWS: Final = 100_000
OLDEST_SERVER: Final = 120000


def open_target(settings: Mapping[str, Any], secret: str) -> PostgresTarget:
    """It connects when it is first asked for something. Raises ``SettingsRefused``."""
    return PostgresTarget(str(settings.get("schema") or "public"), parameters(settings, secret))


class PostgresTarget:
    """One connection, made when it is needed; a lock by table keeps a session of a killed run out of ours."""

    piece_rows: Final = PIECE_ROWS

    def __init__(self, schema: str, given: Mapping[str, Any]) -> None:
        self.schema = schema
        self.given = given
        self._connection: psycopg.Connection[Any] | None = None

    # Looking

    def check(self) -> list[Problem]:
        problems: list[Problem] = []
        try:
            with self._transaction() as cursor:
                problems += self._find_problems(cursor)
                if not problems:
                    self._try_out(cursor)
                raise psycopg.Rollback
        except TargetError as error:
            problems.append(Problem(error.code, error.message))
        return problems

    def describe(self, table: str) -> Mapping[str, str] | None:
        with self._transaction() as cursor:
            found = self._find(cursor, table)
            return None if found is None else {name: type_ for name, type_, _needed in self._columns(cursor, found[0])}

    def compare(self, shape: TableShape) -> list[Problem]:
        with self._transaction() as cursor:
            return list(self._compare(cursor, shape))

    # A table of its own

    def create(self, shape: TableShape) -> None:
        with self._transaction(shape.name) as cursor:
            if self._find(cursor, shape.name) is None:
                self._make(cursor, shape, shape.name, MARK.format(table=shape.name, run="", pieces=0))
                self._add_keys(cursor, shape, shape.name)
            elif problems := list(self._compare(cursor, shape)):
                raise TargetChanged(problems[0].message)

    def add_columns(self, shape: TableShape, columns: Sequence[OutColumn]) -> None:
        with self._transaction(shape.name) as cursor:
            self._add_columns(cursor, shape, columns)

    # Everything anew

    def begin_full(self, shape: TableShape, run: str) -> int:
        beside = name_beside(shape.name, run)
        with self._transaction(shape.name) as cursor:
            self._refuse_foreign(cursor, shape.name)
            for name in self._left_by_others(cursor, shape.name, beside):
                cursor.execute(sql.SQL("DROP TABLE {}").format(self._named(name)))
            if (pieces := self._pieces(cursor, shape.name, run)) is None:
                self._make(cursor, shape, beside, MARK.format(table=shape.name, run=run, pieces=0))
            return pieces or 0

    def write_full(self, shape: TableShape, run: str, piece: int, rows: Rows) -> Written:
        beside = name_beside(shape.name, run)
        with self._transaction(shape.name) as cursor:
            stands = self._pieces(cursor, shape.name, run)
            if stands is None or stands < piece:
                raise TargetChanged(_("A table that was being filled is gone. Start a full run."))
            if stands > piece:
                return Written()
            sent = _pour(cursor, self._named(beside), rows)
            written = Written(rows=cursor.rowcount, bytes=sent)
            self._comment(cursor, beside, MARK.format(table=shape.name, run=run, pieces=piece + 1))
            return written

    def finish_full(self, shape: TableShape, run: str) -> None:
        beside = name_beside(shape.name, run)
        with self._transaction(shape.name) as cursor:
            if self._pieces(cursor, shape.name, run) is None:
                self._must_stand(cursor, shape.name, run)
                return
            self._add_keys(cursor, shape, beside)
            cursor.execute(sql.SQL("ANALYZE {}").format(self._named(beside)))
        with self._transaction(shape.name) as cursor:
            self._refuse_foreign(cursor, shape.name)
            self._put_in_place(cursor, shape, beside)
            self._comment(cursor, shape.name, MARK.format(table=shape.name, run=run, pieces=0))

    # What changed

    def apply(self, shape: TableShape, change: Change) -> Written:
        with self._transaction(shape.name) as cursor:
            table, names = self._named(shape.name), listed(shape.names)
            # 1. What is to stand, with the types that it has there.
            staged = sql.SQL("CREATE TEMPORARY TABLE cardfile_incoming ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0")
            cursor.execute(staged.format(names, table))
            sent = _pour(cursor, INCOMING, change.rows) if change.rows is not None else 0
            cursor.execute(sql.SQL("ANALYZE {}").format(INCOMING))
            # 2. What is gone, but for what comes back under the same key.
            cursor.execute(PREFER_INDEXES)
            removed = remove_owners(cursor, shape, table, change.gone_contact_ids)
            removed += remove_keys(cursor, shape, table, change.gone_keys)
            # 3. The rest, without touching what is as it was.
            cursor.execute(put(shape, table))
            return Written(rows=cursor.rowcount, removed=removed, bytes=sent)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # The connection

    @contextmanager
    def _transaction(self, table: str = "") -> Generator[Cursor, None, None]:
        connection = self._connected()
        with told(), connection.transaction(), connection.cursor() as cursor:
            cursor.execute(EACH_TRANSACTION)
            if table:  # a killed run's session may be finishing its last statement
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{self.schema}.{table}"])
            yield cursor

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            with told(entering=True):
                self._connection = psycopg.connect(autocommit=True, prepare_threshold=None, **self.given)
        return self._connection

    # Tables there

    def _named(self, name: str) -> sql.Composable:
        return sql.Identifier(self.schema, name)

    def _find(self, cursor: Cursor, name: str) -> tuple[int, str, str] | None:
        """Its number, comment and kind."""
        found = cursor.execute(FIND, [self.schema, name]).fetchone()
        return (found[0], found[1] or "", text(found[2])) if found else None

    def _columns(self, cursor: Cursor, oid: int) -> list[tuple[str, str, bool]]:
        """Name, type, and whether it must be given a value."""
        return cursor.execute(COLUMNS, [oid]).fetchall()

    def _comment(self, cursor: Cursor, name: str, words: str) -> None:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(self._named(name), sql.Literal(words)))

    def _make(self, cursor: Cursor, shape: TableShape, name: str, mark: str) -> None:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {} NOT NULL" if column.name in shape.key else "{} {}").format(
                sql.Identifier(column.name), sql.SQL(TYPES[column.type])
            )
            for column in shape.columns
        )
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(self._named(name), columns))
        self._comment(cursor, name, mark)

    def _add_keys(self, cursor: Cursor, shape: TableShape, name: str) -> None:
        """Once the rows are there: an index that grows with each row costs several times as much."""
        found = self._find(cursor, name)
        if found is None or sorted(shape.key) in self._keys(cursor, found[0]):
            return
        table = self._named(name)
        cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, listed(shape.key)))
        if needs_owner_index(shape):
            cursor.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(shape.owner)))

    def _add_columns(self, cursor: Cursor, shape: TableShape, columns: Sequence[OutColumn]) -> None:
        for column in columns:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}").format(
                    self._named(shape.name), sql.Identifier(column.name), sql.SQL(TYPES[column.type])
                )
            )

    def _keys(self, cursor: Cursor, oid: int) -> list[list[str]]:
        return [row[0] for row in cursor.execute(KEYS, [oid]).fetchall()]

    # Whose they are

    def _refuse_foreign(self, cursor: Cursor, table: str) -> None:
        """A table that was not made from here is nobody's to replace."""
        found = self._find(cursor, table)
        if found is not None and not ((mark := MARKED.fullmatch(found[1])) and mark["table"] == table):
            words = _(
                "There is a table “{table}” that was not made from here. Rename it there, or choose another name."
            )
            raise TargetChanged(words.format(table=table))

    def _left_by_others(self, cursor: Cursor, table: str, beside: str) -> list[str]:
        """What earlier full runs of this table did not finish."""
        marked = cursor.execute(FIND_MARKED, [self.schema]).fetchall()
        fits = [name for name, comment in marked if (mark := MARKED.fullmatch(comment)) and mark["table"] == table]
        return [name for name in fits if name not in (table, beside)]

    def _pieces(self, cursor: Cursor, table: str, run: str) -> int | None:
        """How many the table beside holds; None where there is none."""
        found = self._find(cursor, name_beside(table, run))
        mark = MARKED.fullmatch(found[1]) if found else None
        return int(mark["pieces"]) if mark and (mark["table"], mark["run"]) == (table, run) else None

    def _must_stand(self, cursor: Cursor, table: str, run: str) -> None:
        found = self._find(cursor, table)
        mark = MARKED.fullmatch(found[1]) if found else None
        if mark is None or (mark["table"], mark["run"]) != (table, run):
            raise TargetChanged(_("A table that was being filled is gone. Start a full run."))

    # Putting in place

    def _put_in_place(self, cursor: Cursor, shape: TableShape, beside: str) -> None:
        stands = self._find(cursor, shape.name)
        grants = cursor.execute(GRANTS, [stands[0]]).fetchall() if stands else []
        if stands and (self._is_built_upon(cursor, shape, stands[0]) or not self._drop(cursor, shape.name)):
            self._pour_over(cursor, shape, beside)
            return
        self._grant(cursor, beside, grants)
        cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(self._named(beside), sql.Identifier(shape.name)))

    def _is_built_upon(self, cursor: Cursor, shape: TableShape, oid: int) -> bool:
        """Whether somebody there added what would go with the table: rules, indexes, publications."""
        made = 1 + needs_owner_index(shape)
        found = cursor.execute(BUILT_UPON, [made, oid]).fetchone()
        return bool(found and found[0])

    def _drop(self, cursor: Cursor, name: str) -> bool:
        try:
            with cursor.connection.transaction():
                cursor.execute(sql.SQL("DROP TABLE {}").format(self._named(name)))
        except psycopg.errors.DependentObjectsStillExist:  # a view, most likely
            return False
        return True

    def _pour_over(self, cursor: Cursor, shape: TableShape, beside: str) -> None:
        """The table stays with all that hangs from it, and gets the new rows; readers see the old ones until then."""
        found = self._find(cursor, shape.name)
        there = {name for name, _type, _needed in self._columns(cursor, found[0])} if found else set()
        self._add_columns(cursor, shape, [column for column in shape.columns if column.name not in there])
        if problems := list(self._compare(cursor, shape)):
            raise TargetChanged(problems[0].message)
        table, filled, names = self._named(shape.name), self._named(beside), listed(shape.names)
        cursor.execute(sql.SQL("DELETE FROM {}").format(table))
        cursor.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(table, names, names, filled))
        cursor.execute(sql.SQL("DROP TABLE {}").format(filled))

    def _grant(self, cursor: Cursor, name: str, grants: Sequence[tuple[str, str, bool]]) -> None:
        """Whoever could read the table that goes can read the one that comes."""
        for grantee, privilege, is_grantable in grants:
            cursor.execute(
                sql.SQL("GRANT {} ON {} TO {}{}").format(
                    sql.SQL(privilege),
                    self._named(name),
                    sql.SQL(grantee),
                    sql.SQL(" WITH GRANT OPTION" if is_grantable else ""),
                )
            )

    # What is wrong

    def _find_problems(self, cursor: Cursor) -> Iterator[Problem]:
        """Before anything is tried; each with the statement that mends it."""
        [(only_read, encoding, who, base, may_stage, may_make)] = cursor.execute(ABOUT, [self.schema]).fetchall()
        schema = sql.Identifier(self.schema).as_string(cursor)
        user = sql.Identifier(who).as_string(cursor)
        database = sql.Identifier(base).as_string(cursor)
        if cursor.connection.info.server_version < OLDEST_SERVER:
            yield Problem("target_version", _("That server is older than PostgreSQL 12. Name a newer one."))
        if only_read:
            words = _("This server can only be read, as a copy of another. Name the server that it copies.")
            yield Problem("target_rights", words)
        if encoding != "UTF8":
            words = _("That database is in {encoding} and cannot hold every letter. Name one whose encoding is UTF8.")
            yield Problem("target_encoding", words.format(encoding=encoding))
        if may_make is None:
            words = _("There is no schema {schema}. Run CREATE SCHEMA {schema} AUTHORIZATION {user} there.")
            yield Problem("target_gone", words.format(schema=schema, user=user))
        elif not may_make:
            words = _("A right is missing. Run GRANT USAGE, CREATE ON SCHEMA {schema} TO {user} there.")
            yield Problem("target_rights", words.format(schema=schema, user=user))
        if not may_stage:
            words = _("A right is missing. Run GRANT TEMPORARY ON DATABASE {base} TO {user} there.")
            yield Problem("target_rights", words.format(base=database, user=user))

    def _try_out(self, cursor: Cursor) -> None:
        """What a run does, on a table that is gone with this transaction."""
        key = OutColumn("id", "id", "bigint", "")
        shape = TableShape("cardfile_test_connection", (key,), ("id",), owner="")
        self._make(cursor, shape, shape.name, "")
        self._add_keys(cursor, shape, shape.name)
        cursor.execute("CREATE TEMPORARY TABLE cardfile_incoming ON COMMIT DROP AS SELECT 1::bigint AS id")
        cursor.execute(put(shape, self._named(shape.name)))

    def _compare(self, cursor: Cursor, shape: TableShape) -> Iterator[Problem]:
        found = self._find(cursor, shape.name)
        if found is None:
            words = _("The table “{table}” is not there any more. Start a full run, which makes it anew.")
            yield Problem("missing_table", words.format(table=shape.name))
            return
        if found[2] not in "rp":
            words = _("“{table}” there is no table any more. Rename what stands there, and start a full run.")
            yield Problem("missing_table", words.format(table=shape.name))
            return
        columns = self._columns(cursor, found[0])
        yield from _compare_columns(shape, {name: type_ for name, type_, _needed in columns})
        for name in [name for name, _type, is_needed in columns if is_needed and name not in shape.names]:
            words = _("The column “{column}” that was added to “{table}” must not be empty. Let it be empty there.")
            yield Problem("foreign_column", words.format(column=name, table=shape.name))
        if sorted(shape.key) not in self._keys(cursor, found[0]):
            words = _("“{table}” has lost its key ({key}) there. Start a full run, which makes it anew.")
            yield Problem("missing_key", words.format(table=shape.name, key=", ".join(shape.key)))


def _compare_columns(shape: TableShape, there: Mapping[str, str]) -> Iterator[Problem]:
    for column in shape.columns:
        named = {"column": column.name, "table": shape.name, "type": TYPES[column.type]}
        if column.name not in there:
            words = _("The column “{column}” of “{table}” is missing there. Start a full run, which makes it anew.")
            yield Problem("missing_column", words.format(**named))
        elif there[column.name] not in (TYPES[column.type], *AS_WIDE.get(column.type, ())):
            words = _(
                "The column “{column}” of “{table}” is {found} there, which does not hold every {type}."
                " Make it {type} again, or start a full run, which makes it anew."
            )
            yield Problem("narrower_type", words.format(found=there[column.name], **named))


def _pour(cursor: Cursor, table: sql.Composable, rows: Rows) -> int:
    """Bytes that went through, as our database wrote them and without looking into them."""
    sent = 0
    names = listed(rows.shape.names)
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy:
        for block in ours(rows.copy_blocks()):
            copy.write(block)
            sent += len(block)
    return sent
