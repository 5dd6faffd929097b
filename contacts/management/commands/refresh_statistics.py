"""Takes the dashboard's figures of today; the queue does the same every five minutes."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from contacts.statistics import refresh_statistics


class Command(BaseCommand):
    help = "Count contacts for the dashboard: where something changed, or with --complete all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--complete", action="store_true", help="count all contacts, whatever is known already")

    def handle(self, *, complete: bool, **options: Any) -> None:
        started = time.monotonic()
        done = refresh_statistics(complete=complete)
        left = f", {done.left} are left for the next run" if done.left else ""
        self.stdout.write(f"Counted {done.counted} ranges of contacts in {time.monotonic() - started:.2f} s{left}.")
