"""The verb: a file becomes contacts, every row applied exactly once, whatever happens on the way.

1. Look at every byte (digest, encoding) and at the header: what is wrong with the whole file is said before anything
is written. 2. Claim the import: a lock held by this process on a connection of its own. 3. Take it up where it stopped.
4. Resolve batch by batch; the batch's own transaction moves the import's progress, its counts, its bad rows and its
effects. 5. Finish, or stop where somebody wished it.

``run_import`` does so for a file that lies somewhere, at once (the command); ``carry_out`` for an import that people
prepared, on the worker, where its job holds the claim.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection, transaction
from django.db.models import F

from contacts.activity.confirmations import stop_asking
from contacts.identity import Mode, Outcome, Plan, rehearse_stream, resolve_stream
from contacts.identity.plain import counted, first_ref, notable
from contacts.identity.settings import read_settings
from contacts.identity.waiting import do_small_writers_wait
from contacts.imports.batches import Job, read_batches
from contacts.imports.columns import Layout, lay_out, lay_out_mapping
from contacts.imports.effects import Effects
from contacts.imports.errors import FileChanged, ImportRunning, NoRows, ReaderDied
from contacts.imports.failures import errors_path_of, problem_rows, write_errors_file
from contacts.imports.files import stored_path
from contacts.imports.plan import Options
from contacts.imports.reading import FileScan, Readable, open_rows, scan_file
from contacts.imports.sources import Source, as_table, open_table
from contacts.keys import Kind
from contacts.models import Import, ImportRow, ImportStatus, ImportWish
from contacts.sheaf import Sheaf
from crm.claims import claiming, may_claim

__all__ = [
    "COUNTED",
    "ImportReport",
    "Opened",
    "Progress",
    "Tell",
    "added",
    "begin_run",
    "carry_out",
    "claimed",
    "count_rows",
    "finish",
    "move_on",
    "note_file",
    "open_file",
    "open_import",
    "run_import",
    "wait_for_claim",
    "zeros",
]

COUNTED: Final = ("created", "updated", "unchanged", "restored", "merged", "skipped", "failed", "rows")
"""What is counted: outcomes, contacts that were merged on the way, and rows; deletions where the mode is to delete."""
SHORT_BATCH: Final = 100
"""Rows a transaction while single calls wait for them (decision 0025)."""
LOOK_SECONDS: Final = 0.05
"""How long after looking whether single calls wait for our batches we look again."""
CALM_SECONDS: Final = 1.0
"""How long none must have been seen waiting before batches are long again."""
CLAIM_SECONDS: Final = 2.0
"""How long the database may take to notice that the process which had the claim was killed."""


class ImportReport(NamedTuple):
    """What became of a file. ``rows_before`` rows had been done by a run that was interrupted."""

    import_id: int | None
    counts: dict[str, int]
    errors_path: Path | None
    rows_before: int
    seconds: float


class Progress(NamedTuple):
    """How far an import is; ``lines`` of the file are an upper bound of its rows."""

    rows: int
    rows_before: int
    lines: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        return (self.rows - self.rows_before) / self.seconds if self.seconds else 0.0


Tell = Callable[[Progress], None]


def run_import(
    path: str | os.PathLike[str], options: Options, *, by: str, dry_run: bool = False, tell: Tell | None = None
) -> ImportReport:
    """Import a file of any kind; raises ImportRefused when it cannot be as a whole.

    ``by`` is who started it, as ``kind:id``; what it writes is by ``import:<its id>``. An import that was interrupted
    goes on where it stopped, when the same file comes with the same options. A row is read by the fields, the policy's
    limits and the junk values that stood when this run began. A dry run counts what the run would, and writes
    nothing, not even a trace of itself.
    """
    started = time.monotonic()
    with as_table(path, has_header=True) as (table, source):
        scan = scan_file(table)
        job = prepare(scan, source, options)
        if dry_run:
            counts = count_dry(job, options, scan, tell)
            return ImportReport(None, counts, None, 0, time.monotonic() - started)
        with claimed(scan.digest):
            run = take_up(path, scan, source, job, options, by=by)
            before = run.rows_done
            with noting_failure(run):
                stopped = apply_file(run, job._replace(skip=before), scan.lines, tell)
            errors_path = write_errors_file(run.pk, errors_path_of(path))
            finish(run, stopped)
    return ImportReport(run.pk, added(run.counts, (), options), errors_path, before, time.monotonic() - started)


def carry_out(run: Import, *, tell: Tell | None = None) -> str:
    """Apply the rest of an import's rows, until the end or somebody's wish (which is returned, '' at the end).

    Its job holds the claim. Raises an ImportRefused where the file or the mapping do not hold any more.
    """
    job, scan, options = open_import(run)
    if not begin_run(run, zeros(options)):
        return ImportWish.PAUSE  # somebody stopped it before it began
    stopped = run.wish or apply_file(run, job._replace(skip=run.rows_done), scan.lines, tell)
    finish(run, stopped)
    return stopped


def begin_run(run: Import, counts: Mapping[str, int]) -> bool:
    """It runs from now on, with these counts unless it ran before; False where it is not wanted any more."""
    first = {"started_at": datetime.now(UTC), "counts": counts}
    waiting = Import.objects.filter(pk=run.pk, status__in=(ImportStatus.QUEUED, ImportStatus.RUNNING))
    if not waiting.update(status=ImportStatus.RUNNING, error="", **(first if run.started_at is None else {})):
        return False
    run.refresh_from_db()
    return True


class Opened(NamedTuple):
    """An import with all that is needed to read its rows."""

    job: Job
    scan: FileScan
    options: Options


def open_import(run: Import) -> Opened:
    """The table of an import that people prepared, as its mapping reads it; counts its rows the first time.

    Raises FileUnreadable, FileChanged (the rows would not be the same), NoRows, and Refused for a mapping that does not
    hold any more.
    """
    scan, fixes = open_file(run)
    options = Options.from_json(run.options)
    schema = read_settings().schema
    targets = [entry["target"] for entry in run.mapping]
    layout = lay_out_mapping(run.headers, targets, schema.columns.values(), key=options.key)
    plan = options.plan()
    job = Job(scan.path, scan.stamp, run.delimiter, layout, schema, plan.key)
    job = job._replace(has_header=run.has_header, fixes=fixes)
    note_file(run, scan, lambda: count_rows(job))
    return Opened(job, scan, options)


def open_file(run: Import) -> tuple[FileScan, dict[int, dict[int, str]]]:
    """The table of an import that people prepared, and its corrected cells by row and column."""
    source = Source(run.kind, run.encoding, run.delimiter, run.has_header, run.sheet)
    scan = scan_file(open_table(stored_path(run.stored_name), source))
    if run.file_digest and scan.digest != run.file_digest:
        raise FileChanged
    fixes: dict[int, dict[int, str]] = {}
    for row, column, value in run.fixes.values_list("row", "column", "value"):
        fixes.setdefault(row, {})[column] = value
    return scan, fixes


def note_file(run: Import, scan: FileScan, count: Callable[[], int]) -> None:
    """Know the file again, and how many rows it has, which is counted the first time. Raises NoRows."""
    known = run.file_digest, run.rows_total
    if run.rows_total is None:
        run.rows_total = count()
    if not run.rows_total:
        raise NoRows
    if known != (scan.digest, run.rows_total):
        Import.objects.filter(pk=run.pk).update(file_digest=scan.digest, rows_total=run.rows_total)


def count_rows(job: Readable) -> int:
    """How many rows there are, blank lines and the header not counted."""
    return max(0, sum(1 for row in open_rows(job.path, job.delimiter, job.stamp) if row) - job.has_header)


def prepare(scan: FileScan, source: Source, options: Options) -> Job:
    """What the reader must know: delimiter, what each column means by its header, the account's settings."""
    schema = read_settings().schema
    layout = lay_out(source.headers, schema.columns.values(), key=options.key)
    job = Job(scan.path, scan.stamp, source.delimiter, layout, schema, options.plan().key)
    filled = (row for row in open_rows(job.path, job.delimiter, job.stamp) if row)
    if next(islice(filled, 1, None), None) is None:
        raise NoRows
    return job


