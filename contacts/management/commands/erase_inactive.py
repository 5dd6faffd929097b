"""Erases whom nobody has seen for longer than the policy keeps them; the nightly job does the same."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.identity.retention import find_expired
from contacts.models import RetentionRun
from contacts.retention import ERASING, apply_retention


class Command(BaseCommand):
    help = (
        "Erase anonymous contacts and visitors after the policy's days of inactivity, never one with an external ID, "
        "an email or a phone. The report of it stands with those of the nights. With --dry-run nothing is written: it "
        "shows how many, and the first of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show who would be erased and write nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        found = find_expired()._asdict() if dry_run else erase()
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        would = "would be erased" if dry_run else "were erased"
        self.stdout.write(f"{found['contacts']} anonymous contacts and {found['visitors']} visitors {would}.")
        for name, ids in found.items():
            if isinstance(ids, list) and ids:
                self.stdout.write(f"  {name.replace('_', ' ')}: {', '.join(map(str, ids))}")


def erase() -> dict[str, Any]:
    run = apply_retention(by="command:erase_inactive", only=ERASING)
    if run is None:
        raise CommandError("The retention is at work already. Its page in the settings shows how far it is.")
    return count_erased(run)


def count_erased(run: RetentionRun) -> dict[str, int]:
    return {rule: run.lines.get(rule, {}).get("gone", {}).get(rule, 0) for rule in ERASING}
