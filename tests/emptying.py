"""Empties the test database after a test that committed: of what was written, not of everything there could be.

Django truncates every table, which gives each of a hundred a new file, and makes its permissions and our roles anew.
Most tests write into a dozen tables and leave the roles alone. What stands there after Django's own way is remembered
once, as a checksum by table; a table that differs from it is emptied, and what belongs into it is made again.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction

__all__ = ["empty_database"]

LARGE: Final = 4 * 1024 * 1024
"""Bytes from which truncating is quicker than deleting, and leaves no dead rows for others to read over."""

_remembered: dict[str, dict[str, str]] = {}
"""By database: what a table holds when nobody has written into it; only of those that hold anything."""


def empty_database(*_: Any) -> None:
    """As ``flush`` does, with the same outcome."""
    name = connection.settings_dict["NAME"]
    if name not in _remembered:
        flush()
        _remembered[name] = sum_tables(list_filled(list_tables()))
        return
    filled = list_filled(list_tables())
    if not may_delete() or any(size_of(table) > LARGE for table in filled):
        flush()
        return
    empty = _remembered[name]
    left = sum_tables([table for table in filled if table in empty])
    changed = [table for table in empty if left.get(table) != empty[table]]
    delete_from({*filled} - {*empty} | {*changed})
    if changed:
        emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)


def flush() -> None:
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


def list_tables() -> list[str]:
    return sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))


def list_filled(tables: list[str]) -> list[str]:
    parts = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables]
    return [name for (name,) in ask(" UNION ALL ".join(parts))]


def sum_tables(tables: list[str]) -> dict[str, str]:
    parts = [
        f"SELECT '{table}', md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {table} AS t"
        for table in tables
    ]
    return dict(ask(" UNION ALL ".join(parts))) if parts else {}


def size_of(table: str) -> int:
    [(size,)] = ask(f"SELECT coalesce(sum(pg_relation_size(relid)), 0) FROM pg_partition_tree('{table}')")
    return int(size)


def may_delete() -> bool:
    """Whoever is no superuser cannot delete past foreign keys, nor from the audit log."""
    return ask("SELECT current_setting('is_superuser')") == [("on",)]


def delete_from(tables: set[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in sorted(tables):
            cursor.execute(f"DELETE FROM {table}")


def ask(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