# 2. and 3. One run at a time, and the same one until it is finished


@contextlib.contextmanager
def claimed(name: str) -> Iterator[None]:
    """Nobody else has this claim meanwhile."""
    with claiming() as own:
        wait_for_claim(own, name)
        yield


def wait_for_claim(own: psycopg.Connection[Any], name: str) -> None:
    deadline = time.monotonic() + CLAIM_SECONDS
    while not may_claim(own, name):
        if time.monotonic() > deadline:
            raise ImportRunning
        time.sleep(0.1)


CLOSED: Final = (ImportStatus.FINISHED, ImportStatus.CANCELLED, ImportStatus.UNDOING, ImportStatus.UNDONE)


def take_up(
    path: str | os.PathLike[str], scan: FileScan, source: Source, job: Job, options: Options, *, by: str
) -> Import:
    """The unfinished import of this file with these options, else a new one. Nobody runs it: we hold the claim."""
    unfinished = Import.objects.filter(file_digest=scan.digest, options=options.as_json(), stored_name="")
    with transaction.atomic():  # the lock waits for a batch whose process was killed while it was committing
        run = unfinished.exclude(status__in=CLOSED).order_by("-pk").select_for_update().first()
        if run is not None:
            Import.objects.filter(pk=run.pk).update(status=ImportStatus.RUNNING, error="", wish="")
            return run
    headers, targets = job.layout
    return Import.objects.create(
        file_name=Path(path).name[-255:],
        file_digest=scan.digest,
        size_bytes=scan.stamp.size,
        kind=source.kind,
        encoding=source.encoding,
        delimiter=source.delimiter,
        sheet=source.sheet,
        headers=list(headers),
        mapping=[
            {"header": header, "target": target, "overwrite": True}
            for header, target in zip(headers, targets, strict=True)
        ],
        options=options.as_json(),
        counts=zeros(options),
        status=ImportStatus.RUNNING,
        by=by,
        started_at=datetime.now(UTC),
    )


