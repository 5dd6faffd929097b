"""Who refers to a custom field by its key: what would break, or be left behind, if the field became another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from contacts import populations
from contacts.columns import CUSTOM_PREFIX, Column, all_columns, custom_column
from contacts.models import ContactExport, CustomField, ExportStatus, Import, ImportStatus, Policy, Webhook
from contacts.populations import Population

__all__ = ["Reference", "broken_groups", "column_with", "find_references"]

OPEN_IMPORTS: Final = (
    ImportStatus.FETCHING,
    ImportStatus.PREVIEWING,
    ImportStatus.QUEUED,
    ImportStatus.RUNNING,
    ImportStatus.PAUSED,
    ImportStatus.UNDOING,
)
"""A mapping that is only remembered leaves out what is gone."""


class Reference(NamedTuple):
    """One that names the field; ``kind`` is segment, webhook, import, export or birthday."""

    kind: str
    id: int
    name: str


def find_references(key: str) -> list[Reference]:
    """Everybody who needs the field to be there."""
    return list(_find(key, CUSTOM_PREFIX + key))


def _find(key: str, column: str) -> Iterator[Reference]:
    for group in populations.current().asking(column):
        yield Reference("segment", group.id, group.name)
    for webhook in Webhook.objects.filter(columns__contains=[column]).order_by("name"):
        yield Reference("webhook", webhook.pk, webhook.name)
    for run in Import.objects.filter(status__in=OPEN_IMPORTS).order_by("pk"):
        if run.options.get("key") == key or any(entry.get("target") == column for entry in run.mapping):
            yield Reference("import", run.pk, run.file_name)
    for export in ContactExport.objects.filter(status__in=(ExportStatus.QUEUED, ExportStatus.RUNNING)).order_by("pk"):
        if column in export.columns:
            yield Reference("export", export.pk, str(export.pk))
    for policy in Policy.objects.filter(birthday_field__key=key):
        yield Reference("birthday", policy.pk, str(policy))


def column_with(field: CustomField, *, type: str, options: Iterable[str]) -> Column:  # noqa: A002
    """The column that the field would be."""
    return custom_column(CustomField(key=field.key, label=field.label, type=type, options=list(options)))


def broken_groups(
    field: CustomField, column: Column | None, *, renamed: Mapping[str, str] | None = None
) -> Sequence[Population]:
    """The groups whose conditions could not be read any more if the field were ``column``, or gone (None)."""
    others = CustomField.objects.exclude(pk=field.pk)
    columns = (*all_columns(others), *((column,) if column else ()))
    return populations.current().broken_by(CUSTOM_PREFIX + field.key, columns, renamed=renamed or {})
