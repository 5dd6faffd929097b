"""Rows → sheaves of normalised records, read ahead by a process of its own (pure).

Reading and normalising cost as much as resolving, so that a second process does them: it holds no database, no Django
and no more than a few batches, and waits in its pipe until they are wanted. It is a fresh interpreter, not a fork: a
fork would share the sockets and threads of its parent, and keep its locks alive after a kill -9.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import marshal
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from contacts.columns import Column
from contacts.formulas import unquoted
from contacts.imports.columns import CONSENT, Layout
from contacts.imports.errors import FileChanged, ReaderDied
from contacts.imports.reading import Row, Stamp, open_rows
from contacts.normalize import InvalidValue, Schema, normalize
from contacts.records import Problem, Record
from contacts.sheaf import Sheaf, Tier

__all__ = ["BATCH", "Job", "read_ahead", "read_batches", "read_here"]

BATCH: Final = 500
"""Rows a transaction, for which the gate is closed: whoever writes a single contact meanwhile waits that long."""
SMALL: Final = 2_000
PIPE_BYTES: Final = 1024 * 1024
"""How far the reader is ahead: four to eight batches."""
LENGTH: Final = struct.Struct("<I")
READ_YES_NO: Final = Schema([Column(CONSENT, "boolean", CONSENT)]).cleaners[CONSENT]
END: Final = None
ALLOCATOR: Final = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_MMAP_THRESHOLD_": "67108864"}
"""Memory that a batch leaves is kept for the next one, instead of being given back and asked for again."""
NEW, KNOWN = b"n", b"k"
"""Whom the reader is to expect from now on."""
CHANGED: Final = "changed"


class Job(NamedTuple):
    """What a reader needs to know. ``skip`` rows are done already; blank lines are no rows.

    ``fixes`` are cells that a person corrected, by row and column; they are laid over the file's.
    """

    path: str
    stamp: Stamp
    delimiter: str
    layout: Layout
    schema: Schema
    key: str
    skip: int = 0
    has_header: bool = True
    fixes: Mapping[int, Mapping[int, str]] | None = None


def read_batches(job: Job, *, lines: int) -> Generator[Sheaf]:
    """The records of a file from ``job.skip`` on, a sheaf at a time; ``ref`` is the row, the header being row 1.

    Batches are cut at the same rows wherever reading starts: a run that goes on cuts as an undisturbed one.
    """
    return read_here(job) if lines <= SMALL else read_ahead(job)


def read_here(job: Job) -> Generator[Sheaf]:
    """In this process: a small file is not worth another one."""
    yield from tie_batches(job)


def read_ahead(job: Job) -> Generator[Sheaf]:
    """By a process of its own, which is gone when this generator is."""
    reader = subprocess.Popen(
        [sys.executable, "-m", "contacts.imports.batches"],
        cwd=Path(__file__).parents[2],
        env=os.environ | ALLOCATOR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE_BYTES,
    )
    try:
        assert reader.stdin is not None  # noqa: S101
        assert reader.stdout is not None  # noqa: S101
        try:
            pickle.dump(job, reader.stdin, protocol=5)
            reader.stdin.flush()
        except BrokenPipeError:
            raise _died(reader) from None
        while (batch := _receive(reader)) is not END:
            if batch == CHANGED:
                raise FileChanged
            sheaf = Sheaf(*batch)
            yield sheaf
            if sheaf.was_new_wanted != (sheaf.packed_new is not None):
                _wish(reader, NEW if sheaf.was_new_wanted else KNOWN)
    finally:
        reader.kill()
        reader.wait()
        for pipe in (reader.stdin, reader.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _wish(reader: subprocess.Popen[bytes], wish: bytes) -> None:
    """Tell the reader whom to expect: rows of new contacts are prepared there, where they are likely wanted."""
    assert reader.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):  # it has read everything and is gone
        reader.stdin.write(wish)
        reader.stdin.flush()


def _receive(reader: subprocess.Popen[bytes]) -> Any:
    assert reader.stdout is not None  # noqa: S101
    head = reader.stdout.read(LENGTH.size)
    if len(head) == LENGTH.size:
        body = reader.stdout.read(LENGTH.unpack(head)[0])
        if len(body) == LENGTH.unpack(head)[0]:
            return marshal.loads(body)  # noqa: S302 (from our own process)
    raise _died(reader)


def _died(reader: subprocess.Popen[bytes]) -> ReaderDied:
    code = reader.wait()
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    hint = " The machine may be short of memory." if code == -signal.SIGKILL else ""
    message = f"The process that reads the file {how}.{hint} Start the same import again: it goes on where it stopped."
    return ReaderDied(message, exit_code=code)


def tie_batches(job: Job, expects_new: Callable[[], bool | None] = lambda: None) -> Iterator[Sheaf]:
    """The rest of the file's rows as sheaves, always cut at the same rows; ``expects_new``: see ``_wish``."""
    rows = enumerate(open_rows(job.path, job.delimiter, job.stamp), 1)
    filled = ((number, row) for number, row in rows if row)
    if job.has_header:
        next(filled, None)
    wanted = itertools.islice(filled, job.skip, None)
    tier = Tier(job.key)
    size = BATCH - job.skip % BATCH
    while batch := list(normalize_rows(itertools.islice(wanted, size), job)):
        expected = expects_new()
        tier.prepares_new = tier.prepares_new if expected is None else expected
        yield tier.tie(batch)
        size = BATCH