@contextlib.contextmanager
def noting_failure(run: Import) -> Iterator[None]:
    """A file that turned out unreadable on the way says so on its import; the same command can take it up again."""
    try:
        yield
    except (FileChanged, ReaderDied) as error:
        Import.objects.filter(pk=run.pk).update(status=ImportStatus.FAILED, error=error.message)
        raise


STOPPED: Final[Mapping[str, ImportStatus]] = {
    ImportWish.PAUSE: ImportStatus.PAUSED,
    ImportWish.CANCEL: ImportStatus.CANCELLED,
}


def finish(run: Import, wish: str = "") -> None:
    """What an import is when it stops, of itself or by a wish; a wish that came after the last row is void."""
    status = STOPPED.get(wish, ImportStatus.FINISHED)
    changed: dict[str, Any] = {"status": status, "wish": ""}
    if status != ImportStatus.PAUSED:
        changed["finished_at"] = datetime.now(UTC)
    if status == ImportStatus.FINISHED:
        changed["rows_total"] = F("rows_done")
    Import.objects.filter(pk=run.pk).update(**changed)
    if status == ImportStatus.CANCELLED:
        stop_asking(run.pk)
    run.refresh_from_db()


# 4. Batch by batch


def apply_file(run: Import, job: Job, lines: int, tell: Tell | None) -> str:
    """Apply the rows from ``job.skip`` on; returns the wish that stopped it, '' at the end of the file."""
    options = Options.from_json(run.options)
    says_consent = job.layout.consent_place is not None
    places = _Places(job.skip, says_consent=says_consent, names_email=options.confirm_emails)
    note = _Notes(run.pk, places, job.layout, options)
    done, started = job.skip, time.monotonic()
    with contextlib.closing(read_batches(job, lines=lines)) as batches:
        stream = resolve_stream(
            places.noted(note.cut(batches)), options.plan(run.pk), by=f"import:{run.pk}", within=note
        )
        with contextlib.closing(stream):
            for outcomes in stream:
                done += len(outcomes)
                if tell is not None:
                    tell(Progress(done, job.skip, lines, time.monotonic() - started))
                if note.wish:
                    return note.wish
    return ""


class _Places:
    """How many rows of the file come before each that is on its way (blank lines are no rows), who consents, and which
    email they name, where somebody asks for it.

    Batches are noted by the thread that reads and asked for by the one that writes, which is at most two behind.
    """

    def __init__(self, done: int, *, says_consent: bool, names_email: bool) -> None:
        self.next = done
        self.says_consent = says_consent
        self.names_email = names_email
        self.recent: deque[tuple[dict[int, int], dict[int, bool], dict[int, str]]] = deque(maxlen=4)

    def noted(self, batches: Iterable[Sheaf]) -> Iterator[Sheaf]:
        for batch in batches:
            places = {ref: place for place, ref in enumerate(batch.refs, self.next)}
            consents = {record.ref: record.consent for record in batch} if self.says_consent else {}
            emails = {record.ref: record.key_of(Kind.EMAIL) for record in batch} if self.names_email else {}
            said = {ref: consent for ref, consent in consents.items() if consent is not None}
            self.recent.append((places, said, {ref: key[2] for ref, key in emails.items() if key is not None}))
            self.next += len(batch)
            yield batch

    def of(self, outcomes: Sequence[Outcome]) -> tuple[int, Mapping[int, bool], Mapping[int, str]]:
        """The place of the first of these rows, and the consents and emails of their batch."""
        first = first_ref(outcomes)
        found = next(recent for recent in tuple(self.recent) if first in recent[0])
        return found[0][first], found[1], found[2]


