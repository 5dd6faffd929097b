"""Contacts → one file in memory, in a format of django-import-export. Millions are not for this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import tablib
from import_export.formats import base_formats
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from contacts.columns import Column
from contacts.exports.resource import ContactResource
from contacts.formulas import disarm
from contacts.models import Contact

__all__ = ["FORMATS", "ExportFile", "write_contacts"]


class ExportFile(NamedTuple):
    """What is handed out; ``extension`` without a dot."""

    content: bytes
    content_type: str
    extension: str


class Disarmed(base_formats.TablibFormat):
    """No cell starts a formula, headers included."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        safe = tablib.Dataset(headers=self.clean_row(dataset.headers or ()), title=dataset.title)
        for row in dataset:
            safe.append(self.clean_row(row))
        return super().export_data(safe, **kwargs)

    def clean_row(self, row: Iterable[Any]) -> list[Any]:
        return [self.clean_text(cell) if isinstance(cell, str) else cell for cell in row]

    def clean_text(self, text: str) -> str:
        return disarm(text)


class CSV(Disarmed, base_formats.CSV):
    """Comma separated."""


class TSV(Disarmed, base_formats.TSV):
    """Tab separated."""


class XLSX(Disarmed, base_formats.XLSX):
    """Excel, in which some characters cannot stand."""

    def clean_text(self, text: str) -> str:
        return disarm(ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))


FORMATS: Final[dict[str, type[Disarmed]]] = {"xlsx": XLSX, "csv": CSV, "tsv": TSV}
"""By file extension, in the order in which they are offered."""


def write_contacts(contacts: Iterable[Contact], columns: Iterable[Column], *, extension: str) -> ExportFile:
    """One row a contact, below the keys of the columns. Text is UTF-8 with a mark, which Excel needs."""
    format_ = FORMATS[extension]()
    dataset = ContactResource(columns).export(contacts)
    dataset.title = "Contacts"
    written = format_.export_data(dataset)
    content = written.encode("utf-8-sig") if isinstance(written, str) else written
    return ExportFile(content, format_.get_content_type(), extension)