def normalize_rows(rows: Iterable[tuple[int, Row]], job: Job) -> Iterator[Record]:
    layout, schema, fixes = job.layout, job.schema, job.fixes or {}
    width, make_raw, consent_place = len(layout.headers), layout.raw_maker(), layout.consent_place
    for number, row in rows:
        if row.__class__ is Problem:
            yield Record(number, problems=(row,))
            continue
        if len(row) != width:
            yield Record(number, problems=(ragged(len(row), width),))
            continue
        if number in fixes:
            row = [fixes[number].get(place, cell) for place, cell in enumerate(row)]
        if "'" in "".join(row):
            row = [unquoted(cell) for cell in row]
        record = normalize(make_raw(row), schema, number)
        if consent_place is not None:
            read_consent(record, row[consent_place])
        yield record


def read_consent(record: Record, cell: str) -> None:
    try:
        record.consent = READ_YES_NO(cell)
    except InvalidValue as error:
        record.problems = (*record.problems, Problem(CONSENT, "invalid_consent", error.message))


def ragged(cells: int, width: int) -> Problem:
    message = f"The row has {cells} cells and the header {width}; check its delimiters and quotes."
    return Problem("", "ragged_row", message)


def serve(source: IO[bytes], target: IO[bytes]) -> None:
    """The reader's life: take the job, send batch after batch, wait where nobody takes them."""
    job: Job = pickle.load(source)  # noqa: S301 (from our own process)
    try:
        for sheaf in tie_batches(job, partial(_last_wish, source.fileno())):
            _send(target, sheaf.message)
    except FileChanged:
        _send(target, CHANGED)
    else:
        _send(target, END)


def _last_wish(descriptor: int) -> bool | None:
    """What was wished since we last looked; None for nothing."""
    wishes = b""
    while select.select([descriptor], [], [], 0)[0] and (read := os.read(descriptor, 1_024)):
        wishes = read
    return wishes.endswith(NEW) if wishes else None


def _send(target: IO[bytes], message: Any) -> None:
    body = marshal.dumps(message)
    target.write(LENGTH.pack(len(body)))
    target.write(body)
    target.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is our parent's business; when it ends, so do we
    gc.freeze()
    gc.set_threshold(50_000)
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between the batches
    try:
        serve(sys.stdin.buffer, target)
    except BrokenPipeError:
        os._exit(0)  # nobody wants the rest


if __name__ == "__main__":
    main()
