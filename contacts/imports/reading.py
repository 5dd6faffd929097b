"""Bytes → rows of cells (pure): encoding, delimiter, quotes, and what is wrong with a row that cannot be cut.

A bad row never stops a good one: a quote that is never closed costs its own line, not all that follow.
"""

from __future__ import annotations

import csv
import hashlib
import os
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TextIO

from contacts.imports.errors import FileChanged, FileEmpty, FileUnreadable, LineTooLong, WrongEncoding
from contacts.records import Problem

__all__ = [
    "DELIMITERS",
    "FileScan",
    "Readable",
    "Stamp",
    "decode_file",
    "open_rows",
    "read_head",
    "read_rows",
    "scan_file",
]

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_LINE_BYTES: Final = 32 * 1024 * 1024
MAX_COLUMNS: Final = 1_000
CHUNK: Final = 1024 * 1024
SAVE_AS_UTF8: Final = "Save it as UTF-8; in Excel the format is called “CSV UTF-8”."
MARK: Final = "\ufeff"

Row = list[str] | Problem
"""The cells of a row, none for a blank line; or why it cannot be cut into cells."""


class Stamp(NamedTuple):
    """What tells that a file is still the one that was looked at."""

    inode: int
    size: int
    modified_ns: int


class FileScan(NamedTuple):
    """What one pass over the bytes of a file found; it is UTF-8 throughout."""

    path: str
    digest: str
    lines: int
    stamp: Stamp


class Readable(Protocol):
    """The rows of a file, for whoever reads them again: where they are, and what a person corrected in them."""

    @property
    def path(self) -> str: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def stamp(self) -> Stamp: ...
    @property
    def has_header(self) -> bool: ...
    @property
    def fixes(self) -> Mapping[int, Mapping[int, str]] | None: ...


def scan_file(path: str | os.PathLike[str]) -> FileScan:
    """Look at every byte once, before anything is written: the digest, how many lines, and whether it is UTF-8.

    Raises FileUnreadable, FileEmpty, WrongEncoding (with ``position`` and ``line``) and LineTooLong.
    """
    where = os.path.realpath(path)
    if not Path(where).is_file():
        raise FileUnreadable(f"There is no file “{os.fspath(path)}”. Check its name.", path=str(path))
    try:
        with open(where, "rb", buffering=0) as file:  # noqa: PTH123
            stamp = _stamp_of(file.fileno())
            checker = _Utf8Checker()
            digest = hashlib.sha256()
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                checker.feed(chunk)
    except OSError as error:
        raise FileUnreadable(f"“{os.fspath(path)}” cannot be read: {error.strerror}.", path=str(path)) from error
    return FileScan(where, digest.hexdigest(), checker.finish(), stamp)


def decode_file(path: Path, encoding: str) -> Iterator[str]:
    """The text of a file, a piece at a time, without its byte order mark.

    Raises WrongEncoding (with ``position`` and ``line``) where it comes upon bytes that are none in this encoding.
    """
    decoder = getincrementaldecoder(encoding)()
    position, line, is_start = 0, 1, True
    with path.open("rb", buffering=0) as file:
        while True:
            chunk = file.read(CHUNK)
            kept = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "ignore")
                line += _count_lines(before)
                raise _wrong_encoding(encoding, error, position - kept + error.start, line) from None
            yield text.removeprefix(MARK) if is_start else text
            if not chunk:
                return
            is_start = is_start and not text
            line += _count_lines(text)
            position += len(chunk)


def _count_lines(text: str) -> int:
    return text.count("\n") or text.count("\r")


def _wrong_encoding(encoding: str, error: UnicodeDecodeError, position: int, line: int) -> WrongEncoding:
    what = f"byte 0x{error.object[error.start]:02x} at position {position}, in line {line}, is no text"
    message = f"The file is not {encoding.upper()}: {what}. Choose another encoding, or correct that line."
    return WrongEncoding(message, position=position, line=line)


def read_head(path: Path, encoding: str, delimiter: str, most: int) -> list[Row]:
    """The first rows that are not blank. Raises LineTooLong, and WrongEncoding for bytes that are no text in it."""
    with path.open(encoding=encoding, newline="", buffering=CHUNK) as file:
        try:
            return list(islice((row for row in read_rows(_lines_of(file), delimiter) if row), most))
        except UnicodeDecodeError:
            for _ in decode_file(path, encoding):
                pass  # until it says where
            raise FileChanged from None


