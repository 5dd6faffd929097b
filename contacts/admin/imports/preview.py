"""The preview's table: row by row what would happen, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.imports.orders import COLUMN_LABELS, show_order_value
from contacts.admin.imports.words import ONE, say_number
from contacts.admin.journal import show_value
from contacts.admin.wording import MATCHED_BY, RULES, SYSTEM_LABELS, word
from contacts.imports.cells import read_cells
from contacts.models import Contact, CustomField, Import, ImportContent, ImportFix, PreviewRow

__all__ = ["RowLine", "find_place", "list_rows", "name_columns", "name_contacts", "say_column"]

ROWS_A_PAGE: Final = 50
FIXED_AT_MOST: Final = 500_000
"""The last row in which cells are corrected in place: to show what stands there, the file is read as far as that."""
PLAIN_RULES: Final = frozenset({"L1", "L9"})
"""Rules that nearly every row has, and that say no more than how it was matched."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of a contact: what it is and what it would be."""

    label: str
    before: str | SafeString
    after: str | SafeString


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong with a row.

    ``place`` is the file's column, None where it is no single cell; ``value`` is what stands there, or what somebody
    corrected it to (``is_fixed``).
    """

    label: str
    message: str
    place: int | None
    value: str
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row of the file in words; ``number`` is that of its order."""

    row: int
    row_shown: str
    number: str
    status: str
    outcome: str
    contact_id: int | None
    contact: str
    matched_by: str
    rule: str
    reason: str
    changes: list[Changed]
    problems: list[Wrong]


class _Names:
    """What the rows of one page refer to, read at once."""

    def __init__(self, run: Import, rows: list[PreviewRow], *, with_cells: bool) -> None:
        self.run = run
        bad = [row.row for row in rows if row.problems and row.row <= FIXED_AT_MOST]
        self.cells = read_cells(run, bad) if with_cells else {}
        self.contacts = name_contacts(row.contact_id for row in rows)
        self.of_orders = run.content == ImportContent.ORDERS
        self.columns = {key: str(label) for key, label in COLUMN_LABELS.items()} if self.of_orders else name_columns()
        self.order = {entry["target"]: place for place, entry in enumerate(run.mapping)}
        fixes = ImportFix.objects.filter(import_run=run, row__in=[row.row for row in rows])
        self.fixes = {(fix.row, fix.column): fix.value for fix in fixes}


def list_rows(run: Import, show: str, after: int, *, with_cells: bool) -> tuple[list[RowLine], int | None]:
    """A page of rows in the file's order, and the row to go on after, None at the end.

    ``with_cells``: what stands in a cell that is wrong is read from the file, so that it can be corrected.
    """
    rows = PreviewRow.objects.filter(import_run=run, row__gt=after)
    if show:
        rows = rows.filter(status=show)
    found = list(rows.order_by("row")[: ROWS_A_PAGE + 1])
    page = found[:ROWS_A_PAGE]
    names = _Names(run, page, with_cells=with_cells)
    return [_read_row(row, names) for row in page], page[-1].row if len(found) > ROWS_A_PAGE else None


def name_contacts(ids: Iterable[int | None]) -> dict[int, str]:
    """Numbers below zero are contacts that a rehearsal would make; they have no names."""
    wanted = {pk for pk in ids if pk is not None and pk > 0}
    return {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=wanted)} if wanted else {}


def name_columns() -> dict[str, str]:
    """The labels of the custom fields by their columns."""
    return {f"fields.{one.key}": one.label for one in CustomField.objects.all()}


def say_column(key: str, labels: Mapping[str, str]) -> str:
    return labels.get(key) or labels.get(f"fields.{key}") or word(SYSTEM_LABELS, key.removeprefix("fields."))


def _read_row(row: PreviewRow, names: _Names) -> RowLine:
    known = row.contact_id if row.contact_id is not None and row.contact_id > 0 else None
    show = show_order_value if names.of_orders else show_value
    number = row.changes.pop("number", ["", ""])[1] if names.of_orders else ""
    return RowLine(
        row=row.row,
        row_shown=say_number(row.row),
        number=number,
        status=row.status,
        outcome=word(ONE, row.status),
        contact_id=known,
        contact=names.contacts.get(known or 0, ""),
        matched_by="" if row.status == "created" and not known else _say_match(row.matched_by, names.columns),
        rule=row.rule,
        reason=word(RULES, row.rule) if row.rule in RULES and row.rule not in PLAIN_RULES else "",
        changes=[
            Changed(say_column(key, names.columns), show(key, old), show(key, new))
            for key, (old, new) in sorted(
                row.changes.items(), key=lambda item: names.order.get(item[0], len(names.order))
            )
        ],
        problems=[_read_problem(row.row, problem, names) for problem in row.problems],
    )


def _say_match(matched_by: str, labels: Mapping[str, str]) -> str:
    if matched_by in MATCHED_BY or not matched_by:
        return word(MATCHED_BY, matched_by)
    return _("by {field}").format(field=say_column(matched_by, labels))


def _read_problem(row: int, problem: Mapping[str, Any], names: _Names) -> Wrong:
    column = str(problem.get("column", ""))
    place = find_place(names.run, column)
    message = _(str(problem.get("message", "")))
    cells = names.cells.get(row, [])
    if place is None or place >= len(cells):
        return Wrong(say_column(column, names.columns) if column else "", message, None, "", False)
    fixed = names.fixes.get((row, place))
    return Wrong(names.run.headers[place], message, place, cells[place] if fixed is None else fixed, fixed is not None)


def find_place(run: Import, column: str) -> int | None:
    """Where in the file the cell stands that a problem names: by the header, or by what its column becomes."""
    if not column:
        return None
    if column in run.headers:
        return int(run.headers.index(column))
    targets = [entry["target"].removeprefix("fields.") for entry in run.mapping]
    wanted = column.removeprefix("fields.")
    return targets.index(wanted) if wanted in targets else None
