"""The report of a run: a line a rule, brought up to date by each piece in the piece's own transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from django.db import transaction

from contacts.identity.pieces import Note, Piece
from contacts.models import RetentionRun
from contacts.retention.rules import Rule

__all__ = ["add_piece", "begin_line", "begin_run", "end_line", "end_run", "fail_run", "note_in", "open_line"]

KEPT_RUNS: Final = 1_000

Line = dict[str, Any]


def begin_run(*, by: str) -> RetentionRun:
    """A new report, or that of a run which was killed: what is left of it is done now, and stands in the same report.

    The caller has claimed the retention, so that nobody else is at it.
    """
    left = RetentionRun.objects.filter(by=by, finished_at=None, error="").order_by("-started_at").first()
    return left or RetentionRun.objects.create(by=by, started_at=datetime.now(UTC))


def end_run(run: RetentionRun) -> None:
    RetentionRun.objects.filter(pk=run.pk).update(finished_at=datetime.now(UTC))
    run.refresh_from_db()
    kept = RetentionRun.objects.order_by("-started_at").values_list("pk", flat=True)[:KEPT_RUNS]
    RetentionRun.objects.exclude(pk__in=list(kept)).delete()


def fail_run(run: RetentionRun, message: str) -> None:
    RetentionRun.objects.filter(pk=run.pk).update(error=message)


def begin_line(run: RetentionRun, rule: Rule, *, kept: int, before: datetime) -> None:
    """Why, from when on. What an earlier attempt of this run removed stays counted."""
    _write(run.pk, rule.name, partial(open_line, kept=kept, unit=rule.unit, before=before, at=datetime.now(UTC)))


def end_line(run: RetentionRun, rule: Rule) -> None:
    _write(run.pk, rule.name, lambda line: {**line, "ended_at": datetime.now(UTC).isoformat()})


def note_in(run: RetentionRun, rule: Rule) -> Note:
    """Takes down pieces in this line."""
    return lambda piece: _write(run.pk, rule.name, lambda line: add_piece(line, piece))


def _write(run_id: int, rule: str, change: Callable[[Line], Line]) -> None:
    with transaction.atomic():
        run = RetentionRun.objects.select_for_update().get(pk=run_id)
        run.lines = {**run.lines, rule: change(run.lines.get(rule, {}))}
        run.save(update_fields=["lines"])


# What a line says


def open_line(line: Line, *, kept: int, unit: str, before: datetime, at: datetime) -> Line:
    """What could not go is found again; what went is counted on."""
    so_far = {"began_at": at.isoformat(), "gone": {}, "months": []} | line
    why = {"kept": kept, "unit": unit, "before": before.isoformat()}
    return so_far | why | {"ended_at": None, "left": {}, "months_left": []}


def add_piece(line: Line, piece: Piece) -> Line:
    return {
        **line,
        "gone": _sum(line["gone"], piece.gone),
        "left": _sum(line["left"], piece.left),
        "months": [*line["months"], *piece.months],
        "months_left": [*line["months_left"], *piece.months_left],
    }


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Without what is nothing."""
    return dict(Counter(one) + Counter(other))
