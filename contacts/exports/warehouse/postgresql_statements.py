"""What is said to a PostgreSQL target: its catalogue's questions, and statements made of a shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from contacts.exports.warehouse.postgresql_settings import LONGEST_NAME
from contacts.exports.warehouse.types import OutType, TableShape

__all__ = [
    "ABOUT",
    "AS_WIDE",
    "BUILT_UPON",
    "COLUMNS",
    "EACH_TRANSACTION",
    "FIND",
    "FIND_MARKED",
    "GRANTS",
    "INCOMING",
    "KEYS",
    "MARK",
    "MARKED",
    "PREFER_INDEXES",
    "TYPES",
    "Cursor",
    "listed",
    "name_beside",
    "needs_owner_index",
    "put",
    "remove_keys",
    "remove_owners",
    "text",
]

Cursor = psycopg.Cursor[Any]

TYPES: Final[dict[OutType, str]] = {
    "text": "text",
    "bigint": "bigint",
    "numeric": "numeric",
    "boolean": "boolean",
    "timestamptz": "timestamp with time zone",
    "date": "date",
    "json": "jsonb",
}
AS_WIDE: Final[dict[OutType, tuple[str, ...]]] = {"text": ("character varying",), "bigint": ("numeric",)}
"""Types that somebody there may have changed ours to: they hold the same."""
INCOMING: Final = sql.SQL("pg_temp.cardfile_incoming")

EACH_TRANSACTION: Final = """
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL lock_timeout = '60s';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL maintenance_work_mem = '128MB'
"""
"""In the transaction, so that it also holds behind a pooler. Functions are the server's own, whatever stands there."""
MARK: Final = "Kept by Cardfile: {table}, run {run}, pieces {pieces}"
MARKED: Final = re.compile(r"Kept by Cardfile: (?P<table>.*), run (?P<run>\w*), pieces (?P<pieces>\d+)", re.DOTALL)

FIND: Final = """
SELECT c.oid, obj_description(c.oid, 'pg_class'), c.relkind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind <> 'i'
"""
FIND_MARKED: Final = """
SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND starts_with(obj_description(c.oid, 'pg_class'), 'Kept by Cardfile: ')
"""
COLUMNS: Final = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef AND attidentity = ''
FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
KEYS: Final = """
SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid
"""
BUILT_UPON: Final = """
SELECT c.relrowsecurity
    OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
    OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)
    OR EXISTS (SELECT FROM pg_publication_rel p WHERE p.prrelid = c.oid)
    OR (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) > %s
FROM pg_class c WHERE c.oid = %s
"""
GRANTS: Final = """
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type,
    a.is_grantable
FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = %s AND a.grantee <> c.relowner
"""
ABOUT: Final = """
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS only_read,
    current_setting('server_encoding') AS encoding, current_user AS who, current_database() AS base,
    has_database_privilege(current_database(), 'TEMPORARY') AS may_stage,
    (SELECT has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
        FROM pg_namespace n WHERE n.nspname = %s) AS may_make
"""


PREFER_INDEXES: Final = "SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off"
"""Some thousand rows are looked up by the index, whatever the statistics of the table say."""


def remove_owners(cursor: Cursor, shape: TableShape, table: sql.Composable, ids: Sequence[int]) -> int:
    if not ids or not shape.owner:
        return 0
    statement = sql.SQL("DELETE FROM {} t USING unnest(%s::bigint[]) AS gone(id) WHERE t.{} = gone.id AND {}")
    known = statement.format(table, sql.Identifier(shape.owner), does_not_come_back(shape))
    cursor.execute(known, ["{" + ",".join(map(str, ids)) + "}"])
    return cursor.rowcount


def remove_keys(cursor: Cursor, shape: TableShape, table: sql.Composable, keys: Sequence[tuple[Any, ...]]) -> int:
    if not keys:
        return 0
    types = {column.name: TYPES[column.type] for column in shape.columns}
    given = sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(types[name])) for name in shape.key)
    statement = sql.SQL("DELETE FROM {} t USING unnest({}) AS gone({}) WHERE {} AND {}")
    same = same_key(shape, "t", "gone")
    known = statement.format(table, given, listed(shape.key), same, does_not_come_back(shape))
    cursor.execute(known, [list(values) for values in zip(*keys, strict=True)])
    return cursor.rowcount


def put(shape: TableShape, table: sql.Composable) -> sql.Composed:
    """Insert what is new, update what differs."""
    names, key = listed(shape.names), listed(shape.key)
    rest = [name for name in shape.names if name not in shape.key]
    changes: sql.Composable = sql.SQL("NOTHING")
    if rest:
        new, old = (sql.SQL(", ").join(sql.Identifier(side, name) for name in rest) for side in ("excluded", "t"))
        changes = sql.SQL("UPDATE SET ({}) = ROW({}) WHERE ({}) IS DISTINCT FROM ({})").format(
            listed(rest), new, old, new
        )
    return sql.SQL("INSERT INTO {} AS t ({}) SELECT {} FROM {} ON CONFLICT ({}) DO {}").format(
        table, names, names, INCOMING, key, changes
    )


def does_not_come_back(shape: TableShape) -> sql.Composable:
    return sql.SQL("NOT EXISTS (SELECT FROM {} i WHERE {})").format(INCOMING, same_key(shape, "t", "i"))


def same_key(shape: TableShape, one: str, other: str) -> sql.Composable:
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in shape.key
    )


def listed(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def needs_owner_index(shape: TableShape) -> bool:
    """Rows are found by whom they belong to; a key that begins with that finds them already."""
    return bool(shape.owner) and shape.key[0] != shape.owner


def name_beside(table: str, run: str) -> str:
    """The table that a full run fills; as long as a name may be, in bytes."""
    room = LONGEST_NAME - len(run) - 2
    return f"{table.encode()[:room].decode(errors='ignore')}__{run}"


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
