"""The verb: a file becomes contacts, every row applied exactly once, whatever happens on the way.

1. Look at every byte (digest, encoding) and at the header: what is wrong with the whole file is said before anything
is written. 2. Claim the file: a lock held by this process on a connection of its own. 3. Take up the unfinished import
of this file with these options, or begin one. 4. Resolve batch by batch; the batch's own transaction moves the import's
progress, its counts and its bad rows. 5. Write the errors file and finish.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection, transaction

from contacts.identity import Outcome, Plan, resolve, resolve_stream
from contacts.identity.settings import read_settings
from contacts.imports.batches import Job, read_batches
from contacts.imports.columns import lay_out, target_of
from contacts.imports.errors import FileChanged, ImportRunning, NoRows, ReaderDied
from contacts.imports.failures import errors_path_of, problem_rows, write_errors_file
from contacts.imports.plan import Options
from contacts.imports.reading import FileScan, find_header, scan_file
from contacts.models import Import, ImportRow, ImportStatus
from contacts.records import Record

__all__ = ["COUNTED", "ImportReport", "Progress", "run_import"]

COUNTED: Final = ("created", "updated", "unchanged", "restored", "merged", "skipped", "failed", "rows")
"""What is counted: outcomes, contacts that were merged on the way, and rows."""
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
    """Import a CSV file; raises ImportRefused when the file as a whole cannot be.

    ``by`` is who started it, as ``kind:id``; what it writes is by ``import:<its id>``. An import that was interrupted
    goes on where it stopped, when the same file comes with the same options. A row is read by the fields, the policy's
    limits and the junk values that stood when this run began. A dry run writes nothing, not even a trace of itself; in
    it rows see the effect of earlier rows of the same thousand only, so that a contact which is named again further
    down is counted as created twice.
    """
    started = time.monotonic()
    scan = scan_file(path)
    job = prepare(scan, options)
    if dry_run:
        counts = count_dry(job, options, scan, tell)
        return ImportReport(None, counts, None, 0, time.monotonic() - started)
    with claimed(scan.digest):
        run = take_up(path, scan, options, by=by)
        before = run.rows_done
        with noting_failure(run):
            apply_file(run, job._replace(skip=before), options, scan, tell)
        errors_path = write_errors_file(run.pk, errors_path_of(path))
        finish(run)
    return ImportReport(run.pk, added(run.counts, ()), errors_path, before, time.monotonic() - started)


def prepare(scan: FileScan, options: Options) -> Job:
    """What the reader must know: delimiter, what each column means, the account's settings."""
    schema = read_settings().schema
    columns = tuple(schema.columns.values())
    header = find_header(scan.path, lambda name: target_of(name, columns) is not None)
    layout = lay_out(header.names, columns, key=options.key)
    if not header.has_rows:
        raise NoRows
    return Job(scan.path, scan.stamp, header.delimiter, layout, schema)


# 2. and 3. One run at a time, and the same one until it is finished


@contextlib.contextmanager
def claimed(digest: str) -> Iterator[None]:
    """Nobody else imports this file meanwhile. The lock goes with its connection: a killed process holds nothing."""
    number = int.from_bytes(hashlib.blake2b(f"import:{digest}".encode(), digest_size=8).digest(), "big", signed=True)
    own: psycopg.Connection[Any] = psycopg.connect(**{**connection.get_connection_params(), "autocommit": True})
    try:
        deadline = time.monotonic() + CLAIM_SECONDS
        while not own.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()[0]:  # type: ignore[index]
            if time.monotonic() > deadline:
                raise ImportRunning
            time.sleep(0.1)
        yield
    finally:
        own.close()


