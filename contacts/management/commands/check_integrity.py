"""Proves that columns, identifiers, merges and activity agree."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from contacts.identity.integrity import CHECKS, IntegrityProblem, check_integrity


class Command(BaseCommand):
    help = (
        "Check that columns agree with identifiers, and merges and activity with contacts; exit 1 if anything is off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--limit", type=int, default=20, help="examples of each kind of trouble (20)")

    def handle(self, *, limit: int, **options: Any) -> None:
        counts: Counter[str] = Counter()
        examples: dict[str, list[IntegrityProblem]] = {check: [] for check in CHECKS}
        for problem in check_integrity():
            counts[problem.check] += 1
            if len(examples[problem.check]) < limit:
                examples[problem.check].append(problem)
        if options["json"]:
            self.print_json(counts, examples)
        else:
            self.print_list(counts, examples)
        if counts:
            raise SystemExit(1)

    def print_json(self, counts: Counter[str], examples: dict[str, list[IntegrityProblem]]) -> None:
        problems = [
            {
                "check": check,
                "message": CHECKS[check],
                "count": counts[check],
                "examples": [
                    {"contactId": problem.contact_id, "detail": problem.detail} for problem in examples[check]
                ],
            }
            for check in CHECKS
            if counts[check]
        ]
        self.stdout.write(json.dumps({"ok": not counts, "problems": problems}, ensure_ascii=False))

    def print_list(self, counts: Counter[str], examples: dict[str, list[IntegrityProblem]]) -> None:
        for check in CHECKS:
            if counts[check]:
                self.stdout.write(self.style.ERROR(f"{CHECKS[check]} ({counts[check]} times, {check})"))
                for problem in examples[check]:
                    self.stdout.write(f"  contact {problem.contact_id}: {problem.detail}")
                if counts[check] > len(examples[check]):
                    self.stdout.write(f"  … and {counts[check] - len(examples[check])} more.")
        if not counts:
            self.stdout.write(self.style.SUCCESS("Everything agrees."))
