"""Contacts → a file in the background, of any size in constant memory: asked for, written, handed out, forgotten.

Who is in it is decided once, when writing begins; each contact is read as it is at its turn. A worker that was killed
leaves nothing: the file is written anew. Files are private to this service, have names of our own, and go after a day.
Whoever asked for one may cancel it until it is there.
"""

from __future__ import annotations

import errno
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from contacts import populations
from contacts.columns import Column, all_columns
from contacts.exports.errors import ColumnUnknown, DiskFull, ExportIsOver, MayNotCancel, MayNotExport, Withdrawn
from contacts.exports.formats import ContactWriter, content_type_of, open_writer, split_ending
from contacts.models import Contact, ContactExport, ContactState, CustomField, ExportStatus
from contacts.selections import Selection
from crm.jobs import app

__all__ = ["OPEN", "cancel_export", "forget_old_exports", "may_cancel", "open_file", "start_export", "write_export"]

KEPT_FOR: Final = timedelta(days=1)
LEFT_AFTER: Final = timedelta(minutes=30)
CHUNK: Final = 2_000
JOB: Final = "contacts.exports.write"
OPEN: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING)
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
PERMISSION: Final = "contacts.export_contact"

ONLY_ACTIVE: Final = (ContactState.ACTIVE,)
ANY_SHEET: Final = (ContactState.ACTIVE, ContactState.DELETED)
"""Of a selection, which says itself whether it means deleted contacts."""

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

    ``format`` is the file's ending, such as csv or xlsx.zip; ``columns`` are keys of the registry or their names on
    the wire, none for all that can be read. Raises ``FormatUnknown``, ``ColumnUnknown``, ``MayNotExport``.
    """
    split_ending(format)
    wanted = choose_columns(columns)
    require_right(by)
    with transaction.atomic():
        export = ContactExport.objects.create(
            population=population,
            selection=selection.as_json() if selection is not None else None,
            format=format,
            columns=[column.key for column in wanted] if columns else [],
            by=by,
        )
        app.configure_task(JOB, allow_unknown=True, queue="exports").defer(export_id=export.pk)
    return export


def choose_columns(names: Sequence[str]) -> list[Column]:
    readable = [column for column in all_columns(CustomField.objects.all()) if column.read]
    known = {name: column for column in readable for name in (column.wire or column.key, column.key)}
    for place, name in enumerate(names):
        if name not in known:
            raise ColumnUnknown(path=f"columns[{place}]", column=name)
    return list(dict.fromkeys(known[name] for name in names)) if names else readable


def require_right(by: str) -> None:
    """The second wall behind that of each door: whoever may not export does not, by whatever way they came here."""
    kind, _colon, number = by.partition(":")
    if kind != "user":
        return
    user = get_user_model().objects.filter(pk=number).first() if number.isdecimal() else None
    if user is None or not user.has_perm(PERMISSION):
        raise MayNotExport


# Cancelling


def may_cancel(export: ContactExport, *, by: str, is_administrator: bool) -> bool:
    """Whoever asked for it, and administrators, who answer for whatever is under way."""
    return is_administrator or export.by == by


def cancel_export(export: ContactExport, *, by: str, is_administrator: bool = False) -> ContactExport:
    """Stop it for good, whether it waits or is being written; nothing of its file stays.

    Raises ``MayNotCancel``, and ``ExportIsOver`` where it came to an end meanwhile.
    """
    if not may_cancel(export, by=by, is_administrator=is_administrator):
        raise MayNotCancel
    stands = {"status": ExportStatus.CANCELLED, "finished_at": datetime.now(UTC)}
    if not ContactExport.objects.filter(pk=export.pk, status__in=OPEN).update(**stands):
        raise ExportIsOver
    export.refresh_from_db()
    remove_file(export.stored_name)  # of a killed worker, too; one that lives finds out when it says how far it is
    return export


# Writing


def write_export(export: ContactExport) -> None:
    """Write the file; what it was before is written anew. Raises ``DiskFull``, ``MayNotExport``, ``Withdrawn``."""
    require_right(export.by)
    columns = choose_columns(export.columns)
    ids = list_members(export)
    total, left_behind = ids.count(), export.stored_name
    with new_file(export.format) as (path, file):
        take_up(export, path, total)
        remove_file(left_behind)
        with open_writer(file, export.format, columns, name=name_of(export, datetime.now(UTC))) as writer:
            write_all(export, writer, ids.iterator(chunk_size=CHUNK))
        file.flush()
        os.fsync(file.fileno())
        finish(export, file.tell())


@contextmanager
def new_file(ending: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file of a name of our own, that nobody else can read; nothing stays of one that was not finished."""
    settings.EXPORTS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = settings.EXPORTS_DIR / f"{secrets.token_hex(16)}.{ending}"
    try:
        with open(path, "xb", opener=open_privately) as file:
            yield path, file
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise DiskFull from error
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


def write_all(export: ContactExport, writer: ContactWriter, ids: Iterator[int]) -> None:
    states = ONLY_ACTIVE if export.selection is None else ANY_SHEET
    done = 0
    while chunk := list(itertools.islice(ids, CHUNK)):
        contacts = list(Contact.objects.filter(pk__in=chunk, state__in=states).order_by("pk"))
        writer.write(contacts)
        done += len(contacts)
        note(export, rows_done=done)


def name_of(export: ContactExport, at: datetime) -> str:
    """Of the file that is handed out, without its ending."""
    return f"contacts-{at:%Y-%m-%d}-{export.pk}"


def take_up(export: ContactExport, path: Path, total: int) -> None:
    """The file is the one that whoever took it up last writes: a worker that only slept may come back (``note``)."""
    stands = {"stored_name": path.name, "rows_total": total, "rows_done": 0, "started_at": datetime.now(UTC)}
    wanted = ContactExport.objects.filter(pk=export.pk, status__in=OPEN)
    if not wanted.update(status=ExportStatus.RUNNING, **stands):
        raise Withdrawn
    export.stored_name = path.name


def note(export: ContactExport, **changed: Any) -> None:
    """How far it is. Raises ``Withdrawn`` where nobody wants the file any more, or another worker writes it."""
    ours = ContactExport.objects.filter(pk=export.pk, status__in=OPEN, stored_name=export.stored_name)
    if not ours.update(**changed):
        raise Withdrawn


def finish(export: ContactExport, size: int) -> None:
    now = datetime.now(UTC)
    note(export, status=ExportStatus.FINISHED, size_bytes=size, finished_at=now, expires_at=now + KEPT_FOR)


def remove_file(stored_name: str) -> None:
    """Of an export that has one."""
    if stored_name:
        (settings.EXPORTS_DIR / stored_name).unlink(missing_ok=True)


def open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# Handing out, and keeping house


class HandedOut(NamedTuple):
    """A file that is there, the name it goes out by, and of how many contacts it is."""

    file: IO[bytes]
    name: str
    content_type: str
    contacts: int


def open_file(export_id: int) -> HandedOut | None:
    """None where it is gone, or nobody may have it any more."""
    export = ContactExport.objects.filter(pk=export_id, status=ExportStatus.FINISHED).first()
    if export is None or not export.expires_at or export.expires_at < datetime.now(UTC):
        return None
    try:
        file = (settings.EXPORTS_DIR / export.stored_name).open("rb")
    except FileNotFoundError:
        return None
    name = name_of(export, export.finished_at or export.expires_at)
    return HandedOut(file, f"{name}.{export.format}", content_type_of(export.format), export.rows_done)


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
