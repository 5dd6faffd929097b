"""What exports refuse."""

from crm.errors import CardfileError

__all__ = [
    "ColumnUnknown",
    "DiskFull",
    "ExportIsOver",
    "ExportsOnly",
    "FormatUnknown",
    "MayNotCancel",
    "MayNotExport",
    "SegmentUnknown",
    "Withdrawn",
]


class ExportsOnly(CardfileError):
    """This resource writes files, never contacts. Use the import of the back office, the command or the API."""

    code = "exports_only"


class FormatUnknown(CardfileError):
    """The format is one of xlsx, csv, tsv and jsonl, packed as zip or gz or not at all."""

    code = "unknown_format"


class ColumnUnknown(CardfileError):
    """There is no such column to export. Check its name."""

    code = "unknown_column"


class SegmentUnknown(CardfileError):
    """There is no such segment. Send the id or the name of one that there is."""

    code = "unknown_segment"


class Withdrawn(CardfileError):
    """Nobody wants this export any more, or another worker writes it."""

    code = "export_withdrawn"


class MayNotExport(CardfileError):
    """This needs the permission to export contacts. Ask an administrator for it."""

    code = "may_not_export"


class MayNotCancel(CardfileError):
    """Whoever asked for an export may cancel it. Ask them, or an administrator."""

    code = "forbidden"


class ExportIsOver(CardfileError):
    """This export is over. Look what came of it."""

    code = "conflict"


class DiskFull(CardfileError):
    """There is no room on the disk for the file. Ask the administrator to make some, then export again."""

    code = "disk_full"
