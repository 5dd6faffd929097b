"""A file as people have it → what it is, and its rows as UTF-8 text (pure).

``describe`` finds out what a file is: zipped or not, Excel or text, encoding, delimiter, header, and shows its first
rows; everything that it guesses can be said to it instead. ``open_table`` gives the same rows, with the same numbers,
as UTF-8 text that ``contacts.imports.reading`` reads: the file itself where it is that already, else one that is made
beside it. Nothing of a file is ever in memory as a whole.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from contacts.imports import excel
from contacts.imports.archives import check_parts, find_inner, open_archive, unpack
from contacts.imports.encodings import ENCODINGS, guess_encoding, said_encoding
from contacts.imports.errors import (
    ArchiveNested,
    FileEmpty,
    FileUnreadable,
    HeaderUnreadable,
    NotATable,
    UnknownChoice,
    WrongEncoding,
)
from contacts.imports.formats import kind_of
from contacts.imports.limits import EXCEL_KINDS, check_size, writing
from contacts.imports.reading import DELIMITERS, MAX_COLUMNS, Row, decode_file, read_head
from contacts.records import Problem

__all__ = ["Source", "as_table", "describe", "open_table"]

HEAD: Final = 50
"""Rows that delimiter and header are found by."""
SAMPLES: Final = 5
MAX_SAMPLE: Final = 200
"""Characters of a cell that is shown as a sample."""
START: Final = 64 * 1024
SAMPLE_BYTES: Final = 16 * 1024
"""Of lines with letters beyond ASCII: more make no guess better."""
WORD: Final = 3
BROKEN: Final = "\ufffd"
CONTROLS: Final = bytes({*range(32)} - {*b"\t\n\r\x0b\x0c\x1a\x1b"})
DATA: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[+(]?\d[\d\s().,:/+-]*")
"""An email address, a number, a date: a first row with one of these is no header."""
COLUMN: Final = "Column {}"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file is, and how its rows are read; what follows ``sheet`` is only for people to look at.

    ``kind``: csv, tsv, txt, xlsx or xls. ``delimiter``: of the text, and of the table that is made of an Excel sheet.
    ``headers``: as in the file, '' where a column has no name; "Column 1" … where the file has no header. ``samples``:
    the first rows below it. ``inner_name``: of the file within a zip file.
    """

    kind: str
    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    samples: tuple[tuple[str, ...], ...] = ()
    inner_name: str = ""


def describe(
    path: str | PathLike[str],
    name: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool | None = None,
    sheet: str | None = None,
    folder: Path | None = None,
) -> Source:
    """What the file called ``name`` is; what is given (and not '') is taken, the rest is found out.

    The encoding that it says holds for the whole file. What is zipped is unpacked beside it, or in ``folder``. Raises
    an ImportRefused that says what is wrong with the file, and where, and what to do.
    """
    _check_choices(encoding, delimiter)
    with _saying_unreadable(path):
        file, kind, inner_name = _open_packed(Path(path), name, folder)
        if kind in EXCEL_KINDS:
            head = excel.read_head(file, sheet=sheet or "")
            found = Source(kind, "", ",", sheet=head.sheet, sheets=head.sheets)
            rows: list[Row] = list(head.rows)
        else:
            encoding = _checked_encoding(file, encoding) if encoding else _find_encoding(file)
            delimiter = delimiter or _find_delimiter(file, encoding, kind)
            found = Source(kind, encoding, delimiter)
            rows = read_head(file, encoding, delimiter, HEAD)
    return _with_head(replace(found, inner_name=inner_name), rows, has_header)


def open_table(path: str | PathLike[str], source: Source, *, folder: Path | None = None) -> Path:
    """The rows of a described file as UTF-8 text with ``source.delimiter``, a row for every row, blank ones too.

    What has to be made is made beside the file, or in ``folder``, once: it carries the marks of what it was made from,
    and is not changed any more. Raises ImportRefused.
    """
    with _saying_unreadable(path):
        file, kind, _ = _open_packed(Path(path), "", folder)
        if (kind in EXCEL_KINDS) != (source.kind in EXCEL_KINDS):
            raise FileUnreadable("The file is another one than before. Upload it again.", path=fspath(path))
        if source.kind in EXCEL_KINDS:
            table = _beside(file, folder, "table.csv", source.sheet)
            if not table.exists():
                with writing(table) as new:
                    excel.write_table(file, source.sheet, new)
            return table
        if source.encoding == "utf-8":
            return file
        table = _beside(file, folder, "table.csv", source.encoding)
        if not table.exists():
            with writing(table) as new:
                _write_utf8(file, source.encoding, new)
        return table


@contextmanager
def as_table(path: str | PathLike[str], *, has_header: bool | None = None) -> Iterator[tuple[Path, Source]]:
    """A file of somebody's own as a table: nothing is written beside it, and nothing stays."""
    with tempfile.TemporaryDirectory(prefix="import") as folder:
        source = describe(path, Path(path).name, has_header=has_header, folder=Path(folder))
        yield open_table(path, source, folder=Path(folder)), source


def _check_choices(encoding: str | None, delimiter: str | None) -> None:
    if encoding and encoding not in ENCODINGS:
        raise UnknownChoice(f"“{encoding[:40]}” is no encoding that can be read. Choose another.", path="encoding")
    if delimiter and delimiter not in DELIMITERS:
        raise UnknownChoice(f"“{delimiter[:40]}” does not divide columns. Choose another.", path="delimiter")


@contextmanager
def _saying_unreadable(path: str | PathLike[str]) -> Iterator[None]:
    if not Path(path).is_file():
        raise FileUnreadable(f"There is no file “{fspath(path)}”. Check its name.", path=fspath(path))
    try:
        yield
    except OSError as error:
        raise FileUnreadable(f"“{fspath(path)}” cannot be read: {error.strerror}.", path=fspath(path)) from error