def _lines_of(file: TextIO) -> Iterator[str]:
    """Without its byte order mark, and no line longer than memory likes."""
    for number in count(1):
        line = file.readline(MAX_LINE_BYTES)
        if not line:
            return
        if len(line) == MAX_LINE_BYTES:
            raise _line_too_long(number)
        yield line if number > 1 else line.removeprefix(MARK)


def _line_too_long(line: int) -> LineTooLong:
    return LineTooLong(f"Line {line} is longer than 32 MB. Check that this is a CSV file.", line=line)


class _Utf8Checker:
    """Reads chunk by chunk; knows where it is when something is wrong."""

    def __init__(self) -> None:
        self.decoder = getincrementaldecoder("utf-8")()
        self.position = 0
        self.lines = 0
        self.line_start = 0
        self.is_blank = True

    def feed(self, chunk: bytes) -> None:
        self.decode(chunk)
        newlines = chunk.count(b"\n") or chunk.count(b"\r")
        if newlines:
            self.lines += newlines
            last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            self.line_start = self.position + last + 1
        elif self.position + len(chunk) - self.line_start > MAX_LINE_BYTES:
            raise _line_too_long(self.lines + 1)
        self.position += len(chunk)

    def decode(self, chunk: bytes, *, final: bool = False) -> None:
        kept = len(self.decoder.getstate()[0])
        try:
            text = self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self.refuse(error, chunk, kept)
        if self.is_blank:
            self.is_blank = not text.strip().strip("\ufeff")

    def refuse(self, error: UnicodeDecodeError, chunk: bytes, kept: int) -> None:
        line = self.lines + chunk[: max(error.start - kept, 0)].count(b"\n") + 1
        position = self.position - kept + error.start
        byte = error.object[error.start]
        message = f"The file is not UTF-8: byte 0x{byte:02x} at position {position}, in line {line}, is no text."
        raise WrongEncoding(f"{message} {SAVE_AS_UTF8}", position=position, line=line) from None

    def finish(self) -> int:
        self.decode(b"", final=True)
        if self.is_blank:
            raise FileEmpty
        return self.lines + 1


def open_rows(path: str, delimiter: str, stamp: Stamp) -> Iterator[Row]:
    """The rows of a file that was scanned, from the header on; FileChanged if it is not the same any more."""
    with _open_text(path) as file:
        if _stamp_of(file.fileno()) != stamp:
            raise FileChanged
        try:
            yield from read_rows(file, delimiter)
        except UnicodeDecodeError:
            raise FileChanged from None
        if _stamp_of(file.fileno()) != stamp:
            raise FileChanged


def read_rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Every row in order, blank lines too (no cells); a Problem in the place of a row that cannot be cut.

    After such a row reading goes on in the next line, so that an unclosed quote does not swallow the rows below it.
    """
    source = iter(lines)
    again: deque[str] = deque()
    taken: list[str] = []

    def take() -> Iterator[str]:
        while True:
            line = again.popleft() if again else next(source, None)
            if line is None:
                return
            taken.append(line)
            yield line

    while True:
        try:
            for row in csv.reader(take(), delimiter=delimiter, strict=True):
                taken.clear()
                yield row
        except csv.Error as error:
            problem = _problem_of(str(error), len(taken))
            again.extendleft(reversed(taken[1:]))
            taken.clear()
            yield problem
        else:
            return


def _problem_of(reason: str, lines: int) -> Problem:
    limit = csv.field_size_limit()
    if "unexpected end" in reason or ("field limit" in reason and lines > 1):
        return Problem("", "unclosed_quote", "A quote is opened in this row and not closed; close it or double it.")
    if "field limit" in reason:
        return Problem("", "cell_too_large", f"A cell has more than {limit:,} characters; shorten it.")
    return Problem("", "bad_quotes", "A quoted cell goes on after its closing quote; double the quotes inside it.")


def _open_text(path: str) -> TextIO:
    return open(path, encoding="utf-8-sig", newline="", buffering=CHUNK)  # noqa: PTH123


def _stamp_of(descriptor: int) -> Stamp:
    found = os.fstat(descriptor)
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns)
