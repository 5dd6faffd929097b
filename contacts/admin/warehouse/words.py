"""Warehouses, their tables and runs in the words of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.actors import Actor, name_actors
from contacts.admin.imports.words import say_duration, say_number, say_size
from contacts.admin.journal import show_moment
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.flow import OPEN
from contacts.exports.warehouse.tables import tables_of
from contacts.models import ExportRun, ExportTable, ExportTarget, RunStatus

__all__ = [
    "STATUS_LABELS",
    "STATUS_WORDS",
    "describe_progress",
    "label_of",
    "open_run",
    "say_schedule",
    "say_where",
    "show_runs",
    "show_tables",
    "status_of",
]

RUNS_SHOWN: Final = 30
OFF, NEVER, RUNNING, WELL, FAILED = "off", "never", "running", "well", "failed"
STATUS_LABELS: Final = {OFF: "default", NEVER: "warning", RUNNING: "info", WELL: "success", FAILED: "danger"}
STATUS_WORDS: Final[dict[str, Any]] = {
    OFF: gettext_lazy("Off"),
    NEVER: gettext_lazy("Not run yet"),
    RUNNING: gettext_lazy("Under way"),
    WELL: gettext_lazy("Up to date with its last run"),
    FAILED: gettext_lazy("Failed"),
}


class ShownTable(NamedTuple):
    """``state`` is how far it is complete at the target."""

    label: str
    name: str
    columns: str
    state: str


class ShownRun(NamedTuple):
    """A line of the history."""

    when: str
    by: Actor
    kind: str
    status: str
    status_words: str
    rows: list[str]
    size: str
    took: str
    error: str


def status_of(target: ExportTarget, *, is_under_way: bool, has_run: bool) -> str:
    """What to know about it first."""
    if is_under_way:
        return RUNNING
    if target.failed_at is not None:
        return FAILED
    if not target.is_active:
        return OFF
    return WELL if has_run else NEVER


def open_run(target: ExportTarget) -> ExportRun | None:
    """The one that is under way, or waits."""
    return target.runs.filter(status__in=OPEN).order_by("-pk").first()


def label_of(slug: str) -> str:
    return str(DATA_SETS[slug].label) if slug in DATA_SETS else slug


def say_where(target: ExportTarget) -> str:
    """Its place, as its kind tells it; nothing secret is among the settings."""
    place, schema = target.settings.get("shown") or "—", target.settings.get("schema")
    return _("{place}, schema {schema}").format(place=place, schema=schema) if schema else str(place)


def say_schedule(target: ExportTarget) -> str:
    """When it runs by itself."""
    if not target.is_active or target.next_run_at is None:
        return _("when somebody asks")
    return _("next at {time}").format(time=show_moment(target.next_run_at))


# Tables


def show_tables(target: ExportTarget) -> list[ShownTable]:
    return [show_table(table) for table in tables_of(target)]


def show_table(table: ExportTable) -> ShownTable:
    count = len(table.columns)
    columns = ngettext("%(count)d column", "%(count)d columns", count) % {"count": count}
    return ShownTable(label_of(table.data_set), table.table_name, columns, say_state(table))


def say_state(table: ExportTable) -> str:
    if not table.made:
        return _("Made by the next run.")
    if table.needs_full:
        return _("Filled anew by the next run; what stands can be read until then.")
    if table.columns_to_fill:
        count = len(table.columns_to_fill)
        return ngettext(
            "%(count)d column is added and filled by the next run.",
            "%(count)d columns are added and filled by the next run.",
            count,
        ) % {"count": count}
    return _("Stands; each run sends what changed.")


# Runs


def show_runs(target: ExportTarget) -> list[ShownRun]:
    """The last ones, the latest first."""
    runs = list(target.runs.order_by("-pk")[:RUNS_SHOWN])
    actors = name_actors(run.by for run in runs)
    return [show_run(run, actors[run.by]) for run in runs]


def show_run(run: ExportRun, actor: Actor) -> ShownRun:
    return ShownRun(
        when=show_moment(run.started_at or run.created_at),
        by=actor,
        kind=run.get_kind_display(),
        status=run.status,
        status_words=run.get_status_display(),
        rows=[say_counts(slug, run.counts[slug]) for slug in DATA_SETS if any(run.counts.get(slug, {}).values())],
        size=say_size(run.bytes) if run.bytes else "—",
        took=say_took(run),
        error=run.error,
    )


def say_counts(slug: str, counts: Mapping[str, int]) -> str:
    """Of one data set."""
    written = _("{count} written").format(count=say_number(counts.get("written", 0)))
    removed = counts.get("removed", 0)
    gone = ", " + _("{count} removed").format(count=say_number(removed)) if removed else ""
    return f"{label_of(slug)}: {written}{gone}"


def say_took(run: ExportRun) -> str:
    if run.started_at is None or run.finished_at is None:
        return "—"
    return say_duration((run.finished_at - run.started_at).total_seconds())


# What is under way


def describe_progress(run: ExportRun) -> dict[str, Any]:
    """``state`` is another one as soon as the page should be read anew; ``percent`` is None while nobody knows."""
    done, total = run.progress.get("done"), run.progress.get("total")
    percent = min(100, int(100 * done / total)) if done and total else None
    return {
        "state": f"{run.status} {run.wish}".strip(),
        "percent": percent,
        "line": say_progress(run),
        "title": run.target.name if percent is None else f"{percent} % · {run.target.name}",
        "counts": {},
    }


def say_progress(run: ExportRun) -> str:
    if run.wish:
        return _("Stopping after these rows…")
    if run.status == RunStatus.QUEUED:
        return _("Waiting for the worker…")
    done, total = run.progress.get("done"), run.progress.get("total")
    if done is None:
        return _("Looking what changed…")
    said = say_number(done)
    if total:
        said = _("{done} of about {total}").format(done=said, total=say_number(max(done, total)))
    return f"{label_of(run.progress.get('data_set', ''))}: {said}"
