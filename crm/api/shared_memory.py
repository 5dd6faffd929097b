"""What all processes of this machine count together, in a file that each of them maps into its memory.

A table has buckets of a few places. An entry says how often something happened until it is over; what is over makes
room, and in a full bucket what is over first. That costs a few microseconds, where a row in the database would cost a
statement with every call.
"""

import ctypes
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

__all__ = ["DIGEST_BYTES", "SharedTable"]

DIGEST_BYTES: Final = 12
PLACES: Final = 8
ENTRY: Final = struct.Struct(f"<{DIGEST_BYTES}sId")
BUCKET_BYTES: Final = ENTRY.size * PLACES
EMPTY: Final = bytes(ENTRY.size)

# Python's own lockf lets all other threads go first, which takes them long, while other processes wait for the lock.
LIBC: Final = ctypes.PyDLL(None)
LIBC.lockf.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long)
UNLOCK, TRY_LOCK = os.F_ULOCK, os.F_TLOCK
PAUSES: Final = (0.0,) * 20 + (0.001,) * 250
"""Seconds between two tries."""


class Entry(NamedTuple):
    digest: bytes
    times: int
    until: float

    def is_alive(self, now: float, lasts: float) -> bool:
        """One that ends a second too late, or more, was written before the clock was set back."""
        return now < self.until < now + lasts + 1


class SharedTable:
    """Counts by digest. Safe between threads, processes and forks; a process that dies holds nobody up."""

    def __init__(self, path: Path, *, buckets: int) -> None:
        self.buckets = buckets
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self.file, buckets * BUCKET_BYTES)
        self.memory = mmap.mmap(self.file, buckets * BUCKET_BYTES)
        self.threads = Lock()

    def count(self, digest: bytes, *, now: float, until: float) -> int:
        """How often this digest came, with now. What is new is counted until ``until``, in the clock's seconds."""
        start = self.start_of(digest)
        with self.locked():
            entries = self.entries_at(start)
            lasts = until - now
            place = next((n for n, entry in enumerate(entries) if entry.digest == digest), None)
            if place is None:
                place = min(range(PLACES), key=lambda n: entries[n].until if entries[n].is_alive(now, lasts) else 0.0)
            entry = entries[place]
            if entry.digest != digest or not entry.is_alive(now, lasts):
                entry = Entry(digest, 0, until)
            self.put(start, place, ENTRY.pack(digest, min(entry.times + 1, 2**32 - 1), entry.until))
            return entry.times + 1

    def forget(self, digest: bytes) -> None:
        start = self.start_of(digest)
        with self.locked():
            for place, entry in enumerate(self.entries_at(start)):
                if entry.digest == digest:
                    self.put(start, place, EMPTY)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The file's lock is the process's, so that its threads need another."""
        with self.threads:
            is_held = self.take()
            try:
                yield
            finally:
                if is_held:
                    LIBC.lockf(self.file, UNLOCK, 0)

    def take(self) -> bool:
        """Whoever has it needs microseconds; where it is stopped meanwhile, a lost count is the lesser evil."""
        for pause in PAUSES:
            if LIBC.lockf(self.file, TRY_LOCK, 0) == 0:
                return True
            time.sleep(pause)
        return False

    def start_of(self, digest: bytes) -> int:
        return int.from_bytes(digest[:4], "little") % self.buckets * BUCKET_BYTES

    def entries_at(self, start: int) -> list[Entry]:
        return [Entry(*found) for found in ENTRY.iter_unpack(self.memory[start : start + BUCKET_BYTES])]

    def put(self, start: int, place: int, packed: bytes) -> None:
        begin = start + place * ENTRY.size
        self.memory[begin : begin + ENTRY.size] = packed
