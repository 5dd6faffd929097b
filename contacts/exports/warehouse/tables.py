"""From a table as it is kept to how it is to look at the target."""

from __future__ import annotations

from collections.abc import Iterable

from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.types import DataSet, OutColumn, Reading, TableShape
from contacts.models import CustomField, Deletions, ExportTable, ExportTarget

__all__ = ["needed_keys", "reading_of", "tables_of"]


def tables_of(target: ExportTarget) -> list[ExportTable]:
    """What the target has, in the order of the data sets."""
    tables = {table.data_set: table for table in target.tables.all()}
    return [tables[slug] for slug in DATA_SETS if slug in tables]


def needed_keys(data_set: DataSet) -> tuple[str, ...]:
    """Columns that leave whether they were chosen or not: rows are found by them."""
    return (*data_set.key, data_set.owner) if data_set.owner else data_set.key


def reading_of(table: ExportTable, deletions: str) -> Reading:
    """As it was chosen; a column that is gone from here is left out."""
    data_set = DATA_SETS[table.data_set]
    columns = data_set.columns(CustomField.objects.order_by("key"))
    chosen = {*table.columns, *needed_keys(data_set)}
    shape = TableShape(
        name=table.table_name,
        columns=tuple(column for column in columns if column.key in chosen),
        key=_names(columns, data_set.key),
        owner="".join(_names(columns, (data_set.owner,))),
    )
    return Reading(shape, leaves_out_deleted=deletions == Deletions.REMOVE)


def _names(columns: Iterable[OutColumn], keys: Iterable[str]) -> tuple[str, ...]:
    names = {column.key: column.name for column in columns}
    return tuple(names[key] for key in keys if key)
