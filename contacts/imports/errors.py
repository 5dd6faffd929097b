"""Why a file as a whole cannot be imported. What is wrong with one row is no error but a line of the errors file."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = [
    "ArchiveAmbiguous",
    "ArchiveEmpty",
    "ArchiveEncrypted",
    "ArchiveNested",
    "ArchiveUnreadable",
    "ChangesForgotten",
    "ColumnNotWritable",
    "ColumnTwice",
    "ConsentUnexplained",
    "FieldRefused",
    "FileChanged",
    "FileEmpty",
    "FileGone",
    "FileTooLarge",
    "FileUnreadable",
    "HeaderUnreadable",
    "HostNotListed",
    "ImportRefused",
    "ImportRunning",
    "ImportsWaiting",
    "KeyColumnMissing",
    "LineTooLong",
    "LinkUnanswered",
    "MappingIncomplete",
    "NoRows",
    "NotATable",
    "OptionsConflict",
    "OrderColumnMissing",
    "ReaderDied",
    "SegmentUnknown",
    "StorageFull",
    "UnknownChoice",
    "UnknownColumn",
    "UnknownKey",
    "UnknownSheet",
    "UnknownTarget",
    "UnnamedColumn",
    "UnpacksTooLarge",
    "WorkbookEncrypted",
    "WorkbookTooLarge",
    "WorkbookUnreadable",
    "WorkerDied",
    "WrongEncoding",
    "WrongMoment",
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


class FileTooLarge(ImportRefused):
    """The file is too large. Split it, or save an Excel sheet as CSV. Attribute: ``limit`` (bytes)."""

    code = "file_too_large"


class StorageFull(ImportRefused):
    """The server has no room for the file. Tell the administrator, or try again later."""

    code = "storage_full"


class NotATable(ImportRefused):
    """The file is no table. Upload CSV, TSV, TXT, XLSX or XLS, or one of these zipped."""

    code = "not_a_table"


class ArchiveUnreadable(ImportRefused):
    """The zip file is damaged, or packed in a way that cannot be read. Pack it again."""

    code = "archive_unreadable"


class ArchiveEmpty(ImportRefused):
    """There is no file in the zip file. Put the one to import into it."""

    code = "archive_empty"


class ArchiveAmbiguous(ImportRefused):
    """There is more than one file in the zip file. Leave the one to import in it. Attribute: ``names``."""

    code = "archive_ambiguous"


class ArchiveEncrypted(ImportRefused):
    """The zip file is protected by a password. Pack it again without one."""

    code = "archive_encrypted"


class ArchiveNested(ImportRefused):
    """There is a zip file within the zip file. Upload the inner one."""

    code = "archive_nested"


class UnpacksTooLarge(ImportRefused):
    """What is packed in the file is too large. Split it, or upload it unpacked. Attribute: ``limit`` (bytes)."""

    code = "unpacks_too_large"


class WorkbookUnreadable(ImportRefused):
    """The Excel file cannot be read. Open it in Excel and save it again as XLSX, or as CSV (UTF-8)."""

    code = "workbook_unreadable"


class WorkbookEncrypted(ImportRefused):
    """The Excel file is protected by a password. Save it without one."""

    code = "workbook_encrypted"


class WorkbookTooLarge(ImportRefused):
    """The Excel sheet takes too much memory or time to read. Save it as CSV (UTF-8), which may be of any length."""

    code = "workbook_too_large"


class UnknownSheet(ImportRefused):
    """The Excel file has no such sheet. Choose one of its sheets. Attribute: ``sheets``."""

    code = "unknown_sheet"


class UnknownChoice(ImportRefused):
    """There is no such encoding or delimiter. Choose one of those that are offered."""

    code = "unknown_choice"


class NoRows(ImportRefused):
    """The file has a header and no rows. Add at least one contact below the header."""

    code = "no_rows"


class WrongEncoding(ImportRefused):
    """The file is no text in this encoding. Choose another one. Attributes: ``position`` (bytes from 0), ``line``."""

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


class ConsentUnexplained(ImportRefused):
    """A consent needs a category and a basis. Say what these people agreed to, and how."""

    code = "consent_unexplained"


class FieldRefused(ImportRefused):
    """The new field cannot be made. Give it another name."""

    code = "field_refused"


class FileGone(ImportRefused):
    """The file is not kept any more. Upload it again."""

    code = "file_gone"


class ChangesForgotten(ImportRefused):
    """What this import changed is not kept any more (Settings, Retention), so it cannot be taken back."""

    code = "changes_forgotten"


class ImportsWaiting(ImportRefused):
    """As many imports run as may at once. This one begins when another has ended."""

    code = "imports_waiting"


class MappingIncomplete(ImportRefused):
    """The mapping does not fit the columns of the file. Open the page again."""

    code = "mapping_incomplete"


class OptionsConflict(ImportRefused):
    """Two choices exclude each other. Take one of them back."""

    code = "options_conflict"


class OrderColumnMissing(ImportRefused):
    """A column that every order needs is missing. Choose it."""

    code = "order_column_missing"


class SegmentUnknown(ImportRefused):
    """There is no such static segment. Choose another one."""

    code = "segment_unknown"


class UnknownTarget(ImportRefused):
    """There is no such field. Choose another one, or skip the column."""

    code = "unknown_target"


class WorkerDied(ImportRefused):
    """The worker ended in the middle of this import again and again. Tell the administrator."""

    code = "worker_died"


class WrongMoment(ImportRefused):
    """This cannot be done with the import as it stands now. Open its page again. Attribute: ``status``."""

    code = "wrong_moment"


class HostNotListed(ImportRefused):
    """Files may not be fetched from there. Use an https link to a host that the account's settings list."""

    code = "host_not_listed"


class LinkUnanswered(ImportRefused):
    """The server did not hand out the file. Check the link."""

    code = "link_unanswered"
