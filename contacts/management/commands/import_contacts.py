import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from contacts.identity import Mode
from contacts.identity.settings import read_settings
from contacts.imports.columns import target_of
from contacts.imports.errors import ImportRefused
from contacts.imports.plan import Options
from contacts.imports.run import ImportReport, Progress, run_import

TELL_EVERY = 2.0  # seconds


def find_column(name: str) -> str:
    """The key of a column that is called by its key, label or alias, as headers are."""
    target = target_of(name, read_settings().schema.columns.values())
    if target is None:
        raise CommandError(_("There is no column “%(name)s”. Check its name.") % {"name": name})
    return target


class Command(BaseCommand):
    help = (
        "Import contacts from a file of any size: CSV, TSV, TXT, XLSX or XLS, or one of these zipped. "
        "Rows with errors go to FILE.errors.csv; the others are imported. Started again after an interruption, "
        "the same command goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument(
            "--key",
            required=True,
            help="what finds a row's contact: external_id, email, phone, email_or_phone, id, or a key field of yours",
        )
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.UPSERT.value)
        parser.add_argument("--empty-values", choices=["ignore", "clear"], default="ignore")
        parser.add_argument("--fill-blanks-only", action="store_true", help="overwrite nothing that a contact has")
        parser.add_argument(
            "--keep",
            action="append",
            default=[],
            metavar="COLUMN",
            help="do not overwrite this column; may be repeated",
        )
        parser.add_argument("--restore-deleted", action="store_true", help="bring deleted contacts back")
        parser.add_argument("--replace-external-id", action="store_true")
        parser.add_argument("--dry-run", action="store_true", help="count what would happen and write nothing")
        parser.add_argument("--json", action="store_true", help="the last line is one JSON object of counts")

    def handle(self, **given: Any) -> None:
        options = Options(
            key=given["key"],
            mode=Mode(given["mode"]),
            empty_values_clear=given["empty_values"] == "clear",
            fill_blanks_only=given["fill_blanks_only"],
            keep_columns=tuple(map(find_column, given["keep"])),
            restore_deleted=given["restore_deleted"],
            replace_external_id=given["replace_external_id"],
        )
        self.told_at = time.monotonic()
        try:
            report = run_import(
                given["file"], options, by="command:import_contacts", dry_run=given["dry_run"], tell=self.tell
            )
        except ImportRefused as error:
            if given["json"]:
                self.stdout.write(json.dumps({"error": error.code, "message": error.message}, ensure_ascii=False))
            raise CommandError(f"{error.message} ({error.code})") from error
        self.summarise(report, dry_run=given["dry_run"])
        if given["json"]:
            self.stdout.write(json.dumps(report.counts))

    def tell(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self.told_at < TELL_EVERY:
            return
        self.told_at = now
        self.stderr.write(
            _("%(rows)s rows, %(speed)s rows/s, about %(share)s %% of the file")
            % {
                "rows": f"{progress.rows:,}",
                "speed": f"{progress.rows_per_second:,.0f}",
                "share": f"{min(100 * progress.rows / progress.lines, 100):.0f}",
            }
        )

    def summarise(self, report: ImportReport, *, dry_run: bool) -> None:
        if report.rows_before:
            self.stdout.write(_("Went on after row %(rows)s.") % {"rows": f"{report.rows_before:,}"})
        counts = ", ".join(f"{name} {count:,}" for name, count in report.counts.items())
        speed = (report.counts["rows"] - report.rows_before) / max(report.seconds, 0.001)
        self.stdout.write(f"{counts} ({report.seconds:.1f} s, {speed:,.0f} rows/s)")
        if dry_run:
            self.stdout.write(_("Nothing was written: this was a dry run."))
        if report.errors_path:
            self.stdout.write(_("What to repair is listed in %(path)s.") % {"path": report.errors_path})
