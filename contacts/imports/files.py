"""Files that people upload: streamed to disk under ``IMPORTS_DIR``, limited, removed when nobody needs them.

A stored file has a name of our own; nothing of what the person called it becomes part of a path. What is made from it
(unpacked, as a table) stands beside it under a name that begins with its own.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from contacts.imports.errors import FileEmpty, FileUnreadable
from contacts.imports.limits import check_size, writing

__all__ = ["remove", "remove_made", "remove_old", "store", "stored_path"]

ENDINGS: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".zip")


def store(chunks: Iterable[bytes], name: str) -> Path:
    """Write an upload to disk as it arrives; ``path.name`` is what to keep of it.

    Raises FileTooLarge as soon as it is, FileEmpty, and StorageFull; nothing of a refused upload stays.
    """
    ending = Path(name.lower()).suffix
    settings.IMPORTS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = settings.IMPORTS_DIR / f"{secrets.token_hex(16)}{ending if ending in ENDINGS else ''}"
    with writing(path) as new:
        _write(chunks, new, is_excel=ending in (".xlsx", ".xls"))
    return path


def _write(chunks: Iterable[bytes], path: Path, *, is_excel: bool) -> None:
    size = 0
    with open(path, "xb", opener=_open_privately) as file:
        for chunk in chunks:
            size += len(chunk)
            check_size(size, is_excel=is_excel)
            file.write(chunk)
        if not size:
            raise FileEmpty
        file.flush()
        os.fsync(file.fileno())  # the import that names it will outlive a crash, and so must the file


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def stored_path(stored_name: str) -> Path:
    """Where a stored file is. Raises FileUnreadable when it was removed, or the name is none of ours."""
    path: Path = settings.IMPORTS_DIR / stored_name
    if Path(stored_name).name != stored_name or not path.is_file():
        raise FileUnreadable("The file is not there any more. Upload it again.", path=stored_name)
    return path


def remove(stored_name: str) -> None:
    """Remove a stored file with everything that was made from it."""
    remove_made(stored_name)
    if stored_name and Path(stored_name).name == stored_name:
        (settings.IMPORTS_DIR / stored_name).unlink(missing_ok=True)


def remove_made(stored_name: str) -> None:
    """Remove what was made from a stored file; it is made again when somebody needs it."""
    for path in _list_files():
        if stored_name and path.name.startswith(f"{stored_name}."):
            path.unlink(missing_ok=True)


def remove_old(*, older_than: timedelta, keep: Collection[str] = ()) -> int:
    """Remove what nobody touched for that long, broken uploads too, but for the stored names in ``keep``.

    How many files went. A file of ``keep`` keeps what was made from it.
    """
    kept = {_token_of(name) for name in keep}
    before = time.time() - older_than.total_seconds()
    old = [path for path in _list_files() if _token_of(path.name) not in kept and path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _list_files() -> list[Path]:
    folder: Path = settings.IMPORTS_DIR
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _token_of(name: str) -> str:
    return name.partition(".")[0]
