"""What every row of a file would do, found by rehearsing the whole import; the preview is all that is written."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, NamedTuple

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.identity import Outcome, Status, rehearse_stream
from contacts.identity.load import open_cursor
from contacts.imports.batches import read_batches
from contacts.imports.columns import Layout
from contacts.imports.errors import ImportRunning
from contacts.imports.run import Progress, Tell, added, open_import, zeros
from contacts.models import Import, ImportWish, PreviewRow

__all__ = ["PreviewLine", "begin_anew", "keep_lines", "preview_import"]

_COPY: Final = (
    "COPY contacts_previewrow (import_id, row, status, contact_id, matched_by, rule, changes, problems) FROM STDIN"
)
_NOTE: Final = """
UPDATE contacts_import SET preview_rows_done = preview_rows_done + %s, preview_counts = %s::jsonb
WHERE id = %s AND preview_rows_done = %s RETURNING wish
"""
REFUSED: Final = (Status.FAILED, Status.SKIPPED)
NULL: Final = "\\N"


def preview_import(run: Import, *, tell: Tell | None = None) -> bool:
    """Fill the preview of an import, from its first row on; whatever there was of one before goes.

    It counts and says of every row what the run will, as long as nobody else writes in between. False where somebody
    wished to cancel on the way. Raises ImportRefused where the file or the mapping do not hold.
    """
    job, scan, options = open_import(run)
    counts, started = zeros(options), time.monotonic()
    begin_anew(run, counts)
    note = _Notes(run.pk, job.layout, {column.key for column in job.schema.columns.values() if column.write})
    with (
        closing(read_batches(job, lines=scan.lines)) as batches,
        closing(rehearse_stream(batches, options.plan(run.pk), by=f"import:{run.pk}")) as rehearsal,
    ):
        for outcomes in rehearsal:
            counts = added(counts, outcomes, options)
            if note.keep(outcomes, counts) == ImportWish.CANCEL:
                return False
            if tell is not None:
                tell(Progress(counts["rows"], 0, scan.lines, time.monotonic() - started))
    run.refresh_from_db()
    return True


def begin_anew(run: Import, counts: Mapping[str, int]) -> None:
    with transaction.atomic():
        Import.objects.filter(pk=run.pk).update(preview_rows_done=0, preview_counts=counts)
        rows = PreviewRow.objects.filter(import_run=run)
        rows._raw_delete(rows.db)


class _Notes:
    """Keeps what batches would do. ``shown`` are the columns whose changes somebody wants to see."""

    def __init__(self, import_id: int, layout: Layout, shown: Collection[str]) -> None:
        self.import_id = import_id
        self.layout = layout
        self.shown = shown

    def keep(self, outcomes: Sequence[Outcome], counts: Mapping[str, int]) -> str:
        """Keep the rows of a batch with the counts up to it, and say what somebody wishes meanwhile."""
        lines = map(self.line_of, outcomes)
        return _keep(self.import_id, lines, counts, rows=len(outcomes))

    def line_of(self, outcome: Outcome) -> str:
        """A row as COPY reads it; an unchanged one costs next to nothing."""
        status, contact_id = outcome.status, outcome.contact_id
        known = NULL if contact_id is None or contact_id < 0 else contact_id
        changes = {} if status is Status.UNCHANGED else changes_of(outcome, self.shown)
        problems = self.problems_of(outcome) if status in REFUSED or outcome.warnings or outcome.merged else []
        return (
            f"{self.import_id}\t{outcome.ref}\t{status.value}\t{known}\t{outcome.matched_by}\t{outcome.rule}"
            f"\t{_json(changes) if changes else '{}'}\t{_json(problems) if problems else '[]'}\n"
        )

    def problems_of(self, outcome: Outcome) -> list[dict[str, str]]:
        """Why the row is refused, what it is warned of, and who becomes part of its contact."""
        found: list[Sequence[str]] = list(outcome.problems)
        if outcome.status in REFUSED and not found:
            found.append((outcome.column, outcome.code, outcome.message))
        found += outcome.warnings
        merged = _("The anonymous contact {id} is merged into this one.")
        found += [("", "merged", merged.format(id=loser_id)) for loser_id in outcome.merged]
        return [
            {"column": self.layout.header_of(column), "code": code, "message": message.replace("\0", "\ufffd")}
            for column, code, message in found
        ]


class PreviewLine(NamedTuple):
    """A row of a preview, see ``PreviewRow``."""

    row: int
    status: str
    contact_id: int | None = None
    matched_by: str = ""
    rule: str = ""
    changes: Mapping[str, Any] = {}
    problems: Sequence[Mapping[str, str]] = ()


def keep_lines(import_id: int, lines: Iterable[PreviewLine], counts: Mapping[str, int], *, rows: int) -> str:
    """Keep the lines of a batch of so many rows with the counts up to it, and say what somebody wishes meanwhile."""
    written = (
        f"{import_id}\t{line.row}\t{line.status}\t{NULL if line.contact_id is None else line.contact_id}"
        f"\t{line.matched_by}\t{line.rule}\t{_json(line.changes)}\t{_json(line.problems)}\n"
        for line in lines
    )
    return _keep(import_id, written, counts, rows=rows)


def _keep(import_id: int, lines: Iterable[str], counts: Mapping[str, int], *, rows: int) -> str:
    """Where another process began the preview anew, ours must not mix with it."""
    with transaction.atomic(), closing(open_cursor()) as cursor:
        # What a crash of the database takes back of a preview is made again.
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(_NOTE, (rows, orjson.dumps(counts).decode(), import_id, counts["rows"] - rows))
        noted = cursor.fetchone()
        if noted is None:
            raise ImportRunning
        with cursor.copy(_COPY) as copy:
            copy.write("".join(lines).encode())
    return str(noted[0])


def changes_of(outcome: Outcome, shown: Collection[str]) -> dict[str, list[Any]]:
    """{column: [old, new]} of the columns that people write; identifiers by their kind."""
    before, after = outcome.before or {}, outcome.after or {}
    changes = {column: [before.get(column), value] for column, value in after.items() if column in shown}
    for column, value in before.items():
        if column in shown and column not in after:
            changes[column] = [value, None]
    for side, values in enumerate((before, after)):
        for slug, _app, value in values.get("identifiers", ()):
            texts = changes.setdefault(slug, [None, None])
            texts[side] = value if texts[side] is None else f"{texts[side]}, {value}"
    return changes


def _json(value: Any) -> str:
    """JSON as COPY reads it."""
    return orjson.dumps(value).decode().replace("\\u0000", "\ufffd").replace("\\", "\\\\")
