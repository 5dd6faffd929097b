"""Zip files: the one file in it, unpacked within limits (pure).

A few kilobytes can unpack to terabytes. What a zip file says about itself is not believed: what comes out is counted.
"""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Final

from contacts.imports.errors import (
    ArchiveAmbiguous,
    ArchiveEmpty,
    ArchiveEncrypted,
    ArchiveUnreadable,
    UnpacksTooLarge,
)
from contacts.imports.limits import MOST_TIMES, TEXT_LIMIT, show_size

__all__ = ["check_parts", "find_inner", "open_archive", "unpack"]

HARMLESS: Final = 1024**2
"""What unpacks to less is let through however well it was packed."""
DIRECTORY_LIMIT: Final = 4 * 1024**2
"""Of the list of files in a zip file, which is read into memory at once; XLSX has some dozen, a bomb has millions."""
TAIL: Final = 65_535 + 22 + 20 + 56
CHUNK: Final = 1024**2
DAMAGED: Final = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, ValueError)
"""What the readers of zip files raise for bytes that are none, and for ways of packing that they do not know."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises ArchiveUnreadable, then and whenever something in it turns out damaged, and ArchiveEncrypted."""
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    except RuntimeError as error:  # so zipfile tells that a password is missing
        if isinstance(error, NotImplementedError):
            raise ArchiveUnreadable from error
        raise ArchiveEncrypted from error
    except DAMAGED as error:
        raise ArchiveUnreadable from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # so bzip2 speaks, and places before the beginning of the file
            raise ArchiveUnreadable from error
        raise


def _check_directory(path: Path) -> None:
    """The size of the list of files stands at fixed places of its end records."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - TAIL, 0))
        tail = file.read()
    sizes = []
    if (end := tail.rfind(b"PK\x05\x06")) >= 0:
        sizes.append(int.from_bytes(tail[end + 12 : end + 16], "little") % 0xFFFFFFFF)
    if (end := tail.rfind(b"PK\x06\x06")) >= 0:
        sizes.append(int.from_bytes(tail[end + 40 : end + 48], "little"))
    size = max(sizes, default=0)
    if size > path.stat().st_size:
        raise ArchiveUnreadable
    if size > DIRECTORY_LIMIT:
        raise ArchiveAmbiguous("There are too many files in the zip file. Leave the one to import in it.", names=())


def find_inner(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file; folders and what macOS and Windows put beside files do not count.

    Raises ArchiveEmpty, ArchiveAmbiguous (``names``) and ArchiveEncrypted.
    """
    files = [entry for entry in archive.infolist() if not _is_by_the_way(entry.filename)]
    if not files:
        raise ArchiveEmpty
    if len(files) > 1:
        names = [entry.filename for entry in files]
        listed = ", ".join(f"“{name[:80]}”" for name in names[:5])
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        message = f"There are {len(names)} files in the zip file: {listed}{more}. Leave the one to import in it."
        raise ArchiveAmbiguous(message, names=names)
    if files[0].flag_bits & 0x1:
        raise ArchiveEncrypted
    return files[0]


def _is_by_the_way(name: str) -> bool:
    path = PurePosixPath(name)
    return name.endswith("/") or "__MACOSX" in path.parts or path.name in (".DS_Store", "Thumbs.db", "desktop.ini")


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: IO[bytes]) -> None:
    """Raises UnpacksTooLarge as soon as it does."""
    limit = _limit_of(entry.compress_size)
    _check(entry.file_size, limit)
    size = 0
    with archive.open(entry) as source:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            _check(size, limit)
            target.write(chunk)


def check_parts(path: Path) -> None:
    """The parts of an XLSX, as they say of themselves; one that lies meets the limits of the process that reads it."""
    with open_archive(path) as archive:
        if any(entry.flag_bits & 0x1 for entry in archive.infolist()):
            raise ArchiveEncrypted
        _check(sum(entry.file_size for entry in archive.infolist()), _limit_of(path.stat().st_size))


def _limit_of(packed: int) -> int:
    return min(max(MOST_TIMES * packed, HARMLESS), TEXT_LIMIT)


def _check(size: int, limit: int) -> None:
    if size <= limit:
        return
    if limit == TEXT_LIMIT:
        raise UnpacksTooLarge(f"Unpacked, the file is larger than {show_size(limit)}. Split it.", limit=limit)
    message = f"The file unpacks to more than {MOST_TIMES} times its size. Upload it unpacked, or as CSV."
    raise UnpacksTooLarge(message, limit=limit)
