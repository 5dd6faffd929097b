"""How large a file may be, packed and unpacked (pure)."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contacts.imports.errors import FileTooLarge, StorageFull

__all__ = ["EXCEL_KINDS", "EXCEL_LIMIT", "MOST_TIMES", "TEXT_LIMIT", "check_size", "show_size", "writing"]

TEXT_LIMIT: Final = 1024**3
EXCEL_LIMIT: Final = 100 * 1024**2
EXCEL_KINDS: Final = ("xlsx", "xls")
MOST_TIMES: Final = 100
"""How often its packed size a file may be."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def check_size(size: int, *, is_excel: bool) -> None:
    """Raises FileTooLarge (``limit``)."""
    limit = EXCEL_LIMIT if is_excel else TEXT_LIMIT
    if size > limit:
        hint = "Split it, or save the sheet as CSV (UTF-8)." if is_excel else "Split it."
        raise FileTooLarge(f"The file is larger than {show_size(limit)}. {hint}", limit=limit)


def show_size(size: int) -> str:
    return f"{size // 1024**3} GB" if size >= 1024**3 else f"{size // 1024**2} MB"


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A new file beside ``path`` to write to, which then takes its place; nothing stays of one that was not finished.

    Where another process made the same file meanwhile, that one stays: somebody may be reading it. Raises StorageFull.
    """
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield new
        if path.exists():
            return
        new.replace(path)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull from error
        raise
    finally:
        new.unlink(missing_ok=True)
