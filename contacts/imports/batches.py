"""Rows → batches of normalised records, read ahead by a process of its own (pure).

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
import signal
import struct
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from contacts.imports.columns import Layout
from contacts.imports.errors import FileChanged, ReaderDied
from contacts.imports.reading import Row, Stamp, open_rows
from contacts.normalize import Schema, normalize
from contacts.records import Problem, Record

__all__ = ["BATCH", "Job", "read_ahead", "read_batches", "read_here"]

BATCH: Final = 1_000
"""Rows a transaction."""
SMALL: Final = 2 * BATCH
PIPE_BYTES: Final = 1024 * 1024
"""How far the reader is ahead: four to eight batches."""
LENGTH: Final = struct.Struct("<I")
END: Final = None
CHANGED: Final = "changed"

Packed = tuple[Any, ...]
"""A record as plain tuples, which marshal takes: twice as fast as pickle, and both ends are this program."""


class Job(NamedTuple):
    """What a reader needs to know. ``skip`` rows are done already; blank lines are no rows."""

    path: str
    stamp: Stamp
    delimiter: str
    layout: Layout
    schema: Schema
    skip: int = 0


def read_batches(job: Job, *, lines: int) -> Generator[list[Record]]:
    """The records of a file from ``job.skip`` on, a batch at a time; ``ref`` is the row, the header being row 1.

    Batches end at whole thousands of rows wherever reading starts: a run that goes on cuts as an undisturbed one.
    """
    return read_here(job) if lines <= SMALL else read_ahead(job)


def read_here(job: Job) -> Generator[list[Record]]:
    """In this process: a small file is not worth another one."""
    for batch in pack_batches(job):
        yield unpack(batch)


def read_ahead(job: Job) -> Generator[list[Record]]:
    """By a process of its own, which is gone when this generator is."""
    reader = subprocess.Popen(
        [sys.executable, "-m", "contacts.imports.batches"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE_BYTES,
    )
    try:
        assert reader.stdin is not None  # noqa: S101
        assert reader.stdout is not None  # noqa: S101
        try:
            pickle.dump(job, reader.stdin, protocol=5)
            reader.stdin.close()
        except BrokenPipeError:
            raise _died(reader) from None
        while (batch := _receive(reader)) is not END:
            if batch == CHANGED:
                raise FileChanged
            yield unpack(batch)
    finally:
        reader.kill()
        reader.wait()
        for pipe in (reader.stdin, reader.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


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


def pack_batches(job: Job) -> Iterator[list[Packed]]:
    """The rest of the file's rows as packed records, cut at whole thousands."""
    rows = enumerate(open_rows(job.path, job.delimiter, job.stamp), 1)
    filled = ((number, row) for number, row in rows if row)
    next(filled, None)  # the header
    wanted = itertools.islice(filled, job.skip, None)
    size = BATCH - job.skip % BATCH
    while batch := list(pack_rows(itertools.islice(wanted, size), job.layout, job.schema)):
        yield batch
        size = BATCH


def pack_rows(rows: Iterable[tuple[int, Row]], layout: Layout, schema: Schema) -> Iterator[Packed]:
    width, make_raw = len(layout.headers), layout.raw_maker()
    for number, row in rows:
        if row.__class__ is Problem:
            yield pack(Record(number, problems=(row,)))
        elif len(row) != width:
            yield pack(Record(number, problems=(ragged(len(row), width),)))
        else:
            yield pack(normalize(make_raw(row), schema, number))


def ragged(cells: int, width: int) -> Problem:
    message = f"The row has {cells} cells and the header {width}; check its delimiters and quotes."
    return Problem("", "ragged_row", message)


def pack(record: Record) -> Packed:
    problems, warnings = record.problems, record.warnings
    return (
        record.ref,
        record.contact_id,
        record.external_id,
        record.email,
        record.phone,
        record.identifiers,
        record.details,
        record.fields,
        record.attributes,
        record.cleared,
        problems and tuple(map(tuple, problems)),
        warnings and tuple(map(tuple, warnings)),
    )


def unpack(batch: list[Packed]) -> list[Record]:
    records = [Record(*packed) for packed in batch]
    for record in records:
        if record.problems or record.warnings:
            record.problems = tuple(Problem(*problem) for problem in record.problems)
            record.warnings = tuple(Problem(*warning) for warning in record.warnings)
    return records


def serve(source: IO[bytes], target: IO[bytes]) -> None:
    """The reader's life: take the job, send batch after batch, wait where nobody takes them."""
    job: Job = pickle.load(source)  # noqa: S301 (from our own process)
    try:
        for batch in pack_batches(job):
            _send(target, batch)
    except FileChanged:
        _send(target, CHANGED)
    else:
        _send(target, END)


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
