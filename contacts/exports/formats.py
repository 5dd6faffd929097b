"""The formats of files of contacts, and what they are packed in. Each writes contacts as they come, of any number.

A file's ending names both: ``csv``, ``xlsx.zip``, ``jsonl.gz``.
"""

from __future__ import annotations

import csv
import gzip
import io
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, ClassVar, Final, Protocol

import orjson

from contacts.columns import Column
from contacts.exports.errors import FormatUnknown
from contacts.exports.resource import STATE_NAMES, ContactResource, reader_of
from contacts.exports.workbook import Workbook
from contacts.formulas import disarm
from contacts.models import Contact

__all__ = ["FORMATS", "PACKINGS", "ContactWriter", "content_type_of", "ending_of", "open_writer", "split_ending"]

UTF_8_MARK: Final = b"\xef\xbb\xbf"
TITLE: Final = "Contacts"
GZIP_LEVEL: Final = 6


class Sink(Protocol):
    """As much of a file as a format needs."""

    def write(self, block: bytes, /) -> Any: ...


class ContactWriter(Protocol):
    """One format, on its way into one file."""

    content_type: ClassVar[str]

    def __init__(self, file: Sink, columns: Sequence[Column]) -> None: ...

    def write(self, contacts: Iterable[Contact]) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


class Cells:
    """A row a contact below the columns' keys, which an import finds again. No cell starts a formula."""

    def __init__(self, file: Sink, columns: Sequence[Column]) -> None:
        self.file = file
        self.cells_of = ContactResource(columns).export_resource
        self.begin([disarm(column.key) for column in columns])

    def write(self, contacts: Iterable[Contact]) -> None:
        self.add(map(disarmed, map(self.cells_of, contacts)))

    def begin(self, head: list[str]) -> None:
        raise NotImplementedError

    def add(self, rows: Iterable[list[Any]]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing behind the last row."""

    def abandon(self) -> None:
        """There is nothing to let go."""


class CSV(Cells):
    """Separated by commas, in UTF-8 behind a mark that Excel needs."""

    content_type: ClassVar[str] = "text/csv; charset=UTF-8"
    delimiter: ClassVar[str] = ","

    def begin(self, head: list[str]) -> None:
        self.file.write(UTF_8_MARK)
        self.add([head])

    def add(self, rows: Iterable[list[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter).writerows(rows)
        self.file.write(text.getvalue().encode())


class TSV(CSV):
    """Separated by tabs."""

    content_type: ClassVar[str] = "text/tab-separated-values; charset=UTF-8"
    delimiter = "\t"


class XLSX(Cells):
    """Excel."""

    content_type: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def begin(self, head: list[str]) -> None:
        self.book = Workbook(self.file, head, title=TITLE)

    def add(self, rows: Iterable[list[Any]]) -> None:
        self.book.add(rows)

    def close(self) -> None:
        self.book.close()

    def abandon(self) -> None:
        self.book.abandon()


class JsonLines:
    """One object a contact, of what it has, by the columns' keys: numbers and lists as such, states by name.

    No spreadsheet opens it, so that a text is what it is.
    """

    content_type: ClassVar[str] = "application/x-ndjson"

    def __init__(self, file: Sink, columns: Sequence[Column]) -> None:
        self.file = file
        self.values = [(column.key, reader_of(column), STATE_NAMES.get(column.type)) for column in columns]

    def write(self, contacts: Iterable[Contact]) -> None:
        self.file.write(b"".join(map(self.line, contacts)))

    def line(self, contact: Contact) -> bytes:
        found = ((key, read(contact), names) for key, read, names in self.values)
        told = {key: value if names is None else names[value] for key, value, names in found if value is not None}
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)

    def close(self) -> None:
        """There is nothing behind the last line."""

    def abandon(self) -> None:
        """There is nothing to let go."""


FORMATS: Final[dict[str, type[ContactWriter]]] = {"xlsx": XLSX, "csv": CSV, "tsv": TSV, "jsonl": JsonLines}
"""By ending, in the order in which they are offered."""
PACKINGS: Final = {"zip": "application/zip", "gz": "application/gzip"}


# Endings


def split_ending(ending: str) -> tuple[str, str]:
    """Format and packing, '' for none. Raises ``FormatUnknown``."""
    name, dot, packing = ending.partition(".")
    if name not in FORMATS or packing not in (PACKINGS if dot else ("",)):
        raise FormatUnknown(path="format")
    return name, packing


def ending_of(name: str, packing: str) -> str:
    return f"{name}.{packing}" if packing else name


def content_type_of(ending: str) -> str:
    name, packing = split_ending(ending)
    return PACKINGS[packing] if packing else FORMATS[name].content_type


# Writing


@contextmanager
def open_writer(file: IO[bytes], ending: str, columns: Iterable[Column], *, name: str) -> Iterator[ContactWriter]:
    """Contacts that are written to it stand in the file; ``name``, without ending, is what is in a packed one."""
    format_, packing = split_ending(ending)
    with packed(file, packing, f"{name}.{format_}") as sink:
        writer = FORMATS[format_](sink, [column for column in columns if column.read])
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abandon()
            raise


@contextmanager
def packed(file: IO[bytes], packing: str, name: str) -> Iterator[Sink]:
    if packing == "gz":
        with gzip.GzipFile(name, "wb", GZIP_LEVEL, fileobj=file) as stream:
            yield OneWay(stream)
    elif packing == "zip":
        with (
            zipfile.ZipFile(file, "w") as archive,
            archive.open(new_entry(name), "w", force_zip64=True) as entry,
        ):
            yield OneWay(entry)
    else:
        yield file


def new_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class OneWay:
    """A stream that cannot go back: a workbook in a packed file would try to, and fail at its end."""

    def __init__(self, file: Any) -> None:
        self.write, self.flush = file.write, file.flush


def disarmed(cells: Iterable[Any]) -> list[Any]:
    return [disarm(cell) if isinstance(cell, str) else cell for cell in cells]
