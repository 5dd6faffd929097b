"""Why a file as a whole cannot be imported. What is wrong with one row is no error but a line of the errors file."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = [
    "ColumnNotWritable",
    "ColumnTwice",
    "FileChanged",
    "FileEmpty",
    "FileUnreadable",
    "HeaderUnreadable",
    "ImportRefused",
    "ImportRunning",
    "KeyColumnMissing",
    "LineTooLong",
    "NoRows",
    "ReaderDied",
    "UnknownColumn",
    "UnknownKey",
    "UnnamedColumn",
    "WrongEncoding",
]


class ImportRefused(CardfileError):
    """The file cannot be imported."""

    code = "import_refused"


class FileUnreadable(ImportRefused):
    """The file cannot be opened. Check its name and that you may read it."""

    code = "file_unreadable"


class FileEmpty(ImportRefused):
    """The file is empty. Its first line names the columns, the next ones are contacts."""

    code = "file_empty"


class NoRows(ImportRefused):
    """The file has a header and no rows. Add at least one contact below the header."""

    code = "no_rows"


class WrongEncoding(ImportRefused):
    """The file is not UTF-8 text. Save it as “CSV UTF-8”. Attributes: ``position`` (bytes from 0) and ``line``."""

    code = "wrong_encoding"


class LineTooLong(ImportRefused):
    """A line is too long for a table. Check that this is a CSV file. Attribute: ``line``."""

    code = "line_too_long"


class HeaderUnreadable(ImportRefused):
    """The first line cannot be read as a header. Check its quotes, and that it has at most 1,000 columns."""

    code = "header_unreadable"


class UnnamedColumn(ImportRefused):
    """A column has no name in the header. Name it, or remove the column. Attribute: ``columns`` (from 1)."""

    code = "unnamed_column"


class UnknownColumn(ImportRefused):
    """A header names no column. Correct it, remove the column, or make a custom field first."""

    code = "unknown_column"


class ColumnNotWritable(ImportRefused):
    """A column is kept by the system and cannot be imported. Remove it from the file."""

    code = "column_not_writable"


class ColumnTwice(ImportRefused):
    """Two headers name the same column. Keep one of them."""

    code = "column_twice"


class KeyColumnMissing(ImportRefused):
    """The file has no column for the chosen key. Add it, or choose another key."""

    code = "key_column_missing"


class UnknownKey(ImportRefused):
    """Contacts cannot be matched by this key. Choose another one."""

    code = "unknown_key"


class ImportRunning(ImportRefused):
    """This file is being imported right now. Wait until that import has ended."""

    code = "import_running"


class FileChanged(ImportRefused):
    """The file changed while it was read. Start again when nobody writes to it any more."""

    code = "file_changed"


class ReaderDied(ImportRefused):
    """The process that reads the file died. Start the same import again: it goes on where it stopped."""

    code = "reader_died"
