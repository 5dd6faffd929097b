"""What people do with an import, from the upload to the undo: every verb looks at how it stands, and moves it on.

The work is done by jobs (``contacts.imports.jobs``), enqueued in the transaction that says so. A verb that does not fit
how the import stands raises WrongMoment and changes nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.activity.confirmations import stop_asking
from contacts.identity.old_changes import journal_begins
from contacts.imports import jobs
from contacts.imports.columns import guess_key, lay_out_mapping
from contacts.imports.errors import ChangesForgotten, FileGone, FileUnreadable, WrongMoment
from contacts.imports.files import remove, stored_path
from contacts.imports.links import check_link, name_of_link
from contacts.imports.mapping import (
    Entry,
    guess_mapping,
    guess_options,
    lay_source,
    map_by_names,
    read_columns,
    settle_mapping,
)
from contacts.imports.orders.columns import lay_out_orders
from contacts.imports.orders.mapping import guess_order_mapping, guess_order_options, settle_order_mapping
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.plan import Options
from contacts.imports.sources import Source, describe
from contacts.models import Import, ImportContent, ImportFix, ImportStatus, ImportWish
from crm.errors import CardfileError

__all__ = [
    "ProgressView",
    "again",
    "begin",
    "begin_link",
    "cancel",
    "choose",
    "choose_orders",
    "fix_cell",
    "pause",
    "progress",
    "reread",
    "resume",
    "start",
    "start_preview",
    "start_undo",
    "stop_mails",
    "take_file",
]

S: Final = ImportStatus
OPEN: Final = frozenset({S.UPLOADED, S.PREVIEWED, S.FAILED, S.CANCELLED})
"""Where the file, the mapping and the options may be changed, as long as no row is done."""
ENDED: Final = frozenset({S.FINISHED, S.CANCELLED, S.FAILED, S.PAUSED})
"""Where there may be something to take back."""


# The file and its mapping


def begin(
    stored: str | os.PathLike[str], name: str, *, by: str, content: ImportContent = ImportContent.CONTACTS
) -> Import:
    """An import of a stored file that a person calls ``name``, with what was found out and guessed of it.

    A file that cannot be read at all is removed, and an ImportRefused says why.
    """
    path = Path(stored)
    try:
        source = describe(path, name)
    except CardfileError:
        remove(path.name)
        raise
    run = Import(content=content, file_name=name[-255:], stored_name=path.name, size_bytes=path.stat().st_size, by=by)
    _lay(run, source)
    if _is_of_orders(run):
        run.options = guess_order_options(run.headers).as_json()
    else:
        run.options = guess_options(run.headers, run.mapping).as_json()
    run.save()
    return run


def reread(
    run: Import,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool | None = None,
    sheet: str | None = None,
) -> Import:
    """Read the file in another way; the mapping is guessed anew where the columns are others now."""
    source = describe(
        _path_of(run), run.file_name, encoding=encoding, delimiter=delimiter, has_header=has_header, sheet=sheet
    )
    with _moving(run, OPEN, untouched=True):
        mapping = run.mapping if run.headers == list(source.headers) else None
        _lay(run, source)
        run.mapping = run.mapping if mapping is None else mapping
        run.fixes.all().delete()  # they name rows and columns of the other reading
        _forget_preview(run)
    return run


def choose(run: Import, mapping: Sequence[Entry], options: Options) -> Import:
    """What the columns mean and what is to be done; makes the new custom fields (see ``mapping.Entry``).

    Raises Refused with ``errors``, each with its ``path``: ``mapping.<place>`` or ``options.<name>``.
    """
    with _moving(run, OPEN, untouched=True):
        run.mapping, settled = settle_mapping(run.headers, mapping, options)
        run.options = settled.as_json()
        _forget_preview(run)
    return run


def choose_orders(run: Import, mapping: Sequence[Entry], options: OrderOptions) -> Import:
    """The same for a file of orders; raises what ``choose`` does."""
    with _moving(run, OPEN, untouched=True):
        run.mapping, settled = settle_order_mapping(run.headers, mapping, options)
        run.options = settled.as_json()
        _forget_preview(run)
    return run


def fix_cell(run: Import, *, row: int, column: int, value: str) -> Import:
    """Correct one cell in place; ``row`` as the preview counts, ``column`` from 0. A new preview shows what it does."""
    with _moving(run, OPEN, untouched=True):
        if not 0 <= column < len(run.headers):
            raise WrongMoment(_("The file has no such column. Open the page again."), path="column")
        ImportFix.objects.update_or_create(import_run=run, row=row, column=column, defaults={"value": value})
    return run


def again(run: Import, *, by: str, stored: str | os.PathLike[str] | None = None, name: str = "") -> Import:
    """“Import again with this mapping”: a new import of another stored file, or of the same one where it is kept.

    Columns are known by their headers; the options are those of ``run``.
    """
    new = begin(
        _twin(_path_of(run)) if stored is None else stored,
        name or run.file_name,
        by=by,
        content=ImportContent(run.content),
    )
    if stored is None:
        choices: dict[str, Any] = {"encoding": run.encoding or None, "sheet": run.sheet or None}
        new = reread(new, **choices, delimiter=run.delimiter, has_header=run.has_header)
        fixes = [ImportFix(import_run=new, row=fix.row, column=fix.column, value=fix.value) for fix in run.fixes.all()]
        ImportFix.objects.bulk_create(fixes)
    meant = {entry["header"]: entry for entry in run.mapping}
    new.mapping = [{**entry, **meant.get(entry["header"], {})} for entry in new.mapping]
    new.options = run.options
    new.save(update_fields=["mapping", "options"])
    return new


def _lay(run: Import, source: Source) -> None:
    """What was found out of the file, and what its columns probably mean."""
    lay_source(run, source)
    run.mapping = guess_order_mapping(run.headers) if _is_of_orders(run) else guess_mapping(run.headers)


def _is_of_orders(run: Import) -> bool:
    return run.content == ImportContent.ORDERS


def _forget_preview(run: Import) -> None:
    run.status, run.error, run.wish = S.UPLOADED, "", ""
    run.preview_counts, run.preview_rows_done = None, 0
    jobs.empty_preview(run.pk)


def _path_of(run: Import) -> Path:
    try:
        return stored_path(run.stored_name)
    except FileUnreadable as error:
        raise FileGone from error


def _twin(path: Path) -> Path:
    """The same file under another name, so that either can be removed."""
    twin = path.with_name(secrets.token_hex(16) + path.suffix)
    os.link(path, twin)
    return twin


# Without anybody to ask


def take_file(stored: str | os.PathLike[str], name: str, options: Options, *, by: str) -> Import:
    """Import a stored file at once, its columns known by their names; an empty key is guessed from them.

    Raises what ``begin`` and ``choose`` raise; nothing stays then.
    """
    run = begin(stored, name, by=by)
    try:
        with transaction.atomic():
            key = options.key or _guess_key_by_names(run.headers)
            return start(choose(run, map_by_names(run.headers, key=key), replace(options, key=key)))
    except CardfileError:
        remove(run.stored_name)
        run.delete()
        raise


def _guess_key_by_names(headers: Sequence[str]) -> str:
    return guess_key((entry["target"] for entry in map_by_names(headers, key="")), read_columns())


def begin_link(link: str, options: Options, *, by: str) -> Import:
    """Fetch a file in the background and import it as ``take_file`` does. Raises what ``links.check_link`` does."""
    check_link(link)
    with transaction.atomic():
        run = Import(file_name=name_of_link(link), link=link, options=options.as_json(), by=by)
        run.save()
        _enter(run, S.FETCHING, jobs.fetch_import_job)
        run.save()
    return run


# Preview, run, undo


def start_preview(run: Import) -> Import:
    """Look at every row in the background; nothing is written but the preview. Raises Refused as ``choose`` does."""
    with _moving(run, OPEN, untouched=True):
        _check_ready(run)
        run.preview_counts, run.preview_rows_done = None, 0
        _enter(run, S.PREVIEWING, jobs.preview_import_job)
    return run


def start(run: Import) -> Import:
    """Import the file in the background."""
    with _moving(run, OPEN, untouched=True):
        _check_ready(run)
        _enter(run, S.QUEUED, jobs.run_import_job)
    return run


def pause(run: Import) -> Import:
    """Stop after the batch that is under way, until somebody resumes."""
    with _moving(run, {S.QUEUED, S.RUNNING}):
        if run.status == S.QUEUED:
            run.status = S.PAUSED
        elif run.wish != ImportWish.CANCEL:
            run.wish = ImportWish.PAUSE
    return run


def resume(run: Import) -> Import:
    """Go on where it stopped: after a pause, or after something failed."""
    with _moving(run, {S.PAUSED, S.RUNNING, S.FAILED}):
        if run.undo_total is not None or (run.status == S.RUNNING and run.wish != ImportWish.PAUSE):
            raise WrongMoment(status=run.status)
        if run.status == S.RUNNING:
            run.wish = ""
        else:
            _check_ready(run)
            _enter(run, S.QUEUED, jobs.run_import_job)
    return run


def cancel(run: Import) -> Import:
    """Stop for good: a preview as if it had not begun, a run after the batch that is under way; what is done stays."""
    with _moving(run, {S.FETCHING, S.PREVIEWING, S.QUEUED, S.RUNNING, S.PAUSED}):
        if run.status in (S.PREVIEWING, S.RUNNING):
            run.wish = ImportWish.CANCEL
        else:
            run.status, run.finished_at = S.CANCELLED, datetime.now(UTC)
            jobs.empty_preview(run.pk)
            stop_asking(run.pk)
    return run


def stop_mails(run: Import) -> Import:
    """Confirmations that wait for their turn are not asked for any more."""
    with _moving(run, {S.FINISHED}):
        stop_asking(run.pk)
    return run


def start_undo(run: Import, *, by: str) -> Import:
    """Take back in the background what the import did; after a failure it goes on where it stopped."""
    with _moving(run, ENDED):
        if not run.rows_done:
            raise WrongMoment(_("This import changed nothing, so there is nothing to take back."), status=run.status)
        _check_journal(run)
        stop_asking(run.pk)
        run.undo_by = by
        _enter(run, S.UNDOING, jobs.undo_import_job)
    return run


@contextmanager
def _moving(run: Import, allowed: Collection[str], *, untouched: bool = False) -> Iterator[None]:
    """Holds the import's row while a verb looks at it and changes it, so that two verbs, or one and a job, do not meet.

    ``run`` is as the database has it, and is saved at the end. ``untouched``: only before any row is done.
    """
    with transaction.atomic():
        Import.objects.select_for_update().get(pk=run.pk)
        run.refresh_from_db()
        if run.status not in allowed or (untouched and run.rows_done):
            raise WrongMoment(status=run.status)
        yield
        run.save()


def _check_journal(run: Import) -> None:
    """What it did is known by the journal alone; raises ``ChangesForgotten``."""
    begins, ended = journal_begins(), run.finished_at or run.created_at
    if begins is not None and ended < begins:
        raise ChangesForgotten


def _check_ready(run: Import) -> None:
    """The file is there and its mapping holds; raises FileGone or Refused."""
    _path_of(run)
    targets = [entry["target"] for entry in run.mapping]
    if _is_of_orders(run):
        lay_out_orders(run.headers, targets, OrderOptions.from_json(run.options))
        return
    lay_out_mapping(run.headers, targets, read_columns(), key=Options.from_json(run.options).key)


def _enter(run: Import, status: ImportStatus, job: Any) -> None:
    run.status, run.wish, run.error, run.finished_at = status, "", "", None
    run.attempts, run.taken_up_at = 0, None
    job.defer(import_id=run.pk)


# How far it is


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far an import is with what it does now. ``rows_per_second`` is 0 and ``seconds_left`` None where unknown."""

    rows: int
    total: int | None
    rows_per_second: float
    seconds_left: float | None
    status: str
    counts: Mapping[str, int]


def progress(run: Import, *, now: datetime | None = None) -> ProgressView:
    """Of the preview, the run or the undo, whichever the import is at or came to last."""
    rows, total, counts = _place_of(run)
    speed, left = 0.0, None
    if run.status in jobs.ACTIVE and run.taken_up_at is not None:
        seconds = ((now or datetime.now(UTC)) - run.taken_up_at).total_seconds()
        first = 0 if run.status == S.PREVIEWING else run.taken_up_rows  # a preview begins anew
        speed = max(0.0, (rows - first) / seconds) if seconds > 0 else 0.0
        left = (total - rows) / speed if total is not None and speed else None
    elif run.run_seconds and run.status not in jobs.ACTIVE:
        speed = run.rows_done / run.run_seconds
    return ProgressView(rows, total, speed, left, run.status, counts)


def _place_of(run: Import) -> tuple[int, int | None, Mapping[str, int]]:
    if run.status in (S.PREVIEWING, S.PREVIEWED):
        return run.preview_rows_done, run.rows_total, run.preview_counts or {}
    if run.status in (S.UNDOING, S.UNDONE):
        return run.undo_done, run.undo_total, run.undo_counts or {}
    return run.rows_done, run.rows_total, run.counts
