"""Contacts → a file in the background, of any size in constant memory: asked for, written, handed out, forgotten.

Who is in it is decided once, when writing begins; each contact is read as it is at its turn. A worker that was killed
leaves nothing: the file is written anew. Files are private to this service, have names of our own, and go after a day.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import orjson
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from contacts import populations
from contacts.columns import Column, all_columns
from contacts.exports.errors import ColumnUnknown, FormatUnknown, Withdrawn
from contacts.exports.resource import STATES, ContactResource
from contacts.formulas import disarm
from contacts.models import Contact, ContactExport, ContactState, CustomField, ExportStatus
from contacts.selections import Selection
from crm.jobs import app

__all__ = ["FORMATS_IN_BACKGROUND", "forget_old_exports", "open_file", "start_export", "write_export"]

KEPT_FOR: Final = timedelta(days=1)
LEFT_AFTER: Final = timedelta(minutes=30)
CHUNK: Final = 2_000
JOB: Final = "contacts.exports.write"
OPEN: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING)
CONTENT_TYPES: Final = {"csv": "text/csv; charset=UTF-8", "jsonl": "application/x-ndjson"}
FORMATS_IN_BACKGROUND: Final = tuple(CONTENT_TYPES)
UTF_8_MARK: Final = b"\xef\xbb\xbf"

ONLY_ACTIVE: Final = (ContactState.ACTIVE,)
ANY_SHEET: Final = (ContactState.ACTIVE, ContactState.DELETED)
"""Of a selection, which says itself whether it means deleted contacts."""

Line = Callable[[Contact], bytes]


# Asking


def start_export(
    *,
    population: int | None,
    format: str,  # noqa: A002
    columns: Sequence[str] = (),
    selection: Selection | None = None,
    by: str,
) -> ContactExport:
    """Export the active contacts, those in a segment, or what was chosen on the list, in the background.

    ``columns`` are keys of the registry, none for all that can be read. Raises ``FormatUnknown``, ``ColumnUnknown``.
    """
    if format not in CONTENT_TYPES:
        raise FormatUnknown(path="format")
    choose_columns(columns)
    with transaction.atomic():
        export = ContactExport.objects.create(
            population=population,
            selection=selection.as_json() if selection is not None else None,
            format=format,
            columns=list(columns),
            by=by,
        )
        app.configure_task(JOB, allow_unknown=True, queue="exports").defer(export_id=export.pk)
    return export


def choose_columns(keys: Sequence[str]) -> list[Column]:
    known = {column.key: column for column in all_columns(CustomField.objects.all()) if column.read}
    for place, key in enumerate(keys):
        if key not in known:
            raise ColumnUnknown(path=f"columns[{place}]", column=key)
    return [known[key] for key in keys] if keys else list(known.values())


# Writing


def write_export(export: ContactExport) -> None:
    """Write the file; what it was before is written anew."""
    columns = choose_columns(export.columns)
    ids = list_members(export)
    note(export, status=ExportStatus.RUNNING, rows_total=ids.count(), rows_done=0, started_at=datetime.now(UTC))
    settings.EXPORTS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = settings.EXPORTS_DIR / f"{secrets.token_hex(16)}.{export.format}"
    try:
        with open(path, "xb", opener=open_privately) as file:
            write_all(export, file, columns, ids.iterator(chunk_size=CHUNK))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        finish(export, path, size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def list_members(export: ContactExport) -> Any:
    """The ids of everybody who is to be in the file, ascending."""
    if export.selection is not None:
        members = Selection.from_json(export.selection).contacts()
    elif export.population is None:
        members = Contact.objects.filter(state=ContactState.ACTIVE)
    else:
        members = populations.current().members(export.population)
    return members.order_by("pk").values_list("pk", flat=True)


def write_all(export: ContactExport, file: IO[bytes], columns: Sequence[Column], ids: Iterator[int]) -> None:
    file.write(head_of(export.format, columns))
    line = line_writer(export.format, columns)
    states = ONLY_ACTIVE if export.selection is None else ANY_SHEET
    done = 0
    while chunk := list(itertools.islice(ids, CHUNK)):
        contacts = Contact.objects.filter(pk__in=chunk, state__in=states).order_by("pk")
        lines = [line(contact) for contact in contacts]
        file.writelines(lines)
        done += len(lines)
        note(export, rows_done=done)


def head_of(format: str, columns: Iterable[Column]) -> bytes:  # noqa: A002
    """CSV begins with the columns' keys, behind a mark that Excel needs."""
    return UTF_8_MARK + csv_line([column.key for column in columns]) if format == "csv" else b""


def line_writer(format: str, columns: Sequence[Column]) -> Line:  # noqa: A002
    if format == "jsonl":
        return lambda contact: json_line(contact, columns)
    resource = ContactResource(columns)
    return lambda contact: csv_line(resource.export_resource(contact))


def csv_line(cells: Sequence[Any]) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerow([disarm(cell) if isinstance(cell, str) else cell for cell in cells])
    return target.getvalue().encode()


def json_line(contact: Contact, columns: Iterable[Column]) -> bytes:
    """What the contact has, by the columns' keys; numbers and lists as such, states by name."""
    values = {column.key: value for column in columns if (value := value_of(contact, column)) is not None}
    return orjson.dumps(values) + b"\n"


def value_of(contact: Contact, column: Column) -> Any:
    if column.is_custom:
        return contact.attributes.get(column.custom_key)
    value = getattr(contact, column.key)
    if column.type in STATES and value is not None:
        return STATES[column.type](value).name.lower()
    return value


def note(export: ContactExport, **changed: Any) -> None:
    """How far it is. Raises ``Withdrawn`` where nobody wants the file any more."""
    if not ContactExport.objects.filter(pk=export.pk, status__in=OPEN).update(**changed):
        raise Withdrawn


def finish(export: ContactExport, path: Path, size: int) -> None:
    now = datetime.now(UTC)
    stands = {"stored_name": path.name, "size_bytes": size, "finished_at": now, "expires_at": now + KEPT_FOR}
    note(export, status=ExportStatus.FINISHED, **stands)


def open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# Handing out, and keeping house


def open_file(export_id: int) -> tuple[IO[bytes], str, str] | None:
    """The file, its name and its content type; None where it is gone."""
    export = ContactExport.objects.filter(pk=export_id, status=ExportStatus.FINISHED).first()
    if export is None or not export.expires_at or export.expires_at < datetime.now(UTC):
        return None
    try:
        file = (settings.EXPORTS_DIR / export.stored_name).open("rb")
    except FileNotFoundError:
        return None
    return file, f"contacts-{export.finished_at:%Y-%m-%d}-{export.pk}.{export.format}", CONTENT_TYPES[export.format]


def forget_old_exports(*, now: datetime | None = None) -> int:
    """Remove files that nobody may fetch any more, of expired and withdrawn exports and of killed workers."""
    moment = now or datetime.now(UTC)
    stuck = ContactExport.objects.filter(status__in=OPEN, created_at__lt=moment - KEPT_FOR)
    stuck.update(status=ExportStatus.FAILED, error=_("The export did not come to an end. Export again."))
    wanted = ContactExport.objects.filter(status=ExportStatus.FINISHED, expires_at__gte=moment)
    kept = set(wanted.values_list("stored_name", flat=True))
    folder: Path = settings.EXPORTS_DIR
    gone = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        is_being_written = path.stat().st_mtime > (moment - LEFT_AFTER).timestamp()
        if path.name not in kept and not is_being_written:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