def take_up(path: str | os.PathLike[str], scan: FileScan, options: Options, *, by: str) -> Import:
    """The unfinished import of this file with these options, else a new one. Nobody runs it: we hold the claim."""
    unfinished = Import.objects.filter(file_digest=scan.digest, options=options.as_json())
    with transaction.atomic():  # the lock waits for a batch whose process was killed while it was committing
        run = unfinished.exclude(status=ImportStatus.FINISHED).order_by("-pk").select_for_update().first()
        if run is not None:
            Import.objects.filter(pk=run.pk).update(status=ImportStatus.RUNNING, error="")
            return run
    return Import.objects.create(
        file_name=Path(path).name[-255:],
        file_digest=scan.digest,
        options=options.as_json(),
        counts=dict.fromkeys(COUNTED, 0),
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


def finish(run: Import) -> None:
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.FINISHED, finished_at=datetime.now(UTC))
    run.refresh_from_db()


# 4. Batch by batch


def apply_file(run: Import, job: Job, options: Options, scan: FileScan, tell: Tell | None) -> None:
    places = _Places(job.skip)
    done, started = job.skip, time.monotonic()

    def note(outcomes: Sequence[Outcome]) -> None:
        note_progress(run.pk, places.of(outcomes), outcomes, job)

    with contextlib.closing(read_batches(job, lines=scan.lines)) as batches:
        for outcomes in resolve_stream(places.noted(batches), options.plan(run.pk), by=f"import:{run.pk}", within=note):
            done += len(outcomes)
            if tell is not None:
                tell(Progress(done, job.skip, scan.lines, time.monotonic() - started))


class _Places:
    """How many rows of the file come before each that is on its way; blank lines are no rows.

    Batches are noted by the thread that reads and asked for by the one that writes, which is at most two behind.
    """

    def __init__(self, done: int) -> None:
        self.next = done
        self.recent: deque[dict[int, int]] = deque(maxlen=4)

    def noted(self, batches: Iterable[list[Record]]) -> Iterator[list[Record]]:
        for batch in batches:
            self.recent.append({record.ref: place for place, record in enumerate(batch, self.next)})
            self.next += len(batch)
            yield batch

    def of(self, outcomes: Sequence[Outcome]) -> int:
        """The place of the first of these rows."""
        first = outcomes[0].ref
        return next(places[first] for places in tuple(self.recent) if first in places)


def note_progress(import_id: int, place: int, outcomes: Sequence[Outcome], job: Job) -> None:
    """Within the transaction that writes these rows: how far we are, the counts, the bad rows.

    ``place`` is how many rows must have been done before. If another process moved on (our claim was lost with its
    connection), this transaction must not write them again (exactly once).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_import SET rows_done = rows_done + %s, counts = ("
            " SELECT jsonb_object_agg(new.key, coalesce((counts ->> new.key)::bigint, 0) + new.value::bigint)"
            " FROM jsonb_each_text(%s::jsonb) AS new) WHERE id = %s AND rows_done = %s",
            [len(outcomes), json.dumps(added({}, outcomes)), import_id, place],
        )
        if not cursor.rowcount:
            raise ImportRunning
    bad = list(problem_rows(import_id, outcomes, job.layout))
    if bad:
        ImportRow.objects.bulk_create(bad, batch_size=2_000)


def count_dry(job: Job, options: Options, scan: FileScan, tell: Tell | None) -> dict[str, int]:
    counts, started = dict.fromkeys(COUNTED, 0), time.monotonic()
    plan: Plan = options.plan()
    with contextlib.closing(read_batches(job, lines=scan.lines)) as batches:
        for batch in batches:
            counts = added(counts, resolve(batch, plan, by="import:dry-run", dry_run=True))
            if tell is not None:
                tell(Progress(counts["rows"], 0, scan.lines, time.monotonic() - started))
    return counts


def added(counts: dict[str, int], outcomes: Sequence[Outcome]) -> dict[str, int]:
    total = {name: counts.get(name, 0) for name in COUNTED}
    for status, count in Counter(outcome.status for outcome in outcomes).items():
        total[status.value] = total.get(status.value, 0) + count
    total["merged"] += sum(len(outcome.merged) for outcome in outcomes)
    total["rows"] += len(outcomes)
    return total