class _Notes:
    """Within the transaction that writes rows: how far we are, the counts, the bad rows, what else the import does.

    ``wish`` is what somebody wished meanwhile.
    """

    def __init__(self, import_id: int, places: _Places, layout: Layout, options: Options) -> None:
        self.import_id = import_id
        self.places = places
        self.layout = layout
        self.options = options
        self.effects = Effects(import_id, options, consent_by_column=layout.consent_place is not None)
        self.wish = ""
        self.noted_at = time.monotonic()
        self.looked_at = self.waited_for_at = -CALM_SECONDS

    def cut(self, batches: Iterable[Sheaf]) -> Iterator[Sheaf]:
        """The batches, in pieces while single calls wait for them."""
        for batch in batches:
            is_calm = time.monotonic() - self.waited_for_at >= CALM_SECONDS
            yield from [batch] if is_calm else batch.cut(SHORT_BATCH)

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        place, consents, emails = self.places.of(outcomes)
        self.move_on(place, outcomes)
        self.look_who_waits()
        bad = list(problem_rows(self.import_id, notable(outcomes), self.layout))
        if bad:
            ImportRow.objects.bulk_create(bad, batch_size=2_000)
        self.effects.write(outcomes, consents, emails)

    def look_who_waits(self) -> None:
        now = time.monotonic()
        if now - self.looked_at > LOOK_SECONDS:
            self.looked_at = now
            if do_small_writers_wait():
                self.waited_for_at = now

    def move_on(self, place: int, outcomes: Sequence[Outcome]) -> None:
        now = time.monotonic()
        counts = added({}, outcomes, self.options)
        self.wish = move_on(self.import_id, place, len(outcomes), counts, now - self.noted_at)
        self.noted_at = now


_MOVE_ON: Final = """
UPDATE contacts_import SET rows_done = rows_done + %s, run_seconds = run_seconds + %s,
    counts = counts || (
        SELECT jsonb_object_agg(new.key, coalesce((counts ->> new.key)::bigint, 0) + new.value::bigint)
        FROM jsonb_each_text(%s::jsonb) AS new)
WHERE id = %s AND rows_done = %s RETURNING wish, set_config('synchronous_commit', 'off', true)
"""


def move_on(import_id: int, place: int, rows: int, counts: Mapping[str, int], seconds: float) -> str:
    """Within the transaction that writes rows: so many more are done, counted so; gives what somebody wishes.

    ``place`` is how many rows must have been done before. If another process moved on (our claim was lost with its
    connection), this transaction must not write them again (exactly once). Nor need it wait for the disk: what a crash
    of the server takes of the rows, it takes of the progress.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, [rows, seconds, json.dumps(counts), import_id, place])
        row = cursor.fetchone()
    if row is None:
        raise ImportRunning
    return str(row[0])


def count_dry(job: Job, options: Options, scan: FileScan, tell: Tell | None) -> dict[str, int]:
    counts, started = zeros(options), time.monotonic()
    plan: Plan = options.plan()
    with contextlib.closing(read_batches(job, lines=scan.lines)) as batches:
        for outcomes in rehearse_stream(batches, plan, by="import:dry-run"):
            counts = added(counts, outcomes, options)
            if tell is not None:
                tell(Progress(counts["rows"], 0, scan.lines, time.monotonic() - started))
    return counts


def zeros(options: Options) -> dict[str, int]:
    """Nothing counted yet."""
    return dict.fromkeys((*COUNTED, "deleted") if options.mode == Mode.DELETE else COUNTED, 0)


def added(counts: Mapping[str, int], outcomes: Sequence[Outcome], options: Options) -> dict[str, int]:
    """The counts with these outcomes among them."""
    total = {name: counts.get(name, 0) for name in zeros(options)}
    for status, count in counted(outcomes).items():
        total[status.value] = total.get(status.value, 0) + count
    total["merged"] += sum(len(outcome.merged) for outcome in notable(outcomes))
    total["rows"] += len(outcomes)
    return total
