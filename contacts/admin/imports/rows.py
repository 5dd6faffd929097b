"""Tables of the import's page: rows that failed, were skipped or warned, and what an undo left alone."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from contacts.admin.imports.doors import read_number
from contacts.admin.imports.preview import name_columns, name_contacts, say_column
from contacts.admin.imports.words import ONE, say_number
from contacts.admin.wording import word
from contacts.models import Import, ImportRow, UndoKept

__all__ = ["kept_page", "rows_page"]

ROWS_A_PAGE: Final = 50


def rows_page(run: Import, request: HttpRequest) -> dict[str, Any]:
    """A page of rows in the order in which they were met, and where to go on."""
    rows = ImportRow.objects.filter(import_run=run, pk__gt=read_number(request.GET.get("after", "")))
    found = list(rows.order_by("pk")[: ROWS_A_PAGE + 1])
    lines = [
        {
            "row": say_number(row.row),
            "status": row.status,
            "outcome": word(ONE, row.status),
            "column": row.column,
            "message": _(row.message),
            "code": row.code,
            "contact_id": row.contact_id if row.contact_id and row.contact_id > 0 else None,
        }
        for row in found[:ROWS_A_PAGE]
    ]
    return {"rows": lines, "next_after": found[ROWS_A_PAGE - 1].pk if len(found) > ROWS_A_PAGE else None}


def kept_page(run: Import, request: HttpRequest) -> dict[str, Any]:
    """What the undo kept, contact by contact."""
    rows = UndoKept.objects.filter(import_run=run, pk__gt=read_number(request.GET.get("kept", "")))
    found = list(rows.order_by("pk")[: ROWS_A_PAGE + 1])
    kept = found[:ROWS_A_PAGE]
    names, labels = name_contacts(one.contact_id for one in kept), name_columns()
    lines = [
        {
            "contact_id": one.contact_id,
            "name": names.get(one.contact_id, ""),
            "columns": ", ".join(say_column(column, labels) for column in one.columns),
            "reason": _(one.reason),
        }
        for one in kept
    ]
    return {"kept": lines, "kept_next": f"?kept={kept[-1].pk}" if len(found) > ROWS_A_PAGE else ""}
