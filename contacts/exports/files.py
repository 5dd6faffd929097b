"""Contacts → one file in memory, to be handed out at once. Millions are not for this."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

from contacts.columns import Column
from contacts.exports.formats import content_type_of, open_writer
from contacts.models import Contact

__all__ = ["ExportFile", "write_contacts"]


class ExportFile(NamedTuple):
    """What is handed out; ``ending`` without its first dot."""

    content: bytes
    content_type: str
    ending: str


def write_contacts(
    contacts: Iterable[Contact], columns: Iterable[Column], *, ending: str, name: str = "contacts"
) -> ExportFile:
    """One row or line a contact; ``name`` is that of the file in a packed one. Raises ``FormatUnknown``."""
    file = io.BytesIO()
    with open_writer(file, ending, columns, name=name) as writer:
        writer.write(contacts)
    return ExportFile(file.getvalue(), content_type_of(ending), ending)
