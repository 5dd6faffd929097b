"""What is said to BigQuery in SQL, and how what it has is compared with what we send (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.exports.warehouse.types import OutType, Problem, TableShape

__all__ = [
    "ALIASES",
    "TYPES",
    "compare_columns",
    "is_of_run",
    "listed",
    "merge_statement",
    "name_beside",
    "pieces_of",
]

TYPES: Final[dict[OutType, str]] = {
    "text": "STRING",
    "bigint": "INTEGER",
    "numeric": "NUMERIC",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMP",
    "date": "DATE",
    "json": "STRING",
}
AS_WIDE: Final[dict[str, tuple[str, ...]]] = {"INTEGER": ("NUMERIC", "BIGNUMERIC"), "NUMERIC": ("BIGNUMERIC",)}
"""Types that somebody there may have changed ours to: they hold the same."""
ALIASES: Final = {"INT64": "INTEGER", "BOOL": "BOOLEAN", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC"}


def merge_statement(shape: TableShape, table: str, incoming: str, gone: str) -> str:
    """Put what came in and delete what is gone, in one statement."""
    same = " AND ".join(f"t.`{name}` = s.`{name}`" for name in shape.key)
    rest = ", ".join(f"`{name}` = s.`{name}`" for name in shape.names if name not in shape.key)
    values = ", ".join(f"s.`{name}`" for name in shape.names)
    clauses = [f"WHEN MATCHED THEN UPDATE SET {rest}"] if rest else []
    clauses.append(f"WHEN NOT MATCHED THEN INSERT ({listed(shape.names)}) VALUES ({values})")
    if gone:
        clauses.append(f"WHEN NOT MATCHED BY SOURCE AND ({gone}) THEN DELETE")
    return f"MERGE {table} t USING {incoming} s ON {same} {' '.join(clauses)}"


def compare_columns(shape: TableShape, table: Any) -> Iterator[Problem]:
    there = {field.name: ALIASES.get(field.field_type, field.field_type) for field in table.schema}
    for column in shape.columns:
        type_ = TYPES[column.type]
        named = {"column": column.name, "table": shape.name, "type": type_}
        if column.name not in there:
            words = _("The column “{column}” of “{table}” is missing there. Start a full run, which makes it anew.")
            yield Problem("missing_column", words.format(**named))
        elif there[column.name] not in (type_, *AS_WIDE.get(type_, ())):
            words = _(
                "The column “{column}” of “{table}” is {found} there, which does not hold every {type}."
                " Start a full run, which makes it anew."
            )
            yield Problem("narrower_type", words.format(found=there[column.name], **named))
    for field in table.schema:
        if field.mode == "REQUIRED" and field.name not in shape.names:
            words = _("The column “{column}” that was added to “{table}” must not be empty. Let it be empty there.")
            yield Problem("foreign_column", words.format(column=field.name, table=shape.name))


def listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def name_beside(table: str, run: str) -> str:
    return f"{table}__{run}"


def is_of_run(name: str, table: str, run: str) -> bool:
    begun = name_beside(table, run)
    return name == begun or name.startswith(f"{begun}_")


def pieces_of(beside: Sequence[str], table: str, run: str) -> list[str]:
    """Those that were loaded, without a gap."""
    pieces: list[str] = []
    while (name := f"{name_beside(table, run)}_{len(pieces)}") in beside:
        pieces.append(name)
    return pieces