# Packed files


def _open_packed(path: Path, name: str, folder: Path | None) -> tuple[Path, str, str]:
    """The file itself, or the one in it where it is a zip file; its kind; and its name within."""
    kind, inner_name = kind_of(path, name), ""
    if kind == "zip":
        check_size(path.stat().st_size, is_excel=False)
        path, inner_name = _unpacked(path, folder)
        kind = kind_of(path, inner_name)
        if kind == "zip":
            raise ArchiveNested
    check_size(path.stat().st_size, is_excel=kind in EXCEL_KINDS)
    if kind == "xlsx":
        check_parts(path)
    return path, kind, inner_name


def _unpacked(path: Path, folder: Path | None) -> tuple[Path, str]:
    target = _beside(path, folder, "unpacked")
    with open_archive(path) as archive:
        entry = find_inner(archive)
        if not target.exists():
            with writing(target) as new, new.open("wb") as file:
                unpack(archive, entry, file)
    return target, entry.filename


def _beside(path: Path, folder: Path | None, what: str, *choices: str) -> Path:
    """Its name says what it was made from: it is never another file's, and never made over."""
    found = path.stat()
    made_from = (found.st_ino, found.st_size, found.st_mtime_ns, *choices)
    mark = hashlib.blake2b(repr(made_from).encode(), digest_size=6).hexdigest()
    return path.parent / f"{path.name}.{mark}.{what}" if folder is None else folder / f"{mark}.{what}"


# Text


def _find_encoding(path: Path) -> str:
    """Raises NotATable, and WrongEncoding for UTF-8 that is damaged somewhere."""
    with path.open("rb") as file:
        start = file.read(START)
    said = said_encoding(start)
    if said is None:
        if len(start.translate(None, CONTROLS)) < 0.95 * len(start):
            raise NotATable
        said = "utf-8"
    try:
        return _checked_encoding(path, said)
    except WrongEncoding:
        if said != "utf-8" or start.startswith(b"\xef\xbb\xbf"):
            raise
        sample = _sample_of(path)
        if _has_utf8(sample):
            raise
        return _checked_encoding(path, guess_encoding(sample))


def _checked_encoding(path: Path, encoding: str) -> str:
    is_blank = True
    for text in decode_file(path, encoding):
        is_blank = is_blank and not text.strip()
    if is_blank:
        raise FileEmpty
    return encoding


def _sample_of(path: Path) -> bytes:
    """The first lines that are not all ASCII, or rather their surroundings of that."""
    found: list[bytes] = []
    with path.open("rb") as file:
        while sum(map(len, found)) < SAMPLE_BYTES and (chunk := file.read(START)):
            found += re.findall(rb"[^\n\x80-\xff]{0,40}[\x80-\xff][^\n]{0,200}", chunk)
    return b"\n".join(found)[:SAMPLE_BYTES]


def _has_utf8(sample: bytes) -> bool:
    """Then it is UTF-8 that is broken somewhere, and guessing would turn what is whole into another alphabet.

    Either most letters are whole, or whole words are: in no other encoding do those happen to be UTF-8.
    """
    lines = [line.decode("utf-8", "replace") for line in sample.split(b"\n")]
    beyond = [sum(1 for letter in line if letter > "\x7f") for line in lines]
    broken = [line.count(BROKEN) for line in lines]
    whole = sum(1 for letters, bad in zip(beyond, broken, strict=True) if letters >= WORD and not bad)
    return sum(beyond) > 2 * sum(broken) or 10 * whole > len(lines)


def _find_delimiter(path: Path, encoding: str, kind: str) -> str:
    """The one by which most of the first rows have as many cells as the first; then the one that gives most cells."""
    order = ("\t", *DELIMITERS) if kind == "tsv" else DELIMITERS
    scores = {delimiter: _evenness(read_head(path, encoding, delimiter, HEAD)) for delimiter in order}
    return max(scores, key=lambda delimiter: scores[delimiter])


def _evenness(rows: Sequence[Row]) -> tuple[float, int]:
    width = _width_of(rows[0]) if rows else 0
    if width < 2 or width > MAX_COLUMNS:
        return 0, 0
    return sum(1 for row in rows if _width_of(row) == width) / len(rows), width


def _width_of(row: Row) -> int:
    return 0 if isinstance(row, Problem) else len(row)


def _write_utf8(path: Path, encoding: str, target: Path) -> None:
    with target.open("wb") as file:
        for text in decode_file(path, encoding):
            file.write(text.encode())


# Header and samples


def _with_head(source: Source, rows: Sequence[Row], has_header: bool | None) -> Source:
    if not rows:
        raise FileEmpty
    whole = [row for row in rows if not isinstance(row, Problem)]
    if isinstance(rows[0], Problem) and (has_header is not False or not whole):
        raise HeaderUnreadable(f"The first line cannot be read. {rows[0].message}")
    if has_header is None:
        has_header = not any(DATA.fullmatch(cell.strip()) for cell in whole[0])
    width = len(whole[0]) if has_header else Counter(map(len, whole)).most_common(1)[0][0]
    if width > MAX_COLUMNS:
        raise HeaderUnreadable(f"The file has {width:,} columns; at most {MAX_COLUMNS:,} can be imported.")
    names = [_shown(name.strip()) for name in whole[0]] if has_header else map(COLUMN.format, range(1, width + 1))
    samples = tuple(tuple(_shown(cell[:MAX_SAMPLE]) for cell in row) for row in whole[has_header:][:SAMPLES])
    return replace(source, has_header=has_header, headers=tuple(names), samples=samples)


def _shown(text: str) -> str:
    """The database's JSON takes no NUL."""
    return text.replace("\0", "\ufffd")
